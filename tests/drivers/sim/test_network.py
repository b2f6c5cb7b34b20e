from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.drivers.linkmodel import HELD_BACK, LinkModel, Loss, draw
from axon.drivers.sim.network import (
    RETRANSMIT_MIN,
    Cut,
    Direction,
    Flow,
    LinkTable,
    Shaping,
    below,
    stream,
)
from axon.machine import MILLISECOND, SECOND

QUANTILES = st.lists(st.integers(0, 10**6), min_size=1, max_size=5).map(sorted).map(tuple)
SHARES = st.floats(0, 0.9)
MODELS = st.builds(
    LinkModel,
    QUANTILES,
    QUANTILES,
    st.integers(0, 10**9),
    st.none() | st.builds(Loss, SHARES, SHARES, SHARES, SHARES),
    SHARES,
    SHARES,
)


# Chance.


def test_streams_are_the_same_everywhere_and_apart_from_each_other() -> None:
    assert stream(7, "flow", 1).getrandbits(32) == 820_363_796
    draws = {
        stream(*name).getrandbits(64)  # type: ignore[arg-type]
        for name in [
            (7, "flow", 1),
            (7, "flow", 11),
            (7, "flow", 1, 1),
            (8, "flow", 1),
            (7, "ties"),
        ]
    }
    assert len(draws) == 5


@given(st.integers(1, 10**6), st.randoms(use_true_random=False))
def test_below_stays_below(limit: int, rng: Random) -> None:
    assert 0 <= below(limit, rng) < limit


def test_below_draws_everything_alike() -> None:
    rng = Random(1)
    counts = [0] * 6
    for _ in range(6_000):
        counts[below(6, rng)] += 1
    assert all(850 < count < 1_150 for count in counts)


@given(QUANTILES, st.integers())
def test_draws_lie_within_the_distribution(quantiles: tuple[int, ...], seed: int) -> None:
    assert quantiles[0] <= draw(quantiles, Random(seed)) <= quantiles[-1]


def test_draws_follow_the_quantiles() -> None:
    rng = Random(1)
    drawn = sorted(draw((10, 20, 220), rng) for _ in range(10_000))
    assert drawn[2_500] == pytest.approx(15, abs=1)
    assert drawn[5_000] == pytest.approx(20, abs=2)
    assert drawn[7_500] == pytest.approx(120, abs=6)


def test_a_constant_uses_up_no_chance() -> None:
    rng = Random(1)
    before = rng.getstate()
    assert draw((40,), rng) == 40
    assert rng.getstate() == before


@pytest.mark.parametrize(
    "wrong", [{"latency_us": ()}, {"jitter_us": (2, 1)}, {"latency_us": (-1,)}]
)
def test_a_distribution_ascends_from_0(wrong: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(AssertionError):
        LinkModel(**wrong)  # type: ignore[arg-type]


# Flow.


@given(
    MODELS,
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 100_000)), max_size=20),
    st.integers(),
)
def test_arrivals_keep_the_order_and_the_latency(
    model: LinkModel, pieces: list[tuple[int, int]], seed: int
) -> None:
    latency_us = model.latency_us[-1]
    flow = Flow(Direction(model, latency_us), Random(seed))
    now, before = 0, 0
    for wait, size in pieces:
        now += wait
        arrival = flow.arrival(now, size)
        assert arrival >= max(before, now + latency_us + model.jitter_us[0])
        before = arrival


def test_a_rate_makes_pieces_queue() -> None:
    flow = Flow(
        Direction(LinkModel((10,), rate_bit_s=8_000_000), 10), Random(1)
    )  # A byte each microsecond.
    assert flow.arrival(0, 1_000) == 1_010
    assert flow.arrival(0, 1_000) == 2_010
    assert flow.arrival(5_000, 1_000) == 6_010


def test_loss_is_delay() -> None:
    flow = Flow(Direction(LinkModel((1_000,), loss=Loss(good=0.1)), 1_000), Random(1))
    delays = [flow.arrival(now, 100) - now for now in range(0, 20_000 * SECOND, 10 * SECOND)]
    late = [delay for delay in delays if delay > 1_000]
    assert 0.08 < len(late) / len(delays) < 0.12
    assert min(late) == 1_000 + RETRANSMIT_MIN
    assert 1_000 + 3 * RETRANSMIT_MIN in late  # Lost twice: the timeout doubles.


