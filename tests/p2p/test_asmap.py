"""AS maps: the map of Bitcoin Core's own tests, written ones, and bytes that are none."""

from __future__ import annotations

from ipaddress import IPv6Address
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from axon.errors import DecodeError
from axon.p2p.asmap import MAX_ASMAP_BYTES, AsMap
from axon.p2p.netgroups import AsSpread, NetGroups
from tests.p2p.asmaps import (
    MAX_SYSTEM,
    default,
    encoded,
    ipv4,
    jump,
    match,
    packed,
    returned,
    trie_of,
)
from tests.p2p.examples import ip

CORE = (Path(__file__).parents[1] / "vectors" / "asmap.raw").read_bytes()
"""`src/test/data/asmap.raw` of Bitcoin Core, unedited."""

BITS = st.integers(0, 2**128 - 1).map(lambda bits: f"{bits:0128b}")
PREFIXES = st.builds(lambda bits, size: bits[:size], BITS, st.integers(1, 128))
SYSTEMS = st.one_of(st.integers(1, 5), st.integers(1, MAX_SYSTEM))
TABLES = st.dictionaries(PREFIXES, SYSTEMS, min_size=1, max_size=8)


def longest(table: dict[str, int], bits: str) -> int:
    """What the longest prefix says, looked for one by one."""
    known = [prefix for prefix in table if bits.startswith(prefix)]
    return table[max(known, key=len)] if known else 0


@given(TABLES, st.data())
def test_a_map_says_what_the_longest_prefix_says(
    table: dict[str, int], data: st.DataObject
) -> None:
    assume(trie_of(table))
    made = AsMap(encoded(table))
    beginning = data.draw(st.sampled_from(["", *table]))
    bits = beginning + data.draw(BITS)[len(beginning) :]
    assert made.find(int(bits, 2).to_bytes(16, "big")) == longest(table, bits)


def test_the_map_of_bitcoin_core() -> None:
    """As the comments of its `addrman_tests.cpp` say."""
    groups = NetGroups(asmap=AsMap(CORE))
    for number in range(1, 9):
        assert groups.mapped_as(ip(f"101.{number}.2.3")) == number
    assert groups.mapped_as(ip("250.77.0.1")) == 1000
    assert groups.mapped_as(ip("8.8.8.8")) == 0


def test_instructions_written_by_hand() -> None:
    halves = AsMap(packed(jump(returned(5), returned(300))))
    for host, number in (("2001::", 5), ("a001::", 300)):
        assert halves.find(IPv6Address(host).packed) == number
    map_ = AsMap(packed(default(9) + match("01") + returned(7)))
    assert map_.find(IPv6Address("4000::").packed) == 7
    assert map_.find(IPv6Address("8000::").packed) == 9


def answers_or_is_refused(data: bytes, address: bytes) -> None:
    try:
        made = AsMap(data)
    except DecodeError:
        return
    assert 0 <= made.find(address) <= MAX_SYSTEM


@given(st.binary(min_size=1, max_size=64), st.binary(min_size=16, max_size=16))
def test_what_is_accepted_answers_for_every_address(data: bytes, address: bytes) -> None:
    answers_or_is_refused(data, address)


@given(TABLES, st.integers(0), st.binary(min_size=16, max_size=16))
def test_a_flipped_bit_is_refused_or_makes_another_map(
    table: dict[str, int], place: int, address: bytes
) -> None:
    assume(trie_of(table))
    data = bytearray(encoded(table))
    place %= 8 * len(data)
    data[place // 8] ^= 1 << place % 8
    answers_or_is_refused(bytes(data), address)


@pytest.mark.parametrize(
    ("bits", "why"),
    [
        (default(1) + returned(2), "default that is for nothing"),
        (default(1) + default(2) + match("1") + returned(3), "default that is for nothing"),
        (match("1") + match("1") + returned(1), "as long as can be"),
        (match("1") * 2 + returned(1), "as long as can be"),
        (match("1" * 8) * 17 + returned(1), "128 bits at most"),
        (returned(1) + "0" * 8, "nothing behind its end"),
        (returned(1) + "1", "nothing behind its end"),
        (returned(1) + returned(1), "nothing behind its end"),
        (match("1" * 8) * 4, "ends with a return"),
        (jump(returned(1) + returned(2), returned(3)), "can be reached"),
        (jump(jump(returned(1), returned(2)) + "0", returned(3)), "can be reached"),
        ("10000000" + default(1) + match("1") + returned(2) + returned(3), "meet no middle"),
        ("10" + "1" * 25 + "1" * 30, "lead into it"),
        (returned(1)[:-1], "ends behind an instruction"),
    ],
)
def test_what_core_calls_insane_is_refused(bits: str, why: str) -> None:
    with pytest.raises(DecodeError, match=why):
        AsMap(packed(bits))


@pytest.mark.parametrize("data", [b"", bytes(MAX_ASMAP_BYTES + 1), b"\xff" * 40])
def test_what_is_no_map(data: bytes) -> None:
    with pytest.raises(DecodeError, match="AS map"):
        AsMap(data)


def test_a_netgroup_is_an_as_however_it_is_reached() -> None:
    table = {ipv4("1.2.0.0/16"): 64500, ipv4("9.0.0.0/8"): 64500, "0010000000000001": 64500}
    made = NetGroups(asmap=AsMap(encoded(table)))
    group = b"\x02" + (64500).to_bytes(4, "little")
    tunnel = "2002:0102:0304::1"  # 6to4 of 1.2.3.4.
    for host in ("1.2.3.4", "9.9.9.9", "2001:db9::1", tunnel):
        assert made.group(ip(host)) == group
    for host in ("8.8.8.8", "3001::1", "10.0.0.1", "127.0.0.1"):
        assert made.mapped_as(ip(host)) == 0
        assert made.group(ip(host)) == ip(host).group()
    assert made.has_map
    assert made.version != NetGroups().version == bytes(32)
    hosts = [ip(host) for host in ("1.2.3.4", "9.9.9.9", "8.8.8.8", "2001:db9::1")]
    assert made.spread(hosts) == AsSpread(4, 1, 1)
