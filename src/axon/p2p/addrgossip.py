"""How addresses travel: getaddr and its answer, addr and addrv2 (BIP 155), and our own address.

What a peer tells is rate limited, put right where its time is nonsense, handed to `AddrMan`, and,
if it is fresh and came alone or nearly so, passed on to one or two others. Which ones depends on
the address and the day under a secret key: repeating an address does not spread it further. What we
send waits for a random moment, so that nobody reads the network's shape from the timing. A
`getaddr` is answered to inbound peers, once, with a sample that stays the same for about a day
(p2p/addranswers): asking often does not show the whole table. Block relay connections take no part.
The figures are Bitcoin Core's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from axon.machine import DAY, HOUR, MINUTE, SECOND, Instant, PeerId, earlier
from axon.p2p.actions import Action, DisconnectPeer, Send
from axon.p2p.addranswers import AddrAnswers
from axon.p2p.addrlimit import AddrLimit
from axon.p2p.addrman import AddrMan
from axon.p2p.banlist import BanList
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.faults import PeerDone, PeerSilent
from axon.p2p.handshake import Negotiated
from axon.p2p.ownaddress import OwnAddress
from axon.p2p.rollingset import RollingSet
from axon.primitives.hashes import siphash24
from axon.primitives.netaddress import AddressNetwork, NetAddress, TimedAddress
from axon.wire.messages import Addr, AddrV2, GetAddr, Services
from axon.wire.messages.addresses import MAX_ADDRESSES

SEND_INTERVAL: Final = 30 * SECOND
OWN_INTERVAL: Final = DAY
"""Means of exponential times: for what is passed on, and for our own address."""

MAX_KNOWN: Final = 5000
"""How many addresses we remember that a peer knows, so as not to tell them again."""
MAX_RELAYED: Final = 10
"""A longer message answers a getaddr, and is not passed on."""
FRESH: Final = 10 * MINUTE
"""An address is passed on only if it was alive so lately; none may be further in the future."""
TIME_PENALTY_S: Final = 2 * HOUR // SECOND
"""Taken off the time of an address that a peer tells of: it did not meet that address itself."""
NONSENSE_AGE: Final = 5 * DAY
"""The age given to an address with a time from the future or from long ago."""
ANCIENT_S: Final = 100_000_000
"""Times up to this (March 1973) are nonsense."""
FETCH_LIMIT: Final = 10 * SEND_INTERVAL
"""How long an addr-fetch connection waits for addresses."""

_USEFUL: Final = Services.NETWORK | Services.NETWORK_LIMITED
_ALL_NETWORKS: Final = frozenset(AddressNetwork)


@dataclass(frozen=True, slots=True)
class AddrStats:
    """A peer's part in address gossip, as `getpeerinfo` shows it."""

    processed: int
    rate_limited: int
    relay_enabled: bool


