"""A peer that says exactly what a test tells it to, right or wrong, over a blocking socket."""

from __future__ import annotations

import contextlib
import socket
import time
from types import TracebackType
from typing import Final, Self, TypeVar

from axon.errors import DecodeError
from axon.machine import Endpoint
from axon.primitives.netaddress import UNSPECIFIED
from axon.primitives.network import REGTEST
from axon.wire.messages import Message, Ping, Pong, Services, Unknown, Verack, Version
from axon.wire.registry import decode_message
from axon.wire.transport import Corrupt
from axon.wire.v1 import V1Transport

PATIENCE_S: Final = 15.0
"""How long an answer may take; other work may keep the machine busy."""

_M = TypeVar("_M", bound=Message)


class PeerGone(Exception):
    """The node ended the connection."""


class RawPeer:
    """One connection to a node.

    Args:
        endpoint: the node's.
        agent: its user agent.
        receive_buffer_bytes: for a peer that means not to read much; None for the usual.
        host: the address it comes from; None leaves the choice to the system.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        agent: str = "/raw:0/",
        receive_buffer_bytes: int | None = None,
        host: str | None = None,
    ) -> None:
        self._agent = agent
        self._transport = V1Transport(REGTEST.magic)
        self._waiting: list[Message | Unknown] = []
        self.socket = socket.socket()
        if receive_buffer_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        self.socket.settimeout(PATIENCE_S)
        if host is not None:
            self.socket.bind((host, 0))
        self.socket.connect((endpoint.host, endpoint.port))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Break off."""
        self.socket.close()

    def version(self) -> Version:
        """What it says of itself."""
        return self.version_of(self._agent)

    @staticmethod
    def version_of(agent: str) -> Version:
        """What one with such a user agent says of itself."""
        services = Services.NETWORK | Services.WITNESS
        return Version(70017, services, int(time.time()), UNSPECIFIED, 1, agent, 0)

    def shake_hands(self) -> Self:
        """The whole handshake, up to the node's first ping, which is answered."""
        self.send(self.version())
        self.receive(Version)
        self.send(Verack())
        self.receive(Verack)
        self.receive(Ping)
        return self

    @staticmethod
    def frame(message: Message) -> bytes:
        """A message's bytes."""
        return V1Transport(REGTEST.magic).encode(message.command, message.encode())

    def send(self, *messages: Message) -> None:
        """Send messages."""
        self.send_bytes(b"".join(map(self.frame, messages)))

    def send_bytes(self, data: bytes) -> None:
        """Send any bytes; a connection that has ended meanwhile does not matter here."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def receive(self, kind: type[_M], limit_s: float = PATIENCE_S) -> _M:
        """The next message of a kind; others before it are dropped, pings among them answered.

        Raises:
            PeerGone: the connection ended first.
            TimeoutError: nothing of the kind came.
        """
        until = time.monotonic() + limit_s
        while True:
            message = self.next(until - time.monotonic())
            if isinstance(message, kind):
                return message

    def next(self, limit_s: float = PATIENCE_S) -> Message | Unknown:
        """The next message of any kind; a ping has been answered.

        Raises:
            PeerGone: the connection ended first.
            TimeoutError: nothing came.
        """
        until = time.monotonic() + limit_s
        while not self._waiting:
            self._read(until - time.monotonic())
        message = self._waiting.pop(0)
        if isinstance(message, Ping) and message.nonce is not None:
            self.send(Pong(message.nonce))
        return message

    def _read(self, limit_s: float) -> None:
        if limit_s <= 0:
            raise TimeoutError
        self.socket.settimeout(limit_s)
        try:
            data = self.socket.recv(1 << 16)
        except ConnectionResetError:
            data = b""
        finally:
            self.socket.settimeout(PATIENCE_S)
        if not data:
            raise PeerGone
        for frame in self._transport.received(data):
            assert not isinstance(frame, Corrupt), "a node sends no damaged message"
            self._waiting.append(decode_message(frame.command, frame.payload))

    def is_served(self, limit_s: float = PATIENCE_S) -> bool:
        """Whether the node answers a ping: all that was sent before has had its effect then.

        Raises:
            TimeoutError: it does neither answer nor hang up.
        """
        nonce = time.monotonic_ns()
        self.send(Ping(nonce))
        try:
            while self.receive(Pong, limit_s).nonce != nonce:
                pass
        except (PeerGone, DecodeError):
            return False
        return True

    def is_dropped(self, limit_s: float = PATIENCE_S) -> bool:
        """Whether the node ends the connection within a time, whatever it says until then."""
        until = time.monotonic() + limit_s
        try:
            while (left := until - time.monotonic()) > 0:
                self.socket.settimeout(left)
                if not self.socket.recv(1 << 16):
                    return True
        except ConnectionResetError:
            return True
        except TimeoutError:
            pass
        finally:
            self.socket.settimeout(PATIENCE_S)
        return False
