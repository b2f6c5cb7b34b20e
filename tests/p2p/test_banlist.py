"""Bans and discouragement: whom they cover, for how long, and how they survive a restart."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.errors import DecodeError
from axon.machine import HOUR, SECOND
from axon.p2p.banlist import MAX_DISCOURAGED, Ban, BanList, Subnet
from axon.primitives.netaddress import AddressNetwork, NetAddress
from tests.p2p.examples import NOW, ip
from tests.strategies import net_addresses

NOW_S = NOW // SECOND


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("1.2.3.4", "1.2.3.4/32"),
        ("1.2.3.4/24", "1.2.3.0/24"),
        ("1.2.3.4/255.255.0.0", "1.2.0.0/16"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("2001:4860:4860::8888", "2001:4860:4860::8888/128"),
        ("2001:4860:4860::8888/32", "2001:4860::/32"),
    ],
)
def test_subnets_are_written_as_bitcoin_core_writes_them(text: str, canonical: str) -> None:
    subnet = Subnet.from_text(text)
    assert str(subnet) == canonical
    assert Subnet.from_text(canonical) == subnet


@pytest.mark.parametrize("text", ["", "1.2.3", "1.2.3.4/33", "1.2.3.4/x", "host.example", "1/2/3"])
def test_what_is_no_subnet_is_refused(text: str) -> None:
    with pytest.raises(DecodeError):
        Subnet.from_text(text)


def test_a_subnet_covers_its_hosts_at_any_port() -> None:
    subnet = Subnet.from_text("1.2.3.0/25")
    assert ip("1.2.3.127", 1) in subnet
    assert ip("1.2.3.128") not in subnet
    assert ip("::1") not in subnet


@given(net_addresses())
def test_any_address_is_a_subnet_of_itself(address: NetAddress) -> None:
    subnet = Subnet.of(address)
    assert address in subnet
    if address.network is not AddressNetwork.CJDNS:  # Its text is that of an IPv6 address.
        assert Subnet.from_text(str(subnet)) == subnet


def test_a_ban_ends() -> None:
    bans = BanList()
    assert bans.ban(Subnet.from_text("1.2.0.0/16"), NOW, NOW_S + 3600)
    assert bans.is_banned(ip("1.2.3.4"), NOW)
    assert not bans.is_banned(ip("1.3.3.4"), NOW)
    assert not bans.is_banned(ip("1.2.3.4"), NOW + HOUR)
    assert bans.has_ban(Subnet.from_text("1.2.0.0/16"), NOW)
    assert not bans.has_ban(Subnet.from_text("1.2.0.0/16"), NOW + HOUR)
    assert bans.listed(NOW + HOUR) == []


def test_a_shorter_ban_does_not_replace_a_longer_one() -> None:
    bans, subnet = BanList(), Subnet.from_text("1.2.3.4")
    bans.ban(subnet, NOW, NOW_S + 100)
    assert not bans.ban(subnet, NOW, NOW_S + 50)
    assert bans.ban(subnet, NOW, NOW_S + 150)
    assert bans.listed(NOW) == [Ban(subnet, NOW_S, NOW_S + 150)]


def test_bans_are_taken_back_one_by_one_or_all() -> None:
    bans = BanList()
    subnets = [Subnet.from_text(f"1.2.3.{host}") for host in range(3)]
    for subnet in subnets:
        bans.ban(subnet, NOW, NOW_S + 100)
    assert bans.unban(subnets[0])
    assert not bans.unban(subnets[0])
    assert [ban.subnet for ban in bans.listed(NOW)] == subnets[1:]
    bans.clear()
    assert not bans.is_banned(ip("1.2.3.1"), NOW)


def test_discouraging_covers_the_host_and_is_bounded() -> None:
    bans = BanList()
    bans.discourage(ip("1.2.3.4", 1000))
    assert bans.is_discouraged(ip("1.2.3.4", 2000))
    assert bans.is_refused(ip("1.2.3.4"), NOW)
    assert not bans.is_refused(ip("1.2.3.5"), NOW)
    for number in range(2 * MAX_DISCOURAGED):
        bans.discourage(NetAddress(AddressNetwork.IPV4, number.to_bytes(4, "big"), 1))
    assert not bans.is_discouraged(ip("1.2.3.4"))


def test_the_file_has_bitcoin_cores_form() -> None:
    bans = BanList()
    bans.ban(Subnet.from_text("1.2.3.0/24"), NOW, NOW_S + 100)
    bans.ban(Subnet.from_text("9.9.9.9"), NOW, NOW_S - 1)
    assert json.loads(bans.encode(NOW)) == {
        "banned_nets": [
            {
                "version": 1,
                "ban_created": NOW_S,
                "banned_until": NOW_S + 100,
                "address": "1.2.3.0/24",
            }
        ]
    }


def test_bans_survive_a_restart() -> None:
    bans = BanList()
    for text in ("1.2.3.0/24", "2001:4860::/32", "8.8.8.8"):
        bans.ban(Subnet.from_text(text), NOW, NOW_S + 100)
    assert BanList.decode(bans.encode(NOW)).listed(NOW) == bans.listed(NOW)


def test_entries_of_another_version_are_passed_over() -> None:
    entry = {"version": 2, "ban_created": 0, "banned_until": 2**40, "address": "1.2.3.4"}
    data = json.dumps({"banned_nets": [entry]}).encode()
    assert BanList.decode(data).listed(NOW) == []


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"banned_nets": 1}',
        b'{"banned_nets": [{"version": 1}]}',
        b'{"banned_nets": [1]}',
        b'{"banned_nets": [{"version":1,"ban_created":"","banned_until":1,"address":"1.2.3.4"}]}',
        b'{"banned_nets": [{"version":1,"ban_created":0,"banned_until":1,"address":"nonsense"}]}',
        b'{"banned_nets": [{"version":1,"ban_created":0,"banned_until":1,"address":7}]}',
        b"[" * 100_000,
    ],
)
def test_a_damaged_file_says_what_to_do(data: bytes) -> None:
    with pytest.raises(DecodeError, match=r"banlist\.json"):
        BanList.decode(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_ban_list_or_a_decode_error(data: bytes) -> None:
    try:
        BanList.decode(data)
    except DecodeError:
        return


def test_a_ban_by_its_text_covers_a_host_on_cjdns_too() -> None:
    host = NetAddress.from_text("fc00:1::1", 18444, cjdns=True)
    assert host in Subnet.from_text("fc00:1::1")
    assert host in Subnet.from_text("fc00:1::/32")
    assert host not in Subnet.from_text("fc00:2::/32")
    assert NetAddress.from_text("fc00:1::1", 1) in Subnet.of(host)
