"""What the operator of a full node has asked to be told, and when it is to stop by itself.

Commands are run for new blocks, warnings, the start and the stop (`-blocknotify` and its siblings);
warnings are kept for callers; at a height (`-stopatheight`) or once blocks are read from files
(`-stopafterblockimport`) the node is asked to stop.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from axon.host.notifycommands import NotifyCommands, quoted, run_command
from axon.host.settings import FullNodeSettings
from axon.node.facts import Fact, TipChanged
from axon.primitives.hashes import to_hex
from axon.rpc.warnings import Warnings

_log = logging.getLogger("axon")


class Notices:
    """What one node tells its operator, on its event loop.

    Args:
        settings: of the node.
    """

    def __init__(self, settings: FullNodeSettings) -> None:
        self.warnings = Warnings(settings.warnings, as_text="warnings" in settings.deprecated)
        self._settings = settings
        self._notify = settings.notify
        self._commands = NotifyCommands()
        self._stop: Callable[[], None] | None = None

    def saw(self, fact: Fact) -> None:
        """Take in a fact; a new best block is told once the first sync is over."""
        if not isinstance(fact, TipChanged):
            return
        if self._notify.block and not fact.initial_sync:
            self._commands.start(self._notify.block.replace("%s", to_hex(fact.hash)))
        self._stop_at(fact.height)

    def warned(self, number: int, text: str | None) -> None:
        """Take in a warning of the validator by its number, None when it is over."""
        is_new = self.warnings.change(number, text)
        if is_new and text is not None and self._notify.alert:
            self._commands.start(self._notify.alert.replace("%s", quoted(text)))

    def started(self, height: int, stop: Callable[[], None]) -> None:
        """The node has started.

        Args:
            height: of its tip.
            stop: asks it to stop.
        """
        self._stop = stop
        if self._settings.stop_after_import:
            _log.info("Stopping after block import")
            stop()
        self._stop_at(height)
        if self._notify.startup:
            self._commands.start(self._notify.startup)

    def _stop_at(self, height: int) -> None:
        if self._stop is not None and 0 < self._settings.stop_at_height <= height:
            self._stop()

    async def stopping(self) -> None:
        """The node begins to stop; returns when the commands for that have ended."""
        async with asyncio.TaskGroup() as group:
            for command in self._notify.shutdown:
                group.create_task(run_command(command))
        self._commands.close()
