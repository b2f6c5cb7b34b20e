"""The event loop: libuv's where it exists, else the one of the standard library."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Final, TypeAlias

LoopFactory: TypeAlias = Callable[[], asyncio.AbstractEventLoop]

SWITCH_INTERVAL_S: Final = 0.001
"""How long a thread that computes in Python may keep the others waiting; Python's own 5 ms. The
kernel calls back several times for each block, and each time its thread waits for the loop's, and
the loop for threads that follow with coins and filters."""


def run_forgetful_loop(main: Coroutine[None, None, None]) -> None:
    """Run a coroutine to its end on a loop that holds nothing of what it has received.

    libuv reads into one buffer, where the last bytes stay for as long as no longer ones come.
    """
    _run(main, lambda: None)


def run_loop(main: Coroutine[None, None, None]) -> None:
    """Run a coroutine to its end on a loop of its own."""
    _run(main, _quickest_loop)


def _run(main: Coroutine[None, None, None], loop_of: Callable[[], LoopFactory | None]) -> None:
    try:
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        with asyncio.Runner(loop_factory=loop_of()) as runner:
            runner.run(main)
    finally:
        main.close()  # Python complains of one that ctrl-C kept from its first step.


def load_loop() -> None:
    """Load what `run_loop` needs, for processes that are forked and share it."""
    _quickest_loop()


def _quickest_loop() -> LoopFactory | None:
    try:
        import uvloop
    except ImportError:  # There is none for Windows.
        return None
    return uvloop.new_event_loop
