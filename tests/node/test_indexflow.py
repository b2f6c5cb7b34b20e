"""Background indexes come after the chain: when they move, and when they let blocks go first."""

from __future__ import annotations

import pytest

from axon.chain.coins import MemoryStore
from axon.chain.txindex import TxIndex
from axon.chain.txospenderindex import TxoSpenderIndex
from axon.machine import Commanded
from axon.node import indexflow
from axon.node.commands import SubmitBlock
from axon.node.indexfacts import IndexEnabled, IndexFollowed
from axon.node.indexflow import NEAR_BLOCKS
from axon.node.jobs import AdvanceIndex, ValidateBlock, index_lane
from tests.node.rig import Rig, next_block


def indexed() -> Rig:
    return Rig(
        indexes={
            TxIndex.name: TxIndex(MemoryStore()),
            TxoSpenderIndex.name: TxoSpenderIndex(MemoryStore()),
        }
    )


def waiting(rig: Rig) -> list[object]:
    """Which jobs wait, by kind."""
    return [type(job.job) for job in rig.jobs]


def submit(rig: Rig, count: int) -> None:
    """So many blocks wait to be validated, one behind the other."""
    parent = None
    for ticket in range(90, 90 + count):
        block = next_block(rig, parent=parent, spacing_s=1)
        rig.feed(Commanded(ticket, SubmitBlock(block)))
        parent = rig.node.headers.get(block.hash)
    assert waiting(rig).count(ValidateBlock) == count


def validate_one(rig: Rig) -> None:
    """Do all jobs before the next validation, and that."""
    while not isinstance(rig.jobs[0].job, ValidateBlock):
        rig.work(1)
    rig.work(1)


def test_they_are_built_and_follow_each_in_its_own_lane() -> None:
    rig = indexed()
    flow = rig.node.blocks.followers.indexes
    lanes = {job.lane for job in rig.jobs if isinstance(job.job, AdvanceIndex)}
    assert lanes == {index_lane(TxIndex.name), index_lane(TxoSpenderIndex.name)}
    assert not flow.is_synced(TxIndex.name)
    rig.work()
    height = rig.node.active.height
    assert rig.facts(IndexEnabled) == [IndexEnabled(name, height) for name in rig.indexes]
    rig.command(SubmitBlock(next_block(rig)))
    assert rig.facts(IndexFollowed) == [IndexFollowed(name, height + 1) for name in rig.indexes]
    assert {index.best for index in rig.indexes.values()} == {rig.node.active.tip.hash}
    assert flow.is_synced(TxIndex.name)


def test_one_that_follows_counts_as_synced_while_it_is_near(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = indexed()
    rig.work()
    flow = rig.node.blocks.followers.indexes
    submit(rig, 2)
    while ValidateBlock in waiting(rig):
        position = waiting(rig).index(ValidateBlock)
        rig.jobs.rotate(-position)
        rig.work(1)
    assert rig.indexes[TxIndex.name].height == rig.node.active.height - 2
    assert flow.is_synced(TxIndex.name)
    monkeypatch.setattr(indexflow, "FOLLOWS_WITHIN", 1)
    assert not flow.is_synced(TxIndex.name)


def test_in_a_sync_blocks_go_first() -> None:
    rig = indexed()
    rig.work()
    submit(rig, NEAR_BLOCKS + 2)
    validate_one(rig)  # As many are left as make a sync.
    assert AdvanceIndex not in waiting(rig)
    validate_one(rig)
    assert waiting(rig).count(AdvanceIndex) == 2


def test_far_behind_they_go_on_although_blocks_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(indexflow, "LAG_LIMIT", 1)
    rig = indexed()
    rig.work()
    submit(rig, NEAR_BLOCKS + 2)
    validate_one(rig)
    assert waiting(rig).count(AdvanceIndex) == 2


def test_near_the_tip_no_block_keeps_them_waiting() -> None:
    rig = indexed()
    rig.work()
    submit(rig, 2)
    validate_one(rig)
    assert waiting(rig).count(AdvanceIndex) == 2


def test_one_that_is_being_built_waits_for_the_last_blocks_of_a_sync() -> None:
    rig = indexed()
    submit(rig, 2)
    rig.work(waiting(rig).index(ValidateBlock))
    lag = rig.node.active.height - min(index.height for index in rig.indexes.values())
    assert lag > NEAR_BLOCKS
    assert AdvanceIndex not in waiting(rig)
    validate_one(rig)
    assert AdvanceIndex not in waiting(rig)
    validate_one(rig)
    assert waiting(rig).count(AdvanceIndex) == 2
