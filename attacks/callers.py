"""Calls: connections that say nothing to the port for them, and calls that take long."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

from attacks.attack import Attack
from axon.primitives.hashes import Txid
from axon.primitives.transaction import Transaction, TxIn, TxOut, outpoint
from axon.swarm.lab.nodeprocess import NodeProcess

IDLE: Final = 1_000
"""Connections at a time: four times as many as are kept."""

HALF: Final = b"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic "
AT_ONCE: Final = 3
"""Callers, each with one long call after the other."""

LIMIT_S: Final = 120.0


def idle_callers(node: NodeProcess, seconds: float) -> None:
    """Connections without a password, half of them with half a header, renewed all the time."""
    endpoint = node.rpc_endpoint
    until = time.monotonic() + seconds
    with contextlib.ExitStack() as stack:
        kept: list[socket.socket] = []
        while time.monotonic() < until:
            stranger = socket.create_connection((endpoint.host, endpoint.port), LIMIT_S)
            stack.callback(stranger.close)
            with contextlib.suppress(OSError):  # It may have given way to a later one.
                stranger.sendall(HALF if len(kept) % 2 else b"")
            kept.append(stranger)
            if len(kept) > IDLE:
                kept[-IDLE - 1].close()


def _again(body: bytes) -> Callable[[NodeProcess, float], None]:
    """Make a call again and again, from several callers at once."""

    def call(node: NodeProcess, until: float) -> None:
        secret = base64.b64encode((node.network_folder / ".cookie").read_bytes()).decode()
        endpoint = node.rpc_endpoint
        while time.monotonic() < until:
            connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=LIMIT_S)
            with contextlib.closing(connection):
                connection.request("POST", "/", body, {"Authorization": f"Basic {secret}"})
                response = connection.getresponse()
                while response.read(1 << 18):
                    pass

    def attack(node: NodeProcess, seconds: float) -> None:
        until = time.monotonic() + seconds
        callers = [threading.Thread(target=call, args=(node, until)) for _ in range(AT_ONCE)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()

    return attack


def _body(method: str, *params: object) -> bytes:
    return json.dumps({"id": 1, "method": method, "params": params}).encode()


_SPENDS: Final = [TxIn(outpoint(Txid(bytes(32)), 0))]
_LONG: Final = Transaction.build(2, _SPENDS, [TxOut(1, b"\x51")] * 99_000).raw.hex()

ATTACKS: Final = (
    Attack("idle-callers", idle_callers),
    Attack("long-scripts", _again(_body("decodescript", "00" * 500_000)), memory_mb=300),
    Attack("long-transactions", _again(_body("decoderawtransaction", _LONG)), memory_mb=300),
    Attack("long-texts", _again(_body("echo", "5" * 16_000_000)), memory_mb=600),
    Attack("many-values", _again(_body("echo", [0] * 300_000)), memory_mb=100),
    Attack("batches", _again(b"[" + b",".join([_body("uptime")] * 20_000) + b"]"), memory_mb=100),
)
