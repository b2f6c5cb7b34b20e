"""What a program does about the memory through which passphrases and keys pass.

A passphrase is kept nowhere: a call brings it, the call ends, and it is let go, as are the words
and keys that it opened. But sockets, JSON texts, Python's strings and BDK's copy them many times,
and give that memory back as it is. No code of ours reaches these copies; what reaches all of them
is the allocator below, which can overwrite whatever is freed. It is told so by the environment, and
before a program begins: so the program is begun once more (`overwrite_freed`).

What this cannot do: while a call is at work its secrets are in memory, and another program of the
same person can read them there. They are kept out of swap space only where memory may be locked
without limit (`lock_memory`), and out of core dumps everywhere. An allocator other than glibc's and
macOS's takes no notice.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from collections.abc import Mapping
from typing import Final

_PYTHON: Final = {"PYTHONMALLOC": "malloc"}  # Python's own allocator overwrites nothing.
_MACOS: Final = {"MallocScribble": "1"}
_GLIBC_VARIABLE: Final = "GLIBC_TUNABLES"
_GLIBC: Final = "glibc.malloc.perturb=90:glibc.malloc.tcache_count=0"
"""Freed bytes become 0x5A. What a thread keeps aside for itself is spared, so it keeps nothing."""

_MCL_CURRENT: Final = 1
_MCL_FUTURE: Final = 2
_MCL_ONFAULT: Final = 4


def overwriting(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment in which freed memory is overwritten."""
    told = environment.get(_GLIBC_VARIABLE, "")
    if _GLIBC not in told:
        told = f"{told}:{_GLIBC}" if told else _GLIBC
    return {**environment, **_PYTHON, **_MACOS, _GLIBC_VARIABLE: told}


def overwrite_freed() -> None:
    """Begin this program once more, as the same process, so that freed memory is overwritten.

    Does nothing where it has been begun so, or the system refuses. Called before anything is open.
    """
    wanted = overwriting(os.environ)
    if wanted == dict(os.environ) or not sys.executable:
        return
    try:
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], wanted)
    except OSError:
        return  # It works all the same.


def lock_memory() -> bool:
    """Keep this process's memory out of core dumps, and out of swap space where that is allowed.

    With a limit (`ulimit -l`) nothing is locked: beyond it, no memory could be had at all.

    Returns:
        Whether it is kept out of swap space.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    limit, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if limit != resource.RLIM_INFINITY:
        return False
    try:
        lock = ctypes.CDLL(None).mlockall
    except (OSError, AttributeError):
        return False
    return bool(lock(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) == 0)
