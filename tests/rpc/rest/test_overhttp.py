"""REST beside the calls, over HTTP: nobody needs a password, and nobody keeps the owner waiting."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from axon.machine import Endpoint
from axon.primitives.block import Block
from axon.primitives.hashes import to_hex
from axon.primitives.transaction import COIN, Transaction, TxIn, TxOut, outpoint
from axon.rpc.auth import Credentials
from axon.rpc.dispatch import Registry
from axon.rpc.methods import MODULES
from axon.rpc.rest.service import MADE_AT_ONCE, MAX_BODY_BYTES, MAX_HELD_BYTES, RestService
from axon.rpc.server import RpcServer
from axon.rpc.settings import ServerSettings
from tests.rpc.running import Rig, running

LOGIN = {"Authorization": "Basic YWxpY2U6c2VjcmV0"}  # alice:secret
COUNT = json.dumps({"method": "getblockcount", "params": [], "id": 1})


class Served:
    """A node that runs, and its server."""

    def __init__(self, rig: Rig, server: RpcServer, rest: RestService | None) -> None:
        self.rig = rig
        self._server = server
        self._rest = rest

    @property
    def rest(self) -> RestService:
        assert self._rest is not None
        return self._rest

    def connect(self) -> http.client.HTTPConnection:
        end = self._server.endpoints[0]
        return http.client.HTTPConnection(end.host, end.port, timeout=20)

    def ask(
        self, path: str, verb: str = "GET", body: bytes | None = None
    ) -> tuple[int, str | None, bytes]:
        connection = self.connect()
        try:
            connection.request(verb, path, body)
            reply = connection.getresponse()
            return reply.status, reply.headers.get("Content-Type"), reply.read()
        finally:
            connection.close()

    def call(self, headers: dict[str, str]) -> int:
        """The status of an ordinary call."""
        connection = self.connect()
        try:
            connection.request("POST", "/", COUNT, headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def count(self) -> int:
        """Requests under way."""

        async def look() -> int:
            return self._server._calls

        found = self.rig.wait(look())
        assert isinstance(found, int)
        return found

    def connections(self) -> int:
        """Those that are open."""

        async def look() -> int:
            return len(self._server._web.connections)

        found = self.rig.wait(look())
        assert isinstance(found, int)
        return found

    def hold(self, *, held: bool) -> None:
        """Let no answer be made, or go on with all."""

        async def turn() -> None:
            for _ in range(MADE_AT_ONCE):
                if held:
                    await self.rest._making.acquire()
                else:
                    self.rest._making.release()

        self.rig.wait(turn())


@contextmanager
def served(
    rig: Rig,
    *,
    rest: bool = True,
    ready: bool = True,
    max_calls: int = 80,
    timeout_s: float = 30.0,
) -> Iterator[Served]:
    """A server over a node that runs."""
    credentials = Credentials()
    credentials.add("alice", "secret")
    settings = ServerSettings((Endpoint("127.0.0.1", 0),), max_calls=max_calls, timeout_s=timeout_s)

    async def open_() -> Served:
        service = RestService() if rest else None
        server = RpcServer(Registry(MODULES), settings, credentials, None, service)
        await server.__aenter__()
        server.ready(rig.daemon)
        if service is not None and ready:
            service.ready(rig.daemon)
        return Served(rig, server, service)

    made: Served = rig.wait(open_())
    try:
        yield made
    finally:
        rig.wait(made._server.stop())


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running(tmp_path_factory.mktemp("node")) as made:
        made.mine(2)
        yield made


@pytest.fixture(scope="module")
def full(rig: Rig) -> Block:
    """A block of nearly 4 MB: one input shows a witness of a version that nobody verifies yet."""
    coin = rig.coinbase(rig.mine(101)[0])
    made = rig.alice.pay([coin], [TxOut(coin.amount_sat - 1_000, b"\x52\x20" + bytes([1] * 32))])
    spender = TxIn(outpoint(made.txid, 0), witness=(bytes(range(250)) * 15_960,))
    large = Transaction.build(2, [spender], [TxOut(COIN, rig.alice.script)], 0)
    orders = [made.raw.hex(), large.raw.hex()]
    name = rig.call("generateblock", rig.alice.address(), orders)["hash"]
    return Block.decode(bytes.fromhex(rig.call("getblock", name, 0)))


def test_a_full_block(rig: Rig, full: Block) -> None:
    path = f"/rest/block/{to_hex(full.hash)}"
    assert 3_990_000 < len(full.raw) < 4_000_000
    with served(rig) as web:
        assert web.ask(f"{path}.bin") == (200, "application/octet-stream", full.raw)
        assert web.ask(f"{path}.hex") == (200, "text/plain", full.raw.hex().encode() + b"\n")
        status, kind, body = web.ask(f"{path}.json")
        assert (status, kind) == (200, "application/json")
        shown = json.loads(body)
        assert shown["size"] == len(full.raw)
        assert [item["hex"] for item in shown["tx"]] == [
            item.raw.hex() for item in full.transactions
        ]
        (witness,) = shown["tx"][2]["vin"][0]["txinwitness"]
        assert witness == full.transactions[2].inputs[0].witness[0].hex()
        status, _, body = web.ask(f"/rest/block/notxdetails/{to_hex(full.hash)}.json")
        assert (status, json.loads(body)["nTx"]) == (200, 3)


def test_who_takes_nothing_is_let_go(
    rig: Rig, full: Block, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever `-rpcservertimeout` says: what he asked for is held, and that is bounded for all."""
    with served(rig, timeout_s=99_000.0) as web, socket.socket() as slow:
        monkeypatch.setattr(RestService, "slow_s", 0.1)
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        end = web._server.endpoints[0]
        slow.connect((end.host, end.port))
        slow.sendall(f"GET /rest/block/{to_hex(full.hash)}.bin HTTP/1.1\r\n\r\n".encode())
        slow.settimeout(10)
        assert slow.recv(12) == b"HTTP/1.1 200"
        while web.connections():
            pass
        web.rig.wait(asyncio.sleep(0))
        assert web.rest._held_bytes == 0


