"""Which addresses we know, and which to dial next. More than 400 lines, since each of its methods
keeps the same few tables in step; where an address may stand is decided in p2p/addrplacement.

Anyone can tell us addresses, so they are kept where a liar cannot crowd out the rest. An address
that was only told of is *new*: which 64 of the 1024 buckets it may enter depends on a secret key
and on the netgroup of who told us. One that answered is *tried*: which 8 of the 256 buckets it may
enter depends on its own netgroup. A bucket has 64 places, and where in it an address stands is no
choice of the sender either. A tried address is not thrown out for another before it failed to
answer: both wait as a *collision* until a feeler has asked the old one.

The figures are Bitcoin Core's. Tables are sparse: a lab node that knows ten peers holds ten
entries.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from random import Random
from typing import Final, Self

from axon.errors import DecodeError
from axon.machine import SECOND, Instant
from axon.p2p.addrplacement import KEY_SIZE, NEW_BUCKETS, Placement
from axon.p2p.addrsnapshot import AddrManSnapshot
from axon.p2p.addrtables import (
    BUCKET_SIZE,
    DAY_S,
    HOUR_S,
    MINUTE_S,
    REPLACEMENT_S,
    AddressEntry,
    Table,
    TablePlace,
    draw_among,
    sample,
)
from axon.p2p.asmap import AsMap
from axon.p2p.netgroups import NetGroups
from axon.p2p.peersfile import AddressRecord, decode_peers
from axon.primitives.netaddress import AddressNetwork, NetAddress, TimedAddress

NEW_BUCKETS_PER_ADDRESS: Final = 8
"""An address that many speak of is selected more often, but not without end."""
MAX_COLLISIONS: Final = 10
"""Each waits for a feeler, of which one goes out every two minutes."""

CONNECTED_UPDATE_S: Final = 20 * MINUTE_S
"""An open connection renews the address's time no more often: it would tell who we talk to."""

_ALL_NETWORKS: Final = frozenset(AddressNetwork)


