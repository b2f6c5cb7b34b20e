from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from axon.chain.coins import Coin, Coins, MemoryStore
from axon.chain.filterindex import FilterIndex
from axon.consensus.kernel import Kernel
from axon.consensus.ledger import NEAR_BLOCKS, Ledger
from axon.consensus.memoryvalidator import MemoryValidator, World
from axon.consensus.validator import Validator
from axon.errors import DamageError, StorageError
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash
from axon.primitives.network import REGTEST
from axon.primitives.transaction import Transaction, TxIn, TxOut, outpoint
from axon.primitives.verdict import Accepted, Rejected
from tests.chain.chains import coin_at
from tests.consensus.chains import (
    GENESIS,
    GENESIS_SPOT,
    Spot,
    block_on,
    chain_on,
    coinbase,
    mine,
    spend,
    spot_of,
)

BASE = chain_on(GENESIS_SPOT, 105)
TIP = spot_of(BASE[-1], 105)
FIRST = spend([(BASE[0].transactions[0], 0)], outputs=2)
SECOND = spend([(FIRST, 0)])
SPENDER = block_on(TIP, [FIRST, SECOND], fees_sat=2000)


class Disk:
    """Stores that outlive a ledger, one for coins and one for filters."""

    def __init__(self) -> None:
        self.coins, self.filters = MemoryStore(), MemoryStore()

    def open(self, validator: Validator, *, with_filters: bool = True) -> Ledger:
        filters = FilterIndex(self.filters) if with_filters else None
        return Ledger(validator, Coins(self.coins), filters)


def small_validator(world: World | None = None) -> MemoryValidator:
    return MemoryValidator(world or World(), lambda: int(time.time() * 1_000_000))


@pytest.fixture(params=["kernel", "memory"])
def ledger(request: pytest.FixtureRequest) -> Iterator[Ledger]:
    validator: Validator = (
        Kernel(REGTEST, threads=0) if request.param == "kernel" else small_validator()
    )
    ledger = Disk().open(validator)
    assert ledger.catch_up(9) == 1  # The genesis block.
    yield ledger
    validator.close()


def feed(ledger: Ledger, blocks: list[Block]) -> None:
    for block in blocks:
        assert ledger.validate(block.raw).verdict == Accepted()


def standing(ledger: Ledger) -> tuple[object, ...]:
    """Everything that must depend on the tip only."""
    assert ledger.filters is not None
    chain = [ledger.validator.hash_at(height) for height in range(ledger.validator.tip()[1] + 1)]
    names = [name for name in chain if name is not None]
    marks = (ledger.coins.best, ledger.coins.height, ledger.filters.best, ledger.filters.height)
    return (
        ledger.validator.tip(),
        marks,
        sorted(ledger.coins.items()),
        ledger.filters.headers(names),
        ledger.filters.filters(names),
    )


def fresh(blocks: list[Block]) -> tuple[object, ...]:
    """What a ledger looks like that saw nothing but these blocks."""
    ledger = Disk().open(small_validator())
    ledger.catch_up(1)
    feed(ledger, blocks)
    assert ledger.lag == 0
    return standing(ledger)


def test_coins_and_filters_follow_each_block(ledger: Ledger) -> None:
    feed(ledger, BASE)
    outcome = ledger.validate(SPENDER.raw)
    (step,) = outcome.connected
    assert (step.hash, step.height, step.block) == (SPENDER.hash, 106, SPENDER)
    assert ledger.lag == 0
    assert coin_at(ledger.coins, outpoint(FIRST.txid, 0)) is None
    coin = coin_at(ledger.coins, outpoint(FIRST.txid, 1))
    assert coin is not None
    assert (coin.height, coin.amount_sat) == (106, FIRST.outputs[1].amount_sat)
    assert standing(ledger) == fresh([*BASE, SPENDER])


