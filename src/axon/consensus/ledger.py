"""The whole ledger of a full node: the validator, and what follows its active chain.

Blocks go to the validator; coins and filters then move along the blocks that joined or left the
active chain. Each of the three keeps its own mark of how far it is, and each may be written down at
another time, so after a kill they may stand at different blocks, even on different branches.
`catch_up` needs nothing but the marks: what is not on the active chain is undone, what is behind
goes forward.

Everything here runs on one worker thread. Validator and coins may be read beside it; who needs them
to agree asks on that thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol, runtime_checkable

from axon.chain.blockbody import may_be_inner_nodes, read_body
from axon.chain.coins import Coin, Coins, script_of
from axon.chain.filterindex import FilterIndex
from axon.chain.headerentry import HeaderEntry
from axon.chain.orders import ChainOrder
from axon.chain.outcome import BlockOutcome, BlockStep
from axon.chain.parts import BlockParts
from axon.chain.telling import tell
from axon.consensus.indexing import Indexing
from axon.consensus.pruning import MIN_BLOCKS_TO_KEEP, Pruner
from axon.consensus.validator import ValidationResult, Validator
from axon.errors import DamageError, DecodeError, StorageError
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash, to_hex
from axon.primitives.header import Header
from axon.primitives.transaction import OutPoint
from axon.primitives.verdict import Accepted, Rejected, Verdict

NEAR_BLOCKS: Final = 6
"""Up to so many blocks behind, coins and filters catch up as part of validating the next block;
from further behind that would keep its sender waiting."""


FOLLOWER_MARGIN: Final = 10
"""Blocks below coins, filters and indexes that are kept: by which they may have to go back."""

PART_BLOCKS: Final = 10
"""Blocks of one part of a move that an order brought about, which may be as long as the chain.

