"""Commands of the operator, run when something happens: Bitcoin Core's `-...notify` options.

A command is given to the shell as it was written, with `%s` replaced by what happened. Its output
goes nowhere, its failure into the log. Nothing of it holds the node up, but for those that are run
when the node begins to stop: for these it waits.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio.subprocess import DEVNULL, create_subprocess_shell
from dataclasses import dataclass
from typing import Final

MAX_WAITING: Final = 100
"""Commands under way and waiting: peers choose how fast blocks come, and must not fill the memory
with commands that hang. Above it the news is dropped, and the log says so."""

MAX_AT_ONCE: Final = 4
"""Commands under way; each is a process of the operator."""

_SAFE: Final = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,;-_/:?@()"
)
"""What is left of a warning's text, so that it cannot end the quotes around it."""

_SHOWN: Final = 200
"""Signs of a command that are told when it cannot begin: it may be one that is far too long."""

_log = logging.getLogger("axon")


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """Commands for the shell; empty ones are not run.

    Args:
        block: the best block has changed; `%s` becomes its hash (`-blocknotify`).
        alert: a warning has come up; `%s` becomes its text, in quotes (`-alertnotify`).
        startup: the node has started (`-startupnotify`).
        shutdown: the node begins to stop, which waits for these (`-shutdownnotify`).
    """

    block: str = ""
    alert: str = ""
    startup: str = ""
    shutdown: tuple[str, ...] = ()


class NotifyCommands:
    """Runs commands on the event loop of a node."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(MAX_AT_ONCE)
        self._tasks: dict[asyncio.Task[None], None] = {}

    def start(self, command: str) -> None:
        """Run a command soon; nobody waits for it."""
        if len(self._tasks) >= MAX_WAITING:
            _log.warning("%d commands wait to be run, so not run: %s", MAX_WAITING, command)
            return
        task = asyncio.get_running_loop().create_task(self._in_turn(command))
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)

    async def _in_turn(self, command: str) -> None:
        async with self._turn:
            await run_command(command)

    def close(self) -> None:
        """Begin no more commands; those under way go on by themselves."""
        for task in self._tasks:
            task.cancel()


def quoted(text: str) -> str:
    """A text that others may have chosen, as one word of a command."""
    return "'" + "".join(sign for sign in text if sign in _SAFE) + "'"


async def run_command(command: str) -> None:
    """Run a command, and wait until it has ended; one that cannot begin is told in the log."""
    try:
        process = await create_subprocess_shell(
            command, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, start_new_session=True
        )
    except (OSError, ValueError) as error:  # No process can be made; a zero byte, a long text.
        _log.error("runCommand error: system(%r) cannot be run: %s", command[:_SHOWN], error)
        return
    code = await process.wait()
    if code:
        _log.error("runCommand error: system(%s) returned %d", command, code)
