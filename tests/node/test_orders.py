"""Blocks that the operator set aside, and the peers that have them."""

from __future__ import annotations

import pytest

from axon.chain.orders import ChainOrder
from axon.chain.outcome import BlockOutcome, BlockStep
from axon.machine import Commanded, Completed
from axon.node.commands import OrderBlock
from axon.node.facts import BlockDisconnected, TipChanged
from axon.node.jobs import FollowOrder, OrderChain
from axon.primitives.block import Block
from axon.primitives.verdict import Accepted
from axon.wire.messages import BlockMessage, Headers
from tests.node.rig import Rig, chain_on, next_block

TICKET = 1_000


def aside(rig: Rig) -> list[Block]:
    """A branch whose first block was set aside; its headers are known."""
    branch = chain_on(rig.node.active.tip, 3)
    peer = rig.connect()
    rig.send(peer, Headers((branch[0].header,)))
    rig.node.chain.obey(ChainOrder.INVALIDATE, branch[0].hash)
    rig.work()
    return branch


@pytest.mark.parametrize("wanted", [False, True])
def test_who_sends_what_was_set_aside_is_not_to_blame(wanted: bool) -> None:
    rig = Rig()
    branch = aside(rig)
    if not wanted:  # The same branch, but really invalid.
        rig.node.chain.obey(ChainOrder.RECONSIDER, branch[0].hash)
        rig.node.chain.mark_invalid(branch[0].hash)
    by_headers, by_block = rig.connect(), rig.connect()
    rig.send(by_headers, Headers((branch[1].header, branch[2].header)))
    rig.send(by_block, BlockMessage(branch[1].raw))
    rig.work()
    assert [rig.is_alive(peer) for peer in (by_headers, by_block)] == [wanted, wanted]
    assert rig.node.active.tip.height == 112


def test_the_node_follows_an_order_part_by_part_and_answers_last() -> None:
    rig = Rig()
    blocks = [next_block(rig)]
    rig.send(rig.connect(), BlockMessage(blocks[0].raw))
    rig.work()
    blocks.append(next_block(rig))
    rig.send(rig.connect(), BlockMessage(blocks[1].raw))
    rig.work()
    rig.feed(Commanded(TICKET, OrderBlock(ChainOrder.INVALIDATE, blocks[0].hash)))
    for place, more, kind in ((1, True, OrderChain), (0, False, FollowOrder)):
        job = rig.jobs.popleft()
        assert isinstance(job.job, kind)
        left = BlockStep(blocks[place].hash, 113 + place, blocks[place])
        rig.feed(Completed(job.task, BlockOutcome(Accepted(), (left,), more=more)))
        assert (TICKET in rig.answers) == (not more)
    assert rig.answers[TICKET] == Accepted()
    assert [fact.height for fact in rig.facts(BlockDisconnected)] == [114, 113]
    assert rig.facts(TipChanged)[-1].height == rig.node.active.tip.height == 112
    assert rig.node.headers.best.height == 112
