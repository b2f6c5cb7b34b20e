"""Parameters as callers write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.rpc.dispatch import Method, method
from axon.rpc.errors import RpcError
from axon.rpc.parameters import HEX_PIECE_SIZE, parse_hash, unhex


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


@pytest.mark.parametrize(("text", "size"), [("x", 1), ("é", 2), ("00" * 31 + "é0", 65)])
def test_the_length_of_a_hash_counts_bytes(text: str, size: int) -> None:
    with pytest.raises(RpcError, match=rf"must be of length 64 \(not {size}, for"):
        parse_hash("txid", text)


@method("wallet", shown={"first": "( first )"})
def _pays(_: object, first: str | None, second: dict[str, int], third: int = 3) -> object:
    """Pays.

    Args:
        first: May be null.
        second: Has to be given.
        third: May be left out.
    """
    return first, second, third


def test_null_in_front_of_what_has_to_be_given() -> None:
    pays = Method(_pays, _pays.__axon_rpc__)  # type: ignore[attr-defined]
    assert pays.arguments([None, {}]) == {"first": None, "second": {}}
    assert pays.arguments({"second": {}}) == {"first": None, "second": {}}
    assert pays.arguments(["a", {}, 4]) == {"first": "a", "second": {}, "third": 4}
    for params in ([], [None], ["a"]):
        with pytest.raises(RpcError, match=r"^_pays \( first \) {\"second\":...} \( third \)"):
            pays.arguments(params)
    with pytest.raises(RpcError, match=r'"Position 2 \(second\)": "JSON value of type null'):
        pays.arguments([None, None])
