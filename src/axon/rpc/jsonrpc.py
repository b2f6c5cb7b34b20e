"""JSON-RPC 1.0, 1.1 and 2.0: what a request says, and the form of its answer.

A request marked `"jsonrpc": "2.0"` is answered as that version wants. All others are answered as
Core always did: `result` and `error` both there, one of them null.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from axon.rpc.amounts import Json
from axon.rpc.errors import Code, RpcError

_NO_ID: Final = object()


@dataclass(frozen=True, slots=True)
class Request:
    """One call, as far as it could be understood.

    Args:
        params: a list or a dict of names.
        id: whatever the caller put there; a mark of its own if there was none.
    """

    method: str = ""
    params: Json = ()
    id: Json = None
    is_v2: bool = False

    @property
    def is_notification(self) -> bool:
        """Whether nobody waits for an answer (2.0 only)."""
        return self.is_v2 and self.id is _NO_ID


def parse_request(asked: Json) -> tuple[Request, RpcError | None]:
    """Read one request; with an error, the request holds what the answer has to repeat."""
    if not isinstance(asked, dict):
        return Request(), _invalid("Invalid Request object")
    request_id, version = asked.get("id", _NO_ID), asked.get("jsonrpc")
    so_far = Request(id=request_id, is_v2=version == "2.0")
    if version is not None and not isinstance(version, str):
        return so_far, _invalid("jsonrpc field must be a string")
    if version not in (None, "1.0", "2.0"):
        return so_far, _invalid("JSON-RPC version not supported")
    method, params = asked.get("method"), asked.get("params")
    if method is None:
        return so_far, _invalid("Missing method")
    if not isinstance(method, str):
        return so_far, _invalid("Method must be a string")
    if params is not None and not isinstance(params, list | dict):
        return so_far, _invalid("Params must be an array or object")
    return Request(method, [] if params is None else params, request_id, so_far.is_v2), None


def reply(request: Request | None, result: Json, error: RpcError | None) -> dict[str, Json]:
    """The answer to a request; None if not even its id could be read."""
    answer: dict[str, Json] = {}
    if request is not None and request.is_v2:
        answer["jsonrpc"] = "2.0"
        if error is None:
            answer["result"] = result
        else:
            answer["error"] = error.to_json()
    else:
        answer["result"] = None if error is not None else result
        answer["error"] = None if error is None else error.to_json()
    request_id = None if request is None else request.id
    if request_id is not _NO_ID:
        answer["id"] = request_id
    return answer


def http_status(error: RpcError) -> int:
    """The HTTP status of an error answered the old way."""
    if error.code == Code.INVALID_REQUEST:
        return 400
    return 404 if error.code == Code.METHOD_NOT_FOUND else 500


def _invalid(message: str) -> RpcError:
    return RpcError(Code.INVALID_REQUEST, message)


def call_params(args: Sequence[object], named: dict[str, object]) -> object:
    """The `params` of a request with parameters by place, by name, or both."""
    if named and args:
        return {**named, "args": list(args)}
    return named or list(args)
