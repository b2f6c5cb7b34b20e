"""A small Tor: its control port, which makes onion services that nobody reaches by themselves."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from axon.drivers.aio.torcontrol import answer_to_challenge
from axon.machine import Endpoint
from axon.primitives.netaddress import AddressNetwork, NetAddress

COOKIE = bytes(range(32))
SERVICE = NetAddress(AddressNetwork.TORV3, bytes(range(32)), 1).to_text()
KEY = "ED25519-V3:key="


class ControlPort:
    """A small Tor: it answers as control-spec says, for one way of proving oneself.

    Args:
        methods: as PROTOCOLINFO lists them.
        cookie_file: where its cookie is.
        password: it takes.
        knows_pow: whether it knows proof of work for services.
        honest: whether its own proof is right.
    """

    def __init__(
        self,
        methods: str = "NULL",
        cookie_file: Path = Path("/nowhere"),
        password: str = "",
        *,
        knows_pow: bool = True,
        honest: bool = True,
    ) -> None:
        self._methods = methods
        self._cookie_file = cookie_file
        self._password = password
        self._knows_pow = knows_pow
        self._honest = honest
        self._proof = ""
        self._proved = False
        self.heard: list[str] = []
        self.made = asyncio.Event()
        """Set once it runs a service."""
        self._writers: list[asyncio.StreamWriter] = []

    async def close(self) -> None:
        """End all connections, and wait for that."""
        for writer in self._writers:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One controller."""
        self._writers.append(writer)
        while line := (await reader.readline()).decode().rstrip("\r\n"):
            self.heard.append(line)
            writer.write("".join(f"{each}\r\n" for each in self._answer(line)).encode())

    def _answer(self, line: str) -> list[str]:
        word, _, rest = line.partition(" ")
        match word:
            case "PROTOCOLINFO":
                auth = f'250-AUTH METHODS={self._methods} COOKIEFILE="{self._cookie_file}"'
                return ["250-PROTOCOLINFO 1", auth, '250-VERSION Tor="0.4.8"', "250 OK"]
            case "AUTHCHALLENGE":
                ours, theirs = bytes.fromhex(rest.split()[1]), secrets.token_bytes(32)
                cookie = COOKIE if self._honest else bytes(32)
                said = answer_to_challenge(cookie, ours, theirs, server=True)
                self._proof = answer_to_challenge(COOKIE, ours, theirs, server=False).hex()
                return [f"250 AUTHCHALLENGE SERVERHASH={said.hex()} SERVERNONCE={theirs.hex()}"]
            case "AUTHENTICATE":
                quoted = self._password.replace("\\", "\\\\").replace('"', '\\"')
                wanted = {"NULL": "", "SAFECOOKIE": self._proof}.get(self._methods, f'"{quoted}"')
                self._proved = rest == wanted
                return ["250 OK" if self._proved else "515 Authentication failed"]
            case "GETINFO" if self._proved:
                listed = '"unix:/run/tor" "192.0.2.1:9" "127.0.0.1:9150"'
                return ["650 STREAM of no interest", f"250-{rest}={listed}", "250 OK"]
            case "ADD_ONION" if self._proved:
                return self._add(rest)
        return ["514 Authentication required"]

    def _add(self, rest: str) -> list[str]:
        if "PoW" in rest and not self._knows_pow:
            return ["512 Unrecognized argument"]
        self.made.set()
        key = [f"250-PrivateKey={KEY}"] if rest.startswith("NEW") else []
        return [f"250-ServiceID={SERVICE.removesuffix('.onion')}", *key, "250 OK"]


@asynccontextmanager
async def control_port(tor: ControlPort, port: int = 0) -> AsyncIterator[Endpoint]:
    """Where it answers, until the block is left."""
    server = await asyncio.start_server(tor.serve, "127.0.0.1", port)
    async with server:
        try:
            yield Endpoint("127.0.0.1", server.sockets[0].getsockname()[1])
        finally:
            await tor.close()


@contextmanager
def control_thread(tor: ControlPort) -> Iterator[Endpoint]:
    """The same in a thread of its own, for programs in other processes."""
    begun: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, Endpoint]] = Future()

    async def run() -> None:
        left = asyncio.Event()
        async with control_port(tor) as place:
            begun.set_result((asyncio.get_running_loop(), left, place))
            await left.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    loop, left, place = begun.result(10)
    try:
        yield place
    finally:
        loop.call_soon_threadsafe(left.set)
        thread.join()
