"""A full node as a whole program: it runs until a signal or a caller ends it.

The command line and the lab start it. It prints nothing; what is written to a log and shown to a
person is decided by whoever hands that in. No wallet is loaded with it: BDK and what
comes with it take 17 MB.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Callable

from axon.host.conditions import Conditions
from axon.host.fullnode import RunningNode, running_node
from axon.host.settings import FullNodeSettings
from axon.host.stopsignals import StopSignals
from axon.rpc.daemon import LogCategories

_log = logging.getLogger("axon")


async def run_node(
    settings: FullNodeSettings,
    *,
    on_start: Callable[[RunningNode], None] = lambda _node: None,
    on_stop: Callable[[], None] = lambda: None,
    logs: LogCategories | None = None,
    conditions: Conditions | None = None,
) -> None:
    """Run a full node in a folder that the caller holds, until a signal or a caller stops it.

    Args:
        on_start: told of the node once it runs.
        on_stop: told when it begins to stop.
        logs: the switches of the log.
        conditions: under which it runs; None for the usual ones.

    Raises:
        AxonError: as `running_node`.
    """
    signals = StopSignals()
    try:
        async with running_node(settings, logs=logs, conditions=conditions) as node:
            signals.stops_by(node.stop)
            gc.freeze()  # What has been loaded stays; it need not be looked through again.
            on_start(node)
            await node.wait_stopped()
            _log.info("Shutdown in progress...")
            on_stop()
    except asyncio.CancelledError:
        if not signals.broke_off:
            raise
