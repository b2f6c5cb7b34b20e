"""The fingerprint of a simulated run: same seed, same fingerprint.

Every event goes into one rolling BLAKE2b as (when, node, kind, subject, bytes), so two runs that
differ anywhere have different digests from there on. Which event was the first is found by running
both again up to an instant in the middle, and again in the half that differs.
"""

from __future__ import annotations

from hashlib import blake2b
from struct import Struct

from axon.machine import Instant

DIGEST_BYTES = 16
"""Enough that two runs do not agree by chance."""

FLUSH_BYTES = 65_536
"""Events are gathered to this much before they are hashed: one call for a thousand events."""

_EVENT = Struct("<QIBqI")


class Trace:
    """A rolling digest over events; equal digests mean equal runs."""

    __slots__ = ("_hash", "_pending", "events")

    def __init__(self) -> None:
        self._hash = blake2b(digest_size=DIGEST_BYTES)
        self._pending = bytearray()
        self.events = 0

    def note(self, now: Instant, node: int, kind: int, subject: int, data: bytes = b"") -> None:
        """Take in one event.

        Args:
            now: virtual time, in microseconds.
            node: where it happens.
            kind: of event, below 256.
            subject: the peer, ticket or task it concerns.
            data: what was received.
        """
        self.events += 1
        pending = self._pending
        pending += _EVENT.pack(now, node, kind, subject, len(data))
        pending += data
        if len(pending) > FLUSH_BYTES:
            self._hash.update(pending)
            self._pending = bytearray()

    def digest(self) -> str:
        """The fingerprint of everything noted so far, as hex."""
        self._hash.update(self._pending)
        self._pending = bytearray()
        return self._hash.hexdigest()
