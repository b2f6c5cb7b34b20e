"""Requests and answers as JSON: short ones at once, long ones while the loop goes on."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from axon.drivers.aio.driver import Stopped
from axon.rpc.amounts import LazyList
from axon.rpc.jsoncodec import CHUNK_BYTES, LONG_BYTES, JsonCodec

LIMIT_S = 20.0


def run(act: Callable[[JsonCodec], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        codec = JsonCodec()
        try:
            async with asyncio.timeout(LIMIT_S):
                await act(codec)
        finally:
            codec.close()

    asyncio.run(main())


def cut(data: bytes) -> list[bytes]:
    """Chunks of odd sizes, so that some end within a character."""
    return [data[at : at + 1001] for at in range(0, len(data), 1001)]


@pytest.mark.parametrize("size", [10, LONG_BYTES, 2 * LONG_BYTES])
def test_there_and_back(size: int) -> None:
    async def act(codec: JsonCodec) -> None:
        value = {"text": "ä\ud800" * size, "list": [1, "€", None] * size}
        chunks = await codec.encode(value)
        text = b"".join(chunks).replace(b"\\ud800", b"?")
        assert max(map(len, chunks)) < 4 * CHUNK_BYTES
        assert await codec.decode(cut(text)) == json.loads(text)

    run(act)


@pytest.mark.parametrize("bad", [b"[", b"\xff", b"\xe2\x82", b"[1] [2]"])
@pytest.mark.parametrize("size", [0, LONG_BYTES])
def test_what_is_no_json_is_refused(bad: bytes, size: int) -> None:
    async def act(codec: JsonCodec) -> None:
        with pytest.raises(ValueError):
            await codec.decode(cut(b" " * size + b'"ok"' + bad))

    run(act)


def test_what_has_no_form_is_refused() -> None:
    async def act(codec: JsonCodec) -> None:
        for count in (1, 10_000):
            with pytest.raises(TypeError):
                await codec.encode([None] * count + [b"bytes"])

    run(act)


@pytest.mark.parametrize(
    "body",
    [
        b'["' + b"51" * 8_000_000 + b'"]',
        b'["' + b"\\u00e4" * 2_000_000 + b'"]',
        b"[" + b'{"id":1,"method":"getblockcount"},' * 60_000 + b"0]",
    ],
    ids=["long", "escapes", "many"],
)
def test_the_loop_goes_on_while_a_long_request_is_decoded(body: bytes) -> None:
    async def act(codec: JsonCodec) -> None:
        turns = 0
        work = asyncio.create_task(codec.decode([body]))
        while not work.done():
            await asyncio.sleep(0)
            turns += 1
        assert await work == json.loads(body)
        assert turns > 10

    run(act)


def test_a_lazy_list_is_made_off_the_loop() -> None:
    async def act(codec: JsonCodec) -> None:
        def make(number: int) -> dict[str, int]:
            time.sleep(0.001)
            return {"n": number}

        turns = 0
        work = asyncio.create_task(codec.encode(LazyList(make, range(100))))
        while not work.done():
            await asyncio.sleep(0)
            turns += 1
        assert json.loads(b"".join(await work)) == [{"n": number} for number in range(100)]
        assert turns > 10

    run(act)


def test_the_end_does_not_wait_for_what_is_long() -> None:
    async def act(codec: JsonCodec) -> None:
        works = [
            asyncio.create_task(codec.decode([b"[" + b"1," * 2_000_000 + b"1]"])),
            asyncio.create_task(codec.encode(LazyList(str, range(10_000_000)))),
        ]
        await asyncio.sleep(0.05)
        began = time.monotonic()
        codec.close()
        for work in works:
            with pytest.raises(Stopped):
                await work
        assert time.monotonic() - began < 1.0

    run(act)
