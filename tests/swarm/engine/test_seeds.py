"""Many seeds over an executor: the order, lost workers, what is dropped."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from axon.swarm.engine.seeds import MAX_LOSSES, WINDOW, EngineFailed, SeedProcesses, in_order


def deaf(done: int) -> None:
    """Watches nothing."""


class OneByOne(Executor):
    """Runs what it is handed at once, and breaks before some of it."""

    def __init__(self, breaks: set[int]) -> None:
        self.asked: list[int] = []
        self._breaks = breaks

    def submit(self, run: Callable[..., Any], /, *given: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.asked.append(given[0])
        if given[0] in self._breaks:
            future.set_exception(BrokenExecutor("a worker is gone"))
        else:
            future.set_result(run(*given, **named))
        return future


def double(seed: int) -> int:
    return 2 * seed


def test_reports_come_in_the_order_of_their_seeds_and_progress_ends_with_all() -> None:
    told: list[int] = []
    made = in_order(partial(ThreadPoolExecutor, 3), double, range(5, 60), told.append)
    assert list(made) == [2 * seed for seed in range(5, 60)]
    assert told[-1] == 55
    assert told == sorted(told)


def test_no_more_is_handed_out_than_a_window() -> None:
    executor = OneByOne(set())
    with closing(in_order(lambda: executor, double, range(10 * WINDOW), deaf)) as made:
        assert next(made) == 0
        assert len(executor.asked) == WINDOW


def test_seeds_of_a_broken_executor_run_again_in_another_one() -> None:
    made = [OneByOne({3}), OneByOne({7}), OneByOne(set())]
    opened = iter(made)
    reports = list(in_order(lambda: next(opened), double, range(10), deaf))
    assert reports == [2 * seed for seed in range(10)]
    assert [executor.asked[0] for executor in made] == [0, 3, 7]


def test_a_seed_that_breaks_each_executor_is_named() -> None:
    made = in_order(lambda: OneByOne({2}), double, range(10), deaf)
    assert list(islice(made, 2)) == [0, 2]
    with pytest.raises(EngineFailed, match=f"lost {MAX_LOSSES + 1} times while seed 2 was due"):
        next(made)


def test_what_has_not_begun_is_dropped_when_it_is_closed() -> None:
    ran: list[int] = []

    def run(seed: int) -> int:
        ran.append(seed)
        time.sleep(0.01)  # All of them would take ten seconds.
        return seed

    with closing(in_order(partial(ThreadPoolExecutor, 1), run, range(WINDOW), deaf)) as made:
        next(made)
    assert len(ran) < WINDOW


def killed_once(seed: int, folder: Path) -> int:
    """The worker of seed 4 is killed, the first time."""
    mark = folder / "killed"
    if seed == 4 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * seed


@pytest.mark.process
def test_seeds_of_a_killed_process_run_again(tmp_path: Path) -> None:
    run = partial(killed_once, folder=tmp_path)
    made = in_order(partial(SeedProcesses, 2), run, range(20), deaf)
    assert list(made) == [2 * seed for seed in range(20)]
    assert (tmp_path / "killed").exists(), "or nothing was killed"
