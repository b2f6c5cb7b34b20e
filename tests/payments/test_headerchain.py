"""Median times from the payee's headers, and what stands in where headers are not kept."""

from __future__ import annotations

import pytest

from axon.payments.headerchain import BestHeaders, median_time, tip_context
from axon.primitives.header import Header
from tests.payments.payscene import PayChain


@pytest.fixture(scope="module")
def chain() -> PayChain:
    chain = PayChain()
    chain.pass_blocks(30)
    return chain


class Since:
    """Headers from a height on."""

    def __init__(self, headers: BestHeaders, first: int) -> None:
        self._headers, self._first = headers, first
        self.tip_height = headers.tip_height

    def header_at(self, height: int) -> Header | None:
        return self._headers.header_at(height) if height >= self._first else None


def test_headers_of_a_tree(chain: PayChain) -> None:
    headers = chain.headers
    assert headers.tip_height == 30
    for height in range(31):
        assert headers.header_at(height) == chain.blocks[height].header
    assert headers.header_at(31) is None
    assert headers.header_at(-1) is None


def test_medians_are_those_of_the_tree(chain: PayChain) -> None:
    for height in range(31):
        entry = chain.tree.best.ancestor(height)
        assert entry is not None
        assert median_time(chain.headers, height) == entry.median_time_past()
    context = tip_context(chain.headers)
    assert (context.height, context.hash) == (30, chain.tree.best.hash)
    assert context.median_time_past == chain.tree.best.median_time_past()
    assert context.median_time_past_at(7) == median_time(chain.headers, 7)


def test_an_unknown_median_is_never_taken_for_an_earlier_one(chain: PayChain) -> None:
    young = Since(chain.headers, 20)
    for height in range(30):
        assert median_time(young, height) >= median_time(chain.headers, height)
    assert median_time(young, 30) == median_time(chain.headers, 30)
    assert median_time(young, 19) == chain.blocks[20].header.time - 1
    assert median_time(young, 10) == 0xFFFF_FFFF
