"""Every message at once: round trips, hostile bytes, names."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from axon.errors import DecodeError
from axon.wire.messages import (
    BlockMessage,
    BlockTxn,
    CmpctBlock,
    Feature,
    GetData,
    Inv,
    InvItem,
    InvType,
    Message,
    Ping,
    Pong,
    StaleTip,
    Unknown,
    Verack,
)
from axon.wire.registry import COMMANDS, SHARED_BYTES, decode_message
from tests.strategies import MESSAGES, messages

NAMES = {
    *("version", "verack", "wtxidrelay", "sendaddrv2", "sendheaders", "sendcmpct", "feefilter"),
    *("ping", "pong", "getaddr", "addr", "addrv2", "inv", "getdata", "notfound", "getheaders"),
    *("headers", "getblocks", "block", "tx", "mempool", "merkleblock", "getcfilters", "cfilter"),
    *("getcfheaders", "cfheaders", "getcfcheckpt", "cfcheckpt"),
    *("filterload", "filteradd", "filterclear", "feature", "cmpctblock", "getblocktxn", "blocktxn"),
    "staletip",
}


KEPT = BlockMessage | CmpctBlock | BlockTxn
"""Messages that are kept as they came."""


def test_names_are_those_of_the_protocol() -> None:
    assert set(COMMANDS) >= NAMES
    assert len(set(COMMANDS)) == len(COMMANDS)
    assert all(0 < len(command) <= 12 and command.isascii() for command in COMMANDS)


def test_each_message_is_drawn() -> None:
    assert {kind.command for kind in MESSAGES} == set(COMMANDS)


@pytest.mark.parametrize("kind", MESSAGES, ids=lambda kind: kind.command)
def test_round_trip(kind: type[Message]) -> None:
    @given(MESSAGES[kind])
    def check(message: Message) -> None:
        again = decode_message(message.command, message.encode())
        assert isinstance(again, kind)
        assert again == message
        assert again.encode() == message.encode()

    check()


@given(messages(), st.binary(max_size=9))
def test_bytes_behind_a_message_are_ignored(message: Message, extra: bytes) -> None:
    assume(not isinstance(message, KEPT | Feature | StaleTip))  # Kept, or refused.
    assume(message not in (Ping(None), Pong(None)))
    assert decode_message(message.command, message.encode() + extra) == message


@given(st.sampled_from(COMMANDS), st.binary(max_size=400))
def test_any_bytes_are_a_message_or_a_decode_error(command: str, payload: bytes) -> None:
    try:
        message = decode_message(command, payload)
    except DecodeError:
        return
    assert not isinstance(message, Unknown)
    assert decode_message(command, message.encode()) == message


@given(messages(), st.data())
def test_a_damaged_message_is_a_message_or_a_decode_error(
    message: Message, data: st.DataObject
) -> None:
    payload = bytearray(message.encode())
    for _ in range(data.draw(st.integers(1, 3))):
        if payload:
            payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(payload)))
    try:
        again = decode_message(message.command, bytes(payload[:cut]))
    except DecodeError:
        return
    assert not isinstance(again, Unknown)
    assert decode_message(message.command, again.encode()) == again


def test_an_unknown_name_keeps_its_bytes() -> None:
    unknown = decode_message("nosuchthing", b"\x01\x02")
    assert unknown == Unknown("nosuchthing", b"\x01\x02")
    assert decode_message("", b"") == Unknown("", b"")


def test_messages_that_share_a_form_are_not_equal() -> None:
    assert decode_message("inv", b"\x00") != decode_message("getdata", b"\x00")
    assert decode_message("verack", b"anything") == Verack()


def test_what_several_peers_say_alike_is_one_value() -> None:
    said = Inv(tuple(InvItem(InvType.WTX, bytes((number,)) * 32) for number in range(3)))
    first = decode_message("inv", said.encode())
    assert decode_message("inv", bytes(bytearray(said.encode()))) is first == said
    assert decode_message("getdata", said.encode()) == GetData(said.items)
    assert decode_message("ping", bytes(8)) is not decode_message("ping", bytes(8))


def test_a_long_message_is_not_kept() -> None:
    said = Inv(tuple(InvItem(InvType.WTX, bytes(32)) for _ in range(SHARED_BYTES // 36 + 1)))
    assert decode_message("inv", said.encode()) is not decode_message("inv", said.encode())
