"""A wallet as simple as can be, to hold the scan and the real one against: scripts and a dict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from axon.chain.blockbody import read_body
from axon.chain.filters import match_any
from axon.primitives.hashes import BlockHash, Txid
from axon.primitives.network import REGTEST, Network
from axon.primitives.transaction import OutPoint, Transaction, outpoint
from axon.primitives.verdict import Accepted, Rejected, Verdict
from axon.swarm.sim.lightdisk import LightDisk


@dataclass
class Taken:
    verdict: Verdict
    found: tuple[Txid, ...] = ()
    scripts_grew: bool = False


@dataclass
class NaiveWallet:
    """Knows its scripts from the start; with `later` scripts it watches only once the first is
    paid."""

    scripts: list[bytes]
    later: list[bytes] = field(default_factory=list)
    confirmed: dict[Txid, tuple[int, Transaction]] = field(default_factory=dict)
    unconfirmed: dict[Txid, Transaction] = field(default_factory=dict)
    deliveries: dict[Txid, bool] = field(default_factory=dict)
    own: dict[Txid, None] = field(default_factory=dict)
    scanned: tuple[int, BlockHash] | None = None
    blocks_taken: int = 0
    disk: LightDisk = field(default_factory=LightDisk)

    @property
    def network(self) -> Network:
        return REGTEST

    def match_filters(self, filters: Sequence[tuple[BlockHash, bytes]]) -> tuple[bool, ...]:
        return tuple(match_any(data, name, self.scripts) for name, data in filters)

    def take_block(self, block_hash: BlockHash, height: int, raw: bytes) -> Taken:
        block = read_body(block_hash, raw, segwit=True)
        if isinstance(block, Rejected):
            return Taken(block)
        self.blocks_taken += 1
        found: list[Txid] = []
        for transaction in block.transactions:
            if self._concerns(transaction):
                self.confirmed[transaction.txid] = (height, transaction)
                self.unconfirmed.pop(transaction.txid, None)
                found.append(transaction.txid)
        grew = bool(found and self.later)
        if grew:
            self.scripts, self.later = [*self.scripts, *self.later], []
        return Taken(Accepted(), tuple(found), grew)

    def follow_chain(self, fork_height: int | None, height: int, block_hash: BlockHash) -> None:
        if fork_height is not None:
            kept = {txid: item for txid, item in self.confirmed.items() if item[0] <= fork_height}
            for txid, (_, transaction) in self.confirmed.items():
                if txid not in kept:
                    self.unconfirmed[txid] = transaction
            self.confirmed = kept
        self.scanned = (height, block_hash)

    def take_unconfirmed(self, transaction: Transaction, now_s: int, source: str) -> bool:  # noqa: ARG002
        if transaction.txid in self.confirmed or not self._concerns(transaction):
            return False
        self.unconfirmed[transaction.txid] = transaction
        return True

    def note_delivery(self, txid: Txid, *, shown: bool) -> None:
        self.deliveries[txid] = shown

    def unconfirmed_own(self) -> list[Transaction]:
        return [item for txid, item in self.unconfirmed.items() if txid in self.own]

    def _coins(self) -> dict[OutPoint, int]:
        return {
            outpoint(transaction.txid, index): output.amount_sat
            for _, transaction in self.confirmed.values()
            for index, output in enumerate(transaction.outputs)
            if output.script_pubkey in self.scripts
        }

    def _concerns(self, transaction: Transaction) -> bool:
        coins = self._coins()
        return any(point in coins for point in transaction.prevouts) or any(
            output.script_pubkey in self.scripts for output in transaction.outputs
        )

    @property
    def balance_sat(self) -> int:
        """Of confirmed coins that no confirmed transaction spends."""
        spent = {point for _, item in self.confirmed.values() for point in item.prevouts}
        return sum(amount for point, amount in self._coins().items() if point not in spent)
