"""Ends what a test run has started when the run itself is gone, however it went.

A program that is killed cannot end its processes. So the first one that it starts for a test is
followed by a guard, a small process in a session of its own. It is told the identity of each
process that was started, and kills those that still live once the pipe to it closes: at the latest
when the program ends, by whatever signal.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
from functools import cache
from typing import Final, Self

from axon.swarm.lab.axonprocess import AxonProcess
from axon.swarm.lab.processidentity import ProcessIdentity

END_LIMIT_S: Final = 10.0
"""How long a guard may take to leave when the program ends as it should."""


class Guard:
    """The guard of this program."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "axon.testing.guardprogram"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Neither ctrl-C nor a signal to the group ends it first.
        )
        atexit.register(self.end)

    def watch(self, identity: ProcessIdentity) -> None:
        """End this process, too, if this program ends before it."""
        assert self._process.stdin is not None, "there is a pipe to the guard"
        self._process.stdin.write(json.dumps(identity.to_json()).encode() + b"\n")
        self._process.stdin.flush()

    def end(self) -> None:
        """Let it kill what still lives, and leave."""
        assert self._process.stdin is not None, "there is a pipe to the guard"
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait(END_LIMIT_S)


@cache
def guard_of(pid: int) -> Guard:
    """The guard of the program with this process id: a fork has one of its own."""
    assert pid == os.getpid(), "a program starts its own guard"
    return Guard()


class Guarded(AxonProcess):
    """A process that does not outlive the program that started it."""

    def start(self, *extra: str, wait: bool = True) -> Self:
        """Start it as a child, and wait until it answers."""
        guard = guard_of(os.getpid())
        super().start(*extra, wait=False)
        if self.identity is not None:
            guard.watch(self.identity)
        if wait:
            self._wait_or_end()
        return self
