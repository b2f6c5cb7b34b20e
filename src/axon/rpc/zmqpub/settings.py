"""What is published where; apart from the publisher, for programs that only configure one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

TOPICS: Final = ("hashblock", "hashtx", "rawblock", "rawtx", "sequence")
"""In the order in which one event is told of."""

DEFAULT_HIGH_WATER_MARK: Final = 1_000
"""Messages that wait for one subscriber; more are lost to it."""


@dataclass(frozen=True, slots=True)
class ZmqNotifier:
    """One topic at one address.

    Args:
        topic: one of `TOPICS`.
        address: as ZeroMQ has it, `tcp://127.0.0.1:28332` or `ipc:///run/axon.sock`; several may
            share one.
        high_water_mark: messages that wait for one subscriber, 0 for any number. Of those at one
            address that of the first counts.
    """

    topic: str
    address: str
    high_water_mark: int = DEFAULT_HIGH_WATER_MARK

    @property
    def name(self) -> str:
        """Of its kind, as `getzmqnotifications` has it."""
        return f"pub{self.topic}"