def test_an_outcome_brings_what_lost_transactions_spend(ledger: Ledger) -> None:
    feed(ledger, BASE)
    assert ledger.validate(SPENDER.raw).coins == {}  # Nothing was lost.
    rivals = chain_on(TIP, 2, tag=7)
    feed(ledger, rivals[:1])
    outcome = ledger.validate(rivals[1].raw)
    assert [step.hash for step in outcome.disconnected] == [SPENDER.hash]
    # What FIRST spends is a coin again; what SECOND spends was made by FIRST, and is none.
    source = BASE[0].transactions[0]
    (point,) = FIRST.prevouts
    assert outcome.coins == {
        point: Coin(1, True, source.outputs[0].amount_sat, source.outputs[0].script_pubkey)
    }


def test_a_reorganisation_moves_them_to_the_other_branch(ledger: Ledger) -> None:
    feed(ledger, [*BASE, SPENDER])
    rivals = chain_on(TIP, 2, tag=1)
    assert ledger.validate(rivals[0].raw).connected == ()
    outcome = ledger.validate(rivals[1].raw)
    assert [(step.hash, step.height) for step in outcome.disconnected] == [(SPENDER.hash, 106)]
    assert [(step.hash, step.height) for step in outcome.connected] == [
        (rivals[0].hash, 106),
        (rivals[1].hash, 107),
    ]
    assert [step.block for step in outcome.connected] == rivals
    assert standing(ledger) == fresh([*BASE, *rivals])


def test_a_refused_block_changes_nothing(ledger: Ledger) -> None:
    feed(ledger, BASE)
    before = standing(ledger)
    bad = block_on(TIP, base=coinbase(106, fees_sat=1))
    outcome = ledger.validate(bad.raw)
    assert isinstance(outcome.verdict, Rejected)
    assert outcome.invalid == ((bad.hash, outcome.verdict),)
    undecodable = ledger.validate(bad.raw + b"\0")
    assert undecodable.verdict == Rejected("bad-block-encoding", "Block decode failed")
    orphan = block_on(Spot(BlockHash(b"\1" * 32), 9, TIP.time))
    assert ledger.validate(orphan.raw).invalid == ()
    assert standing(ledger) == before


def test_inner_nodes_of_a_merkle_tree_are_no_block(ledger: Ledger) -> None:
    """The header names another block, which may be valid: it is not to be taken for invalid."""
    feed(ledger, BASE)
    spent = TxIn(outpoint(BASE[0].transactions[0].txid, 0), b"")
    forged = Transaction.build(1, (spent,), (TxOut(1, b"\x6a\x02\x00\x00"),), 0)
    assert len(forged.stripped) == 64
    like = block_on(TIP, []).header
    block = mine(like.prev, [forged], like.time, like.version)
    outcome = ledger.validate(block.raw)
    assert outcome.verdict == Rejected("bad-cb-missing", "first tx is not coinbase")
    assert outcome.invalid == ()


def test_they_may_lag_and_catch_up_in_batches(ledger: Ledger) -> None:
    for block in [*BASE, SPENDER]:
        assert ledger.validate(block.raw, follow=False).connected
    assert ledger.lag == 106
    ledger.hold()
    assert [ledger.catch_up(60), ledger.catch_up(60), ledger.catch_up(60)] == [60, 46, 0]
    ledger.release()
    assert ledger.lag == 0
    assert standing(ledger) == fresh([*BASE, SPENDER])


@pytest.mark.parametrize(("behind", "follows"), [(NEAR_BLOCKS, True), (NEAR_BLOCKS + 1, False)])
def test_only_a_short_lag_is_made_up_for_on_the_way(behind: int, follows: bool) -> None:
    ledger = Disk().open(small_validator())
    ledger.catch_up(1)
    for block in BASE[:behind]:
        ledger.validate(block.raw, follow=False)
    ledger.validate(BASE[behind].raw)
    assert ledger.lag == (0 if follows else behind + 1)


