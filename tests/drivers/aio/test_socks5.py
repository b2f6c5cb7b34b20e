"""Connections through a real SOCKS5 proxy in a process of its own."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from axon.drivers.aio import socks5
from axon.drivers.aio.dialling import RoutedDialler
from axon.drivers.aio.driver import AsyncioDriver
from axon.drivers.aio.routes import Destination, Proxy, Routes, destination_of
from axon.machine import SECOND, Dial, DialFailed, Endpoint, Opened, Resolve, Resolved
from tests.drivers.aio.test_driver import driver_of, running, until
from tests.drivers.worlds import Do, Probe
from tests.socksserver import SocksServer

ONION = f"{'a' * 56}.onion"
ANYWHERE = Endpoint("127.0.0.1", 0)


@pytest.fixture(scope="module")
def far() -> Iterator[Endpoint]:
    """Somebody who greets whoever comes."""
    server = socket.create_server(("127.0.0.1", 0))

    def greet() -> None:
        while True:
            try:
                sock, _ = server.accept()
            except OSError:
                return
            sock.sendall(b"hello")
            greeted.append(sock)

    import threading

    greeted: list[socket.socket] = []
    thread = threading.Thread(target=greet, daemon=True)
    thread.start()
    yield Endpoint("127.0.0.1", server.getsockname()[1])
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    for sock in greeted:
        sock.close()


def through(routes: Routes, *dials: Dial, timeout_us: int = 60 * SECOND) -> Probe:
    """A machine that has dialled, once each dial came to something."""
    probe = Probe()

    async def scenario() -> None:
        dialler = RoutedDialler(routes, timeout_us=timeout_us)
        driver = driver_of(probe, dialler=dialler)
        async with running(driver):
            await driver.ask(Do(dials))
            await until(lambda: len(probe.opened) + len(probe.dial_failures) == len(dials))
            await until(lambda: all(probe.bytes_from(o.peer) == b"hello" for o in probe.opened))

    asyncio.run(scenario())
    return probe


def failure(routes: Routes, host: str = "192.0.2.7", **named: Any) -> str:
    """Why a dial came to nothing."""
    (failed,) = through(routes, Dial(1, Endpoint(host, 8333)), **named).dial_failures
    assert isinstance(failed, DialFailed)
    return failed.reason


def everywhere(proxy: Proxy) -> Routes:
    return Routes(ipv4=proxy, ipv6=proxy, onion=proxy, cjdns=proxy, names=proxy)


def test_names_and_addresses_go_through_as_text(far: Endpoint) -> None:
    with SocksServer({"peer.example": far, ONION: far, "fc00::1": far}) as server:
        routes = everywhere(Proxy(server.endpoint))
        hosts = ["peer.example", ONION, "fc00::1", "127.0.0.1"]
        dials = [Dial(n, Endpoint(host, far.port)) for n, host in enumerate(hosts)]
        probe = through(routes, *dials)
        assert len(probe.opened) == 4
        remotes = {opened.remote for opened in probe.opened if isinstance(opened, Opened)}
        assert remotes == {dial.endpoint for dial in dials}  # Not the proxy's own.
        asked = server.requests()
        assert {request.host for request in asked} == set(hosts)
        assert {request.kind for request in asked} == {3}  # A name, whatever it is.


def test_every_connection_has_credentials_of_its_own(far: Endpoint) -> None:
    with SocksServer() as server:
        through(everywhere(Proxy(server.endpoint)), *(Dial(n, far) for n in range(3)))
        asked = server.requests()
        assert len({request.user for request in asked}) == 3
        assert all(request.user and request.user == request.password for request in asked)


def test_without_isolation_nobody_says_who_he_is(far: Endpoint) -> None:
    with SocksServer() as server:
        through(everywhere(Proxy(server.endpoint, isolates=False)), Dial(1, far))
        assert [request.user for request in server.requests()] == [None]


def test_a_proxy_at_a_unix_socket(far: Endpoint, tmp_path: Path) -> None:
    path = tmp_path / "socks"
    with SocksServer(path=path) as server:
        probe = through(everywhere(Proxy(str(path))), Dial(1, far))
        assert [opened.remote for opened in probe.opened] == [far]
        assert len(server.requests()) == 1


@pytest.mark.parametrize(
    ("code", "words"),
    [(1, "general failure"), (5, "connection refused"), (0xF0, "descriptor can not be found")],
)
def test_a_refusal_is_said_in_words(code: int, words: str) -> None:
    with SocksServer(refusal=code) as server:
        assert words in failure(everywhere(Proxy(server.endpoint)))


def test_an_unknown_code_is_shown() -> None:
    with SocksServer(refusal=0x42) as server:
        assert "unknown (0x42)" in failure(everywhere(Proxy(server.endpoint)))


def test_a_proxy_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socks5, "PROXY_TIMEOUT", SECOND // 5)
    with SocksServer(hangs=True) as server:
        assert "did not connect within" in failure(everywhere(Proxy(server.endpoint)))


def test_a_proxy_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        nobody = Endpoint("127.0.0.1", server.getsockname()[1])
    assert f"the proxy {nobody} is not reached" in failure(everywhere(Proxy(nobody)))


def test_what_is_no_proxy_is_said_to_be_none(far: Endpoint) -> None:
    assert "answers wrongly" in failure(everywhere(Proxy(far)))


@pytest.mark.parametrize(
    ("host", "words"),
    [(ONION, "Tor"), ("x.b32.i2p", "I2P"), ("abc.onion", "Tor"), ("name.example", "-dns=0")],
)
def test_what_has_no_way_is_not_dialled(host: str, words: str) -> None:
    assert words in failure(Routes(dns=False), host)


def test_what_is_private_goes_through_tor_or_not_at_all(far: Endpoint) -> None:
    with SocksServer() as server:
        probe = through(Routes(onion=Proxy(server.endpoint)), Dial(1, far, private=True))
        assert len(probe.opened) == len(server.requests()) == 1
    (failed,) = through(Routes(), Dial(1, far, private=True)).dial_failures
    assert isinstance(failed, DialFailed)
    assert "private" in failed.reason


def test_no_name_is_looked_up_where_a_proxy_does_that(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> Coroutine[Any, Any, object]:
        raise AssertionError("a name was looked up")

    async def scenario() -> None:
        probe = Probe()
        driver = AsyncioDriver(
            probe,
            perform=lambda _: None,
            clock=driver_of(Probe())._clock,
            on_report=lambda _fact, _now: None,
            looks_up=False,
        )
        async with running(driver):
            monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", never)
            await driver.ask(Do((Resolve(1, "seed.example", 8333),)))
            await until(lambda: bool(probe.of(Resolved)))
            assert probe.of(Resolved) == [Resolved(1, ())]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("host", "kind"),
    [
        ("1.2.3.4", Destination.IPV4),
        ("::ffff:1.2.3.4", Destination.IPV4),
        ("2001:db8::1", Destination.IPV6),
        ("fc00::1", Destination.CJDNS),
        (ONION.upper(), Destination.ONION),
        ("x.onion.", Destination.ONION),
        ("abc.b32.i2p", Destination.I2P),
        ("onion.example", Destination.NAME),
    ],
)
def test_what_a_host_is(host: str, kind: Destination) -> None:
    assert destination_of(host, cjdns=True) is kind
