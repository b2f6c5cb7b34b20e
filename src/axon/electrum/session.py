"""What a client says, as far as that can be told without looking anything up.

The machine of one connection, without I/O: a decoded line comes in, calls come out; their results
go in, the answer comes out.

    new --server.version--> negotiated
    any --too many faults, no version in common--> over

A client that never sends `server.version` is spoken to as one of version 1.4, where that was not a
duty yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from axon.electrum.errors import ElectrumCode, ElectrumError
from axon.electrum.versions import PROTOCOL_MIN, ProtocolVersion, negotiate

MAX_BATCH: Final = 1_000
"""Requests in one line. Wallets send some hundred."""

MAX_VALUES: Final = 10_000
"""Values in one line: more than a whole batch of requests has. Long lines are long texts."""

MAX_FAULTS: Final = 10
"""Lines that are no requests, before the connection ends: who sends them speaks something else."""

MAX_NAME: Final = 100
"""Characters of a client's name that are kept."""

MAX_REFUSED_ID: Final = 1_000
"""Characters of an id that comes back where there is no room for an answer."""

_NO_ID: Final = object()


@dataclass(frozen=True, slots=True)
class ElectrumCall:
    """One request.

    Args:
        method: its name.
        params: in order, or by name.
        id: whatever the client put there.
        is_v2: it is not marked as JSON-RPC 1.0, and its answer is of 2.0, without the one of
            result and error that it has not: clients that mark nothing take a null for an error.
    """

    method: str
    params: list[Any] | dict[str, Any]
    id: object
    is_v2: bool

    @property
    def is_notification(self) -> bool:
        """Whether nobody waits for an answer."""
        return self.id is _NO_ID


@dataclass(frozen=True, slots=True)
class RefusedCall:
    """What is not even looked at.

    Args:
        error: why.
        call: the request; None for what is none.
    """

    error: ElectrumError
    call: ElectrumCall | None = None


@dataclass(frozen=True, slots=True)
class AskedLine:
    """What a line asks.

    Args:
        calls: the requests, in order; a refusal in the place of one that is none.
        is_batch: the answers go back as a list.
    """

    calls: tuple[ElectrumCall | RefusedCall, ...]
    is_batch: bool


class ElectrumSession:
    """One client's session."""

    def __init__(self) -> None:
        self.protocol: ProtocolVersion = PROTOCOL_MIN
        self.client_name = ""
        self.faults = 0
        self._is_negotiated = False

    @property
    def is_over(self) -> bool:
        """Whether the client has sent too much that is no request."""
        return self.faults >= MAX_FAULTS

    def negotiate(self, client_name: object, asked: object) -> ProtocolVersion:
        """Agree on a version; the first time only.

        Raises:
            ElectrumError: it is not the first time, or no version is common to both.
        """
        if self._is_negotiated:
            raise ElectrumError("server.version already sent")
        self._is_negotiated = True
        self.client_name = str(client_name)[:MAX_NAME]
        self.protocol = negotiate(asked)
        return self.protocol

    def read(self, message: object) -> AskedLine:
        """What a decoded line asks."""
        if not isinstance(message, list):
            return AskedLine((self._read_one(message),), False)
        if not message:
            return AskedLine((self._fault("empty batch"),), False)
        if len(message) > MAX_BATCH:
            return AskedLine((self._fault(f"a batch of more than {MAX_BATCH} requests"),), False)
        return AskedLine(tuple([self._read_one(item) for item in message]), True)

    def _read_one(self, item: object) -> ElectrumCall | RefusedCall:
        if not isinstance(item, dict):
            return self._fault("a request is an object")
        method, params = item.get("method"), item.get("params")
        if not isinstance(method, str):
            return self._fault("a request has a method")
        if params is None:
            params = []
        if not isinstance(params, list | dict):
            return self._fault("params are a list or an object")
        call_id = item.get("id", _NO_ID)
        if isinstance(call_id, list | dict):
            return self._fault("an id is a number or a string")
        return ElectrumCall(method, params, call_id, item.get("jsonrpc") != "1.0")

    def not_json(self) -> RefusedCall:
        """The refusal of a line that is no JSON."""
        self.faults += 1
        return RefusedCall(ElectrumError("invalid JSON", ElectrumCode.PARSE_ERROR))

    def too_many(self) -> RefusedCall:
        """The refusal of a line with too many values."""
        return self._fault(f"more than {MAX_VALUES} values in a line")

    def _fault(self, message: str) -> RefusedCall:
        self.faults += 1
        return RefusedCall(ElectrumError(message, ElectrumCode.INVALID_REQUEST))


def has_too_many_values(line: bytes) -> bool:
    """Whether a line of JSON may be so many values that it takes much more memory than itself."""
    if len(line) < MAX_VALUES:
        return False
    return line.count(b",") + line.count(b"[") + line.count(b"{") > MAX_VALUES


def refused_call(
    call: ElectrumCall | RefusedCall, why: str, code: ElectrumCode = ElectrumCode.BAD_REQUEST
) -> RefusedCall:
    """The refusal of a call; its id comes back only if it is short."""
    asked = call if isinstance(call, ElectrumCall) and not call.is_notification else None
    if asked is not None and len(str(asked.id)) > MAX_REFUSED_ID:
        asked = None
    return RefusedCall(ElectrumError(why, code), asked)


def result_of(call: ElectrumCall, result: object) -> dict[str, object]:
    """The answer to a call that was done."""
    if call.is_v2:
        return {"jsonrpc": "2.0", "result": result, "id": call.id}
    return {"result": result, "error": None, "id": call.id}


def refusal_of(call: ElectrumCall | None, error: ElectrumError) -> dict[str, object]:
    """The answer to a call that was refused; to what was no call where that is None."""
    if call is None:
        return {"jsonrpc": "2.0", "error": error.to_json(), "id": None}
    if call.is_v2:
        return {"jsonrpc": "2.0", "error": error.to_json(), "id": call.id}
    return {"result": None, "error": error.to_json(), "id": call.id}


def notification(method: str, params: list[object]) -> dict[str, object]:
    """What a subscribed client is told."""
    return {"jsonrpc": "2.0", "method": method, "params": params}
