"""A block on its way between two nodes, as whoever watches them sees it."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.request
from typing import Any

import pytest

from axon.swarm.lab.axonprocess import AXON
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import free_ports, wait_until
from tests.process.conftest import ALICE, MakeNode, loopback_host

pytestmark = pytest.mark.process


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def peers(node: NodeProcess, *options: str) -> str:
    """What `axon peers` prints of a node."""
    end = node.rpc_endpoint
    login = (f"-datadir={node.folder}", f"-rpcconnect={end.host}", f"-rpcport={end.port}")
    command = [*AXON, "peers", "-regtest", *login, "-once", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == ""
    return done.stdout


def test_a_block_seen_from_outside(make_node: MakeNode) -> None:
    host = loopback_host()
    (port,) = free_ports(1, host)
    miner = make_node("miner", "-whitelist=noban@127.0.0.0/8").start()
    watched = make_node(
        "watched", f"-metrics={host}:{port}", f"-connect={miner.p2p}", "-listen=1"
    ).start()
    at = f"http://{host}:{port}"
    miner.rpc("generatetoaddress", 1, ALICE.address())
    wait_until(lambda: watched.height() == 1, 60, "the block arrives")
    [block_hash] = miner.rpc("generatetoaddress", 1, ALICE.address())
    wait_until(lambda: watched.height() == 2, 60, "the next one arrives")

    timeline: dict[str, Any] = watched.rpc("getblocktimeline", 1)[0]
    assert (timeline["hash"], timeline["height"]) == (block_hash, 2)
    [told] = timeline["announced"]
    assert told["by"] in ("headers", "inv", "cmpctblock")
    assert timeline["sender"] == told["peer"] == watched.rpc("getpeerinfo")[0]["id"]
    assert 0 <= timeline["received"] < 60
    assert timeline["validation_ms"] > 0
    assert (timeline["stalled"], timeline["relayed_to"]) == ([], 0)
    mined: dict[str, Any] = miner.rpc("getblocktimeline", 1)[0]
    assert "sender" not in mined
    assert mined["relayed_to"] == 1
    assert f"block {block_hash} height=2, announced by" in watched.log.read_text()

    assert get(f"{at}/healthz") == (200, "ok, block 2\n")
    status, text = get(f"{at}/metrics")
    assert status == 200
    assert "axon_height 2.0\n" in text
    assert "axon_block_validation_seconds_count 2.0\n" in text
    assert 'axon_message_bytes_total{direction="received",message="headers"}' in text

    [row] = json.loads(peers(watched, "-json"))
    assert (row["address"], row["announced_first"]) == (str(miner.p2p), 2)
    assert row["waiting_s"] is None
    lines = peers(watched).splitlines()
    assert lines[0] == "1 peer, 0 in, 1 out; block 2"
    assert lines[2].split()[1] == str(miner.p2p)
    assert watched.stop() == 0
