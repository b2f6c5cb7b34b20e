"""Under `setmocktime` alarms ring promptly, and nobody is lost on the way."""

from __future__ import annotations

import time
from functools import partial
from typing import Any, Final

import pytest

from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from tests.process.conftest import ALICE, MakeNode

pytestmark = pytest.mark.process

PROMPTLY_S: Final = 2.0
"""An alarm rings within 100 ms; the rest is for a busy machine."""

PING_BYTES: Final = 1 + 8 + 20
"""Name, nonce, and what a packet of the encrypted transport takes beyond."""


def the_peer(node: NodeProcess) -> dict[str, Any]:
    (peer,) = node.peers()
    return peer


def has_pinged(node: NodeProcess, times: int) -> bool:
    return bool(the_peer(node)["bytessent_per_msg"]["ping"] == PING_BYTES * times)


def has_pong(node: NodeProcess) -> bool:
    return "pingtime" in the_peer(node)


def test_pings_follow_the_mocked_clock_and_peers_stay(make_node: MakeNode) -> None:
    alice, bob = make_node("alice").start(), make_node("bob").start()
    alice.rpc("generatetoaddress", 1, ALICE.address())
    alice.connect(bob)
    for node in (alice, bob):
        wait_until(partial(has_pong, node), PROMPTLY_S, "a pong has come")
    first = the_peer(alice)["id"]
    now = int(time.time())
    for node in (alice, bob):
        node.rpc("setmocktime", now)
    pings = the_peer(alice)["bytessent_per_msg"]["ping"] // PING_BYTES
    for minutes in range(2, 62, 2):  # Far beyond the 20 minutes after which silence is a fault.
        for node in (alice, bob):
            node.rpc("setmocktime", now + minutes * 60 + 1)
        pings += 1
        wait_until(partial(has_pinged, alice, pings), PROMPTLY_S, f"after {minutes} min")
    assert the_peer(alice)["id"] == first
    assert alice.stop() == 0
    assert bob.stop() == 0


def test_a_silent_jump_of_an_hour_ends_connections_unless_patience_was_asked_for(
    make_node: MakeNode,
) -> None:
    hasty = make_node("hasty").start()
    patient = make_node("patient", "-peertimeout=999999").start()
    other = make_node("other", "-peertimeout=999999").start()
    hasty.connect(other)
    patient.connect(other)
    later = int(time.time()) + 3600
    hasty.rpc("setmocktime", later)
    patient.rpc("setmocktime", later)
    wait_until(lambda: not hasty.peers(), PROMPTLY_S, "it hangs up")
    assert patient.is_linked_to(other)


def test_initial_sync_ends_by_the_mocked_clock_and_never_returns(make_node: MakeNode) -> None:
    node = make_node().start(f"-mocktime={int(time.time()) + 3 * 86400}")
    assert node.rpc("getblockchaininfo")["initialblockdownload"]
    node.rpc("setmocktime", int(time.time()))
    node.rpc("generatetoaddress", 1, ALICE.address())
    assert not node.rpc("getblockchaininfo")["initialblockdownload"]
    node.rpc("setmocktime", int(time.time()) + 3 * 86400)
    assert not node.rpc("getblockchaininfo")["initialblockdownload"]
    assert node.stop() == 0


def test_bans_run_out_by_the_mocked_clock(make_node: MakeNode) -> None:
    node = make_node().start()
    now = int(time.time())
    node.rpc("setmocktime", now)
    node.rpc("setban", "192.0.2.1", "add", 600)
    node.rpc("setmocktime", now + 599)
    assert len(node.rpc("listbanned")) == 1
    node.rpc("setmocktime", now + 601)
    assert node.rpc("listbanned") == []
