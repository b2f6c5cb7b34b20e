"""Where passphrases come and go: what is let go is overwritten, what is held may be locked."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Final

import pytest

from axon.host.secretmemory import lock_memory, overwriting

GLIBC: Final = platform.libc_ver()[0] == "glibc"

SIZES: Final = (24, 700, 9000)

LETTING_GO: Final = f"""
from random import Random
rng = Random(1)
held = [bytes(rng.randrange(65, 90) for _ in range(size)).decode() for size in {SIZES}]
del held
print(flush=True)
input()
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


def copies(pid: int, needle: bytes) -> int:
    """How often bytes stand in the memory of another process."""
    found = 0
    with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            place, mode = line.split()[:2]
            start, end = (int(each, 16) for each in place.split("-"))
            if mode.startswith("rw"):
                memory.seek(start)
                found += memory.read(end - start).count(needle)
    return found


def left_behind(environment: Mapping[str, str]) -> list[int]:
    """How many copies are left of texts that a program has let go."""
    rng = Random(1)
    texts = [bytes(rng.randrange(65, 90) for _ in range(size)) for size in SIZES]
    child = subprocess.Popen(
        [sys.executable, "-c", LETTING_GO],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert child.stdout is not None
        child.stdout.readline()
        return [copies(child.pid, text[-12:-1]) for text in texts]
    finally:
        child.communicate(b"\n")


@pytest.mark.skipif(not GLIBC, reason="glibc's allocator is told by its own settings")
def test_what_is_let_go_is_overwritten() -> None:
    assert left_behind(overwriting(os.environ)) == [0, 0, 0]
    if os.environ.get("PYTHONMALLOC") != "malloc":
        assert left_behind(os.environ) != [0, 0, 0], "the search finds what is not overwritten"


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
