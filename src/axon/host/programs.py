"""Whole programs: run until a signal or a caller ends them.

The command line and the lab start these. They print nothing; what is written to a log and shown to
a person is decided by whoever hands that in.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections.abc import Callable

from axon.host.fullnode import RunningNode, running_node
from axon.host.lightwallet import RunningWallet
from axon.host.settings import FullNodeSettings, LightSettings
from axon.host.walletserver import served_wallet
from axon.rpc.daemon import LogCategories

_log = logging.getLogger("axon")


class StopSignals:
    """SIGINT and SIGTERM, for the task of a program that is created now.

    starting --signal--> the task is cancelled, once
    `stops_by(stop)` --signal--> `stop()` is called
    """

    def __init__(self) -> None:
        task = asyncio.current_task()
        assert task is not None, "a coroutine that runs belongs to a task"
        self._task = task
        self._stop: Callable[[], None] | None = None
        self.broke_off = False
        """Whether the task was cancelled by a signal."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._came)

    def stops_by(self, stop: Callable[[], None]) -> None:
        """From now on a signal calls this."""
        self._stop = stop

    def _came(self) -> None:
        if self._stop is not None:
            self._stop()
        elif not self.broke_off:
            self.broke_off = True
            self._task.cancel()


async def run_node(
    settings: FullNodeSettings,
    *,
    on_start: Callable[[RunningNode], None] = lambda _node: None,
    on_stop: Callable[[], None] = lambda: None,
    logs: LogCategories | None = None,
) -> None:
    """Run a full node in a folder that the caller holds, until a signal or a caller stops it.

    Args:
        on_start: told of the node once it runs.
        on_stop: told when it begins to stop.
        logs: the switches of the log.

    Raises:
        AxonError: as `running_node`.
    """
    signals = StopSignals()
    try:
        async with running_node(settings, logs=logs) as node:
            signals.stops_by(node.stop)
            gc.freeze()  # What has been loaded stays; it need not be looked through again.
            on_start(node)
            await node.wait_stopped()
            _log.info("Shutdown: In progress...")
            on_stop()
    except asyncio.CancelledError:
        if not signals.broke_off:
            raise


async def run_wallet(
    settings: LightSettings,
    name: str,
    rpc_port: int = 0,
    *,
    on_start: Callable[[RunningWallet], None] = lambda _wallet: None,
) -> None:
    """Serve a wallet in a folder that the caller holds, until a signal or a caller stops it.

    Args:
        settings: how it meets its peers.
        name: of the wallet.
        rpc_port: 0 for any free one.
        on_start: told of the wallet once it answers.

    Raises:
        AxonError: as `served_wallet`.
    """
    signals = StopSignals()
    try:
        async with served_wallet(settings, name, rpc_port) as wallet:
            signals.stops_by(wallet.stop)
            on_start(wallet)
            await wallet.wait_stopped()
    except asyncio.CancelledError:
        if not signals.broke_off:
            raise
