"""Processes by identity: a process id alone is not enough, for the system gives it out again.

A process identity is the process id, the tick at which the process started, and the boot of the
machine from which the ticks are counted. It is checked before every signal, and the signal goes to
the very process that was checked (pidfd), so no other process is ever hit.
"""

from __future__ import annotations

import json
import os
import select
import signal
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

from axon.drivers.aio.privatefiles import write_file

IDENTITY_FILE: Final = "process.json"
GONE: Final = frozenset("ZXx")
"""States of processes that have ended, though nobody may have asked how."""

PAUSED: Final = "T"
_STATE_FIELD: Final = 0  # Behind the name, which may hold anything.
_STARTED_FIELD: Final = 19


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """One process of this machine.

    Args:
        pid: its id.
        started: ticks from boot to its start.
        boot: the id of that boot.
    """

    pid: int
    started: int
    boot: str

    def to_json(self) -> dict[str, object]:
        """For files."""
        return {"pid": self.pid, "started": self.started, "boot": self.boot}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """From a file.

        Raises:
            ValueError, KeyError: it is none.
        """
        return cls(int(data["pid"]), int(data["started"]), str(data["boot"]))


@cache
def boot_id() -> str:
    """The id of this machine's present boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _stat(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()


def identity_of(pid: int) -> ProcessIdentity | None:
    """The identity of a process that exists; None if it does not."""
    found = _stat(pid)
    return None if found is None else ProcessIdentity(pid, int(found[_STARTED_FIELD]), boot_id())


def write_identity(folder: Path) -> ProcessIdentity:
    """Write this process's identity to a folder; all of it is there or nothing."""
    identity = identity_of(os.getpid())
    assert identity is not None, "this process lives"
    fresh = folder / f"{IDENTITY_FILE}.new"
    write_file(fresh, json.dumps(identity.to_json()).encode())
    fresh.replace(folder / IDENTITY_FILE)
    return identity


def read_identity(folder: Path) -> ProcessIdentity | None:
    """The identity of the last process that worked in a folder; None if there was none."""
    try:
        return ProcessIdentity.from_json(json.loads((folder / IDENTITY_FILE).read_text()))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def state_of(identity: ProcessIdentity | None) -> str | None:
    """The letter of a process's state (proc(5)); None once it has ended."""
    if identity is None or identity.boot != boot_id():
        return None
    found = _stat(identity.pid)
    if found is None or int(found[_STARTED_FIELD]) != identity.started:
        return None
    return None if found[_STATE_FIELD] in GONE else found[_STATE_FIELD]


def is_alive(identity: ProcessIdentity | None) -> bool:
    """Whether the very process lives, paused or not."""
    return state_of(identity) is not None


def is_paused(identity: ProcessIdentity | None) -> bool:
    """Whether it lives and is stopped."""
    return state_of(identity) == PAUSED


def memory_kb(identity: ProcessIdentity) -> tuple[int, int]:
    """Resident memory, and the share of it that is this process's (PSS), in kB; 0 if unknown."""
    found = {"Rss": 0, "Pss": 0}
    with suppress(OSError):
        for line in Path(f"/proc/{identity.pid}/smaps_rollup").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name in found:
                found[name] = int(rest.split()[0])
    return found["Rss"], found["Pss"]


def open_files(identity: ProcessIdentity) -> int:
    """How many files, sockets included, a process has open; 0 if unknown."""
    with suppress(OSError):
        return len(list(Path(f"/proc/{identity.pid}/fd").iterdir()))
    return 0


def processor_time_s(identity: ProcessIdentity | None) -> tuple[float, float]:
    """How long a process's first thread has run, and how long it could have but had no processor.

    Returns:
        Seconds since its start; 0 where the system does not tell.
    """
    with suppress(OSError, ValueError, IndexError):
        if identity is not None and is_alive(identity):
            ran, waited, *_ = Path(f"/proc/{identity.pid}/schedstat").read_text().split()
            return int(ran) / 1e9, int(waited) / 1e9
    return 0.0, 0.0


def cpu_time_s(identity: ProcessIdentity | None) -> float:
    """Processor seconds of all threads of a process since its start; 0 where nobody tells."""
    with suppress(OSError, ValueError, IndexError):
        if identity is not None and is_alive(identity):
            fields = Path(f"/proc/{identity.pid}/stat").read_text().rpartition(") ")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def send_signal(identity: ProcessIdentity | None, number: signal.Signals) -> bool:
    """Signal the very process; False if it has ended."""
    if identity is None:
        return False
    try:
        handle = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return False
    try:
        if not is_alive(identity):  # Whoever has the id now is another.
            return False
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return True


def wait_gone(identity: ProcessIdentity | None, limit_s: float) -> bool:
    """Wait until the very process has ended; whether it did within the limit."""
    if identity is None:
        return True
    try:
        handle = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return True
    try:
        if not is_alive(identity):
            return True
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return bool(poll.poll(limit_s * 1000))
    finally:
        os.close(handle)
