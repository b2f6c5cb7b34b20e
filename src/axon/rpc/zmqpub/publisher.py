"""Publishes notifications over ZeroMQ.

A block of thousands of transactions is thousands of messages, so they are made and sent in a thread
of their own, one notification after the other. What waits for it is bounded (`MAX_WAITING_BYTES`),
and what comes when that is full is lost. What waits for a subscriber is bounded by the high-water
mark of its socket; who is slower than that loses messages, and nobody else. Both kinds of loss show
in the numbers of the messages, which count up by one for each of a notifier.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Final, Self

import zmq

from axon.errors import ConfigError
from axon.node.notifications import Notification
from axon.rpc.sparselog import SparseLog
from axon.rpc.zmqpub.messages import count_messages, messages, size_bytes
from axon.rpc.zmqpub.settings import ZmqNotifier

MAX_WAITING_BYTES: Final = 256 * 1024 * 1024
"""Of the blocks and transactions of notifications that wait to be published: a hundred blocks."""

LONG_BYTES: Final = 64 * 1024
"""A longer message is not copied for ZeroMQ, which hands it on by itself."""

_NUMBERS: Final = 1 << 32
_log: Final = logging.getLogger("axon.zmq")


class _Channel:
    """A notifier with its socket, and the number of its next message."""

    def __init__(self, notifier: ZmqNotifier, socket: zmq.Socket[bytes]) -> None:
        self.topic, self.address = notifier.topic, notifier.address
        self._name = notifier.topic.encode()
        self._socket = socket
        self.number = 0

    def send(self, body: bytes) -> None:
        """Publish one message: topic, body, number."""
        number = self.number.to_bytes(4, "little")
        parts = (self._name, body, number)
        self._socket.send_multipart(parts, copy=len(body) < LONG_BYTES)
        self.skip(1)

    def skip(self, count: int) -> None:
        """So many messages are not published."""
        self.number = (self.number + count) % _NUMBERS


class ZmqPublisher:
    """Publishes inside `async with`.

    Args:
        notifiers: what, and where; in the order of their topics.
    """

    def __init__(self, notifiers: Sequence[ZmqNotifier]) -> None:
        self._notifiers = sorted(notifiers, key=lambda notifier: notifier.topic)
        self._topics = frozenset([notifier.topic for notifier in notifiers])
        self._channels: list[_Channel] = []
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="zmq")
        self._lock = threading.Lock()
        self._waiting_bytes = 0
        self._lost: Counter[str] = Counter()

    async def __aenter__(self) -> Self:
        """Bind all sockets.

        Raises:
            ConfigError: one address cannot be used.
        """
        self._warnings = SparseLog(_log)
        self._context = zmq.Context()
        sockets: dict[str, zmq.Socket[bytes]] = {}
        try:
            for notifier in self._notifiers:
                if notifier.address not in sockets:
                    sockets[notifier.address] = self._bind(notifier)
                self._channels.append(_Channel(notifier, sockets[notifier.address]))
        except ConfigError:
            self._close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Publish what waits, and close; what a subscriber has not taken is lost."""
        await asyncio.to_thread(self._thread.shutdown, wait=True)
        self._close()

    def _close(self) -> None:
        self._thread.shutdown()
        self._context.destroy(linger=0)
        self._warnings.close()

    def _bind(self, notifier: ZmqNotifier) -> zmq.Socket[bytes]:
        socket = self._context.socket(zmq.PUB)
        address = notifier.address
        try:
            socket.setsockopt(zmq.SNDHWM, notifier.high_water_mark)
            socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
            socket.setsockopt(zmq.IPV6, int(address.startswith("tcp://[")))
            socket.bind(address)
        except zmq.ZMQError as error:
            raise ConfigError(
                f"Unable to bind {address} for -zmq{notifier.name}: {error.strerror}"
            ) from error
        _log.debug(
            "Notifier %s ready (address = %s, high water mark = %d)",
            notifier.name,
            address,
            notifier.high_water_mark,
        )
        return socket

    def take(self, notification: Notification) -> None:
        """Publish a notification soon; quick, called on the event loop."""
        size = size_bytes(notification)
        with self._lock:
            if self._waiting_bytes >= MAX_WAITING_BYTES:
                self._lost += count_messages(notification)
                self._warnings.warning("ZMQ: notifications come too fast, and some are lost")
                return
            self._waiting_bytes += size
            lost, self._lost = self._lost, Counter()
        work = self._thread.submit(self._publish, notification, lost)
        work.add_done_callback(partial(self._done, size))

    def _done(self, size: int, work: Future[None]) -> None:
        with self._lock:
            self._waiting_bytes -= size
        error = work.exception()
        if error is not None:
            _log.critical("ZMQ: a notification was not published", exc_info=error)

    # In the thread.

    def _publish(self, notification: Notification, lost: Mapping[str, int]) -> None:
        for channel in self._channels:
            channel.skip(lost.get(channel.topic, 0))
        for step in messages(notification, self._topics):
            for channel in self._channels:
                body = step.get(channel.topic)
                if body is not None:
                    channel.send(body)
