"""What clients asked in trials and what became of it, as lines of JSON that are only ever added to.

    {"trial": 3, "at": 12.84, "client": "w1", "what": "pay", "type": "invoke"}
    {"trial": 3, "at": 14.02, "client": "w1", "what": "pay", "type": "ok", "said": "5e0f.."}

What the types mean is said in `trialhistory`, of which each line is a part. `at` counts seconds of
the network's clocks from the harm.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Self

from axon.drivers.aio.privatefiles import open_file
from axon.machine import SECOND, Instant
from axon.swarm.trialhistory import HistoryLine, LineType, TrialHistory


class Journal:
    """The file; lines may come from several threads.

    Args:
        path: of it.
        now: the time by the network's clocks.
    """

    def __init__(self, path: Path, now: Callable[[], Instant]) -> None:
        self._file = os.fdopen(open_file(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "a")
        self._now = now
        self._lock = Lock()
        self._trial = 0
        self._begin = 0
        self.history = TrialHistory()
        """Of the present trial."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def begin(self, trial: int) -> None:
        """From now on lines are of this trial, and of times since now."""
        self._trial, self._begin = trial, self._now()
        self.history = TrialHistory()

    def note(self, client: str, what: str, outcome: LineType, said: object = "") -> None:
        """Add a line.

        Args:
            client: whose operation.
            what: which.
            outcome: what is said of it.
            said: what belongs to it, a plan or a text; nothing secret.
        """
        since = self._now() - self._begin
        line = {
            "trial": self._trial,
            "at": round(since / SECOND, 2),
            "client": client,
            "what": what,
            "type": outcome.value,
        }
        text = said if isinstance(said, str) else json.dumps(said)
        with self._lock:
            self.history.add_line(HistoryLine(since, client, what, outcome, text))
            self._file.write(json.dumps(line | ({"said": said} if said else {})) + "\n")
            self._file.flush()
