"""A JSON-RPC client: one kept connection, one call after the other.

Speaks to axon and to Bitcoin Core alike. For programs without an event loop: the command line,
tests, demonstrations, screens in their own thread.
"""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote, urlsplit

from axon.errors import AxonError
from axon.rpc.amounts import encode_json
from axon.rpc.auth import read_cookie
from axon.rpc.errors import RpcError

_HEADERS: Final = {"Content-Type": "application/json"}


class Unreachable(AxonError):
    """Nobody answers, or what answers is no JSON-RPC server."""


class Unauthorized(AxonError):
    """The server knows neither the user nor the cookie, or forbids this user the method."""


class RpcClient:
    """One server, one user.

    A call is sent again once if the kept connection turns out to be closed before any answer, and
    once with a cookie read anew if the server has been started again since.

    Args:
        url: `http://host:port`, or `http://user:password@host:port`.
        cookie: the cookie file; read at the first call and whenever its password is refused.
        user, password: instead of a cookie.
        wallet: its name, for `/wallet/NAME`.
        timeout_s: how long an answer may take; None for ever.
        numbers: what numbers with a fraction become, from their text.
    """

    def __init__(
        self,
        url: str,
        *,
        cookie: Path | None = None,
        user: str = "",
        password: str = "",
        wallet: str | None = None,
        timeout_s: float | None = 900.0,
        numbers: Callable[[str], object] = Decimal,
    ) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 8332
        self._path = "/" if wallet is None else f"/wallet/{quote(wallet, safe='')}"
        self._cookie = cookie
        self._login = (parts.username or user, parts.password or password)
        self._numbers = numbers
        self._connection = http.client.HTTPConnection(self._host, self._port, timeout=timeout_s)
        self._serial = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        self._connection.close()

    def call(self, method: str, *args: object, **named: object) -> Any:
        """Call a method, with parameters by place, by name, or both.

        Returns:
            The result; numbers with a fraction are `Decimal`s, so sums of money stay exact.

        Raises:
            RpcError: the server's own error.
            Unreachable: no answer.
            Unauthorized: wrong password, or the method is not for this user.
        """
        if named and args:
            return self.call_with(method, {**named, "args": list(args)})
        return self.call_with(method, named or list(args))

    def call_with(self, method: str, params: object) -> Any:
        """Call a method with `params` as they stand in the request; raises as `call` does."""
        self._serial += 1
        asked = {"jsonrpc": "2.0", "id": self._serial, "method": method, "params": params}
        answer = self._post(asked)
        if not isinstance(answer, dict):
            raise Unreachable(f"{self._host}:{self._port} sent no answer to a call")
        error = answer.get("error")
        if error is not None:
            raise RpcError(error["code"], error["message"], error.get("data"))
        return answer["result"]

    def batch(self, calls: list[tuple[str, list[object]]]) -> list[Any]:
        """Several calls in one request.

        Args:
            calls: method and parameters by place.

        Returns:
            For each call its result, or its `RpcError` as a value.
        """
        asked = [
            {"jsonrpc": "2.0", "id": place, "method": method, "params": params}
            for place, (method, params) in enumerate(calls)
        ]
        results: list[Any] = [None] * len(calls)
        for answer in self._post(asked) or []:
            error = answer.get("error")
            results[answer["id"]] = (
                answer["result"] if error is None else RpcError(error["code"], error["message"])
            )
        return results

    def _post(self, asked: object) -> Any:
        body = encode_json(asked).encode()
        status, data = self._exchange(body)
        if status == 401 and self._cookie is not None:
            self._login = ("", "")
            status, data = self._exchange(body)
        if status in (401, 403):
            text = "Incorrect rpcuser or rpcpassword" if status == 401 else "not for this user"
            raise Unauthorized(f"Authorization failed: {text}")
        if not data:
            if status in (200, 204):
                return None
            raise Unreachable(f"server returned HTTP error {status}")
        try:
            return json.loads(data, parse_float=self._numbers)
        except ValueError as error:
            text = data[:200].decode("utf-8", "replace")
            raise Unreachable(f"server returned HTTP error {status}: {text}") from error

    def _exchange(self, body: bytes) -> tuple[int, bytes]:
        if self._login == ("", "") and self._cookie is not None:
            self._login = read_cookie(self._cookie) or ("", "")
        headers = dict(_HEADERS)
        if self._login != ("", ""):
            secret = base64.b64encode(":".join(self._login).encode()).decode()
            headers["Authorization"] = f"Basic {secret}"
        kept = self._connection.sock is not None
        try:
            return self._send(body, headers)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError) as error:
            self.close()
            if not kept:
                raise self._unreachable(error) from error
        except (http.client.HTTPException, OSError) as error:
            self.close()
            raise self._unreachable(error) from error
        try:
            return self._send(body, headers)
        except (http.client.HTTPException, OSError) as error:
            self.close()
            raise self._unreachable(error) from error

    def _send(self, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        self._connection.request("POST", self._path, body, headers)
        response = self._connection.getresponse()
        return response.status, response.read()

    def _unreachable(self, error: Exception) -> Unreachable:
        reason = "timed out" if isinstance(error, TimeoutError) else str(error) or repr(error)
        return Unreachable(f"Could not connect to the server {self._host}:{self._port} ({reason})")
