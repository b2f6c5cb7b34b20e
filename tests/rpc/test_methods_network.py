"""Peers, bans and addresses by RPC: two real nodes on loopback.

What goes over real sockets has to be waited for: `until` sleeps for milliseconds between two looks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from axon.node.commands import Submitted
from axon.p2p.banlist import DEFAULT_BAN_S
from axon.primitives.block import Block
from axon.primitives.hashes import to_hex
from axon.primitives.network import REGTEST
from axon.primitives.transaction import TxOut
from axon.rpc.amounts import Amount
from axon.rpc.version import COMPATIBLE_VERSION
from tests.node.rig import chain_on
from tests.rpc.running import Rig, running

AGE_LIMIT_S = 100


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Rig, Rig]]:
    """A node that listens with a chain of its own, and one that dials."""
    with running(tmp_path_factory.mktemp("far")) as far:
        far.call("generatetoaddress", 101, far.alice.address())
        with running(tmp_path_factory.mktemp("near")) as near:
            yield near, far


def until(met: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not met():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.005)


@pytest.fixture
def linked(pair: tuple[Rig, Rig]) -> Iterator[tuple[Rig, Rig]]:
    """The same with one connection between them, pinged both ways."""
    near, far = pair
    near.call("addnode", str(far.endpoint), "onetry")
    until(lambda: all(_is_pinged(rig) for rig in pair))
    until(lambda: near.node.active.tip.hash == far.node.active.tip.hash)
    yield pair
    for peer in near.call("getpeerinfo"):
        near.call("disconnectnode", nodeid=peer["id"])
    until(lambda: not near.node.sessions and not far.node.sessions)


def _is_pinged(rig: Rig) -> bool:
    peers = rig.call("getpeerinfo")
    return bool(peers) and all(peer["bytesrecv_per_msg"].get("pong", 0) > 0 for peer in peers)


def only_peer(rig: Rig) -> dict[str, Any]:
    [peer] = rig.call("getpeerinfo")
    assert isinstance(peer, dict)
    return peer


# Who is there.


def test_alone(pair: tuple[Rig, Rig]) -> None:
    near, _ = pair
    assert near.call("getpeerinfo") == []
    assert near.call("getconnectioncount") == 0
    assert near.call("ping") is None


def test_what_is_told_of_a_peer(linked: tuple[Rig, Rig]) -> None:
    near, far = linked
    peer, back = only_peer(near), only_peer(far)
    assert (peer["addr"], peer["addrbind"]) == (back["addrbind"], back["addr"])
    assert peer["addr"] == str(far.endpoint)
    assert (peer["inbound"], back["inbound"]) == (False, True)
    assert (peer["connection_type"], back["connection_type"]) == ("manual", "inbound")
    assert peer["network"] == "not_publicly_routable"
    assert peer["subver"] == far.call("getnetworkinfo")["subversion"]
    assert peer["services"] == far.call("getnetworkinfo")["localservices"]
    assert "WITNESS" in peer["servicesnames"]
    assert peer["version"] == 70017
    assert peer["relaytxes"] is True
    assert peer["synced_headers"] == peer["synced_blocks"] == far.node.active.height
    assert (peer["presynced_headers"], peer["inflight"]) == (-1, [])
    assert 0 < peer["minping"] <= peer["pingtime"] < 20
    now_s = near.daemon.now_s
    for name in ("conntime", "lastsend", "lastrecv"):
        assert now_s - AGE_LIMIT_S < peer[name] <= now_s
    # The key agreement is no message; it ends with a packet for a version.
    assert peer["bytessent"] > sum(peer["bytessent_per_msg"].values())
    assert peer["bytesrecv"] > sum(peer["bytesrecv_per_msg"].values())
    assert list(peer["bytesrecv_per_msg"]) == sorted(peer["bytesrecv_per_msg"])
    assert peer["transport_protocol_type"] == back["transport_protocol_type"] == "v2"
    assert peer["session_id"] == back["session_id"]
    assert len(peer["session_id"]) == 64
    assert peer["permissions"] == []
    assert "startingheight" not in peer


def test_a_peers_fields_are_bitcoin_cores_in_their_order(linked: tuple[Rig, Rig]) -> None:
    near, _ = linked
    optional = {"addrlocal", "mapped_as", "pingwait"}
    assert [name for name in only_peer(near) if name not in optional] == (
        "id addr addrbind network services servicesnames relaytxes last_inv_sequence inv_to_send "
        "lastsend lastrecv last_transaction last_block bytessent bytesrecv conntime timeoffset "
        "pingtime minping version subver inbound bip152_hb_to bip152_hb_from presynced_headers "
        "synced_headers synced_blocks inflight addr_relay_enabled addr_processed "
        "addr_rate_limited permissions minfeefilter bytessent_per_msg bytesrecv_per_msg "
        "connection_type transport_protocol_type session_id"
    ).split()


def test_what_happened_to_blocks(linked: tuple[Rig, Rig]) -> None:
    near, far = linked
    [block] = far.mine()
    until(lambda: near.node.active.tip.hash == block.hash)
    [timeline] = near.call("getblocktimeline", 1)
    until(lambda: "validation_ms" in near.call("getblocktimeline", 1)[0])
    [timeline] = near.call("getblocktimeline", 1)
    assert (timeline["hash"], timeline["height"]) == (to_hex(block.hash), 102)
    peer = only_peer(near)["id"]
    assert timeline["announced"][0]["peer"] == timeline["sender"] == peer
    assert abs(timeline["time"] - near.daemon.now_s) < AGE_LIMIT_S
    assert [each["height"] for each in near.call("getblocktimeline")] == list(range(102, 92, -1))
    assert near.refusal("getblocktimeline", 0) == (
        -8,
        "Invalid count, must be between 1 and 1200",
    )


def test_a_stale_block_is_fetched_from_a_peer(linked: tuple[Rig, Rig]) -> None:
    near, far = linked
    tip = far.node.active.tip
    parent = tip.parent
    assert parent is not None
    stale = chain_on(parent, 1, salt=b"stale")[0]
    name, peer = to_hex(stale.hash), only_peer(near)["id"]
    assert far.submit(stale) == Submitted("inconclusive")
    assert near.refusal("getblockfrompeer", name, peer) == (-1, "Block header missing")
    near.call("submitheader", stale.header.raw.hex())
    assert near.refusal("getblock", name)[0] == -1
    assert near.refusal("getblockfrompeer", to_hex(tip.hash), peer) == (
        -1,
        "Block already downloaded",
    )
    assert near.refusal("getblockfrompeer", name, peer + 1) == (-1, "Peer does not exist")
    assert near.refusal("getblockfrompeer", "12", peer)[0] == -8
    assert near.call("getblockfrompeer", name, peer) == {}
    until(lambda: near.node.chain.has_block(stale.hash) and not near.node.chain.validating)
    assert near.call("getblock", name, 0) == stale.raw.hex()
    assert {"height": tip.height, "hash": name, "branchlen": 1, "status": "valid-headers"} in (
        near.call("getchaintips")
    )
    assert near.node.active.tip.hash == tip.hash


def test_counts_and_totals(linked: tuple[Rig, Rig]) -> None:
    near, far = linked
    until(lambda: near.call("getconnectioncount") == far.call("getconnectioncount") == 1)
    totals = near.call("getnettotals")
    assert totals["totalbytesrecv"] >= only_peer(near)["bytesrecv"] > 0
    assert totals["totalbytessent"] >= only_peer(near)["bytessent"] > 0
    assert abs(totals["timemillis"] - time.time() * 1_000) < 20_000
    assert totals["uploadtarget"] == {
        "timeframe": 86_400,
        "target": 0,
        "target_reached": False,
        "serve_historical_blocks": True,
        "bytes_left_in_cycle": 0,
        "time_left_in_cycle": 0,
    }


def test_network_info(linked: tuple[Rig, Rig]) -> None:
    near, far = linked
    info = near.call("getnetworkinfo")
    assert info["version"] == COMPATIBLE_VERSION
    assert info["subversion"] == near.node.settings.user_agent
    assert info["localservicesnames"] == [
        "NETWORK",
        "WITNESS",
        "COMPACT_FILTERS",
        "NETWORK_LIMITED",
        "P2P_V2",
    ]
    assert int(info["localservices"], 16) == near.node.services
    assert (info["localrelay"], info["networkactive"]) == (True, True)
    assert (info["connections"], info["connections_in"], info["connections_out"]) == (1, 0, 1)
    assert far.call("getnetworkinfo")["connections_in"] == 1
    names = [network["name"] for network in info["networks"]]
    assert names == ["ipv4", "ipv6", "onion", "i2p", "cjdns"]
    assert info["networks"][0]["reachable"] is not info["networks"][0]["limited"]
    assert (info["relayfee"], info["incrementalfee"]) == (Amount(100), Amount(100))
    assert (info["localaddresses"], info["warnings"], info["timeoffset"]) == ([], [], 0)


def test_pinging(linked: tuple[Rig, Rig]) -> None:
    near, _ = linked
    before = only_peer(near)["bytesrecv_per_msg"]["pong"]
    near.call("ping")
    until(lambda: only_peer(near)["bytesrecv_per_msg"]["pong"] == before + 29)


# Connections made and ended.


def test_disconnecting(linked: tuple[Rig, Rig]) -> None:
    near, far = linked
    missing = (-29, "Node not found in connected nodes")
    assert near.refusal("disconnectnode", "1.2.3.4:5") == missing
    assert near.refusal("disconnectnode", nodeid=999) == missing
    both = (-32602, "Only one of address and nodeid should be provided.")
    assert near.refusal("disconnectnode", "1.2.3.4:5", 1) == both
    assert near.refusal("disconnectnode") == both
    near.call("disconnectnode", address=str(far.endpoint))
    until(lambda: not far.node.sessions)
    assert not near.node.sessions
    near.call("addnode", str(far.endpoint), "onetry")
    # Before its first byte it would be dialled again at once, without encryption.
    until(lambda: bool(near.node.sessions) and only_peer(near)["version"] > 0)
    near.call("disconnectnode", "", only_peer(near)["id"])
    assert not near.node.sessions


def test_added_nodes(pair: tuple[Rig, Rig]) -> None:
    near, far = pair
    name = str(far.endpoint)
    assert near.call("getaddednodeinfo") == []
    near.call("addnode", node=name, command="add")
    until(lambda: bool(near.node.sessions))
    connected = {
        "addednode": name,
        "connected": True,
        "addresses": [{"address": name, "connected": "outbound"}],
    }
    assert near.call("getaddednodeinfo", name) == [connected]
    assert near.refusal("addnode", name, "add") == (-23, "Error: Node already added")
    assert near.call("addnode", name, "remove") is None
    assert near.refusal("addnode", name, "remove") == (
        -24,
        "Error: Node could not be removed. It has not been added previously.",
    )
    assert near.refusal("getaddednodeinfo", name) == (-24, "Error: Node has not been added.")
    assert near.node.sessions, "the connection stays"
    near.call("disconnectnode", name)
    assert near.call("getaddednodeinfo") == []


def test_an_added_node_may_be_away(pair: tuple[Rig, Rig]) -> None:
    near, _ = pair
    near.call("addnode", "127.0.0.1:1", "add")
    away = {"addednode": "127.0.0.1:1", "connected": False, "addresses": []}
    assert near.call("getaddednodeinfo") == [away]
    near.call("addnode", "127.0.0.1:1", "remove")


def test_what_cannot_be_added(pair: tuple[Rig, Rig]) -> None:
    near, _ = pair
    code, text = near.refusal("addnode", "127.0.0.1", "invite")
    assert (code, text.split()[0]) == (-1, "addnode")
    for name in ("", ":5", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536", "a b"):
        assert near.refusal("addnode", name, "add")[0] == -8
    assert near.call("getaddednodeinfo") == []


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("1.2.3.4", "1.2.3.4", REGTEST.port),
        ("node.example:77", "node.example", 77),
        ("::1", "::1", REGTEST.port),
        ("[::1]", "::1", REGTEST.port),
        ("[2001:db8::2]:9", "2001:db8::2", 9),
    ],
)
def test_how_a_node_may_be_named(pair: tuple[Rig, Rig], text: str, host: str, port: int) -> None:
    near, _ = pair
    near.call("setnetworkactive", False)
    try:
        near.call("addnode", text, "add")
        [added] = near.node.links.connections.added_nodes()
        assert (added.target.endpoint.host, added.target.endpoint.port) == (host, port)
    finally:
        near.call("addnode", text, "remove")
        near.call("setnetworkactive", True)


def test_block_relay_connections_are_few(tmp_path: Path) -> None:
    with ExitStack() as stack:
        near, *others = [
            stack.enter_context(running(tmp_path / name)) for name in ("near", "a", "b", "c")
        ]
        names = [str(rig.endpoint) for rig in others]
        for name in names[:2]:
            near.call("addconnection", name, "block-relay-only", False)
        assert near.refusal("addconnection", names[2], "block-relay-only", False) == (
            -34,
            "Error: Already at capacity for specified connection type.",
        )
        # There is room for another kind. Its peer speaks of blocks all the same.
        near.call("addconnection", names[2], "addr-fetch", False)
        until(lambda: len(near.node.sessions) == 3)
        until(lambda: "getheaders" in near.call("getpeerinfo")[2]["bytesrecv_per_msg"])
        assert near.call("getconnectioncount") == 3


@pytest.mark.parametrize("kind", ["outbound-full-relay", "block-relay-only"])
def test_connections_for_tests(pair: tuple[Rig, Rig], kind: str) -> None:
    near, far = pair
    name = str(far.endpoint)
    assert near.call("addconnection", name, kind, False) == {
        "address": name,
        "connection_type": kind,
    }
    until(lambda: bool(near.node.sessions) and only_peer(near)["version"] > 0)
    peer = only_peer(near)
    assert peer["connection_type"] == kind
    assert peer["addr_relay_enabled"] is (kind == "outbound-full-relay")
    until(lambda: bool(far.node.sessions) and only_peer(far)["version"] > 0)
    assert only_peer(far)["relaytxes"] is (kind == "outbound-full-relay")
    near.call("disconnectnode", name)
    until(lambda: not far.node.sessions)


def test_what_is_no_connection_for_tests(pair: tuple[Rig, Rig]) -> None:
    near, _ = pair
    code, text = near.refusal("addconnection", "127.0.0.1:5", "inbound", False)
    assert (code, text.split()[0]) == (-8, "addconnection")


def test_encryption_that_is_switched_off(tmp_path: Path) -> None:
    with running(tmp_path, v2=False) as near:
        assert near.refusal("addnode", "127.0.0.1", "onetry", True) == (
            -8,
            "Error: v2transport requested but not enabled (see -v2transport)",
        )
        assert near.refusal("addconnection", "127.0.0.1:5", "feeler", True) == (
            -8,
            "Error: Adding v2transport connections requires -v2transport init flag to be set.",
        )
        assert "P2P_V2" not in near.call("getnetworkinfo")["localservicesnames"]


def test_the_network_switched_off(linked: tuple[Rig, Rig]) -> None:
    near, far = linked
    assert near.call("setnetworkactive", False) is False
    assert near.call("getnetworkinfo")["networkactive"] is False
    assert near.call("getpeerinfo") == []
    near.call("addnode", str(far.endpoint), "onetry")
    assert near.call("getconnectioncount") == 0
    assert near.call("setnetworkactive", state=True) is True


# Bans.


def test_bans(pair: tuple[Rig, Rig]) -> None:
    near, _ = pair
    near.saved.clear()
    now_s = near.daemon.now_s
    assert near.call("setban", "10.1.2.3", "add") is None
    near.call("setban", subnet="10.2.0.0/16", command="add", bantime=500)
    near.call("setban", "2001:db8::/32", "add", now_s + 1_000, True)
    assert near.saved == ["peers"] * 3
    first, second, third = near.call("listbanned")
    assert first["address"] == "10.1.2.3/32"
    assert first["ban_duration"] == DEFAULT_BAN_S
    assert second["address"] == "10.2.0.0/16"
    assert second["banned_until"] == second["ban_created"] + 500
    assert 0 < second["time_remaining"] <= 500
    assert third["banned_until"] == now_s + 1_000
    already = (-23, "Error: IP/Subnet already banned")
    assert near.refusal("setban", "10.2.0.0/16", "add") == already
    assert near.refusal("setban", "10.2.9.9", "add") == already
    near.call("setban", "10.2.9.0/24", "add")  # A smaller subnet is another one.
    assert near.refusal("setban", "10.2.9.9", "remove") == (
        -30,
        "Error: Unban failed. Requested address/subnet was not previously manually banned.",
    )
    near.call("setban", "10.2.0.0/16", "remove")
    assert [ban["address"] for ban in near.call("listbanned")] == [
        "10.1.2.3/32",
        "10.2.9.0/24",
        "2001:db8::/32",
    ]
    assert near.call("clearbanned") is None
    assert near.call("listbanned") == []


def test_what_cannot_be_banned(pair: tuple[Rig, Rig]) -> None:
    near, _ = pair
    for subnet in ("", "nobody", "10.0.0.0/33", "300.0.0.1"):
        assert near.refusal("setban", subnet, "add") == (-30, "Error: Invalid IP/Subnet")
    assert near.refusal("setban", "10.1.2.3", "forgive")[0] == -1
    past = (-8, "Error: Absolute timestamp is in the past")
    assert near.refusal("setban", "10.1.2.3", "add", 123, True) == past
    assert near.call("listbanned") == []


def test_bans_end_by_the_mocked_clock(pair: tuple[Rig, Rig]) -> None:
    near, _ = pair
    now_s = near.daemon.now_s
    try:
        near.call("setmocktime", now_s)
        near.call("setban", "10.1.2.3", "add", 100)
        near.call("setmocktime", now_s + 99)
        assert near.call("listbanned")[0]["time_remaining"] == 1
        near.call("setmocktime", now_s + 100)
        assert near.call("listbanned") == []
    finally:
        near.call("setmocktime", 0)


def test_a_ban_ends_connections(linked: tuple[Rig, Rig]) -> None:
    near, far = linked
    far.call("setban", "127.0.0.0/8", "add")
    try:
        assert not far.node.sessions
        until(lambda: not near.node.sessions)
    finally:
        far.call("clearbanned")


# Messages as they stand.


def test_a_message_goes_out_as_it_stands(linked: tuple[Rig, Rig]) -> None:
    near, far = linked
    [peer] = near.call("getpeerinfo")
    [seen] = far.call("getpeerinfo")
    before = seen["bytesrecv_per_msg"].get("*other*", 0)
    assert near.call("sendmsgtopeer", peer["id"], "sonnet", "aabbcc") == {}
    until(lambda: far.call("getpeerinfo")[0]["bytesrecv_per_msg"].get("*other*", 0) > before)
    assert near.call("sendmsgtopeer", peer["id"], "addr", "00" * 4_000_013) == {}
    until(lambda: not far.call("getpeerinfo"))  # No message may be so long.


def test_messages_that_cannot_be_sent(pair: tuple[Rig, Rig]) -> None:
    near, _ = pair
    nobody = (-1, "Error: Could not send message to peer")
    assert near.refusal("sendmsgtopeer", 1_000_000, "addr", "") == nobody
    too_long = (-8, "Error: msg_type too long, max length is 12")
    assert near.refusal("sendmsgtopeer", 0, "thirteen_long", "") == too_long
    assert near.refusal("sendmsgtopeer", 0, "addr", "abc") == (-8, "Error parsing input for msg")
    assert near.refusal("sendmsgtopeer", 0, "ädr", "")[0] == -8
    assert near.refusal("sendmsgtopeer", 0, "addr", "00" * 16_000_001)[0] == -8


# Addresses.


def test_known_addresses(tmp_path: Path) -> None:
    with running(tmp_path) as rig:
        assert rig.call("getnodeaddresses") == []
        addresses = [f"1.{number}.2.3" for number in range(1, 21)]
        for address in addresses:
            assert rig.call("addpeeraddress", address, 8333) == {"success": True}
        assert rig.call("addpeeraddress", "2a00::5", 18444, True) == {"success": True}
        assert rig.call("getaddrmaninfo") == {
            "ipv4": {"new": 20, "tried": 0, "total": 20},
            "ipv6": {"new": 0, "tried": 1, "total": 1},
            "onion": {"new": 0, "tried": 0, "total": 0},
            "i2p": {"new": 0, "tried": 0, "total": 0},
            "cjdns": {"new": 0, "tried": 0, "total": 0},
            "all_networks": {"new": 20, "tried": 1, "total": 21},
        }
        told = rig.call("getnodeaddresses", 0)
        assert sorted(item["address"] for item in told) == sorted([*addresses, "2a00::5"])
        assert len(rig.call("getnodeaddresses", count=5)) == 5
        [six] = rig.call("getnodeaddresses", 0, "ipv6")
        assert (six["port"], six["network"], six["services"]) == (18444, "ipv6", 9)
        assert abs(six["time"] - rig.daemon.now_s) < AGE_LIMIT_S
        assert rig.refusal("getnodeaddresses", -1) == (-8, "Address count out of range")
        assert rig.refusal("getnodeaddresses", 1, "pigeon") == (
            -8,
            "Network not recognized: pigeon",
        )
        rig.call("setban", "1.1.0.0/16", "add")
        assert len(rig.call("getnodeaddresses", 0)) == 20


def test_addresses_that_are_not_kept(pair: tuple[Rig, Rig]) -> None:
    near, _ = pair
    assert near.call("addpeeraddress", "127.0.0.1", 8333) == {
        "success": False,
        "error": "failed-adding-to-new",
    }
    assert near.refusal("addpeeraddress", "nobody", 8333) == (-30, "Invalid IP address")
    assert near.refusal("addpeeraddress", "1.2.3.4", 65_536)[0] == -1


def test_the_tables_of_addresses(tmp_path: Path) -> None:
    with running(tmp_path) as rig:
        rig.call("addpeeraddress", "1.2.3.4", 8333)
        rig.call("addpeeraddress", "5.6.7.8", 8334, True)
        told = rig.call("getrawaddrman")
        [(place, entry)] = told["new"].items()
        bucket, slot = map(int, place.split("/"))
        assert 0 <= bucket < 1024
        assert 0 <= slot < 64
        assert entry["address"] == entry["source"] == "1.2.3.4"
        assert (entry["port"], entry["network"], entry["source_network"]) == (8333, "ipv4", "ipv4")
        [tried] = told["tried"].values()
        assert (tried["address"], tried["port"], tried["services"]) == ("5.6.7.8", 8334, 9)


# Time.


def test_the_scheduler_moved_on_announces_again(linked: tuple[Rig, Rig]) -> None:
    near, far = linked
    entry = far.node.active.at(1)
    assert entry is not None
    block = Block.decode(far.wait(far.daemon.read_block(entry.hash)))
    coin = far.coinbase(block)
    near.call("disconnectnode", str(far.endpoint))
    until(lambda: not far.node.sessions)
    paid = far.alice.pay([coin], [TxOut(coin.amount_sat - 1_000, far.bob.script)])
    far.send(paid)
    near.call("addnode", str(far.endpoint), "onetry")
    until(lambda: _is_pinged(near) and _is_pinged(far))
    # Until its initial sync is over a peer wants to hear of nothing.
    until(lambda: only_peer(far)["minfeefilter"].sat < 1_000)
    txid = to_hex(paid.txid)
    assert far.call("getmempoolentry", txid)["unbroadcast"] is True
    assert only_peer(far)["inv_to_send"] == 0
    now_s = far.daemon.now_s
    try:
        far.call("setmocktime", now_s)
        far.call("mockscheduler", 15 * 60)
        until(lambda: only_peer(far)["inv_to_send"] == 1)
        far.call("setmocktime", now_s + 60)  # The moment of the announcement is past.
        until(lambda: near.call("getrawmempool") == [txid])
        until(lambda: far.call("getmempoolinfo")["unbroadcastcount"] == 0)
        assert only_peer(far)["inv_to_send"] == 0
        assert only_peer(near)["last_transaction"] > 0
    finally:
        far.call("setmocktime", 0)


def test_pings_follow_the_mocked_clock(linked: tuple[Rig, Rig]) -> None:
    near, _ = linked
    before = only_peer(near)["bytesrecv_per_msg"]["pong"]
    now_s = near.daemon.now_s
    try:
        near.call("setmocktime", now_s + 130)
        until(lambda: only_peer(near)["bytesrecv_per_msg"]["pong"] > before)
    finally:
        near.call("setmocktime", 0)
