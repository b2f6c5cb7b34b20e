"""Whom a node dials of its own accord, and when.

Eight outbound peers for everything and two for blocks alone, each in another netgroup, chosen by
`Picker` from the address table; now and then a feeler asks an address that was only told of whether
it answers, one more block relay peer is tried, and one more peer where a network has none of ours:
whoever controls one network is not to decide what we hear. One dial each half second; where the
table offers nobody, or only addresses that were dialled lately, the search slows down until there
are new ones: most of all where those that were dialled hang up at once, since they are full, and
who keeps knocking keeps others from their turn. The figures are Bitcoin Core's, the pauses ours.
"""

from __future__ import annotations

from random import Random
from typing import Final

from axon.machine import MILLISECOND, MINUTE, SECOND, Instant
from axon.p2p.addrman import AddrMan
from axon.p2p.banlist import BanList
from axon.p2p.connectionsconfig import MAX_FEELERS, MAX_FULL_RELAY, ConnectionsConfig
from axon.p2p.connectiontable import ConnectionTable
from axon.p2p.connectiontype import ConnectionType
from axon.p2p.peersfile import MAX_ANCHORS, AddressRecord
from axon.p2p.picker import Picker, was_tried
from axon.p2p.requests import DialRequest, endpoint_of
from axon.primitives.netaddress import AddressNetwork, NetAddress
from axon.wire.messages import Services

DIAL_INTERVAL: Final = 500 * MILLISECOND
"""From one automatic dial to the next."""
PATIENCE: Final = SECOND
"""A dial that has lasted for so long takes no place of an outbound peer: most addresses that one is
told of lead nowhere, and that shows after five seconds;"""
MAX_HANGING: Final = 8
"""this is so for as many at a time. Who answers when others have all places is let go. Through a
proxy every dial may take so long, so there each has its place."""
MAX_IDLE: Final = 30 * SECOND
"""The longest pause before looking again, while the table offers nobody."""
MAX_PAUSE: Final = 5 * SECOND
"""The longest pause while it offers only addresses that were dialled lately;"""
MAX_REFUSED_PAUSE: Final = MINUTE
"""and while the last of them hung up before the handshake was complete. The line is alive then."""
FEELER_INTERVAL: Final = 2 * MINUTE
EXTRA_BLOCK_RELAY_INTERVAL: Final = 5 * MINUTE
"""Means of exponential times."""
NETWORK_INTERVAL: Final = 5 * MINUTE
"""How often it is looked whether a network that we reach has no peer of ours."""

PEERS_OF_A_LINE: Final = 2
"""With so many peers in different netgroups our line is alive, and a dial in vain counts against
its address."""

_LASTING: Final = (ConnectionType.FULL_RELAY, ConnectionType.BLOCK_RELAY)
_FOR_GROUPS: Final = (ConnectionType.MANUAL, *_LASTING)


