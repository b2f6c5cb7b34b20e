"""Outcomes of slow work are told on the loop, a few in each round."""

from __future__ import annotations

import asyncio
import time
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
