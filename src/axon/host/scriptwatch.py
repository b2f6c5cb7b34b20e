"""Scripts that a light client watches: the part of a wallet that needs no keys.

What pays a watched script is found, and what spends a coin that was found. Nothing is written down:
a later run looks at the blocks again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from axon.chain.blockbody import read_body
from axon.chain.filters import may_match
from axon.chain.parts import spends_and_makes
from axon.errors import ConfigError
from axon.primitives.hashes import BlockHash, Txid
from axon.primitives.network import Network
from axon.primitives.transaction import OutPoint, Transaction, outpoint
from axon.primitives.verdict import Accepted, Rejected, Verdict

MAX_FOUND: Final = 10_000
"""Transactions that are remembered. Anybody can pay a script, so the oldest are forgotten."""


@dataclass(frozen=True, slots=True)
class WatchedTransaction:
    """A transaction that pays a watched script, or spends what was paid to one.

    Args:
        height: of its block; None while it is unconfirmed.
    """

    transaction: Transaction
    height: int | None


@dataclass(frozen=True, slots=True)
class BlockWatched:
    """What came of a block.

    Args:
        verdict: rejected if the bytes are not the block.
        found: transactions in it that concern a watched script.
        scripts_grew: never, as scripts come from outside only.
    """

    verdict: Verdict
    found: tuple[Txid, ...] = ()
    scripts_grew: bool = False


def _checked(scripts: Iterable[object]) -> list[bytes]:
    """The scripts, if such can be watched; a program without types may hand in anything."""
    checked: list[bytes] = []
    for script in scripts:
        if not isinstance(script, bytes) or not script:
            raise ConfigError(
                f"a script to watch is to be bytes, as decode_address gives them, not {script!r}"
            )
        checked.append(script)
    return checked


class ScriptWatch:
    """Watched scripts, fed by a light client (`node.walletjobs.Wallet`).

    Args:
        network: whose coins are meant.
        scripts: to begin with.
    """

    def __init__(self, network: Network, scripts: Iterable[bytes] = ()) -> None:
        self._network = network
        self._scripts = dict.fromkeys(_checked(scripts))
        self._coins: dict[OutPoint, bytes] = {}  # Found ones, with their scripts.
        self._found: OrderedDict[Txid, WatchedTransaction] = OrderedDict()

    @property
    def network(self) -> Network:
        """Whose coins are meant."""
        return self._network

    def find(self, txid: Txid) -> WatchedTransaction | None:
        """One of the last `MAX_FOUND` transactions found; from any thread."""
        return self._found.get(txid)

    def watch(self, scripts: Iterable[bytes]) -> None:
        """Watch more scripts."""
        self._scripts |= dict.fromkeys(scripts)

    def match_filters(self, filters: Sequence[tuple[BlockHash, bytes]]) -> tuple[bool, ...]:
        """For each block whether it may concern a script (BIP 158)."""
        scripts = self._scripts
        return tuple([bool(scripts) and may_match(data, name, scripts) for name, data in filters])

    def take_block(self, block_hash: BlockHash, height: int, raw: bytes) -> BlockWatched:
        """Look through a block of the best chain."""
        block = read_body(block_hash, raw, segwit=self._network.has_segwit(height))
        if isinstance(block, Rejected):
            return BlockWatched(block)
        found = [item for item in block.transactions if self._concerns(item)]
        for transaction in found:
            self._keep(WatchedTransaction(transaction, height))
        return BlockWatched(Accepted(), tuple([item.txid for item in found]))

    def take_unconfirmed(self, transaction: Transaction, now_s: int, source: str) -> bool:  # noqa: ARG002
        """An unconfirmed transaction; whether it concerns a script."""
        if not self._concerns(transaction):
            return False
        self._keep(WatchedTransaction(transaction, None))
        return True

    def follow_chain(self, fork_height: int | None, height: int, block_hash: BlockHash) -> None:  # noqa: ARG002
        """What was found in blocks that left the chain is unconfirmed again."""
        if fork_height is None:
            return
        for txid, item in self._found.items():
            if item.height is not None and item.height > fork_height:
                self._found[txid] = WatchedTransaction(item.transaction, None)

    def unconfirmed_own(self) -> Sequence[Transaction]:
        """None: who watches makes no transactions."""
        return ()

    def note_delivery(self, txid: Txid, *, shown: bool) -> None:
        """Nothing: who watches makes no transactions."""

    def _concerns(self, transaction: Transaction) -> bool:
        """Whether a transaction pays a script or spends its coin; the coins it makes are noted."""
        prevouts, outputs = spends_and_makes(transaction)
        ours = any(prevout in self._coins for prevout in prevouts)
        for index, (_, script) in enumerate(outputs):
            if script in self._scripts:
                self._coins[outpoint(transaction.txid, index)] = script
                ours = True
        return ours

    def _keep(self, item: WatchedTransaction) -> None:
        txid = item.transaction.txid
        self._found[txid] = item
        self._found.move_to_end(txid)
        if len(self._found) > MAX_FOUND:
            self._found.popitem(last=False)


@dataclass(frozen=True, slots=True)
class WatchScripts:
    """Have a light client watch more scripts, from the next block on."""

    scripts: tuple[bytes, ...]

    def __post_init__(self) -> None:
        _checked(self.scripts)

    def run(self, watch: ScriptWatch) -> None:
        """Carry it out, in the lane of the wallet."""
        watch.watch(self.scripts)
