"""I2P through a SAM bridge: a small router that joins its clients, in this process."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from axon.drivers.aio.i2p import (
    I2p,
    I2pRefused,
    decode_destination,
    encode_destination,
    host_of,
    public_part,
)
from axon.machine import Endpoint


def key_of(number: int) -> bytes:
    """A private key: a destination with a certificate of four bytes, and the secret part."""
    return bytes([number]) * 385 + b"\x00\x04" + b"cert" + b"secret" * 10


class Router:
    """A router that knows its own clients only."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.sessions: dict[str, bytes] = {}
        self.accepts: dict[str, list[asyncio.Future[tuple[str, socket.socket]]]] = {}
        self.refuses_streams = ""
        self._keys = 0
        self._writers: list[asyncio.StreamWriter] = []

    async def close(self) -> None:
        """End all connections, and wait for that."""
        for writer in self._writers:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One socket of a client."""
        self._writers.append(writer)
        made = ""
        with suppress(ConnectionError):
            while line := (await reader.readline()).decode().rstrip("\n"):
                self.lines.append(line)
                said = dict(word.partition("=")[::2] for word in line.split(" "))
                match line.split(" ")[:2]:
                    case ["HELLO", _]:
                        answer = "HELLO REPLY RESULT=OK VERSION=3.1"
                    case ["DEST", _]:
                        answer = f"DEST REPLY PUB=x PRIV={encode_destination(self._new_key())}"
                    case ["SESSION", _]:
                        made, key = said["ID"], said["DESTINATION"]
                        if key == "TRANSIENT":
                            key = encode_destination(self._new_key())
                        self.sessions[made] = public_part(decode_destination(key))
                        answer = f"SESSION STATUS RESULT=OK DESTINATION={key}"
                    case ["NAMING", _]:
                        answer = self._named(said["NAME"])
                    case ["STREAM", "CONNECT"]:
                        if await self._connect(reader, writer, said):
                            return
                        answer = f"STREAM STATUS RESULT={self.refuses_streams or 'CANT_REACH_PEER'}"
                    case ["STREAM", "ACCEPT"]:
                        await self._accept(reader, writer, said["ID"])
                        return
                    case _:
                        answer = "ERROR"
                writer.write(f"{answer}\n".encode())
        self.sessions.pop(made, None)
        writer.close()

    def _new_key(self) -> bytes:
        self._keys += 1
        return key_of(100 + self._keys)

    def _named(self, name: str) -> str:
        for destination in self.sessions.values():
            if host_of(destination) == name:
                return f"NAMING REPLY RESULT=OK VALUE={encode_destination(destination)}"
        return "NAMING REPLY RESULT=KEY_NOT_FOUND"

    async def _connect(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, said: dict[str, str]
    ) -> bool:
        target = decode_destination(said["DESTINATION"])
        for name, destination in self.sessions.items():
            if destination == target and self.accepts.get(name) and not self.refuses_streams:
                waiting = self.accepts[name].pop()
                mine, theirs = socket.socketpair()
                writer.write(b"STREAM STATUS RESULT=OK\n")
                caller = encode_destination(self.sessions[said["ID"]])
                waiting.set_result((caller, theirs))
                await self._join(reader, writer, mine)
                return True
        return False

    async def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str
    ) -> None:
        if name not in self.sessions:
            writer.write(b"STREAM STATUS RESULT=INVALID_ID\n")
            return
        writer.write(b"STREAM STATUS RESULT=OK\n")
        waiting = asyncio.get_running_loop().create_future()
        self.accepts.setdefault(name, []).append(waiting)
        caller, sock = await waiting
        writer.write(f"{caller} FROM_PORT=0 TO_PORT=0\n".encode())
        await self._join(reader, writer, sock)

    async def _join(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sock: socket.socket
    ) -> None:
        far_reader, far_writer = await asyncio.open_connection(sock=sock)
        self._writers.append(far_writer)

        async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError):
                while data := await source.read(65_536):
                    target.write(data)
            target.close()

        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))


@asynccontextmanager
async def routed() -> AsyncIterator[tuple[Router, Endpoint]]:
    router = Router()
    server = await asyncio.start_server(router.serve, "127.0.0.1", 0)
    async with server, asyncio.timeout(20):
        try:
            yield router, Endpoint("127.0.0.1", server.sockets[0].getsockname()[1])
        finally:
            await router.close()


async def read(sock: socket.socket) -> bytes:
    return await asyncio.get_running_loop().sock_recv(sock, 100)


def test_one_dials_another_and_they_speak(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with routed() as (router, sam):
            alice, bob = I2p(sam, tmp_path / "alice"), I2p(sam, tmp_path / "bob")
            came: asyncio.Queue[tuple[socket.socket, Endpoint]] = asyncio.Queue()
            named: asyncio.Queue[str] = asyncio.Queue()

            async def take(sock: socket.socket, remote: Endpoint) -> None:
                await came.put((sock, remote))

            serving = asyncio.create_task(bob.serve(take, named.put))
            host = await named.get()
            while not router.accepts:  # noqa: ASYNC110 (what is waited for is no event of ours)
                await asyncio.sleep(0)
            near = await alice.connect(Endpoint(host, 0), private=False)
            far, remote = await came.get()
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(near, b"hello\n")
            assert await read(far) == b"hello\n"
            await loop.sock_sendall(far, b"bob")
            assert await read(near) == b"bob"
            assert remote == Endpoint(host_of(public_part((tmp_path / "alice").read_bytes())), 0)
            while not router.accepts[next(iter(router.accepts))]:  # noqa: ASYNC110
                await asyncio.sleep(0)  # He waits for the next one.
            hidden = await alice.connect(Endpoint(host, 0), private=True)
            far_too, stranger = await came.get()
            assert stranger not in (remote, Endpoint(host, 0))
            assert len(router.sessions) == 3
            hidden.close()  # Its session goes with it.
            while len(router.sessions) == 3:  # noqa: ASYNC110
                await asyncio.sleep(0)
            for sock in (near, far, far_too):
                sock.close()
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving
            alice.close()
            bob.close()

    asyncio.run(scenario())


def test_the_key_stays_and_so_does_the_name(tmp_path: Path) -> None:
    async def name() -> str:
        async with routed() as (_, sam):
            router = I2p(sam, tmp_path / "key")
            told: asyncio.Queue[str] = asyncio.Queue()

            async def take(sock: socket.socket, remote: Endpoint) -> None:
                raise AssertionError

            serving = asyncio.create_task(router.serve(take, told.put))
            host = await told.get()
            serving.cancel()
            with suppress(asyncio.CancelledError):
                await serving
            router.close()
            return host

    first = asyncio.run(name())
    assert asyncio.run(name()) == first
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        (Endpoint("x.b32.i2p", 8333), "port 0"),
        (Endpoint("x.b32.i2p", 0), "not found on I2P: KEY_NOT_FOUND"),
    ],
)
def test_who_is_not_reached(endpoint: Endpoint, words: str) -> None:
    async def scenario() -> None:
        async with routed() as (_, sam):
            with pytest.raises(I2pRefused, match=words):
                await I2p(sam, None).connect(endpoint, private=False)

    asyncio.run(scenario())


def test_no_router(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        nobody = Endpoint("127.0.0.1", server.getsockname()[1])

    async def scenario() -> None:
        with pytest.raises(I2pRefused, match="no I2P router at"):
            await I2p(nobody, None).connect(Endpoint("x.b32.i2p", 0), private=False)

    asyncio.run(scenario())


def test_keys_that_are_none() -> None:
    for short in (b"", key_of(1)[:386], key_of(1)[:389]):
        with pytest.raises(I2pRefused, match="only"):
            public_part(short)
    with pytest.raises(I2pRefused, match="no destination"):
        decode_destination("***")
    assert decode_destination(encode_destination(key_of(3))) == key_of(3)
