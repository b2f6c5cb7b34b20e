"""Money in JSON: exact both ways."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axon.primitives.transaction import COIN, MAX_MONEY_SAT
from axon.rpc.amounts import (
    SHORT_LIST,
    Amount,
    LazyList,
    Number,
    Written,
    amount_from,
    decode_json,
    encode_json,
    format_amount,
    hashes_text,
    hex_text,
    parse_fixed_point,
    whole,
    written_list,
)
from axon.rpc.errors import RpcError

# Bitcoin Core's own cases for ParseFixedPoint(text, 8).
_FIXED_POINT = [
    ("0", 0),
    ("1", 100000000),
    ("0.0", 0),
    ("-0.1", -10000000),
    ("1.1", 110000000),
    ("1.10000000000000000", 110000000),
    ("1.1e1", 1100000000),
    ("1.1e-1", 11000000),
    ("1000", 100000000000),
    ("-1000", -100000000000),
    ("0.00000001", 1),
    ("0.0000000100000000", 1),
    ("-0.00000001", -1),
    ("1000000000.00000001", 100000000000000001),
    ("9999999999.99999999", 999999999999999999),
    ("-9999999999.99999999", -999999999999999999),
    ("", None),
    ("-", None),
    ("a-1000", None),
    ("-a1000", None),
    ("-1000a", None),
    ("-01000", None),
    ("00.1", None),
    (".1", None),
    ("--0.1", None),
    ("0.000000001", None),
    ("-0.000000001", None),
    ("0.00000001000000001", None),
    ("-10000000000.00000000", None),
    ("10000000000.00000000", None),
    ("-10000000000.00000001", None),
    ("-1000000000000000000000000000000000000000000000.0", None),
    ("1e9999", None),
    ("1e-9999", None),
    ("0e9999", 0),
    ("1.", None),
    ("+1", None),
    ("١", None),
]


@pytest.mark.parametrize(("text", "units"), _FIXED_POINT)
def test_fixed_point(text: str, units: int | None) -> None:
    assert parse_fixed_point(text) == units


@given(st.decimals(allow_nan=False, allow_infinity=False, places=None))
def test_fixed_point_agrees_with_decimal(number: Decimal) -> None:
    text = str(number).replace("E+", "e").replace("E", "e")
    units = number * COIN
    exact = units == units.to_integral_value() and abs(units) < 10**18
    assert parse_fixed_point(text) == (int(units) if exact else None)


@given(st.integers(0, MAX_MONEY_SAT))
def test_there_and_back(sat: int) -> None:
    text = encode_json(Amount(sat))
    assert text == format_amount(sat)
    assert len(text.partition(".")[2]) == 8
    assert amount_from(decode_json(text)) == Amount(sat)
    assert amount_from(text) == Amount(sat)
    assert Decimal(text) * COIN == sat


@given(st.floats(-1e300, 1e300, allow_subnormal=False))
def test_floats_are_as_close_as_sixteen_digits(number: float) -> None:
    assert float(encode_json(number)) == pytest.approx(number, rel=1e-15, abs=0)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1.0, "1"),
        (4.656542373906925e-10, "4.656542373906925e-10"),
        (0.1, "0.1"),
        (1e16, "1e+16"),
        (110568428300952.69, "110568428300952.7"),
    ],
)
def test_floats_as_core_writes_them(number: float, text: str) -> None:
    assert encode_json(number) == text


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@settings(max_examples=40)
@given(_JSON)
def test_all_other_json(value: object) -> None:
    assert json.loads(encode_json(value)) == value
    pretty = encode_json(value, indent=2)
    assert pretty == json.dumps(value, indent=2, ensure_ascii=False)


def test_a_number_keeps_its_text() -> None:
    decoded = decode_json('{"a":1.50e-7,"b":-0.0,"c":12}')
    assert isinstance(decoded, dict)
    assert isinstance(decoded["a"], Number)
    assert encode_json(decoded) == '{"a":1.50e-7,"b":-0.0,"c":12}'


@pytest.mark.parametrize("value", [[], {}, None, True])
def test_what_is_no_amount(value: object) -> None:
    with pytest.raises(RpcError, match="Amount is not a number or string"):
        amount_from(value)


def test_decimals_keep_their_digits() -> None:
    assert encode_json(Decimal("20999999.99999999")) == "20999999.99999999"
    assert decode_json(encode_json(Decimal("0.00000001"))) == 1e-8


def test_what_json_cannot_say_is_a_bug() -> None:
    for value in (b"bytes", {1, 2}, float("inf"), float("nan")):
        with pytest.raises(TypeError):
            encode_json({"a": value})


@pytest.mark.parametrize(
    "text", ["NaN", "[Infinity]", "-Infinity", "{", "'a'", "[1,]", "[" * 10**6]
)
def test_what_is_no_json(text: str) -> None:
    with pytest.raises(ValueError):
        decode_json(text)


# What is written down already.


@given(st.integers(-(1 << 63), (1 << 63) - 1), st.integers(0, 1 << 32))
def test_what_is_written_down_reads_as_what_it_was(sat: int, number: int) -> None:
    fields = {"value": Amount(sat), "n": number, "text": 'a "b"', "list": [True, None]}
    written = Written(encode_json(fields))
    assert whole({"in": [written]}) == {"in": [fields]}
    assert encode_json({"in": [written]}) == encode_json({"in": [fields]})
    assert encode_json({"in": written}, 2) == encode_json({"in": fields}, 2)


def test_hex_and_hashes_are_written_as_strings() -> None:
    assert whole(hex_text(b"\x00\xff")) == "00ff"
    assert whole(hex_text(b"")) == ""
    hashes = [bytes((number,)) + bytes(31) for number in range(2)]
    assert whole(hashes_text(hashes)) == [each[::-1].hex() for each in hashes]
    assert whole(hashes_text([])) == []


@pytest.mark.parametrize("size", [0, 2, SHORT_LIST, SHORT_LIST + 1])
def test_only_a_short_list_is_written_at_once(size: int) -> None:
    made = written_list(str, range(size))
    assert isinstance(made, Written if size <= SHORT_LIST else LazyList)
    assert whole(made) == list(range(size))
    assert encode_json(made) == encode_json(list(range(size)))
