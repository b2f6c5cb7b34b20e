"""Tor's control port: an onion service of ours, for as long as the connection stands.

    PROTOCOLINFO -> AUTHENTICATE (none, cookie, password) -> GETINFO its proxy -> ADD_ONION -> wait
    connection lost -> again, ever more patiently

The key of the service is made by Tor once and handed in again by us, so that its name stays.
Source: Tor's control-spec.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from axon.errors import AxonError
from axon.machine import Endpoint

MAX_LINE_BYTES: Final = 100_000
"""Of a reply's line; no reply that is asked for comes near, and what is no Tor fills no memory."""
MAX_LINES: Final = 1_000
"""Of a reply."""
REPLY_LIMIT_S: Final = 60.0
"""How long a reply may take; making a key takes a moment."""
COOKIE_SIZE: Final = 32
NONCE_SIZE: Final = 32
NEW_KEY: Final = "NEW:ED25519-V3"

FIRST_PAUSE_S: Final = 1.0
PAUSE_GROWTH: Final = 1.5
MAX_PAUSE_S: Final = 600.0
"""Between two attempts to reach the control port: Core's figures."""

_OK, _SYNTAX, _UNKNOWN = 250, 512, 510
_SERVER_KEY: Final = b"Tor safe cookie authentication server-to-controller hash"
_CONTROLLER_KEY: Final = b"Tor safe cookie authentication controller-to-server hash"
_ARGUMENT: Final = re.compile(r'([^\s=]+)=("(?:[^"\\]|\\.)*"|\S*)')
_ESCAPE: Final = re.compile(r"\\([0-3][0-7]{2}|[0-7]{1,2}|.)", re.DOTALL)
_LETTERS: Final = {"n": "\n", "t": "\t", "r": "\r"}


class TorRefused(AxonError):
    """Tor is not there, says no, or is no Tor."""


@dataclass(frozen=True, slots=True)
class OnionService:
    """A service that Tor runs for us.

    Args:
        host: its name, with `.onion`.
        key: what brings the same service back next time, `ED25519-V3:...`.
    """

    host: str
    key: str


@dataclass(frozen=True, slots=True)
class TorReply:
    """One reply: its code, and its lines without it."""

    code: int
    lines: tuple[str, ...]


def arguments(text: str) -> dict[str, str]:
    """`KEY=value KEY="quoted value"` as a mapping; anything else in the text is passed over."""
    return {key: _unquoted(value) for key, value in _ARGUMENT.findall(text)}


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value

    def escaped(match: re.Match[str]) -> str:
        word = match[1]
        return chr(int(word, 8)) if word[0] in "01234567" else _LETTERS.get(word, word)

    return _ESCAPE.sub(escaped, value[1:-1])


def answer_to_challenge(cookie: bytes, ours: bytes, theirs: bytes, *, server: bool) -> bytes:
    """What one side proves to the other that it knows the cookie with (SAFECOOKIE).

    Args:
        cookie: 32 bytes.
        ours: the controller's nonce.
        theirs: Tor's.
        server: Tor's own proof; else the controller's.
    """
    return hmac.digest(_SERVER_KEY if server else _CONTROLLER_KEY, cookie + ours + theirs, "sha256")


