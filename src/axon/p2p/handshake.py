"""The version handshake of two nodes: version, verack, and what is agreed between the two.

    outbound: start() sends version
    inbound:  start() waits

    opening --their version--> agreeing --their verack--> complete
       (we answer: version if inbound, wtxidrelay, sendaddrv2, features, verack)
    opening, agreeing --timeout--> PeerSilent

What may be agreed only in between (BIP 155, BIP 339, BIP 434) is refused afterwards; `sendheaders`
(BIP 130) and `sendcmpct` (BIP 152) may come at any time behind the version and are remembered here
as well. As in Bitcoin Core, a message too early or repeated is passed over, never punished. We do
not announce compact blocks as long as we cannot serve them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Final

from axon.machine import SECOND, Instant
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.faults import ConnectedToSelf, PeerFault, PeerSilent, PeerViolation
from axon.primitives.netaddress import UNSPECIFIED, NetAddress
from axon.wire.messages import (
    Feature,
    Malformed,
    Message,
    SendAddrV2,
    SendCmpct,
    SendHeaders,
    Services,
    Unknown,
    Verack,
    Version,
    WtxidRelay,
)
from axon.wire.messages.handshake import PROTOCOL_VERSION

HANDSHAKE_TIMEOUT: Final = 60 * SECOND
"""From the opening of the connection to the other side's verack (`-peertimeout`)."""

MIN_PEER_VERSION: Final = 31_800
"""Older programs know no headers."""
COMPACT_BLOCKS_SINCE: Final = 70_014
"""From this protocol version on compact blocks are known."""
WTXID_RELAY_VERSION: Final = 70_016
"""From here `wtxidrelay` exists, and nobody older knows `sendaddrv2`."""
FEATURE_VERSION: Final = 70_017
"""From here `feature` exists (BIP 434)."""
COMPACT_BLOCKS_VERSION: Final = 2
"""Of compact blocks, the only version in use: with witnesses."""


