"""Packets as text and as parts for QR codes: whole again in any order, and damage is called so."""

from __future__ import annotations

from contextlib import suppress
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axon.errors import DecodeError
from axon.payments.packet import MAX_PACKET_BYTES, Packet
from axon.payments.packetfile import (
    BEGIN,
    END,
    MAX_PART_BYTES,
    MAX_PARTS,
    MAX_TEXT,
    PartCollector,
    from_text,
    to_parts,
    to_text,
)
from tests.payments.payscene import PayChain, funding, pays_bob

ALPHANUMERIC = set("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:")


def packet_of(*names: object) -> Packet:
    chain = PayChain()
    parents = [funding(name) for name in names]
    for parent in parents:
        chain.mine(parent)
    return chain.packet(pays_bob(*parents), *parents)


PACKET = packet_of(1, 2, 3)
OTHER = packet_of(4)


# Text.


def test_a_text_is_read_again() -> None:
    text = to_text(PACKET)
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 64
    assert from_text(text) == PACKET


def test_what_mail_does_to_a_text() -> None:
    text = to_text(PACKET)
    assert (
        from_text(f"Dear Bob,\r\n\r\n{text.replace(chr(10), chr(13) + chr(10))}\r\nAlice") == PACKET
    )
    assert from_text("\n".join(f"> {line}" for line in text.splitlines())) == PACKET
    assert from_text("\n".join(f">> {line}  " for line in text.splitlines())) == PACKET
    first, *rest = text.split("\n\n")[1].splitlines()
    assert from_text(text.replace(first, f"{first[:30]}\n{first[30:]}")) == PACKET
    assert rest


TEXT = to_text(PACKET)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "one line"),
        (TEXT + TEXT, "one line"),
        (TEXT.replace(BEGIN, BEGIN.lower()), "one line"),
        (TEXT.replace(END, ""), "cut short"),
        (TEXT.replace("Checksum: ", "Comment: "), "a checksum"),
        (f"{BEGIN}\n{END}", "a checksum"),
        (TEXT.replace("\n\nA", "\n\n!"), "base64"),
        (TEXT.replace("\n\nA", "\n\n\u00c4"), "base64"),
        (TEXT.replace("\n\nAQ", "\n\nAR"), "fits its checksum"),
        (TEXT + "x" * MAX_TEXT, "at most 800000 characters"),
    ],
)
def test_a_text_that_is_damaged(text: str, expected: str) -> None:
    with pytest.raises(DecodeError, match=expected):
        from_text(text)


@given(at=st.integers(0, 10**6), character=st.characters(codec="ascii"))
@settings(max_examples=100)
def test_one_other_character_is_noticed_or_nothing(at: int, character: str) -> None:
    text = to_text(OTHER)
    at %= len(text)
    with suppress(DecodeError):
        assert from_text(text[:at] + character + text[at + 1 :]) == OTHER


# Parts.


@given(size=st.integers(100, MAX_PART_BYTES), order=st.randoms(use_true_random=False))
@settings(max_examples=30)
def test_parts_in_any_order_and_more_than_once(size: int, order: Random) -> None:
    parts = to_parts(PACKET, size)
    seen = parts * 2
    order.shuffle(seen)
    collector = PartCollector()
    for text in seen:
        assert set(text) <= ALPHANUMERIC
        found = collector.take(text)
        if found is not None:
            break
    assert found == PACKET


def test_what_is_missing_is_known() -> None:
    parts = to_parts(PACKET, 100)
    collector = PartCollector()
    assert (collector.total, collector.missing) == (0, [])
    assert collector.take(parts[2]) is None
    assert collector.total == len(parts)
    assert collector.missing == [number for number in range(1, len(parts) + 1) if number != 3]


def test_the_largest_code_holds_the_largest_part() -> None:
    long = to_parts(packet_of(*range(12)), MAX_PART_BYTES)[0]
    assert 4_150 < len(long) <= 4_296  # Version 40, lowest correction.


def test_parts_of_another_payment_are_told_apart() -> None:
    collector = PartCollector()
    parts = to_parts(PACKET, 100)
    for text in parts[:-1]:
        collector.take(text)
    with pytest.raises(DecodeError, match="the same payment"):
        collector.take(to_parts(OTHER, 100)[0])
    assert collector.take(parts[-1]) == PACKET


def test_a_part_that_was_changed_makes_it_begin_again() -> None:
    parts = to_parts(PACKET, 100)
    head, _, letters = parts[0].rpartition("/")
    collector = PartCollector()
    collector.take(f"{head}/{letters[:-1]}{'A' if letters[-1] != 'A' else 'B'}")
    for text in parts[1:-1]:
        collector.take(text)
    with pytest.raises(DecodeError, match="show them again"):
        collector.take(parts[-1])
    assert collector.total == 0
    for text in parts:
        found = collector.take(text)
    assert found == PACKET


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bitcoin:bcrt1q",
        "AXONPAY/0-1/00000000/AA",
        "AXONPAY/2-1/00000000/AA",
        f"AXONPAY/1-{MAX_PARTS + 1}/00000000/AA",
        "AXONPAY/1-1/0000000/AA",
        "AXONPAY/1-1/0000000G/AA",
        "AXONPAY/1-1/00000000/",
        "AXONPAY/1-1/00000000/A",
        "AXONPAY/1-1/00000000/aa",
        "AXONPAY/1-1/00000000/A1",
        "AXONPAY/1-1/00000000/" + "A" * 4_301,
    ],
)
def test_what_is_no_part(text: str) -> None:
    collector = PartCollector()
    with pytest.raises(DecodeError):
        collector.take(text)
    assert collector.total == 0


def test_parts_that_are_too_much_together() -> None:
    collector = PartCollector()
    letters = "A" * 4_296  # 2,685 bytes.
    parts = [
        f"AXONPAY/{number}-{MAX_PARTS}/00000000/{letters}"
        for number in range(1, MAX_PACKET_BYTES // 2_685 + 2)
    ]
    for text in parts[:-1]:
        assert collector.take(text) is None
    with pytest.raises(DecodeError, match="at most 400000 bytes"):
        collector.take(parts[-1])
    assert collector.total == 0
