"""Requests over HTTP: questions over REST, and heads that the HTTP library never sees."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Final

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpRequestParser

from axon.primitives.hashes import to_hex
from axon.rpc.plaincalls import read_head
from axon.rpc.rest.answers import HttpReply
from axon.rpc.rest.service import RestService
from fuzz.targets.nodecalls import HeldNode, held_node

_NAMED: Final = re.compile(r"<([0-9])>")
_HEX: Final = re.compile(rb"([0-9a-f]{2})*\n")
_STATUSES: Final = (200, 400, 404)


def rest_question(data: bytes) -> None:
    """A path behind `/rest/`, in which `<7>` is a block's hash, and behind a line break a body.

    Each has an answer of the form that was asked for, or a refusal; nothing of it stays held.
    """
    line, _, body = data.partition(b"\n")
    node, service = held_node(), RestService()
    service.ready(node.daemon)
    path = _NAMED.sub(lambda found: _hash_at(node, int(found[1])), line.decode("latin-1"))

    async def ask() -> HttpReply:
        return await service.respond(f"/rest/{path}", body)

    try:
        reply = node.run(ask())
    finally:
        service.close()
    content = b"".join(reply.chunks)
    assert reply.status in _STATUSES, content
    if reply.status == 200:
        plain = path.partition("?")[0]
        if reply.content_type == "application/json":
            json.loads(content)
        elif plain.endswith(".hex") and reply.content_type == "text/plain":
            assert _HEX.fullmatch(content)
    service.let_go(reply)
    assert not service.is_full


def _hash_at(node: HeldNode, height: int) -> str:
    entry = node.daemon.node.active.at(height)
    assert entry is not None, "its chain is longer"
    return to_hex(entry.hash)


def plain_head(data: bytes) -> None:
    """A head that is read without the library says to the library what it says here, or less."""
    head = read_head(data)
    if head is None:
        return
    with asyncio.Runner() as runner:
        runner.run(_compare(data, head.path, head.body_size))


async def _compare(data: bytes, path: str, body_size: int) -> None:
    loop = asyncio.get_running_loop()
    parser = HttpRequestParser(BaseProtocol(loop), loop, 1 << 16, max_line_size=1 << 16)
    body = b"x" * body_size
    try:
        messages, upgraded, tail = parser.feed_data(data + b"\r\n\r\n" + body + b"GET")
    except HttpProcessingError:
        return  # It is stricter about what changes nothing.
    ((message, payload),) = messages
    assert (message.method, message.path) == ("POST", path)
    assert not message.should_close and not upgraded and not tail  # noqa: PT018 One answer each.
    assert b"".join([piece async for piece in payload.iter_any()]) == body


_PATHS: Final = (
    "tx/11.json",
    f"tx/{'11' * 32}.hex",
    "block/<3>.json",
    "block/<3>.bin?a",
    "block/notxdetails/<2>.json",
    "blockpart/<1>.hex?offset=0&size=80",
    "blockpart/<1>.bin?offset=00000&size=99999999999999999999",
    "blockfilter/basic/<1>.json",
    "blockfilterheaders/basic/5/<0>.hex",
    "blockfilterheaders/basic/<0>.json?count=2000",
    "chaininfo.json",
    "mempool/info.json",
    "mempool/contents.json?verbose=false&mempool_sequence=true",
    "headers/3/<1>.bin",
    "headers/<1>.json?count=%35&count=7",
    f"getutxos/checkmempool/{'22' * 32}-0/{'22' * 32}-4294967295.json",
    "getutxos.bin\n\x01\x01" + "\x02" * 36,
    f"getutxos.hex\n0001{'03' * 36}",
    "deploymentinfo/<9>.json",
    "deploymentinfo.json#x",
    "blockhashbyheight/7.hex",
    "blockhashbyheight/-1.json",
    "spenttxouts/<9>.json",
    "spenttxouts/<0>.bin",
    "?/%00\xff.json",
)
_HEAD: Final = b"POST / HTTP/1.1\r\nHost: x\r\nAuthorization: Basic YTpi\r\nContent-Length: 2"

EXAMPLES: Final[dict[str, list[bytes]]] = {
    "rest-question": [path.encode("latin-1") for path in _PATHS],
    "plain-head": [
        _HEAD,
        _HEAD.replace(b" / ", b" /wallet/a.b ") + b"\r\nConnection: keep-alive",
        _HEAD + b"\r\nTransfer-Encoding: chunked",
        b"POST / HTTP/1.1\r\ncontent-length: 0\r\nauthorization: \r\nAccept: */*",
    ],
}
"""The first inputs."""

TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "rest-question": rest_question,
    "plain-head": plain_head,
}
