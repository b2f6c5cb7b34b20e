"""What all connections of a server share."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from axon.electrum.budget import Budgets
from axon.electrum.places import ClientPlaces
from axon.electrum.service import ElectrumService
from axon.electrum.shares import Shares
from axon.electrum.workslots import WorkSlots
from axon.machine import SECOND, Instant
from axon.rpc.jsoncodec import JsonCodec


class Closable(Protocol):
    """A connection."""

    def close(self) -> None:
        """Close it in order."""


@dataclass(slots=True, eq=False)
class Shared:
    """What all connections of a server share.

    Args:
        service: what their methods are given.
        codec: reads and writes JSON.
        unfinished: of lines whose end has not come.
        sent: of answers that are not taken.
        tasks: one for each connection.
        slots: for what is worked on at once.
        connections: all of them, by the numbers of their clients.
        numbers: how many clients there have been.
    """

    service: ElectrumService
    codec: JsonCodec
    places: ClientPlaces
    budgets: Budgets
    unfinished: Shares
    sent: Shares
    tasks: asyncio.TaskGroup
    slots: WorkSlots = field(default_factory=WorkSlots)
    connections: dict[int, Closable] = field(default_factory=dict)
    numbers: int = 0

    def now(self) -> Instant:
        """By which credit comes back: a time that nobody sets."""
        return int(asyncio.get_running_loop().time() * SECOND)
