"""Packets of payments, as bytes, as text, as codes, and in the format of other wallets."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from axon.errors import DecodeError
from axon.payments.beef import decode_beef
from axon.payments.packet import Packet
from axon.payments.packetfile import PartCollector, from_text, to_parts, to_text


def packet(data: bytes) -> None:
    """A packet has one encoding, and comes back from its text and its codes."""
    try:
        read = Packet.decode(data)
    except DecodeError:
        return
    assert read.encode() == data
    assert from_text(to_text(read)) == read
    collector = PartCollector()
    parts = to_parts(read, 100)
    found = [collector.take(text) for text in parts[::-1]]
    assert found == [None] * (len(parts) - 1) + [read]


def packet_text(data: bytes) -> None:
    """What is read from a text, and from codes line by line, is written and read again."""
    text = data.decode("latin-1")
    with suppress(DecodeError):
        read = from_text(text)
        assert from_text(to_text(read)) == read
    collector = PartCollector()
    for line in text.splitlines():
        with suppress(DecodeError):
            found = collector.take(line)
            assert found is None or Packet.decode(found.encode()) == found


def beef(data: bytes) -> None:
    """Whatever it says, a payment stands on all that is read with it."""
    try:
        read = decode_beef(data)
    except DecodeError:
        return
    known = {item.transaction.txid for item in read.confirmed}
    for transaction in (*read.unconfirmed, read.transaction):
        assert all(point[:32] in known for point in transaction.prevouts)
        known.add(transaction.txid)


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "payment-packet": packet,
    "payment-text": packet_text,
    "payment-beef": beef,
}
