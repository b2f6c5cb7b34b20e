"""One connection as the node sees it: who is there, what was agreed, and what waits to be handled.

    handshake --complete--> ready --disconnect, or closed--> leaving --end of the step--> gone

A peer's messages are handled strictly in order, each completely before the next: while a block of
its is validated, transactions of its judged or what it asked for read (`busy`), and while it does
not take what we send (`clogged`), its further bytes wait as they came. When too many wait, nothing
more is read from it. Only transactions in a row may be on their way together.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from axon.machine import Endpoint, Instant, PeerId
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.handshake import Handshake, Negotiated
from axon.p2p.keepalive import KeepAlive
from axon.primitives.netaddress import AddressNetwork, NetAddress
from axon.wire.messages import Message, Services, Unknown
from axon.wire.registry import COMMANDS, LongList
from axon.wire.transport import Frame, Transport

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

    def add(self, size_bytes: int, now: Instant) -> None:
        """Add bytes on the wire, whatever is in them."""
        self.bytes += size_bytes
        self.last_at = now

    def count(self, command: str, size_bytes: int) -> None:
        """Of the bytes, so many were a message: those on the wire, all overhead included."""
        counts = self.by_command
        if command in counts:
            counts[command] += size_bytes
        else:
            name = command if command in _COUNTED else OTHER
            counts[name] = counts.get(name, 0) + size_bytes

    def include(self, other: Traffic) -> None:
        """Count all of another's, too."""
        self.bytes += other.bytes
        for name, size_bytes in other.by_command.items():
            self.by_command[name] = self.by_command.get(name, 0) + size_bytes


class PastTraffic:
    """What was exchanged on connections that have ended."""

    def __init__(self) -> None:
        self.received, self.sent = Traffic(), Traffic()

    def add(self, session: Session) -> None:
        """A connection has ended."""
        self.received.include(session.received)
        self.sent.include(session.sent)


class Session:
    """The state of one connection.

    Args:
        peer: the driver's number for it.
        remote: the other end.
        local: our end.
        address: the other end as a netaddress; None where it has none (a name behind a proxy).
        kind: why the connection exists.
        permissions: what the operator allows it (`-whitelist`), by Core's names.
        transport: cuts its bytes; another takes its place when it is known which the peer speaks.
        handshake: what is said first.
        keyed_netgroup: of its address, see `InboundAdmission`.
        now: when it was opened.
        from_onion: it arrived where Tor brings those who dial our onion service.
    """

    __slots__ = (
        "address",
        "busy",
        "clogged",
        "cost_at",
        "cost_ns",
        "from_onion",
        "handshake",
        "has_bloom_filter",
        "held",
        "held_back",
        "is_leaving",
        "judging",
        "keepalive",
        "keyed_netgroup",
        "kind",
        "last_block_at",
        "last_transaction_at",
        "local",
        "message_bytes",
        "message_of",
        "opened_at",
        "paused",
        "peer",
        "permissions",
        "pieces",
        "received",
        "relays",
        "remote",
        "sent",
        "serving",
        "transport",
        "turn",
        "waits_since",
    )

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
        keyed_netgroup: int,
        now: Instant,
        *,
        from_onion: bool = False,
    ) -> None:
        self.peer = peer
        self.remote = remote
        self.local = local
        self.address = address
        self.kind = kind
        self.permissions = permissions
        self.transport = transport
        self.held_back: list[
            Message | Unknown
        ] = []  # What we said before there were keys to say it with.
        self.handshake = handshake
        self.keyed_netgroup = keyed_netgroup
        self.opened_at = now
        self.from_onion = from_onion
        self.keepalive: KeepAlive | None = None
        self.message_of = ""  # Name of the message that is handled, or was last.
        self.message_bytes = 0  # Its size, until all that it led to is done.
        self.pieces: Iterator[LongList] | None = None  # What is left of it, if it is a long list.
        self.cost_ns = 0  # What it has made us do lately on the loop, by `node/costs`.
        self.cost_at = now  # As of when.
        self.turn = 0  # Number of its last turn.
        self.waits_since = now  # Nothing of it was handled since, and something waits.
        self.serving = False  # What it asked for is not all given yet.
        self.busy = False
        self.judging = 0  # Transactions of its that are on their way into the pool.
        self.held: Frame | None = None  # Its next message, which waits for these.
        self.clogged = False
        self.is_leaving = False  # Its connection ends with the present step.
        self.paused = False
        self.relays = False  # It asked for transactions, by its version or by a bloom filter.
        self.has_bloom_filter = False
        self.received = Traffic()
        self.sent = Traffic()
        self.last_block_at: Instant = 0
        self.last_transaction_at: Instant = 0

    @property
    def through(self) -> AddressNetwork | None:
        """The network that it is connected through; None for a name that a proxy looked up."""
        if self.from_onion:
            return AddressNetwork.TORV3
        return None if self.address is None else self.address.network

    @property
    def inbound(self) -> bool:
        """The other side dialled."""
        return not self.kind.is_outbound

    @property
    def negotiated(self) -> Negotiated | None:
        """What was agreed on; None until the handshake is complete."""
        return self.handshake.negotiated

    @property
    def offers_bloom(self) -> bool:
        """Whether our version offered it bloom filters (BIP 37)."""
        return bool(self.handshake.own_services & Services.BLOOM)

    @property
    def is_ready(self) -> bool:
        """Whether something of it waits that can be done now."""
        if self.busy or self.clogged or self.is_leaving:
            return False
        if self.judging:
            return self.transport.has_next
        return self.serving or self.message_bytes > 0 or self.transport.has_next

    @property
    def has_message(self) -> bool:
        """Whether a message, or the rest of one, can be handled when its turn comes."""
        return self.message_bytes > 0 or self.transport.has_next

    @property
    def waiting_bytes(self) -> int:
        """What of it waits to be handled, the message under way included."""
        return self.transport.held_bytes + self.message_bytes

    @property
    def is_protected(self) -> bool:
        """Whether it stays when it breaks a rule: the operator trusts it, or named it himself."""
        return self.may("noban") or self.kind is ConnectionType.MANUAL

    def may(self, permission: str) -> bool:
        """Whether the operator gave it this permission."""
        return permission in self.permissions

    def deadline(self) -> Instant | None:
        """When the handshake or the ping clock wants its tick."""
        if self.keepalive is not None:
            return self.keepalive.deadline()
        return self.handshake.deadline()
