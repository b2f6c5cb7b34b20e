"""The tables of known addresses, beside dictionaries that hold every place."""

from __future__ import annotations

from random import Random

from axon.p2p.addrtables import BUCKET_SIZE, AddressEntry, Table, draw_among
from axon.primitives.netaddress import AddressNetwork, NetAddress, TimedAddress

BUCKETS = 4


def entry(number: int) -> AddressEntry:
    address = NetAddress(AddressNetwork.IPV4, number.to_bytes(4), 8333)
    return AddressEntry(TimedAddress(1, 1, address), address, b"")


def test_a_table_holds_what_a_plain_dictionary_holds() -> None:
    rng = Random(1)
    table = Table()
    plain: dict[int, AddressEntry] = {}
    entries = [entry(number) for number in range(40)]
    sizes = set()
    for _ in range(3_000):
        place = rng.choice([*plain, rng.randrange(BUCKETS * BUCKET_SIZE)])
        if place in plain:
            table.free(place, plain.pop(place))
        elif rng.random() < 0.8:
            for free in (place, rng.randrange(BUCKETS * BUCKET_SIZE)):
                if free not in plain:
                    plain[free] = rng.choice(entries)
                    table.put(free, plain[free])
        probe = rng.randrange(BUCKETS * BUCKET_SIZE)
        assert table.get(probe) is plain.get(probe)
        sizes.add(len(plain))
    assert {0, 1, 2, 5} <= sizes
    held = [(place // BUCKET_SIZE, place % BUCKET_SIZE) for place in sorted(plain)]
    assert [(each.bucket, each.slot) for each in table.places()] == held
    assert table.numbers() == sorted({place // BUCKET_SIZE for place in plain})
    for each in entries:
        assert sorted(each.places) == [place for place in sorted(plain) if plain[place] is each]
        assert each.place_count == len(each.places)


def test_a_bucket_is_drawn_however_many_are_in_it() -> None:
    table = Table()
    alone, *crowd = [entry(number) for number in range(4)]
    table.put(0, alone)
    for slot, each in enumerate(crowd):
        table.put(BUCKET_SIZE + slot, each)
    rng = Random(1)
    drawn = [table.draw(None, 10_000, rng) for _ in range(1_000)]
    assert 400 < drawn.count(alone) < 600
    assert all(100 < drawn.count(each) < 250 for each in crowd)
    wanted = [table.draw((AddressNetwork.IPV4,), 10_000, rng) for _ in range(1_000)]
    assert 400 < wanted.count(alone) < 600
    assert draw_among(crowd, 10_000, rng) in crowd
