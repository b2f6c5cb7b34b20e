"""Calls that take a node long: another caller and a peer are answered meanwhile."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from axon.primitives.hashes import Txid, from_hex, sha256, to_hex
from axon.primitives.transaction import Transaction, TxIn, TxOut, outpoint
from axon.swarm.lab.nodeprocess import NodeProcess
from tests.process.conftest import NodeFactory
from tests.process.rawpeer import RawPeer

pytestmark = pytest.mark.process

ANYONE: Final = b"\x51"
OUTPUTS: Final = 60_000
MOST_S: Final = 0.3
"""The longest wait, a tenth of what they took on the loop; 50 ms where nothing else runs."""

LIMIT_S: Final = 120.0
LONG: Final = Transaction.build(
    2, [TxIn(outpoint(Txid(bytes(32)), 0))], [TxOut(1, ANYONE)] * 99_000
).raw.hex()


@pytest.fixture(scope="module", name="node")
def node_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node whose tip has a transaction with many outputs."""
    with NodeFactory(tmp_path_factory.mktemp("heavy")) as make:
        node = make().start()
        guard = (b"\x00\x20" + sha256(ANYONE)).hex()
        (first, *_) = node.rpc("generatetodescriptor", 101, f"raw({guard})")
        coinbase = node.rpc("getblock", first)["tx"][0]
        spends = [TxIn(outpoint(Txid(from_hex(coinbase)), 0), witness=(ANYONE,))]
        paid = Transaction.build(2, spends, [TxOut(1_000, ANYONE)] * OUTPUTS)
        node.rpc("generateblock", f"raw({guard})", [paid.raw.hex()])
        node.rpc("syncwithvalidationinterfacequeue")
        assert to_hex(paid.txid) in node.rpc("getblock", node.tip())["tx"]
        yield node
        assert node.stop() == 0
        assert node.errors() == ""


@contextmanager
def timed(ask: Callable[[], object], waits_s: list[float]) -> Iterator[None]:
    """Ask again and again until the end of the block; how long each answer took."""
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(0.01):
            began = time.monotonic()
            ask()
            waits_s.append(time.monotonic() - began)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(LIMIT_S)


def body_of(node: NodeProcess, name: str) -> bytes:
    """A request that takes long."""
    tip = node.tip()
    calls: dict[str, tuple[str, list[object]]] = {
        "decodescript": ("decodescript", ["00" * 800_000]),
        "decoderawtransaction": ("decoderawtransaction", [LONG]),
        "getblock": ("getblock", [tip, 3]),
        "getrawtransaction": ("getrawtransaction", [node.rpc("getblock", tip)["tx"][1], 1, tip]),
        "scantxoutset": ("scantxoutset", ["start", ["raw(51)"]]),
        "getdescriptorinfo": ("getdescriptorinfo", [f"raw({'51' * 500_000})"]),
        "a long text": ("echo", ["5" * 31_000_000]),
        "many numbers": ("echo", [[0] * 1_000_000]),
        "a batch": ("getnetworkinfo", []),
    }
    method, params = calls[name]
    asked: dict[str, object] = {"id": 1, "method": method, "params": params}
    return json.dumps([asked] * 10_000 if name == "a batch" else asked).encode()


def take_s(node: NodeProcess, body: bytes) -> float:
    """Make a call; how long it took. The answer is not read by this process, which would wait."""
    secret = base64.b64encode((node.network_folder / ".cookie").read_bytes()).decode()
    endpoint = node.rpc_endpoint
    connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=LIMIT_S)
    began = time.monotonic()
    with contextlib.closing(connection):
        connection.request("POST", "/", body, {"Authorization": f"Basic {secret}"})
        response = connection.getresponse()
        assert response.status == 200
        while response.read(1 << 18):
            pass
        return time.monotonic() - began


@pytest.mark.parametrize(
    "name",
    [
        "decodescript", "decoderawtransaction", "getblock", "getrawtransaction", "scantxoutset",
        "getdescriptorinfo", "a long text", "many numbers", "a batch",
    ],
)  # fmt: skip
def test_others_are_answered_meanwhile(node: NodeProcess, name: str) -> None:
    callers_s: list[float] = []
    peers_s: list[float] = []
    body = body_of(node, name)
    with (
        node.dial(LIMIT_S) as other,
        RawPeer(node.p2p).shake_hands() as peer,
        timed(lambda: other.call("getblockcount"), callers_s),
        timed(peer.is_served, peers_s),
    ):
        took_s = take_s(node, body)
    assert len(callers_s) > 3, f"it took {took_s:.1f} s"
    assert max(callers_s) < MOST_S, f"a caller waited, of {took_s:.1f} s"
    assert max(peers_s) < MOST_S, f"a peer waited, of {took_s:.1f} s"
