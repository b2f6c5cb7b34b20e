"""Outcomes of slow work are told on the loop, a few in each round."""

from __future__ import annotations

import asyncio
import time
import weakref
from threading import Event

from axon.drivers.aio.lanes import ROUND_S, Lanes

JOBS = 20


async def tell_all(pause_s: float) -> tuple[list[int], int]:
    """All jobs end before the loop looks; each outcome takes a while to be taken in.

    Returns:
        The tasks in the order in which they were told, and how often the loop did other things
        between.
    """
    told: list[int] = []
    rounds = 0

    def completed(task: int, _outcome: object) -> None:
        told.append(task)
        time.sleep(pause_s)

    def failed(failure: BaseException) -> None:
        raise failure

    are_done = Event()

    def perform(job: object) -> object:
        if job == JOBS - 1:
            are_done.set()
        return job

    lanes = Lanes(perform, completed, failed)
    for task in range(JOBS):
        lanes.delegate(task, task, "read")
    are_done.wait()  # The lane has done them all; the loop has heard of none.
    while len(told) < JOBS:
        await asyncio.sleep(0)
        rounds += bool(told)
    await lanes.close()
    return told, rounds


def test_outcomes_that_take_long_leave_others_their_turn() -> None:
    told, rounds = asyncio.run(tell_all(ROUND_S))
    assert told == list(range(JOBS))
    assert rounds >= JOBS - 1


def test_outcomes_that_take_no_time_are_told_together() -> None:
    told, rounds = asyncio.run(tell_all(0))
    assert told == list(range(JOBS))
    assert rounds < JOBS / 2


class Secret:
    """A job with something in it that must not stay."""


def test_a_job_is_forgotten_while_the_lane_waits_for_the_next() -> None:
    async def main() -> None:
        told = asyncio.Event()
        lanes = Lanes(lambda _: None, lambda *_: told.set(), lambda _: None)
        job = Secret()
        seen = weakref.ref(job)
        lanes.delegate(1, job, "wallet")
        del job
        await told.wait()
        for _ in range(100):
            if seen() is None:
                break
            await asyncio.sleep(0.01)
        assert seen() is None
        await lanes.close()

    asyncio.run(main())


def test_behind_a_job_that_raised_none_is_done() -> None:
    async def main() -> list[object]:
        told: list[object] = []
        failed = asyncio.Event()

        def fail(failure: BaseException) -> None:
            told.append(failure)
            failed.set()

        def perform(job: object) -> object:
            if job == 1:
                raise ValueError(job)
            return job

        lanes = Lanes(perform, lambda task, _: told.append(task), fail)
        for task in range(3):
            lanes.delegate(task, task, "chain")
        await failed.wait()
        await lanes.close()
        await asyncio.sleep(0)
        return told

    first, failure = asyncio.run(main())
    assert first == 0
    assert isinstance(failure, ValueError)
