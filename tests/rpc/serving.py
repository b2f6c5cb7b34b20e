"""A real server on loopback, in a thread of its own, and plain HTTP requests to it."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from axon.errors import ConfigError
from axon.machine import Endpoint
from axon.rpc.amounts import Amount, Json
from axon.rpc.auth import Credentials, Whitelist
from axon.rpc.dispatch import Call, Registry, method
from axon.rpc.errors import Code, RpcError
from axon.rpc.server import RpcServer
from axon.rpc.settings import IpNetwork, ServerSettings


class Daemon:
    """The context of the methods below."""

    def __init__(self) -> None:
        self.news = asyncio.Event()
        self.waiting = 0
        self.finished: list[str] = []


@method("blockchain")
async def getblockhash(_: Daemon, height: int) -> str:
    """The hash at a height.

    Args:
        height: The height index
    """
    if height > 100:
        raise RpcError(Code.PARAMETER, "Block height out of range")
    return f"{height:064x}"


@method("blockchain", waits=True)
async def waitfornewblock(daemon: Daemon) -> str:
    """Waits for news."""
    daemon.waiting += 1
    try:
        await daemon.news.wait()
    finally:
        daemon.waiting -= 1
    return "news"


@method("hidden")
async def work(daemon: Daemon, name: str) -> str:
    """Takes a moment, and is never broken off by its caller."""
    await asyncio.sleep(0.05)
    daemon.finished.append(name)
    return name


@method("hidden")
def note(daemon: Daemon, value: Json = None) -> None:
    """Is done at once, and leaves a trace."""
    daemon.finished.append(str(value))


@method("hidden")
def echo(_: Daemon, value: Json = None) -> Json:
    """Gives back what it gets."""
    return value


@method("hidden")
def money(_: Daemon, amount: Amount) -> Json:
    """An amount, three times."""
    return [amount, {"fee": Amount(-amount.sat)}, amount.sat]


@method("hidden")
def whoami(_: Daemon, call: Call) -> Json:
    """The circumstances of the call."""
    return [call.user, call.wallet]


@method("hidden")
def odd(_: Daemon) -> Json:
    """Returns what JSON cannot say."""
    return b"bytes"


@method("hidden")
async def bug(_: Daemon) -> None:
    """Breaks."""
    raise ZeroDivisionError("oh")


def registry() -> Registry:
    made = Registry()
    for function in (getblockhash, waitfornewblock, work, note, echo, money, whoami, odd, bug):
        made.add(function)
    return made


def ask(method: str, *params: object, **fields: object) -> dict[str, object]:
    """A request, as yet without a version."""
    return {"method": method, "params": list(params), "id": 1, **fields}


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Web:
    """A server under test, reached from outside its thread."""

    def __init__(self, server: RpcServer, daemon: Daemon) -> None:
        self.server = server
        self.daemon = daemon
        self.loop = asyncio.get_running_loop()
        self.endpoint = server.endpoints[0]
        self.stop = asyncio.Event()

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.endpoint.host, self.endpoint.port, timeout=10)

    def inside(self, function: Callable[[], object]) -> Any:
        """Run a function on the server's loop and wait for it."""

        async def run() -> object:
            return function()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(10)

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds on the server's loop."""

        async def poll() -> None:
            while not condition():  # noqa: ASYNC110 Anything may make it true.
                await asyncio.sleep(0.001)

        asyncio.run_coroutine_threadsafe(poll(), self.loop).result(10)

    def post(
        self,
        asked: object,
        *,
        login: str | None = "alice:secret",
        path: str = "/",
        verb: str = "POST",
        connection: http.client.HTTPConnection | None = None,
    ) -> Reply:
        body = asked if isinstance(asked, bytes) else json.dumps(asked).encode()
        used = connection or self.connect()
        headers = {}
        if login is not None:
            headers["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
        try:
            used.request(verb, path, body, headers)
            response = used.getresponse()
            return Reply(response.status, dict(response.getheaders()), response.read())
        finally:
            if connection is None:
                used.close()


@contextmanager
def serving(
    *,
    ready: bool = True,
    whitelist: Whitelist | None = None,
    credentials: Credentials | None = None,
    endpoint: Endpoint = Endpoint("127.0.0.1", 0),  # noqa: B008 It is frozen.
    allowed: tuple[IpNetwork, ...] = (),
    max_calls: int = 80,
    timeout_s: float = 30.0,
) -> Iterator[Web]:
    """A server that listens until the end of the block."""
    if credentials is None:
        credentials = Credentials()
        credentials.add("alice", "secret")
        credentials.add("bob", "other")
    settings = ServerSettings((endpoint,), allowed, max_calls, timeout_s)
    started: list[Web] = []
    failed: list[ConfigError] = []
    signal = threading.Event()

    async def serve() -> None:
        try:
            async with RpcServer(registry(), settings, credentials, whitelist) as server:
                web = Web(server, Daemon())
                if ready:
                    server.ready(web.daemon)
                started.append(web)
                signal.set()
                await web.stop.wait()
        except ConfigError as error:
            failed.append(error)
        finally:
            signal.set()

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    signal.wait(10)
    if failed:
        thread.join()
        raise failed[0]
    try:
        yield started[0]
    finally:
        if thread.is_alive():
            started[0].loop.call_soon_threadsafe(started[0].stop.set)
        thread.join(20)
        assert not thread.is_alive()