@dataclass(frozen=True, slots=True)
class OwnVersion:
    """What we say of ourselves.

    Args:
        services: what we offer on this connection.
        user_agent: `/Name:version(comment)/` (BIP 14).
        start_height: of our active chain.
        relay: we want transactions announced, where the kind of connection has them at all.
        near_tip: our tip is recent, so a peer that keeps only the last 288 blocks is good enough.
        needs: services without which a peer is of no use to us, beside those of blocks.
        features: additions to the protocol that we know, told to peers that know `feature`.
    """

    services: int
    user_agent: str
    start_height: int
    relay: bool = True
    near_tip: bool = False
    needs: int = 0
    features: tuple[Feature, ...] = ()


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What two nodes agreed on, complete and final.

    Args:
        version: the other's protocol version; the lower of it and ours is spoken.
        services: what it offers.
        user_agent: its name, without characters that could hurt a log.
        start_height: of its chain, as it says; -1 if it does not.
        relay: it wants transactions announced.
        wtxid_relay: both sides announce transactions by wtxid (BIP 339).
        addrv2: it wants addresses as `addrv2` (BIP 155).
        time_offset_s: its clock minus ours, in seconds.
        our_address: ours as it sees it.
        features: those that both know, by name, with what the other says of each; the last word
            counts.
    """

    version: int
    services: int
    user_agent: str
    start_height: int
    relay: bool
    wtxid_relay: bool
    addrv2: bool
    time_offset_s: int
    our_address: NetAddress
    features: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def common_version(self) -> int:
        """The protocol version that both speak."""
        return min(self.version, PROTOCOL_VERSION)


ANONYMOUS_AGENT: Final = "/pynode:0.0.1/"
"""The name under which Bitcoin Core brings out a transaction privately: whoever does so under
another one says which program he uses."""


def anonymous(near_tip: bool) -> OwnVersion:
    """What a node says of itself that brings out a transaction privately: nothing."""
    return OwnVersion(0, ANONYMOUS_AGENT, 0, relay=False, near_tip=near_tip)


_WITNESS = int(Services.WITNESS)  # Plain integers: this is asked for every address drawn.
_NETWORK = int(Services.NETWORK)
_NETWORK_LIMITED = int(Services.NETWORK_LIMITED)


def has_desirable_services(services: int, near_tip: bool, needs: int = 0) -> bool:
    """Whether a peer can give us the blocks we need, with witnesses.

    Args:
        services: what it offers.
        near_tip: the last 288 blocks (BIP 159) are all we need.
        needs: what else it must offer.
    """
    if not services & _WITNESS or needs & ~services:
        return False
    if services & _NETWORK:
        return True
    return near_tip and bool(services & _NETWORK_LIMITED)


class Handshake:
    """The handshake with one peer, and later its word on headers and compact blocks.

    Args:
        kind: why the connection exists, so also who dialled.
        own: what we say of ourselves.
        remote: the other's address, told to it in our version; None if it has none to speak of.
        nonces: those of our own outbound handshakes under way, shared by all handshakes of a node,
            each of which adds its own while it lasts. An inbound version with one of them is ours.
        rng: draws the nonce.
        now: when the connection was opened.
        timeout: how long the handshake may take.
    """

    def __init__(
        self,
        kind: ConnectionType,
        own: OwnVersion,
        remote: NetAddress | None,
        nonces: set[int],
        rng: Random,
        now: Instant,
        timeout: Instant = HANDSHAKE_TIMEOUT,
    ) -> None:
        self._kind = kind
        self._own = own
        self._remote = remote
        self._nonces = nonces
        self._timeout_at = now + timeout
        self._theirs: Version | None = None
        self._wtxid_relay = False
        self._addrv2 = False
        self._time_offset_s = 0
        self._features: dict[str, bytes] = {}  # As many as are ours, at most.
        self.nonce = rng.getrandbits(64)
        self.negotiated: Negotiated | None = None
        """What was agreed on; None until the handshake is complete."""
        self.prefers_headers = False
        """It wants new blocks announced by headers (BIP 130)."""
        self.provides_compact_blocks = False
        """It understands compact blocks of version 2 (BIP 152)."""
        self.wants_high_bandwidth = False
        """It wants compact blocks unasked (BIP 152)."""

    @property
    def theirs(self) -> Version | None:
        """What the peer said of itself; None before it has. It may still be refused."""
        return self._theirs

    @property
    def time_offset_s(self) -> int:
        """Its clock minus ours, by that word."""
        return self._time_offset_s

    @property
    def is_complete(self) -> bool:
        """Both sides have said all; other messages may be exchanged."""
        return self.negotiated is not None

    @property
    def own_services(self) -> int:
        """What we offer the peer, as our version says."""
        return self._own.services

    def start(self, now: Instant) -> list[Message]:
        """The first words: our version if we dialled."""
        if not self._kind.is_outbound:
            return []
        if not self._kind.is_private:  # Else a peer that dials us with it learns who sent it.
            self._nonces.add(self.nonce)
        return [self._own_version(now)]

    def deadline(self) -> Instant | None:
        """When the handshake must be complete; None once it is."""
        return None if self.is_complete else self._timeout_at

    def tick(self, now: Instant) -> list[Message]:
        """Nothing to say, but patience ends.

        Raises:
            PeerSilent: the handshake took too long.
        """
        if not self.is_complete and now >= self._timeout_at:
            raise PeerSilent("version handshake timeout")
        return []

    def closed(self) -> None:
        """The connection ended; its nonce need not be recognized any more."""
        self._nonces.discard(self.nonce)

    def received(self, message: Message | Unknown, now: Instant) -> list[Message]:
        """Take in any message before the handshake is complete, and its own kinds later.

        Raises:
            PeerFault: the peer is ourselves, too old, of no use, or negotiates too late.
        """
        if isinstance(message, Version):
            return self._version(message, now)
        if self._theirs is None:
            return []  # Nothing counts before the version.
        match message:
            case Verack():
                return self._verack(self._theirs)
            case WtxidRelay():
                self._refuse_if_late("wtxidrelay")
                self._wtxid_relay = self._speaks(WTXID_RELAY_VERSION)
            case SendAddrV2():
                self._refuse_if_late("sendaddrv2")
                self._addrv2 = True
            case Feature(name, data):
                self._refuse_if_late("feature")
                if any(name == known.feature_id for known in self._own.features):
                    self._features[name] = data
            case SendHeaders():
                self.prefers_headers = True
            case SendCmpct(announce, version) if version == COMPACT_BLOCKS_VERSION:
                if announce > 1:
                    raise PeerViolation("BIP 152: sendcmpct announces by 1 or does not by 0")
                self.provides_compact_blocks = True
                self.wants_high_bandwidth = announce == 1
        return []

    def unreadable(self, fault: Malformed) -> None:
        """A message came that must be readable, and is not; before the version nothing counts.

        Raises:
            PeerFault: behind the version.
        """
        if self._theirs is not None:
            raise PeerFault(str(fault)) from fault

    def _version(self, theirs: Version, now: Instant) -> list[Message]:
        if self._theirs is not None:
            return []  # Said twice counts once.
        if self._kind.needs_services:
            if not has_desirable_services(theirs.services, self._own.near_tip, self._own.needs):
                raise PeerFault(f"peer does not offer the services we need: {theirs.services:#x}")
        if theirs.version < MIN_PEER_VERSION:
            raise PeerFault(f"peer uses obsolete version {theirs.version}")
        inbound = not self._kind.is_outbound
        if inbound and theirs.nonce in self._nonces:
            raise ConnectedToSelf("connected to self")
        self._theirs = theirs
        self._time_offset_s = max(0, theirs.time) - now // SECOND
        if self._kind.is_private:
            if not theirs.relay:
                raise PeerFault("peer does not relay transactions")
            return [Verack()]
        answers: list[Message] = [self._own_version(now)] if inbound else []
        if self._speaks(WTXID_RELAY_VERSION):
            answers += [WtxidRelay(), SendAddrV2()]
        if self._speaks(FEATURE_VERSION):
            answers += self._own.features
        return [*answers, Verack()]

    def _verack(self, theirs: Version) -> list[Message]:
        if self.is_complete:
            return []
        self._nonces.discard(self.nonce)
        self.negotiated = Negotiated(
            version=theirs.version,
            services=theirs.services,
            user_agent=theirs.clean_user_agent,
            start_height=theirs.start_height,
            relay=theirs.relay,
            wtxid_relay=self._wtxid_relay,
            addrv2=self._addrv2,
            time_offset_s=self._time_offset_s,
            our_address=theirs.receiver,
            features=self._features,
        )
        return []

    def _speaks(self, version: int) -> bool:
        return self._theirs is not None and self._theirs.version >= version

    def _refuse_if_late(self, command: str) -> None:
        if self.is_complete:
            raise PeerFault(f"{command} received after verack")

    def _own_version(self, now: Instant) -> Version:
        own, remote = self._own, self._remote
        private = self._kind.is_private
        tellable = not private and remote is not None and remote.fits_v1 and remote.is_routable()
        return Version(
            version=PROTOCOL_VERSION,
            services=own.services,
            time=0 if private else now // SECOND,
            receiver=remote if remote is not None and tellable else UNSPECIFIED,
            nonce=self.nonce,
            user_agent=own.user_agent,
            start_height=own.start_height,
            relay=own.relay and self._kind.relays_transactions,
            sender_services=own.services,
        )
