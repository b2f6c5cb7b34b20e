"""Processes by birth certificate: an id alone is not enough, for the system gives it out again.

A certificate is the process id, the tick at which the process began, and the boot of the machine
that the ticks count from. It is checked before every signal, and the signal goes to the very
process that was checked (pidfd), so no stranger is ever hit.
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

CERTIFICATE: Final = "process.json"
GONE: Final = frozenset("ZXx")
"""States of processes that have ended, though nobody may have asked how."""

PAUSED: Final = "T"
_STATE_FIELD: Final = 0  # Behind the name, which may hold anything.
_STARTED_FIELD: Final = 19


@dataclass(frozen=True, slots=True)
class Birth:
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
    """The name of this machine's present boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _stat(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()


def birth_of(pid: int) -> Birth | None:
    """The certificate of a process that exists; None if it does not."""
    found = _stat(pid)
    return None if found is None else Birth(pid, int(found[_STARTED_FIELD]), boot_id())


def write_birth(folder: Path) -> Birth:
    """Leave this process's certificate in a folder; all of it is there or nothing."""
    birth = birth_of(os.getpid())
    assert birth is not None, "this process lives"
    fresh = folder / f"{CERTIFICATE}.new"
    fresh.write_text(json.dumps(birth.to_json()))
    fresh.replace(folder / CERTIFICATE)
    return birth


def read_birth(folder: Path) -> Birth | None:
    """The certificate of the last process that worked in a folder; None if there was none."""
    try:
        return Birth.from_json(json.loads((folder / CERTIFICATE).read_text()))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def state_of(birth: Birth | None) -> str | None:
    """The letter of a process's state (proc(5)); None once it has ended."""
    if birth is None or birth.boot != boot_id():
        return None
    found = _stat(birth.pid)
    if found is None or int(found[_STARTED_FIELD]) != birth.started:
        return None
    return None if found[_STATE_FIELD] in GONE else found[_STATE_FIELD]


def is_alive(birth: Birth | None) -> bool:
    """Whether the very process lives, paused or not."""
    return state_of(birth) is not None


def is_paused(birth: Birth | None) -> bool:
    """Whether it lives and is stopped."""
    return state_of(birth) == PAUSED


def memory_kb(birth: Birth) -> tuple[int, int]:
    """Resident memory, and the share of it that is this process's (PSS), in kB; 0 if unknown."""
    found = {"Rss": 0, "Pss": 0}
    with suppress(OSError):
        for line in Path(f"/proc/{birth.pid}/smaps_rollup").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name in found:
                found[name] = int(rest.split()[0])
    return found["Rss"], found["Pss"]


def send_signal(birth: Birth | None, number: signal.Signals) -> bool:
    """Signal the very process; False if it has ended."""
    if birth is None:
        return False
    try:
        handle = os.pidfd_open(birth.pid)
    except ProcessLookupError:
        return False
    try:
        if not is_alive(birth):  # Whoever has the id now is another.
            return False
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(handle)
    return True


def wait_gone(birth: Birth | None, limit_s: float) -> bool:
    """Wait until the very process has ended; whether it did within the limit."""
    if birth is None:
        return True
    try:
        handle = os.pidfd_open(birth.pid)
    except ProcessLookupError:
        return True
    try:
        if not is_alive(birth):
            return True
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        return bool(poll.poll(limit_s * 1000))
    finally:
        os.close(handle)
