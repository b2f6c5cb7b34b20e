"""Keys of a live picture on a terminal, as they are pressed, and the pages that they turn."""

from __future__ import annotations

import os
import select
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

NEXT: Final = (" ", "n", "\x1b[6~", "\x1b[C", "\x1b[B")
BACK: Final = ("b", "p", "\x1b[5~", "\x1b[D", "\x1b[A")
LEAVE: Final = ("q", "\x04")

_KEY_BYTES: Final = 8

Key = Callable[[float], str]
"""Waits so many seconds at most for a key; empty if there was none."""


@contextmanager
def keyboard() -> Iterator[Key]:
    """Keys as they are pressed, without Enter; none where the input is no terminal."""
    if not sys.stdin.isatty():
        yield _no_key
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield lambda limit_s: _pressed(descriptor, limit_s)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def turned(pressed: str) -> int:
    """By how many pages a key turns: 1, 0 or -1."""
    return (pressed in NEXT) - (pressed in BACK)


def _no_key(limit_s: float) -> str:
    time.sleep(limit_s)
    return ""


def _pressed(descriptor: int, limit_s: float) -> str:
    ready, _, _ = select.select([descriptor], [], [], limit_s)
    return os.read(descriptor, _KEY_BYTES).decode(errors="ignore") if ready else ""
