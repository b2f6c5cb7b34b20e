"""The partners that a wallet knows: nobody fills the table, and hearsay is not passed on."""

from __future__ import annotations

from random import Random

import pytest

from axon.errors import DecodeError
from axon.machine import Endpoint
from axon.payments.partneraddress import PartnerAddress
from axon.payments.partnermessages import MAX_TOLD
from axon.payments.partnertable import (
    MAX_FAILURES,
    MAX_FROM_ONE,
    MAX_HEARD,
    MAX_IN_GROUP,
    MAX_PROVED,
    TOLD_FOR_S,
    PartnerTable,
    read_table,
)

NOW_S = 1_700_000_000
OWN = b"\xff" * 32


def partner(number: int, group: int | None = None) -> PartnerAddress:
    first = 1 + (number if group is None else group) % 120
    host = f"{first if first < 10 else first + 4}.{number // 250}.{number % 250}.1"
    return PartnerAddress(number.to_bytes(32, "big"), Endpoint(host, 9735))


def heard(table: PartnerTable, *addresses: PartnerAddress, teller: bytes = b"") -> None:
    table.heard(addresses, teller, OWN)


def test_only_who_proved_its_key_lately_is_told() -> None:
    table = PartnerTable()
    heard(table, partner(1), partner(2))
    assert table.told(Random(1), NOW_S) == ()
    table.proved(partner(2), NOW_S)
    assert table.told(Random(1), NOW_S) == (partner(2),)
    table.failed(partner(2).public_key)
    assert table.told(Random(1), NOW_S) == (), "it may be gone"
    table.proved(partner(2), NOW_S)
    assert table.told(Random(1), NOW_S + TOLD_FOR_S) == ()
    table.proved(PartnerAddress(partner(3).public_key, Endpoint("127.0.0.1", 1)), NOW_S)
    assert table.told(Random(1), NOW_S) == (partner(2),), "nobody else can dial that one"


def test_so_many_are_told_at_a_time() -> None:
    table = PartnerTable()
    for number in range(40):
        table.proved(partner(number), NOW_S)
    told = table.told(Random(1), NOW_S)
    assert len(set(told)) == MAX_TOLD
    assert table.told(Random(2), NOW_S) != told


def test_hearsay_is_bounded_by_teller_group_and_number() -> None:
    table = PartnerTable()
    heard(table, *[partner(number) for number in range(100)], teller=b"a")
    assert len(table) == MAX_FROM_ONE
    table = PartnerTable()
    for number in range(100):
        heard(table, partner(number, group=7), teller=b"%d" % number)
    assert len(table) == MAX_IN_GROUP
    table = PartnerTable()
    for number in range(1_000):
        heard(table, partner(number), teller=b"%d" % number)
    assert len(table) == MAX_HEARD


def test_hearsay_moves_nobody_and_names_nothing_twice() -> None:
    table = PartnerTable()
    table.proved(partner(1), NOW_S)
    heard(table, PartnerAddress(partner(1).public_key, Endpoint("8.8.8.8", 1)))
    heard(table, PartnerAddress(b"\x07" * 32, partner(1).endpoint))
    heard(table, PartnerAddress(OWN, Endpoint("8.8.4.4", 1)))
    heard(table, PartnerAddress(b"\x08" * 32, Endpoint("192.168.0.1", 1)))
    assert [entry.address for entry in table.entries] == [partner(1)]


def test_hearsay_never_pushes_out_who_proved_its_key() -> None:
    table = PartnerTable()
    table.proved(partner(0), NOW_S)
    for number in range(1, 1_000):
        heard(table, partner(number), teller=b"%d" % number)
    assert partner(0) in [entry.address for entry in table.entries]


def test_who_fails_is_forgotten_hearsay_at_once() -> None:
    table = PartnerTable()
    heard(table, partner(1))
    table.failed(partner(1).public_key)
    assert len(table) == 0
    table.proved(partner(2), NOW_S)
    for _ in range(MAX_FAILURES - 1):
        table.failed(partner(2).public_key)
    assert len(table) == 1
    table.failed(partner(2).public_key)
    assert len(table) == 0
    table.failed(partner(2).public_key)


def test_of_those_that_proved_their_keys_the_longest_unseen_makes_room() -> None:
    table = PartnerTable()
    for number in range(MAX_PROVED + 1):
        table.proved(partner(number), NOW_S + number)
    assert len(table) == MAX_PROVED
    assert partner(0) not in [entry.address for entry in table.entries]


def test_it_is_kept_and_read_back() -> None:
    table = PartnerTable()
    assert read_table(table.encode()) == ()
    table.proved(partner(1), NOW_S)
    heard(table, partner(2))
    assert table.is_changed
    entries = read_table(table.encode())
    assert entries == table.entries
    assert PartnerTable(entries).told(Random(1), NOW_S) == (partner(1),)
    for size in range(len(table.encode())):
        with pytest.raises(DecodeError):
            read_table(table.encode()[:size])


def test_whom_to_dial() -> None:
    table = PartnerTable()
    assert table.pick(Random(1), ()) is None
    heard(table, partner(1))
    assert table.pick(Random(1), ()) == partner(1)
    table.proved(partner(2), NOW_S)
    assert table.pick(Random(1), ()) == partner(2)
    assert table.pick(Random(1), (partner(2).public_key,)) == partner(1)
    assert table.pick(Random(1), (), is_proved=False) == partner(1)
    assert table.pick(Random(1), (partner(1).public_key,), is_proved=False) is None
