"""Real nodes that encrypt, and one that cannot (BIP 324); who dials whom, and what they speak.

Waits for processes; each wait has a limit.
"""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest

from axon.primitives.netaddress import UNSPECIFIED
from axon.primitives.network import REGTEST
from axon.rpc.errors import RpcError
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from axon.wire.messages import Ping, Services, Verack, Version
from axon.wire.transport import Frame
from axon.wire.v2 import MAX_GARBAGE_SIZE
from tests.process.conftest import ALICE, MakeNode
from tests.process.rawpeer import PATIENCE_S, RawPeer
from tests.v2peer import HandMadePeer

pytestmark = pytest.mark.process

LIMIT_S = 30.0
ALONE = "-connect=0"


def spoken(node: NodeProcess) -> list[tuple[str, bool]]:
    """The transport of each peer, and whether it was the one who dialled."""
    return sorted((each["transport_protocol_type"], each["inbound"]) for each in ready(node))


def ready(node: NodeProcess) -> list[dict[str, Any]]:
    """The peers that have shaken hands."""
    return [each for each in node.peers() if each["version"]]


def heard(link: socket.socket) -> bytes:
    """The next bytes; the connection stands."""
    data = link.recv(1 << 16)
    assert data, "the node hung up"
    return data


def test_who_can_encrypts_and_who_cannot_is_understood(make_node: MakeNode) -> None:
    near, far = make_node("near", ALONE).start(), make_node("far", ALONE).start()
    old = make_node("old", ALONE, "-v2transport=0").start()
    near.rpc("addnode", str(far.p2p), "onetry")
    wait_until(lambda: spoken(near) == [("v2", False)], LIMIT_S, "near and far encrypt")
    wait_until(lambda: spoken(far) == [("v2", True)], LIMIT_S, "far says so, too")
    (here,), (there,) = ready(near), ready(far)
    assert here["session_id"] == there["session_id"]
    assert len(here["session_id"]) == 64
    assert "P2P_V2" in here["servicesnames"]
    assert "P2P_V2" in near.rpc("getnetworkinfo")["localservicesnames"]
    assert "P2P_V2" not in old.rpc("getnetworkinfo")["localservicesnames"]

    near.rpc("addnode", str(old.p2p), "onetry")  # It tries a key, and then without.
    wait_until(lambda: ("v1", False) in spoken(near), LIMIT_S, "near finds the old one")
    assert spoken(old) == [("v1", True)]
    old.rpc("addnode", str(far.p2p), "onetry")
    wait_until(lambda: ("v1", True) in spoken(far), LIMIT_S, "the old one finds far")

    near.rpc("generatetoaddress", 3, ALICE.address())
    wait_until(lambda: {each.tip() for each in (near, far, old)} == {near.tip()}, LIMIT_S, "follow")
    with pytest.raises(RpcError, match="v2transport requested but not enabled"):
        old.rpc("addnode", str(near.p2p), "onetry", True)


def test_a_peer_with_all_the_garbage_and_decoys_that_are_allowed(make_node: MakeNode) -> None:
    node = make_node("node", ALONE).start()
    hand = HandMadePeer(REGTEST.magic, initiating=True, garbage=bytes(MAX_GARBAGE_SIZE))
    services = Services.NETWORK | Services.WITNESS
    version = Version(70017, services, int(time.time()), UNSPECIFIED, 1, "/hand:0/", 0)
    with socket.create_connection((node.p2p.host, node.p2p.port), PATIENCE_S) as link:
        link.sendall(hand.hello)
        frames: list[Frame] = []
        while not hand.session_id:
            frames += hand.received(heard(link))
        link.sendall(hand.terminator + hand.decoy(40, aad=hand.garbage))
        link.sendall(b"".join(hand.decoy(size) for size in (0, 1, 5_000, 0)) + hand.packet())
        link.sendall(hand.say(version, Verack()) + hand.decoy(100_000) + hand.say(Ping(6)))
        while "pong" not in [frame.command for frame in frames]:
            frames += hand.received(heard(link))
        (peer,) = node.peers()
        assert (peer["transport_protocol_type"], peer["subver"]) == ("v2", "/hand:0/")
        assert peer["session_id"] == hand.session_id.hex()
        assert peer["bytesrecv"] > 109_000 > sum(peer["bytesrecv_per_msg"].values())
    with RawPeer(node.p2p) as plain:
        assert plain.shake_hands().is_served()


def test_whoever_knocks_with_garbage_alone_is_sent_away(make_node: MakeNode) -> None:
    node = make_node("node", ALONE).start()
    with socket.create_connection((node.p2p.host, node.p2p.port), PATIENCE_S) as link:
        link.sendall(bytes(64 + MAX_GARBAGE_SIZE + 16))
        while link.recv(1 << 16):
            pass  # Its key, its garbage, its version; then it gives up.
    assert node.peers() == []
