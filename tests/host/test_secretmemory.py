"""Where passphrases come and go: what is let go is overwritten, what is held may be locked."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import subprocess
import sys
from typing import Final

import pytest

from axon.host.secretmemory import lock_memory, overwriting

GLIBC: Final = platform.libc_ver()[0] == "glibc"

LETTING_GO: Final = """
import re
from random import Random
def copies(needle):
    found = 0
    with open("/proc/self/mem", "rb", 0) as memory:
        for line in open("/proc/self/maps"):
            start, end, mode = re.match("(\\\\w+)-(\\\\w+) (\\\\S+)", line).groups()
            if mode.startswith("rw"):
                memory.seek(int(start, 16))
                found += memory.read(int(end, 16) - int(start, 16)).count(needle)
    return found
rng = Random(1)
held = [bytes(rng.randrange(65, 90) for _ in range(size)).decode() for size in (24, 700, 9000)]
keys = [text[-12:-1] for text in held]  # Their codes are no copy of the text itself.
codes = [[ord(letter) for letter in key] for key in keys]
del keys, held
print([copies(bytes(each)) - 1 for each in codes])  # The needle is one itself.
"""

AGAIN: Final = """
import os
from axon.host.secretmemory import overwrite_freed
print(os.getpid(), flush=True)
overwrite_freed()
print("begun", os.environ["PYTHONMALLOC"])
"""

LOCKING: Final = """
import resource
from axon.host.secretmemory import lock_memory
print(lock_memory(), resource.getrlimit(resource.RLIMIT_CORE)[0])
print([line.split()[1] for line in open("/proc/self/status") if line.startswith("VmLck")][0])
bytearray(50_000_000)  # There is memory as before.
"""


def run(program: str, environment: dict[str, str] | None = None, before: str = "") -> list[str]:
    """What a program of its own prints, after a line for the shell."""
    path = {"PYTHONPATH": os.pathsep.join(sys.path)}
    words = ["sh", "-c", f'{before}\nexec "$@"', "sh", sys.executable, "-c", program]
    done = subprocess.run(
        words, env={**(environment or os.environ), **path}, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_the_persons_own_settings_are_kept() -> None:
    told = overwriting({"HOME": "/a", "GLIBC_TUNABLES": "glibc.malloc.arena_max=2"})
    assert told["HOME"] == "/a"
    assert told["GLIBC_TUNABLES"].startswith("glibc.malloc.arena_max=2:glibc.malloc.perturb=")
    assert told["PYTHONMALLOC"] == "malloc"
    assert overwriting(told) == told


@pytest.mark.skipif(not GLIBC, reason="glibc's allocator is told by its own settings")
def test_what_is_let_go_is_overwritten() -> None:
    assert run(LETTING_GO, overwriting(os.environ)) == ["[0, 0, 0]"]
    if os.environ.get("PYTHONMALLOC") != "malloc":
        assert run(LETTING_GO) != ["[0, 0, 0]"], "the search finds what is not overwritten"


def test_a_program_begins_once_more_as_the_same_process() -> None:
    first, second, last = run(AGAIN)
    assert (first == second, last) == (True, "begun malloc")
    first, last = run(AGAIN, overwriting(os.environ))
    assert last == "begun malloc"


@pytest.mark.skipif(sys.platform != "linux", reason="/proc says what is locked")
def test_no_core_dump_and_nothing_locked_below_a_limit() -> None:
    assert run(LOCKING, before="ulimit -l 64") == ["False 0", "0"]


@pytest.mark.parametrize("answer", [0, -1])
def test_memory_is_locked_where_there_is_no_limit(
    monkeypatch: pytest.MonkeyPatch, answer: int
) -> None:
    asked: list[int] = []

    class Library:
        @staticmethod
        def mlockall(flags: int) -> int:
            asked.append(flags)
            return answer

    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    monkeypatch.setattr(resource, "getrlimit", lambda _which: unlimited)
    monkeypatch.setattr(resource, "setrlimit", lambda _which, _limits: None)
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: Library)
    assert lock_memory() is (answer == 0)
    current, future, when_used = 1, 2, 4  # <sys/mman.h>
    assert asked == [current | future | when_used]
