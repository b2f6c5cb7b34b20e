"""The live picture on a terminal of 80 by 24: it fits, keys turn its pages, and q leaves."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from random import Random

import pytest

from axon.swarm.lab.plan import RunRequest, plan_run

pytestmark = pytest.mark.process

LINES, COLUMNS = 24, 80
LIMIT_S = 30.0


def read_until(descriptor: int, word: str) -> str:
    """What the program draws, until a word is there."""
    drawn, end = "", time.monotonic() + LIMIT_S
    while word not in drawn:
        assert time.monotonic() < end, f"{word!r} is not in {drawn!r}"
        if select.select([descriptor], [], [], 0.1)[0]:
            drawn += os.read(descriptor, 65_536).decode()
    return drawn


def test_26_nodes_are_turned_over_by_keys(tmp_path: Path) -> None:
    plan_run(tmp_path, RunRequest(26, miners=1), Random(1)).save()  # No process need live for it.
    terminal, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    command = [sys.executable, "-m", "axon", "swarm", "watch", "--dir", str(tmp_path)]
    with subprocess.Popen(command, stdin=end, stdout=end, stderr=end) as watching:
        try:
            drawn = read_until(terminal, "page 1 of 2")
            picture = drawn.rpartition("\x1b[2J")[2].split("\r\n")
            assert len(picture) <= LINES
            assert picture[-1] == "", "the cursor stands in a line of its own"
            assert any(line.startswith("\x1b[31mn1 ") for line in picture), picture
            os.write(terminal, b" ")
            assert "n26" in read_until(terminal, "page 2 of 2")
            os.write(terminal, b"q")
            assert watching.wait(LIMIT_S) == 0
        finally:
            watching.kill()
            os.close(terminal)
            os.close(end)
