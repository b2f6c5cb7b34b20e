"""What only the real driver does: mock time, threads, sockets of its own, stopping and failing.

Real sockets and threads need real time; every wait here is for an event, none for a while.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from axon.drivers.aio.clock import Clock
from axon.drivers.aio.dialling import Dialler, direct
from axon.drivers.aio.driver import AsyncioDriver, Stopped, joined
from axon.errors import AxonError, ConfigError, StorageError
from axon.machine import (
    Answer,
    Commanded,
    Completed,
    Delegate,
    Dial,
    Disconnect,
    Effect,
    Endpoint,
    Event,
    Instant,
    Opened,
    PeerId,
    Received,
    Report,
    Transmit,
)
from tests.drivers.worlds import Do, Probe, nothing

ANYWHERE = Endpoint("127.0.0.1", 0)


def driver_of(
    probe: Probe,
    *,
    perform: Callable[[object], object] = nothing,
    clock: Clock | None = None,
    on_report: Callable[[object, Instant], None] = lambda _fact, _now: None,
    dialler: Dialler | None = None,
    max_accepted: int = 100,
) -> AsyncioDriver:
    return AsyncioDriver(
        probe,
        perform=perform,
        clock=clock or Clock(),
        on_report=on_report,
        dialler=dialler,
        max_accepted=max_accepted,
    )


@asynccontextmanager
async def running(driver: AsyncioDriver) -> AsyncIterator[AsyncioDriver]:
    """Run a driver for a while; what ended it comes out."""
    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        tasks.create_task(driver.run())
        yield driver
        driver.stop()


async def until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not met():  # noqa: ASYNC110 (what is waited for is a fact, not an asyncio event)
            await asyncio.sleep(0)


# Listening and dialling.


def test_a_port_in_use_is_named() -> None:
    async def scenario() -> None:
        first, second = driver_of(Probe()), driver_of(Probe())
        endpoint = await first.listen(ANYWHERE)
        async with running(first):
            with pytest.raises(ConfigError, match=f"port {endpoint.port} is in use"):
                await second.listen(endpoint)

    asyncio.run(scenario())


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(AxonError, match=r"Unable to bind to 192\.0\.2\.1:0 on this computer"):
        asyncio.run(driver_of(Probe()).listen(Endpoint("192.0.2.1", 0)))


def test_several_listeners_feed_one_machine() -> None:
    async def scenario() -> None:
        probe = Probe()
        driver = driver_of(probe)
        first = await driver.listen(ANYWHERE)
        async with running(driver):
            second = await driver.listen(Endpoint("127.0.0.2", 0))
            for endpoint in (first, second):
                _, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
                writer.close()
            await until(lambda: len(probe.opened) == 2)
            assert {opened.local for opened in probe.opened} == {first, second}

    asyncio.run(scenario())


def test_ipv6() -> None:
    async def scenario() -> None:
        probe = Probe()
        driver = driver_of(probe)
        try:
            endpoint = await driver.listen(Endpoint("::1", 0))
        except ConfigError as error:
            pytest.skip(str(error))
        async with running(driver):
            await driver.ask(Do((Dial(1, endpoint),)))
            await until(lambda: len(probe.opened) == 2)
            assert str(endpoint) == f"[::1]:{endpoint.port}"

    asyncio.run(scenario())


def test_what_happens_before_run_is_heard_in_order_then() -> None:
    async def scenario() -> None:
        def refuse(event: Event) -> list[Effect]:
            return [Disconnect(event.peer, "no")] if isinstance(event, Opened) else []

        probe = Probe(refuse)
        driver = driver_of(probe)
        endpoint = await driver.listen(ANYWHERE)
        reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
        writer.write(b"early")
        await until(lambda: driver.received_bytes == 5)
        assert probe.events == []
        async with running(driver):
            assert await reader.read() == b""
            writer.close()
            assert len(probe.events) == 1  # Its bytes waited, but it was disconnected.

    asyncio.run(scenario())


def test_connections_go_out_from_the_address_given() -> None:
    async def scenario() -> None:
        far = Probe()
        far_driver = driver_of(far)
        endpoint = await far_driver.listen(ANYWHERE)
        near_driver = driver_of(Probe(), dialler=direct("127.1.2.3"))
        async with running(far_driver), running(near_driver):
            await near_driver.ask(Do((Dial(1, endpoint),)))
            await until(lambda: bool(far.opened))
            assert far.opened[0].remote.host == "127.1.2.3"

    asyncio.run(scenario())


def test_a_dial_that_takes_too_long_fails() -> None:
    async def scenario() -> None:
        probe = Probe()
        with socket.socket() as full, socket.socket() as first, socket.socket() as second:
            full.bind(("127.0.0.1", 0))
            full.listen(0)  # The kernel answers one or two who come, and then nobody.
            for each in (first, second):
                each.setblocking(False)
                each.connect_ex(full.getsockname())
            async with running(driver_of(probe, dialler=direct(timeout_us=50_000))) as driver:
                await driver.ask(Do((Dial(1, Endpoint(*full.getsockname())),)))
                await until(lambda: bool(probe.dial_failures))
                assert probe.dial_failures[0].reason == "no answer within 0.05 s"

    asyncio.run(scenario())


def test_small_messages_are_sent_at_once() -> None:
    async def scenario() -> None:
        driver = driver_of(Probe())
        endpoint = await driver.listen(ANYWHERE)
        async with running(driver):
            await driver.ask(Do((Dial(1, endpoint),)))
            await until(lambda: len(driver._sockets._open) == 2)
            (link, _) = driver._sockets._open.values()
            raw = link.transport.get_extra_info("socket")
            assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    asyncio.run(scenario())


def test_what_goes_to_one_peer_in_a_row_is_written_at_once() -> None:
    first, second = PeerId(0), PeerId(1)
    leaves = Disconnect(first, "over")
    effects: list[Effect] = [
        Transmit(first, b"a"),
        Transmit(first, b"b"),
        Transmit(second, b"c"),
        Transmit(first, b"d"),
        leaves,
        Transmit(second, b"e"),
        Transmit(second, b"f"),
    ]
    assert list(joined(effects)) == [
        Transmit(first, b"ab"),
        Transmit(second, b"c"),
        Transmit(first, b"d"),
        leaves,
        Transmit(second, b"ef"),
    ]
    assert list(joined([leaves])) == [leaves]


def test_bytes_are_counted() -> None:
    async def scenario() -> None:
        probe = Probe()
        driver = driver_of(probe)
        endpoint = await driver.listen(ANYWHERE)
        async with running(driver):
            reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
            writer.write(b"four")
            await until(lambda: bool(probe.of(Received)))
            await driver.ask(Do((Transmit(PeerId(0), b"seven77"),)))
            assert await reader.readexactly(7) == b"seven77"
            assert (driver.received_bytes, driver.sent_bytes) == (4, 7)
            writer.close()

    asyncio.run(scenario())


# Hostile peers.


def test_a_peer_that_never_reads_cannot_delay_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("axon.drivers.aio.sockets.DISCONNECT_LIMIT", 50_000)
    monkeypatch.setattr("axon.drivers.aio.sockets.STOP_LIMIT", 50_000)

    async def scenario() -> None:
        probe = Probe()
        driver = driver_of(probe)
        endpoint = await driver.listen(ANYWHERE)
        address = (endpoint.host, endpoint.port)
        with socket.create_connection(address), socket.create_connection(address):
            async with running(driver):
                await until(lambda: len(probe.opened) == 2)
                much = bytes(16_000_000)
                first, second = PeerId(0), PeerId(1)
                await driver.ask(
                    Do((Transmit(first, much), Disconnect(first, "no"), Transmit(second, much)))
                )
                await until(lambda: len(driver._sockets._leaving) == 0)
            # The second is cut by the stop, or `running` would time out.

    asyncio.run(scenario())


def test_a_peer_that_only_shuts_its_sending_side_is_closed() -> None:
    async def scenario() -> None:
        probe = Probe()
        driver = driver_of(probe)
        endpoint = await driver.listen(ANYWHERE)
        async with running(driver):
            reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
            writer.write_eof()
            await until(lambda: bool(probe.closed))
            assert await reader.read() == b""
            writer.close()

    asyncio.run(scenario())


def test_a_reset_is_a_close_with_its_reason() -> None:
    async def scenario() -> None:
        probe = Probe()
        driver = driver_of(probe)
        endpoint = await driver.listen(ANYWHERE)
        async with running(driver):
            raw = socket.create_connection((endpoint.host, endpoint.port))
            await until(lambda: bool(probe.opened))
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            raw.close()
            await until(lambda: bool(probe.closed))
            assert "reset" in probe.closed[0].reason.lower()

    asyncio.run(scenario())


# Time.


def test_mock_time_rings_at_once_when_it_is_set() -> None:
    async def scenario() -> None:
        clock = Clock()
        probe = Probe(alarm=clock.now() + 10**12)
        async with running(driver_of(probe, clock=clock)) as driver:
            await driver.ask(Do(()))
            clock.set_mock(10**12)
            assert probe.ticks == []
            probe.next_alarm = 4 * 10**15
            clock.set_mock(3 * 10**15)
            assert [rung for _, rung in probe.ticks] == [3 * 10**15]
            clock.set_mock(5 * 10**15)
            assert [rung for _, rung in probe.ticks] == [3 * 10**15, 5 * 10**15]

    asyncio.run(scenario())


def test_a_deadline_set_under_mock_time_rings_when_that_comes() -> None:
    async def scenario() -> None:
        clock = Clock()
        clock.set_mock(1_000_000)
        probe = Probe()

        def soon(event: Event) -> list[Effect]:
            probe.alarm = 2_000_000
            return []

        probe.react = soon
        async with running(driver_of(probe, clock=clock)) as driver:
            await driver.ask(Do(()))
            clock.set_mock(2_000_000)
            assert probe.ticks == [(2_000_000, 2_000_000)]

    asyncio.run(scenario())


def test_a_fast_clock_rings_so_much_sooner() -> None:
    async def scenario() -> None:
        fast = 3_600
        clock = Clock(lambda: time.time_ns() * fast, lambda: time.monotonic_ns() * fast, fast)
        hour_us = 3_600 * 10**6
        probe = Probe(alarm=clock.now() + hour_us // 4)
        async with running(driver_of(probe, clock=clock)):
            await asyncio.sleep(0.5)
        (due, rung), *_ = probe.ticks
        assert due <= rung < due + 3 * hour_us

    asyncio.run(scenario())


def test_reports_are_told_with_their_time() -> None:
    async def scenario() -> None:
        clock = Clock()
        clock.set_mock(7)
        told: list[tuple[object, Instant]] = []
        probe = Probe()
        driver = driver_of(probe, clock=clock, on_report=lambda *fact: told.append(fact))
        async with running(driver):
            await driver.ask(Do((Report("tip"), Report("pool"))))
        assert told == [("tip", 7), ("pool", 7)]

    asyncio.run(scenario())


# Slow work.


def test_lanes_run_beside_each_other_and_off_the_loop() -> None:
    async def scenario() -> None:
        both = threading.Barrier(2, timeout=20)

        def perform(job: object) -> object:
            both.wait()
            return threading.get_ident()

        probe = Probe()
        async with running(driver_of(probe, perform=perform)) as driver:
            await driver.ask(Do((Delegate(1, "job", "a"), Delegate(2, "job", "b"))))
            await until(lambda: len(probe.events) == 2)
            threads = {event.outcome for event in probe.events if isinstance(event, Completed)}
            assert len(threads) == 2
            assert threading.get_ident() not in threads

    asyncio.run(scenario())


def test_a_job_that_fails_ends_the_run_and_its_lane() -> None:
    async def scenario() -> None:
        begun: list[object] = []

        def perform(job: object) -> object:
            begun.append(job)
            if job == 1:
                raise StorageError("the disk is full")
            return job

        probe = Probe()
        driver = driver_of(probe, perform=perform)
        task = asyncio.create_task(driver.run())
        await driver.ask(Do(tuple(Delegate(n, n, "store") for n in range(5))))
        with pytest.raises(StorageError, match="the disk is full"):
            await task
        assert begun == [0, 1]
        assert Completed(2, 2) not in probe.events

    asyncio.run(scenario())


def test_a_stop_lets_the_job_that_runs_end_and_drops_those_that_wait() -> None:
    async def scenario() -> None:
        begun, ended = list[object](), list[object]()
        go_on = threading.Event()

        def perform(job: object) -> None:
            begun.append(job)
            go_on.wait(20)
            ended.append(job)

        driver = driver_of(Probe(), perform=perform)
        async with running(driver):
            await driver.ask(Do(tuple(Delegate(n, n, "store") for n in range(30_000))))
            await until(lambda: begun == [0])
            asyncio.get_running_loop().call_later(0.05, go_on.set)
        assert begun == ended == [0]

    asyncio.run(scenario())


def test_a_bug_in_the_machine_ends_the_run() -> None:
    def stumble(event: Event) -> list[Effect]:
        raise ZeroDivisionError("a bug")

    async def scenario() -> None:
        driver = driver_of(Probe(stumble))
        endpoint = await driver.listen(ANYWHERE)
        _, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
        writer.close()
        with pytest.raises(ZeroDivisionError, match="a bug"):
            await driver.run()

    asyncio.run(scenario())


def test_commands_end_with_the_run() -> None:
    async def scenario() -> None:
        driver = driver_of(Probe())
        async with running(driver):
            asking = asyncio.create_task(driver.ask("anything"))
            await asyncio.sleep(0)
        with pytest.raises(Stopped):
            await asking
        with pytest.raises(Stopped):
            await driver.ask("anything")

    asyncio.run(scenario())


def test_whoever_gives_up_asking_harms_nothing() -> None:
    async def scenario() -> None:
        probe = Probe()
        async with running(driver_of(probe)) as driver:
            asking = asyncio.create_task(driver.ask("slow"))
            await until(lambda: bool(probe.events))
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            (asked,) = probe.events
            assert isinstance(asked, Commanded)
            await driver.ask(Do((Answer(asked.ticket, "too late"),)))

    asyncio.run(scenario())


def test_cancelling_run_is_a_stop() -> None:
    async def scenario() -> None:
        driver = driver_of(Probe())
        endpoint = await driver.listen(ANYWHERE)
        task = asyncio.create_task(driver.run())
        reader, writer = await asyncio.open_connection(endpoint.host, endpoint.port)
        await until(lambda: bool(driver._sockets._open))
        task.cancel()
        assert await reader.read() == b""
        writer.close()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(endpoint.host, endpoint.port)

    asyncio.run(scenario())


def test_a_stop_before_run_makes_it_return() -> None:
    async def scenario() -> None:
        probe = Probe(alarm=0)
        driver = driver_of(probe)
        driver.stop()
        await driver.run()
        assert probe.ticks == []

    asyncio.run(scenario())