def test_filters_begun_late_catch_up_with_the_coins() -> None:
    disk, validator = Disk(), small_validator()
    without = disk.open(validator, with_filters=False)
    without.catch_up(1)
    feed(without, [*BASE, SPENDER])
    ledger = disk.open(validator)
    assert ledger.lag == 107
    assert ledger.catch_up(1000) == 107
    assert standing(ledger) == fresh([*BASE, SPENDER])


def test_coins_begun_anew_catch_up_with_the_filters() -> None:
    disk, validator = Disk(), small_validator()
    feed_all(disk.open(validator), [*BASE, SPENDER])
    disk.coins = MemoryStore()
    ledger = disk.open(validator)
    assert ledger.catch_up(1000) == 107
    assert standing(ledger) == fresh([*BASE, SPENDER])


def feed_all(ledger: Ledger, blocks: list[Block]) -> None:
    ledger.catch_up(1)
    feed(ledger, blocks)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_state_they_were_left_in_they_find_back(seed: int) -> None:
    rng = random.Random(seed)
    world, branches = World(), [[*BASE, SPENDER], [*BASE, *chain_on(TIP, 2, tag=1)]]
    branches.append([*branches[1][:-1], *chain_on(spot_of(branches[1][-2], 106), 2, tag=2)])
    disk = Disk()
    # Coins and filters were written at other times, each while another branch was active.
    for name in ("coins", "filters"):
        validator, other = small_validator(world), Disk()
        branch = rng.choice(branches)
        feed_all(other.open(validator), branch[: rng.randrange(90, len(branch) + 1)])
        setattr(disk, name, getattr(other, name))
    validator = small_validator(world)
    for branch in branches:
        for block in branch:
            validator.process_block(block.raw)
    ledger = disk.open(validator)
    while ledger.lag:
        assert ledger.catch_up(rng.randint(1, 40))
    assert ledger.catch_up(1) == 0
    assert standing(ledger) == fresh(branches[2])


def test_coins_ahead_of_the_validator_are_damaged() -> None:
    disk = Disk()
    feed_all(disk.open(small_validator()), BASE[:10])
    ledger = disk.open(small_validator())
    with pytest.raises(DamageError, match="not in the block files"):
        ledger.catch_up(1)


class Forgetful(MemoryValidator):
    """A validator whose block files are lost."""

    def read_block(self, block_hash: BlockHash) -> bytes | None:  # noqa: ARG002
        return None


def test_a_lost_block_of_the_active_chain_names_the_way_out() -> None:
    validator = Forgetful(World(), lambda: int(time.time() * 1_000_000))
    for block in BASE[:10]:
        validator.process_block(block.raw)
    with pytest.raises(StorageError, match="-reindex"):
        Disk().open(validator).catch_up(1)


class Failing(MemoryStore):
    """A disk that becomes full."""

    full = False

    def write(self, changes: Mapping[bytes, bytes | None]) -> None:
        if self.full:
            raise StorageError("No space left.")
        super().write(changes)


def test_a_failing_disk_is_told_and_survived() -> None:
    disk, validator = Disk(), small_validator()
    disk.coins = failing = Failing()
    ledger = disk.open(validator)
    feed_all(ledger, BASE)
    failing.full = True
    with pytest.raises(StorageError, match="No space left"):
        ledger.validate(SPENDER.raw)
    failing.full = False
    again = disk.open(validator)
    again.catch_up(9)
    assert standing(again) == fresh([*BASE, SPENDER])


def test_a_closed_ledger_opens_where_it_was(tmp_path: Path) -> None:
    disk = Disk()
    ledger = disk.open(Kernel(REGTEST, tmp_path, threads=0))
    ledger.hold()
    feed_all(ledger, [*BASE, SPENDER])
    before = standing(ledger)
    ledger.close()
    ledger = disk.open(Kernel(REGTEST, tmp_path, threads=0))
    assert ledger.lag == 0
    assert standing(ledger) == before
    assert GENESIS.hash == ledger.validator.hash_at(0)
    ledger.close()
