"""What the RPC server of a node is told at its start, and the secrets it is opened with."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from axon.host.required import require, require_path
from axon.machine import Endpoint
from axon.primitives.network import Network
from axon.rpc.auth import Cookie, Credentials, Whitelist
from axon.rpc.settings import ServerSettings


@dataclass(frozen=True, slots=True)
class RpcSettings:
    """All that the RPC server is told.

    Args:
        server: where it listens; by default on this machine, at the network's RPC port.
        cookie: the file's path, a bare name lies in the node's folder; None if there is none,
            because a password is set or none is wanted.
        rest: questions over REST are answered, too, without a password (`-rest`).
        password: of `user`; empty if there is none.
    """

    server: ServerSettings = field(default_factory=ServerSettings)
    cookie: Path | None = Path(".cookie")
    cookie_mode: int = 0o600
    user: str = ""
    password: str = ""
    rpcauth: tuple[str, ...] = ()
    whitelist: tuple[str, ...] = ()
    whitelist_default: bool | None = None
    rest: bool = False

    def __post_init__(self) -> None:
        require("server", self.server, ServerSettings, "ServerSettings")
        if self.cookie is not None:
            object.__setattr__(self, "cookie", require_path("cookie", self.cookie))

    @classmethod
    def at(cls, *endpoints: Endpoint) -> Self:
        """A server that listens there, with defaults for the rest; port 0 is any free one."""
        return cls(ServerSettings(endpoints))

    def __repr__(self) -> str:
        """Without secrets."""
        return f"RpcSettings(server={self.server!r}, cookie={self.cookie!r})"

    def placed(self, network: Network, folder: Path) -> RpcSettings:
        """The same with the endpoints and the cookie's path of one node.

        Args:
            folder: the node's.
        """
        server, cookie = self.server, self.cookie
        if not server.endpoints:
            hosts = ("127.0.0.1", "::1")
            endpoints = tuple([Endpoint(host, network.rpc_port) for host in hosts])
            server = replace(server, endpoints=endpoints)
        if cookie is not None and len(cookie.parts) == 1:
            cookie = folder / cookie
        return replace(self, server=server, cookie=cookie)

    def make_cookie(self) -> Cookie | None:
        """The cookie file, not written yet."""
        return None if self.cookie is None else Cookie(self.cookie, self.cookie_mode)

    def make_credentials(self) -> Credentials:
        """Who is let in; whoever has the cookie is added when it is written.

        Raises:
            ConfigError: an `-rpcauth` of another form.
        """
        credentials = Credentials()
        if self.password:
            credentials.add(self.user, self.password)
        for text in self.rpcauth:
            credentials.add_rpcauth(text)
        return credentials

    def make_whitelist(self) -> Whitelist:
        """Who may call what."""
        return Whitelist(self.whitelist, self.whitelist_default)
