"""A JSON-RPC client: one kept connection, one call after the other.

Speaks to axon and to Bitcoin Core alike. For programs without an event loop: the command line,
tests, demonstrations, screens in their own thread. `rpc.asyncclient` is the same for asyncio; what
both say and understand is `Exchange`.
"""

from __future__ import annotations

import base64
import http.client
import json
import socket
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote, unquote, urlsplit

from axon.errors import AxonError, ConfigError
from axon.machine import Endpoint
from axon.rpc.amounts import encode_json
from axon.rpc.auth import read_cookie
from axon.rpc.errors import RpcError
from axon.rpc.jsonrpc import call_params

DEFAULT_TIMEOUT_S: Final = 900.0
"""As long as `bitcoin-cli` waits for an answer."""

_NO_LOGIN: Final = ("", "")


class Unreachable(AxonError):
    """Nobody answers, or what answers is no JSON-RPC server."""


class Unauthorized(AxonError):
    """The server knows neither the user nor the cookie, or forbids this user the method."""


class Exchange:
    """What a client sends to one server, and how it reads what comes back; it carries nothing.

    Args:
        url: `http://host:port`, or `http://user:password@host:port`; what is special in the latter
            two is percent-encoded.
        cookie: the cookie file; read at the first call and whenever its password is refused.
        user, password: instead of a cookie.
        wallet: its name, for `/wallet/NAME`.
        numbers: what numbers with a fraction become, from their text.

    Raises:
        ConfigError: the URL is of another form.
    """

    def __init__(
        self,
        url: str,
        *,
        cookie: str | Path | None,
        user: str,
        password: str,
        wallet: str | None,
        numbers: Callable[[str], object],
    ) -> None:
        self.endpoint, url_login = _read_url(url)
        self.path = "/" if wallet is None else f"/wallet/{quote(wallet, safe='')}"
        self._cookie = None if cookie is None else Path(cookie)
        self._login = (url_login[0] or user, url_login[1] or password)
        self._numbers = numbers
        self._serial = 0

    def headers(self) -> dict[str, str]:
        """The headers of a request, but for its length."""
        if self._login == _NO_LOGIN and self._cookie is not None:
            self._login = read_cookie(self._cookie) or _NO_LOGIN
        headers = {"Content-Type": "application/json"}
        if self._login != _NO_LOGIN:
            secret = base64.b64encode(":".join(self._login).encode()).decode()
            headers["Authorization"] = f"Basic {secret}"
        return headers

    def may_retry(self, status: int) -> bool:
        """Whether a refused password may be an old cookie; the next headers read it anew."""
        if status != http.HTTPStatus.UNAUTHORIZED or self._cookie is None:
            return False
        self._login = _NO_LOGIN
        return True

    def call(self, method: str, params: object) -> bytes:
        """The body of a request with one call, as UTF-8."""
        self._serial += 1
        return encode_json(_request(self._serial, method, params)).encode()

    def batch(self, calls: Sequence[tuple[str, Sequence[object]]]) -> bytes:
        """The body of several calls; their ids are their places."""
        asked = [_request(place, method, params) for place, (method, params) in enumerate(calls)]
        return encode_json(asked).encode()

    def result(self, status: int, data: bytes) -> Any:
        """The result of one call, from the HTTP status and body of its answer.

        Raises:
            RpcError: the server's own error.
            Unreachable: it is no answer to a call.
            Unauthorized: wrong password, or the method is not for this user.
        """
        answer = self._read(status, data)
        if not isinstance(answer, dict):
            raise self._unreadable("sent no answer to a call")
        outcome = self._outcome(answer)
        if isinstance(outcome, RpcError):
            raise outcome
        return outcome

    def results(self, status: int, data: bytes, count: int) -> list[Any]:
        """The results of a batch in the order of its calls, errors as values; raises likewise."""
        answers = self._read(status, data)
        results: list[Any] = [None] * count
        if answers is None:
            return results
        if not isinstance(answers, list):
            raise self._unreadable("sent no answer to a batch")
        for answer in answers:
            place = answer.get("id") if isinstance(answer, dict) else None
            if not isinstance(place, int) or not 0 <= place < count:
                raise self._unreadable("answered a call that was not made")
            results[place] = self._outcome(answer)
        return results

    def unreachable(self, error: Exception) -> Unreachable:
        """What a fault of the connection means to the caller."""
        if isinstance(error, TimeoutError):
            return Unreachable(f"No answer from the server {self.endpoint} (timed out)")
        reason = getattr(error, "strerror", None) or str(error) or repr(error)
        return Unreachable(f"Could not connect to the server {self.endpoint} ({reason})")

    def _read(self, status: int, data: bytes) -> Any:
        if status == http.HTTPStatus.UNAUTHORIZED:
            # A refused cookie is read anew: no login is left only if there was no such file.
            missing = self._cookie is not None and self._login == _NO_LOGIN
            text = f"No file {self._cookie}" if missing else "Incorrect rpcuser or rpcpassword"
            raise Unauthorized(f"Authorization failed: {text}")
        if status == http.HTTPStatus.FORBIDDEN:
            raise Unauthorized("Authorization failed: not for this user")
        if not data:
            if status in (http.HTTPStatus.OK, http.HTTPStatus.NO_CONTENT):
                return None
            raise Unreachable(f"server returned HTTP error {status}")
        try:
            return json.loads(data, parse_float=self._numbers)
        except (ValueError, RecursionError) as error:  # The latter for brackets within brackets.
            text = data[:200].decode("utf-8", "replace")
            raise Unreachable(f"server returned HTTP error {status}: {text}") from error

    def _outcome(self, answer: dict[str, Any]) -> Any:
        error = answer.get("error")
        if error is None:
            return answer.get("result")
        if not isinstance(error, dict) or not isinstance(error.get("code"), int):
            raise self._unreadable("sent an error that is none of JSON-RPC")
        return RpcError(error["code"], str(error.get("message", "")), error.get("data"))

    def _unreadable(self, what: str) -> Unreachable:
        return Unreachable(f"{self.endpoint} {what}")


