"""A program that goes on in the background: `-daemon`, `-daemonwait`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from enum import Enum, auto

from axon.errors import AxonError

_READY = b"1"


class Background(Enum):
    """Whether a program goes on in the background, and when its caller gets its answer."""

    NONE = auto()
    AT_ONCE = auto()
    ONCE_READY = auto()


def in_background(run: Callable[[Callable[[], None]], int], *, waits: Background) -> int:
    """Run in a process of its own, without a terminal and without standard streams.

    Args:
        run: the program; given what to call once it is ready. Its exit code.
        waits: until when the caller waits.

    Returns:
        The exit code: of the caller, or, in the other process, of the program.
    """
    reads, writes = os.pipe()
    sys.stdout.write("axon starting\n")
    sys.stdout.flush()
    if os.fork():
        os.close(writes)
        if waits is Background.ONCE_READY and os.read(reads, 1) != _READY:
            sys.stderr.write("Error during initialization - check debug.log for details\n")
            return 1
        return 0
    os.close(reads)
    os.setsid()
    # Whoever reads the caller's output must see its end.
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nowhere, stream)

    def ready() -> None:
        if waits is Background.ONCE_READY:
            os.write(writes, _READY)
        os.close(writes)

    try:
        return run(ready)
    except AxonError:
        return 1  # It is in the log.
