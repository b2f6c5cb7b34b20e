"""What `AddrMan` is made of: entries, tables of buckets with places for them, and draws from these.

Times are seconds since 1970, 0 for never.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, Self

from axon.machine import DAY, HOUR, MINUTE, SECOND
from axon.p2p.peersfile import AddressRecord
from axon.primitives.netaddress import AddressNetwork, NetAddress, TimedAddress

BUCKET_SIZE: Final = 64

PLACE_SIZE: Final = 2
"""Bytes in which an entry holds each of its places: there are 65,536 in the larger table."""

MINUTE_S: Final = MINUTE // SECOND
HOUR_S: Final = HOUR // SECOND
DAY_S: Final = DAY // SECOND

HORIZON_S: Final = 30 * DAY_S
"""An address not heard of for so long is not worth passing on."""
FUTURE_S: Final = 10 * MINUTE_S
"""A time further ahead than this is a lie or a broken clock."""
RETRIES: Final = 3
"""A new address is given up after so many attempts in vain."""
MAX_FAILURES: Final = 10
MIN_FAIL_S: Final = 7 * DAY_S
"""One that answered once is given up after ten attempts in vain over at least a week."""
FRESH_TRY_S: Final = 60
"""A dial that began less than this ago may still succeed."""

REPLACEMENT_S: Final = 4 * HOUR_S
"""A tried address that answered so lately keeps its place."""
TEST_WINDOW_S: Final = 40 * MINUTE_S
"""If the old one could not be asked for so long, the new one takes the place."""

_PERSISTENCE: Final = 1.2  # By which the chance of all grows with each entry drawn in vain.


class AddressEntry:
    """One address and all we know of it; `AddressRecord` is what others see."""

    __slots__ = (
        "address",
        "attempts",
        "group",
        "last_counted_s",
        "last_success_s",
        "last_try_s",
        "packed_places",
        "services",
        "source",
        "time_s",
        "tried",
    )

    def __init__(self, timed: TimedAddress, source: NetAddress, group: bytes) -> None:
        self.address = timed.address
        self.group = group
        self.source = source
        self.services = timed.services
        self.time_s = timed.time
        self.last_try_s = 0
        self.last_counted_s = 0
        self.last_success_s = 0
        self.attempts = 0
        self.tried = False
        self.packed_places = b""  # Two bytes each: there are many entries, or many nodes.

    @classmethod
    def of(cls, record: AddressRecord, group: bytes) -> Self:
        """The entry of a record, without places yet."""
        timed = TimedAddress(record.time_s, record.services, record.address)
        entry = cls(timed, record.source, group)
        entry.last_try_s, entry.last_success_s = record.last_try_s, record.last_success_s
        entry.attempts, entry.tried = record.attempts, record.tried
        return entry

    @property
    def key(self) -> bytes:
        """What it is called where its place is computed: its bytes by BIP 155."""
        return self.address.encode_v2()

    @property
    def places(self) -> tuple[int, ...]:
        """Where it stands in its table: bucket * BUCKET_SIZE + slot each."""
        return unpacked(self.packed_places)

    @property
    def place_count(self) -> int:
        """In how many places it stands."""
        return len(self.packed_places) // PLACE_SIZE

    def placed(self, place: int) -> None:
        """It has one more place."""
        self.packed_places += place.to_bytes(PLACE_SIZE)

    def displaced(self, place: int) -> None:
        """It has this place no more."""
        left = [other for other in self.places if other != place]
        self.packed_places = b"".join([other.to_bytes(PLACE_SIZE) for other in left])

    def is_terrible(self, now_s: int) -> bool:
        """Whether it is good for nothing: not to be told to others, and first to make room."""
        if now_s - self.last_try_s <= FRESH_TRY_S:
            return False
        if self.time_s > now_s + FUTURE_S or now_s - self.time_s > HORIZON_S:
            return True
        if not self.last_success_s:
            return self.attempts >= RETRIES
        return now_s - self.last_success_s > MIN_FAIL_S and self.attempts >= MAX_FAILURES

    def chance(self, now_s: int) -> float:
        """How likely it is taken when drawn: less after each failure, little just after a try."""
        chance: float = 0.66 ** min(self.attempts, 8)
        return chance * 0.01 if now_s - self.last_try_s < FUTURE_S else chance

    def has_lost_to(self, other: AddressEntry, now_s: int) -> bool:
        """Whether its place in the tried table goes to another that answered.

        It does if it was asked meanwhile and did not answer, or could not be asked for too long.
        """
        if now_s - self.last_try_s < REPLACEMENT_S:
            return now_s - self.last_try_s > FRESH_TRY_S
        return now_s - other.last_success_s > TEST_WINDOW_S

    def record(self) -> AddressRecord:
        """It as a value, for others and for the disk."""
        return AddressRecord(
            self.address,
            self.source,
            self.services,
            self.time_s,
            self.last_try_s,
            self.last_success_s,
            self.attempts,
            self.tried,
            () if self.tried else buckets_of(self.places),
        )


def unpacked(packed_places: bytes) -> tuple[int, ...]:
    """The places that an entry holds as bytes."""
    starts = range(0, len(packed_places), PLACE_SIZE)
    return tuple([int.from_bytes(packed_places[at : at + PLACE_SIZE]) for at in starts])


def buckets_of(places: tuple[int, ...]) -> tuple[int, ...]:
    """The bucket of each place, in the same order."""
    return tuple([place // BUCKET_SIZE for place in places])


@dataclass(frozen=True, slots=True)
class TablePlace:
    """Where an entry stands, as `getrawaddrman` shows it."""

    bucket: int
    slot: int
    record: AddressRecord


Bucket = AddressEntry | dict[int, AddressEntry]
"""One entry, or the entries by slot."""


class Table:
    """Places for entries by buckets, holding only what is occupied.

    A bucket in which one entry stands is that entry: of the tables of a lab node most are.
    """

    __slots__ = ("_buckets",)

    def __init__(self) -> None:
        self._buckets: dict[int, Bucket] = {}

    def numbers(self) -> list[int]:
        """The buckets in which something is."""
        return sorted(self._buckets)

    def get(self, place: int) -> AddressEntry | None:
        """Who stands there, if anyone; a place is bucket * BUCKET_SIZE + slot."""
        bucket = self._buckets.get(place // BUCKET_SIZE)
        if bucket is None:
            return None
        if isinstance(bucket, dict):
            return bucket.get(place % BUCKET_SIZE)
        return bucket if place in bucket.places else None

    def put(self, place: int, entry: AddressEntry) -> None:
        """Give an entry a place that is free."""
        number, slot = divmod(place, BUCKET_SIZE)
        bucket = self._buckets.get(number)
        if bucket is None:
            self._buckets[number] = entry
        elif isinstance(bucket, dict):
            bucket[slot] = entry
        else:
            self._buckets[number] = {_slot_in(number, bucket): bucket, slot: entry}
        entry.placed(place)

    def free(self, place: int, entry: AddressEntry) -> None:
        """Take an entry from its place."""
        number = place // BUCKET_SIZE
        bucket = self._buckets[number]
        if isinstance(bucket, dict) and len(bucket) > 1:
            del bucket[place % BUCKET_SIZE]
        else:
            del self._buckets[number]
        entry.displaced(place)

    def places(self) -> list[TablePlace]:
        """All that is occupied, by bucket and slot."""
        return [place for bucket in self.numbers() for place in self.places_in(bucket)]

    def places_in(self, bucket: int) -> list[TablePlace]:
        """What is occupied of a bucket, by slot."""
        found = self._buckets.get(bucket, {})
        slots = found if isinstance(found, dict) else {_slot_in(bucket, found): found}
        return [TablePlace(bucket, slot, slots[slot].record()) for slot in sorted(slots)]

    def draw(
        self, wanted: Collection[AddressNetwork] | None, now_s: int, rng: Random
    ) -> AddressEntry:
        """A random bucket, a random entry in it, taken by its chance; else again.

        Args:
            wanted: only of these networks, of which there must be an entry; None if all are.
            now_s: decides the chances.
            rng: draws.
        """
        buckets = list(self._buckets.values())
        if wanted is not None:
            matching = ([e for e in _of(b) if e.address.network in wanted] for b in buckets)
            choices = [bucket for bucket in matching if bucket]
        else:
            choices = []
        factor = 1.0
        while True:
            if choices:
                entry = rng.choice(rng.choice(choices))
            else:
                entry = rng.choice(_of(rng.choice(buckets)))
            if rng.random() < factor * entry.chance(now_s):
                return entry
            factor *= _PERSISTENCE


def _of(bucket: Bucket) -> list[AddressEntry]:
    return list(bucket.values()) if isinstance(bucket, dict) else [bucket]


def _slot_in(number: int, entry: AddressEntry) -> int:
    """The slot of an entry in a bucket in which it stands alone."""
    return next(place % BUCKET_SIZE for place in entry.places if place // BUCKET_SIZE == number)


def draw_among(entries: Sequence[AddressEntry], now_s: int, rng: Random) -> AddressEntry:
    """One of these entries, of which there must be one, by the same chances."""
    factor = 1.0
    while True:
        entry = rng.choice(entries)
        if rng.random() < factor * entry.chance(now_s):
            return entry
        factor *= _PERSISTENCE


def sample(
    entries: list[AddressEntry],
    bound: int,
    network: AddressNetwork | None,
    now_s: int,
    rng: Random,
) -> list[TimedAddress]:
    """Some entries at random, as gossip tells them, without the terrible ones.

    Args:
        entries: shuffled in place as far as they are drawn.
        bound: at most so many.
        network: only of this one; None for all.
        now_s: decides who is terrible.
        rng: draws.
    """
    found: list[TimedAddress] = []
    for drawn in range(len(entries)):
        if len(found) >= bound:
            break
        other = rng.randrange(drawn, len(entries))
        entries[drawn], entries[other] = entries[other], entries[drawn]
        entry = entries[drawn]
        if network is not None and entry.address.network is not network:
            continue
        if not entry.is_terrible(now_s):
            found.append(TimedAddress(entry.time_s, entry.services, entry.address))
    return found
