"""A search for single points of failure whose rows are told one by one, and which can be ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from axon.errors import ConfigError
from axon.swarm import blueprintfile
from axon.swarm.dash.onpaper import on_paper
from axon.swarm.dash.searchprogram import SCOPE
from axon.swarm.dash.verdictrows import SearchTable
from axon.swarm.lab import lifecycle
from axon.swarm.spof.candidates import Candidate, Mode

SEED: Final = 1
_PROGRAM: Final = (sys.executable, "-m", "axon.swarm.dash.searchprogram", str(SEED))


class LiveSearch:
    """One search; the run itself is left alone.

    Args:
        folder: of the run whose plan is searched.
        tell: told the rows whenever they change.
    """

    def __init__(self, folder: Path, tell: Callable[[dict[str, object]], None]) -> None:
        self._folder = folder
        self._tell = tell
        self._child: subprocess.Popen[str] | None = None
        self._is_stopped = False

    def run(self) -> str:
        """Search; the verdict in a sentence.

        Raises:
            ConfigError: this run cannot be searched, or the search was ended, or failed.
        """
        blueprint = on_paper(lifecycle.load(self._folder))
        about = (
            f"The plan of this run (seed {SEED}) in virtual time: each component killed, and all "
            "nodes but each one. axon swarm spof tries more."
        )
        table = SearchTable(about, SCOPE.candidates(blueprint))
        self._tell(table.to_json())
        # A session of its own: its trials are forks, which end with it.
        with subprocess.Popen(
            _PROGRAM,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        ) as self._child:
            assert self._child.stdin is not None
            assert self._child.stdout is not None
            if self._is_stopped:
                self._end()
            try:
                with suppress(BrokenPipeError):  # It was ended already.
                    json.dump(blueprintfile.to_json(blueprint), self._child.stdin)
                    self._child.stdin.close()
                for line in self._child.stdout:
                    sentence = _take(table, json.loads(line))
                    self._tell(table.to_json())
                    if sentence:
                        return sentence
            finally:
                self._end()
        why = "the search was stopped" if self._is_stopped else "the search has failed"
        table.end("", why)
        self._tell(table.to_json())
        raise ConfigError(why)

    def stop(self) -> None:
        """End it; called in another thread."""
        self._is_stopped = True
        self._end()

    def _end(self) -> None:
        if self._child is not None and self._child.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)


def _take(table: SearchTable, told: dict[str, Any]) -> str:
    """Take down what the search says; its verdict at the end, else nothing."""
    match told:
        case {"control": {"about": about, "passed": passed}}:
            table.said(f"control: {about}: {'as it must be' if passed else 'NOT as it must be'}")
        case {"trial": {"targets": targets, "mode": mode, "standing": standing}}:
            table.found(Candidate(tuple(targets), Mode(mode)), standing)
        case {"verdict": {"level": level, "sentence": sentence}}:
            table.end(level, sentence)
            return str(sentence)
    return ""
