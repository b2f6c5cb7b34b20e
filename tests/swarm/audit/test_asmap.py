"""AS maps: the map of Bitcoin Core's own tests, written ones, and bytes that are none."""

from __future__ import annotations

from ipaddress import IPv6Address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.errors import DecodeError
from axon.swarm.audit.asmap import MAX_ASMAP_BYTES, AsMap
from axon.swarm.audit.places import Places

CORE = (Path(__file__).parents[2] / "vectors" / "asmap.raw").read_bytes()
"""`src/test/data/asmap.raw` of Bitcoin Core, unedited."""


def packed(bits: str) -> bytes:
    """A map from its instructions in bits, the first bit the lowest of the first byte."""
    padded = bits + "0" * (-len(bits) % 8)
    return bytes(int(padded[at : at + 8][::-1], 2) for at in range(0, len(padded), 8))


def returned(number: int) -> str:
    """Return an AS below 32,769."""
    return f"0 0 {number - 1:015b}".replace(" ", "")


def test_the_map_of_bitcoin_core() -> None:
    """As the comments of its `addrman_tests.cpp` say."""
    places = Places(asmap=AsMap(CORE))
    for number in range(1, 9):
        assert places.autonomous_system(f"101.{number}.2.3") == f"AS{number}"
    assert places.autonomous_system("250.77.0.1") == "AS1000"
    assert places.autonomous_system("8.8.8.8") is None


def test_a_jump_looks_at_one_bit() -> None:
    low = returned(5)
    data = packed("10" + "0" + f"{len(low) - 17:05b}" + low + returned(300))
    for host, number in (("2001::", 5), ("a001::", 300)):
        assert AsMap(data).find(IPv6Address(host).packed) == number


def test_a_match_that_fails_gives_the_default() -> None:
    default = "111" + "0" + f"{8:015b}"  # AS9.
    match = "110" + "10" + "01"  # 0b101: two bits, 0 and 1.
    map_ = AsMap(packed(default + match + returned(7)))
    assert map_.find(IPv6Address("4000::").packed) == 7
    assert map_.find(IPv6Address("8000::").packed) == 9


def test_hosts_that_no_map_knows() -> None:
    places = Places(asmap=AsMap(CORE))
    assert places.autonomous_system("a.example") is None
    assert places.autonomous_system("10.0.0.1") is None
    assert places.autonomous_system("fc12::1") is None


@given(st.binary(min_size=1, max_size=64), st.binary(min_size=16, max_size=16))
def test_any_bytes_give_a_number_or_one_error(data: bytes, address: bytes) -> None:
    try:
        number = AsMap(data).find(address)
    except DecodeError:
        return
    assert 0 <= number < 1 << 25


@pytest.mark.parametrize("data", [b"", bytes(MAX_ASMAP_BYTES + 1), b"\xff" * 40])
def test_what_is_no_map(data: bytes) -> None:
    with pytest.raises(DecodeError, match="AS map"):
        AsMap(data)
