"""Calls in the plainest form of HTTP, read and answered without the HTTP library.

Nearly all calls come so: one `POST` with a short body on a kept connection, nothing behind it
before it is answered. For such a one the library makes a dozen objects and two tasks, and takes
longer than the call itself. What is not of that form, or may not come in, goes on to the
library as it came: it is the one to refuse it.

    free --a plain head--> held --its body--> answering --answered()--> free
    free, held --anything else, or nothing for a while--> passed on
"""

from __future__ import annotations

import asyncio
import http
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiohttp.helpers import rfc822_formatted_time

from axon.rpc.jsoncodec import LONG_BYTES

HELD_S: Final = 0.1
"""Many clients send the head first and then the body, but at once."""

MAX_HEAD_BYTES: Final = 4096
"""A plain head has a tenth of that."""

_END: Final = b"\r\n\r\n"
_REQUEST: Final = re.compile(rb"POST (/|/wallet/[A-Za-z0-9_.-]*) HTTP/1\.1")
_LENGTH: Final = re.compile(rb"[0-9]{1,6}")
_VALUE: Final = re.compile(rb"[ -~]*")
_WITHOUT_MEANING: Final = frozenset(
    (b"host", b"user-agent", b"accept", b"accept-encoding", b"content-type")
)
"""Fields that change nothing about a call."""


@dataclass(frozen=True, slots=True)
class PlainHead:
    """What a plain head says.

    Args:
        path: `/`, or `/wallet/NAME`.
        authorization: the field of that name.
        body_size: bytes behind it.
    """

    path: str
    authorization: str
    body_size: int


def read_head(head: bytes) -> PlainHead | None:
    """A head without its blank line; None unless it is a plain one."""
    request, *lines = head.split(b"\r\n")
    asked = _REQUEST.fullmatch(request)
    if asked is None:
        return None
    authorization, length = None, None
    for line in lines:
        name, _, value = line.partition(b": ")
        name = name.lower()
        if _VALUE.fullmatch(value) is None:
            return None
        if name in _WITHOUT_MEANING:
            continue
        if name == b"content-length" and length is None and _LENGTH.fullmatch(value):
            length = int(value)
        elif name == b"authorization" and authorization is None:
            authorization = value.decode("ascii")
        elif (name, value.lower()) != (b"connection", b"keep-alive"):
            return None
    if authorization is None or length is None or length >= LONG_BYTES:
        return None
    return PlainHead(asked[1].decode("ascii"), authorization, length)


class PlainCalls:
    """The incoming side of a connection, ahead of the HTTP library.

    Args:
        transport: the connection.
        is_free: whether the library has nothing under way and waits for a request.
        begin: takes a call, or leaves it to the library; who takes it says `answered` later.
        pass_on: to the library.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        is_free: Callable[[], bool],
        begin: Callable[[PlainHead, bytes], bool],
        pass_on: Callable[[bytes], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._is_free = is_free
        self._begin = begin
        self._pass_on = pass_on
        self._held = b""
        self._head: PlainHead | None = None  # Of what is held.
        self._impatient: asyncio.TimerHandle | None = None
        self._behind: list[bytes] = []
        self.is_answering = False
        """Whether a call that was read here is under way."""

    def received(self, data: bytes) -> None:
        """Take in bytes, cut anywhere."""
        if self.is_answering:
            self._behind.append(data)
            if not self._transport.is_closing():
                self._transport.pause_reading()  # So it is no more than a piece or two.
        elif self._head is not None:
            self._stop_waiting()
            self._go_on(self._head, data)
        elif not (data.startswith(b"POST /") and self._is_free()):
            self._pass_on(data)
        else:
            end = data.find(_END, 0, MAX_HEAD_BYTES)
            head = read_head(data[:end]) if end >= 0 else None
            if head is None:
                self._pass_on(data)
            else:
                self._held = data[: end + len(_END)]
                self._go_on(head, data[end + len(_END) :])

    def _go_on(self, head: PlainHead, body: bytes) -> None:
        """A head is there, and perhaps its body."""
        if not body and head.body_size:
            self._head = head
            self._impatient = self._loop.call_later(HELD_S, self.release)
            return
        held, self._held, self._head = self._held, b"", None
        self.is_answering = len(body) == head.body_size and self._begin(head, body)
        if not self.is_answering:
            self._pass_on(held + body)

    def _stop_waiting(self) -> None:
        if self._impatient is not None:
            self._impatient.cancel()
            self._impatient = None

    def release(self) -> None:
        """Pass on a head that is held: nothing comes behind it, or not soon."""
        self._stop_waiting()
        if self._head is not None:
            held, self._held, self._head = self._held, b"", None
            self._pass_on(held)

    def answered(self) -> None:
        """The call under way has its answer."""
        self.is_answering = False
        if self._behind and not self._transport.is_closing():
            data = b"".join(self._behind)
            self._behind.clear()
            self._transport.resume_reading()
            self.received(data)

    def closed(self) -> None:
        """The connection is no more."""
        self._stop_waiting()
        self._head = None
        self._behind.clear()


def answer_head(status: int, content_type: str | None, size: int) -> bytes:
    """The head of an answer, with its blank line.

    Args:
        status: of HTTP.
        content_type: of the body; None if there is none.
        size: bytes of the body.
    """
    lines = [f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}"]
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    if status != http.HTTPStatus.NO_CONTENT:
        lines.append(f"Content-Length: {size}")
    return "\r\n".join([*lines, f"Date: {rfc822_formatted_time()}", "", ""]).encode("ascii")