class _Gossiper:
    """One peer's side of the gossip; never leaves this module."""

    __slots__ = (
        "answered", "asked", "digits", "enabled", "exempt", "fetch_until", "kind", "known",
        "limit", "local", "network", "next_own", "next_send", "our_address", "processed", "queue",
        "rate_limited", "remote", "v2",
    )  # fmt: skip

    def __init__(
        self,
        peer: PeerId,
        kind: ConnectionType,
        remote: NetAddress,
        negotiated: Negotiated,
        exempt: bool,
        through: AddressNetwork | None,
        local: str,
        now: Instant,
    ) -> None:
        self.digits = b"%d" % peer  # By which it is ranked.
        self.kind = kind
        self.local = local
        self.remote = remote
        self.network = remote.network if through is None else through
        self.our_address = negotiated.our_address
        self.v2 = negotiated.addrv2
        self.exempt = exempt
        # An inbound peer may be a light client; it takes part once it speaks of addresses itself.
        self.enabled = kind.is_outbound
        self.asked = False
        self.answered = False
        self.processed = 0
        self.rate_limited = 0
        self.limit = AddrLimit(now)
        self.known: RollingSet[NetAddress] = RollingSet(MAX_KNOWN)
        self.queue: list[TimedAddress] = []  # At most MAX_ADDRESSES, as many as one message holds.
        self.next_send = 0
        self.next_own = 0
        self.fetch_until = now + FETCH_LIMIT if kind is ConnectionType.ADDR_FETCH else None

    def understands(self, address: NetAddress) -> bool:
        """Whether a message in the form that it wants can say the address."""
        return self.v2 or address.fits_v1

    def send(self, peer: PeerId, addresses: Sequence[TimedAddress]) -> Send:
        """Tell it addresses, at most `MAX_ADDRESSES`, and remember that it knows them."""
        for timed in addresses:
            self.known.add(timed.address)
        return Send(peer, AddrV2(tuple(addresses)) if self.v2 else Addr(tuple(addresses)))

    def due(self, advertising: bool) -> Instant | None:
        """When something is to be sent to it, or it has been waited for long enough."""
        soonest = self.fetch_until
        if self.enabled:
            if self.queue:
                soonest = earlier(soonest, self.next_send)
            if advertising:
                soonest = earlier(soonest, self.next_own)
        return soonest


