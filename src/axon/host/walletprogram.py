"""A served wallet as a whole program: it runs until a signal or a caller ends it.

The command line and the lab start it; it prints nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from axon.drivers.aio.clock import Clock
from axon.host.lightwallet import RunningWallet
from axon.host.settings import LightSettings
from axon.host.stopsignals import StopSignals
from axon.host.walletserver import served_wallet


async def run_wallet(
    settings: LightSettings,
    name: str,
    rpc_port: int = 0,
    *,
    prepare: Callable[[RunningWallet], Awaitable[None]] | None = None,
    on_start: Callable[[RunningWallet], None] = lambda _wallet: None,
    clock: Clock | None = None,
) -> None:
    """Serve a wallet in a folder that the caller holds, until a signal or a caller stops it.

    Args:
        settings: how it meets its peers.
        name: of the wallet.
        rpc_port: 0 for any free one.
        prepare: what is done with the wallet first.
        on_start: told of the wallet once it answers, and that is done.
        clock: the time it is told; None for this machine's.

    Raises:
        AxonError: as `served_wallet`, and what `prepare` raises.
    """
    signals = StopSignals()
    try:
        async with served_wallet(settings, name, rpc_port, clock=clock) as wallet:
            signals.stops_by(wallet.stop)
            if prepare is not None:
                await prepare(wallet)
            on_start(wallet)
            await wallet.wait_stopped()
    except asyncio.CancelledError:
        if not signals.broke_off:
            raise
