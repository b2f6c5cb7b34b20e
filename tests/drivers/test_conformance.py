"""The promises of `axon.machine`, kept by both drivers: one set of tests, every world."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest
import uvloop

from axon.drivers.bounds import SEND_MAX_BYTES
from axon.machine import (
    MILLISECOND,
    SECOND,
    Answer,
    Clogged,
    Commanded,
    Completed,
    Delegate,
    Dial,
    DialFailed,
    Disconnect,
    Drained,
    Effect,
    Endpoint,
    Event,
    Opened,
    Pause,
    PeerId,
    Received,
    Resolve,
    Resolved,
    Resume,
    Transmit,
)
from tests.drivers.worlds import AioWorld, Do, Probe, SimWorld, World

FIRST = PeerId(0)
MEGABYTE = bytes(1_000_000)

WORLDS: dict[str, Callable[[], World]] = {
    "asyncio": lambda: AioWorld(asyncio.new_event_loop),
    "uvloop": lambda: AioWorld(uvloop.new_event_loop),
    "simulation": SimWorld,
}


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    world = WORLDS[request.param]()
    yield world
    world.close()


def connect(world: World, near: Probe, far: Probe) -> Endpoint:
    """Start two machines and one connection, from near to far; both call it peer 0."""
    world.start(near)
    endpoint = world.start(far)
    world.do(near, Dial(7, endpoint))
    world.until(lambda: bool(near.opened and far.opened))
    return endpoint


# Connections.


def test_both_ends_hear_of_a_connection(world: World) -> None:
    near, far = Probe(), Probe()
    endpoint = connect(world, near, far)
    (dialled,), (accepted,) = near.opened, far.opened
    assert dialled == Opened(FIRST, endpoint, dialled.local, ticket=7)
    assert accepted == Opened(FIRST, dialled.local, endpoint, ticket=None)


def test_peer_ids_count_up_from_0_and_never_come_again(world: World) -> None:
    near, far = Probe(), Probe()
    world.start(near)
    endpoint = world.start(far)
    for number in range(4):
        world.do(near, Dial(10 + number, endpoint))
        world.until(lambda: len(near.opened) == len(far.opened) > len(far.closed))
        world.do(near, Disconnect(PeerId(number), "enough"))
        world.until(lambda: len(near.opened) == len(far.closed))
    assert [(opened.peer, opened.ticket) for opened in near.opened] == [
        (0, 10), (1, 11), (2, 12), (3, 13),
    ]  # fmt: skip
    assert [opened.peer for opened in far.opened] == [0, 1, 2, 3]
    assert [closed.peer for closed in far.closed] == [0, 1, 2, 3]


def test_bytes_arrive_in_order_both_ways(world: World) -> None:
    near, far = Probe(), Probe()
    connect(world, near, far)
    pieces = [bytes([number % 251]) * (number * 37 % 4_000) for number in range(500)]
    world.do(near, *(Transmit(FIRST, piece) for piece in pieces))
    world.do(far, *(Transmit(FIRST, piece) for piece in reversed(pieces)))
    sent = b"".join(pieces)
    world.until(lambda: len(far.bytes_from(0)) == len(near.bytes_from(0)) == len(sent))
    assert far.bytes_from(0) == sent
    assert near.bytes_from(0) == b"".join(reversed(pieces))
    assert all(event.data for event in far.events if isinstance(event, Received))


def test_what_is_sent_on_opening_arrives(world: World) -> None:
    def greet(event: Event) -> list[Effect]:
        return [Transmit(event.peer, b"hello")] if isinstance(event, Opened) else []

    near, far = Probe(greet), Probe(greet)
    connect(world, near, far)
    world.until(lambda: near.bytes_from(0) == far.bytes_from(0) == b"hello")
    assert isinstance(near.events[0], Opened)
    assert isinstance(far.events[0], Opened)


def test_a_dial_nobody_answers_fails_once(world: World) -> None:
    near = Probe()
    world.start(near)
    world.do(near, Dial(3, world.nowhere()))
    world.until(lambda: bool(near.dial_failures))
    world.rest()
    (failed,) = near.events
    assert isinstance(failed, DialFailed)
    assert failed.ticket == 3
    assert "refused" in failed.reason.lower() or "connect call failed" in failed.reason.lower()


def test_several_dials_at_once_are_each_answered(world: World) -> None:
    near, far = Probe(), Probe()
    world.start(near)
    endpoint = world.start(far)
    nowhere = world.nowhere()
    world.do(near, Dial(0, endpoint), Dial(1, nowhere), Dial(2, endpoint), Dial(3, nowhere))
    world.until(lambda: len(near.events) == 4 and len(far.events) == 2)
    assert sorted(opened.ticket or 0 for opened in near.opened) == [0, 2]
    assert sorted(failed.ticket for failed in near.dial_failures) == [1, 3]


# Endings.


def test_disconnect_comes_after_what_was_transmitted(world: World) -> None:
    near, far = Probe(), Probe()
    connect(world, near, far)
    world.do(near, *([Transmit(FIRST, MEGABYTE)] * 5), Disconnect(FIRST, "enough"))
    world.until(lambda: bool(far.closed))
    assert len(far.bytes_from(0)) == 5_000_000
    assert far.events[-1] == far.closed[0]
    assert far.closed[0].reason


def test_disconnect_loses_nothing_although_the_peer_is_sending(world: World) -> None:
    near, far = Probe(), Probe()
    connect(world, near, far)
    world.do(near, Pause(FIRST))
    world.do(far, Transmit(FIRST, MEGABYTE))
    world.rest()
    world.do(near, Transmit(FIRST, b"farewell"), Disconnect(FIRST, "enough"))
    world.until(lambda: bool(far.closed))
    assert far.bytes_from(0) == b"farewell"


def test_nothing_comes_from_a_peer_that_was_hung_up_on(world: World) -> None:
    near, far = Probe(), Probe()
    connect(world, near, far)
    before = len(near.events)
    world.do(far, Transmit(FIRST, MEGABYTE))
    world.do(near, Disconnect(FIRST, "enough"))
    world.until(lambda: bool(far.closed))
    world.rest()
    assert all(isinstance(event, Received) for event in near.events[before:])
    heard = len(near.events)
    world.rest()
    assert len(near.events) == heard


def test_both_may_hang_up(world: World) -> None:
    near, far = Probe(), Probe()
    connect(world, near, far)
    asked = [world.command(probe, Do((Disconnect(FIRST, "enough"),))) for probe in (near, far)]
    world.until(lambda: all(one.done for one in asked))
    world.rest()
    assert not (near.closed and far.closed)
    assert len(near.closed) + len(far.closed) <= 1


def test_disconnect_in_answer_to_opened(world: World) -> None:
    def refuse(event: Event) -> list[Effect]:
        return [Disconnect(event.peer, "full")] if isinstance(event, Opened) else []

    near, far = Probe(), Probe(refuse)
    connect(world, near, far)
    world.until(lambda: bool(near.closed))
    assert near.events == [*near.opened, *near.closed]
    assert len(far.events) == 1


def test_effects_for_a_peer_that_has_gone_are_dropped(world: World) -> None:
    near, far = Probe(), Probe()
    connect(world, near, far)
    never = PeerId(99)
    for peer in (FIRST, never):
        world.do(near, Disconnect(peer, "enough"), Transmit(peer, b"late"))
        world.do(
            near, Disconnect(peer, "again"), Pause(peer), Resume(peer), Transmit(peer, b"late")
        )
    world.until(lambda: bool(far.closed))
    world.do(far, Transmit(FIRST, b"late"), Disconnect(FIRST, "late"), Pause(FIRST), Resume(FIRST))
    world.rest()
    assert far.bytes_from(0) == b""
    assert len(far.closed) == 1
    assert not near.closed


def test_a_driver_that_stops_closes_its_connections(world: World) -> None:
    near, far = Probe(), Probe()
    connect(world, near, far)
    world.do(near, Transmit(FIRST, MEGABYTE))
    world.stop(near)
    world.until(lambda: bool(far.closed))
    assert len(far.bytes_from(0)) == len(MEGABYTE)
    assert far.events[-1] == far.closed[0]
    assert not near.closed


# Back-pressure.


def test_a_peer_that_does_not_read_is_clogged_and_drains(world: World) -> None:
    near, far = Probe(), Probe()
    connect(world, near, far)
    world.do(far, Pause(FIRST))
    world.rest()
    world.do(near, *([Transmit(FIRST, MEGABYTE)] * 20))
    world.until(lambda: bool(near.of(Clogged)))
    world.rest()
    assert near.events[1:] == [Clogged(FIRST)]
    assert not far.of(Received)
    world.do(far, Resume(FIRST))
    world.until(lambda: len(far.bytes_from(0)) == 20 * len(MEGABYTE))
    world.until(lambda: bool(near.of(Drained)))
    assert near.events[1:] == [Clogged(FIRST), Drained(FIRST)]


def test_a_peer_that_never_reads_is_closed(world: World) -> None:
    near, far = Probe(), Probe()
    connect(world, near, far)
    world.do(far, Pause(FIRST))
    world.rest()
    for _ in range(SEND_MAX_BYTES // len(MEGABYTE) + 10):
        world.do(near, Transmit(FIRST, MEGABYTE))
    world.until(lambda: bool(near.closed))
    world.rest()
    assert near.events[1:] == [Clogged(FIRST), near.closed[0]]
    assert str(SEND_MAX_BYTES) in near.closed[0].reason
    world.do(far, Resume(FIRST))
    world.until(lambda: bool(far.closed))


def test_a_clogged_peer_can_be_hung_up_on_in_the_same_breath(world: World) -> None:
    near, far = Probe(), Probe()
    connect(world, near, far)
    world.do(near, *([Transmit(FIRST, MEGABYTE)] * 20), Disconnect(FIRST, "enough"))
    world.until(lambda: bool(far.closed))
    assert near.of(Clogged) == near.of(Drained) == []


def test_pause_and_resume(world: World) -> None:
    near, far = Probe(), Probe()
    connect(world, near, far)
    world.do(far, Pause(FIRST), Pause(FIRST))
    world.rest()
    world.do(near, Transmit(FIRST, b"waits"))
    world.rest()
    assert not far.of(Received)
    world.do(far, Resume(FIRST), Resume(FIRST))
    world.until(lambda: far.bytes_from(0) == b"waits")
    world.do(near, Transmit(FIRST, b" no more"))
    world.until(lambda: far.bytes_from(0) == b"waits no more")


# Time.


def test_an_alarm_rings_at_or_after_its_deadline(world: World) -> None:
    probe = Probe(alarm=world.now() + 30 * MILLISECOND)
    probe.next_alarm = world.now() + 60 * MILLISECOND
    world.start(probe)
    world.until(lambda: bool(probe.ticks))
    probe.next_alarm = None
    world.until(lambda: len(probe.ticks) == 2)
    assert all(due <= rung < due + 5 * SECOND for due, rung in probe.ticks)


def test_an_alarm_that_is_due_at_the_start_rings(world: World) -> None:
    probe = Probe(alarm=0)
    world.start(probe)
    world.until(lambda: bool(probe.ticks))


def test_a_deadline_moved_back_does_not_ring_before(world: World) -> None:
    probe = Probe(alarm=world.now() + 20 * MILLISECOND)
    world.start(probe)
    later = world.now() + 80 * MILLISECOND

    def put_off(event: Event) -> list[Effect]:
        probe.alarm = later
        return []

    probe.react = put_off
    world.do(probe)
    world.until(lambda: bool(probe.ticks))
    ((due, rung),) = probe.ticks
    assert due == later <= rung


def test_a_deadline_moved_forward_rings_earlier(world: World) -> None:
    probe = Probe(alarm=world.now() + 3_600 * SECOND)
    world.start(probe)

    def hurry(event: Event) -> list[Effect]:
        probe.alarm = world.now() + 10 * MILLISECOND
        return []

    probe.react = hurry
    world.do(probe)
    world.until(lambda: bool(probe.ticks))


# Slow work, names, commands.


def test_jobs_of_a_lane_run_in_order(world: World) -> None:
    done: list[object] = []

    def perform(job: object) -> object:
        done.append(job)
        return f"did {job}"

    probe = Probe()
    world.start(probe, perform)
    world.do(probe, *(Delegate(task, task, "blocks") for task in range(50)))
    world.until(lambda: len(probe.events) == 50)
    assert done == list(range(50))
    assert probe.events == [Completed(task, f"did {task}") for task in range(50)]


def test_every_lane_does_its_jobs(world: World) -> None:
    probe = Probe()
    world.start(probe, lambda job: job)
    world.do(probe, *(Delegate(task, task, f"lane {task % 3}") for task in range(30)))
    world.until(lambda: len(probe.events) == 30)
    tasks = [event.task for event in probe.events if isinstance(event, Completed)]
    for lane in range(3):
        assert [task for task in tasks if task % 3 == lane] == list(range(lane, 30, 3))


def test_an_address_resolves_to_itself_and_nonsense_to_nothing(world: World) -> None:
    probe = Probe()
    world.start(probe)
    world.do(probe, Resolve(1, "127.0.0.1", 8333), Resolve(2, "x" * 70 + ".invalid", 8333))
    world.until(lambda: len(probe.events) == 2)
    assert set(probe.events) == {Resolved(1, (Endpoint("127.0.0.1", 8333),)), Resolved(2, ())}


def test_commands_are_answered_in_any_order(world: World) -> None:
    waiting: list[Commanded] = []

    def last_first(event: Event) -> list[Effect]:
        assert isinstance(event, Commanded)
        waiting.append(event)
        if len(waiting) < 3:
            return []
        return [Answer(asked.ticket, f"{asked.command}!") for asked in reversed(waiting)]

    probe = Probe(last_first)
    world.start(probe)
    asked = [world.command(probe, number) for number in range(3)]
    world.until(lambda: all(one.done for one in asked))
    assert [one.value for one in asked] == ["0!", "1!", "2!"]
