"""What sockets may cost: how many there are, how long the last ones take, what waits in them.

Real sockets; every wait is for an event, none for a while.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from itertools import count

import pytest

from axon.drivers.aio.driver import AsyncioDriver
from axon.drivers.aio.loop import run_loop
from axon.drivers.aio.sockets import MAX_LEAVING, READ_MAX_BYTES
from axon.machine import Closed, Disconnect, Effect, Event, PeerId, Received, Transmit
from tests.drivers.aio.test_driver import ANYWHERE, driver_of, running, until
from tests.drivers.worlds import Do, Probe


class Strangers:
    """Connections to a driver that only sit there."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._stack = ExitStack()
        self.sockets: list[socket.socket] = []

    def come(self, count: int) -> None:
        for _ in range(count):
            self.sockets.append(self._stack.enter_context(socket.create_connection(self._address)))

    def leave(self) -> None:
        self._stack.close()


@asynccontextmanager
async def listening(
    probe: Probe, max_accepted: int = 100
) -> AsyncIterator[tuple[AsyncioDriver, Strangers]]:
    driver = driver_of(probe, max_accepted=max_accepted)
    endpoint = await driver.listen(ANYWHERE)
    strangers = Strangers((endpoint.host, endpoint.port))
    try:
        async with running(driver):
            yield driver, strangers
    finally:
        strangers.leave()


def is_closed(peer: socket.socket) -> bool:
    peer.settimeout(0)
    try:
        return peer.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def test_more_than_may_be_accepted_are_closed_and_nobody_hears_of_them() -> None:
    async def scenario() -> None:
        probe = Probe()
        async with listening(probe, max_accepted=3) as (driver, strangers):
            strangers.come(10)
            await until(lambda: sum(map(is_closed, strangers.sockets)) == 7)
            assert len(probe.opened) == 3
            await driver.ask(Do((Disconnect(PeerId(0), "room"),)))
            await until(lambda: sum(map(is_closed, strangers.sockets)) == 8)
            strangers.come(1)  # There is room for one again.
            await until(lambda: len(probe.opened) == 4)

    asyncio.run(scenario())


def test_who_was_told_nothing_is_cut_at_once() -> None:
    async def scenario() -> None:
        probe = Probe()
        async with listening(probe) as (driver, strangers):
            strangers.come(1)
            await until(lambda: bool(probe.opened))
            await driver.ask(Do((Disconnect(PeerId(0), "no room"),)))
            await until(lambda: not driver._sockets._leaving)
            assert is_closed(strangers.sockets[0])

    asyncio.run(scenario())


def test_who_resets_a_connection_that_is_just_ended_stops_nothing() -> None:
    async def scenario() -> None:
        probe = Probe()
        async with listening(probe) as (driver, strangers):
            strangers.come(1)
            await until(lambda: bool(probe.opened))
            await driver.ask(Do((Transmit(PeerId(0), b"hello"),)))
            (stranger,) = strangers.sockets
            stranger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            stranger.close()  # The system has its reset at once, the loop hears of it later.
            await driver.ask(Do((Disconnect(PeerId(0), "enough"),)))
            strangers.come(1)
            await until(lambda: len(probe.opened) == 2)

    asyncio.run(scenario())


def test_few_may_take_their_time_to_leave() -> None:
    async def scenario() -> None:
        probe = Probe()
        async with listening(probe) as (driver, strangers):
            strangers.come(MAX_LEAVING + 10)
            await until(lambda: len(probe.opened) == MAX_LEAVING + 10)
            for number in range(MAX_LEAVING + 10):
                said = Transmit(PeerId(number), bytes(8_000_000))  # More than the kernel takes.
                await driver.ask(Do((said, Disconnect(PeerId(number), "enough"))))
            await until(lambda: len(driver._sockets._leaving) <= MAX_LEAVING)
            await until(lambda: driver._sockets._accepted <= MAX_LEAVING)

    asyncio.run(scenario())


def test_what_waits_for_all_together_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("axon.drivers.aio.sockets.SEND_TOTAL_BYTES", 60_000_000)

    async def scenario() -> None:
        probe = Probe()
        async with listening(probe) as (driver, strangers):
            strangers.come(4)
            await until(lambda: len(probe.opened) == 4)
            for number, size in enumerate((20_000_000, 24_000_000, 16_000_000, 20_000_000)):
                await driver.ask(Do((Transmit(PeerId(number), bytes(size)),)))
            await until(lambda: bool(probe.closed))
            assert [(each.peer, "all peers" in each.reason) for each in probe.closed] == [(1, True)]

    asyncio.run(scenario())


def test_what_waits_for_one_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("axon.drivers.aio.sockets.SEND_MAX_BYTES", 10_000_000)

    async def scenario() -> None:
        probe = Probe()
        async with listening(probe) as (driver, strangers):
            strangers.come(1)
            await until(lambda: bool(probe.opened))
            for _ in range(2):
                await driver.ask(Do((Transmit(PeerId(0), bytes(9_000_000)),)))
            await until(lambda: bool(probe.closed))
            (closed,) = probe.closed
            assert isinstance(closed, Closed)
            assert "10000000 bytes wait for the peer" in closed.reason

    asyncio.run(scenario())


def test_of_each_peer_a_bounded_piece_is_read_in_a_round_of_the_loop() -> None:
    """Else thirty that send megabytes keep all others waiting until all of that is read."""
    size = 8_000_000
    taken: Counter[int] = Counter()  # By the round of the loop.

    async def scenario() -> None:
        loop, rounds = asyncio.get_running_loop(), count()
        now = next(rounds)

        def go_round() -> None:
            nonlocal now
            now = next(rounds)
            loop.call_soon(go_round)

        def note(event: Event) -> list[Effect]:
            if isinstance(event, Received):
                taken[now] += len(event.data)
            return []

        probe = Probe(note)
        async with listening(probe) as (_, strangers):
            strangers.come(1)
            await until(lambda: bool(probe.opened))
            loop.call_soon(go_round)
            strangers.sockets[0].setblocking(True)
            await asyncio.to_thread(strangers.sockets[0].sendall, bytes(size))
            await until(lambda: taken.total() == size)

    run_loop(scenario())
    assert max(taken.values()) <= READ_MAX_BYTES
