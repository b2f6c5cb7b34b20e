"""A SOCKS5 proxy in a process of its own, which writes down what it is asked for.

    with SocksServer(leads={"seed.example": endpoint}) as proxy: ... proxy.requests()

It looks no name up: a destination is an address of this machine, or one of `leads`.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from axon.machine import Endpoint

SUCCEEDED: Final = 0
HOST_UNREACHABLE: Final = 4


@dataclass(frozen=True, slots=True)
class SocksRequest:
    """What a client asked for, and as whom."""

    kind: int
    host: str
    port: int
    user: str | None
    password: str | None


class SocksServer:
    """The proxy, as a test sees it.

    Args:
        leads: where destinations that are no addresses lead.
        refusal: the code with which every request is refused; None to serve.
        hangs: it never answers a request.
        path: of a Unix socket to listen on; None for a port of this machine.
    """

    def __init__(
        self,
        leads: Mapping[str, Endpoint] | None = None,
        *,
        refusal: int | None = None,
        hangs: bool = False,
        path: Path | None = None,
    ) -> None:
        told = {
            "leads": {name: [e.host, e.port] for name, e in (leads or {}).items()},
            "refusal": refusal,
            "hangs": hangs,
            "path": None if path is None else str(path),
        }
        self._process = subprocess.Popen(
            [sys.executable, __file__, json.dumps(told)], stdout=subprocess.PIPE, bufsize=0
        )
        assert self._process.stdout is not None
        self.port: int = json.loads(self._process.stdout.readline())["port"]
        self._said = self._process.stdout.fileno()
        os.set_blocking(self._said, False)
        self._written = b""

    @property
    def endpoint(self) -> Endpoint:
        """Where it listens."""
        return Endpoint("127.0.0.1", self.port)

    def requests(self) -> list[SocksRequest]:
        """All that came so far; that of whoever has an answer is among them."""
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._said, 65_536):
                self._written += data
        return [SocksRequest(**json.loads(line)) for line in self._written.splitlines()]

    def wait_for(self, count: int, limit_s: float = 60.0) -> list[SocksRequest]:
        """So many requests, or more."""
        deadline = time.monotonic() + limit_s
        while len(found := self.requests()) < count:
            assert time.monotonic() < deadline, f"only {found}"
            time.sleep(0.02)
        return found

    def close(self) -> None:
        """End it, and all connections through it."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


# In its own process.


class _Client:
    """One client of the proxy."""

    def __init__(self, sock: socket.socket, told: dict[str, Any]) -> None:
        self._sock = sock
        self._told = told

    def serve(self) -> None:
        with self._sock, contextlib.suppress(OSError, ValueError):
            request = self._request()
            _tell(request)
            if self._told["hangs"]:
                time.sleep(3600)
            if self._told["refusal"] is not None:
                self._reply(self._told["refusal"])
                return
            self._lead(request["host"], request["port"])

    def _request(self) -> dict[str, Any]:
        version, count = self._take(2)
        methods = self._take(count)
        user = password = None
        if version != 5:
            raise ValueError("no SOCKS5")
        if 2 in methods:
            self._sock.sendall(b"\x05\x02")
            self._take(1)
            user = self._take(self._take(1)[0]).decode()
            password = self._take(self._take(1)[0]).decode()
            self._sock.sendall(b"\x01\x00")
        else:
            self._sock.sendall(b"\x05\x00")
        _, _, _, kind = self._take(4)
        if kind == 3:
            host = self._take(self._take(1)[0]).decode()
        else:
            raw = self._take(4 if kind == 1 else 16)
            host = socket.inet_ntop(socket.AF_INET if kind == 1 else socket.AF_INET6, raw)
        port = int.from_bytes(self._take(2))
        return {"kind": kind, "host": host, "port": port, "user": user, "password": password}

    def _lead(self, host: str, port: int) -> None:
        place = self._told["leads"].get(host, [host, port])
        try:
            socket.inet_aton(place[0])
            far = socket.create_connection((place[0], place[1]), timeout=10)
        except OSError:
            self._reply(HOST_UNREACHABLE)
            return
        far.settimeout(None)
        with far:
            self._reply(SUCCEEDED)
            back = threading.Thread(target=_pump, args=(far, self._sock), daemon=True)
            back.start()
            _pump(self._sock, far)
            back.join()

    def _reply(self, code: int) -> None:
        self._sock.sendall(bytes([5, code, 0, 1]) + bytes(6))

    def _take(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self._sock.recv(count - len(data))
            if not more:
                raise ValueError("the client hung up")
            data += more
        return data


def _tell(value: dict[str, Any]) -> None:
    """One line in one write: clients' threads must not write into each other's lines."""
    os.write(sys.stdout.fileno(), json.dumps(value).encode() + b"\n")


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def main() -> None:
    told = json.loads(sys.argv[1])
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    if told["path"] is not None:
        server = socket.socket(socket.AF_UNIX)
        server.bind(told["path"])
        server.listen(32)
        port = 0
    else:
        server = socket.create_server(("127.0.0.1", 0), backlog=32)
        port = server.getsockname()[1]
    _tell({"port": port})
    while True:
        sock, _ = server.accept()
        threading.Thread(target=_Client(sock, told).serve, daemon=True).start()


def _end_with_parent(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


if __name__ == "__main__":
    main()
