"""However a node is told to stop: exit code 0, not a word on standard error, and all is kept."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from functools import partial

import pytest

from axon.rpc.client import RpcClient, Unauthorized, Unreachable
from axon.rpc.errors import Code, RpcError
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import STOP_LIMIT_S, wait_until
from tests.process.conftest import GROWN_HEIGHT, Grown, MakeNode, ledger_of
from tests.process.rawpeer import RawPeer

pytestmark = pytest.mark.process


@pytest.mark.parametrize("stop", [NodeProcess.stop, NodeProcess.interrupt, NodeProcess.terminate])
def test_a_node_in_the_middle_of_things_stops_in_order(
    make_node: MakeNode, stop: Callable[[NodeProcess], int]
) -> None:
    node = make_node().start()
    cookie, pid_file = node.network_folder / ".cookie", node.network_folder / "axon.pid"
    assert re.fullmatch(r"__cookie__:[0-9a-f]{64}", cookie.read_text())
    assert cookie.stat().st_mode & 0o777 == 0o600
    assert int(pid_file.read_text()) == node.pid
    node.rpc("generatetoaddress", 3, "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080")
    with RawPeer(node.p2p).shake_hands() as peer, RawPeer(node.p2p) as silent:
        began = time.monotonic()
        assert stop(node) == 0
        assert time.monotonic() - began < 10
        assert peer.is_dropped()
        assert silent.is_dropped()
    assert node.errors() == ""
    assert not cookie.exists()
    assert not pid_file.exists()


def test_stop_is_answered_before_anything_ends(make_node: MakeNode) -> None:
    node = make_node().start()
    waiting: list[object] = []

    def wait() -> None:
        cookie = node.network_folder / ".cookie"
        with RpcClient(f"http://{node.rpc_endpoint}", cookie=cookie) as client:
            try:
                waiting.append(client.call("waitfornewblock", 60_000))
            except (RpcError, Unreachable) as error:
                waiting.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.3)  # Nothing tells that the other call has come in; if it is late, so be it.
    answer = node.rpc("stop", wait=200)
    assert "stopping" in answer
    thread.join(STOP_LIMIT_S)
    assert len(waiting) == 1
    assert node.left() == 0
    assert node.errors() == ""


def test_a_restart_keeps_chain_pool_bans_and_addresses(
    grown_node: NodeProcess, grown: Grown
) -> None:
    node = grown_node.start()
    assert frozenset(node.rpc("getrawmempool")) == grown.pool
    favourite = min(grown.pool)
    node.rpc("prioritisetransaction", favourite, 0, 5000)
    node.rpc("setban", "192.0.2.0/24", "add", 3600)
    for number in range(1, 5):
        assert node.rpc("addpeeraddress", f"8.{number}.8.8", 8333)["success"]
    entries = {txid: node.rpc("getmempoolentry", txid) for txid in grown.pool}
    bans = node.rpc("listbanned")
    assert node.stop() == 0

    node.start()
    assert node.height() == GROWN_HEIGHT
    assert {txid: node.rpc("getmempoolentry", txid) for txid in grown.pool} == entries
    assert [ban["address"] for ban in node.rpc("listbanned")] == [ban["address"] for ban in bans]
    known = {address["address"] for address in node.rpc("getnodeaddresses", 0)}
    assert known == {f"8.{number}.8.8" for number in range(1, 5)}
    assert ledger_of(node) == grown.ledger
    assert node.stop() == 0
    assert node.errors() == ""


def test_a_folder_may_be_moved(grown_node: NodeProcess, grown: Grown, make_node: MakeNode) -> None:
    grown_node.start()
    assert grown_node.stop() == 0
    moved = make_node("moved")
    shutil.move(grown_node.folder, moved.folder)
    moved.start()
    assert ledger_of(moved) == grown.ledger
    assert frozenset(moved.rpc("getrawmempool")) == grown.pool
    assert moved.stop() == 0
    assert moved.errors() == ""
    for name in ("banlist.json", "peers.dat", "mempool.dat", "indexes/headers.dat"):
        assert str(grown_node.folder).encode() not in (moved.network_folder / name).read_bytes()
    json.loads((moved.network_folder / "banlist.json").read_text())


def test_what_a_killed_node_leaves_is_no_hindrance(grown_node: NodeProcess, grown: Grown) -> None:
    grown_node.start()
    cookie = grown_node.network_folder / ".cookie"
    before = cookie.read_text()
    grown_node.kill()
    assert cookie.read_text() == before
    grown_node.start()
    assert cookie.read_text() != before
    assert ledger_of(grown_node) == grown.ledger
    assert grown_node.stop() == 0
    assert grown_node.errors() == ""


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_a_start_can_be_interrupted_at_any_time(
    grown_node: NodeProcess, grown: Grown, number: signal.Signals
) -> None:
    began = time.monotonic()
    grown_node.start()
    whole_start_s = time.monotonic() - began
    assert grown_node.stop() == 0
    cookie = grown_node.network_folder / ".cookie"
    for step in range(1, 5):
        process = subprocess.Popen(
            grown_node.arguments(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        if step < 4:
            time.sleep(whole_start_s * step / 4)  # Real processes take real time to start.
        else:
            wait_until(cookie.exists, STOP_LIMIT_S, "it begins to load")
        process.send_signal(number)
        _, errors = process.communicate(timeout=STOP_LIMIT_S)
        assert errors == b""
        # Before the program itself has begun, signals do what they always do.
        assert process.returncode == 0 or (step < 4 and process.returncode in (130, -number))
        assert not cookie.exists()
    grown_node.start()
    assert ledger_of(grown_node) == grown.ledger


def test_a_reindex_can_be_broken_off_and_begun_again(grown_node: NodeProcess, grown: Grown) -> None:
    node = grown_node
    log = node.network_folder / "debug.log"
    begun = log.read_text().count("Loading block index")
    for _ in range(3):
        node.start("-reindex", wait=False)
        begun += 1
        wait_until(
            partial(lambda count: log.read_text().count("Loading block index") == count, begun),
            STOP_LIMIT_S,
            "it has begun",
        )
        assert node.interrupt() == 0
        assert node.errors() == ""
    node.start("-reindex")
    assert ledger_of(node) == grown.ledger
    assert node.stop() == 0


def test_blocks_for_a_caller_who_has_gone_hold_up_no_stop(make_node: MakeNode) -> None:
    node = make_node().start()
    with pytest.raises(Unreachable), node.dial(1.0) as caller:
        caller.call(
            "generatetoaddress", 1_000_000_000, "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
        )
    began = time.monotonic()
    assert node.terminate() == 0
    assert time.monotonic() - began < 5.0
    assert node.errors() == ""


def test_callers_are_told_of_the_stop(grown_node: NodeProcess) -> None:
    node = grown_node.start()
    block_hash, errors = node.tip(), list[RpcError]()

    def ask() -> None:
        cookie = node.network_folder / ".cookie"
        with RpcClient(f"http://{node.rpc_endpoint}", cookie=cookie) as client:
            try:
                while True:
                    client.call("getblock", block_hash, 3)
                    client.call("gettxoutsetinfo")
            except RpcError as error:
                errors.append(error)
            except (Unreachable, Unauthorized):
                return

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.3)  # They shall be in the middle of it.
    assert node.stop() == 0
    for thread in threads:
        thread.join(STOP_LIMIT_S)
    assert {error.code for error in errors} <= {Code.NOT_CONNECTED, Code.WARMUP}
    assert "Traceback" not in (node.network_folder / "debug.log").read_text()
    assert node.errors() == ""
