"""Tor's control port: proofs, an onion service, and what is no Tor."""

from __future__ import annotations

import asyncio
import re
import secrets
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
    answer_to_challenge,
    arguments,
    connect,
)
from axon.machine import Endpoint

COOKIE = bytes(range(32))
TARGET = Endpoint("127.0.0.1", 8334)
SERVICE = "a" * 56


class ControlPort:
    """A small Tor: it answers as control-spec says, for one way of proving oneself.

    Args:
        methods: as PROTOCOLINFO lists them.
        cookie_file: where its cookie is.
        password: it takes.
        knows_pow: whether it knows proof of work for services.
        honest: whether its own proof is right.
    """

    def __init__(
        self,
        methods: str = "NULL",
        cookie_file: Path = Path("/nowhere"),
        password: str = "",
        *,
        knows_pow: bool = True,
        honest: bool = True,
    ) -> None:
        self._methods = methods
        self._cookie_file = cookie_file
        self._password = password
        self._knows_pow = knows_pow
        self._honest = honest
        self._proof = ""
        self._proved = False
        self.heard: list[str] = []
        self._writers: list[asyncio.StreamWriter] = []

    async def close(self) -> None:
        """End all connections, and wait for that."""
        for writer in self._writers:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One controller."""
        self._writers.append(writer)
        while line := (await reader.readline()).decode().rstrip("\r\n"):
            self.heard.append(line)
            writer.write("".join(f"{each}\r\n" for each in self._answer(line)).encode())

    def _answer(self, line: str) -> list[str]:
        word, _, rest = line.partition(" ")
        match word:
            case "PROTOCOLINFO":
                auth = f'250-AUTH METHODS={self._methods} COOKIEFILE="{self._cookie_file}"'
                return ["250-PROTOCOLINFO 1", auth, '250-VERSION Tor="0.4.8"', "250 OK"]
            case "AUTHCHALLENGE":
                ours, theirs = bytes.fromhex(rest.split()[1]), secrets.token_bytes(32)
                cookie = COOKIE if self._honest else bytes(32)
                said = answer_to_challenge(cookie, ours, theirs, server=True)
                self._proof = answer_to_challenge(COOKIE, ours, theirs, server=False).hex()
                return [f"250 AUTHCHALLENGE SERVERHASH={said.hex()} SERVERNONCE={theirs.hex()}"]
            case "AUTHENTICATE":
                quoted = self._password.replace("\\", "\\\\").replace('"', '\\"')
                wanted = {"NULL": "", "SAFECOOKIE": self._proof}.get(self._methods, f'"{quoted}"')
                self._proved = rest == wanted
                return ["250 OK" if self._proved else "515 Authentication failed"]
            case "GETINFO" if self._proved:
                listed = '"unix:/run/tor" "192.0.2.1:9" "127.0.0.1:9150"'
                return ["650 STREAM of no interest", f"250-{rest}={listed}", "250 OK"]
            case "ADD_ONION" if self._proved:
                return self._add(rest)
        return ["514 Authentication required"]

    def _add(self, rest: str) -> list[str]:
        if "PoW" in rest and not self._knows_pow:
            return ["512 Unrecognized argument"]
        made = ["250-PrivateKey=ED25519-V3:key="] if rest.startswith("NEW") else []
        return [f"250-ServiceID={SERVICE}", *made, "250 OK"]


@asynccontextmanager
async def controlled(tor: ControlPort) -> AsyncIterator[TorConnection]:
    server = await asyncio.start_server(tor.serve, "127.0.0.1", 0)
    async with server:
        connection = await connect(Endpoint("127.0.0.1", server.sockets[0].getsockname()[1]))
        try:
            yield connection
        finally:
            connection.close()
            await tor.close()


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
    assert service == OnionService(f"{SERVICE}.onion", "ED25519-V3:key=")
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
    assert service.host == f"{SERVICE}.onion"


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
