"""What a sender allows, as the query of a URL: read from strangers, written for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.payments.payjoinparameters import MAX_QUERY_SIZE, Parameters, parse_parameters
from axon.primitives.transaction import MAX_MONEY_SAT


@given(
    st.builds(
        Parameters,
        st.integers(0, 9),
        st.integers(0, 1_000),
        st.integers(0, MAX_MONEY_SAT),
        st.integers(0, 10_000_000),
        st.booleans(),
    )
)
def test_what_is_written_is_read(parameters: Parameters) -> None:
    assert parse_parameters(parameters.encode()) == parameters


def test_the_names_of_bip_78() -> None:
    text = Parameters(1, 0, 182, 2_500, True).encode()
    assert text == (
        "v=1&additionalfeeoutputindex=0&maxadditionalfeecontribution=182&minfeerate=2.500"
        "&disableoutputsubstitution=true"
    )
    assert Parameters().encode() == "v=1"


@given(st.text(max_size=2 * MAX_QUERY_SIZE))
def test_any_text_is_read(text: str) -> None:
    parse_parameters(text)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", Parameters()),
        ("v=2", Parameters(2)),
        ("v=one", Parameters(0)),
        ("v=-1", Parameters(0)),
        ("v=1&v=2", Parameters(1)),
        ("minfeerate=1.0001", Parameters(min_feerate_sat_kvb=1_001)),
        ("minfeerate=2", Parameters(min_feerate_sat_kvb=2_000)),
        ("minfeerate=1e9", Parameters()),
        ("minfeerate=-1", Parameters()),
        ("minfeerate=nan", Parameters()),
        # Each of the two alone allows nothing (BIP 78), nor does one that cannot be read.
        ("additionalfeeoutputindex=1", Parameters()),
        ("maxadditionalfeecontribution=9", Parameters()),
        ("additionalfeeoutputindex=1&maxadditionalfeecontribution=-9", Parameters()),
        ("additionalfeeoutputindex=-1&maxadditionalfeecontribution=9", Parameters()),
        ("disableoutputsubstitution=false", Parameters()),
        ("disableoutputsubstitution=True", Parameters(fixed_output=True)),
        ("disableoutputsubstitution=", Parameters(fixed_output=True)),
    ],
)
def test_what_is_not_readable_allows_less(query: str, expected: Parameters) -> None:
    assert parse_parameters(query) == expected
