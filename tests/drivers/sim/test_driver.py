"""What only the simulation does: the same run twice, faults on command, clocks that differ."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import pairwise

import pytest

from axon.drivers.bounds import CONNECT_TIMEOUT, RESOLVE_TIMEOUT
from axon.drivers.linkmodel import LinkModel, Loss
from axon.drivers.sim.driver import START, NoAnswer, Simulation
from axon.drivers.sim.faults import (
    ClockOffset,
    Crash,
    FaultSchedule,
    GoOn,
    HalfOpen,
    Heal,
    NameServer,
    Partition,
    Restart,
    ShapeLink,
    SlowDown,
    Stop,
)
from axon.drivers.sim.network import RETRANSMIT_MIN
from axon.drivers.sim.program import MAX_IMMEDIATE_TICKS
from axon.drivers.sim.streams import GIVE_UP, RESET
from axon.errors import StorageError
from axon.machine import (
    IMMEDIATELY,
    MILLISECOND,
    MINUTE,
    SECOND,
    Answer,
    Clogged,
    Closed,
    Commanded,
    Completed,
    Delegate,
    Dial,
    DialFailed,
    Disconnect,
    Effect,
    Endpoint,
    Event,
    Instant,
    NoCommand,
    Opened,
    Pause,
    PeerId,
    Received,
    Report,
    Resolve,
    Resolved,
    Resume,
    Transmit,
)
from tests.drivers.worlds import Do, Probe

FIRST = PeerId(0)
LATENCY = 40 * MILLISECOND


def endpoint(node: int) -> Endpoint:
    return Endpoint(f"10.0.0.{node + 1}", 8333)


def pair(seed: int = 1, link: LinkModel | None = None) -> tuple[Simulation, Probe, Probe]:
    """Two nodes, 0 and 1; 0 has dialled 1; both ends are open."""
    simulation = Simulation(seed, link=link)
    near, far = Probe(), Probe()
    simulation.add(lambda _: near, endpoint(0))
    simulation.add(lambda _: far, endpoint(1))
    simulation.command(0, Do((Dial(7, endpoint(1)),)))
    assert simulation.run_until(lambda: bool(near.opened and far.opened), START + 60 * SECOND)
    return simulation, near, far


def do(simulation: Simulation, node: int, *effects: Effect) -> None:
    simulation.ask(node, Do(effects))


# Determinism.

GOSSIP = """
from tests.drivers.sim.gossip import gossip
for seed in (1, 2):
    print(gossip(seed))
