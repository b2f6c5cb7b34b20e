"""`axon rpc -netinfo`: what it is asked, and its columns, which are those of `bitcoin-cli`."""

from __future__ import annotations

from typing import Any

import pytest

from axon.cli.netinfo import NetinfoRequest, dashboard, read_request
from axon.errors import ConfigError

NOW_S = 1_700_000_000

PEER: dict[str, Any] = {
    "id": 3, "addr": "127.0.0.1:18444", "network": "not_publicly_routable", "inbound": True,
    "servicesnames": ["NETWORK", "WITNESS", "NETWORK_LIMITED", "P2P_V2"], "version": 70016,
    "relaytxes": True, "lastsend": NOW_S - 2, "lastrecv": NOW_S - 1, "last_transaction": 0,
    "last_block": NOW_S - 130, "conntime": NOW_S - 3_700, "minping": 0.0004, "pingtime": 0.0126,
    "subver": "/axon:0.1.0/", "connection_type": "inbound", "transport_protocol_type": "v2",
    "bip152_hb_to": False, "bip152_hb_from": True, "addr_relay_enabled": False,
    "addr_processed": 0, "addr_rate_limited": 0,
}  # fmt: skip
DIALLED = PEER | {
    "id": 12, "addr": "10.0.0.1:8333", "network": "ipv4", "inbound": False, "relaytxes": False,
    "connection_type": "block-relay-only", "transport_protocol_type": "detecting",
    "bip152_hb_to": True, "addr_processed": 1_234, "addr_relay_enabled": True,
}  # fmt: skip
NETWORK: dict[str, Any] = {
    "protocolversion": 70016, "subversion": "/axon:0.1.0/",
    "localservicesnames": ["NETWORK", "COMPACT_FILTERS"], "localaddresses": [],
    "networks": [{"name": "ipv4", "reachable": True}, {"name": "onion", "reachable": False}],
}  # fmt: skip


def shown(request: NetinfoRequest, *peers: dict[str, Any]) -> str:
    return dashboard(request, "axon client v1", peers, NETWORK, NOW_S)


def test_how_many_there_are() -> None:
    assert shown(NetinfoRequest(), PEER, DIALLED) == (
        "axon client v1 - server 70016/axon:0.1.0/\n\n"
        "         ipv4     npr   total   block\n"
        "in          0       1       1\n"
        "out         1       0       1       1\n"
        "total       1       1       2\n\n"
        "Local services: network, compact filters\n\n"
        "Local addresses: n/a\n"
    )


def test_each_peer() -> None:
    head, _, table = shown(NetinfoRequest(4), DIALLED, PEER).partition("\n\n")
    assert head.endswith(" - services nc")
    assert table.partition("\n\n")[0].split("\n") == [
        "<->   type   net   serv  v  mping   ping send recv  txn  blk  hb addrp addrl  age id "
        "address         version",
        " in          npr   nwl2  2      0     13    2    1         2   *     .         61  3 "
        "127.0.0.1:18444 70016/axon:0.1.0/",
        "out  block  ipv4   nwl2         0     13    2    1    *    2  .*  1234         61 12 "
        "10.0.0.1:8333   70016/axon:0.1.0/",
        "                               ms     ms  sec  sec  min  min                  min",
    ]


def test_dialled_ones_alone_are_listed_and_all_are_counted() -> None:
    text = shown(NetinfoRequest(1, outbound_only=True), DIALLED, PEER)
    assert "\nout  block" in text
    assert "\n in " not in text
    assert "\nin          0       1       1\n" in text


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ([], NetinfoRequest()),
        (["0"], NetinfoRequest()),
        (["2"], NetinfoRequest(2)),
        (["255"], NetinfoRequest(4)),
        (["1", "o"], NetinfoRequest(1, outbound_only=True)),
        (["1", "outonly", "more"], NetinfoRequest(1, outbound_only=True)),
    ],
)
def test_what_is_asked(arguments: list[str], wanted: NetinfoRequest) -> None:
    assert read_request(arguments) == wanted


@pytest.mark.parametrize("arguments", [["x"], ["256"], ["-1"], ["0", "o"], ["1", "in"]])
def test_what_cannot_be_asked(arguments: list[str]) -> None:
    with pytest.raises(ConfigError, match="invalid -netinfo"):
        read_request(arguments)
