"""Which of two filters is a block's, as far as the block can tell."""

from __future__ import annotations

import pytest

from axon.chain.filtercheck import FilterDoubt, doubt
from axon.chain.filters import basic_filter, filter_elements
from axon.primitives.block import Block
from tests.chain.chains import coin_at
from tests.node.rig import ALICE, BOB, Rig, next_block, payment


def block_and_elements() -> tuple[Block, list[bytes]]:
    rig = Rig()
    block = next_block(rig, [payment(rig)], script=b"\x51")
    spent = [[], [coin_at(rig.node.coins, point) for point in block.transactions[1].prevouts]]
    elements = filter_elements(block, spent)  # type: ignore[arg-type]
    return block, elements


def test_nothing_speaks_against_the_filter_itself() -> None:
    block, elements = block_and_elements()
    found = doubt(basic_filter(block.hash, elements), block)
    assert found == FilterDoubt(0, 0)
    assert not found.is_lie


def test_a_filter_that_hides_what_is_paid_is_a_lie() -> None:
    block, elements = block_and_elements()
    hiding = [item for item in elements if item != BOB.script]
    found = doubt(basic_filter(block.hash, hiding), block)
    assert found == FilterDoubt(1, 0)
    assert found.is_lie


def test_a_filter_that_hides_what_is_spent_is_doubted() -> None:
    block, elements = block_and_elements()
    hiding = [item for item in elements if item != ALICE.script]
    found = doubt(basic_filter(block.hash, hiding), block)
    assert found == FilterDoubt(0, 1)
    assert not found.is_lie
    assert found > doubt(basic_filter(block.hash, elements), block)


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x05\x00", b"\xff" * 20])
def test_what_is_no_filter_is_a_lie(data: bytes) -> None:
    block, _ = block_and_elements()
    assert doubt(data, block).is_lie


def test_a_filter_may_hold_more() -> None:
    block, elements = block_and_elements()
    assert doubt(basic_filter(block.hash, [*elements, b"more", b"and more"]), block) == FilterDoubt(
        0, 0
    )
