"""The ping clock: no loop, no sleep, only what is said and when."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.machine import HOUR, MILLISECOND, MINUTE, SECOND
from axon.p2p.faults import PeerSilent
from axon.p2p.keepalive import PING_INTERVAL, SILENCE_LIMIT, KeepAlive
from axon.wire.messages import Message, Ping, Pong
from tests.p2p.examples import NOW


def keepalive(patient_until: int = 0) -> KeepAlive:
    return KeepAlive(Random(1), NOW, patient_until)


def nonce_of(messages: list[Message]) -> int:
    (ping,) = messages
    assert isinstance(ping, Ping)
    assert ping.nonce
    return ping.nonce


def test_the_first_ping_is_due_at_once() -> None:
    alive = keepalive()
    assert alive.deadline() == NOW
    assert nonce_of(alive.tick(NOW))
    assert alive.tick(NOW) == []


def test_the_next_ping_is_due_two_minutes_after_the_last() -> None:
    alive = keepalive()
    alive.received(Pong(nonce_of(alive.tick(NOW))), NOW + SECOND)
    assert alive.deadline() == NOW + PING_INTERVAL
    assert alive.tick(NOW + PING_INTERVAL - 1) == []
    assert nonce_of(alive.tick(NOW + PING_INTERVAL))


def test_a_ping_is_answered_with_its_nonce() -> None:
    assert keepalive().received(Ping(7), NOW) == [Pong(7)]


def test_a_ping_from_before_bip_31_asks_for_no_answer() -> None:
    assert keepalive().received(Ping(None), NOW) == []


def test_the_pong_measures_the_way() -> None:
    alive = keepalive()
    assert alive.latency_us is alive.min_latency_us is None
    alive.received(Pong(nonce_of(alive.tick(NOW))), NOW + 30 * MILLISECOND)
    alive.received(Pong(nonce_of(alive.ping(NOW + SECOND))), NOW + SECOND + 50 * MILLISECOND)
    assert alive.latency_us == 50 * MILLISECOND
    assert alive.min_latency_us == 30 * MILLISECOND
    assert alive.waiting_us(NOW + HOUR) is None


def test_the_operators_ping_goes_out_at_once_and_replaces_the_awaited_one() -> None:
    alive = keepalive()
    first = nonce_of(alive.tick(NOW))
    second = nonce_of(alive.ping(NOW + SECOND))
    assert first != second
    alive.received(Pong(first), NOW + 2 * SECOND)
    assert alive.waiting_us(NOW + 3 * SECOND) == 2 * SECOND
    alive.received(Pong(second), NOW + 4 * SECOND)
    assert alive.latency_us == 3 * SECOND


@pytest.mark.parametrize("nonce", [0, None])
def test_a_pong_from_a_peer_that_cannot_echo_ends_the_wait_unmeasured(nonce: int | None) -> None:
    alive = keepalive()
    alive.tick(NOW)
    alive.received(Pong(nonce), NOW + SECOND)
    assert alive.waiting_us(NOW + SECOND) is None
    assert alive.latency_us is None


def test_a_pong_nobody_awaits_changes_nothing() -> None:
    alive = keepalive()
    assert alive.received(Pong(3), NOW) == []
    assert alive.latency_us is None


def test_a_missing_pong_is_a_fault() -> None:
    alive = keepalive()
    alive.tick(NOW)
    for moment in (alive.data_received, alive.data_sent):
        moment(NOW + SILENCE_LIMIT)
    assert alive.deadline() == NOW + SILENCE_LIMIT
    assert alive.tick(NOW + SILENCE_LIMIT - 1) == []
    with pytest.raises(PeerSilent, match="no pong"):
        alive.tick(NOW + SILENCE_LIMIT)


@pytest.mark.parametrize(
    ("active", "complaint"),
    [("data_received", "nothing could be sent"), ("data_sent", "nothing received")],
)
def test_a_connection_dead_in_one_direction_is_a_fault(active: str, complaint: str) -> None:
    alive = keepalive()
    alive.received(Pong(nonce_of(alive.tick(NOW))), NOW)
    later = NOW
    while later < NOW + SILENCE_LIMIT - MINUTE:
        later += MINUTE
        getattr(alive, active)(later)
        for message in alive.tick(later):
            assert isinstance(message, Ping)
            alive.received(Pong(message.nonce), later)
    with pytest.raises(PeerSilent, match=complaint):
        alive.tick(NOW + SILENCE_LIMIT)


def test_no_silence_counts_within_the_grace() -> None:
    alive = keepalive(patient_until=NOW + 10 * HOUR)
    alive.tick(NOW)
    assert alive.tick(NOW + 10 * HOUR - 1) == []
    assert alive.deadline() == NOW + 10 * HOUR
    with pytest.raises(PeerSilent):
        alive.tick(NOW + 10 * HOUR)


def test_a_peer_from_before_bip_31_is_pinged_but_not_waited_for() -> None:
    alive = KeepAlive(Random(1), NOW, echoes=False)
    assert alive.tick(NOW) == [Ping(None)]
    assert alive.waiting_us(NOW + SECOND) is None
    assert alive.deadline() == NOW + PING_INTERVAL


def test_a_clock_set_back_measures_no_negative_time() -> None:
    alive = keepalive()
    alive.received(Pong(nonce_of(alive.tick(NOW))), NOW - HOUR)
    assert alive.latency_us == 0


@given(st.lists(st.tuples(st.sampled_from("tphso"), st.integers(0, 300)), max_size=60))
def test_a_due_tick_moves_the_deadline_on(steps: list[tuple[str, int]]) -> None:
    alive, now, awaited = keepalive(), NOW, [0]
    for step, seconds in steps:
        now += seconds * SECOND
        match step:
            case "t":
                try:
                    for message in alive.tick(now):
                        assert isinstance(message, Ping)
                        awaited.append(message.nonce or 0)
                except PeerSilent:
                    assert now - NOW >= SILENCE_LIMIT
                    return
                assert alive.deadline() > now
            case "p":
                alive.received(Pong(awaited[-1]), now)
            case "h":
                alive.data_received(now)
            case "s":
                alive.data_sent(now)
            case _:
                awaited.append(nonce_of(alive.ping(now)))
