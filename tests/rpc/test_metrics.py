"""What a node tells programs that watch it, over HTTP."""

from __future__ import annotations

import http.client
import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from axon.machine import HOUR, MINUTE, Endpoint, PeerId
from axon.node.blocktraced import BlockTraced
from axon.node.facts import (
    BlockDisconnected,
    Fact,
    PeerConnected,
    PeerMisbehaved,
    TipChanged,
    TransactionRemoved,
)
from axon.node.session import OTHER
from axon.p2p.blocktimelines import BlockTimeline, PeerMoment
from axon.primitives.hashes import BlockHash, Txid
from axon.rpc.metrics.health import RECENT_TIP, old_tip
from axon.rpc.metrics.server import KEPT_S, MAX_CONNECTIONS, MetricsServer
from axon.wire.registry import COMMANDS
from axon.wire.v2packets import EXPANSION
from tests.rpc.running import Rig, running

DASHBOARD = Path(__file__).parent.parent.parent / "docs" / "grafana-axon.json"
HASH = BlockHash(bytes(32))


class Watched:
    """A node that runs, and its metrics port."""

    def __init__(self, rig: Rig, server: MetricsServer) -> None:
        self.rig = rig
        self.server = server

    def get(self, path: str, method: str = "GET") -> tuple[int, str]:
        end = self.server.endpoint
        connection = http.client.HTTPConnection(end.host, end.port, timeout=20)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def numbers(self) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
        """Every sample as of now, by its name and its labels."""
        self.server._made_at = -KEPT_S
        status, text = self.get("/metrics")
        assert status == 200
        found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels = tuple(sorted(sample.labels.items()))
                found.setdefault(sample.name, {})[labels] = sample.value
        return found

    def saw(self, *facts: Fact) -> None:
        for fact in facts:
            self.server.saw(fact)


@contextmanager
def listening(rig: Rig) -> Iterator[Watched]:
    """A metrics port that knows of no node yet."""
    server = MetricsServer(Endpoint("127.0.0.1", 0))
    rig.wait(server.__aenter__())
    yield Watched(rig, server)
    rig.wait(server.__aexit__(None, None, None))


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with running(tmp_path_factory.mktemp("watched")) as rig, listening(rig) as watched:
        watched.server.ready(rig.daemon)
        yield watched


def test_before_it_runs_a_node_is_not_well(watched: Watched) -> None:
    with listening(watched.rig) as starting:
        starting.server.warming("Loading block index")
        for path in ("/healthz", "/metrics"):
            assert starting.get(path) == (503, "The node does not run: Loading block index\n")
        starting.server.ready(watched.rig.daemon)
        height = watched.rig.daemon.node.active.height
        assert starting.get("/healthz") == (200, f"ok, block {height}\n")


def test_what_is_looked_up(watched: Watched) -> None:
    watched.rig.mine(2)
    height = watched.rig.daemon.node.active.height
    numbers = watched.numbers()
    for name, value in {
        "axon_height": height,
        "axon_headers": height,
        "axon_healthy": 1,
        "axon_initial_sync": 0,
        "axon_mempool_transactions": 0,
        "axon_mempool_min_feerate": 100,
        "axon_orphans": 0,
        "axon_bans": 0,
    }.items():
        assert numbers[name] == {(): value}, name
    assert numbers["process_resident_memory_bytes"][()] > 1_000_000
    assert len(numbers["axon_addresses"]) == 10


