"""Tor's control port: proofs, an onion service, and what is no Tor."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.drivers.aio.torcontrol import (
    NEW_KEY,
    OnionService,
    TorConnection,
    TorRefused,
    arguments,
    connect,
)
from axon.machine import Endpoint
from tests.torserver import COOKIE, KEY, SERVICE, ControlPort, control_port

TARGET = Endpoint("127.0.0.1", 8334)


@asynccontextmanager
async def controlled(tor: ControlPort) -> AsyncIterator[TorConnection]:
    async with control_port(tor) as place:
        connection = await connect(place)
        try:
            yield connection
        finally:
            connection.close()


async def raised(
    tor: ControlPort, password: str = "", key: str = NEW_KEY
) -> tuple[Endpoint | None, OnionService]:
    async with controlled(tor) as connection:
        await connection.authenticate(password)
        place = await connection.socks_place()
        return place, await connection.add_onion(key, 8333, TARGET)


def cookie_in(folder: Path, cookie: bytes = COOKIE) -> Path:
    path = folder / 'control "cookie"'
    path.write_bytes(cookie)
    return path


def test_a_service_is_made_and_made_again() -> None:
    tor = ControlPort()
    place, service = asyncio.run(raised(tor))
    assert place == Endpoint("127.0.0.1", 9150)  # The one on this machine.
    assert service == OnionService(SERVICE, KEY)
    assert f"ADD_ONION {NEW_KEY} PoWDefensesEnabled=1 Port=8333,{TARGET}" in tor.heard
    _, again = asyncio.run(raised(ControlPort(), key=service.key))
    assert again == service


def test_an_older_tor_knows_no_proof_of_work() -> None:
    tor = ControlPort(knows_pow=False)
    asyncio.run(raised(tor))
    assert tor.heard[-1] == f"ADD_ONION {NEW_KEY} Port=8333,{TARGET}"


def test_proof_by_cookie(tmp_path: Path) -> None:
    path = cookie_in(tmp_path)
    quoted = Path(str(path).replace('"', '\\"'))
    _, service = asyncio.run(raised(ControlPort("SAFECOOKIE", quoted)))
    assert service.host == SERVICE


def test_proof_by_password() -> None:
    password = 'a "b" \\ c'
    _, service = asyncio.run(raised(ControlPort("HASHEDPASSWORD", password=password), password))
    assert service.key


@pytest.mark.parametrize(
    ("tor", "password", "words"),
    [
        (lambda _: ControlPort("HASHEDPASSWORD", password="x"), "y", "AUTHENTICATE is refused"),
        (lambda _: ControlPort("HASHEDPASSWORD"), "", "give it with -torpassword"),
        (lambda _: ControlPort("NULL"), "x", "takes no password"),
        (lambda _: ControlPort("COOKIE"), "", "no way to prove"),
        (lambda f: ControlPort("SAFECOOKIE", f / "no"), "", "cannot be read"),
        (lambda f: ControlPort("SAFECOOKIE", _short(f)), "", "not of 32 bytes"),
        (lambda f: ControlPort("SAFECOOKIE", _plain(f), honest=False), "", "does not know"),
    ],
)
def test_what_goes_wrong_is_said(
    tmp_path: Path, tor: Callable[[Path], ControlPort], password: str, words: str
) -> None:
    with pytest.raises(TorRefused, match=re.escape(words)):
        asyncio.run(raised(tor(tmp_path), password))


def _plain(folder: Path) -> Path:
    (folder / "cookie").write_bytes(COOKIE)
    return folder / "cookie"


def _short(folder: Path) -> Path:
    (folder / "cookie").write_bytes(COOKIE[:5])
    return folder / "cookie"


def test_nobody_and_somebody_else() -> None:
    async def scenario(reply: bytes) -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            writer.write(reply)
            writer.close()
            gone.append(writer)

        gone: list[asyncio.StreamWriter] = []
        async with await asyncio.start_server(talk, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            connection = await connect(Endpoint("127.0.0.1", port))
            with pytest.raises(TorRefused):
                await connection.authenticate("")
            connection.close()
            for writer in gone:
                with suppress(ConnectionError):
                    await writer.wait_closed()
        with pytest.raises(TorRefused, match="nobody answers"):
            await connect(Endpoint("127.0.0.1", port))

    for reply in (b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"x" * 300_000, b"250-x\r\n" * 2_000):
        asyncio.run(scenario(reply))


@given(st.text())
def test_any_text_has_arguments_or_none(text: str) -> None:
    assert all(isinstance(value, str) for value in arguments(text).values())


def test_arguments() -> None:
    assert arguments(r'A METHODS=B,C FILE="/x y/\"z\"\101\n" E=') == {
        "METHODS": "B,C",
        "FILE": '/x y/"z"A\n',
        "E": "",
    }
