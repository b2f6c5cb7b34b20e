"""What must hold of wallets that pay each other, held against the chain of an honest node."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Final

from axon.machine import SECOND, Instant
from axon.payments.deal import Deal, DealStage, Role
from axon.payments.invoice import Invoice
from axon.payments.receipt import verify
from axon.payments.verdict import PaymentLevel, Verdict
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash, Txid, to_hex
from axon.primitives.network import REGTEST
from axon.primitives.transaction import OutPoint, Transaction, TxOut, outpoint
from axon.swarm.sim.lightjudge import confirmed_sat
from axon.swarm.sim.simulation import SimNetwork
from tests.payments.payscene import kernel
from tests.swarm.sim.payingwallet import PayingWallet

HELD_FOR: Final = 5 * SECOND
"""So long a connection to an honest node stands before what its wallet says counts as its word."""


class Truth:
    """The chain of an honest node, by what payments ask of it.

    Args:
        net: the network.
        number: of the node, which alone mines.

    Attributes:
        former: how it was before each reorganisation.
    """

    def __init__(self, net: SimNetwork, number: int) -> None:
        self._net, self._number = net, number
        self._blocks: dict[BlockHash, tuple[Block, int]] = {}  # With their heights.
        self._read = 0
        self.former: list[Truth] = []
        self._forget()

    def _forget(self) -> None:
        self._hashes: list[BlockHash] = [REGTEST.genesis.hash]
        self.spent: dict[OutPoint, tuple[Txid, int]] = {}
        self.outputs: dict[OutPoint, TxOut] = {}
        self.mined: dict[Txid, int] = {}

    def read(self) -> None:
        """Take in what was mined since; of two chains of one length the first counts."""
        blocks = self._net.nodes[self._number].disk.blocks
        for raw in blocks[self._read :]:
            block = Block.decode(raw)
            _, below = self._blocks.get(block.header.prev, (None, 0))
            self._blocks[block.hash] = block, below + 1
            if below + 1 > self.height:
                self._stand_on(block)
        self._read = len(blocks)

    def _stand_on(self, tip: Block) -> None:
        branch = [tip]
        if tip.header.prev != self._hashes[-1]:
            self.former.append(copy(self))
            self._forget()
            while (before := self._blocks.get(branch[-1].header.prev)) is not None:
                branch.append(before[0])
        for block in reversed(branch):
            self._hashes.append(block.hash)
            for item in block.transactions:
                self._take(item)

    def _take(self, item: Transaction) -> None:
        self.mined[item.txid] = self.height
        for point in item.prevouts:
            self.spent[point] = item.txid, self.height
        for index, output in enumerate(item.outputs):
            self.outputs[outpoint(item.txid, index)] = output

    @property
    def height(self) -> int:
        """Of the tip."""
        return len(self._hashes) - 1

    def hash_at(self, height: int) -> BlockHash | None:
        """Of a block; None above the tip."""
        return self._hashes[height] if height <= self.height else None

    def balance_sat(self, scripts: frozenset[bytes], height: int) -> int:
        """What is paid to scripts and unspent, up to a height."""
        return sum(
            output.amount_sat
            for point, output in self.outputs.items()
            if output.script_pubkey in scripts
            and self.mined[Txid(point[:32])] <= height
            and (point not in self.spent or self.spent[point][1] > height)
        )

    def paid_by(self, script: bytes) -> list[Txid]:
        """Which transactions pay to a script."""
        return sorted(
            {
                Txid(point[:32])
                for point, output in self.outputs.items()
                if output.script_pubkey == script
            }
        )


class Judge:
    """Says what is wrong.

    Args:
        net: the full nodes.
        honest: the numbers of those that do not lie; the first one's chain is the truth.

    Attributes:
        wrong: what should not have been.
        levels: how many verdicts of each were held against the truth.
    """

    def __init__(self, net: SimNetwork, honest: Sequence[int]) -> None:
        self._net = net
        self._honest = frozenset(honest)
        self.truth = Truth(net, honest[0])
        self.wrong: list[str] = []
        self.levels: dict[PaymentLevel, int] = {}
        self._judged: dict[tuple[int, bytes], Verdict | None] = {}

    # Always.

    def look(self, wallet: PayingWallet) -> None:
        """Judge each verdict that a payee gives, once."""
        for deal in wallet.book.deals(Role.PAYEE):
            key = wallet.index, deal.invoice.id
            if deal.verdict is None or self._judged.get(key) == deal.verdict:
                continue
            self._judged[key] = deal.verdict
            if self.has_honest_peer(wallet):
                level = deal.verdict.level
                self.levels[level] = self.levels.get(level, 0) + 1
                self.truth.read()
                fault = self.fault_of(deal, deal.verdict)
                if fault:
                    self.wrong.append(f"wallet {wallet.index} says {deal.verdict}: {fault}")

    def has_honest_peer(self, wallet: PayingWallet) -> bool:
        """Whether it has been connected to an honest node for a while."""
        if wallet.number < 0:
            return False
        since: Instant = self._net.simulation.clock(wallet.number) - HELD_FOR
        return any(
            session.negotiated is not None
            and session.kind.is_lasting
            and session.opened_at <= since
            and self._net.simulation.number_of(session.remote.host) in self._honest
            for session in wallet.spv.sessions.values()
        )

    def fault_of(self, deal: Deal, verdict: Verdict) -> str:
        """What of a verdict does not hold in the true chain; empty if all does.

        The chain may have been another one when the wallet looked.
        """
        faults = [
            _fault_in(truth, deal, verdict) for truth in (self.truth, *reversed(self.truth.former))
        ]
        return faults[0] if all(faults) else ""

    # In the end.

    def check_end(self, wallets: Sequence[PayingWallet]) -> None:
        """Every wallet holds what the chain says, and all of them together."""
        self.truth.read()
        for wallet in wallets:
            scripts = frozenset(wallet.wallet.watched_scripts())
            due_sat = self.truth.balance_sat(scripts, self.truth.height)
            held_sat = confirmed_sat(wallet.wallet)
            if held_sat != due_sat:
                self.wrong.append(
                    f"wallet {wallet.index} holds {held_sat} sat in blocks, the chain {due_sat}"
                )

    def check_payment(
        self, payer: PayingWallet, payee: PayingWallet, invoice: Invoice, *, cheats: bool
    ) -> None:
        """A payment was made once, and both have a receipt of it; or it is truly undone."""
        self.truth.read()
        name = f"{payer.index} pays {payee.index}"
        paid = self.truth.paid_by(invoice.script_pubkey)
        mine, theirs = (
            payer.book.get(Role.PAYER, invoice.id),
            payee.book.get(Role.PAYEE, invoice.id),
        )
        if len(paid) > 1 or (not paid and not cheats):
            self.wrong.append(f"{name}: {len(paid)} transactions pay the invoice")
        if mine is None or theirs is None:
            self.wrong.append(f"{name}: one of them knows nothing of it")
            return
        for deal in (mine, theirs):
            settled = deal.stage is DealStage.SETTLED
            if settled != bool(paid):
                self.wrong.append(f"{name}: {deal.role.name} has {deal.stage}, {len(paid)} mined")
            if deal.receipt is not None:
                self._check_receipt(name, deal, paid)
            elif not cheats:
                self.wrong.append(f"{name}: {deal.role.name} has no receipt")

    def _check_receipt(self, name: str, deal: Deal, paid: Sequence[Txid]) -> None:
        receipt = deal.receipt
        assert receipt is not None, "it was looked for"
        found = verify(receipt, kernel)
        if not found.is_valid:
            self.wrong.append(f"{name}: {deal.role.name}'s receipt: {found.reason}")
        if not paid:
            return
        if receipt.txid not in paid:
            self.wrong.append(f"{name}: {deal.role.name}'s receipt is for what no block has")
        elif receipt.proof is None:
            self.wrong.append(f"{name}: {deal.role.name}'s receipt has no proof")


def _fault_in(truth: Truth, deal: Deal, verdict: Verdict) -> str:
    """What of a verdict does not hold in a chain; empty if all does."""
    packet = deal.packet
    if packet is None or verdict.level < PaymentLevel.FUNDED:
        return ""
    if verdict.level is PaymentLevel.MINED:
        heights = [truth.mined[txid] for txid in deal.txids if txid in truth.mined]
        is_there = any(height <= verdict.height for height in heights)
        return "" if is_there else "no block has it"
    for proof in packet.confirmed:
        if truth.hash_at(proof.height) != proof.block_hash:
            return f"block {proof.height} of a coin is not in the chain"
    if verdict.level is PaymentLevel.FUNDED:
        return ""
    own = {*deal.txids, *(item.txid for item in packet.unconfirmed)}
    for item in (packet.transaction, *packet.unconfirmed):
        for point in item.prevouts:
            by, height = truth.spent.get(point, (None, 0))
            if by is not None and by not in own and height <= verdict.height:
                return f"{to_hex(by)} spent a coin of it in block {height}"
    return ""