So many that leave may also give their transactions back to the pool, and no more, as in Bitcoin
Core. If they are invalidated each is a part of its own, as there: what a block's transactions do to
the pool comes before the next one leaves."""


@runtime_checkable
class ObeyingValidator(Validator, Protocol):
    """A validator that takes orders, as `consensus.kernel.Kernel`."""

    def carry_out(
        self, order: ChainOrder, block_hash: BlockHash, set_aside: Iterable[BlockHash]
    ) -> ValidationResult:
        """Change the active chain by order, about a known block."""


class Ledger:
    """A validator with the coins and filters of its active chain.

    Args:
        validator: closed by `close`.
        coins: what an earlier run wrote, or nothing yet.
        filters: likewise; None if no filters are kept.
        pruner: takes old blocks off the disk; None if all are kept.
        indexing: moves the background indexes; None if there are none.
    """

    def __init__(
        self,
        validator: Validator,
        coins: Coins,
        filters: FilterIndex | None = None,
        pruner: Pruner | None = None,
        indexing: Indexing | None = None,
    ) -> None:
        self.validator = validator
        self.coins = coins
        self.filters = filters
        self.pruner = pruner
        self._told: BlockHash | None = None  # Up to where, in the middle of a long move.
        self._one_by_one: int | None = None  # From this height on blocks leave so: invalidated.
        self._returning = 0  # Of so many blocks that leave the transactions may come back.
        self.indexing = indexing or Indexing(validator, {})

    @property
    def lag(self) -> int:
        """How many blocks coins or filters are behind the validator's tip; at least 1 off its
        chain. In the middle of a long move: behind the block up to which it has been told."""
        tip, height = self.validator.tip()
        if self._told is not None:
            tip, height = self._told, self.validator.height_of(self._told) or 0
        behind = [
            0 if item.best == tip else max(1, height - item.height) for item in self._followers()
        ]
        return max(behind)

    def _followers(self) -> list[Coins | FilterIndex]:
        return [self.coins] if self.filters is None else [self.coins, self.filters]

    def validate(
        self, raw: bytes, *, follow: bool = True, block: Block | None = None
    ) -> BlockOutcome:
        """Validate a block and let coins and filters follow.

        Args:
            raw: a whole block, witnesses included.
            follow: whether coins and filters move in this call, if they are near. When blocks left
                the chain they do in any case: the pool cannot take their transactions back else.
            block: the same, if it has been decoded before.

        Raises:
            KernelError: the library failed.
            StorageError: the disk failed, or what it holds is damaged.
        """
        try:
            block = block or Block.decode(raw)
        except DecodeError:
            return BlockOutcome(Rejected("bad-block-encoding", "Block decode failed"))
        if may_be_inner_nodes(block):
            return BlockOutcome(Rejected("bad-cb-missing", "first tx is not coinbase"))
        near = self.lag <= NEAR_BLOCKS
        result = self.validator.process_block(raw)
        if self._told is not None:  # What moved now is told with the rest of that move.
            invalid = result.invalid
            return BlockOutcome(result.verdict, invalid=invalid, lag=self.lag, more=True)
        known = {block.hash: block}
        disconnected = tuple([self._step(item, known) for item in result.disconnected])
        connected = tuple([self._step(item, known) for item in result.connected])
        if near and (disconnected or (follow and connected)):
            steps = (*disconnected, *connected)
            self._advance(len(steps) + NEAR_BLOCKS * 2, {step.hash: step.block for step in steps})
        lag = self.lag
        coins = self._spendable(disconnected) if lag == 0 else {}
        return BlockOutcome(result.verdict, disconnected, connected, result.invalid, lag, coins)

    def carry_out(
        self, order: ChainOrder, block_hash: BlockHash, set_aside: Iterable[BlockHash] = ()
    ) -> BlockOutcome:
        """Change the active chain by order, about a known block; see `ChainOrder`.

        Args:
            set_aside: what stays invalid although the order cannot be carried out.

        Returns:
            The first part of what moved; the rest says `follow`, as long as there is `more`.

        Raises:
            KernelError: the validator failed, or takes no orders.
            StorageError: the disk failed, or what it holds is damaged.
        """
        validator = self.validator
        assert isinstance(validator, ObeyingValidator), "only those that obey are given orders"
        if self._told is None:
            self._told, self._returning = validator.tip()[0], PART_BLOCKS
        invalidates = order is ChainOrder.INVALIDATE
        self._one_by_one = validator.height_of(block_hash) if invalidates else None
        result = validator.carry_out(order, block_hash, set_aside)
        return self.follow(result.verdict, result.invalid)

    def follow(
        self,
        verdict: Verdict = Accepted(),  # noqa: B008 A frozen value.
        invalid: tuple[tuple[BlockHash, Rejected], ...] = (),
    ) -> BlockOutcome:
        """The next part of a long move, `PART_BLOCKS` at most; coins and filters go along.

        Args:
            verdict, invalid: of the outcome.

        Raises:
            StorageError: the disk failed, or what it holds is damaged.
        """
        assert self._told is not None, "there is more of a move"
        near, at = self.lag <= NEAR_BLOCKS, self._told
        most = 1 if self._leaves_alone(at) else PART_BLOCKS
        disconnected: list[BlockStep] = []
        while len(disconnected) < most and not self.validator.is_active(at):
            disconnected.append(self._step(at, {}))
            at = disconnected[-1].block.header.prev
        connected: list[BlockStep] = []
        while len(disconnected) + len(connected) < most:
            step = self._next_step(at)
            if step is None:
                break
            connected.append(step)
            at = step.hash
        steps = (*disconnected, *connected)
        more = at != self.validator.tip()[0]
        self._told = at if more else None
        if near:
            slack = 0 if more else NEAR_BLOCKS * 2
            self._advance(len(steps) + slack, {step.hash: step.block for step in steps})
        lag = self.lag
        coins = self._spendable(disconnected) if lag == 0 and self._returning > 0 else {}
        self._returning = max(0, self._returning - max(1, len(disconnected)))
        moves = tuple(disconnected), tuple(connected)
        return BlockOutcome(verdict, *moves, invalid, lag, coins, more)

    def _leaves_alone(self, block_hash: BlockHash) -> bool:
        """Whether a block leaves the active chain because it, or one below it, was invalidated.

        Those whose transactions do not come back leave several at a time.
        """
        if self._one_by_one is None or not self._returning or self.validator.is_active(block_hash):
            return False
        return (self.validator.height_of(block_hash) or 0) >= self._one_by_one

    def _next_step(self, block_hash: BlockHash) -> BlockStep | None:
        """The active block behind this one; None if it is the tip, or not active."""
        height = self.validator.height_of(block_hash)
        assert height is not None, "what was told is known"
        following = self.validator.hash_at(height + 1)
        if following is None or not self.validator.is_active(block_hash):
            return None
        return self._step(following, {})

    def learn_headers(self, headers: Sequence[Header], best: HeaderEntry | None) -> None:  # noqa: ARG002
        """Take a new best header into the block index, with those below that are not there."""
        if best is not None:
            tell(self.validator, best)

    def catch_up(self, limit: int) -> int:
        """Bring coins and filters nearer to the validator's tip, from whatever state they are in.

        Args:
            limit: blocks to do at most.

        Returns:
            How many were done; fewer than `limit` once the tip is reached.

        Raises:
            DamageError: coins or filters are damaged, or go up to a block that the validator does
            not
                have; they can be built anew.
            StorageError: the validator has lost a block of its active chain, or the disk failed.
        """
        return self._advance(limit, {})

    def prune(self, up_to: int | None, target_bytes: int | None) -> int:
        """Take old blocks off the disk, but those that coins, filters and indexes may still need.

        Args:
            up_to: no block above this height; None for no such bound.
            target_bytes: which the block files are to stay below; None to take all that may go.

        Returns:
            Below this height blocks are gone now; 0 if none is.

        Raises:
            KernelError: the validator failed.
            StorageError: the disk failed.
        """
        assert self.pruner is not None, "asked for only where blocks may be pruned"
        _, height = self.validator.tip()
        heights = [item.height for item in (*self._followers(), *self.indexing.indexes.values())]
        behind = min(heights) - FOLLOWER_MARGIN - 1
        last = min(behind, height - MIN_BLOCKS_TO_KEEP)
        return self.pruner.prune(last if up_to is None else min(last, up_to), target_bytes)

    def keep(
        self, block_hash: BlockHash, raw: bytes, *, segwit: bool
    ) -> tuple[BlockHash, ...] | None:
        """Keep a block that was pruned and fetched again; `segwit` as for `read_body`.

        Returns:
            All blocks that are kept so; None if these bytes are another block.

        Raises:
            StorageError: the disk failed.
        """
        assert self.pruner is not None, "asked for only where blocks may be pruned"
        if isinstance(read_body(block_hash, raw, segwit=segwit), Rejected):
            return None
        self.pruner.gone.keep(block_hash, raw)
        return self.pruner.gone.fetched

    def hold(self) -> None:
        """Let changes of coins and filters wait in memory, so that many blocks share one write."""
        self.coins.hold()
        if self.filters is not None:
            self.filters.hold()

    def release(self) -> None:
        """Write what was held, and from now on each block at once."""
        self.coins.release()
        if self.filters is not None:
            self.filters.release()

    def close(self) -> None:
        """Write everything down and close the validator."""
        self.release()
        self.validator.close()

    def _spendable(self, steps: Sequence[BlockStep]) -> dict[OutPoint, Coin]:
        """Of what the transactions of these blocks spend, the coins that are there now."""
        points = [
            point
            for step in steps
            for transaction in step.block.transactions[1:]
            for point in transaction.prevouts
        ]
        best = self.coins.best
        found = None if best is None else self.coins.read(points, best)
        assert found is not None, "coins move on this thread only"
        return {point: coin for point, coin in found.items() if coin is not None}

    def _advance(self, limit: int, known: Mapping[BlockHash, Block]) -> int:
        done = 0
        while done < limit and (self._undo(known) or self._redo(known)):
            done += 1
        return done

    def _undo(self, known: Mapping[BlockHash, Block]) -> bool:
        """Take back one block that is not on the active chain; whether there was one."""
        coins, filters = self.coins, self.filters
        stale = False
        coins_at = coins.best
        if coins_at is not None and not self.validator.is_active(coins_at):
            block = self._left_block(coins_at, known, coins)
            spent = self.validator.read_spent(coins_at)
            if spent is None:
                raise coins.damage(f"What block {to_hex(coins_at)} spent is lost")
            coins.disconnect(block, coins_at, block.header.prev, spent)
            stale = True
        if filters is not None and filters.best is not None:
            filters_at = filters.best
            if (filters_at == coins_at and stale) or not self.validator.is_active(filters_at):
                block = self._left_block(filters_at, known, filters)
                filters.disconnect(filters_at, block.header.prev)
                stale = True
        return stale

    def _redo(self, known: Mapping[BlockHash, Block]) -> bool:
        """Connect one more block to whichever is furthest behind; whether there was one."""
        coins, filters = self.coins, self.filters
        height = coins.height if filters is None else min(coins.height, filters.height)
        block_hash = self.validator.hash_at(height + 1)
        if block_hash is None:
            return False
        parts = self._parts(block_hash, known)
        scripts: list[bytes] | None = None
        if coins.height == height and _fits(parts, coins):
            spent = coins.connect_parts(parts, block_hash, height + 1)
            scripts = [script_of(value) for values in spent for value in values]
        if filters is not None and filters.height == height and _fits(parts, filters):
            if scripts is None:  # Coins were ahead.
                read = self.validator.read_spent(block_hash)
                if read is None:
                    raise filters.damage(f"What block {to_hex(block_hash)} spent is lost")
                scripts = [coin.script_pubkey for coins_of in read for coin in coins_of]
            filters.connect_parts(parts, block_hash, height + 1, scripts)
        return True

    def _step(self, block_hash: BlockHash, known: dict[BlockHash, Block]) -> BlockStep:
        height = self.validator.height_of(block_hash)
        assert height is not None, "a block that moved is known"
        return BlockStep(block_hash, height, self._block(block_hash, known))

    def _left_block(
        self, block_hash: BlockHash, known: Mapping[BlockHash, Block], follower: Coins | FilterIndex
    ) -> Block:
        """A block to which a follower goes, and that is not active any more."""
        try:
            return self._block(block_hash, known)
        except DamageError as damage:
            raise follower.damage(str(damage)) from damage

    def _block(self, block_hash: BlockHash, known: Mapping[BlockHash, Block]) -> Block:
        block = known.get(block_hash)
        return block or Block.decode(self._stored(block_hash))

    def _parts(self, block_hash: BlockHash, known: Mapping[BlockHash, Block]) -> BlockParts:
        block = known.get(block_hash)
        return BlockParts.of(block) if block else BlockParts.read(self._stored(block_hash))

    def _stored(self, block_hash: BlockHash) -> bytes:
        """The bytes of a block that was validated."""
        raw = self.validator.read_block(block_hash)
        if raw is None:
            text = f"Block {to_hex(block_hash)} is not in the block files"
            if self.validator.is_active(block_hash):
                raise StorageError(f"{text}; start once with -reindex.")
            raise DamageError(text)
        return raw


def _fits(block: BlockParts, follower: Coins | FilterIndex) -> bool:
    """Whether the block is the next one; not so if the validator has just moved to another
    branch."""
    return follower.best is None or block.header.prev == follower.best