class AddrMan:
    """The table of known addresses, bounded by its buckets.

    Args:
        rng: chooses what to dial, and the secret key.
        lab: loopback addresses count as routable, each /16 a netgroup.
        asmap: which autonomous system has which addresses; None if that is not known.
    """

    def __init__(self, rng: Random, lab: bool = False, asmap: AsMap | None = None) -> None:
        self._rng = rng
        self._lab = lab
        self.groups = NetGroups(lab, asmap)
        """How addresses are grouped."""
        key = rng.getrandbits(128).to_bytes(KEY_SIZE, "little")
        self._placement = Placement(key, self.groups)
        self._entries: dict[NetAddress, AddressEntry] = {}
        self._new = Table()
        self._tried = Table()
        self._sizes: dict[tuple[AddressNetwork, bool], int] = {}
        self._collisions: dict[NetAddress, None] = {}
        self._last_good_s = 1  # So that the first failure counts, as an entry begins with 0.

    def __len__(self) -> int:
        """How many addresses are known."""
        return len(self._entries)

    def __contains__(self, address: NetAddress) -> bool:
        return address in self._entries

    def size(self, network: AddressNetwork | None = None, tried: bool | None = None) -> int:
        """How many addresses are known, of one network or all, new or tried or both."""
        return sum(
            count
            for (net, state), count in self._sizes.items()
            if (network is None or net is network) and (tried is None or state is tried)
        )

    def addresses(self) -> Iterable[NetAddress]:
        """All that are known, in the order in which they became known."""
        return self._entries.keys()

    def record(self, address: NetAddress) -> AddressRecord | None:
        """What is known of an address."""
        entry = self._entries.get(address)
        return None if entry is None else entry.record()

    def places(self, tried: bool) -> list[TablePlace]:
        """All of one table, by bucket and slot; an address may stand in the new one repeatedly."""
        table = self._tried if tried else self._new
        return table.places()

    def buckets(self, tried: bool) -> list[int]:
        """The buckets of one table in which something is, to go through it in parts."""
        return (self._tried if tried else self._new).numbers()

    def places_in(self, tried: bool, bucket: int) -> list[TablePlace]:
        """What is in a bucket of one table, by slot."""
        return (self._tried if tried else self._new).places_in(bucket)

    # Learning.

    def add(
        self,
        addresses: Sequence[TimedAddress],
        source: NetAddress,
        now: Instant,
        time_penalty_s: int = 0,
    ) -> int:
        """Take in what a source told.

        Args:
            addresses: unroutable ones are passed over.
            source: who told; an address that speaks of itself is not penalised.
            now: decides who is terrible enough to make room.
            time_penalty_s: by how much a told time is distrusted.

        Returns:
            How many of them took a place in the new table.
        """
        now_s = now // SECOND
        source_group = self._placement.source_group(source)
        return sum(
            self._add(timed, source, source_group, now_s, time_penalty_s) for timed in addresses
        )

    def _add(
        self, timed: TimedAddress, source: NetAddress, source_group: bytes, now_s: int, penalty: int
    ) -> bool:
        address = timed.address
        if not address.is_routable(self._lab):
            return False
        if address == source:
            penalty = 0
        entry = self._entries.get(address)
        if entry is None:
            entry = AddressEntry(timed, source, self.groups.group(address))
            entry.time_s = max(0, timed.time - penalty)
            self._enter(entry)
        elif not self._refresh(entry, timed, now_s, penalty):
            return False
        place = self._placement.new_place(entry, source_group)
        standing = self._new.get(place)
        if standing is entry:
            return False
        if standing is not None:
            spare = standing.place_count > 1 and not entry.place_count
            if not spare and not standing.is_terrible(now_s):
                if not entry.place_count:
                    self._forget(entry)
                return False
            self._vacate_new(place)
        self._new.put(place, entry)
        return True

    def _refresh(self, entry: AddressEntry, timed: TimedAddress, now_s: int, penalty: int) -> bool:
        """Take over what is news; whether a further place in the new table is due."""
        online = now_s - timed.time < DAY_S
        interval = HOUR_S if online else DAY_S
        known_s = entry.time_s
        entry.services |= timed.services
        if known_s < timed.time - interval - penalty:
            entry.time_s = max(0, timed.time - penalty)
        if timed.time <= known_s or entry.tried or entry.place_count == NEW_BUCKETS_PER_ADDRESS:
            return False
        # Each further place is half as likely as the one before.
        return self._rng.getrandbits(entry.place_count) == 0

    # What happened when we dialled.

    def attempt(self, address: NetAddress, now: Instant, count_failure: bool = True) -> None:
        """It is being dialled.

        Args:
            address: unknown ones are passed over.
            now: when.
            count_failure: it speaks against the address if nothing comes of it; False while our own
                network may be what is down.
        """
        entry = self._entries.get(address)
        if entry is None:
            return
        now_s = now // SECOND
        entry.last_try_s = now_s
        if count_failure and entry.last_counted_s < self._last_good_s:
            # One failure between two successes: a dead line does not spoil the whole table.
            entry.last_counted_s = now_s
            entry.attempts += 1

    def good(self, address: NetAddress, now: Instant, test_before_evict: bool = True) -> bool:
        """It answered: a new address becomes tried.

        Args:
            address: unknown ones are passed over.
            now: when.
            test_before_evict: if another stands in its place, wait until that one was asked.

        Returns:
            Whether it moved to the tried table.
        """
        now_s = now // SECOND
        self._last_good_s = now_s
        entry = self._entries.get(address)
        if entry is None:
            return False
        entry.last_success_s = entry.last_try_s = now_s
        entry.attempts = 0
        if entry.tried:
            return False
        if test_before_evict and self._tried.get(self._placement.tried_place(entry)) is not None:
            if len(self._collisions) < MAX_COLLISIONS:
                self._collisions[address] = None
            return False
        self._make_tried(entry)
        return True

    def connected(self, address: NetAddress, now: Instant) -> None:
        """A connection to it was open until now, so it may be told to others as alive."""
        entry = self._entries.get(address)
        now_s = now // SECOND
        if entry is not None and now_s - entry.time_s > CONNECTED_UPDATE_S:
            entry.time_s = now_s

    def set_services(self, address: NetAddress, services: int) -> None:
        """It told us itself what it offers."""
        entry = self._entries.get(address)
        if entry is not None:
            entry.services = services

    # Collisions.

    def resolve_collisions(self, now: Instant) -> None:
        """Decide who keeps each contested place in the tried table, where that is known by now."""
        now_s = now // SECOND
        for address in list(self._collisions):
            entry = self._entries.get(address)
            if entry is None or entry.tried:
                del self._collisions[address]
                continue
            old = self._tried.get(self._placement.tried_place(entry))
            if old is not None and now_s - old.last_success_s < REPLACEMENT_S:
                del self._collisions[address]
                continue
            if old is None or old.has_lost_to(entry, now_s):
                del self._collisions[address]
                self.good(address, now, test_before_evict=False)

    def collision_to_test(self) -> AddressRecord | None:
        """The old address of a random collision: the next feeler's destination."""
        if not self._collisions:
            return None
        address = self._rng.choice(list(self._collisions))
        entry = self._entries.get(address)
        old = None if entry is None else self._tried.get(self._placement.tried_place(entry))
        if old is None or old is entry:
            del self._collisions[address]
            return None
        return old.record()

    # Choosing.

    def select(
        self,
        now: Instant,
        new_only: bool = False,
        networks: Collection[AddressNetwork] | None = None,
    ) -> AddressRecord | None:
        """An address to dial: a random bucket, a random one in it, taken by its chance.

        Args:
            now: decides the chances.
            new_only: only addresses that never answered.
            networks: only these; None for all.

        Returns:
            None if none is known.
        """
        wanted = _ALL_NETWORKS if networks is None else networks
        new = tried = 0
        for (network, is_tried), count in self._sizes.items():
            if network in wanted:
                if is_tried:
                    tried += count
                else:
                    new += count
        some = new + tried < len(self._entries)
        if new_only:
            tried = 0
        if not new and not tried:
            return None
        from_tried = not new or (bool(tried) and self._rng.random() < 0.5)
        table = self._tried if from_tried else self._new
        return table.draw(wanted if some else None, now // SECOND, self._rng).record()

    def select_among(self, addresses: Sequence[NetAddress], now: Instant) -> AddressRecord | None:
        """One of these addresses, by the same chances; None if there is none."""
        entries = [self._entries[address] for address in addresses]
        if not entries:
            return None
        tried = [entry for entry in entries if entry.tried]
        new = [entry for entry in entries if not entry.tried]
        from_tried = not new or (bool(tried) and self._rng.random() < 0.5)
        pool = tried if from_tried else new
        return draw_among(pool, now // SECOND, self._rng).record()

    def get_addresses(
        self,
        now: Instant,
        max_count: int = 0,
        network: AddressNetwork | None = None,
    ) -> list[TimedAddress]:
        """A random sample without the terrible ones.

        Args:
            now: decides who is terrible.
            max_count: at most so many; 0 for all.
            network: only addresses of this one; None for all.
        """
        entries = list(self._entries.values())
        return sample(entries, max_count or len(entries), network, now // SECOND, self._rng)

    def entries(self) -> list[AddressEntry]:
        """All that is known, for a `sample` in another thread, as that of all takes long.

        What becomes known of them meanwhile shows or does not.
        """
        return list(self._entries.values())

    # On disk.

    def snapshot(self) -> AddrManSnapshot:
        """The table as it is now, to be encoded and written without holding anybody up.

        To be called by whoever owns the table, as it must not change meanwhile: some 10 ms for
        39,000 addresses. What it returns may be encoded in another thread, which takes ten times
        as long.
        """
        entries = list(self._entries.values())
        return AddrManSnapshot.of(self._placement.key, self.groups.version, entries)

    @classmethod
    def decode(
        cls, data: bytes, rng: Random, lab: bool = False, asmap: AsMap | None = None
    ) -> Self:
        """The table that `AddrManSnapshot.encode` wrote.

        Where it was written with another AS map, or without one, all addresses are placed anew:
        some are lost, since their places are taken already.

        Raises:
            DecodeError: the file is damaged, foreign, or contradicts itself; it says what to do.
        """
        key, asmap_version, records = decode_peers(data)
        table = cls(rng, lab, asmap)
        table._placement = Placement(key, table.groups)
        is_same = asmap_version == table.groups.version
        for record in records:
            if not record.address.is_routable(lab):
                continue  # Kept by a lab, read outside of it.
            entry = AddressEntry.of(record, table.groups.group(record.address))
            if not is_same:
                table._place_anew(entry)
            elif record.address in table._entries or not table._restore(entry, record):
                raise DecodeError("a peers.dat without contradictions (delete peers.dat)")
        return table

    def _place_anew(self, entry: AddressEntry) -> None:
        """Give an address the place that its netgroup has now, if nobody stands there."""
        if entry.tried:
            table, place = self._tried, self._placement.tried_place(entry)
        else:
            source_group = self._placement.source_group(entry.source)
            table, place = self._new, self._placement.new_place(entry, source_group)
        if table.get(place) is None:
            self._enter(entry)
            table.put(place, entry)

    def _restore(self, entry: AddressEntry, record: AddressRecord) -> bool:
        self._enter(entry)
        if entry.tried:
            table, places = self._tried, [self._placement.tried_place(entry)]
        else:
            table, places = (
                self._new,
                [self._placement.new_place_in(b, entry) for b in record.buckets],
            )
        for place in places:
            if place >= NEW_BUCKETS * BUCKET_SIZE or table.get(place) is not None:
                return False
            table.put(place, entry)
        return bool(places)

    # Moving.

    def _enter(self, entry: AddressEntry) -> None:
        self._entries[entry.address] = entry
        self._count(entry, 1)

    def _forget(self, entry: AddressEntry) -> None:
        del self._entries[entry.address]
        self._collisions.pop(entry.address, None)
        self._count(entry, -1)

    def _count(self, entry: AddressEntry, change: int) -> None:
        slot = (entry.address.network, entry.tried)
        self._sizes[slot] = self._sizes.get(slot, 0) + change

    def _vacate_new(self, place: int) -> None:
        entry = self._new.get(place)
        if entry is None:
            return
        self._new.free(place, entry)
        if not entry.places:
            self._forget(entry)

    def _make_tried(self, entry: AddressEntry) -> None:
        for place in list(entry.places):
            self._new.free(place, entry)
        place = self._placement.tried_place(entry)
        old = self._tried.get(place)
        if old is not None:
            self._tried.free(place, old)
            self._set_tried(old, tried=False)
            new_place = self._placement.new_place(old, self._placement.source_group(old.source))
            self._vacate_new(new_place)
            self._new.put(new_place, old)
        self._set_tried(entry, tried=True)
        self._tried.put(place, entry)

    def _set_tried(self, entry: AddressEntry, tried: bool) -> None:
        self._count(entry, -1)
        entry.tried = tried
        self._count(entry, 1)
