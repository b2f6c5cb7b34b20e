"""S13: what wallets tell of direct payments is so, and none is made twice.

Every direct payment that a wallet of the run knows of is held against the chain with most work:
what is called settled is in a block, no coin of what is called unspent was spent otherwise, an
invoice is paid by one transaction at most, and payer and payee do not say the opposite.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from axon.payments.verdict import PaymentLevel
from axon.primitives.address import decode_address
from axon.primitives.block import Block
from axon.primitives.hashes import Txid, to_hex
from axon.primitives.network import REGTEST
from axon.primitives.transaction import OutPoint, Transaction
from axon.rpc.errors import RpcError
from axon.swarm.invariants import Finding, counted
from axon.swarm.lab.checkedrun import CheckedRun, CheckedWallet
from axon.swarm.lab.directpay import LOST
from axon.swarm.lab.safety import read_blocks
from axon.swarm.lab.service import most_work
from axon.swarm.story.participants import amount_sat

PAGE: Final = 100
"""Payments asked for in one call."""

ALERT_BLOCKS: Final = 1
"""So many blocks behind the one that spends a coin otherwise its payee must know of it."""

Told = Mapping[str, Any]
"""A payment as one side tells it (`listdeals`)."""


class DirectLedger:
    """A chain, by what is asked of direct payments.

    Args:
        blocks: of it, from height 1 on.
    """

    def __init__(self, blocks: Iterable[Block]) -> None:
        self.spent: dict[OutPoint, tuple[Txid, int]] = {}
        self.paid: dict[bytes, dict[Txid, int]] = {}
        for height, block in enumerate(blocks, start=1):
            for item in block.transactions:
                self._add(item, height)

    def _add(self, item: Transaction, height: int) -> None:
        for place in item.prevouts:
            self.spent[place] = item.txid, height
        for output in item.outputs:
            paid = self.paid.setdefault(output.script_pubkey, {})
            paid[item.txid] = paid.get(item.txid, 0) + output.amount_sat

    def payments_of(self, told: Told) -> list[Txid]:
        """The transactions that pay what an invoice asks for."""
        least_sat = 0 if told["amount"] is None else amount_sat(told["amount"])
        paid = self.paid.get(decode_address(told["address"], REGTEST), {})
        return [txid for txid, sat in paid.items() if sat >= least_sat]

    def rival_of(self, payment: Transaction, height: int) -> tuple[Txid, int] | None:
        """What has spent a coin of a payment otherwise, up to a height."""
        found = [self.spent[place] for place in payment.prevouts if place in self.spent]
        return next((e for e in found if e[0] != payment.txid and e[1] <= height), None)


def direct_truth(run: CheckedRun) -> Finding | None:
    """S13: of all wallets that run; None where none listens."""
    payable = [item.name for item in run.manifest.payable]
    wallets = [wallet for wallet in run.wallets() if wallet.name in payable]
    if not wallets:
        return None
    seen = {wallet.name: wallet.scanned()[0] for wallet in wallets}  # Before it tells anything.
    told = {wallet.name: _deals(wallet) for wallet in wallets}
    node = most_work(run)
    tip, height = str(node.rpc("getbestblockhash")), int(node.rpc("getblockcount"))
    ledger = DirectLedger(Block.decode(raw) for raw in read_blocks(node, tip, height))
    judge = _Judge(ledger, wallets, seen, told)
    wrong: dict[str, str] = {}
    for wallet in wallets:
        for deal in told[wallet.name]:
            fault = judge.fault_of(wallet, deal)
            if fault:
                wrong.setdefault(wallet.name, fault)
    tried = sum(map(len, told.values()))
    if wrong:
        name, said = next(iter(wrong.items()))
        return Finding("S13", False, f"{name}: {said}", culprits=tuple(wrong), tried=tried)
    said = (
        f"what {counted(len(wallets), 'wallet')} tell of {counted(tried, 'direct payment')} is so"
    )
    return Finding("S13", True, said, tried=tried)


def _deals(wallet: CheckedWallet) -> list[Told]:
    found: list[Told] = []
    while True:
        page = wallet.rpc("listdeals", count=PAGE, skip=len(found))
        found += page
        if len(page) < PAGE:
            return found


class _Judge:
    """Holds what is told against a chain.

    Args:
        ledger: of the chain.
        wallets: that were asked.
        seen: by name, the last block that each had seen then.
        told: what each said.
    """

    def __init__(
        self,
        ledger: DirectLedger,
        wallets: Sequence[CheckedWallet],
        seen: Mapping[str, int],
        told: Mapping[str, Sequence[Told]],
    ) -> None:
        self._ledger = ledger
        self._wallets = wallets
        self._seen = seen
        self._sides: dict[tuple[str, str], Told] = {
            (deal["id"], deal["role"]): deal for deals in told.values() for deal in deals
        }

    def fault_of(self, wallet: CheckedWallet, told: Told) -> str:
        """What is wrong with what a wallet says of a payment; empty if nothing is."""
        found = self._ledger.payments_of(told)
        name = f"invoice {told['id'][:16]}"
        if len(found) > 1 and told["role"] == "payer":
            return f"it has paid {name} with {counted(len(found), 'transaction')}"
        if told["stage"] == "settled" and not found:
            return f"it calls {name} settled, and no block has a payment of it"
        if told["stage"] in LOST and self._other_stage(told) == "settled":
            return f"it calls {name} {told['stage']}, and the other side settled"
        return self._spent_since(wallet, told)

    def _other_stage(self, told: Told) -> str:
        other = "payee" if told["role"] == "payer" else "payer"
        return str(self._sides.get((told["id"], other), {}).get("stage", ""))

    def _spent_since(self, wallet: CheckedWallet, told: Told) -> str:
        """What a payee still vouches for though a block has spent a coin of it otherwise."""
        level = told["level"]
        if told["role"] != "payee" or level is None or level < PaymentLevel.UNSPENT:
            return ""
        payment = self._payment(told["txid"])
        if payment is None or told["stage"] == "settled":
            return ""
        rival = self._ledger.rival_of(payment, self._seen[wallet.name] - ALERT_BLOCKS)
        if rival is None:
            return ""
        return f"it calls a coin unspent that {to_hex(rival[0])} has spent in block {rival[1]}"

    def _payment(self, txid: str) -> Transaction | None:
        """A payment, as any of the wallets has it."""
        for wallet in self._wallets:
            try:
                return Transaction.decode(bytes.fromhex(wallet.rpc("gettransaction", txid)["hex"]))
            except RpcError:
                continue
        return None
