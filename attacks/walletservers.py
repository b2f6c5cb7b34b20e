"""A server of Electrum wallets: clients that ask for all they can, and those that never begin."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import subprocess
import sys
import time
from hashlib import sha256
from typing import Final

from attacks.attack import PING_S, Attack
from attacks.probe import percentile
from attacks.victim import next_block, submit
from axon.machine import Endpoint
from axon.primitives.hashes import to_hex
from axon.primitives.transaction import TxOut
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import free_ports

CLIENTS: Final = 90
"""Connections that ask without a pause."""

OUTPUTS: Final = 9_000
"""Of one script: nearly as many as are told."""

HALF_DONE: Final = 1_000
"""Connections at a time that never are done with TLS: four times as many as there are places."""

DESCRIPTORS: Final = 1_320
"""That the node has: hardly more than it asks for."""

PAUSE_S: Final = 0.02
LIMIT_S: Final = 60.0

_PLAIN, _ENCRYPTED = [Endpoint("127.0.0.1", port) for port in free_ports(2)]
SCRIPT: Final = b"\x00\x14" + b"hot script of many".ljust(20, b".")
"""That many outputs pay, and many wallets ask for."""

_HASH: Final = to_hex(sha256(SCRIPT).digest())
_QUESTIONS: Final = [
    (f"blockchain.scripthash.{name}", [_HASH])
    for name in ("listunspent", "get_balance", "get_history", "subscribe", "unsubscribe")
] + [("blockchain.block.headers", [0, 2016]), ("blockchain.transaction.id_from_pos", [1, 0, True])]


class _Wallet:
    """One that asks something small, and is answered soon."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._link = _connected(endpoint)
        self._file = self._link.makefile("rb")

    def ping(self) -> float:
        """How long an answer takes, in seconds."""
        began = time.monotonic()
        self._link.sendall(b'{"id": 1, "method": "server.ping", "params": []}\n')
        assert self._file.readline().endswith(b"\n"), "an honest wallet was let go"
        return time.monotonic() - began

    def close(self) -> None:
        """It leaves."""
        self._file.close()
        self._link.close()


def greedy_wallets(node: NodeProcess, seconds: float) -> None:
    """Costly questions without a pause, from many connections; an honest wallet pings meanwhile."""
    submit(node, next_block(node, [TxOut(0, SCRIPT)] * OUTPUTS))
    with contextlib.closing(_Wallet(_PLAIN)) as honest:
        command = [sys.executable, "-m", "attacks.walletservers", str(_PLAIN.port), str(seconds)]
        crowd = subprocess.Popen(command)
        taken: list[float] = []
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            taken.append(honest.ping())
            time.sleep(PAUSE_S)
        assert crowd.wait(LIMIT_S) == 0, "the greedy were not served at all"
        slow_s = percentile(tuple(taken), 0.5)  # Not 0.99: other work may keep the machine busy.
        assert slow_s <= PING_S, f"half of the pings of a wallet take {slow_s:.3f} s or more"


def half_done_wallets(node: NodeProcess, seconds: float) -> None:
    """Connections that begin TLS and do not go on, renewed all the time."""
    until = time.monotonic() + seconds
    with contextlib.ExitStack() as stack:
        kept: list[socket.socket] = []
        while time.monotonic() < until:
            link = _connected(_ENCRYPTED)
            stack.callback(link.close)
            with contextlib.suppress(OSError):  # It may have no place.
                link.sendall(b"\x16\x03\x01")
            kept.append(link)
            if len(kept) > HALF_DONE:
                kept[-HALF_DONE - 1].close()
    assert node.is_running


def _connected(endpoint: Endpoint) -> socket.socket:
    """A connection, once the server listens: its index comes to the tip first."""
    until = time.monotonic() + LIMIT_S
    while True:
        try:
            return socket.create_connection((endpoint.host, endpoint.port), LIMIT_S)
        except ConnectionRefusedError:
            assert time.monotonic() < until, "nobody listens"
            time.sleep(PAUSE_S)


async def _ask_on(port: int, number: int, until: float) -> int:
    """Ask one thing after the other; how many answers came."""
    reader, writer = await asyncio.open_connection(_PLAIN.host, port, limit=1 << 24)
    answers = 0
    while time.monotonic() < until:
        method, params = _QUESTIONS[(number + answers) % len(_QUESTIONS)]
        asked = {"id": number, "method": method, "params": params}
        writer.write(json.dumps(asked).encode() + b"\n")
        assert await reader.readline()
        answers += 1
    writer.close()
    return answers


async def _crowd(port: int, seconds: float) -> None:
    until = time.monotonic() + seconds
    answers = await asyncio.gather(*[_ask_on(port, number, until) for number in range(CLIENTS)])
    assert all(answers)


ATTACKS: Final = (
    Attack("greedy-wallets", greedy_wallets, memory_mb=150, options=(f"-electrum={_PLAIN}",)),
    Attack(
        "half-done-wallets",
        half_done_wallets,
        memory_mb=60,
        options=(f"-electrumtls={_ENCRYPTED}",),
        descriptors=DESCRIPTORS,
        ping_s=0.25,
    ),
)

if __name__ == "__main__":
    asyncio.run(_crowd(int(sys.argv[1]), float(sys.argv[2])))
