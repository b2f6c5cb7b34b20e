"""All targets by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fuzz.targets import (
    chainorders,
    compactblocks,
    electrum,
    files,
    httprequests,
    links,
    machines,
    nodecalls,
    nodes,
    packets,
    partial,
    partners,
    payjoin,
    payments,
    primitives,
    stores,
    text,
    walletcalls,
    wire,
)

Target = Callable[[bytes], None]

TARGETS: Final[dict[str, Target]] = {
    name: target
    for room in (
        primitives,
        wire,
        text,
        files,
        partial,
        payjoin,
        stores,
        nodecalls,
        walletcalls,
        payments,
        machines,
        compactblocks,
        packets,
        nodes,
        links,
        partners,
        electrum,
        httprequests,
        chainorders,
    )
    for name, target in room.TARGETS.items()
}
"""In `make fuzz TARGET=...`, and as the names of the folders in `corpus/`."""
