"""ping and pong, with a nonce and from before BIP 31."""

from __future__ import annotations

import pytest

from axon.errors import DecodeError
from axon.wire.messages.keepalive import Ping, Pong

NONCE = bytes.fromhex("0102030405060708")


def test_nonce_is_little_endian() -> None:
    assert Ping.decode(NONCE) == Ping(0x0807060504030201)
    assert Ping(0x0807060504030201).encode() == NONCE
    assert Pong.decode(NONCE + b"more") == Pong(0x0807060504030201)


def test_a_ping_from_before_bip_31_has_no_nonce() -> None:
    assert Ping.decode(b"") == Ping(None)
    assert Ping(None).encode() == b""


@pytest.mark.parametrize("size", range(1, 8))
def test_half_a_nonce_is_none(size: int) -> None:
    with pytest.raises(DecodeError):
        Ping.decode(NONCE[:size])
    assert Pong.decode(NONCE[:size]) == Pong(None)


def test_an_empty_pong_is_told_from_a_wrong_one() -> None:
    assert Pong.decode(b"") == Pong(None)
    assert Pong(None).encode() == b""
