"""Netaddresses: text, both wire forms, and Bitcoin Core's judgement of what is routable.

Hosts and groups that are spelled out are those of Bitcoin Core's unit tests of its network
addresses, and the examples of the documents that define the ranges.
"""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from axon.errors import DecodeError
from axon.primitives.encoding import Reader
from axon.primitives.netaddress import (
    AddressNetwork,
    NetAddress,
    TimedAddress,
)
from tests.strategies import net_addresses, timed_addresses, v1_addresses

ONION = "pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion"
ONION_KEY = "79bcc625184b05194975c28b66b66b0469f7f6556fb1ac3189a79b40dda32f1f"
I2P = "ukeu3k5oycgaauneqgtnvselmt4yemvoilkln7jpvamvfx7dnkdq.b32.i2p"
I2P_HASH = "a2894dabaec08c0051a481a6dac88b64f98232ae42d4b6fd2fa81952dfe36a87"


def at(host: str) -> NetAddress:
    return NetAddress.from_text(host, 8333)


# Text.


@pytest.mark.parametrize(
    ("text", "network", "host_hex"),
    [
        ("1.2.3.4", AddressNetwork.IPV4, "01020304"),
        ("::ffff:1.2.3.4", AddressNetwork.IPV4, "01020304"),
        ("1a1b:2a2b:3a3b:4a4b:5a5b:6a6b:7a7b:8a8b", AddressNetwork.IPV6, "1a1b2a2b3a3b4a4b5a5b6a6b7a7b8a8b"),  # noqa: E501
        ("fc32:17ea:e415:c3bf:9808:149d:b5a2:c9aa", AddressNetwork.IPV6, "fc3217eae415c3bf9808149db5a2c9aa"),  # noqa: E501
        (ONION, AddressNetwork.TORV3, ONION_KEY),
        (ONION.upper(), AddressNetwork.TORV3, ONION_KEY),
        (I2P, AddressNetwork.I2P, I2P_HASH),
    ],
)  # fmt: skip
def test_text_is_read(text: str, network: AddressNetwork, host_hex: str) -> None:
    assert NetAddress.from_text(text, 7) == NetAddress(network, bytes.fromhex(host_hex), 7)


def test_fc_is_cjdns_only_where_that_network_is_reached() -> None:
    host = "fc00:1:2:3:4:5:6:7"
    address = NetAddress.from_text(host, 1, cjdns=True)
    assert address.network is AddressNetwork.CJDNS
    assert address.to_text() == host
    assert NetAddress.from_text(host, 1).network is AddressNetwork.IPV6
    assert NetAddress.from_text("fd00::1", 1, cjdns=True).network is AddressNetwork.IPV6


@pytest.mark.parametrize(
    ("host", "text"),
    [
        ("0:0:0:0:0:0:0:0", "::"),
        ("1:0:0:0:0:0:0:0", "1::"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),  # The first of equal runs.
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),  # A single zero stays.
        ("1:0:0:1:0:0:0:1", "1:0:0:1::1"),
        ("::FFFF:0:102:304", "::ffff:0:102:304"),
    ],
)
def test_ipv6_is_written_as_rfc_5952_says(host: str, text: str) -> None:
    assert at(host).to_text() == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "localhost",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.256",
        "01.2.3.4",
        "1.2.3.4 ",
        "1.2.3.4:8333",
        "[::1]",
        ":::",
        "1::2::3",
        "fe80::1%eth0",
        ".onion",
        "5wyqrzbvrdsumnok.onion",  # Version 2.
        "aa" + ONION[2:],  # A wrong checksum.
        ONION[:55] + "e.onion",  # Version 4.
        ONION[:10] + "=" + ONION[11:],
        ONION[:10] + "1" + ONION[11:],
        "é" + ONION[1:],
        ".b32.i2p",
        I2P[1:],
        "a" + I2P,
        I2P[:51] + "r.b32.i2p",  # Bits left over that are not zero.
        "é" * 52 + ".b32.i2p",
        "9" * 1000,
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(DecodeError):
        at(text)


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_has_16_bits(port: int) -> None:
    with pytest.raises(DecodeError):
        NetAddress.from_text("1.2.3.4", port)


@given(st.text() | st.text("0123456789abcdef.:%onip2", max_size=70))
def test_any_text_is_an_address_or_a_decode_error(text: str) -> None:
    try:
        address = at(text)
    except DecodeError:
        return
    assert at(address.to_text()) == address


@given(net_addresses())
def test_text_round_trip(address: NetAddress) -> None:
    cjdns = address.network is AddressNetwork.CJDNS
    assume(not cjdns or address.is_valid())  # Else it is written like any IPv6 host.
    assert NetAddress.from_text(address.to_text(), address.port, cjdns=cjdns) == address