class AutoDial:
    """The automatic dials of one node; a part of `Connections`.

    Args:
        config: what the operator decided.
        table: which connections there are.
        addrman: whom there is to dial; told of each attempt.
        bans: whom not to dial.
        rng: delays and choices.
        now: the start.
    """

    def __init__(
        self,
        config: ConnectionsConfig,
        table: ConnectionTable,
        addrman: AddrMan,
        bans: BanList,
        rng: Random,
        now: Instant,
    ) -> None:
        self._config = config
        self._table = table
        self._addrman = addrman
        self._rng = rng
        self._picker = Picker(
            addrman, bans, config.reachable, config.needs, v2_only=config.v2_only_clearnet
        )
        self._anchors = list(config.anchors[:MAX_ANCHORS])
        self._next_dial = now
        self._begun: dict[DialRequest, Instant] = {}  # Dials that may hang, and what came of them.
        self._looked_at = now
        self._pause = DIAL_INTERVAL
        self._max_pause = MAX_PAUSE
        self._idle = DIAL_INTERVAL
        # Since when it waits for want of fresh addresses, with the table's size back then.
        self._idle_since: tuple[Instant, int] | None = None
        self._next_feeler = now + self._delay(FEELER_INTERVAL)
        self._next_extra = now + self._delay(EXTRA_BLOCK_RELAY_INTERVAL)
        self._next_network = now + NETWORK_INTERVAL
        self._lonely: AddressNetwork | None = None  # The network that the next dial is for.
        self._stale_tip = False
        self._synced = False

    # What happened.

    def adapt(self, near_tip: bool, stale_tip: bool, synced: bool) -> None:
        """What the state of the chain means; the arguments are those of `Connections.adapt`."""
        self._picker.near_tip = near_tip
        self._stale_tip, self._synced = stale_tip, synced

    def reach(self, network: AddressNetwork) -> None:
        """One more network on which we can dial."""
        self._picker.reachable |= {network}

    def found_own(self, address: NetAddress) -> None:
        """This address is our own: it is not dialled again."""
        self._picker.found_own(address)

    def welcomed(self, now: Instant) -> None:
        """A handshake with somebody we dialled is complete: not all hang up."""
        self._max_pause = MAX_PAUSE
        self._next_dial = min(self._next_dial, now + MAX_PAUSE)

    def refused(self) -> None:
        """Somebody we dialled hung up before the handshake was complete."""
        self._max_pause = MAX_REFUSED_PAUSE

    def lost(self, now: Instant, *, steady: bool) -> None:
        """A connection that we dialled has ended after its handshake: look for another soon.

        Args:
            now: when.
            steady: it had lasted. Else a full peer may have let us in for a moment, and another
                dial at once would be for another moment.
        """
        self._idle = DIAL_INTERVAL
        soon = DIAL_INTERVAL if steady else MAX_PAUSE
        self._next_dial = min(self._next_dial, now + soon)

    def restart(self, now: Instant) -> None:
        """The network was switched on or off: dial at once when it is on."""
        self._next_dial = now

    def notice_news(self) -> bool:
        """Whether new addresses have ended the rest that began for want of them."""
        if self._idle_since is None or self._idle_since[1] == len(self._addrman):
            return False
        self._next_dial = min(self._next_dial, self._idle_since[0] + DIAL_INTERVAL)
        self._idle_since = None
        return True

    # Time.

    @property
    def next_dial(self) -> Instant:
        """Before this moment nobody is dialled: one at a time, be it for addresses."""
        return self._next_dial

    @property
    def wants_more(self) -> bool:
        """Whether there are fewer outbound peers than there should be, and it may dial."""
        return self._config.connect is None and self._wanted_at_once() is not None

    def dialled(self, now: Instant) -> None:
        """Somebody was dialled for addresses; the next dial waits for its turn."""
        self._next_dial = now + DIAL_INTERVAL

    def deadline(self) -> Instant | None:
        """When `tick` may have something to do."""
        if self._config.connect is not None:
            return None
        earliest = self._next_dial
        if self._wanted_at_once() is not None:
            return earliest
        timed = [
            begun + PATIENCE
            for request, begun in self._begun.items()
            if request in self._table.dialling and begun + PATIENCE > self._looked_at
        ]
        if self._synced:
            timed.append(self._next_extra)
        if self._table.count(ConnectionType.FEELER) < MAX_FEELERS:
            timed.append(self._next_feeler)
        if self._is_full:
            timed.append(self._next_network)
        return max(earliest, min(timed)) if timed else None

    def tick(self, now: Instant) -> DialRequest | None:
        """The dial that is due, if one is."""
        self._looked_at = now
        if self._config.connect is not None or now < self._next_dial:
            return None
        kind = self._wanted(now)
        if kind is None:
            return None
        self._next_dial = now + DIAL_INTERVAL
        self._addrman.resolve_collisions(now)
        record = self._pick(kind, now)
        if record is None:
            if kind is not ConnectionType.FEELER:
                self._rest(now)
            return None
        self._idle = DIAL_INTERVAL
        self._pause_after(record, now)
        self._addrman.attempt(record.address, now, count_failure=self._line_is_alive)
        return self._request(record, kind, now)

    @property
    def _line_is_alive(self) -> bool:
        """Whether it is not our own line that is dead, if nobody answers: there are two peers."""
        peers = self._table.open_addresses(_FOR_GROUPS)
        far = sum(not address.fits_v1 for address in peers)
        return len(self._picker.groups(peers)) + far >= PEERS_OF_A_LINE

    def _request(self, record: AddressRecord, kind: ConnectionType, now: Instant) -> DialRequest:
        address = record.address
        v2 = self._config.v2 and bool(record.services & Services.P2P_V2)
        v2 = v2 or self._config.requires_v2(address)
        request = DialRequest(endpoint_of(address), kind, v2, address)
        self._forget_dials()
        may_hang = address.fits_v1 and not self._config.is_proxied
        if may_hang and kind in _LASTING and self._count(kind) < self._limit(kind):
            self._begun[request] = now
        return request

    def _forget_dials(self) -> None:
        """Forget those of which nothing is left."""
        standing = {connection.request for connection in self._table.open.values()}
        left = {*self._table.dialling, *self._table.retries, *standing}
        self._begun = {each: at for each, at in self._begun.items() if each in left}

    def _limit(self, kind: ConnectionType) -> int:
        """Lasting peers of a kind to keep."""
        full = kind is ConnectionType.FULL_RELAY
        return self._config.max_full_relay if full else self._config.max_block_relay

    def is_surplus(self, request: DialRequest) -> bool:
        """Whether others have all places of a dial that was answered just now.

        Args:
            request: of one of the table's open connections.
        """
        kind = request.kind
        return request in self._begun and self._table.count_open(kind) > self._limit(kind)

    def dials_again(self, request: DialRequest, again: DialRequest, now: Instant) -> None:
        """A dial is repeated, in the same place."""
        if request in self._begun:
            self._begun[again] = now

    def _count(self, kind: ConnectionType) -> int:
        """Connections of a kind, without dials that hang."""
        hanging = [
            request
            for request, begun in self._begun.items()
            if begun + PATIENCE <= self._looked_at and request in self._table.dialling
        ]
        spared = sum(request.kind is kind for request in hanging[:MAX_HANGING])
        return self._table.count(kind) - spared

    # The choice.

    def _wanted_at_once(self) -> ConnectionType | None:
        config = self._config
        full = self._count(ConnectionType.FULL_RELAY)
        block = self._count(ConnectionType.BLOCK_RELAY)
        if self._anchors and block < config.max_block_relay:
            return ConnectionType.BLOCK_RELAY
        if full < config.max_full_relay:
            return ConnectionType.FULL_RELAY
        if block < config.max_block_relay:
            return ConnectionType.BLOCK_RELAY
        one_more = self._stale_tip and full == config.max_full_relay
        return ConnectionType.FULL_RELAY if one_more else None

    @property
    def _is_full(self) -> bool:
        """Whether there are as many full relay peers as there usually are, not more or less.

        None is only being dialled: it may become the first of its network.
        """
        full = self._table.count(ConnectionType.FULL_RELAY)
        stand = self._table.count_open(ConnectionType.FULL_RELAY)
        return stand == full == self._config.max_full_relay == MAX_FULL_RELAY

    def _lonely_network(self) -> AddressNetwork | None:
        """A network that we reach and know addresses of, and on which we have no peer."""
        lonely = [
            network
            for network in AddressNetwork
            if network in self._picker.reachable
            and self._addrman.size(network)
            and not self._table.lasting_of(network)
        ]
        return self._rng.choice(lonely) if lonely else None

    def _wanted(self, now: Instant) -> ConnectionType | None:
        kind = self._wanted_at_once()
        if kind is not None:
            return kind
        if self._synced and now >= self._next_extra:
            self._next_extra = now + self._delay(EXTRA_BLOCK_RELAY_INTERVAL)
            if self._table.count(ConnectionType.BLOCK_RELAY) <= self._config.max_block_relay:
                return ConnectionType.BLOCK_RELAY
        feelers = self._table.count(ConnectionType.FEELER)
        if now >= self._next_feeler and feelers < MAX_FEELERS:
            self._next_feeler = now + self._delay(FEELER_INTERVAL)
            return ConnectionType.FEELER
        if self._is_full and now >= self._next_network:
            self._next_network = now + NETWORK_INTERVAL
            self._lonely = self._lonely_network()
            if self._lonely is not None:
                return ConnectionType.FULL_RELAY
        return None

    def _pick(self, kind: ConnectionType, now: Instant) -> AddressRecord | None:
        taken = self._table.addresses(tuple(ConnectionType))
        if kind is ConnectionType.FEELER:
            return self._picker.pick_for_feeler(taken, now)
        groups = self._outbound_groups()
        lonely, self._lonely = self._lonely, None
        while kind is ConnectionType.BLOCK_RELAY and self._anchors:
            anchor = self._anchors.pop()
            if self._picker.is_dialable(anchor, taken, groups, now):
                unknown = AddressRecord(anchor, anchor, 0, 0, 0, 0, 0, False, ())
                return self._addrman.record(anchor) or unknown
        return self._picker.pick(taken, groups, now, lonely)

    def _pause_after(self, record: AddressRecord, now: Instant) -> None:
        if not was_tried(record, now):
            self._pause, self._idle_since = DIAL_INTERVAL, None
            return  # The next dial is due after the usual time.
        self._pause = min(self._pause * 2, self._max_pause)
        self._idle_since = (now, len(self._addrman))
        # Smeared, lest all whom a full peer has turned away return in the same instant.
        self._next_dial = now + int(self._pause * (0.75 + 0.5 * self._rng.random()))

    def _rest(self, now: Instant) -> None:
        self._idle_since = (now, len(self._addrman))
        self._next_dial = now + self._idle
        self._idle = min(self._idle * 2, MAX_IDLE)

    def _outbound_groups(self) -> frozenset[bytes]:
        return self._picker.groups(self._table.addresses(_FOR_GROUPS))

    def _delay(self, mean: Instant) -> Instant:
        return 1 + int(self._rng.expovariate(1 / mean))
