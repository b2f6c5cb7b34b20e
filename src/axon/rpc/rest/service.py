"""REST beside the calls: a question, its answer, and what all of them together may cost.

    warming up --ready()--> answering

Nobody proves who he is here. So few answers are made at a time (`MADE_AT_ONCE`), in threads of
their own where JSON is long, and no more are begun while those on their way out, to callers who may
be slow to take them, fill `MAX_HELD_BYTES`: also not for those whose questions waited meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from axon.drivers.aio.driver import Stopped
from axon.errors import AxonError
from axon.rpc.daemon import Daemon
from axon.rpc.errors import Code, RpcError
from axon.rpc.jsoncodec import JsonCodec
from axon.rpc.rest.answers import HttpReply, Octets, RestAnswer, RestRefusal, TextLine, Value
from axon.rpc.rest.endpoints import find_endpoint
from axon.rpc.rest.question import Question

MADE_AT_ONCE: Final = 2
"""Answers that are made at a time: half of the threads that read blocks are for the owner's calls,
and one in JSON may take some ten megabytes."""

MAX_HELD_BYTES: Final = 256 * 1024 * 1024
"""Answers that are on their way out, together, but for the last `MADE_AT_ONCE`. A full block in
JSON has some 20 MB."""

SLOW_S: Final = 30.0
"""So long a part of an answer may wait until it is taken, or less if `-rpcservertimeout` is less:
launchers say a day there, and who asks and takes nothing would hold what is for all."""

TOO_MUCH: Final = "Work queue depth exceeded"
"""What a question is refused with while more are asked than there is room for."""

MAX_BODY_BYTES: Final = 256 * 1024
"""Of a request; the longest that has an answer is a hundredth of it."""

_JSON: Final = "application/json"
_OCTETS: Final = "application/octet-stream"
_TEXT: Final = "text/plain"
_NOTHING: Final = "text/html; charset=ISO-8859-1"
_UNAVAILABLE: Final = 503
_log: Final = logging.getLogger("axon.rpc")


class RestService:
    """Answers questions over REST, on the event loop on which it was made."""

    max_body_bytes: Final = MAX_BODY_BYTES
    slow_s: Final = SLOW_S

    def __init__(self) -> None:
        self._codec = JsonCodec()
        self._daemon: Daemon | None = None
        self._status = "RPC server started"
        self._making = asyncio.Semaphore(MADE_AT_ONCE)
        self._held_bytes = 0

    def warming(self, status: str) -> None:
        """Say to everybody what the node is doing instead."""
        self._status = status

    def ready(self, daemon: Daemon) -> None:
        """Answer from now on."""
        self._daemon = daemon

    def close(self) -> None:
        """End the work on answers; who waits for one is told so."""
        self._codec.close()

    @property
    def is_full(self) -> bool:
        """Whether no further question is taken."""
        return self._held_bytes >= MAX_HELD_BYTES

    def let_go(self, reply: HttpReply) -> None:
        """An answer that `respond` gave is not held any more: it is out, or nobody wants it."""
        self._held_bytes -= reply.size_bytes

    async def respond(self, uri: str, body: bytes) -> HttpReply:
        """The answer, which counts as held from now on.

        Args:
            uri: as it came, from the first slash on.
            body: of the request.
        """
        async with self._making:
            reply = _broken(_UNAVAILABLE, TOO_MUCH) if self.is_full else await self._made(uri, body)
            self._held_bytes += reply.size_bytes
            return reply

    async def _made(self, uri: str, body: bytes) -> HttpReply:
        found = find_endpoint(uri)
        if found is None:
            return HttpReply(404, _NOTHING, ())
        if self._daemon is None:
            text = f"Service temporarily unavailable: {self._status}"
            return _refused(RestRefusal(_UNAVAILABLE, text))
        endpoint, rest = found
        try:
            answer = await endpoint(Question.of(self._daemon, uri, rest, body))
            return await self._encoded(answer)
        except RestRefusal as refusal:
            return _refused(refusal)
        except Stopped:
            return _broken(_UNAVAILABLE, "Request rejected during server shutdown")
        except RpcError as error:
            return _failed(error)
        except AxonError as error:
            return _broken(500, str(error))
        except Exception:  # noqa: BLE001 One endpoint's bug must not end the node.
            _log.exception("REST: the answer to %r failed", uri)
            return _broken(500, "unknown error")

    async def _encoded(self, answer: RestAnswer) -> HttpReply:
        assert self._daemon is not None, "there is an answer"
        match answer:
            case Value(value):
                chunks = await self._codec.encode(value)
                return HttpReply(200, _JSON, (*chunks, b"\n"))
            case TextLine(text):
                return HttpReply(200, _TEXT, (f"{text}\n".encode(),))
            case Octets(in_hex=in_hex):
                chunks = await self._daemon.off_loop(answer.chunks)
                return HttpReply(200, _TEXT if in_hex else _OCTETS, tuple(chunks))


def _refused(refusal: RestRefusal) -> HttpReply:
    body = f"{refusal.text}\r\n".encode("utf-8", "surrogateescape")
    return HttpReply(refusal.status, _TEXT, (body,))


def _failed(error: RpcError) -> HttpReply:
    """What a call would be answered with an error for."""
    if error.code in (Code.WARMUP, Code.NOT_CONNECTED):
        text = f"Service temporarily unavailable: {error.message}"
        return _refused(RestRefusal(_UNAVAILABLE, text))
    return _broken(500, error.message)


def _broken(status: int, text: str) -> HttpReply:
    return HttpReply(status, _TEXT, (text.encode(),))