def test_str_has_the_port() -> None:
    assert str(at("1.2.3.4")) == "1.2.3.4:8333"
    assert str(at("::1")) == "[::1]:8333"
    assert str(at(ONION)) == f"{ONION}:8333"


# Bytes.


def test_v1_maps_ipv4_into_ipv6() -> None:
    assert at("10.0.0.1").encode_v1().hex() == "00000000000000000000ffff0a000001208d"
    assert at("::1").encode_v1().hex() == "00000000000000000000000000000001208d"


@pytest.mark.parametrize("host", [ONION, I2P])
def test_v1_cannot_say_other_networks(host: str) -> None:
    address = at(host)
    assert not address.fits_v1
    assert address.encode_v1() == bytes(16) + b"\x20\x8d"


def test_v1_tor_version_2_names_nobody() -> None:
    data = bytes.fromhex("fd87d87eeb43f1f2f3f4f5f6f7f8f9fa208d")
    address = NetAddress.decode_v1(Reader(data))
    assert address.to_text() == "::"
    assert not address.is_valid()


@pytest.mark.parametrize(
    ("data_hex", "host"),
    [
        ("010401020304208d", "1.2.3.4"),
        ("02101a1b2a2b3a3b4a4b5a5b6a6b7a7b8a8b208d", "1a1b:2a2b:3a3b:4a4b:5a5b:6a6b:7a7b:8a8b"),
        ("0420" + ONION_KEY + "208d", ONION),
        ("0520" + I2P_HASH + "208d", I2P),
    ],
)
def test_v2_names_the_network(data_hex: str, host: str) -> None:
    data = bytes.fromhex(data_hex)
    assert NetAddress.decode_v2(Reader(data)) == at(host)
    assert at(host).encode_v2() == data


def test_v2_cjdns() -> None:
    data = bytes.fromhex("0610fc000001000200030004000500060007208d")
    address = NetAddress.decode_v2(Reader(data))
    assert address == NetAddress.from_text("fc00:1:2:3:4:5:6:7", 8333, cjdns=True)
    outside = NetAddress.decode_v2(Reader(bytes.fromhex("0610aa" + "00" * 15 + "208d")))
    assert outside is not None
    assert not outside.is_valid()


@pytest.mark.parametrize(
    "data_hex",
    [
        "aa0401020304208d",  # A network that nobody knows yet.
        "aa00208d",
        "030af1f2f3f4f5f6f7f8f9fa208d",  # Tor version 2.
        "021000000000000000000000ffff01020304208d",  # IPv4 inside IPv6.
        "0210fd87d87eeb43f1f2f3f4f5f6f7f8f9fa208d",  # Tor version 2 inside IPv6.
        "aafd0002" + "00" * 512 + "208d",
    ],
)
def test_v2_skips_what_bip_155_says_to_ignore(data_hex: str) -> None:
    reader = Reader(bytes.fromhex(data_hex))
    assert NetAddress.decode_v2(reader) is None
    reader.finish()


@pytest.mark.parametrize(
    "data_hex",
    [
        "",
        "01",
        "010501020304",
        "010501020304050000",  # Five bytes of IPv4.
        "02040102030405060000",
        "041000000000000000000000000000000000208d",
        "050301020300208d",
        "06020102208d",
        "01fd040001020304208d",  # A length longer than needed.
        "aafd0102" + "00" * 513 + "208d",  # Too long even for an unknown network.
        "0104010203",
        "010401020304",  # No port.
    ],
)
def test_v2_refuses_what_is_not_its_network(data_hex: str) -> None:
    with pytest.raises(DecodeError):
        NetAddress.decode_v2(Reader(bytes.fromhex(data_hex)))


@given(v1_addresses())
def test_v1_round_trip(address: NetAddress) -> None:
    reader = Reader(address.encode_v1())
    assert NetAddress.decode_v1(reader) == address
    reader.finish()


@given(net_addresses())
def test_v2_round_trip(address: NetAddress) -> None:
    reader = Reader(address.encode_v2())
    assert NetAddress.decode_v2(reader) == address
    reader.finish()


@given(timed_addresses())
def test_timed_v2_round_trip(entry: TimedAddress) -> None:
    reader = Reader(entry.encode_v2())
    assert TimedAddress.decode_v2(reader) == entry
    reader.finish()


@given(timed_addresses(v1_addresses()))
def test_timed_v1_round_trip(entry: TimedAddress) -> None:
    data = entry.encode_v1()
    assert len(data) == 30
    assert TimedAddress.decode_v1(Reader(data)) == entry


