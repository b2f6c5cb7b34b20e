"""How a program that runs a node or a wallet is told by the system to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable


class StopSignals:
    """SIGINT and SIGTERM, for the task of a program that is created now.

    starting --signal--> the task is cancelled, once
    `stops_by(stop)` --signal--> `stop()` is called
    """

    def __init__(self) -> None:
        task = asyncio.current_task()
        assert task is not None, "a coroutine that runs belongs to a task"
        self._task = task
        self._stop: Callable[[], None] | None = None
        self.broke_off = False
        """Whether the task was cancelled by a signal."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._came)

    def stops_by(self, stop: Callable[[], None]) -> None:
        """From now on a signal calls this."""
        self._stop = stop

    def _came(self) -> None:
        if self._stop is not None:
            self._stop()
        elif not self.broke_off:
            self.broke_off = True
            self._task.cancel()
