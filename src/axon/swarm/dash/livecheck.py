"""A check of the run whose rows are told one by one, and which can be broken off.

Whoever breaks it off waits until the node or the wallet that it has raised for itself is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event

from axon.errors import AxonError
from axon.swarm.invariants import Finding
from axon.swarm.lab import lifecycle
from axon.swarm.lab.checking import Chosen, findings
from axon.swarm.lab.liverun import LiveRun
from axon.swarm.lab.manifest import Manifest
from axon.swarm.lab.startup import Say


class BrokenOff(AxonError):
    """Somebody did not want to wait for the end."""


class StoppableRun(LiveRun):
    """A run in which every wait ends when somebody wants it to.

    Args:
        manifest: of the run, locked by the caller.
        stopped: set by who wants that.
    """

    def __init__(self, manifest: Manifest, stopped: Event) -> None:
        super().__init__(manifest)
        self._stopped = stopped

    def wait(self, condition: Callable[[], bool], limit_s: float, what: str) -> float:
        """Wait until something holds; raises `BrokenOff`, too."""

        def holds() -> bool:
            if self._stopped.is_set():
                raise BrokenOff("the check was broken off")
            return condition()

        return super().wait(holds, limit_s, what)


def check_run(
    folder: Path, chosen: Chosen, found: Callable[[Finding], None], say: Say, stopped: Event
) -> None:
    """Check a run.

    Args:
        folder: of the run.
        chosen: what is checked.
        found: told of each row.
        say: told what is done now.
        stopped: set by who wants it to end.

    Raises:
        BrokenOff: that was wanted.
        AxonError: the lab cannot do its work.
    """

    def said(line: str) -> None:
        if stopped.is_set():
            raise BrokenOff("the check was broken off")
        say(line)

    with lifecycle.taken(folder) as manifest:
        for finding in findings(StoppableRun(manifest, stopped), chosen, said):
            found(finding)
