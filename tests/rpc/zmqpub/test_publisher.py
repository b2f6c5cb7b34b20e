"""Notifications over ZeroMQ, taken by a subscriber."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import pytest
import zmq
import zmq.asyncio

from axon.errors import ConfigError
from axon.mempool.journal import PoolMove
from axon.node.notifications import BlockNotification, PoolNotification, TipNotification
from axon.primitives.block import Block
from axon.primitives.network import REGTEST
from axon.rpc.zmqpub import publisher as module
from axon.rpc.zmqpub.publisher import ZmqPublisher
from axon.rpc.zmqpub.settings import ZmqNotifier
from tests.rpc.looped import looped

BLOCK = REGTEST.genesis
TIP = TipNotification(BLOCK.hash, BLOCK)
JOINED = BlockNotification(BLOCK.hash, BLOCK, joined=True)
(COINBASE,) = BLOCK.transactions
LIMIT_S = 10.0

Message = tuple[str, bytes, int]


class Subscriber:
    """Takes what is published at one address.

    Args:
        address: where.
        mark: messages that it is ready to hold.
    """

    def __init__(self, address: str, mark: int = 0) -> None:
        self._context = zmq.asyncio.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.RCVHWM, mark)
        self._socket.setsockopt(zmq.SUBSCRIBE, b"")
        self._socket.connect(address)

    async def take(self, count: int) -> list[Message]:
        """The next messages."""
        found: list[Message] = []
        async with asyncio.timeout(LIMIT_S):
            while len(found) < count:
                topic, body, number = await self._socket.recv_multipart()
                assert len(number) == 4
                found.append((topic.decode(), body, int.from_bytes(number, "little")))
        return found

    async def subscribed(self, publisher: ZmqPublisher) -> int:
        """Publish tips until the first has come; the number of the next message of that topic."""
        number = 0
        while not await self._socket.poll(20):
            publisher.take(TIP)
            number += 1
        await self.drain()
        return number

    async def drain(self) -> list[Message]:
        """All that has come."""
        found: list[Message] = []
        while await self._socket.poll(50):
            found += await self.take(1)
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._context.destroy(0)


def at(folder: Path, *topics: str, mark: int = 1_000, name: str = "zmq") -> Sequence[ZmqNotifier]:
    return [ZmqNotifier(topic, f"ipc://{folder}/{name}", mark) for topic in topics]


@looped
async def test_topics_at_one_address_in_the_order_of_bitcoind(tmp_path: Path) -> None:
    notifiers = at(tmp_path, "sequence", "rawtx", "hashtx", "rawblock", "hashblock")
    async with ZmqPublisher(notifiers) as publisher:
        with Subscriber(notifiers[0].address) as subscriber:
            first = await subscriber.subscribed(publisher)
            publisher.take(JOINED)
            publisher.take(TIP)
            publisher.take(PoolNotification(PoolMove(COINBASE, 7, entered=True)))
            publisher.take(PoolNotification(PoolMove(COINBASE, 8, entered=False)))
            name, block = COINBASE.txid[::-1], BLOCK.hash[::-1]
            assert await subscriber.take(9) == [
                ("hashtx", name, 0),
                ("rawtx", COINBASE.raw, 0),
                ("sequence", block + b"C", 0),
                ("hashblock", block, first),
                ("rawblock", BLOCK.raw, first),
                ("hashtx", name, 1),
                ("rawtx", COINBASE.raw, 1),
                ("sequence", name + b"A" + (7).to_bytes(8, "little"), 1),
                ("sequence", name + b"R" + (8).to_bytes(8, "little"), 2),
            ]


@looped
async def test_one_topic_at_several_addresses(tmp_path: Path) -> None:
    one, other = (*at(tmp_path, "hashblock", name="a"), *at(tmp_path, "hashblock", name="b"))
    async with ZmqPublisher((one, other)) as publisher:
        with Subscriber(one.address) as first, Subscriber(other.address) as second:
            await first.subscribed(publisher)
            await second.subscribed(publisher)
            await first.drain()
            publisher.take(TIP)
            assert await first.take(1) == await second.take(1), "each notifier counts for itself"


@looped
async def test_who_does_not_read_loses_messages_and_nobody_else(tmp_path: Path) -> None:
    notifiers = at(tmp_path, "rawblock", mark=30)
    address = notifiers[0].address
    large = Block.build(BLOCK.header, [COINBASE] * 500)
    async with ZmqPublisher(notifiers) as publisher:
        with Subscriber(address, mark=5) as slow, Subscriber(address) as eager:
            await slow.subscribed(publisher)
            await eager.subscribed(publisher)
            await slow.drain()
            taken: list[int] = []
            for _ in range(80):
                publisher.take(TipNotification(large.hash, large))
                taken += [number for _, _, number in await eager.take(1)]
                await asyncio.sleep(0.001)  # ZeroMQ notes so often what a subscriber has taken.
            assert taken == list(range(taken[0], taken[0] + 80))
            kept = [number for _, _, number in await slow.drain()]
            assert 10 <= len(kept) < 80
            assert kept == taken[: len(kept)]


@looped
async def test_what_cannot_be_published_in_time_shows_in_the_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    notifiers = at(tmp_path, "hashtx", "hashblock", "sequence")
    async with ZmqPublisher(notifiers) as publisher:
        with Subscriber(notifiers[0].address) as subscriber:
            await subscriber.subscribed(publisher)
            monkeypatch.setattr(module, "MAX_WAITING_BYTES", 1)
            held = threading.Event()
            publisher._thread.submit(held.wait)
            with caplog.at_level(logging.WARNING):
                publisher.take(JOINED)  # There is room for one.
                for _ in range(3):
                    publisher.take(JOINED)
            assert "some are lost" in caplog.text
            held.set()
            assert [number for _, _, number in await subscriber.take(2)] == [0, 0]
            while publisher._waiting_bytes:  # noqa: ASYNC110 A thread counts it down.
                await asyncio.sleep(0.001)
            publisher.take(JOINED)
            assert [number for _, _, number in await subscriber.take(2)] == [4, 4]


@looped
async def test_what_waits_is_published_before_the_end(tmp_path: Path) -> None:
    notifiers = at(tmp_path, "sequence", "hashblock")
    with Subscriber(notifiers[0].address) as subscriber:
        async with ZmqPublisher(notifiers) as publisher:
            await subscriber.subscribed(publisher)
            held = threading.Event()
            publisher._thread.submit(held.wait)
            publisher.take(JOINED)
            asyncio.get_running_loop().call_later(0.05, held.set)
        assert publisher._waiting_bytes == 0


@looped
async def test_an_address_that_cannot_be_used_ends_the_start(tmp_path: Path) -> None:
    address = at(tmp_path, "hashblock")[0].address
    async with ZmqPublisher([ZmqNotifier("hashblock", address)]):
        for wrong, why in (
            ("tcp://127.0.0.1:nothing", "Invalid argument"),
            ("nothing", "Invalid argument"),
            ("http://127.0.0.1:1", "Protocol not supported"),
            ("tcp://203.0.113.1:28332", "Cannot assign requested address"),
        ):
            with pytest.raises(ConfigError, match=f"bind {wrong} for -zmqpubrawtx: .*{why}"):
                await ZmqPublisher([ZmqNotifier("rawtx", wrong)]).__aenter__()


@looped
async def test_a_port_in_use_ends_the_start() -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(ConfigError, match="Address already in use"):
        await ZmqPublisher([ZmqNotifier("rawtx", f"tcp://127.0.0.1:{port}")]).__aenter__()
    server.close()
