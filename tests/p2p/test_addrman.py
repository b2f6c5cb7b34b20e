"""The table of addresses: its bounds, its promises to the honest, and what a liar can reach."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from axon.errors import DecodeError
from axon.machine import DAY, HOUR, MINUTE, SECOND, Instant
from axon.p2p.addrman import MAX_COLLISIONS, NEW_BUCKETS_PER_ADDRESS, AddrMan
from axon.p2p.addrplacement import (
    NEW_BUCKETS,
    NEW_BUCKETS_PER_SOURCE_GROUP,
    TRIED_BUCKETS,
    TRIED_BUCKETS_PER_GROUP,
    Placement,
    named_source,
)
from axon.p2p.addrtables import BUCKET_SIZE, AddressEntry
from axon.p2p.asmap import AsMap
from axon.p2p.netgroups import NetGroups
from axon.p2p.peersfile import decode_peers, encode_peers
from axon.primitives.netaddress import AddressNetwork, NetAddress, TimedAddress
from tests.p2p.asmaps import encoded, ipv4
from tests.p2p.examples import FULL, NOW, ip, spread, told

SOURCE = ip("250.1.2.1")
NEW_PLACE, TRIED_PLACE = 55233, 7870


def table(seed: int = 1, lab: bool = False) -> AddrMan:
    return AddrMan(Random(seed), lab)


def filled(count: int, seed: int = 1) -> AddrMan:
    addrman = table(seed)
    addrman.add([told(spread(number)) for number in range(count)], SOURCE, NOW)
    return addrman


def seconds_ago(age: Instant) -> int:
    return (NOW - age) // SECOND


def test_what_is_told_is_known_and_new() -> None:
    addrman = table()
    assert addrman.add([told(ip("1.2.3.4"))], SOURCE, NOW) == 1
    assert ip("1.2.3.4") in addrman
    assert ip("1.2.3.4", 1) not in addrman
    assert (addrman.size(), addrman.size(tried=False), addrman.size(tried=True)) == (1, 1, 0)
    assert addrman.add([told(ip("1.2.3.4"))], SOURCE, NOW) == 0
    assert len(addrman) == 1


@pytest.mark.parametrize("text", ["127.0.0.1", "10.1.1.1", "::1", "0.0.0.0", "255.255.255.255"])
def test_what_nobody_can_dial_is_not_kept(text: str) -> None:
    addrman = table()
    assert addrman.add([told(ip(text))], SOURCE, NOW) == 0
    assert len(addrman) == 0


def test_a_lab_keeps_loopback_addresses() -> None:
    addrman = table(lab=True)
    assert addrman.add([told(ip("127.3.0.1"))], ip("127.4.0.1"), NOW) == 1


def test_what_others_tell_is_distrusted_but_not_what_a_node_says_of_itself() -> None:
    addrman = table()
    addrman.add([told(ip("1.2.3.4")), told(SOURCE)], SOURCE, NOW, time_penalty_s=7200)
    told_by_others, itself = addrman.record(ip("1.2.3.4")), addrman.record(SOURCE)
    assert told_by_others is not None
    assert itself is not None
    assert told_by_others.time_s == seconds_ago(2 * HOUR)
    assert itself.time_s == seconds_ago(0)


def test_news_refreshes_time_and_adds_services() -> None:
    addrman = table()
    address = ip("1.2.3.4")
    addrman.add([told(address, NOW - 2 * DAY, 1)], SOURCE, NOW)
    addrman.add([told(address, NOW, 8)], SOURCE, NOW)
    record = addrman.record(address)
    assert record is not None
    assert (record.time_s, record.services) == (seconds_ago(0), 9)
    addrman.set_services(address, 1)
    record = addrman.record(address)
    assert record is not None
    assert record.services == 1


def test_an_address_many_speak_of_gets_more_places_but_not_without_end() -> None:
    addrman = table()
    address = ip("1.2.3.4")
    for number in range(2_000):
        addrman.add([told(address, NOW + number * SECOND)], spread(number), NOW)
    places = [place for place in addrman.places(tried=False) if place.record.address == address]
    assert 1 < len(places) <= NEW_BUCKETS_PER_ADDRESS


def test_a_liar_from_one_netgroup_reaches_a_sixteenth_of_the_new_table() -> None:
    addrman = filled(8_000)
    buckets = {place.bucket for place in addrman.places(tried=False)}
    assert len(buckets) <= NEW_BUCKETS_PER_SOURCE_GROUP
    assert len(addrman) <= NEW_BUCKETS_PER_SOURCE_GROUP * BUCKET_SIZE
    # What honest peers elsewhere tell finds its place all the same.
    before = len(addrman)
    for number in range(200):
        addrman.add([told(ip(f"60.{number}.1.1"))], ip(f"70.{number}.1.1"), NOW)
    assert len(addrman) > before + 180


def test_one_netgroup_reaches_eight_buckets_of_the_tried_table() -> None:
    addrman = table()
    for number in range(1_000):
        address = ip(f"1.2.{number // 250}.{number % 250 + 1}")
        addrman.add([told(address)], spread(number), NOW)
        addrman.good(address, NOW, test_before_evict=False)
    buckets = {place.bucket for place in addrman.places(tried=True)}
    assert len(buckets) <= TRIED_BUCKETS_PER_GROUP


def test_names_as_sources_have_buckets_of_their_own() -> None:
    buckets = []
    for name in ("seed.example", "other.example"):
        addrman = table()
        addrman.add([told(spread(n)) for n in range(2_000)], named_source(name), NOW)
        buckets.append({place.bucket for place in addrman.places(tried=False)})
        assert len(buckets[-1]) > 32
    assert len(buckets[0] | buckets[1]) > 80


def test_who_answers_is_tried() -> None:
    addrman = filled(1)
    assert addrman.good(spread(0), NOW)
    assert (addrman.size(tried=False), addrman.size(tried=True)) == (0, 1)
    assert not addrman.good(spread(0), NOW)
    assert not addrman.good(ip("9.9.9.9"), NOW)
    record = addrman.record(spread(0))
    assert record is not None
    assert record.tried
    assert record.last_success_s == record.last_try_s == NOW // SECOND
    # Being told of it again does not make it new.
    addrman.add([told(spread(0), NOW + HOUR)], ip("77.1.1.1"), NOW + HOUR)
    assert (addrman.size(tried=False), addrman.size(tried=True)) == (0, 1)


def test_a_failure_counts_once_between_two_successes() -> None:
    addrman = filled(2)
    for minute in range(5):
        addrman.attempt(spread(0), NOW + minute * MINUTE)
    record = addrman.record(spread(0))
    assert record is not None
    assert record.attempts == 1
    addrman.good(spread(1), NOW + 6 * MINUTE)
    addrman.attempt(spread(0), NOW + 7 * MINUTE)
    addrman.attempt(spread(0), NOW + 8 * MINUTE, count_failure=False)
    record = addrman.record(spread(0))
    assert record is not None
    assert record.attempts == 2
    assert record.last_try_s == (NOW + 8 * MINUTE) // SECOND


def test_an_open_connection_renews_the_time_rarely() -> None:
    addrman = filled(1)
    for later, expected in (
        (20 * MINUTE, 0),
        (21 * MINUTE, 21 * MINUTE),
        (30 * MINUTE, 21 * MINUTE),
    ):
        addrman.connected(spread(0), NOW + later)
        record = addrman.record(spread(0))
        assert record is not None
        assert record.time_s == (NOW + expected) // SECOND


def fail(addrman: AddrMan, address: NetAddress, times: int, at: Instant) -> None:
    """Dialled in vain so often, with a success elsewhere in between so that each counts."""
    for number in range(times):
        moment = at + number * SECOND
        addrman.good(ip("9.9.9.9"), moment)
        addrman.attempt(address, moment - 1 * SECOND)


@pytest.mark.parametrize(
    ("age", "terrible"), [(0, False), (29 * DAY, False), (31 * DAY, True), (-11 * MINUTE, True)]
)
def test_what_nobody_heard_of_for_long_is_not_passed_on(age: Instant, terrible: bool) -> None:
    addrman = table()
    addrman.add([told(ip("1.2.3.4"), NOW - age)], SOURCE, NOW)
    assert (addrman.get_addresses(NOW) == []) is terrible


@pytest.mark.parametrize(("failures", "terrible"), [(2, False), (3, True)])
def test_a_new_address_has_three_attempts(failures: int, terrible: bool) -> None:
    addrman = filled(1)
    fail(addrman, spread(0), failures, NOW)
    later = NOW + 5 * MINUTE
    assert (addrman.get_addresses(later) == []) is terrible
    assert addrman.get_addresses(NOW + 10 * SECOND) != []  # The last dial may still succeed.


def test_one_that_answered_has_ten_attempts_in_a_week() -> None:
    addrman = filled(1)
    addrman.good(spread(0), NOW)
    fail(addrman, spread(0), 10, NOW + 6 * DAY)
    assert addrman.get_addresses(NOW + 6 * DAY + HOUR)
    assert not addrman.get_addresses(NOW + 7 * DAY + HOUR)


def test_the_terrible_make_room() -> None:
    """Fill the table from one source with old addresses; fresh ones from there get in."""
    addrman = table()
    addrman.add([told(spread(n), NOW - 40 * DAY) for n in range(8_000)], SOURCE, NOW)
    fresh = [told(ip(f"{60 + n // 250}.{n % 250}.1.1")) for n in range(500)]
    assert addrman.add(fresh, SOURCE, NOW) > 400


# Collisions.


def contested(seed: int = 1) -> tuple[AddrMan, NetAddress, NetAddress]:
    """A tried address and a new one that answered, but has its place in the same slot."""
    addrman = table(seed)
    for number in range(14_000):
        address = spread(number)
        addrman.add([told(address)], spread(number // 7), NOW)
        addrman.good(address, NOW)
        waiting = addrman.collision_to_test()
        if waiting is not None:
            return addrman, waiting.address, address
    raise AssertionError("no two addresses collided")


def is_tried(addrman: AddrMan, address: NetAddress) -> bool:
    record = addrman.record(address)
    return record is not None and record.tried


def test_who_answered_lately_keeps_its_place() -> None:
    addrman, old, new = contested()
    assert is_tried(addrman, old)
    assert not is_tried(addrman, new)
    addrman.resolve_collisions(NOW + HOUR)
    assert is_tried(addrman, old)
    assert addrman.collision_to_test() is None


def test_who_was_asked_and_did_not_answer_loses_it() -> None:
    addrman, old, new = contested()
    later = NOW + 5 * HOUR
    addrman.good(new, later)
    addrman.attempt(old, later)
    addrman.resolve_collisions(later + 30 * SECOND)
    assert is_tried(addrman, old), "the dial may still succeed"
    addrman.resolve_collisions(later + 2 * MINUTE)
    assert is_tried(addrman, new)
    assert not is_tried(addrman, old)
    assert old in addrman, "it goes back among the new"


def test_who_could_not_be_asked_for_long_loses_it() -> None:
    addrman, old, new = contested()
    later = NOW + 5 * HOUR
    addrman.good(new, later)
    addrman.resolve_collisions(later + 39 * MINUTE)
    assert is_tried(addrman, old)
    addrman.resolve_collisions(later + 41 * MINUTE)
    assert is_tried(addrman, new)


def test_who_has_a_place_by_now_waits_for_none() -> None:
    addrman, old, new = contested()
    addrman.good(new, NOW, test_before_evict=False)
    before = addrman.record(new)
    assert is_tried(addrman, new)
    addrman.resolve_collisions(NOW + 5 * HOUR)
    assert addrman.record(new) == before, "it has not answered again"
    assert old in addrman
    assert addrman.collision_to_test() is None


def test_waiting_collisions_are_bounded() -> None:
    addrman = table()
    for number in range(14_000):
        addrman.add([told(spread(number))], spread(number // 7), NOW)
        addrman.good(spread(number), NOW)
    assert len(addrman._collisions) == MAX_COLLISIONS


# Choosing.


def test_nothing_is_selected_from_nothing() -> None:
    addrman = table()
    assert addrman.select(NOW) is None
    addrman = filled(1)
    assert addrman.select(NOW, networks=[AddressNetwork.IPV6]) is None
    addrman.good(spread(0), NOW)
    assert addrman.select(NOW, new_only=True) is None
    assert addrman.collision_to_test() is None


def test_new_and_tried_are_selected_alike_often() -> None:
    addrman = filled(100)
    addrman.good(spread(0), NOW)
    drawn = Counter(addrman.select(NOW + HOUR) == addrman.record(spread(0)) for _ in range(1_000))
    assert 400 < drawn[True] < 600


def test_only_wanted_networks_are_selected() -> None:
    addrman = filled(500)
    six = ip("2a00:1450::1")
    addrman.add([told(six)], SOURCE, NOW)
    for _ in range(50):
        record = addrman.select(NOW, networks=[AddressNetwork.IPV6, AddressNetwork.TORV3])
        assert record is not None
        assert record.address == six
        other = addrman.select(NOW, new_only=True, networks=[AddressNetwork.IPV4])
        assert other is not None
        assert other.address != six


def test_failures_make_selection_unlikely() -> None:
    addrman = filled(2)
    fail(addrman, spread(0), 8, NOW)
    drawn = Counter(
        record.address for _ in range(500) if (record := addrman.select(NOW + HOUR)) is not None
    )
    assert drawn[spread(1)] > 5 * drawn[spread(0)] > 0


def test_every_address_is_selected_sooner_or_later() -> None:
    addrman = filled(50)
    drawn = {r.address for _ in range(3_000) if (r := addrman.select(NOW)) is not None}
    assert drawn == {spread(number) for number in range(50)}


# Passing on.


def test_a_sample_is_bounded() -> None:
    addrman = filled(1_000)
    known = len(addrman)
    assert len(addrman.get_addresses(NOW)) == known
    assert len(addrman.get_addresses(NOW, max_count=10)) == 10
    sample = addrman.get_addresses(NOW, max_count=100)
    assert len({entry.address for entry in sample}) == 100
    assert sample != addrman.get_addresses(NOW, max_count=100)


def test_a_sample_can_be_of_one_network() -> None:
    addrman = filled(20)
    addrman.add([told(ip("2a00:1450::1"))], SOURCE, NOW)
    (entry,) = addrman.get_addresses(NOW, network=AddressNetwork.IPV6)
    assert entry == TimedAddress(NOW // SECOND, FULL, ip("2a00:1450::1"))


# On disk.


def test_a_table_survives_a_restart() -> None:
    addrman = filled(600)
    for number in range(0, 600, 3):
        addrman.good(spread(number), NOW)
    addrman.attempt(spread(1), NOW)
    again = AddrMan.decode(addrman.snapshot().encode(), Random(99))
    for tried in (False, True):
        assert again.places(tried) == addrman.places(tried)
    assert again.snapshot().encode() == addrman.snapshot().encode()
    assert again.size(AddressNetwork.IPV4, tried=True) == addrman.size(tried=True)


def test_a_snapshot_is_of_its_moment() -> None:
    addrman = filled(50)
    before, snapshot = addrman.snapshot().encode(), addrman.snapshot()
    for number in range(0, 50, 2):
        addrman.attempt(spread(number), NOW)
        addrman.good(spread(number), NOW)
    addrman.add([told(spread(number)) for number in range(50, 100)], ip("9.9.9.9"), NOW)
    addrman.add([told(spread(1), NOW + DAY)], ip("8.8.8.8"), NOW)
    assert addrman.snapshot().encode() != before
    assert snapshot.encode() == before


def test_a_table_that_contradicts_itself_is_refused() -> None:
    key, _, records = decode_peers(filled(3).snapshot().encode())
    with pytest.raises(DecodeError, match=r"delete peers\.dat"):
        AddrMan.decode(encode_peers(key, len(records) + 1, [*records, records[0]]), Random(1))


def test_a_labs_table_read_outside_of_it_is_empty() -> None:
    addrman = table(lab=True)
    addrman.add([told(ip("127.3.0.1"))], ip("127.4.0.1"), NOW)
    assert len(AddrMan.decode(addrman.snapshot().encode(), Random(1), lab=True)) == 1
    assert len(AddrMan.decode(addrman.snapshot().encode(), Random(1))) == 0


def test_the_same_seed_gives_the_same_table() -> None:
    assert filled(300, seed=5).snapshot().encode() == filled(300, seed=5).snapshot().encode()
    assert filled(300, seed=5).snapshot().encode() != filled(300, seed=6).snapshot().encode()


@settings(max_examples=30)
@given(st.binary(max_size=300))
def test_any_bytes_are_a_table_or_a_decode_error(data: bytes) -> None:
    with pytest.raises(DecodeError):
        AddrMan.decode(data, Random(1))


# Against a naive model: who is known, who is tried, and the books balance after every step.


class AnyOrder(RuleBasedStateMachine):
    """Whatever is told and happens in whatever order."""

    numbers = st.integers(0, 3_000)

    @initialize(seed=st.integers(0, 1_000))
    def begin(self, seed: int) -> None:
        self.rng = Random(seed)
        self.addrman = AddrMan(self.rng)
        self.now = NOW
        self.told: dict[NetAddress, int] = {}
        self.answered: dict[NetAddress, None] = {}

    @rule(first=numbers, count=st.integers(1, 300), source=numbers, age=st.integers(0, 40))
    def tell(self, first: int, count: int, source: int, age: int) -> None:
        addresses = [told(spread(n), self.now - age * DAY) for n in range(first, first + count)]
        self.told.update((entry.address, entry.time) for entry in addresses)
        self.addrman.add(addresses, spread(source), self.now)

    @rule(first=numbers, count=st.integers(1, 100), test=st.booleans())
    def answer(self, first: int, count: int, test: bool) -> None:
        for number in range(first, first + count):
            address = spread(number)
            known = address in self.addrman
            moved = self.addrman.good(address, self.now, test)
            assert moved <= known
            if known:
                self.answered[address] = None

    @rule(number=numbers, count=st.booleans())
    def attempt(self, number: int, count: bool) -> None:
        self.addrman.attempt(spread(number), self.now, count)

    @rule(minutes=st.integers(1, 600))
    def wait(self, minutes: int) -> None:
        self.now += minutes * MINUTE
        self.addrman.resolve_collisions(self.now)

    @rule()
    def choose(self) -> None:
        record = self.addrman.select(self.now)
        assert (record is None) == (not len(self.addrman))
        assert record is None or record.address in self.addrman
        contested = self.addrman.collision_to_test()
        assert contested is None or contested.tried

    @rule()
    def restart(self) -> None:
        self.addrman = AddrMan.decode(self.addrman.snapshot().encode(), self.rng)

    @invariant()
    def books_balance(self) -> None:
        addrman = self.addrman
        new, tried = addrman.places(tried=False), addrman.places(tried=True)
        new_addresses = {place.record.address for place in new}
        tried_addresses = {place.record.address for place in tried}
        assert not new_addresses & tried_addresses
        assert len(new_addresses) == addrman.size(tried=False)
        assert len(tried_addresses) == len(tried) == addrman.size(tried=True)
        assert len(addrman) == addrman.size()
        assert new_addresses | tried_addresses <= set(self.told)
        assert tried_addresses <= set(self.answered)
        assert max(Counter(p.record.address for p in new).values(), default=0) <= 8
        assert all(p.bucket < NEW_BUCKETS and p.slot < BUCKET_SIZE for p in new)
        assert all(p.bucket < TRIED_BUCKETS and p.slot < BUCKET_SIZE for p in tried)


AnyOrder.TestCase.settings = settings(max_examples=15, stateful_step_count=15)
TestAnyOrder = AnyOrder.TestCase


def test_a_source_reaches_other_buckets_for_each_netgroup_it_tells_of() -> None:
    placement = Placement(bytes(16), NetGroups())
    source = SOURCE.group()
    entries = [AddressEntry(told(spread(n)), SOURCE, spread(n).group()) for n in range(200)]
    for group in (source, ip("251.1.1.1").group()):
        places = [placement.new_place(entry, group) // BUCKET_SIZE for entry in entries]
        assert len(set(places)) > NEW_BUCKETS_PER_SOURCE_GROUP * 3 // 4
    shares = [
        placement.new_place(entry, group) % BUCKET_SIZE
        for entry in entries[:1]
        for group in (ip(f"{n}.1.1.1").group() for n in range(1, 200))
    ]
    assert len(set(shares)) > 1


@pytest.mark.parametrize("bucket", [NEW_BUCKETS, 65_535])
def test_a_bucket_that_does_not_exist_is_a_contradiction(bucket: int) -> None:
    key, _, (record,) = decode_peers(filled(1).snapshot().encode())
    wrong = replace(record, buckets=(bucket,))
    with pytest.raises(DecodeError, match=r"delete peers\.dat"):
        AddrMan.decode(encode_peers(key, 1, [wrong]), Random(1))


def test_the_same_bucket_twice_is_a_contradiction() -> None:
    key, _, (record,) = decode_peers(filled(1).snapshot().encode())
    wrong = replace(record, buckets=record.buckets * 2)
    with pytest.raises(DecodeError, match=r"delete peers\.dat"):
        AddrMan.decode(encode_peers(key, 1, [wrong]), Random(1))


def test_places_are_the_same_in_every_version() -> None:
    """Files name buckets of the new table, and places in the tried one are worked out anew."""
    placement = Placement(bytes(range(16)), NetGroups())
    entry = AddressEntry(told(ip("1.2.3.4")), SOURCE, ip("1.2.3.4").group())
    assert placement.new_place(entry, SOURCE.group()) == NEW_PLACE
    assert placement.tried_place(entry) == TRIED_PLACE
    assert placement.new_place_in(NEW_PLACE // BUCKET_SIZE, entry) == NEW_PLACE


def test_under_another_map_addresses_are_placed_anew() -> None:
    asmap = AsMap(encoded({ipv4("0.0.0.0/1"): 7, ipv4("128.0.0.0/1"): 8}))
    plain = filled(500)
    plain_bytes = plain.snapshot().encode()
    mapped = AddrMan.decode(plain_bytes, Random(1), asmap=asmap)
    assert 0 < len(mapped) <= len(plain)
    assert {mapped.groups.group(each)[0] for each in mapped.addresses()} == {2}
    again = AddrMan.decode(mapped.snapshot().encode(), Random(2), asmap=asmap)
    assert again.snapshot() == mapped.snapshot()
    back = AddrMan.decode(mapped.snapshot().encode(), Random(3))
    assert 0 < len(back) <= len(mapped)
    assert AddrMan.decode(back.snapshot().encode(), Random(4)).snapshot() == back.snapshot()
    assert AddrMan.decode(plain_bytes, Random(5)).snapshot() == plain.snapshot()
