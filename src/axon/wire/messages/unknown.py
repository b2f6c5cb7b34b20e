"""A message of a kind that we do not speak."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Unknown:
    """A message with a name that we do not know; the protocol grows by peers ignoring those.

    Args:
        command: up to 12 printable ASCII characters, chosen by the peer.
        payload: as it came.
    """

    command: str
    payload: bytes = field(repr=False)
