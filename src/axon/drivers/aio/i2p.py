"""I2P through a router's SAM bridge (version 3.1): dialling, and being dialled.

    session: HELLO -> SESSION CREATE, and its socket stays open: the session ends with it
    dial:    HELLO -> NAMING LOOKUP -> STREAM CONNECT -> the socket leads to the peer
    accept:  HELLO -> STREAM ACCEPT -> a line with the peer's destination -> it leads to the peer

The lasting session has our lasting address; each private dial has a session, so an address, of its
own, which ends with the connection. SAM 3.1 knows no ports: peers on I2P have port 0. Source: SAM
V3 of I2P's documentation.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from axon.drivers.aio.privatefiles import write_atomically
from axon.drivers.bounds import CONNECT_TIMEOUT, I2P_TIMEOUT
from axon.machine import SECOND, Endpoint

I2P_PORT: Final = 0
"""Of every peer."""
MAX_LINE_BYTES: Final = 65_536
"""Of a reply; a destination in base64 is about 600."""

_CERTIFICATE_AT: Final = 385
"""A destination is 387 bytes and a certificate, whose size stands here, two bytes, big-endian."""
_BASE_SIZE: Final = 387
_ED25519: Final = 7
"""The type of signature that I2P recommends; by number, for older routers do not know its name."""
_QUIET: Final = "i2cp.leaseSetEncType=4,0 inbound.quantity={0} outbound.quantity={0}"


class I2pRefused(OSError):
    """The router is not there, or says no; says whether the peer is to blame."""


def encode_destination(raw: bytes) -> str:
    """Bytes in I2P's own base64."""
    return base64.b64encode(raw, b"-~").decode()


def decode_destination(text: str) -> bytes:
    """Bytes from I2P's own base64.

    Raises:
        I2pRefused: it is none.
    """
    try:
        return base64.b64decode(text, b"-~", validate=True)
    except ValueError as error:
        raise I2pRefused(f"no destination: {text[:60]!r}") from error


def host_of(destination: bytes) -> str:
    """The name of a destination: base32 of its SHA-256, with `.b32.i2p`."""
    digest = hashlib.sha256(destination).digest()
    return base64.b32encode(digest).decode().lower().rstrip("=") + ".b32.i2p"


def public_part(key: bytes) -> bytes:
    """The destination that begins a private key.

    Raises:
        I2pRefused: the key is too short to have one.
    """
    size = _BASE_SIZE + int.from_bytes(key[_CERTIFICATE_AT:_BASE_SIZE])
    if len(key) < _BASE_SIZE or len(key) < size:
        raise I2pRefused(f"a private key of only {len(key)} bytes")
    return key[:size]


class SamReply:
    """One reply: `WORD WORD KEY=value ...`."""

    def __init__(self, line: str) -> None:
        self.line = line
        pairs = (word.partition("=") for word in line.split(" "))
        self._values = {key: value for key, equals, value in pairs if equals}

    def get(self, key: str) -> str:
        """A value; empty if it is not there."""
        return self._values.get(key, "")

    def need(self, key: str) -> str:
        """A value.

        Raises:
            I2pRefused: it is not there.
        """
        if not self.get(key):
            raise I2pRefused(f"the router answers {self.line[:120]!r}, without {key}")
        return self.get(key)


class _Bridge:
    """One socket to the router, before it leads to a peer."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    async def ask(self, request: str) -> SamReply:
        """A request's reply."""
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(self.sock, f"{request}\n".encode())
        return SamReply(await self.line(I2P_TIMEOUT / SECOND))

    async def line(self, limit_s: float | None) -> str:
        """The next line, and not a byte more: what follows is the peer's."""
        loop, data = asyncio.get_running_loop(), b""
        try:
            async with asyncio.timeout(limit_s):
                while not data.endswith(b"\n"):
                    byte = await loop.sock_recv(self.sock, 1)
                    if not byte or len(data) >= MAX_LINE_BYTES:
                        raise I2pRefused("the I2P router hung up")
                    data += byte
        except TimeoutError as error:
            raise I2pRefused(f"no answer of the I2P router within {limit_s:g} s") from error
        return data.decode("utf-8", "replace").rstrip("\r\n")

    def close(self) -> None:
        self.sock.close()


