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
        "key",
        "last_counted_s",
        "last_success_s",
        "last_try_s",
        "places",
        "services",
        "source",
        "time_s",
        "tried",
    )

    def __init__(self, timed: TimedAddress, source: NetAddress, group: bytes) -> None:
        self.address = timed.address
        self.key = timed.address.encode_v2()
        self.group = group
        self.source = source
        self.services = timed.services
        self.time_s = timed.time
        self.last_try_s = 0
        self.last_counted_s = 0
        self.last_success_s = 0
        self.attempts = 0
        self.tried = False
        self.places: tuple[int, ...] = ()  # In its table: bucket * BUCKET_SIZE + slot each.

    @classmethod
    def of(cls, record: AddressRecord, group: bytes) -> Self:
        """The entry of a record, without places yet."""
        timed = TimedAddress(record.time_s, record.services, record.address)
        entry = cls(timed, record.source, group)
        entry.last_try_s, entry.last_success_s = record.last_try_s, record.last_success_s
        entry.attempts, entry.tried = record.attempts, record.tried
        return entry

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


def buckets_of(places: tuple[int, ...]) -> tuple[int, ...]:
    """The bucket of each place, in the same order."""
    return tuple([place // BUCKET_SIZE for place in places])


@dataclass(frozen=True, slots=True)
class TablePlace:
    """Where an entry stands, as `getrawaddrman` shows it."""

    bucket: int
    slot: int
    record: AddressRecord


class Table:
    """Places for entries: bucket -> slot -> entry, holding only what is occupied."""

    __slots__ = ("buckets",)

    def __init__(self) -> None:
        self.buckets: dict[int, dict[int, AddressEntry]] = {}

    def get(self, place: int) -> AddressEntry | None:
        """Who stands there, if anyone; a place is bucket * BUCKET_SIZE + slot."""
        return self.buckets.get(place // BUCKET_SIZE, {}).get(place % BUCKET_SIZE)

    def put(self, place: int, entry: AddressEntry) -> None:
        """Give an entry a place that is free."""
        self.buckets.setdefault(place // BUCKET_SIZE, {})[place % BUCKET_SIZE] = entry
        entry.places = (*entry.places, place)

    def free(self, place: int, entry: AddressEntry) -> None:
        """Take an entry from its place."""
        bucket = self.buckets[place // BUCKET_SIZE]
        del bucket[place % BUCKET_SIZE]
        if not bucket:
            del self.buckets[place // BUCKET_SIZE]
        entry.places = tuple([other for other in entry.places if other != place])

    def places(self) -> list[TablePlace]:
        """All that is occupied, by bucket and slot."""
        return [place for bucket in sorted(self.buckets) for place in self.places_in(bucket)]

    def places_in(self, bucket: int) -> list[TablePlace]:
        """What is occupied of a bucket, by slot."""
        slots = self.buckets.get(bucket, {})
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
        buckets = list(self.buckets.values())
        if wanted is not None:
            matching = ([e for e in b.values() if e.address.network in wanted] for b in buckets)
            choices = [bucket for bucket in matching if bucket]
        else:
            choices = []
        factor = 1.0
        while True:
            if choices:
                entry = rng.choice(rng.choice(choices))
            else:
                entry = rng.choice(list(rng.choice(buckets).values()))
            if rng.random() < factor * entry.chance(now_s):
                return entry
            factor *= _PERSISTENCE


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
