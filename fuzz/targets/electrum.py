"""What clients of the Electrum server send: lines, requests, versions, parameters."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from axon.electrum.errors import ElectrumError
from axon.electrum.lines import MAX_RECEIVED_BYTES, LineBuffer
from axon.electrum.methodtable import find
from axon.electrum.session import (
    AskedLine,
    ElectrumCall,
    ElectrumSession,
    RefusedCall,
    has_too_many_values,
    refusal_of,
    result_of,
)
from axon.electrum.shares import Holder, Shares
from axon.rpc.amounts import decode_json, encode_json


def electrum_lines(data: bytes) -> None:
    """Lines of one client, cut anywhere: each request has an answer, and nothing stays behind."""
    shares = Shares(MAX_RECEIVED_BYTES)
    lines, session = LineBuffer(shares, Holder("192.0.2.1", is_local=False)), ElectrumSession()
    cut = data[:1] + b"\0"
    for place in range(0, len(data), cut[0] + 1):
        lines.received(data[place : place + cut[0] + 1])
        while (line := lines.next()) is not None:
            _answer(session, line)
    lines.close()
    assert shares.left(is_local=False) == MAX_RECEIVED_BYTES // 2


def _answer(session: ElectrumSession, line: bytes) -> None:
    if has_too_many_values(line):
        return
    try:
        asked = session.read(decode_json(line))
    except ValueError:
        asked = AskedLine((session.not_json(),), False)
    for call in asked.calls:
        if isinstance(call, RefusedCall):
            encode_json(refusal_of(call.call, call.error))
            continue
        with suppress(ElectrumError):
            _call(session, call)
        if not call.is_notification:
            decode_json(encode_json(result_of(call, session.protocol)))


def _call(session: ElectrumSession, call: ElectrumCall) -> None:
    """Find the method, and see whether the parameters fit; one is done."""
    method = find(call, session.protocol)
    named = call.params if isinstance(call.params, dict) else {}
    ordered = call.params if isinstance(call.params, list) else []
    with suppress(TypeError):
        bound = method.signature.bind(None, None, *ordered, **named)
        if call.method == "server.version":
            name = bound.arguments.get("client_name", "")
            session.negotiate(name, bound.arguments.get("protocol_version"))


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {"electrum-lines": electrum_lines}
