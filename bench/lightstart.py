"""A wallet with a main chain's headers on disk: how soon it asks its first peer, and its memory."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Final

from axon.host.lightstorage import LightStorage
from axon.machine import Endpoint
from axon.primitives.netaddress import UNSPECIFIED
from axon.primitives.network import REGTEST
from axon.wire.messages import GetHeaders, Headers, Services, Verack, Version
from axon.wire.messages.handshake import PROTOCOL_VERSION
from axon.wire.transport import Frame
from axon.wire.v1 import V1Transport
from bench.headerserver import chain
from bench.pace import Pace
from bench.table import Row

LIMIT_S: Final = 2.0
LIMIT_MB: Final = 90
COUNT: Final = 900_000
ROUNDS: Final = 3
_LIMIT_S: Final = 60.0
_REST_S: Final = 1.0  # After the first request, until memory is looked at.


def measure(count: int = COUNT, rounds: int = ROUNDS) -> Row:
    """The row."""
    with tempfile.TemporaryDirectory(prefix="axon-bench-") as name:
        folder = Path(name)
        _prepare(folder, count)
        with Pace() as pace:
            found = [_start(folder, count) for _ in range(rounds)]
    seconds = median([each for each, _ in found])
    megabytes = max(each for _, each in found)
    return Row(
        f"wallet with {count:,} headers on disk: start to the first request, resident memory",
        f"{seconds:.2f} s, {megabytes:.0f} MB",
        f"{pace.limit(LIMIT_S, 's')}, <= {LIMIT_MB} MB",
        seconds <= LIMIT_S * pace.slowness and megabytes <= LIMIT_MB,
        [
            f"{count:,} headers and filter headers of regtest, checked by an earlier start; from "
            "the call of the interpreter until a peer has the first getheaders, a wallet with keys "
            f"opened on the way. The whole process, {_REST_S:g} s later. Median of {rounds}; the "
            "largest memory.",
        ],
    )


def _prepare(folder: Path, count: int) -> None:
    """Headers and filter headers as if they had been synced, and an empty wallet."""
    light = folder / REGTEST.folder / "light"
    light.mkdir(parents=True)
    raws = chain(count, int(time.time()))
    (light / "headers.dat").write_bytes(b"".join(raws))
    names = [REGTEST.genesis.hash, *[sha256(sha256(raw).digest()).digest() for raw in raws]]
    (light / "filterheaders.dat").write_bytes(b"".join([name + name for name in names]))
    LightStorage(light, REGTEST).close()
    subprocess.run([sys.executable, "-m", "bench.lightstart", str(folder)], check=True)


def _start(folder: Path, count: int) -> tuple[float, float]:
    """Seconds to the first request, and megabytes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(_LIMIT_S)
        began = time.perf_counter()
        command = (sys.executable, "-m", "bench.lightstart", str(folder))
        with subprocess.Popen((*command, str(listener.getsockname()[1]))) as client:
            try:
                connection, _ = listener.accept()
                with connection:
                    _await_request(connection, count)
                    seconds = time.perf_counter() - began
                    time.sleep(_REST_S)
                    return seconds, _resident_mb(client.pid)
            finally:
                client.kill()


def _await_request(connection: socket.socket, count: int) -> None:
    """Greet as a node with as many headers, and answer the first question: there are no more."""
    connection.settimeout(_LIMIT_S)
    transport = V1Transport(REGTEST.magic)
    services = int(Services.NETWORK | Services.WITNESS | Services.COMPACT_FILTERS)
    version = Version(
        PROTOCOL_VERSION, services, int(time.time()), UNSPECIFIED, 1, "/bench/", count
    )
    for message in (version, Verack()):
        connection.sendall(transport.encode(message.command, message.encode()))
    while True:
        for frame in transport.received(connection.recv(1 << 16)):
            if isinstance(frame, Frame) and frame.command == GetHeaders.command:
                connection.sendall(transport.encode(Headers.command, Headers(()).encode()))
                return


def _resident_mb(process: int) -> float:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise AssertionError("a process has memory")


def main(arguments: list[str]) -> int:
    """A wallet that runs until it is killed: FOLDER PORT; without a port it is only made."""
    # Imported here: the measuring process needs no wallet.
    from axon.drivers.aio.walletfile import SqliteStore
    from axon.host.lightwallet import WALLET_FILE, light_wallet
    from axon.host.settings import LightSettings
    from axon.wallet.keys import AccountKind, from_words, new_words
    from axon.wallet.wallet import Wallet

    folder, *port = arguments
    peers = tuple(Endpoint("127.0.0.1", int(each)) for each in port)
    settings = LightSettings(
        network=REGTEST, folder=Path(folder) / REGTEST.folder, connect=peers, v2_transport=False
    )
    if not peers:
        words, salt = new_words(bytes(range(16))), bytes(16)
        source = from_words(words, REGTEST, AccountKind.BIP84, "bench", salt, bytes(12), log_n=10)
        settings.wallet_folder("bench").mkdir(parents=True)
        with SqliteStore(settings.wallet_folder("bench") / WALLET_FILE) as store:
            Wallet.create(store, REGTEST, source, birthday_s=int(time.time()))
        return 0

    async def run() -> None:
        async with light_wallet(settings, "bench"):
            await asyncio.sleep(_LIMIT_S)

    asyncio.run(run())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