"""


def test_the_same_seed_is_the_same_run_in_every_process() -> None:
    def traces(hash_seed: str) -> str:
        return subprocess.run(
            [sys.executable, "-c", GOSSIP],
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(sys.path),
                "PYTHONHASHSEED": hash_seed,
            },
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    first, second = traces("1"), traces("2")
    assert first == second
    one, two = first.split()
    assert one != two


def test_a_failure_names_its_seed() -> None:
    simulation, near, _ = pair(seed=77)

    def stumble(event: Event) -> list[Effect]:
        raise ZeroDivisionError

    near.react = stumble
    simulation.command(0, "anything")
    with pytest.raises(ZeroDivisionError) as caught:
        simulation.run(simulation.now + SECOND)
    assert "seed 77" in caught.value.__notes__[0]


def test_a_deadline_that_stands_still_is_a_bug() -> None:
    probe = Probe(alarm=START)
    probe.next_alarm = START
    simulation = Simulation(1)
    simulation.add(lambda _: probe, endpoint(0))
    with pytest.raises(AssertionError, match="moves the deadline on"):
        simulation.run(START + 1)


def test_work_that_is_left_may_take_many_ticks_but_must_end() -> None:
    probe = Probe(alarm=IMMEDIATELY)
    probe.next_alarm = IMMEDIATELY
    simulation = Simulation(1)
    simulation.add(lambda _: probe, endpoint(0))
    with pytest.raises(AssertionError, match="comes to an end"):
        simulation.run(START + 1)
    assert len(probe.ticks) == MAX_IMMEDIATE_TICKS + 1


# Time on links.


def test_a_connection_takes_round_trips_and_data_half_of_one() -> None:
    simulation = Simulation(1)
    times: list[tuple[int, type[Event], int]] = []

    def clerk(node: int) -> Probe:
        def write(event: Event) -> list[Effect]:
            times.append((node, type(event), simulation.now - START))
            return [Transmit(event.peer, b"x")] if isinstance(event, Opened) else []

        return Probe(write)

    simulation.add(lambda _: clerk(0), endpoint(0))
    simulation.add(lambda _: clerk(1), endpoint(1))
    simulation.command(0, Do((Dial(1, endpoint(1)),)))
    simulation.run(START + SECOND)
    assert times[1:] == [
        (0, Opened, 2 * LATENCY),
        (1, Opened, 3 * LATENCY),
        (1, Received, 3 * LATENCY),
        (0, Received, 4 * LATENCY),
    ]


def test_bytes_arrive_in_order_over_a_bad_link() -> None:
    link = LinkModel(
        latency_us=(10 * MILLISECOND, 90 * MILLISECOND),
        jitter_us=(0, 50 * MILLISECOND),
        rate_bit_s=10_000_000,
        loss=Loss(good=0.02, bad=0.3, worsens=0.05, recovers=0.3),
    )
    for seed in range(5):
        simulation, near, far = pair(seed, link)
        pieces = [bytes([number]) * number for number in range(200)]
        for piece in pieces:
            do(simulation, 0, Transmit(FIRST, piece))
        do(simulation, 0, Disconnect(FIRST, "enough"))
        assert simulation.run_until(lambda: bool(far.closed), simulation.now + 600 * SECOND), seed  # noqa: B023
        assert far.bytes_from(0) == b"".join(pieces)
        assert not near.closed


def test_a_slow_link_holds_back_a_fast_sender() -> None:
    simulation, near, far = pair(link=LinkModel(rate_bit_s=8_000_000))
    start = simulation.now
    do(simulation, 0, Transmit(FIRST, bytes(6_000_000)))
    assert simulation.run_until(lambda: bool(near.of(Clogged)), start + SECOND)
    assert simulation.run_until(lambda: bool(far.of(Received)), start + 60 * SECOND)
    assert simulation.now - start == 6 * SECOND + LATENCY


# Dialling.


@pytest.mark.parametrize(
    ("target", "reason", "after"),
    [
        (Endpoint("10.9.9.9", 8333), "no answer", CONNECT_TIMEOUT),
        (Endpoint("10.0.0.2", 1), "refused", 2 * LATENCY),
    ],
)
def test_a_dial_fails_as_it_would_in_the_world(target: Endpoint, reason: str, after: int) -> None:
    simulation, near, _ = pair()
    start = simulation.now
    do(simulation, 0, Dial(8, target))
    assert simulation.run_until(lambda: bool(near.dial_failures), start + 60 * SECOND)
    assert near.dial_failures[0].ticket == 8
    assert reason in near.dial_failures[0].reason
    assert simulation.now - start == after


def test_a_node_that_does_not_listen_dials_but_is_not_dialled() -> None:
    simulation = Simulation(1)
    wallet, node = Probe(), Probe()
    simulation.add(lambda _: wallet, endpoint(0), listens=False)
    simulation.add(lambda _: node, endpoint(1))
    do(simulation, 1, Dial(1, endpoint(0)))
    do(simulation, 0, Dial(1, endpoint(1)))
    simulation.run(START + SECOND)
    assert wallet.opened
    assert [failed.ticket for failed in node.dial_failures] == [1]


@pytest.mark.parametrize("drops", [True, False])
@pytest.mark.parametrize("one_way", [(0, 1), (1, 0), None])
def test_a_dial_into_a_cut_fails_and_a_mended_cut_lets_it_through(
    drops: bool, one_way: tuple[int, int] | None
) -> None:
    for heals_after, opens in ((2 * SECOND, True), (6 * SECOND, False)):
        simulation = Simulation(1)
        near, far = Probe(), Probe()
        simulation.add(lambda _: near, endpoint(0))  # noqa: B023
        simulation.add(lambda _: far, endpoint(1))  # noqa: B023
        groups = [[node] for node in one_way or (0, 1)]
        simulation.partition(groups, one_way=one_way is not None, drops=drops)
        simulation.at(START + heals_after, simulation.heal)
        do(simulation, 0, Dial(1, endpoint(1)))
        simulation.run(START + 20 * SECOND)
        assert bool(near.opened) == bool(far.opened) == opens
        assert bool(near.dial_failures) != opens


# Cuts through connections.


@pytest.mark.parametrize("drops", [True, False])
def test_a_cut_delays_what_is_sent_in_it(drops: bool) -> None:
    simulation, near, far = pair()
    plan = FaultSchedule(
        (
            Partition(simulation.now + SECOND, ((0,), (1,)), drops=drops),
            Heal(simulation.now + 10 * SECOND),
        )
    )
    plan.arrange(simulation)
    heals = simulation.now + 10 * SECOND
    simulation.run(simulation.now + 2 * SECOND)
    for piece in (b"a", b"b", b"c"):
        do(simulation, 0, Transmit(FIRST, piece))
        do(simulation, 1, Transmit(FIRST, piece))
    simulation.run(heals)
    assert not near.of(Received)
    assert not far.of(Received)
    simulation.run(heals + LATENCY + (20 * SECOND if drops else 0))
    assert near.bytes_from(0) == far.bytes_from(0) == b"abc"
    do(simulation, 0, Transmit(FIRST, b"d"))
    simulation.run(simulation.now + LATENCY)
    assert far.bytes_from(0) == b"abcd"


def test_a_dropped_piece_comes_when_it_is_sent_again() -> None:
    simulation, _, far = pair()
    simulation.partition([[0], [1]], drops=True)
    sent = simulation.now
    do(simulation, 0, Transmit(FIRST, b"x"))
    simulation.run(sent + 4 * RETRANSMIT_MIN)
    simulation.heal()
    assert simulation.run_until(lambda: bool(far.of(Received)), sent + 60 * SECOND)
    assert simulation.now == sent + LATENCY + (1 + 2 + 4) * RETRANSMIT_MIN + LATENCY


def test_a_one_way_cut_lets_the_other_way_through() -> None:
    simulation, near, far = pair()
    simulation.partition([[0], [1]], one_way=True)
    do(simulation, 0, Transmit(FIRST, b"lost"))
    do(simulation, 1, Transmit(FIRST, b"heard"))
    simulation.run(simulation.now + 10 * SECOND)
    assert near.bytes_from(0) == b"heard"
    assert far.bytes_from(0) == b""


def test_a_disconnect_in_a_cut_is_heard_after_it() -> None:
    simulation, near, far = pair()
    simulation.partition([[0], [1]])
    do(simulation, 0, Transmit(FIRST, b"last"), Disconnect(FIRST, "enough"))
    simulation.run(simulation.now + 60 * SECOND)
    assert not far.closed
    simulation.heal()
    simulation.run(simulation.now + LATENCY)
    assert far.bytes_from(0) == b"last"
    assert far.closed
    assert not near.closed


def test_behind_one_cut_there_may_be_another() -> None:
    simulation, near, _ = pair()
    simulation.partition([[0], [1]])
    do(simulation, 0, Transmit(FIRST, b"hello?"))
    simulation.run(simulation.now + SECOND)
    simulation.crash(1, silent=True)
    simulation.heal()
    simulation.run(simulation.now + 60 * SECOND)
    assert not near.closed
    simulation.restart(1)
    simulation.run(simulation.now + 120 * SECOND)
    assert near.closed == [Closed(FIRST, RESET)]


def test_what_no_one_acknowledges_ends_the_connection() -> None:
    simulation, near, far = pair()
    simulation.partition([[0], [1]], drops=True)
    sent = simulation.now
    do(simulation, 0, Transmit(FIRST, b"x"))
    assert simulation.run_until(lambda: bool(near.closed), sent + 2_000 * SECOND)
    assert simulation.now == sent + LATENCY + GIVE_UP
    assert "timed out" in near.closed[0].reason
    simulation.heal()
    simulation.run(simulation.now + 1_000 * SECOND)
    assert not far.events[1:]  # It sent nothing, so it knows nothing.
    do(simulation, 1, Transmit(FIRST, b"hello?"))
    simulation.run(simulation.now + 2 * LATENCY)
    assert [type(event) for event in far.events[1:]] == [Closed]
    assert len(near.closed) == 1


def test_a_flapping_cut_does_not_renew_the_patience_of_tcp() -> None:
    simulation, near, _ = pair()
    sent = simulation.now
    simulation.partition([[0], [1]])
    do(simulation, 0, Transmit(FIRST, b"x"))
    for _ in range(9):
        simulation.run(simulation.now + 100 * SECOND)
        simulation.heal()
        simulation.partition([[0], [1]])
    assert simulation.run_until(lambda: bool(near.closed), sent + 2_000 * SECOND)
    assert simulation.now == sent + LATENCY + GIVE_UP


def test_a_half_open_connection_is_noticed_by_whoever_sends() -> None:
    simulation, near, far = pair()
    FaultSchedule((HalfOpen(simulation.now + 1, 0, 1),)).arrange(simulation)
    simulation.run(simulation.now + 1)
    do(simulation, 0, Transmit(FIRST, b"hello?"))
    do(simulation, 0, Dial(9, endpoint(1)))
    simulation.run(simulation.now + 2_000 * SECOND)
    assert [closed.peer for closed in near.closed] == [FIRST]
    assert not far.of(Received)
    assert not far.closed
    assert near.opened[-1].ticket == 9  # New connections are not concerned.


def test_who_loses_its_way_out_loses_what_it_dialled_until_it_has_it_back() -> None:
    simulation, near, far = pair()
    do(simulation, 1, Dial(8, endpoint(0)))
    simulation.run(simulation.now + SECOND)
    simulation.bar(0, barred=True)
    do(simulation, 0, Dial(9, endpoint(1)))
    simulation.run(simulation.now + SECOND)
    assert [(closed.peer, closed.reason) for closed in near.closed] == [(FIRST, RESET)]
    assert [(closed.peer, closed.reason) for closed in far.closed] == [(FIRST, RESET)]
    assert near.of(DialFailed) == [DialFailed(9, "connection refused")]
    simulation.bar(0, barred=False)
    do(simulation, 0, Dial(10, endpoint(1)))
    simulation.run(simulation.now + SECOND)
    assert near.opened[-1].ticket == 10


def test_a_firewall_refuses_whom_it_does_not_know() -> None:
    simulation, near, far = pair()
    simulation.admit_only(1, frozenset({endpoint(2).host}))
    third = Probe()
    simulation.add(lambda _: third, endpoint(2))
    do(simulation, 0, Dial(8, endpoint(1)))
    do(simulation, 2, Dial(9, endpoint(1)))
    simulation.run(simulation.now + SECOND)
    assert near.of(DialFailed) == [DialFailed(8, "connection refused")]
    assert [opened.ticket for opened in third.opened] == [9]
    assert not near.closed, "what stands is not concerned"
    assert not far.closed


# Crashes.


def test_a_crash_closes_connections_and_refuses_new_ones() -> None:
    simulation, near, far = pair()
    FaultSchedule((Crash(simulation.now + SECOND, 1),)).arrange(simulation)
    simulation.run(simulation.now + 2 * SECOND)
    assert near.closed
    assert not simulation.is_running(1)
    heard = len(far.events)
    do(simulation, 0, Dial(8, endpoint(1)))
    simulation.run(simulation.now + SECOND)
    assert "refused" in near.dial_failures[0].reason
    assert len(far.events) == heard


def test_a_silent_crash_is_noticed_after_the_restart_only() -> None:
    simulation, near, _ = pair()
    simulation.crash(1, silent=True)
    do(simulation, 0, Transmit(FIRST, b"hello?"), Dial(8, endpoint(1)))
    simulation.run(simulation.now + 60 * SECOND)
    assert not near.closed
    assert "no answer" in near.dial_failures[0].reason
    simulation.restart(1)
    simulation.run(simulation.now + 120 * SECOND)
    assert "reset" in near.closed[0].reason


def test_a_restart_is_a_new_machine_with_peers_from_0() -> None:
    simulation = Simulation(1)
    runs: list[Probe] = []

    def boot(now: Instant) -> Probe:
        runs.append(Probe(alarm=now + SECOND))
        return runs[-1]

    near = Probe()
    simulation.add(boot, endpoint(0), clock_offset_us=-7)
    simulation.add(lambda _: near, endpoint(1))
    do(simulation, 1, Dial(1, endpoint(0)))
    plan = FaultSchedule((Crash(START + 500 * MILLISECOND, 0), Restart(START + 2 * SECOND, 0)))
    plan.arrange(simulation)
    simulation.run(START + 3 * SECOND)
    do(simulation, 1, Dial(2, endpoint(0)))
    simulation.run(START + 10 * SECOND)
    old, new = runs
    assert old.ticks == []
    assert new.ticks == [(START + 3 * SECOND - 7, START + 3 * SECOND - 7)]
    assert [opened.peer for opened in new.opened] == [0]
    assert simulation.machine(0) is new
    assert [opened.peer for opened in near.opened] == [0, 1]


def test_a_restart_of_a_running_node_is_left_out_of_plans() -> None:
    simulation, near, _ = pair()
    FaultSchedule((Restart(simulation.now, 0),)).arrange(simulation)
    simulation.run(simulation.now + SECOND)
    assert simulation.machine(0) is near


def test_a_crash_loses_jobs_and_commands() -> None:
    simulation = Simulation(1)
    done: list[object] = []
    probe = Probe()
    simulation.add(lambda _: probe, endpoint(0), perform=done.append)
    do(simulation, 0, Delegate(1, "job", "lane"))
    asked = simulation.command(0, Do(()))
    simulation.crash(0)
    simulation.run(START + SECOND)
    assert done == []
    assert not asked.done
    with pytest.raises(NoAnswer):
        simulation.ask(0, Do(()))


# Jobs, names, clocks, facts.


def test_jobs_take_their_time_lane_by_lane() -> None:
    simulation = Simulation(1)
    times: list[tuple[object, int]] = []
    probe = Probe()
    simulation.add(
        lambda _: probe,
        endpoint(0),
        perform=lambda job: times.append((job, simulation.now - START)),
        job_time_us=lambda job: int(str(job)),
    )
    do(simulation, 0, *(Delegate(task, task, "ab"[task > 30]) for task in (10, 20, 31, 0)))
    simulation.run(START + 100)
    assert times == [(10, 10), (20, 30), (31, 31), (0, 31)] or times == [
        (10, 10), (20, 30), (0, 31), (31, 31),
    ]  # fmt: skip


def test_a_broken_disk_ends_the_node_and_not_the_simulation() -> None:
    def perform(job: object) -> object:
        raise StorageError("the disk is full")

    simulation = Simulation(1)
    near, far = Probe(), Probe()
    simulation.add(lambda _: near, endpoint(0), perform=perform)
    simulation.add(lambda _: far, endpoint(1))
    do(simulation, 0, Dial(1, endpoint(1)))
    simulation.run(START + SECOND)
    do(simulation, 0, Delegate(1, "job", "store"), Delegate(2, "job", "store"))
    simulation.run(START + 2 * SECOND)
    assert not near.of(Completed)
    assert far.closed
    assert not simulation.is_running(0)
    assert str(simulation.failures[0]) == "the disk is full"


def test_names_resolve_as_scripted() -> None:
    simulation = Simulation(1)
    probe = Probe()
    simulation.add(lambda _: probe, endpoint(0))
    seed = "seed.bitcoin.example"
    FaultSchedule(
        (
            NameServer(START, seed, ("10.0.0.1", "10.0.0.2")),
            NameServer(START + SECOND, seed, tuple(f"10.0.1.{n}" for n in range(100))),
            NameServer(START + 2 * SECOND, seed, None),
        )
    ).arrange(simulation)
    answers: list[tuple[int, int]] = []
    for _ in range(3):
        simulation.run(simulation.now + SECOND // 2)
        asked = simulation.now
        do(simulation, 0, Resolve(1, seed, 8333))
        simulation.run_until(lambda: len(probe.of(Resolved)) > len(answers), asked + 60 * SECOND)
        event = probe.events[-1]
        assert isinstance(event, Resolved)
        answers.append((len(event.endpoints), simulation.now - asked))
        simulation.run(max(simulation.now, asked + SECOND // 2))
    assert [count for count, _ in answers] == [2, 32, 0]
    assert answers[2][1] == RESOLVE_TIMEOUT


@pytest.mark.parametrize("offset_us", [-3_600 * SECOND, 0, 3_600 * SECOND])
def test_clocks_may_differ(offset_us: int) -> None:
    simulation = Simulation(1)
    told: list[tuple[object, Instant]] = []
    probe = Probe(alarm=START + offset_us + SECOND)
    simulation.add(
        lambda now: probe if now == START + offset_us else Probe(),
        endpoint(0),
        clock_offset_us=offset_us,
        on_report=lambda fact, now: told.append((fact, now)),
    )
    simulation.run(START + 2 * SECOND)
    assert probe.ticks == [(START + offset_us + SECOND,) * 2]
    do(simulation, 0, Report("tip"))
    assert told == [("tip", START + offset_us + 2 * SECOND)]


def test_a_clock_that_is_set_takes_the_alarm_along() -> None:
    simulation = Simulation(1)
    probe = Probe(alarm=START + 100 * SECOND)
    simulation.add(lambda _: probe, endpoint(0))
    ClockOffset(START, 0, 90 * SECOND).apply(simulation)
    simulation.run(START + 9 * SECOND)
    assert probe.ticks == []
    ClockOffset(START, 0, 80 * SECOND).apply(simulation)
    simulation.run(START + 19 * SECOND)
    assert probe.ticks == []
    simulation.run(START + 20 * SECOND)
    assert probe.ticks == [(START + 100 * SECOND, START + 100 * SECOND)]


def test_a_link_can_be_shaped() -> None:
    simulation, near, _ = pair()
    FaultSchedule((ShapeLink(simulation.now, 1, 0, LinkModel((SECOND,))),)).arrange(simulation)
    simulation.run(simulation.now)
    start = simulation.now
    do(simulation, 0, Dial(8, endpoint(1)))
    simulation.run_until(lambda: len(near.opened) == 2, start + 60 * SECOND)
    assert simulation.now - start == 2 * SECOND


def test_pause_holds_what_arrives_and_resume_hands_it_over() -> None:
    simulation, _, far = pair()
    do(simulation, 0, *(Transmit(FIRST, bytes([n])) for n in range(10)))
    far.react = lambda event: [Pause(FIRST)] if isinstance(event, Received) else []
    simulation.run(simulation.now + SECOND)
    assert far.bytes_from(0) == bytes([0])
    far.react = lambda _: []
    do(simulation, 1, Resume(FIRST))
    simulation.run(simulation.now)
    assert far.bytes_from(0) == bytes(range(10))


def test_what_is_no_command_is_a_type_error_of_whoever_asks() -> None:
    def refuse(event: Event) -> list[Effect]:
        assert isinstance(event, Commanded)
        return [Answer(event.ticket, NoCommand(event.command))]

    simulation = Simulation(1)
    simulation.add(lambda _: Probe(refuse), endpoint(0))
    with pytest.raises(TypeError, match="'nonsense'"):
        simulation.ask(0, "nonsense")


# Programs that are stopped or slow.


def test_a_stopped_program_is_silent_and_takes_in_all_when_it_goes_on() -> None:
    simulation, near, far = pair()
    far.alarm = simulation.now + SECOND
    plan = FaultSchedule((Stop(simulation.now, 1), GoOn(simulation.now + MINUTE, 1)))
    plan.arrange(simulation)
    simulation.run(simulation.now + MILLISECOND)
    do(simulation, 0, Transmit(FIRST, b"one"), Dial(8, endpoint(1)))
    do(simulation, 0, Transmit(FIRST, b"two"), Disconnect(FIRST, "done"))
    simulation.run(simulation.now + 50 * SECOND)
    assert (far.bytes_from(0), far.closed, far.ticks) == (b"", [], [])
    assert len(near.opened) == 2, "the system of a stopped program accepts connections"
    assert near.dial_failures == []
    due = far.alarm
    simulation.run(START + 2 * MINUTE)
    assert far.bytes_from(0) == b"onetwo"

    assert (len(far.opened), len(far.closed)) == (2, 1)
    assert [ring[0] for ring in far.ticks] == [due]


def test_a_slow_program_does_one_thing_after_the_other() -> None:
    simulation, _, far = pair()
    times: list[Instant] = []

    def note(_: Event) -> list[Effect]:
        times.append(simulation.now)
        return []

    far.react = note
    SlowDown(simulation.now, 1, 3 * SECOND).apply(simulation)
    began = simulation.now
    for _ in range(4):
        do(simulation, 0, Transmit(FIRST, b"more"))
    simulation.run(began + MINUTE)
    waits = [after - before for before, after in pairwise(times)]
    assert len(waits) == 3
    assert all(wait == 3 * SECOND for wait in waits)
    SlowDown(simulation.now, 1, 0).apply(simulation)
    sent = simulation.now
    do(simulation, 0, Transmit(FIRST, b"last"))
    simulation.run(sent + SECOND)
    assert times[-1] == sent + LATENCY


def test_a_stopped_program_can_be_killed_and_forgets_what_waited() -> None:
    simulation, near, far = pair()
    simulation.stop(1)
    do(simulation, 0, Transmit(FIRST, b"lost"))
    simulation.run(simulation.now + SECOND)
    simulation.crash(1)
    simulation.go_on(1)
    simulation.run(simulation.now + SECOND)
    assert far.bytes_from(0) == b""
    assert len(near.closed) == 1