def test_nobody_needs_a_password(rig: Rig) -> None:
    with served(rig) as web:
        connection = web.connect()
        for _ in range(2):  # On one connection.
            connection.request("GET", "/rest/blockhashbyheight/1.json")
            reply = connection.getresponse()
            data = reply.read()
            assert reply.status == 200
            assert reply.headers["Content-Type"] == "application/json"
            assert int(reply.headers["Content-Length"]) == len(data)
            assert json.loads(data) == {"blockhash": rig.call("getblockhash", 1)}
        connection.request("GET", "/rest/tx/abc.json")
        refused = connection.getresponse()
        assert (refused.status, refused.read()) == (400, b"Invalid hash: abc\r\n")
        connection.request("GET", "/rest/chaininfo.json")
        assert connection.getresponse().status == 200, "a refusal does not end the connection"
        connection.close()
        assert web.call({}) == 401
        assert web.call(LOGIN) == 200


def test_verbs(rig: Rig) -> None:
    path = "/rest/blockhashbyheight/1.hex"
    with served(rig) as web:
        whole = web.ask(path)
        assert web.ask(path, "POST", b"") == web.ask(path, "PUT", b"any") == whole
        assert web.ask(path, "HEAD") == (200, "text/plain", b"")
        assert web.ask(path, "DELETE")[0] == 405
        assert web.ask(path, "PATCH")[0] == 501


def test_a_body_counts_for_outputs(rig: Rig) -> None:
    with served(rig) as web:
        status, kind, data = web.ask("/rest/getutxos.bin", "POST", b"\x00\x01" + bytes(36))
        assert (status, kind) == (200, "application/octet-stream")
        assert data[-3:] == bytes((1, 0, 0)), "no such output"
        assert web.ask("/rest/getutxos.bin", "POST", bytes(MAX_BODY_BYTES + 1))[0] == 413


