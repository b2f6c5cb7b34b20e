"""Amounts: what is read, what is refused, and that writing and reading agree."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.primitives.transaction import MAX_MONEY_SAT
from axon.wallet.amounts import Unit, format_amount, parse_amount
from axon.wallet.errors import BadAmount


@pytest.mark.parametrize(
    ("text", "sat"),
    [
        ("0.5 BTC", 50_000_000),
        ("0.5btc", 50_000_000),
        (" 1 bitcoin ", 100_000_000),
        ("0.00000001 BTC", 1),
        ("0.100000000000 BTC", 10_000_000),
        ("50000 sat", 50_000),
        ("50000 SATS", 50_000),
        ("1 satoshi", 1),
        ("21000000 BTC", MAX_MONEY_SAT),
        ("0 sat", 0),
    ],
)
def test_amounts_with_units(text: str, sat: int) -> None:
    assert parse_amount(text) == sat


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("5", "5 of what"),
        ("0.5", "'0.5 BTC' or '0.5 sat'"),
        ("5 mBTC", "BTC and sat, not 'mBTC'"),
        ("5 USD", "BTC and sat, not 'USD'"),
        ("-1 BTC", "not negative"),
        ("0.000000001 BTC", "too precise"),
        ("0.5 sat", "as a fraction or as thousands"),
        ("7.0 sat", "as a fraction or as thousands"),
        ("500.000 sat", "500.000 sat can be read in two ways"),
        ("21.000 sats", "in digits only, as in '50000 sat'"),
        ("1.000 satoshi", "in digits only"),
        ("1.000.000 sat", "in digits only"),
        ("1,000 sat", "in digits only"),
        ("1 000 sat", "in digits only"),
        ("1'000 sat", "in digits only"),
        ("0,5 BTC", "0,5 BTC can be read in two ways: write bitcoin with a point"),
        ("1,234.5 BTC", "nothing between the thousands"),
        ("1.234.567 BTC", "nothing between the thousands"),
        ("1,000", "can be read in two ways"),
        ("21000000.00000001 BTC", "more than"),
        ("1e3 sat", "expected an amount"),
        (".5 BTC", "expected an amount"),
        ("1. BTC", "expected an amount"),
        ("٣ BTC", "expected an amount"),
        ("", "expected an amount"),
        ("BTC", "expected an amount"),
        ("9" * 5_000 + " BTC", "expected an amount"),
    ],
)
def test_what_is_refused_and_how(text: str, says: str) -> None:
    with pytest.raises(BadAmount, match=says.replace(".", r"\.")):
        parse_amount(text)


def test_a_bare_number_where_the_caller_asked_for_a_unit() -> None:
    assert parse_amount("5", Unit.SAT) == 5
    assert parse_amount("5", Unit.BTC) == 500_000_000
    assert parse_amount("5 sat", Unit.BTC) == 5
    for text in ("500.000", "500,000", "0.5"):
        with pytest.raises(BadAmount, match="in digits only"):
            parse_amount(text, Unit.SAT)


@given(st.integers(0, MAX_MONEY_SAT), st.sampled_from(Unit))
def test_what_is_written_is_read(sat: int, unit: Unit) -> None:
    assert parse_amount(format_amount(sat, unit)) == sat


@given(st.text(max_size=60))
def test_any_text_is_an_amount_or_refused(text: str) -> None:
    with suppress(BadAmount):
        assert 0 <= parse_amount(text) <= MAX_MONEY_SAT


def test_signs_are_shown() -> None:
    assert format_amount(-150_000_000) == "-1.50000000 BTC"
    assert format_amount(-7, Unit.SAT) == "-7 sat"
