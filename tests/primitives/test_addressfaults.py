"""What is said to who typed a text that is no address."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.errors import DecodeError
from axon.primitives.address import decode_address
from axon.primitives.addressfaults import address_fault
from axon.primitives.network import MAINNET, NETWORKS, REGTEST, SIGNET

GOOD = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
TYPING = "expected an address without mistakes in typing"


def changed(*places: int) -> str:
    """The good address with other signs at these places, counted from 1."""
    typed = list(GOOD)
    for place in places:
        typed[place - 1] = "p" if typed[place - 1] != "p" else "z"
    return "".join(typed)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (changed(8), f"{TYPING}: check character 8 ('p')"),
        (changed(8).upper(), f"{TYPING}: check character 8 ('P')"),
        (changed(42), f"{TYPING}: check character 42 ('p')"),
        (changed(5, 30), f"{TYPING}: check characters 5 ('p') and 30 ('p')"),
        (changed(5, 6, 7, 8), f"{TYPING}, this one has several: copy it anew"),
        (GOOD[:-1], "of 42 or 62 characters, this one has 41: look for what is missing"),
        (GOOD + "q", "of 42 or 62 characters, this one has 43"),
        (GOOD[:9] + "o" + GOOD[10:], "without character 10 ('o'): no address holds such a sign"),
        (GOOD[:9] + "1" + GOOD[10:], "without character 10 ('1'): no address holds such a sign"),
        (GOOD.replace("q", "Q"), "in one case, not mixed: type it in small letters"),
        ("bx1" + GOOD[3:], "begins with bc1: check its beginning"),
        ("bcl" + GOOD[3:], "begins with bc1: check its beginning"),
        ("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", "an address of main, not of regtest"),
        (
            "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",
            "an address of main, not of test, testnet4 or signet",
        ),
        (
            "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn",
            "an address of main, not of test, testnet4, signet or regtest",
        ),
        (
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
            "an address of main (bc1..., 1..., 3...) with a valid checksum: a character is wrong",
        ),
        ("1A1zP1eP5QGefi2DMPTfTL5SLmv7Div0Na", "without character 32 ('0')"),
        ("", "an address of main (bc1..., 1..., 3...)"),
        ("BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R", "a witness version"),
    ],
)
def test_what_is_told(text: str, told: str) -> None:
    fault = address_fault(text, MAINNET)
    assert fault.startswith("expected ")
    assert told in fault


def test_main_is_named_on_other_networks() -> None:
    for network in (REGTEST, SIGNET):
        assert address_fault(GOOD, network) == f"expected an address of {network.name}, not of main"
        told = address_fault("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", network)
        assert told == f"expected an address of {network.name}, not of main"


@given(st.text(max_size=100) | st.text("bc1qpz", max_size=90), st.sampled_from(sorted(NETWORKS)))
def test_every_text_that_is_none_has_a_fault(text: str, name: str) -> None:
    network = NETWORKS[name]
    try:
        decode_address(text, network)
    except DecodeError:
        assert address_fault(text, network).startswith("expected ")
