"""The AS map that an operator gives, read once at the start; and how well it spreads addresses."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Final

from axon.errors import ConfigError, DecodeError
from axon.p2p.addrman import AddrMan
from axon.p2p.asmap import MAX_ASMAP_BYTES, AsMap
from axon.primitives.hashes import to_hex

HEALTH_CHECK_INTERVAL_S: Final = 24 * 3600
"""How often the log says over how many autonomous systems the known addresses are spread."""

_log = logging.getLogger("axon")


def read_asmap(path: Path) -> AsMap:
    """The map in a file; all of it is looked at, so not for the event loop.

    Raises:
        ConfigError: there is no such file, it cannot be read, or it is no such map.
    """
    if not path.exists():
        raise ConfigError(f'Could not find asmap file "{path}"')
    try:
        with path.open("rb") as file:
            asmap = AsMap(file.read(MAX_ASMAP_BYTES + 1))
    except (OSError, DecodeError) as error:
        _log.warning('Sanity check of asmap file "%s" failed: %s', path, error)
        raise ConfigError(f'Could not parse asmap file "{path}"') from error
    _log.info('Opened asmap file "%s" (%d bytes) from disk', path, asmap.size_bytes)
    _log.info("Using asmap version %s for IP bucketing", to_hex(asmap.version))
    return asmap


async def check_health(addrman: AddrMan) -> None:
    """Log once a day how the known addresses are spread; return at once if there is no map."""
    while addrman.groups.has_map:
        spread = await asyncio.to_thread(addrman.groups.spread, list(addrman.addresses()))
        _log.info(
            "ASMap Health Check: %d clearnet peers are mapped to %d ASNs with %d peers being "
            "unmapped",
            spread.addresses,
            spread.systems,
            spread.unmapped,
        )
        await asyncio.sleep(HEALTH_CHECK_INTERVAL_S)
