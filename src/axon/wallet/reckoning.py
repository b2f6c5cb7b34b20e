"""Which transactions count, and what is unspent after them: asked of BDK where it has a descriptor.

Of an address of which nothing else is known BDK can make no wallet. What counts is then worked out
here, by the same rules: blocks first, then of transactions that exclude each other the one that was
seen last, with all that it builds on.
"""

from __future__ import annotations

from typing import Protocol

import bdkpython as bdk

from axon.primitives.hashes import Txid
from axon.primitives.network import COINBASE_MATURITY
from axon.primitives.transaction import OutPoint, outpoint_txid
from axon.wallet.bdkwallet import from_bdk_outpoint, load_bdk_wallet
from axon.wallet.coins import Balance
from axon.wallet.ledger import WalletLedger


class Reckoning(Protocol):
    """What follows from the records as of now."""

    def counted(self) -> list[Txid]:
        """Transactions that are in a block, or unconfirmed and not outdone by another."""

    def unspent(self) -> list[OutPoint]:
        """Outputs of ours that no counted one spends."""

    def balance(self) -> Balance:
        """The sum of these, by how sure they are."""


def reckoning_of(ledger: WalletLedger) -> Reckoning:
    """What follows from a wallet's records.

    Raises:
        WalletError: BDK does not accept the records, with its error as the cause.
    """
    if ledger.book.is_address:
        return AddressReckoning(ledger)
    return BdkReckoning(load_bdk_wallet(ledger))


class BdkReckoning:
    """As BDK sees it.

    Args:
        wallet: of BDK, to be asked and not changed.
    """

    def __init__(self, wallet: bdk.Wallet) -> None:
        self._wallet = wallet

    def counted(self) -> list[Txid]:
        """See `Reckoning`."""
        found = self._wallet.transactions()
        return [Txid(bytes(item.transaction.compute_txid().serialize())) for item in found]

    def unspent(self) -> list[OutPoint]:
        """See `Reckoning`."""
        return [from_bdk_outpoint(found.outpoint) for found in self._wallet.list_unspent()]

    def balance(self) -> Balance:
        """See `Reckoning`."""
        found = self._wallet.balance()
        return Balance(
            confirmed_sat=found.confirmed.to_sat(),
            trusted_pending_sat=found.trusted_pending.to_sat(),
            untrusted_pending_sat=found.untrusted_pending.to_sat(),
            immature_sat=found.immature.to_sat(),
        )


class AddressReckoning:
    """As it follows from the records of a wallet that watches one address.

    Args:
        ledger: the records.
    """

    def __init__(self, ledger: WalletLedger) -> None:
        self._ledger = ledger
        self._counted = dict.fromkeys(ledger.confirmed)
        latest = sorted(ledger.seen, key=lambda txid: (-ledger.seen[txid].last_s, txid))
        for txid in latest:
            lineage = self._lineage(txid)
            if lineage is not None:
                self._counted.update(dict.fromkeys(lineage))

    def counted(self) -> list[Txid]:
        """See `Reckoning`."""
        return list(self._counted)

    def unspent(self) -> list[OutPoint]:
        """See `Reckoning`."""
        ledger, counted = self._ledger, self._counted
        return [
            point
            for point in ledger.owned
            if outpoint_txid(point) in counted
            and not any(spender in counted for spender in ledger.spenders(point))
        ]

    def balance(self) -> Balance:
        """See `Reckoning`. Whatever is in no block is of others, who can take it back."""
        ledger = self._ledger
        confirmed_sat = pending_sat = immature_sat = 0
        for point in self.unspent():
            amount_sat = ledger.owned[point].output.amount_sat
            txid = outpoint_txid(point)
            confirmations = ledger.confirmations(txid)
            if not confirmations:
                pending_sat += amount_sat
            elif ledger.transactions[txid].is_coinbase and confirmations < COINBASE_MATURITY:
                immature_sat += amount_sat
            else:
                confirmed_sat += amount_sat
        return Balance(confirmed_sat, 0, pending_sat, immature_sat)

    def _lineage(self, txid: Txid) -> list[Txid] | None:
        """A transaction and the unconfirmed ones that it builds on; None if one is outdone."""
        found = [txid]
        for each in found:
            transaction = self._ledger.transactions[each]
            if transaction.is_coinbase:
                return None  # Its block left the chain.
            if any(rival in self._counted for rival in self._ledger.conflicts(transaction)):
                return None
            found += [
                parent
                for parent in map(outpoint_txid, transaction.prevouts)
                if parent in self._ledger.transactions
                and parent not in self._counted
                and parent not in found
            ]
        return found
