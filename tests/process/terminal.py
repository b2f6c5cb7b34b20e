"""A terminal of 80 by 24 with a program in it: what it draws is read, and keys are pressed."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

LINES, COLUMNS = 24, 80
LIMIT_S = 60.0


class Terminal:
    """One of them.

    Args:
        descriptor: its other end.
        program: that runs in it.
    """

    def __init__(self, descriptor: int, program: subprocess.Popen[bytes]) -> None:
        self._descriptor = descriptor
        self._program = program

    def read_until(self, word: str) -> str:
        """What the program draws, until a word is there."""
        drawn, end = "", time.monotonic() + LIMIT_S
        while word not in drawn:
            assert time.monotonic() < end, f"{word!r} is not in {drawn!r}"
            if select.select([self._descriptor], [], [], 0.1)[0]:
                drawn += os.read(self._descriptor, 65_536).decode(errors="replace")
        return drawn

    def press(self, keys: str) -> None:
        """Type something."""
        os.write(self._descriptor, keys.encode())

    def left(self) -> int:
        """Wait until the program has left; its exit code."""
        end = time.monotonic() + LIMIT_S
        while self._program.poll() is None:
            assert time.monotonic() < end, "it does not leave"
            if select.select([self._descriptor], [], [], 0.1)[0]:  # Nobody waits for a full pipe.
                os.read(self._descriptor, 65_536)
        return self._program.wait()


@contextmanager
def terminal(command: Sequence[str]) -> Iterator[Terminal]:
    """A program in a terminal; it is ended with the block."""
    descriptor, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    with subprocess.Popen(command, stdin=end, stdout=end, stderr=end) as program:
        try:
            yield Terminal(descriptor, program)
        finally:
            program.kill()
            os.close(descriptor)
            os.close(end)
