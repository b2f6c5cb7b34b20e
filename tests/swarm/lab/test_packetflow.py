"""Packets on shaped links: late, lost, doubled or out of order, and never more than a bound."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.drivers.linkmodel import HELD_BACK, LinkModel, Loss
from axon.machine import SECOND
from axon.swarm.lab import packetflow
from axon.swarm.lab.packetflow import MAX_QUEUED_PACKETS, PacketFlow, PacketQueue

PACKETS = 5_000


def arrivals(model: LinkModel, wait_us: int = SECOND, size_bytes: int = 100) -> list[list[int]]:
    """How long each of many packets takes, sent one after another; lost ones take nothing."""
    flow = PacketFlow(model, Random(1))
    moments = range(0, PACKETS * wait_us, wait_us) if wait_us else [0] * PACKETS
    return [[each - now for each in flow.arrivals(now, size_bytes)] for now in moments]


def test_latency_and_jitter_are_added_and_nothing_overtakes() -> None:
    took = [each for (each,) in arrivals(LinkModel((60_000,), (0, 40_000)))]
    assert 60_000 <= min(took) < 60_100
    assert 99_900 < max(took) <= 100_000
    assert sum(took) / PACKETS == pytest.approx(80_000, rel=0.02)
    together = [each for (each,) in arrivals(LinkModel((60_000,), (0, 40_000)), wait_us=0)]
    assert together == sorted(together)


def test_a_rate_makes_packets_queue() -> None:
    took = arrivals(LinkModel((10,), rate_bit_s=8_000_000), wait_us=0, size_bytes=1_000)
    assert took[:3] == [[1_010], [2_010], [3_010]]


def test_on_a_way_that_is_cut_nothing_arrives() -> None:
    assert PacketFlow(None, Random(1)).arrivals(0, 100) == ()


def test_what_is_lost_never_arrives() -> None:
    lost = arrivals(LinkModel((10,), loss=Loss(0.1))).count([])
    assert lost / PACKETS == pytest.approx(0.1, abs=0.02)
    burst = arrivals(LinkModel((10,), loss=Loss(0, 0.5, 0.01, 0.1))).count([])
    assert 0.02 < burst / PACKETS < 0.08


def test_some_come_twice_and_some_are_overtaken() -> None:
    doubled = arrivals(LinkModel((10,), duplicate=0.2)).count([10, 10])
    assert doubled / PACKETS == pytest.approx(0.2, abs=0.02)
    late = arrivals(LinkModel((10,), reorder=0.2)).count([10 + HELD_BACK])
    assert late / PACKETS == pytest.approx(0.2, abs=0.02)
    flow = PacketFlow(LinkModel((10,), reorder=0.2), Random(1))
    mixed = [each for now in range(50) for each in flow.arrivals(now, 100)]
    assert mixed != sorted(mixed)


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 2)), max_size=60), st.integers(0, 2**32)
)
def test_all_that_arrives_comes_out_when_it_is_due(sent: list[tuple[int, int]], seed: int) -> None:
    model = LinkModel((20,), (0, 30), reorder=0.1, duplicate=0.1)
    flows = [PacketFlow(model, Random(f"{seed}|{number}")) for number in range(3)]
    queue, now, came, put = PacketQueue(), 0, 0, 0
    for wait, number in sent:
        now += wait
        for port, _ in queue.due(now):
            assert port in ("p0", "p1", "p2")
            came += 1
        deadline = queue.deadline()
        assert deadline is None or deadline > now
        queue.put(flows[number], f"p{number}", b"packet", now)
        put += 1
    came += len(list(queue.due(now + SECOND)))
    assert came >= put
    assert queue.deadline() is None
    assert [flow.queued for flow in flows] == [0, 0, 0]


def test_a_full_queue_loses_what_comes_and_is_free_again(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = PacketQueue()
    slow, other = (PacketFlow(LinkModel((SECOND,)), Random(1)) for _ in range(2))
    for _ in range(MAX_QUEUED_PACKETS + 10):
        queue.put(slow, "p", b"x" * 100, 0)
    assert (slow.queued, queue.overflowed) == (MAX_QUEUED_PACKETS, 10)
    queue.put(other, "p", b"x", 0)
    assert other.queued == 1
    monkeypatch.setattr(packetflow, "MAX_QUEUED_BYTES", 100_001)
    queue.put(other, "p", b"x", 0)
    assert (other.queued, queue.overflowed) == (1, 11)
    assert len(list(queue.due(SECOND))) == MAX_QUEUED_PACKETS + 1
    queue.put(slow, "p", b"x", 2 * SECOND)
    assert queue.deadline() == 3 * SECOND