class TorConnection:
    """One connection to the control port."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, command: str) -> TorReply:
        """A command's reply.

        Raises:
            TorRefused: none came, or none that could be one.
        """
        self._writer.write(f"{command}\r\n".encode())
        try:
            async with asyncio.timeout(REPLY_LIMIT_S):
                return await self._reply()
        except TimeoutError as error:
            raise TorRefused(f"no reply within {REPLY_LIMIT_S:g} s") from error
        except (OSError, ValueError) as error:  # The latter is a line without end.
            raise TorRefused(str(error)) from error

    async def _reply(self) -> TorReply:
        lines: list[str] = []
        while len(lines) < MAX_LINES:
            raw = await self._reader.readline()
            if not raw.endswith(b"\n"):
                raise TorRefused("Tor hung up")
            line = raw.decode("utf-8", "replace").rstrip("\r\n")
            if len(line) < 4 or not line[:3].isdecimal():
                continue
            code, mark = int(line[:3]), line[3]
            if code >= 600:
                continue  # Something happened that nobody asked about.
            lines.append(line[4:])
            if mark == " ":
                return TorReply(code, tuple(lines))
        raise TorRefused(f"a reply of more than {MAX_LINES} lines")

    async def demand(self, command: str) -> TorReply:
        """The same; only success will do.

        Raises:
            TorRefused: Tor says no.
        """
        reply = await self.ask(command)
        if reply.code != _OK:
            word = command.partition(" ")[0]
            raise TorRefused(f"{word} is refused: {reply.code} {' '.join(reply.lines)[:200]}")
        return reply

    async def authenticate(self, password: str) -> None:
        """Prove that we may give orders.

        Args:
            password: empty for none; else nothing but it is tried.

        Raises:
            TorRefused: Tor wants another proof.
        """
        methods, cookie_file = _methods((await self.demand("PROTOCOLINFO 1")).lines)
        if password:
            if "HASHEDPASSWORD" not in methods:
                raise TorRefused("Tor takes no password (-torpassword); its methods: " + methods)
            quoted = password.replace("\\", "\\\\").replace('"', '\\"')
            await self.demand(f'AUTHENTICATE "{quoted}"')
        elif "NULL" in methods.split(","):
            await self.demand("AUTHENTICATE")
        elif "SAFECOOKIE" in methods.split(","):
            await self._prove_cookie(await asyncio.to_thread(_read_cookie, Path(cookie_file)))
        elif "HASHEDPASSWORD" in methods:
            raise TorRefused("Tor wants a password: give it with -torpassword")
        else:
            raise TorRefused(f"no way to prove ourselves among {methods!r}")

    async def _prove_cookie(self, cookie: bytes) -> None:
        ours = secrets.token_bytes(NONCE_SIZE)
        reply = await self.demand(f"AUTHCHALLENGE SAFECOOKIE {ours.hex()}")
        said = arguments(reply.lines[0])
        try:
            theirs = bytes.fromhex(said.get("SERVERNONCE", ""))
            proof = bytes.fromhex(said.get("SERVERHASH", ""))
        except ValueError as error:
            raise TorRefused("a challenge that is no hex") from error
        if len(theirs) != NONCE_SIZE:
            raise TorRefused("a nonce of another size")
        if not hmac.compare_digest(proof, answer_to_challenge(cookie, ours, theirs, server=True)):
            raise TorRefused("it does not know the cookie that it says is Tor's")
        answer = answer_to_challenge(cookie, ours, theirs, server=False)
        await self.demand(f"AUTHENTICATE {answer.hex()}")

    async def socks_place(self) -> Endpoint | None:
        """Where Tor's SOCKS5 proxy listens, on this machine if anywhere; None if it says nothing.

        Raises:
            TorRefused: the connection broke off.
        """
        reply = await self.ask("GETINFO net/listeners/socks")
        found: list[Endpoint] = []
        for line in reply.lines if reply.code == _OK else ():
            name, _, listed = line.partition("=")
            if name == "net/listeners/socks":
                for word in listed.split():
                    host, _, port = word.strip("\"'").rpartition(":")
                    if port.isdecimal() and not host.startswith("unix"):
                        found.append(Endpoint(host.strip("[]"), int(port)))
        local = [place for place in found if place.host == "127.0.0.1"]
        return next(iter(local or found), None)

    async def add_onion(self, key: str, port: int, target: Endpoint) -> OnionService:
        """Have Tor run a service; it ends with the connection.

        Args:
            key: of an earlier service; `NEW_KEY` for a new one.
            port: at which the world dials it.
            target: where Tor brings whoever does.

        Raises:
            TorRefused: it will not.
        """
        order = f"Port={port},{target}"
        reply = await self.ask(f"ADD_ONION {key} PoWDefensesEnabled=1 {order}")
        if reply.code == _SYNTAX:  # This Tor knows no proof of work.
            reply = await self.ask(f"ADD_ONION {key} {order}")
        said = arguments(" ".join(reply.lines))
        if reply.code != _OK or "ServiceID" not in said:
            raise TorRefused(f"ADD_ONION: {reply.code} {' '.join(reply.lines)[:200]}")
        return OnionService(f"{said['ServiceID']}.onion", said.get("PrivateKey", key))

    async def wait_closed(self) -> None:
        """Wait until Tor ends the connection, and the service with it."""
        try:
            while await self._reader.read(MAX_LINE_BYTES):
                pass  # What happens in Tor meanwhile is its own affair.
        except OSError:
            return

    def close(self) -> None:
        """End it, and the service."""
        self._writer.close()


async def connect(control: Endpoint) -> TorConnection:
    """A connection to the control port.

    Raises:
        TorRefused: nobody is there.
    """
    try:
        opened = await asyncio.open_connection(control.host, control.port, limit=MAX_LINE_BYTES)
    except (OSError, UnicodeError) as error:
        raise TorRefused(f"nobody answers at {control}: {error}") from error
    return TorConnection(*opened)


def _methods(lines: Sequence[str]) -> tuple[str, str]:
    """The methods by which one may prove oneself, and the cookie's file."""
    for line in lines:
        if line.startswith("AUTH "):
            said = arguments(line)
            return said.get("METHODS", ""), said.get("COOKIEFILE", "")
    raise TorRefused("it does not say how to prove ourselves")


def _read_cookie(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            cookie = file.read(COOKIE_SIZE + 1)
    except OSError as error:
        raise TorRefused(
            f"its cookie {path} cannot be read ({error.strerror}): let this user read it, or set "
            "-torpassword"
        ) from error
    if len(cookie) != COOKIE_SIZE:
        raise TorRefused(f"its cookie {path} is not of {COOKIE_SIZE} bytes")
    return cookie
