"""Parameters as callers write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.rpc.parameters import HEX_PIECE_SIZE, unhex


@given(st.binary())
def test_hex_there_and_back(data: bytes) -> None:
    assert unhex(data.hex()) == data
    assert unhex(data.hex().upper()) == data


@pytest.mark.parametrize("text", ["0", "zz", " 00", "00 ", "0 0", "00 11", "00\n", "0x00", "００"])
def test_what_is_no_hex(text: str) -> None:
    assert unhex(text) is None


def test_long_hex_is_read_in_pieces() -> None:
    data = bytes(range(256)) * (HEX_PIECE_SIZE // 256)
    text = data.hex()
    assert len(text) > HEX_PIECE_SIZE
    assert unhex(text) == data
    assert unhex(text + "0") is None
    assert unhex(text[:HEX_PIECE_SIZE] + "  " + text[HEX_PIECE_SIZE:]) is None
    assert unhex(text[: HEX_PIECE_SIZE - 1] + " " + text[HEX_PIECE_SIZE:]) is None