class AddrGossip:
    """Address gossip with all peers of a node.

    Args:
        addrman: takes what is learnt, gives what is told.
        bans: whose addresses are neither kept nor told.
        rng: the secret key, delays and samples.
        reachable: networks on which we can dial; others are passed on, but not kept.
        lab: loopback addresses count as routable.
        discover: peers are believed who say how they see us.
    """

    def __init__(
        self,
        addrman: AddrMan,
        bans: BanList,
        rng: Random,
        reachable: frozenset[AddressNetwork] = _ALL_NETWORKS,
        lab: bool = False,
        discover: bool = True,
    ) -> None:
        self._addrman = addrman
        self._bans = bans
        self._rng = rng
        self._reachable = reachable
        self._lab = lab
        self._key = rng.getrandbits(128).to_bytes(16, "little")
        self._peers: dict[PeerId, _Gossiper] = {}
        self._own = OwnAddress(rng, reachable, lab, discover)
        self._answers = AddrAnswers(addrman, rng)
        self._deadline: Instant | None = None

    def advertise(
        self, addresses: Sequence[NetAddress], services: int, port: int | None, now: Instant
    ) -> None:
        """What to say of ourselves from now on.

        Args:
            addresses: our own, best first; may be empty, then a peer's view of us is used.
            services, now: what we offer, and when.
            port: where we listen; None to say nothing: we do not listen, or are not yet in sync.
        """
        self._own.set(addresses, services, port)
        self._ring(now)

    def reach(self, network: AddressNetwork) -> None:
        """One more network on which we can dial."""
        self._reachable |= {network}
        self._own.reachable = self._reachable

    def stats(self, peer: PeerId) -> AddrStats:
        """A peer's counters; zeroes for one that is not known."""
        gossiper = self._peers.get(peer)
        if gossiper is None:
            return AddrStats(0, 0, False)
        return AddrStats(gossiper.processed, gossiper.rate_limited, gossiper.enabled)

    def opened(
        self,
        peer: PeerId,
        kind: ConnectionType,
        remote: NetAddress,
        negotiated: Negotiated,
        now: Instant,
        exempt: bool = False,
        through: AddressNetwork | None = None,
        local: str = "",
    ) -> list[Action]:
        """A peer has finished the handshake; one that we dialled is asked for addresses.

        Args:
            peer, kind: who, and why it is connected.
            remote: its address: the source of what it tells.
            negotiated, now: what the handshake agreed on, and when.
            exempt: it has the `addr` permission: no rate limit, and a fresh sample as its answer.
            through: which network it came, where its address does not say so; `local`: and where.
        """
        if not kind.relays_addresses:
            return []
        gossiper = self._peers[peer] = _Gossiper(
            peer, kind, remote, negotiated, exempt, through, local, now
        )
        self._ring(gossiper.due(self._own.is_advertised))
        if kind in (ConnectionType.INBOUND, ConnectionType.FEELER):
            return []
        gossiper.asked = True
        gossiper.limit.grant(MAX_ADDRESSES)
        return [Send(peer, GetAddr())]

    def closed(self, peer: PeerId, now: Instant) -> None:  # noqa: ARG002
        """A peer has gone; what waits for it is thrown away."""
        self._peers.pop(peer, None)

    def received(
        self, peer: PeerId, message: GetAddr | Addr | AddrV2, now: Instant
    ) -> list[Action]:
        """Take in what a peer tells, or queue the answer to what it asks.

        Raises:
            PeerDone: an addr-fetch connection has given what it was opened for.
        """
        gossiper = self._peers.get(peer)
        if gossiper is None:
            return []  # Block relay only.
        match message:
            case GetAddr():
                self._answer(gossiper, now)
            case Addr(addresses) | AddrV2(addresses):
                self._learn(peer, gossiper, addresses, now)
        return []

    def deadline(self) -> Instant | None:
        """When something is due to be sent; may be early."""
        return self._deadline

    def tick(self, now: Instant) -> list[Action]:
        """Tell each peer what is due, and disconnect who gave no addresses in time."""
        if self._deadline is None or now < self._deadline:
            return []
        actions: list[Action] = []
        self._deadline = None
        advertising = self._own.is_advertised
        for peer, gossiper in self._peers.items():
            if gossiper.fetch_until is not None and now >= gossiper.fetch_until:
                gossiper.fetch_until = None
                actions.append(DisconnectPeer(peer, PeerSilent("no addresses within 5 minutes")))
                continue
            if gossiper.enabled:
                if advertising and now >= gossiper.next_own:
                    actions += self._advertise_to(peer, gossiper, now)
                if gossiper.queue and now >= gossiper.next_send:
                    actions += self._flush(peer, gossiper, now)
            self._ring(gossiper.due(advertising))
        return actions

    def _ring(self, moment: Instant | None) -> None:
        if moment is not None and (self._deadline is None or moment < self._deadline):
            self._deadline = moment

    # What we are told.

    def _learn(
        self,
        peer: PeerId,
        gossiper: _Gossiper,
        addresses: tuple[TimedAddress, ...],
        now: Instant,
    ) -> None:
        self._enable(gossiper)
        gossiper.limit.refill(now)
        kept: list[TimedAddress] = []
        relayable = not gossiper.asked and len(addresses) <= MAX_RELAYED
        count = gossiper.limit.take(len(addresses))
        if gossiper.exempt:
            count = len(addresses)
        gossiper.rate_limited += len(addresses) - count
        # At random, so that what the limit lets through is not the sender's choice.
        for timed in self._rng.sample(addresses, count):
            if not timed.services & _USEFUL:
                continue
            entry = self._with_sane_time(timed, now)
            gossiper.known.add(entry.address)
            if self._bans.is_refused(entry.address, now):
                continue
            gossiper.processed += 1
            reachable = entry.address.network in self._reachable
            fresh = entry.time * SECOND > now - FRESH
            if relayable and fresh and entry.address.is_routable(self._lab):
                self._relay(peer, entry, reachable, now)
            if reachable:
                kept.append(entry)
        self._addrman.add(kept, gossiper.remote, now, TIME_PENALTY_S)
        if len(addresses) < MAX_ADDRESSES:
            gossiper.asked = False
        # A single address may be the peer's own, sent before its answer.
        if gossiper.kind is ConnectionType.ADDR_FETCH and len(addresses) > 1:
            raise PeerDone("addr-fetch complete")

    @staticmethod
    def _with_sane_time(timed: TimedAddress, now: Instant) -> TimedAddress:
        if timed.time > ANCIENT_S and timed.time * SECOND <= now + FRESH:
            return timed
        time_s = max(0, now - NONSENSE_AGE) // SECOND
        return TimedAddress(time_s, timed.services, timed.address)

    def _relay(self, origin: PeerId, timed: TimedAddress, reachable: bool, now: Instant) -> None:
        """Queue an address for the one or two peers whose turn it is today."""
        name = siphash24(self._key, timed.address.encode_v2())
        # Each address changes its day at another moment.
        period = (now // SECOND + name % (DAY // SECOND)) // (DAY // SECOND)
        count = 2 if reachable or name & 1 else 1
        key, start = self._key, b"%d %d " % (name, period)
        fits_v1 = timed.address.fits_v1
        ranking = [
            (siphash24(key, start + gossiper.digits), peer)
            for peer, gossiper in self._peers.items()
            if peer != origin and gossiper.enabled and (gossiper.v2 or fits_v1)
        ]
        ranking.sort()
        for _, peer in ranking[:count]:
            self._push(self._peers[peer], timed, now)

    # What we tell.

    def _enable(self, gossiper: _Gossiper) -> None:
        if not gossiper.enabled:
            gossiper.enabled = True
            self._ring(gossiper.due(self._own.is_advertised))

    def _answer(self, gossiper: _Gossiper, now: Instant) -> None:
        if gossiper.kind.is_outbound or gossiper.answered:
            return  # Only who dialled us may ask, and once: we are not to be mapped.
        gossiper.answered = True
        self._enable(gossiper)
        gossiper.queue.clear()
        for timed in self._sample(gossiper, now):
            self._push(gossiper, timed, now)

    def _sample(self, gossiper: _Gossiper, now: Instant) -> list[TimedAddress]:
        answers, network, local = self._answers, gossiper.network, gossiper.local
        sample = answers.fresh(now) if gossiper.exempt else answers.kept(network, local, now)
        return [timed for timed in sample if not self._bans.is_refused(timed.address, now)]

    def _push(self, gossiper: _Gossiper, timed: TimedAddress, now: Instant) -> None:
        address = timed.address
        if not address.is_valid() or not gossiper.understands(address):
            return
        if address in gossiper.known:
            return
        queue = gossiper.queue
        if len(queue) >= MAX_ADDRESSES:
            queue[self._rng.randrange(len(queue))] = timed
            return
        if not queue and 0 < gossiper.next_send <= now:
            # The clock that ran while there was nothing to send has no memory.
            gossiper.next_send = now + self._delay(SEND_INTERVAL)
        queue.append(timed)
        self._ring(gossiper.next_send)

    def _flush(self, peer: PeerId, gossiper: _Gossiper, now: Instant) -> list[Action]:
        gossiper.next_send = now + self._delay(SEND_INTERVAL)
        known = gossiper.known
        news = {timed.address: timed for timed in gossiper.queue if timed.address not in known}
        gossiper.queue.clear()
        return [gossiper.send(peer, tuple(news.values()))] if news else []

    def _advertise_to(self, peer: PeerId, gossiper: _Gossiper, now: Instant) -> list[Action]:
        first = gossiper.next_own == 0
        gossiper.next_own = now + self._delay(OWN_INTERVAL)
        seen, dialled = gossiper.our_address, gossiper.kind.is_outbound
        entry = self._own.entry_for(gossiper.network, seen, dialled, now)
        if entry is None or not gossiper.understands(entry.address):
            return []
        if first:
            # In a message of its own: in a larger one the rate limit might strike just it.
            return [gossiper.send(peer, [entry])]
        gossiper.known.clear()
        self._push(gossiper, entry, now)
        return []

    def _delay(self, mean: Instant) -> Instant:
        return 1 + int(self._rng.expovariate(1 / mean))