def test_what_is_counted(watched: Watched) -> None:
    timeline = BlockTimeline(
        HASH,
        1,
        announced=(PeerMoment(PeerId(1), 0, "headers"),),
        stalled=(PeerMoment(PeerId(1), 1),),
        received_at=20_000,
        validated_at=22_000,
    )
    watched.saw(
        PeerConnected(PeerId(1), "a", "inbound", "x", 70016, 0),
        PeerMisbehaved(PeerId(1), "a", "rule"),
        TransactionRemoved(Txid(bytes(32)), "expiry"),
        TransactionRemoved(Txid(bytes(32)), "made up"),
        BlockDisconnected(HASH, 2, 1),
        BlockDisconnected(HASH, 1, 1),
        TipChanged(HASH, 1, 0, 1, 1, 1.0, False),
        BlockDisconnected(HASH, 1, 1),
        BlockTraced(timeline, initial_sync=False),
        BlockTraced(timeline, initial_sync=True),
    )
    numbers = watched.numbers()
    assert numbers["axon_peers_connected_total"][(("connection_type", "inbound"),)] == 1
    assert numbers["axon_misbehaviours_total"] == {(): 1}
    removed = numbers["axon_transactions_removed_total"]
    assert {name: count for ((_, name),), count in removed.items() if count} == {
        "expiry": 1,
        "other": 1,
    }
    assert numbers["axon_blocks_disconnected_total"] == {(): 3}
    assert numbers["axon_reorgs_total"] == {(): 2}
    assert numbers["axon_block_stalls_total"] == {(): 2}
    assert numbers["axon_block_validation_seconds_count"] == {(): 2}
    assert numbers["axon_block_validation_seconds_sum"][()] == pytest.approx(0.004)
    assert numbers["axon_block_arrival_seconds_count"] == {(): 1}


def test_messages_of_peers_that_have_gone_still_count(watched: Watched, tmp_path: Path) -> None:
    near = watched.rig
    with running(tmp_path) as far:
        near.call("addnode", str(far.endpoint), "onetry")
        label = (("direction", "received"), ("message", "pong"))
        while label not in (numbers := watched.numbers()).get("axon_message_bytes_total", {}):
            pass
        labels = (("connection_type", "manual"), ("network", "not_publicly_routable"))
        assert [
            value for key, value in numbers["axon_peers"].items() if set(labels) < set(key)
        ] == [1]
    while "axon_peers" in watched.numbers():
        pass
    messages = watched.numbers()["axon_message_bytes_total"]
    assert {dict(labels)["message"] for labels in messages} <= {*COMMANDS, OTHER}
    assert messages[label] >= 1 + 8 + EXPANSION
    traffic = watched.numbers()["axon_traffic_bytes_total"]
    assert traffic[(("direction", "received"),)] >= sum(
        value for key, value in messages.items() if ("direction", "received") in key
    )


def test_the_dashboard_asks_for_what_there_is(watched: Watched) -> None:
    board = json.loads(DASHBOARD.read_text())
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    names = {name for expr in asked for name in re.findall(r"\b(?:axon|process)_\w+", expr)}
    assert len(names) > 30
    there = set(watched.numbers())
    kinds = set(re.findall(r"^# TYPE (\w+)", watched.get("/metrics")[1], re.MULTILINE))
    assert names <= there | kinds


def test_an_answer_is_kept_for_a_moment(watched: Watched) -> None:
    watched.numbers()
    made = watched.server._made
    assert watched.get("/metrics") == (200, made.decode())
    assert watched.server._made is made


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/metrics", 405),
        ("GET", "/", 404),
        ("GET", "/metrics/", 404),
        ("HEAD", "/healthz", 200),
    ],
)
def test_what_else_is_asked(watched: Watched, method: str, path: str, status: int) -> None:
    assert watched.get(path, method)[0] == status


def test_silent_connections_keep_nobody_out(watched: Watched) -> None:
    end = watched.server.endpoint
    mute = [socket.create_connection((end.host, end.port), 20) for _ in range(MAX_CONNECTIONS + 4)]
    assert watched.get("/healthz")[0] == 200
    assert mute[0].recv(1) == b""
    for each in mute:
        each.close()


def test_a_recent_tip() -> None:
    assert old_tip(RECENT_TIP, 8) is None
    assert old_tip(-HOUR, 8) is None
    assert old_tip(RECENT_TIP + MINUTE, 8) == "The last block is 121 minutes old, 8 peers."


def test_at_the_end_it_says_so(watched: Watched) -> None:
    with listening(watched.rig) as ending:
        ending.server.ready(watched.rig.daemon)
        ending.server.stopping()
        assert ending.get("/healthz") == (503, "The node does not run: stopping\n")