def test_what_is_out_of_order_is_waited_for() -> None:
    flow = Flow(Direction(LinkModel((1_000,), reorder=0.1), 1_000), Random(1))
    delays = [flow.arrival(now, 100) - now for now in range(0, 1_000 * SECOND, SECOND)]
    assert set(delays) == {1_000, 1_000 + HELD_BACK}
    assert 0.08 < delays.count(1_000 + HELD_BACK) / len(delays) < 0.12


def test_a_copy_takes_its_room() -> None:
    model = LinkModel((0,), rate_bit_s=8_000_000, duplicate=0.5)
    assert Flow(Direction(model, 0), Random(1)).arrival(0, 1_000) == 1_500


def test_more_segments_are_lost_more_often() -> None:
    def late(size: int) -> int:
        flow = Flow(Direction(LinkModel((0,), loss=Loss(good=0.01)), 0), Random(1))
        return sum(
            flow.arrival(now, size) > now for now in range(0, 10**4 * 60 * SECOND, 60 * SECOND)
        )

    assert late(100) < 200
    assert late(146_000) > 5_000


def test_bursts_come_together() -> None:
    loss = Loss(good=0.0, bad=0.5, worsens=0.01, recovers=0.1)
    flow = Flow(Direction(LinkModel((0,), loss=loss), 0), Random(1))
    lost = [flow.arrival(now, 100) > now for now in range(0, 10**5 * 60 * SECOND, 60 * SECOND)]
    after_loss = [second for first, second in pairwise(lost) if first]
    assert 0.03 < sum(lost) / len(lost) < 0.06
    assert sum(after_loss) / len(after_loss) > 0.3


# Links.


def test_a_distance_is_drawn_once_for_both_directions() -> None:
    network = LinkTable(3, LinkModel(latency_us=(0, 10**6)))
    assert network.latency_us(1, 2) == network.latency_us(2, 1)
    assert network.latency_us(1, 2) == LinkTable(3, LinkModel(latency_us=(0, 10**6))).latency_us(
        1, 2
    )
    assert len({network.latency_us(1, other) for other in range(2, 50)}) > 40


def test_a_link_of_its_own() -> None:
    network = LinkTable(3, LinkModel((40 * MILLISECOND,)))
    network.flow(1, 2)
    there = Shaping(frozenset({1}), frozenset({2}), LinkModel((7,)))
    network.shape(there)
    assert network.flow(1, 2).arrival(0, 1) == 7
    assert network.flow(2, 1).arrival(0, 1) == 40 * MILLISECOND, "one way only"
    assert network.flow(1, 3).arrival(0, 1) == 40 * MILLISECOND


def test_a_flow_that_stands_feels_what_becomes_of_its_link() -> None:
    network = LinkTable(3, LinkModel((1_000,)))
    flow = network.flow(1, 2)
    assert flow.arrival(0, 1) == 1_000
    slow, slower = (Shaping(None, frozenset({2}), LinkModel((each,))) for each in (5_000, 9_000))
    network.shape(slow)
    network.shape(slower)
    assert flow.arrival(0, 1) == 9_000, "as the later one says"
    network.unshape(slower)
    assert flow.arrival(0, 1) == 9_000, "nothing overtakes what was sent before"
    assert flow.arrival(10_000, 1) == 15_000
    network.unshape(slow)
    assert flow.arrival(20_000, 1) == 21_000


def test_cuts_have_a_direction_and_add_up() -> None:
    network = LinkTable(3, LinkModel())
    one_way = Cut(frozenset({1}), frozenset({2, 3}))
    dark = Cut(None, frozenset({2}))
    network.cut(one_way)
    network.cut(dark)
    assert network.cut_between(1, 3) is one_way
    assert network.cut_between(3, 1) is None
    assert network.cut_between(9, 2) is dark
    network.mend(dark)
    assert network.cut_between(9, 2) is None
    assert network.cut_between(1, 2) is one_way


def test_what_is_held_is_called_once() -> None:
    network = LinkTable(3, LinkModel())
    cut = Cut(None, None)
    called: list[int] = []
    network.cut(cut)
    network.hold(lambda: called.append(1))
    network.mend(cut)
    network.cut(cut)
    network.mend(cut)
    assert called == [1]