def test_none_is_there_unless_asked_for(rig: Rig) -> None:
    with served(rig, rest=False) as web:
        assert web.ask("/rest/chaininfo.json")[0] == 404


def test_a_starting_node_says_so(rig: Rig) -> None:
    with served(rig, ready=False) as web:
        web.rest.warming("Loading block index")
        text = b"Service temporarily unavailable: Loading block index\r\n"
        assert web.ask("/rest/chaininfo.json") == (503, "text/plain", text)


def test_the_owner_always_has_a_place(rig: Rig) -> None:
    with served(rig, max_calls=4) as web:
        web.hold(held=True)
        waiting = [web.connect() for _ in range(3)]
        for connection in waiting:
            connection.request("GET", "/rest/chaininfo.json")
        while web.count() < 3:
            pass
        assert web.ask("/rest/chaininfo.json")[::2] == (503, b"Work queue depth exceeded")
        assert web.call(LOGIN) == 200
        web.hold(held=False)
        assert [connection.getresponse().status for connection in waiting] == [200] * 3
        for connection in waiting:
            connection.close()
        assert web.ask("/rest/chaininfo.json")[0] == 200


def test_who_hangs_up_still_counts(rig: Rig) -> None:
    """Else somebody could have any number of answers made, one after the other."""
    with served(rig, max_calls=4) as web:
        web.hold(held=True)
        end = web._server.endpoints[0]
        for count in range(1, 4):
            with socket.create_connection((end.host, end.port)) as hasty:
                hasty.sendall(b"GET /rest/chaininfo.json HTTP/1.1\r\n\r\n")
                while web.count() < count:
                    pass
        assert web.ask("/rest/chaininfo.json")[0] == 503
        web.hold(held=False)
        while web.count():
            pass
        assert web.ask("/rest/chaininfo.json")[0] == 200


def test_answers_that_are_not_taken_are_bounded_also_for_questions_that_waited(rig: Rig) -> None:
    with served(rig) as web:
        web.hold(held=True)
        waiting = [web.connect() for _ in range(3)]
        for connection in waiting:
            connection.request("GET", "/rest/chaininfo.json")
        while web.count() < 3:
            pass
        web.rest._held_bytes = MAX_HELD_BYTES
        assert web.ask("/rest/chaininfo.json")[0] == 503
        web.hold(held=False)
        replies = [connection.getresponse() for connection in waiting]
        said = [(reply.status, reply.read()) for reply in replies]
        assert said == [(503, b"Work queue depth exceeded")] * 3
        web.rest._held_bytes = 0
        assert web.ask("/rest/chaininfo.json")[0] == 200
        for connection in waiting:
            connection.close()


def test_what_is_made_for_who_has_gone_is_let_go(rig: Rig) -> None:
    with served(rig) as web:
        web.hold(held=True)
        end = web._server.endpoints[0]
        with socket.create_connection((end.host, end.port)) as hasty:
            hasty.sendall(b"GET /rest/chaininfo.json HTTP/1.1\r\n\r\n")
            while not web.count():
                pass
            # An end alone might mean that nothing more is sent: this one takes no answer either.
            hasty.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        while web.connections():
            pass
        web.hold(held=False)
        while web.count():
            pass
        assert web.ask("/rest/chaininfo.json")[0] == 200
        web.rig.wait(asyncio.sleep(0))
        assert web.rest._held_bytes == 0


def test_a_stop_lets_what_is_made_end(rig: Rig) -> None:
    with served(rig) as web:
        web.hold(held=True)
        connection = web.connect()
        connection.request("GET", "/rest/chaininfo.json")
        while not web.count():
            pass
        stopping = rig.start(web._server.stop())
        web.hold(held=False)
        assert connection.getresponse().status == 200
        connection.close()
        stopping.result(10)
