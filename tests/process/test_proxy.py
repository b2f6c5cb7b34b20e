"""Real nodes behind a real SOCKS5 proxy: whom they dial through it, and what is brought out so."""

from __future__ import annotations

from typing import Any

import pytest

from axon.machine import Endpoint
from axon.p2p.handshake import ANONYMOUS_AGENT
from axon.primitives.netaddress import AddressNetwork, NetAddress
from axon.primitives.transaction import TxOut
from axon.rpc.errors import RpcError
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from tests.process.conftest import ALICE, MakeNode
from tests.process.market import Market
from tests.socksserver import SocksServer

pytestmark = pytest.mark.process

ONIONS = [
    NetAddress(AddressNetwork.TORV3, bytes([n * 16, *range(31)]), 18444).to_text() for n in range(8)
]
NAME = "bob.example"
HEIGHT = 101


def networks(node: NodeProcess) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in node.rpc("getnetworkinfo")["networks"]}


def test_a_name_is_known_to_the_proxy_alone(make_node: MakeNode) -> None:
    bob = make_node("bob")
    door = Endpoint(bob.p2p.host, bob.p2p.port)
    bob.options += (f"-bind={door}=onion",)
    bob.p2p = Endpoint(bob.p2p.host, bob.p2p.port + 1)
    bob.start()
    with SocksServer({NAME: door}) as proxy:
        alice = make_node(
            "alice", f"-proxy={proxy.endpoint}", f"-addnode={NAME}:5", "-i2psam=[::1]"
        )
        alice.start()
        wait_until(lambda: bool(alice.peers() and bob.peers()), 60, "Alice reaches Bob")
        (peer,) = alice.peers()
        assert (peer["addr"], peer["network"]) == (f"{NAME}:5", "not_publicly_routable")
        assert [each["network"] for each in bob.peers()] == ["onion"]
        (asked,) = proxy.requests()
        assert (asked.host, asked.port, asked.kind) == (NAME, 5, 3)
        shown = networks(alice)
        for name in ("ipv4", "ipv6", "onion", "cjdns"):
            assert shown[name]["proxy"] == str(proxy.endpoint)
            assert shown[name]["proxy_randomize_credentials"]
        assert (shown["onion"]["reachable"], shown["cjdns"]["reachable"]) == (True, False)
        assert (shown["i2p"]["proxy"], shown["i2p"]["reachable"]) == ("[::1]:7656", True)
        assert not shown["i2p"]["proxy_randomize_credentials"]
        assert alice.rpc("getnetworkinfo")["localaddresses"] == []


def test_a_payment_goes_out_privately_and_comes_back(make_node: MakeNode) -> None:
    bob, carol = make_node("bob").start(), make_node("carol", "-logips").start()
    market = Market(ALICE)
    market.mine(bob, HEIGHT)
    carol.rpc("addnode", str(bob.p2p), "add")
    with SocksServer(dict.fromkeys(ONIONS, carol.p2p)) as proxy:
        alice = make_node(
            "alice", f"-proxy={proxy.endpoint}", f"-addnode={bob.p2p}", "-privatebroadcast"
        )
        alice.start()
        wait_until(lambda: alice.height() == HEIGHT == carol.height(), 60, "all follow")
        # The table draws their places; two may have drawn the same.
        assert sum(alice.rpc("addpeeraddress", onion, 18444)["success"] for onion in ONIONS) > 3
        coin = market._ripe[0]
        paid = ALICE.pay([coin], [TxOut(coin.amount_sat - 10_000, ALICE.script)])
        txid = alice.rpc("sendrawtransaction", paid.raw.hex())
        assert txid not in alice.rpc("getrawmempool")
        wait_until(lambda: txid in alice.rpc("getrawmempool"), 90, "it comes back")
        assert alice.rpc("getprivatebroadcastinfo") == {"transactions": []}
        assert any(each.host in ONIONS for each in proxy.requests())
        users = [each.user for each in proxy.requests()]
        assert len(set(users)) == len(users)
        assert any(ANONYMOUS_AGENT in line for line in carol.log_lines())
        with pytest.raises(RpcError, match="not in private broadcast queue"):
            alice.rpc("abortprivatebroadcast", txid)
