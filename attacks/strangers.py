"""Strangers: many connections to a node at once, each from an address of its own."""

from __future__ import annotations

import contextlib
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from itertools import count
from types import TracebackType
from typing import Final, Self

from axon.machine import Endpoint
from axon.wire.messages import Message
from tests.process.rawpeer import RawPeer

_PIECE_BYTES: Final = 1 << 16

_numbers = count()


def stranger_host() -> str:
    """A loopback address in another /16 than the last."""
    number = next(_numbers)
    return f"127.{16 + number % 200}.{number // 200 % 250}.{2 + number // 50_000}"


class Strangers:
    """Peers that have shaken hands, or mute sockets, until the `with` block ends.

    Args:
        endpoint: the node's.
        receive_buffer_bytes: for peers that mean not to read much; None for the usual.
    """

    def __init__(self, endpoint: Endpoint, receive_buffer_bytes: int | None = None) -> None:
        self._endpoint = endpoint
        self._buffer_bytes = receive_buffer_bytes
        self.peers: list[RawPeer] = []
        self.mute: list[socket.socket] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for peer in self.peers:
            peer.close()
        self.close_mute()

    def shake_hands(self, number: int = 1) -> list[RawPeer]:
        """So many more, with a finished handshake."""
        came = []
        for _ in range(number):
            peer = RawPeer(
                self._endpoint, "/stranger:0/", self._buffer_bytes, host=stranger_host()
            ).shake_hands()
            self.peers.append(peer)
            came.append(peer)
        return came

    def connect(self, number: int = 1) -> None:
        """So many sockets that say nothing, without waiting for any."""
        for _ in range(number):
            mute = socket.socket()
            mute.setblocking(False)
            with contextlib.suppress(OSError):
                mute.bind((stranger_host(), 0))
                mute.connect_ex((self._endpoint.host, self._endpoint.port))
            self.mute.append(mute)

    def close_mute(self) -> None:
        """Let go of those that say nothing."""
        for mute in self.mute:
            mute.close()
        self.mute.clear()

    def flood(self, messages: Sequence[Message], seconds: float, *, reads: bool = True) -> int:
        """Send the same messages from all peers, again and again, as fast as they are taken.

        Args:
            messages: what each repeats.
            seconds: for how long.
            reads: whether they read what comes.

        Returns:
            Bytes sent by all together.
        """
        frames = b"".join(map(self.peers[0].frame, messages))
        data = frames * max(1, _PIECE_BYTES // len(frames))
        return self.flood_bytes(data, seconds, reads=reads)

    def flood_bytes(self, data: bytes, seconds: float, *, reads: bool = True) -> int:
        """The same with bytes; who is disconnected stays away."""
        sent = 0
        with selectors.DefaultSelector() as selector:
            mask = selectors.EVENT_WRITE | (selectors.EVENT_READ if reads else 0)
            for peer in self.peers:
                peer.socket.setblocking(False)
                selector.register(peer.socket, mask, _Repeated(data))
            until = time.monotonic() + seconds
            while selector.get_map() and (left := until - time.monotonic()) > 0:
                for key, events in selector.select(left):
                    sent += _serve(selector, key, events)
        return sent


class _Repeated:
    """Bytes over and over; what a socket did not take comes first."""

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self.left = self._data

    def taken(self, size: int) -> None:
        self.left = self.left[size:] or self._data


def _serve(selector: selectors.BaseSelector, key: selectors.SelectorKey, events: int) -> int:
    """Send what a socket takes and throw away what it has; the bytes sent."""
    connection = key.fileobj
    assert isinstance(connection, socket.socket)
    try:
        if events & selectors.EVENT_READ and not connection.recv(_PIECE_BYTES):
            raise ConnectionResetError
        if not events & selectors.EVENT_WRITE:
            return 0
        size = connection.send(key.data.left[:_PIECE_BYTES])
    except BlockingIOError:
        return 0
    except OSError:
        selector.unregister(connection)
        return 0
    key.data.taken(size)
    return size


@contextlib.contextmanager
def strangers(
    endpoint: Endpoint, number: int, receive_buffer_bytes: int | None = None
) -> Iterator[Strangers]:
    """So many peers with a finished handshake."""
    with Strangers(endpoint, receive_buffer_bytes) as crowd:
        crowd.shake_hands(number)
        yield crowd
