"""What a full node keeps on disk, opened and closed in a thread, while the event loop goes on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from axon.consensus.kernel_open import Opening
from axon.errors import AxonError, DamageError
from axon.host.settings import FullNodeSettings
from axon.host.storage import Storage

_log = logging.getLogger("axon")


@asynccontextmanager
async def opened_storage(
    settings: FullNodeSettings,
    tell: Callable[[str], None],
    warn: Callable[[int, str | None], None],
) -> AsyncIterator[Storage]:
    """What is on disk, open; a cancellation breaks the opening off.

    Args:
        tell: given what is being done, on the event loop.
        warn: given a warning of the validator by its number, None when it is over; likewise.

    Raises:
        AxonError: as `Storage`.
    """
    loop = asyncio.get_running_loop()

    def warned(number: int, text: str | None) -> None:  # In the thread that validates.
        loop.call_soon_threadsafe(warn, number, text)

    opening = Opening(settings.load_blocks, warned)

    def say(status: str) -> None:  # In the thread that opens.
        _log.info("init message: %s", status)
        loop.call_soon_threadsafe(tell, status)

    opened = loop.run_in_executor(None, Storage, settings, say, opening)
    try:
        storage = await asyncio.shield(opened)
    except asyncio.CancelledError:
        opening.break_off()
        with suppress(AxonError):  # It was broken off; or it was open just before.
            await asyncio.to_thread((await opened).close)
        raise
    try:
        yield storage
    except BaseException as error:
        with suppress(AxonError):  # The first failure is the one to tell.
            await asyncio.to_thread(storage.close)
        if not isinstance(error, DamageError) or not storage.damages.note(error):
            raise
        raise DamageError(f"{error}; start again, and it is built anew.", error.of) from error
    await asyncio.to_thread(storage.close)