class _Session:
    """A session of ours: an address, for as long as its bridge stands."""

    def __init__(self, bridge: _Bridge, name: str, host: str) -> None:
        self.bridge = bridge
        self.name = name
        self.host = host

    @property
    def stands(self) -> bool:
        """Whether the router still keeps it: it never sends anything on it, unless it ends."""
        try:
            return bool(self.bridge.sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:
            return True
        except OSError:
            return False


class _WithSession(socket.socket):
    """A socket to a peer that takes a session of its own with it when it is closed."""

    def __init__(self, sock: socket.socket, session: _Session) -> None:
        family, kind, proto = sock.family, sock.type, sock.proto
        super().__init__(family, kind, proto, fileno=sock.detach())
        self.setblocking(False)
        self._session = session

    def close(self) -> None:
        self._session.bridge.close()
        super().close()


class I2p:
    """The way to I2P and from it.

    Args:
        sam: where the router's bridge listens.
        key_file: our lasting key, made when it is missing; None to have no lasting address: each
            dial then comes from one of its own.
    """

    def __init__(self, sam: Endpoint, key_file: Path | None) -> None:
        self._sam = sam
        self._key_file = key_file
        self._session: _Session | None = None
        self._opening = asyncio.Lock()

    async def connect(self, destination: Endpoint, *, private: bool) -> socket.socket:
        """A socket that leads to an I2P host; see `dialling.I2pRouter`.

        Raises:
            I2pRefused: it is not reached, or the router is not.
        """
        if destination.port != I2P_PORT:
            raise I2pRefused(f"peers on I2P have port {I2P_PORT}, not {destination.port}")
        if private or self._key_file is None:
            return await self._connect_once(destination)
        return await self._stream(await self._lasting(), destination)

    async def _connect_once(self, destination: Endpoint) -> socket.socket:
        session = await self._create("TRANSIENT", f"SIGNATURE_TYPE={_ED25519} {_QUIET.format(1)}")
        try:
            sock = await self._stream(session, destination)
        except BaseException:
            session.bridge.close()
            raise
        return _WithSession(sock, session)

    async def serve(
        self,
        take: Callable[[socket.socket, Endpoint], Awaitable[None]],
        tell: Callable[[str], Awaitable[None]],
    ) -> None:
        """Take in whoever dials us, until the session ends.

        Args:
            take: given each connection and who is there.
            tell: given our address, once it is known.

        Raises:
            I2pRefused: the router is not there, or ends the session.
        """
        session = await self._lasting()
        await tell(session.host)
        while True:
            bridge = await self._hello()
            taken = False
            try:
                reply = await bridge.ask(f"STREAM ACCEPT ID={session.name} SILENT=false")
                self._check(reply, session)
                peer = await bridge.line(None)
                if "RESULT=" in peer:
                    self._drop(session)
                    raise I2pRefused(f"the I2P router ends the session: {peer[:120]}")
                remote = Endpoint(host_of(decode_destination(peer.split(" ")[0])), I2P_PORT)
                taken = True
                await take(bridge.sock, remote)
            finally:
                if not taken:
                    bridge.close()

    def close(self) -> None:
        """End the lasting session."""
        if self._session is not None:
            self._drop(self._session)

    # One step each.

    async def _hello(self) -> _Bridge:
        loop = asyncio.get_running_loop()
        sock = socket.socket(socket.AF_INET6 if ":" in self._sam.host else socket.AF_INET)
        sock.setblocking(False)
        bridge = _Bridge(sock)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT / SECOND):
                await loop.sock_connect(sock, (self._sam.host, self._sam.port))
            reply = await bridge.ask("HELLO VERSION MIN=3.1 MAX=3.1")
            if reply.get("RESULT") != "OK":
                raise I2pRefused(f"the I2P router answers {reply.line[:120]!r}")
        except BaseException as error:
            bridge.close()
            if isinstance(error, OSError) and not isinstance(error, I2pRefused):
                raise I2pRefused(f"no I2P router at {self._sam}: {error}") from error
            raise
        return bridge

    async def _lasting(self) -> _Session:
        async with self._opening:
            if self._session is None or not self._session.stands:
                key = await self._key()
                self._session = await self._create(encode_destination(key), _QUIET.format(3))
            return self._session

    async def _create(self, key: str, options: str) -> _Session:
        name, bridge = secrets.token_hex(5), await self._hello()
        try:
            reply = await bridge.ask(
                f"SESSION CREATE STYLE=STREAM ID={name} DESTINATION={key} {options}"
            )
            if reply.get("RESULT") != "OK":
                raise I2pRefused(f"the I2P router makes no session: {reply.line[:120]!r}")
            made = decode_destination(reply.need("DESTINATION") if key == "TRANSIENT" else key)
            return _Session(bridge, name, host_of(public_part(made)))
        except BaseException:
            bridge.close()
            raise

    async def _key(self) -> bytes:
        """Our lasting private key, from its file or made by the router."""
        assert self._key_file is not None, "asked where a session lasts"
        try:
            return await asyncio.to_thread(self._key_file.read_bytes)
        except FileNotFoundError:
            bridge = await self._hello()
            try:
                reply = await bridge.ask(f"DEST GENERATE SIGNATURE_TYPE={_ED25519}")
                key = decode_destination(reply.need("PRIV"))
            finally:
                bridge.close()
            await asyncio.to_thread(write_atomically, self._key_file, key)
            return key

    async def _stream(self, session: _Session, destination: Endpoint) -> socket.socket:
        bridge = await self._hello()
        leads = False
        try:
            named = await bridge.ask(f"NAMING LOOKUP NAME={destination.host}")
            if named.get("RESULT") != "OK":
                raise I2pRefused(f"not found on I2P: {named.get('RESULT') or named.line[:120]}")
            reply = await bridge.ask(
                f"STREAM CONNECT ID={session.name} DESTINATION={named.need('VALUE')} SILENT=false"
            )
            self._check(reply, session)
            leads = True
            return bridge.sock
        finally:
            if not leads:
                bridge.close()

    def _check(self, reply: SamReply, session: _Session) -> None:
        result = reply.get("RESULT")
        if result == "INVALID_ID":
            self._drop(session)
        if result != "OK":
            raise I2pRefused(f"the I2P router says: {result or reply.line[:120]}")

    def _drop(self, session: _Session) -> None:
        session.bridge.close()
        if self._session is session:
            self._session = None