# Judgement.


@pytest.mark.parametrize(
    "host",
    [
        "8.8.8.8",
        "172.15.0.1",
        "172.32.0.1",
        "198.17.255.255",
        "198.20.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "203.0.114.1",
        "2001::1",
        "2001::8888",
        "2001:30::1",
        "2002::1",
        "64:ff9b::102:304",
        "fe80:0:0:1::1",  # Only fe80::/64 is link-local to Bitcoin Core.
        ONION,
        I2P,
    ],
)
def test_routable(host: str) -> None:
    assert at(host).is_routable()


@pytest.mark.parametrize(
    "host",
    [
        "0.0.0.0",
        "0.1.2.3",
        "127.0.0.1",
        "255.255.255.255",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.0",
        "172.31.255.255",
        "198.18.0.0",
        "198.19.255.255",
        "169.254.1.1",
        "100.64.0.0",
        "100.127.255.255",
        "192.0.2.1",
        "198.51.100.1",
        "203.0.113.255",
        "::",
        "::1",
        "2001:db8::",
        "fc00::",
        "fdff::1",
        "fe80::1",
        "2001:10::",
        "2001:1f:ffff::",
        "2001:20::",
        "fd6b:88c0:8724::1",
    ],
)
def test_unroutable(host: str) -> None:
    assert not at(host).is_routable()
    assert at(host).group() == b"\x00"


def test_cjdns_is_routable_where_private_ipv6_is_not() -> None:
    assert NetAddress.from_text("fc00::1", 1, cjdns=True).is_routable()


@pytest.mark.parametrize("host", ["0.0.0.0", "255.255.255.255", "::", "2001:db8::1"])
def test_names_no_host(host: str) -> None:
    assert not at(host).is_valid()


def test_what_never_leaves_the_machine_is_local() -> None:
    assert [at(host).is_local() for host in ("127.9.9.9", "0.1.1.1", "::1", "::2", ONION)] == [
        True,
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("host", "group"),
    [
        ("1.2.3.4", [1, 1, 2]),
        ("::ffff:0:102:304", [1, 1, 2]),  # RFC 6145
        ("64:ff9b::102:304", [1, 1, 2]),  # RFC 6052
        ("2002:102:304:9999:9999:9999:9999:9999", [1, 1, 2]),  # RFC 3964
        ("2001:0:9999:9999:9999:9999:fefd:fcfb", [1, 1, 2]),  # RFC 4380
        ("2001:470:abcd:9999:9999:9999:9999:9999", [2, 32, 1, 4, 112, 175]),  # he.net
        ("2001:2001:9999:9999:9999:9999:9999:9999", [2, 32, 1, 32, 1]),
        (ONION, [3, 0x7F]),
        (I2P, [4, 0xAF]),
    ],
)
def test_group(host: str, group: list[int]) -> None:
    assert at(host).group() == bytes(group)


def test_group_of_cjdns_skips_its_constant_byte() -> None:
    address = NetAddress.from_text("fc32:17ea::1", 1, cjdns=True)
    assert address.group() == bytes([5, 0xFC, 0x3F])


def test_in_the_lab_loopback_has_groups() -> None:
    first, second, third = at("127.1.0.1"), at("127.1.255.255"), at("127.2.0.1")
    assert first.is_routable(lab=True)
    assert first.group(lab=True) == second.group(lab=True) == bytes([1, 127, 1])
    assert third.group(lab=True) != first.group(lab=True)
    assert not at("0.1.2.3").is_routable(lab=True)
    assert not at("10.0.0.1").is_routable(lab=True)
    assert not at("::1").is_routable(lab=True)


@given(net_addresses())
def test_a_routable_address_is_valid_and_shares_no_group_with_unroutable_ones(
    address: NetAddress,
) -> None:
    assert address.is_valid() or not address.is_routable()
    assert (address.group() == b"\x00") is not address.is_routable()
    assert address.is_routable(lab=True) or not address.is_routable()


@given(net_addresses())
def test_an_address_that_is_heard_of_twice_is_one_value(address: NetAddress) -> None:
    first, second = (NetAddress.decode_v2(Reader(address.encode_v2())) for _ in range(2))
    assert first is second
    if first is not None:
        assert hash(first) == hash(address)


def test_addresses_that_differ_in_one_part_are_not_equal() -> None:
    hosts = (bytes(15) + b"\x01", bytes(15) + b"\x02")
    networks = (AddressNetwork.IPV6, AddressNetwork.CJDNS)
    all_of_them = {
        NetAddress(net, host, port) for net in networks for host in hosts for port in (1, 2)
    }
    assert len(all_of_them) == 8
