"""Pruning as the node sees it: what it asks of the disk, and what it says when blocks are gone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from axon.consensus.prunedblocks import PrunedBlocks
from axon.consensus.pruning import Pruner
from axon.machine import Completed
from axon.node.commands import FetchBlock, PruneChain
from axon.node.jobs import PruneBlocks
from axon.node.prunefacts import BlocksPruned
from axon.node.pruneflow import LOOK_EACH_BYTES, SYNC_SLACK_BYTES
from axon.primitives.block import Block
from axon.primitives.network import REGTEST
from axon.wire.messages import BlockMessage, GetData, InvItem, InvType
from tests.node.rig import BLOCKS, Rig, listening, next_block

TARGET = 600_000_000
BELOW = 50


def pruning(target: int | None = TARGET, after_height: int = 100) -> Rig:
    network = replace(REGTEST, prune_after_height=after_height)
    return Rig(settings=replace(listening(), network=network, prune_target_bytes=target))


def asked(rig: Rig) -> list[PruneBlocks]:
    return [job.job for job in rig.jobs if isinstance(job.job, PruneBlocks)]


def pruned_to(rig: Rig, below: int) -> None:
    """The disk was looked at, with this outcome."""
    [job] = [job for job in rig.jobs if isinstance(job.job, PruneBlocks)]
    rig.jobs.remove(job)
    rig.feed(Completed(job.task, below))


def stored(rig: Rig, size_bytes: int) -> None:
    """So many bytes of blocks, as if they had come."""
    rig.node.blocks.pruning.stored(size_bytes)
    rig.tick_once()


def bring(rig: Rig) -> Block:
    """A new block, not validated yet."""
    block = next_block(rig)
    peer = rig.connect()
    rig.send(peer, BlockMessage(block.raw))
    return block


def test_the_disk_is_looked_at_as_it_fills() -> None:
    rig = pruning()
    bring(rig)
    assert asked(rig) == [PruneBlocks(None, TARGET)]
    stored(rig, LOOK_EACH_BYTES)
    assert len(asked(rig)) == 1, "one look at a time"
    pruned_to(rig, BELOW)
    assert [fact.below for fact in rig.facts(BlocksPruned)] == [BELOW]
    assert rig.node.chain.pruned_below == BELOW
    stored(rig, 1)
    assert len(asked(rig)) == 1, "what came during the look counts"
    pruned_to(rig, BELOW)
    stored(rig, LOOK_EACH_BYTES - 1)
    assert asked(rig) == []
    assert len(rig.facts(BlocksPruned)) == 1, "no news"


def test_in_initial_sync_more_may_be_kept() -> None:
    rig = pruning()
    rig.node.chain.initial_sync = True
    bring(rig)
    assert asked(rig) == [PruneBlocks(None, TARGET + SYNC_SLACK_BYTES)]


@pytest.mark.parametrize("target", [None, 0])
def test_without_a_size_nothing_is_pruned_of_itself(target: int | None) -> None:
    rig = pruning(target)
    bring(rig)
    assert asked(rig) == []


def test_a_short_chain_is_not_pruned() -> None:
    rig = pruning(after_height=112)
    bring(rig)
    assert asked(rig) == []


def test_what_is_gone_is_not_served_and_not_fetched_again() -> None:
    rig = pruning()
    bring(rig)
    pruned_to(rig, BELOW)
    rig.work()
    peer, chain = rig.connect(), rig.node.chain
    old, young = rig.node.active.at(BELOW - 1), rig.node.active.at(BELOW)
    assert old is not None
    assert young is not None
    assert [chain.has_block(entry.hash) for entry in (old, young)] == [True, True]
    assert [chain.is_stored(entry.hash) for entry in (old, young)] == [False, True]
    items = [InvItem(InvType.WITNESS_BLOCK, entry.hash) for entry in (old, young)]
    rig.send(peer, GetData(tuple(items)))
    rig.work()
    assert [message.header.hash for message in rig.told(peer, BlockMessage)] == [young.hash]
    assert rig.is_alive(peer)


class Emptied(Pruner):
    """A disk with nothing on it."""

    def __init__(self, folder: Path) -> None:
        self.gone = PrunedBlocks(folder)
        self.asked: list[tuple[int, int | None]] = []

    def prune(self, last: int, target_bytes: int | None = None) -> int:
        self.asked.append((last, target_bytes))
        return BELOW


def test_the_operator_has_blocks_pruned(tmp_path: Path) -> None:
    rig = pruning(0)
    rig.ledger.pruner = disk = Emptied(tmp_path)
    assert rig.command(PruneChain(1_000)) == BELOW
    assert disk.asked == [(rig.node.active.height - 288, None)]
    assert rig.node.chain.pruned_below == BELOW


def test_a_block_that_is_gone_is_fetched_again(tmp_path: Path) -> None:
    rig = pruning(0)
    rig.node.chain.pruned_below = BELOW
    rig.ledger.pruner = disk = Emptied(tmp_path)
    first, second = (Block.decode(raw) for raw in BLOCKS[5:7])
    peer, forger = rig.connect(), rig.connect()
    rig.send(peer, BlockMessage(first.raw))
    rig.work()
    assert not rig.node.chain.is_stored(first.hash), "nobody asked for it"
    assert rig.command(FetchBlock(first.hash, peer)) is None
    rig.send(peer, BlockMessage(first.raw))
    rig.work()
    assert rig.node.chain.is_stored(first.hash)
    assert disk.gone.read(first.hash) == first.raw
    assert rig.is_alive(peer)
    rig.command(FetchBlock(second.hash, forger))
    rig.send(forger, BlockMessage(second.header.raw + first.raw[80:]))
    rig.work()
    assert "mutated" in str(rig.disconnected(forger))
    assert not rig.node.chain.is_stored(second.hash)
