"""How patiently the operator's peers are dialled again."""

from __future__ import annotations

from random import Random

from axon.machine import MINUTE, SECOND, Endpoint
from axon.p2p.redial import FIRST_DELAY, IMPATIENT_DELAY, MAX_DELAY, Redial, Target
from tests.p2p.examples import NOW, endpoint

ALICE = Target("alice:1", endpoint("10.0.0.1", 1))
BOB = Target("bob:2", endpoint("10.0.0.2", 2))


def nobody(_: Endpoint) -> bool:
    return False


def redial(*targets: Target) -> Redial:
    return Redial(targets, Random(1), NOW)


def test_all_are_dialled_at_once() -> None:
    dial = redial(ALICE, BOB)
    assert dial.deadline(nobody) == NOW
    assert dial.due(NOW, nobody) == [ALICE, BOB]


def test_who_is_connected_or_being_dialled_is_left_alone() -> None:
    dial = redial(ALICE, BOB)
    assert dial.due(NOW, lambda where: where == ALICE.endpoint) == [BOB]
    assert dial.deadline(lambda _: True) is None


def test_the_pause_doubles_up_to_a_minute_and_is_smeared() -> None:
    dial, now, pauses = redial(ALICE), NOW, []
    for _ in range(12):
        dial.failed(ALICE.endpoint, now)
        due = dial.deadline(nobody)
        assert due is not None
        assert dial.due(due - 1, nobody) == []
        assert dial.due(due, nobody) == [ALICE]
        pauses.append(due - now)
        now = due
    for number, pause in enumerate(pauses):
        expected = min(FIRST_DELAY << number, MAX_DELAY)
        assert 0.75 * expected <= pause <= 1.25 * expected
    assert len(set(pauses[-4:])) == 4


def test_a_connection_that_lasted_resets_the_pause() -> None:
    dial = redial(ALICE)
    for _ in range(8):
        dial.failed(ALICE.endpoint, NOW)
    dial.ended(ALICE.endpoint, NOW)
    due = dial.deadline(nobody)
    assert due is not None
    assert due < NOW + 2 * SECOND


def test_targets_are_added_and_removed_by_name() -> None:
    dial = redial(ALICE)
    assert not dial.add(Target("the same place", ALICE.endpoint), NOW)
    assert dial.add(BOB, NOW + MINUTE)
    assert list(dial.targets) == [ALICE, BOB]
    assert dial.due(NOW, nobody) == [ALICE]
    assert dial.remove("alice:1")
    assert not dial.remove("alice:1")
    assert list(dial.targets) == [BOB]


def test_what_became_of_strangers_is_nothing_to_it() -> None:
    dial = redial(ALICE)
    dial.failed(BOB.endpoint, NOW)
    dial.ended(BOB.endpoint, NOW)
    assert dial.deadline(nobody) == NOW


def test_a_light_client_waits_for_seconds_only() -> None:
    dial = Redial((ALICE,), Random(1), NOW, IMPATIENT_DELAY)
    for _ in range(12):
        dial.failed(ALICE.endpoint, NOW)
    due = dial.deadline(nobody)
    assert due is not None
    assert due - NOW < 2 * IMPATIENT_DELAY


def test_the_others_are_dialled_at_once_when_nobody_is_left() -> None:
    dial = redial(ALICE, BOB)
    for target in (ALICE, BOB):
        for _ in range(5):
            dial.failed(target.endpoint, NOW)
    dial.bring_forward(NOW, ALICE.endpoint)
    assert dial.due(NOW, nobody) == [BOB]
