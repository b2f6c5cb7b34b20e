"""What callers meet while a server stops: an answer or a closed connection, never a fault of ours.

Server and callers share one event loop, and each step waits for the one before: no race decides.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from axon.drivers.aio.driver import Stopped
from axon.machine import Endpoint
from axon.rpc import calls
from axon.rpc.amounts import Json
from axon.rpc.auth import Credentials
from axon.rpc.dispatch import Call, Registry, method
from axon.rpc.jsonrpc import Request
from axon.rpc.server import RpcServer
from axon.rpc.settings import ServerSettings
from axon.rpc.waiters import Waiters

LIMIT_S = 5.0
SHUTTING_DOWN = {"code": -9, "message": "Shutting down"}
_LOGIN = base64.b64encode(b"alice:secret").decode()


class Context:
    """What the methods below get: a call of `work` is held until `release`."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.release = asyncio.Event()
        self.done: list[str] = []


@method("test")
async def work(context: Context, name: str = "") -> Json:
    """Takes until it is released."""
    context.begun.set()
    await context.release.wait()
    context.done.append(name)
    return name


@method("test")
async def quick(context: Context) -> Json:
    """Is done in its first step."""
    context.done.append("quick")
    return None


@method("test")
async def ask_the_node(_: Context) -> Json:
    """Asks a driver that has ended."""
    raise Stopped("the node is stopping")


@pytest.fixture(autouse=True)
def no_tracebacks(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


class Caller:
    """One connection to the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    def send(self, asked: object) -> bytes:
        """Begin a request: all of it but the last byte, which is returned."""
        body = json.dumps(asked).encode()
        head = f"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {_LOGIN}\r\n"
        head += f"Content-Length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode() + body[:-1])
        return body[-1:]

    def finish(self, rest: bytes) -> None:
        """Send the last byte of a request."""
        self._writer.write(rest)

    async def answer(self) -> Any:
        """The JSON of the answer; None if the connection was closed without one."""
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:-2])
        return json.loads(await self._reader.readexactly(int(fields["Content-Length"])))

    def close(self) -> None:
        self._writer.close()


class Scene:
    """A server, its context and its callers."""

    def __init__(self, server: RpcServer, context: Context) -> None:
        self.server = server
        self.context = context
        self.callers: list[Caller] = []

    async def caller(self) -> Caller:
        endpoint = self.server.endpoints[0]
        caller = Caller(*await asyncio.open_connection(endpoint.host, endpoint.port))
        self.callers.append(caller)
        return caller

    async def begin(self, asked: object) -> tuple[Caller, bytes]:
        """A caller whose request is being read: it lacks its last byte."""
        before, caller = self.server._calls, await self.caller()
        rest = caller.send(asked)
        await until(lambda: self.server._calls == before + 1)
        return caller, rest

    async def stopping(self) -> asyncio.Task[None]:
        stop = asyncio.create_task(self.server.stop())
        await until(lambda: self.server._runner.is_stopping)
        return stop


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not holds():  # noqa: ASYNC110 Anything may make it true.
            await asyncio.sleep(0)


def play(act: Callable[[Scene], Any]) -> None:
    """Run a scene on an event loop; it must end in good time."""

    async def run() -> None:
        credentials = Credentials()
        credentials.add("alice", "secret")
        registry = Registry()
        for function in (work, quick, ask_the_node):
            registry.add(function)
        settings = ServerSettings((Endpoint("127.0.0.1", 0),))
        async with asyncio.timeout(4 * LIMIT_S):
            async with RpcServer(registry, settings, credentials) as server:
                scene = Scene(server, Context())
                server.ready(scene.context)
                try:
                    await act(scene)
                finally:
                    for caller in scene.callers:
                        caller.close()

    asyncio.run(run())


def ask(name: str, *params: object, number: int = 1) -> dict[str, object]:
    return {"jsonrpc": "2.0", "method": name, "params": list(params), "id": number}


def told(number: int = 1) -> dict[str, object]:
    return {"jsonrpc": "2.0", "error": SHUTTING_DOWN, "id": number}


def test_a_call_that_arrives_while_others_are_finished_is_told() -> None:
    async def act(scene: Scene) -> None:
        early = await scene.caller()
        early.finish(early.send(ask("work", "early")))
        await scene.context.begun.wait()
        late, rest = await scene.begin(ask("quick"))
        stop = await scene.stopping()
        late.finish(rest)
        assert await late.answer() == told()
        scene.context.release.set()
        assert (await early.answer())["result"] == "early"
        await stop
        assert scene.context.done == ["early"]

    play(act)


def test_a_request_that_is_still_being_read_is_not_waited_for() -> None:
    async def act(scene: Scene) -> None:
        late, _ = await scene.begin(ask("quick"))
        await scene.server.stop()
        assert await late.answer() is None
        assert scene.context.done == []

    play(act)


def test_a_call_that_was_read_just_before_the_connections_close_is_told() -> None:
    async def act(scene: Scene) -> None:
        await scene.server.stop()
        # No connection can be brought to this point on purpose: it lasts for one step of the loop.
        _, error = await scene.server._runner.run(Request("quick"), calls.Caller(Call()))
        assert error is not None
        assert error.to_json() == SHUTTING_DOWN
        assert scene.context.done == []

    play(act)


def test_the_rest_of_a_batch_is_told() -> None:
    async def act(scene: Scene) -> None:
        caller = await scene.caller()
        calls = [ask("work", "first"), ask("quick", number=2), ask("help", number=3)]
        caller.finish(caller.send(calls))
        await scene.context.begun.wait()
        stop = await scene.stopping()
        scene.context.release.set()
        first, *others = await caller.answer()
        assert first["result"] == "first"
        assert others == [told(2), told(3)]
        await stop
        assert scene.context.done == ["first"]

    play(act)


def test_a_call_whose_command_the_driver_no_longer_takes_is_told() -> None:
    async def act(scene: Scene) -> None:
        caller = await scene.caller()
        caller.finish(caller.send(ask("ask_the_node")))
        assert await caller.answer() == told()

    play(act)


def test_an_idle_connection_is_closed_and_a_second_stop_does_nothing() -> None:
    async def act(scene: Scene) -> None:
        idle = await scene.caller()
        idle.finish(idle.send(ask("quick")))
        await idle.answer()
        await scene.server.stop()
        await scene.server.stop()
        assert await idle.answer() is None

    play(act)


def test_waiters_are_told_and_whoever_comes_later_too() -> None:
    async def run() -> None:
        waiters = Waiters()
        early = asyncio.create_task(waiters.wait_for(lambda: False, None))
        await asyncio.sleep(0)
        waiters.close()
        with pytest.raises(Stopped):
            await asyncio.wait_for(early, LIMIT_S)
        with pytest.raises(Stopped):
            await asyncio.wait_for(waiters.wait_for(lambda: False, None), LIMIT_S)
        assert await waiters.wait_for(lambda: True, None)

    asyncio.run(run())


def test_a_condition_is_tested_once_more_when_its_time_is_over() -> None:
    async def run() -> None:
        waiters, met = Waiters(), list[bool]()
        waiting = asyncio.create_task(waiters.wait_for(lambda: bool(met), 0.01))
        await asyncio.sleep(0)
        met.append(True)  # And nobody says so.
        assert await waiting
        assert not waiters._waiting
        assert not await waiters.wait_for(lambda: False, 0.01)
        assert not waiters._waiting

    asyncio.run(run())
