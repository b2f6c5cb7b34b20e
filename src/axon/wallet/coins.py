"""What people see of money: the balance and the single coins behind it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from axon.primitives.address import encode_address
from axon.primitives.network import COINBASE_MATURITY
from axon.primitives.transaction import OutPoint, Transaction, outpoint_txid
from axon.wallet.labels import LabelKind, label_of, outpoint_ref
from axon.wallet.ledger import WalletLedger
from axon.wallet.records import Keychain


@dataclass(frozen=True, slots=True)
class Balance:
    """What a wallet holds.

    Args:
        confirmed_sat: in blocks.
        trusted_pending_sat: change of our own payments that are in no block yet.
        untrusted_pending_sat: promised by others, in no block yet; may never come.
        immature_sat: mined, and to be spent after 100 blocks.
    """

    confirmed_sat: int
    trusted_pending_sat: int
    untrusted_pending_sat: int
    immature_sat: int

    @property
    def total_sat(self) -> int:
        """Confirmed, pending and immature together."""
        return (
            self.confirmed_sat
            + self.trusted_pending_sat
            + self.untrusted_pending_sat
            + self.immature_sat
        )


@dataclass(frozen=True, slots=True)
class WalletCoin:
    """An unspent output of ours.

    Args:
        outpoint: its name.
        amount_sat: what it holds.
        address: which one was paid.
        confirmations: 0 while it is in no block.
        change: whether it came back to us from a payment of ours.
        frozen: whether it was set aside by hand.
        immature: whether it was mined, and lately.
        trusted: whether it is in a block or made by us alone, with all that it builds on; others
            may take back what they promised, or made with us.
        label: of the coin; empty if it has none.
    """

    outpoint: OutPoint
    amount_sat: int
    address: str
    confirmations: int
    change: bool
    frozen: bool
    immature: bool
    trusted: bool
    label: str

    @property
    def spendable(self) -> bool:
        """Whether a payment may use it now."""
        return self.trusted and not self.frozen and not self.immature


def coins_of(ledger: WalletLedger, unspent: Iterable[OutPoint]) -> list[WalletCoin]:
    """All unspent coins, the oldest first, those in no block last."""
    coins = [_coin(ledger, point) for point in unspent]
    return sorted(coins, key=lambda coin: (-coin.confirmations, coin.outpoint))


def _coin(ledger: WalletLedger, point: OutPoint) -> WalletCoin:
    owned, parent = ledger.owned[point], ledger.transactions[outpoint_txid(point)]
    confirmations = ledger.confirmations(parent.txid)
    address = encode_address(owned.output.script_pubkey, ledger.network)
    assert address is not None, "only scripts that have an address are watched"
    return WalletCoin(
        outpoint=point,
        amount_sat=owned.output.amount_sat,
        address=address,
        confirmations=confirmations,
        change=owned.place.keychain is Keychain.CHANGE,
        frozen=point in ledger.frozen,
        immature=parent.is_coinbase and confirmations < COINBASE_MATURITY,
        trusted=_is_trusted(ledger, parent),
        label=label_of(ledger, LabelKind.COIN, outpoint_ref(point)),
    )


def is_shared(ledger: WalletLedger, transaction: Transaction) -> bool:
    """Whether coins of ours and of others are spent together, as in a payjoin.

    The others have it signed as well, and can send it, or spend their own coin elsewhere.
    """
    ours = [prevout in ledger.owned for prevout in transaction.prevouts]
    return any(ours) and not all(ours)


def _is_trusted(ledger: WalletLedger, transaction: Transaction) -> bool:
    """Whether nobody but us can take it back."""
    lineage = {transaction.txid: transaction}
    queue = [transaction]
    for each in queue:
        if each.txid in ledger.confirmed:
            continue
        if not all(prevout in ledger.owned for prevout in each.prevouts):
            return False
        if any(is_shared(ledger, ledger.transactions[txid]) for txid in ledger.conflicts(each)):
            return False
        for prevout in each.prevouts:
            parent = ledger.transactions.get(outpoint_txid(prevout))
            if parent is not None and parent.txid not in lineage:
                lineage[parent.txid] = parent
                queue.append(parent)
    return True
