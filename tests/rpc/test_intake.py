"""What the parser gets of what comes over a connection, and when no more is read of it."""

from __future__ import annotations

import asyncio
import time
from typing import cast

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.streams import StreamReader

from axon.rpc.intake import MAX_DROPPED_BYTES, Intake
from axon.rpc.pieces import PIECE_BYTES, PieceTurns
from tests.rpc.looped import looped

CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
PLAIN = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"


class Line:
    """A transport that only notes what is done with it."""

    def __init__(self) -> None:
        self.is_read = True
        self.is_written = True

    def pause_reading(self) -> None:
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True

    def is_closing(self) -> bool:
        return False

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.is_written = False


def opened() -> tuple[Intake, Line, list[bytes]]:
    """The incoming side of a new connection, and what is parsed of it."""
    line, parsed = Line(), list[bytes]()
    return Intake(cast(asyncio.Transport, line), PieceTurns(), parsed.append), line, parsed


def body() -> StreamReader:
    loop = asyncio.get_running_loop()
    return StreamReader(BaseProtocol(loop), 1000, loop=loop)


async def turns(count: int = 1000) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@looped
async def test_heads_and_plain_bodies_are_parsed_at_once() -> None:
    intake, line, parsed = opened()
    intake.received(PLAIN * 3)
    assert b"".join(parsed) == PLAIN * 3
    assert line.is_read
    assert intake.is_whole(None)


@looped
async def test_chunks_are_parsed_in_pieces_and_no_more_are_read_meanwhile() -> None:
    intake, line, parsed = opened()
    sent = CHUNKED + b"1\r\nx\r\n" * 10_000
    intake.received(sent)
    assert not parsed
    assert not line.is_read
    intake.want(more=True)
    assert not line.is_read, "whatever the parser says"
    await turns()
    assert line.is_read
    assert b"".join(parsed) == sent
    assert max(map(len, parsed)) <= PIECE_BYTES


@looped
async def test_when_all_is_parsed_the_parser_says_whether_more_is_read() -> None:
    intake, line, parsed = opened()
    intake.received(CHUNKED)
    intake.want(more=False)
    await turns()
    assert parsed == [CHUNKED]
    assert not line.is_read
    intake.want(more=True)
    assert line.is_read


@looped
async def test_a_chunked_request_is_whole_with_its_body() -> None:
    intake, _, _ = opened()
    last = body()
    intake.received(CHUNKED)
    await turns()
    assert not intake.is_whole(last)
    intake.received(b"0\r\n\r\n")
    assert not intake.is_whole(last)
    await turns()
    last.feed_eof()
    assert intake.is_whole(last)


@pytest.mark.parametrize("data", [CHUNKED, b"x" * 40_000, PLAIN])
@looped
async def test_behind_a_refusal_nothing_is_parsed_and_a_bounded_part_is_read(data: bytes) -> None:
    intake, line, parsed = opened()
    last = body()
    intake.received(data + b"y" * 30_000)
    intake.refuse(last)
    before = len(parsed)
    await turns()
    assert line.is_read
    intake.received(b"z" * (MAX_DROPPED_BYTES - 1))
    assert line.is_read
    intake.received(b"z")
    assert not line.is_read
    intake.want(more=True)
    assert not line.is_read
    await turns()
    assert len(parsed) == before


@looped
async def test_what_has_come_of_a_refused_body_is_dropped() -> None:
    intake, _, _ = opened()
    last = body()
    last.feed_data(b"x" * 1000)
    intake.refuse(last)
    assert last.at_eof()


@looped
async def test_a_caller_who_still_sends_has_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("axon.rpc.intake.LINGER_S", 0.1)
    intake, line, _ = opened()
    intake.refuse(body())
    began = time.monotonic()
    await intake.linger()
    assert time.monotonic() - began >= 0.09
    assert not line.is_written


@looped
async def test_nobody_else_has() -> None:
    whole = body()
    whole.feed_eof()
    for last in (whole, body(), None):
        intake, line, _ = opened()
        if last is not None:
            intake.refuse(last)
        if last is not whole:
            intake.ended()
        await asyncio.wait_for(intake.linger(), 0.5)
        assert line.is_written
