"""The asyncio client against the real server, and against what is none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from axon.machine import Endpoint
from axon.rpc.asyncclient import MAX_KEPT, AsyncRpcClient
from axon.rpc.auth import Cookie, Credentials, Whitelist
from axon.rpc.client import Unauthorized, Unreachable
from axon.rpc.errors import RpcError
from tests.rpc.serving import Web, serving

LIMIT_S = 10.0


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    with serving() as served:
        yield served


def play(
    act: Callable[[AsyncRpcClient], Awaitable[Any]], endpoint: Endpoint, **options: Any
) -> Any:
    """Run one act with a client."""

    async def run() -> Any:
        url = f"http://{endpoint}" if "cookie" in options else f"http://alice:secret@{endpoint}"
        async with AsyncRpcClient(url, **options) as client:
            return await asyncio.wait_for(act(client), LIMIT_S)

    return asyncio.run(run())


async def kept(web: Web) -> int:
    return await asyncio.to_thread(web.inside, lambda: len(web.server._web.connections))


def test_results_and_errors(web: Web) -> None:
    async def act(client: AsyncRpcClient) -> None:
        assert await client.call("getblockhash", 3) == f"{3:064x}"
        assert await client.call("getblockhash", height=3) == f"{3:064x}"
        assert await client.call("money", Decimal("0.00000001")) == [
            Decimal("0.00000001"),
            {"fee": Decimal("-0.00000001")},
            1,
        ]
        assert await client.call_with("whoami", []) == ["alice", None]
        with pytest.raises(RpcError, match="Block height out of range") as caught:
            await client.call("getblockhash", 101)
        assert caught.value.code == -8
        with pytest.raises(RpcError, match="specified twice"):
            await client.call("getblockhash", 5, height=5)

    play(act, web.endpoint)


def test_a_batch(web: Web) -> None:
    async def act(client: AsyncRpcClient) -> None:
        first, second = await client.batch([("getblockhash", [1]), ("nope", [])])
        assert first == f"{1:064x}"
        assert isinstance(second, RpcError)
        assert await client.batch([]) == []

    play(act, web.endpoint)


def test_calls_in_a_row_share_a_connection_and_calls_at_once_do_not() -> None:
    with serving() as own:

        async def act(client: AsyncRpcClient) -> None:
            for _ in range(3):
                await client.call("echo")
            assert await kept(own) == 1
            waiting = [asyncio.create_task(client.call("waitfornewblock")) for _ in range(12)]
            await asyncio.to_thread(own.until, lambda: own.daemon.waiting == 12)
            assert await client.call("echo", 5) == 5
            await asyncio.to_thread(own.inside, own.daemon.news.set)
            assert await asyncio.gather(*waiting) == ["news"] * 12
            await asyncio.to_thread(own.until, lambda: len(own.server._web.connections) == MAX_KEPT)

        play(act, own.endpoint)


def test_a_call_that_is_cancelled_ends_at_the_server_too() -> None:
    with serving() as own:

        async def act(client: AsyncRpcClient) -> None:
            call = asyncio.create_task(client.call("waitfornewblock"))
            await asyncio.to_thread(own.until, lambda: own.daemon.waiting == 1)
            call.cancel()
            await asyncio.to_thread(own.until, lambda: own.daemon.waiting == 0)
            assert await client.call("echo", 1) == 1

        play(act, own.endpoint)


def test_an_answer_that_takes_too_long() -> None:
    async def act(client: AsyncRpcClient) -> None:
        with pytest.raises(Unreachable, match="timed out"):
            await client.call("waitfornewblock")

    with serving() as web:
        play(act, web.endpoint, timeout_s=0.05)


def test_wallet_paths(web: Web) -> None:
    whoami = play(lambda client: client.call("whoami"), web.endpoint, wallet="a b/c")
    assert whoami == ["alice", "a b/c"]


def test_wrong_passwords_and_methods_for_others(tmp_path: Path) -> None:
    async def wrong(client: AsyncRpcClient) -> None:
        with pytest.raises(Unauthorized, match="Incorrect rpcuser or rpcpassword"):
            await client.call("echo")

    async def without(client: AsyncRpcClient) -> None:
        with pytest.raises(Unauthorized, match=r"No file .*none"):
            await client.call("echo")

    async def forbidden(client: AsyncRpcClient) -> None:
        with pytest.raises(Unauthorized, match="not for this user"):
            await client.call("whoami")

    with serving(whitelist=Whitelist(["alice:echo"])) as web:
        (tmp_path / "old").write_text("__cookie__:old")
        play(wrong, web.endpoint, cookie=tmp_path / "old")
        play(without, web.endpoint, cookie=tmp_path / "none")
        play(forbidden, web.endpoint)


def test_nobody_there() -> None:
    async def act(client: AsyncRpcClient) -> None:
        with pytest.raises(Unreachable, match="Could not connect"):
            await client.call("echo")

    with serving() as web:
        endpoint = web.endpoint
    play(act, endpoint)


def test_a_restarted_server_is_found_again_with_its_new_cookie(tmp_path: Path) -> None:
    path = tmp_path / ".cookie"

    def credentials() -> Credentials:
        made = Credentials()
        made.add("__cookie__", Cookie(path).write())
        return made

    async def run() -> None:
        with serving(credentials=credentials()) as web:
            client = AsyncRpcClient(f"http://{web.endpoint}", cookie=path)
            assert await client.call("whoami") == ["__cookie__", None]
        with serving(credentials=credentials(), endpoint=web.endpoint):
            assert await client.call("whoami") == ["__cookie__", None]
            await client.close()

    asyncio.run(run())


ANSWER = b'{"result":7,"error":null,"id":1}'


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 32\r\n\r\n" + ANSWER,
        b"HTTP/1.0 200 OK\r\n\r\n" + ANSWER,
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 32\r\n\r\n" + ANSWER,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n"
        + ANSWER[:5] + b"\r\n1b;x=1\r\n" + ANSWER[5:] + b"\r\n0\r\n\r\n",
    ],
)  # fmt: skip
def test_the_ways_in_which_servers_answer(answer: bytes) -> None:
    assert against(answer) == 7


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"220 mail.example ESMTP\r\n\r\n", b"HTTP/1.1 xx\r\n\r\n", b"HTTP/1.1 200 OK\r\nConte",
        b"HTTP/1.1 200 OK\r\nContent-Length: 33\r\n\r\n" + ANSWER,
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"error\": 5}",
        b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 " + b"9" * 100_000,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_json_rpc_server_is_unreachable(answer: bytes) -> None:
    with pytest.raises(Unreachable):
        against(answer)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n174876e7ff\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + bytes(1_001),
    ],
)
def test_an_answer_that_is_longer_than_allowed(head: bytes) -> None:
    with pytest.raises(Unreachable, match="longer than 1,000 bytes"):
        against(head, max_answer_bytes=1_000)


def test_a_batch_answered_by_something_else_is_unreachable() -> None:
    body = b'[{"id":5,"result":1}]'
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with pytest.raises(Unreachable, match="a call that was not made"):
        against(answer, lambda client: client.batch([("a", [])]))


def against(
    answer: bytes,
    act: Callable[[AsyncRpcClient], Awaitable[Any]] = lambda client: client.call("any"),
    **options: Any,
) -> Any:
    """Ask a server that answers every connection with these bytes, and then hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async def run() -> Any:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            async with AsyncRpcClient(url, **options) as client:
                return await asyncio.wait_for(act(client), LIMIT_S)

    return asyncio.run(run())


def test_a_call_that_may_have_been_carried_out_is_not_sent_again() -> None:
    calls: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.append(await reader.readuntil(b"\r\n\r\n"))
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            async with AsyncRpcClient(url) as client:
                with pytest.raises(Unreachable):
                    await client.call("sendpayment")
        assert len(calls) == 1

    asyncio.run(run())
