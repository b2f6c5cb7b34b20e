"""One connection as the node sees it: who is there, what was agreed, and what waits to be handled.

    handshake --complete--> ready --disconnect, or closed--> leaving --end of the step--> gone

A peer's messages are handled strictly in order, each completely before the next: while a block of
its is validated, a transaction of its verified or what it asked for read (`busy`), and while it
does not take what we send (`clogged`), its further messages wait in `inbox`. When too many wait,
nothing more is read from it.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from axon.machine import Endpoint, Instant, PeerId
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.handshake import Handshake, Negotiated
from axon.p2p.keepalive import KeepAlive
from axon.primitives.netaddress import NetAddress
from axon.wire.registry import COMMANDS
from axon.wire.transport import Corrupt, Frame, Transport

INBOX_LIMIT_BYTES: Final = 5_000_000
"""Above this nothing more is read from a peer (Core's `-maxreceivebuffer`): one peer that sends
faster than it can be answered costs memory for a few messages, not for all it has."""

OTHER: Final = "*other*"
"""Under this name all messages are counted that we do not speak: a peer cannot make names."""

_COUNTED = frozenset(COMMANDS)


class Traffic:
    """Bytes in one direction, in all and by kind of message."""

    __slots__ = ("by_command", "bytes", "last_at")

    def __init__(self) -> None:
        self.bytes = 0
        self.by_command: dict[str, int] = {}
        self.last_at: Instant = 0

    def count(self, command: str, size_bytes: int, now: Instant) -> None:
        """Add a message: its bytes on the wire, header included, and when it was handled."""
        name = command if command in _COUNTED else OTHER
        self.bytes += size_bytes
        self.by_command[name] = self.by_command.get(name, 0) + size_bytes
        self.last_at = now


class Session:
    """The state of one connection.

    Args:
        peer: the driver's number for it.
        remote: the other end.
        local: our end.
        address: the other end as a netaddress; None where it has none (a name behind a proxy).
        kind: why the connection exists.
        permissions: what the operator allows it (`-whitelist`), by Core's names.
        transport: cuts its bytes.
        handshake: what is said first.
        now: when it was opened.
    """

    def __init__(
        self,
        peer: PeerId,
        remote: Endpoint,
        local: Endpoint,
        address: NetAddress | None,
        kind: ConnectionType,
        permissions: frozenset[str],
        transport: Transport,
        handshake: Handshake,
        now: Instant,
    ) -> None:
        self.peer = peer
        self.remote = remote
        self.local = local
        self.address = address
        self.kind = kind
        self.permissions = permissions
        self.transport = transport
        self.handshake = handshake
        self.opened_at = now
        self.keepalive: KeepAlive | None = None
        self.inbox: deque[Frame | Corrupt] = deque()
        self.inbox_bytes = 0
        self.busy = False
        self.clogged = False
        self.is_leaving = False  # Its connection ends with the present step.
        self.paused = False
        self.received = Traffic()
        self.sent = Traffic()
        self.last_block_at: Instant = 0
        self.last_transaction_at: Instant = 0

    @property
    def inbound(self) -> bool:
        """The other side dialled."""
        return not self.kind.is_outbound

    @property
    def negotiated(self) -> Negotiated | None:
        """What was agreed on; None until the handshake is complete."""
        return self.handshake.negotiated

    @property
    def is_held(self) -> bool:
        """Whether its next message must wait, or is not handled any more."""
        return self.busy or self.clogged or self.is_leaving

    @property
    def is_protected(self) -> bool:
        """Whether it stays when it breaks a rule: the operator trusts it, or named it himself."""
        return self.may("noban") or self.kind is ConnectionType.MANUAL

    def may(self, permission: str) -> bool:
        """Whether the operator gave it this permission."""
        return permission in self.permissions

    def put(self, frames: list[Frame | Corrupt]) -> None:
        """Frames that came in."""
        for frame in frames:
            self.inbox_bytes += frame.size_bytes
        self.inbox.extend(frames)

    def take(self) -> Frame | Corrupt | None:
        """The next frame to handle; None if there is none or it must wait."""
        if not self.inbox or self.is_held:
            return None
        frame = self.inbox.popleft()
        self.inbox_bytes -= frame.size_bytes
        return frame

    def deadline(self) -> Instant | None:
        """When the handshake or the ping clock wants its tick."""
        if self.keepalive is not None:
            return self.keepalive.deadline()
        return self.handshake.deadline()
