"""The event loop: libuv's where it exists, else the one of the standard library."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine


def run_loop(main: Coroutine[None, None, None]) -> None:
    """Run a coroutine to its end on a loop of its own."""
    try:
        import uvloop
    except ImportError:  # There is none for Windows.
        asyncio.run(main)
    else:
        uvloop.run(main)