def _read_url(url: str) -> tuple[Endpoint, tuple[str, str]]:
    """The server of a URL, and user and password, empty where it names none."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:  # Its text may hold a piece of the password.
        raise _no_url(url) from None
    if parts.scheme != "http" or not host or not port or parts.path not in ("", "/"):
        raise _no_url(url)
    return Endpoint(host, port), (unquote(parts.username or ""), unquote(parts.password or ""))


def _no_url(url: str) -> ConfigError:
    """Which URL cannot be used, without user and password: the text may end in a log."""
    scheme, slashes, rest = url.partition("//")
    shown = f"{scheme}{slashes}{rest.rpartition('@')[2]}" if slashes else url.rpartition("@")[2]
    return ConfigError(f"{shown!r} is no URL of the form http://HOST:PORT")


def _request(number: int, method: str, params: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


Connect = Callable[[Endpoint, float | None], socket.socket]
"""Opens a connection: to whom, and how long it and each later wait may take."""


class _Connection(http.client.HTTPConnection):
    """A connection that is opened in a way of the caller's."""

    def __init__(self, server: Endpoint, timeout_s: float | None, connect: Connect) -> None:
        super().__init__(server.host, server.port, timeout=timeout_s)
        self._open = partial(connect, server, timeout_s)

    def connect(self) -> None:
        """Open it."""
        self.sock = self._open()


class RpcClient:
    """One server, one user, calls that block.

    A call is sent again once if the kept connection turns out to be closed before any answer, and
    once with a cookie read anew if the server has been started again since.

    Args:
        url: `http://host:port`, or `http://user:password@host:port`.
        cookie: the cookie file; read at the first call and whenever its password is refused.
        user, password: instead of a cookie.
        wallet: its name, for `/wallet/NAME`.
        timeout_s: how long an answer may take; None for ever.
        numbers: what numbers with a fraction become, from their text.
        connect: how the connection is opened; None as usual.

    Raises:
        ConfigError: the URL is of another form.
    """

    def __init__(
        self,
        url: str,
        *,
        cookie: str | Path | None = None,
        user: str = "",
        password: str = "",
        wallet: str | None = None,
        timeout_s: float | None = DEFAULT_TIMEOUT_S,
        numbers: Callable[[str], object] = Decimal,
        connect: Connect | None = None,
    ) -> None:
        self._exchange = Exchange(
            url, cookie=cookie, user=user, password=password, wallet=wallet, numbers=numbers
        )
        server = self._exchange.endpoint
        self._connection = (
            http.client.HTTPConnection(server.host, server.port, timeout=timeout_s)
            if connect is None
            else _Connection(server, timeout_s, connect)
        )

    @property
    def endpoint(self) -> Endpoint:
        """Of the server."""
        return self._exchange.endpoint

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        self._connection.close()

    def call(self, method: str, /, *args: object, **named: object) -> Any:
        """Call a method, with parameters by place, by name, or both.

        Returns:
            The result; numbers with a fraction are `Decimal`s, so sums of money stay exact.

        Raises:
            RpcError: the server's own error.
            Unreachable: no answer.
            Unauthorized: wrong password, or the method is not for this user.
        """
        return self.call_with(method, call_params(args, named))

    def call_with(self, method: str, params: object) -> Any:
        """Call a method with `params` as they stand in the request; raises as `call` does."""
        return self._exchange.result(*self._post(self._exchange.call(method, params)))

    def batch(self, calls: Sequence[tuple[str, Sequence[object]]]) -> list[Any]:
        """Several calls in one request.

        Args:
            calls: method and parameters by place.

        Returns:
            For each call its result, or its `RpcError` as a value.

        Raises:
            Unreachable, Unauthorized: as `call` does.
        """
        answer = self._post(self._exchange.batch(calls))
        return self._exchange.results(*answer, len(calls))

    def _post(self, body: bytes) -> tuple[int, bytes]:
        """HTTP status and body of the answer."""
        status, data = self._send_kept(body)
        if self._exchange.may_retry(status):
            status, data = self._send_kept(body)
        return status, data

    def _send_kept(self, body: bytes) -> tuple[int, bytes]:
        kept = self._connection.sock is not None
        try:
            return self._send(body)
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError) as error:
            self.close()
            if not kept:
                raise self._exchange.unreachable(error) from error
        except (http.client.HTTPException, OSError) as error:
            self.close()
            raise self._exchange.unreachable(error) from error
        try:
            return self._send(body)
        except (http.client.HTTPException, OSError) as error:
            self.close()
            raise self._exchange.unreachable(error) from error

    def _send(self, body: bytes) -> tuple[int, bytes]:
        self._connection.request("POST", self._exchange.path, body, self._exchange.headers())
        response = self._connection.getresponse()
        return response.status, response.read()
