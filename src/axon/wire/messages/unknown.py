"""A message of which only the name and the bytes are known."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Unknown:
    """A message with a name that we do not know; the protocol grows by peers ignoring those.

    One to be sent may have any name: it goes out as it stands.

    Args:
        command: up to 12 printable ASCII characters, chosen by the peer.
        payload: as it came.
    """

    command: str
    payload: bytes = field(repr=False)

    def encode(self) -> bytes:
        """The payload."""
        return self.payload
