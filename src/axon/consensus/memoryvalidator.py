"""An in-memory validator for simulated networks: no library, no disk, no scripts, hundreds in one
process.

Whether a block is valid follows from the block and the chain before it, so it is worked out once,
in the `World` that all validators of a simulation share, with one set of coins that walks from
branch to branch as it is asked. A `MemoryValidator` is one node's view: which headers and blocks it
has, which it found invalid, and where its tip is. The first block seen wins among branches of equal
work.

It refuses every network but regtest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from axon.chain.coins import Coin
from axon.chain.headerentry import HeaderEntry
from axon.chain.headertree import HeaderTree
from axon.chain.rules import MAX_FUTURE_S, HeaderRules
from axon.consensus.blockrules import (
    MUTATED,
    Spending,
    check_block,
    check_in_context,
    connect_block,
)
from axon.consensus.validator import ValidationResult
from axon.errors import ConfigError, DecodeError
from axon.machine import SECOND
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash, to_hex
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.network import REGTEST, Network
from axon.primitives.transaction import OutPoint, Transaction, TxOut
from axon.primitives.verdict import Accepted, Rejected, Verdict

_FAR_FUTURE = 1 << 62  # The world knows no clock; each validator holds headers against its own.


class _Known:
    """A block whose body fits its header, worked out once for everybody."""

    __slots__ = ("block", "body_fault", "connection", "context_fault")

    def __init__(self, block: Block, body_fault: Rejected | None) -> None:
        self.block = block
        self.body_fault = body_fault
        # Verdicts that need the blocks before; None until they are asked for.
        self.context_fault: Verdict | None = None
        self.connection: Spending | Rejected | None = None


class World:
    """What is true of blocks whoever asks: shared by the validators of one simulation.

    Args:
        network: regtest.

    Raises:
        ConfigError: another network: real chains are validated by libbitcoinkernel.
    """

    def __init__(self, network: Network = REGTEST) -> None:
        if network.name != REGTEST.name:
            raise ConfigError(
                f"A simulated validator works on regtest only, not on {network.name}."
            )
        self.network = network
        self.rules = HeaderRules(network)
        self._tree = HeaderTree(network)
        self._blocks: dict[BlockHash, _Known] = {}
        self._coins: dict[OutPoint, Coin] = {}
        self._cursor = self._tree.genesis  # The block up to which `_coins` goes.

    @property
    def genesis(self) -> HeaderEntry:
        """The entry from which everything grows."""
        return self._tree.genesis

    def add_header(self, header: Header) -> HeaderEntry | Rejected:
        """The entry of a header whose parent is known here, or which rule it breaks.

        Whether it lies too far in the future is for the validator to say.
        """
        return self._tree.add(header, _FAR_FUTURE)

    def decode(self, raw: bytes) -> Block:
        """The block that these bytes are; decoded once, however many nodes it reaches.

        Raises:
            DecodeError: they are none.
        """
        known = self._blocks.get(Header(raw[:HEADER_SIZE]).hash)
        return known.block if known is not None and known.block.raw == raw else Block.decode(raw)

    def check(self, block: Block) -> Rejected | None:
        """What is wrong with a block by itself; None if nothing is."""
        known = self._known(block)
        if known is not None:
            return known.body_fault
        fault = check_block(block)
        held = self._blocks.get(block.hash)
        # Witnesses are not looked at yet: other bytes must not take the place of a good block's.
        is_good = held is not None and isinstance(held.context_fault, Accepted)
        if not is_good and (fault is None or fault.reason not in MUTATED):
            self._blocks[block.hash] = _Known(block, fault)
        return fault

    def check_in_context(self, block: Block, entry: HeaderEntry) -> Rejected | None:
        """What is wrong with a block at its place, before coins are looked at; None if nothing is.

        The block passed `check`.
        """
        known = self._known(block)
        assert entry.parent is not None, "the genesis block is never examined"
        if known is None:  # Another body with the same transactions came first.
            return check_in_context(block, entry.parent, self.network)
        if known.context_fault is None:
            found = check_in_context(block, entry.parent, self.network)
            known.context_fault = found or Accepted()
        fault = known.context_fault
        if isinstance(fault, Accepted):
            return None
        if fault.reason in MUTATED:  # Its witnesses are wrong; others may not be.
            del self._blocks[block.hash]
        return fault

    def _known(self, block: Block) -> _Known | None:
        known = self._blocks.get(block.hash)
        return known if known is not None and known.block.raw == block.raw else None

    def block(self, block_hash: BlockHash) -> Block:
        """A block that passed both checks."""
        return self._blocks[block_hash].block

    def connection(self, entry: HeaderEntry) -> Spending | Rejected:
        """What connecting this block does to the coins, or why it must not; all before it can."""
        known = self._blocks[entry.hash]
        if known.connection is None:
            assert entry.parent is not None
            self._move_to(entry.parent)
            known.connection = connect_block(
                known.block, entry.parent, self.network, self._coins.get
            )
        return known.connection

    def _move_to(self, entry: HeaderEntry) -> None:
        """Let the coins be those that this block left."""
        if self._cursor is entry:
            return
        fork = self._cursor.fork_with(entry)
        assert fork is not None, "all chains share the genesis block"
        coins, step = self._coins, self._cursor
        while step is not fork:
            done = self._done(step)
            for made in done.made:
                del coins[made]
            coins.update(done.gone)
            assert step.parent is not None
            step = step.parent
        path: list[HeaderEntry] = []
        step = entry
        while step is not fork:
            path.append(step)
            assert step.parent is not None
            step = step.parent
        for step in reversed(path):
            done = self._done(step)
            for gone in done.gone:
                del coins[gone]
            coins.update(done.made)
        self._cursor = entry

    def _done(self, entry: HeaderEntry) -> Spending:
        done = self._blocks[entry.hash].connection
        assert isinstance(done, Spending), "coins move over connected blocks only"
        return done


class MemoryValidator:
    """A `Validator` for one simulated node.

    Args:
        world: shared by all nodes of the simulation.
        clock: this node's time, in microseconds since 1970; a header too far ahead is refused.
    """

    def __init__(self, world: World, clock: Callable[[], int]) -> None:
        genesis = world.genesis
        self._world = world
        self._clock = clock
        self._headers: dict[BlockHash, HeaderEntry] = {genesis.hash: genesis}
        self._linked: dict[BlockHash, int] = {genesis.hash: 0}  # In order of being linked.
        self._stored: dict[BlockHash, HeaderEntry] = {}  # With or without all blocks before them.
        self._waiting: dict[BlockHash, list[HeaderEntry]] = {}  # By the missing block before them.
        self._failed: set[BlockHash] = set()  # With all descendants; only asked, never walked.
        self._active: list[HeaderEntry] = [genesis]

    def process_block(self, raw: bytes) -> ValidationResult:
        """Validate a block, store it, and move the active chain if it now has the most work."""
        world = self._world
        try:
            block = world.decode(raw)
        except DecodeError:
            return ValidationResult(Rejected("bad-block-encoding", "Block decode failed"))
        block_hash = block.hash
        fault = world.rules.check_work(block.header.raw, block_hash) or world.check(block)
        if fault is not None:
            return ValidationResult(fault)
        verdict = self.process_header(block.header.raw)
        if isinstance(verdict, Rejected):
            return self._refused(block_hash, verdict)
        if block_hash in self._stored or block_hash == world.genesis.hash:
            return ValidationResult(Accepted())
        entry = self._headers[block_hash]
        fault = world.check_in_context(block, entry)
        if fault is not None:
            if fault.reason not in MUTATED:
                self._fail(entry)
            return self._refused(block_hash, fault)
        self._stored[block_hash] = entry
        best = self._link(entry)
        invalid: list[tuple[BlockHash, Rejected]] = []
        before = self._active[-1]
        self._activate(best, invalid)
        connected, disconnected = self._difference(before)
        return ValidationResult(
            self._verdict(entry, invalid), connected, disconnected, True, tuple(invalid)
        )

    def _refused(self, block_hash: BlockHash, fault: Rejected) -> ValidationResult:
        return ValidationResult(
            fault, invalid=((block_hash, fault),) if block_hash in self._failed else ()
        )

    def _verdict(self, entry: HeaderEntry, invalid: list[tuple[BlockHash, Rejected]]) -> Verdict:
        if entry.hash not in self._failed:
            return Accepted()
        return dict(invalid).get(entry.hash, Rejected("bad-prevblk"))

    def _link(self, entry: HeaderEntry) -> HeaderEntry:
        """Note that a block is there; the block with the most work that now has all before it."""
        best = self._active[-1]
        assert entry.parent is not None
        if entry.parent.hash not in self._linked:
            self._waiting.setdefault(entry.parent.hash, []).append(entry)
            return best
        queue = [entry]
        for step in queue:
            self._linked[step.hash] = len(self._linked)
            if step.chainwork > best.chainwork and step.hash not in self._failed:
                best = step
            queue.extend(self._waiting.pop(step.hash, ()))
        return best

    def _activate(self, best: HeaderEntry, invalid: list[tuple[BlockHash, Rejected]]) -> None:
        """Make the chain up to `best` the active one, or the best that proves valid."""
        while best is not self._active[-1]:
            path: list[HeaderEntry] = []
            step = best
            while not self._contains(step):
                path.append(step)
                assert step.parent is not None
                step = step.parent
            path.reverse()
            for entry in path:
                done = self._world.connection(entry)
                if isinstance(done, Rejected):
                    invalid.append((entry.hash, done))
                    self._fail(entry)
                    break
            else:
                del self._active[step.height + 1 :]
                self._active.extend(path)
                return
            best = self._most_work()

    def _most_work(self) -> HeaderEntry:
        best = self._active[-1]
        for block_hash in self._linked:  # The first linked wins among equals.
            entry = self._headers[block_hash]
            if entry.chainwork > best.chainwork and block_hash not in self._failed:
                best = entry
        return best

    def _fail(self, culprit: HeaderEntry) -> None:
        for block_hash, entry in self._headers.items():
            if entry.ancestor(culprit.height) is culprit:
                self._failed.add(block_hash)

    def _difference(
        self, before: HeaderEntry
    ) -> tuple[tuple[BlockHash, ...], tuple[BlockHash, ...]]:
        fork = self._active[-1].fork_with(before)
        assert fork is not None, "all chains share the genesis block"
        connected = tuple([entry.hash for entry in self._active[fork.height + 1 :]])
        disconnected: list[BlockHash] = []
        step = before
        while step is not fork:
            disconnected.append(step.hash)
            assert step.parent is not None
            step = step.parent
        return connected, tuple(disconnected)

    def process_header(self, raw: bytes) -> Verdict:
        """Check the 80 bytes of a header and take it into the block index."""
        if len(raw) != HEADER_SIZE:
            return Rejected("bad-header-encoding", "Block header decode failed")
        header = Header(raw)
        if header.hash in self._headers:
            if header.hash not in self._failed:
                return Accepted()
            detail = f"block {to_hex(header.hash)} was previously marked invalid"
            return Rejected("duplicate-invalid", detail)
        fault = self._world.rules.check_work(raw, header.hash)
        if fault is not None:
            return fault
        if header.prev not in self._headers:
            return Rejected("prev-blk-not-found")
        if header.prev in self._failed:
            return Rejected("bad-prevblk")
        added = self._world.add_header(header)
        if isinstance(added, Rejected):
            return added
        if header.time * SECOND > self._clock() + MAX_FUTURE_S * SECOND:
            return Rejected("time-too-new", "block timestamp too far in the future")
        self._headers[header.hash] = added
        return Accepted()

    def tip(self) -> tuple[BlockHash, int]:
        """The last block of the active chain, and its height."""
        return self._active[-1].hash, len(self._active) - 1

    def hash_at(self, height: int) -> BlockHash | None:
        """The block of the active chain at a height; None above the tip."""
        return self._active[height].hash if 0 <= height < len(self._active) else None

    def height_of(self, block_hash: BlockHash) -> int | None:
        """The height of a block or header on any branch; None if it is unknown."""
        entry = self._headers.get(block_hash)
        return None if entry is None else entry.height

    def is_active(self, block_hash: BlockHash) -> bool:
        """Whether a block is in the active chain."""
        entry = self._headers.get(block_hash)
        return entry is not None and self._contains(entry)

    def _contains(self, entry: HeaderEntry) -> bool:
        return entry.height < len(self._active) and self._active[entry.height] is entry

    def header(self, block_hash: BlockHash) -> bytes | None:
        """The 80 bytes of a known header on any branch, or None."""
        entry = self._headers.get(block_hash)
        return None if entry is None else entry.raw

    def read_block(self, block_hash: BlockHash) -> bytes | None:
        """The bytes of a stored block on any branch, or None."""
        if block_hash == self._world.genesis.hash:
            return self._world.network.genesis.raw
        return self._world.block(block_hash).raw if block_hash in self._stored else None

    def read_spent(self, block_hash: BlockHash) -> list[list[Coin]] | None:
        """The coins that a block spent, one list for each transaction; the coinbase's is empty.

        None if the block is unknown or cannot be connected.
        """
        if block_hash == self._world.genesis.hash:
            return [[]]
        entry = self._stored.get(block_hash)
        if entry is None or block_hash in self._failed or block_hash not in self._linked:
            return None
        done = self._world.connection(entry)
        return done.spent if isinstance(done, Spending) else None

    def read_spent_sums(self, block_hash: BlockHash) -> list[int] | None:
        """What they are worth, for each transaction; None as for `read_spent`."""
        spent = self.read_spent(block_hash)
        return None if spent is None else [sum(coin.amount_sat for coin in each) for each in spent]

    def read_spent_at(self, block_hash: BlockHash, place: int) -> list[Coin] | None:
        """The coins that the transaction at a place of a block spent; None as for `read_spent`."""
        spent = self.read_spent(block_hash)
        return None if spent is None else spent[place]

    def transaction_count(self, block_hash: BlockHash) -> int:
        """How many transactions a stored block has; 0 if it is not stored."""
        if block_hash not in self._stored:
            return int(block_hash == self._world.genesis.hash)
        return len(self._world.block(block_hash).transactions)

    def verify_scripts(
        self, transaction: Transaction, spent: Sequence[TxOut], *, relayed: bool = False
    ) -> Verdict:
        """Always accepted: scripts are what this validator leaves out."""
        del transaction, spent, relayed
        return Accepted()

    def close(self) -> None:
        """There is nothing to write down."""
