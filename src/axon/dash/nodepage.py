"""The page of a node (`-dash`), served by the node itself: it shows, and changes nothing.

    starting --ready()--> answering --stopping()--> stopping

Whoever may read the node's folder finds the page's address, with its token, in `dash.url`; it is
good for as long as the node runs.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from pathlib import Path
from typing import Any, Final, Self

from aiohttp import web

from axon.dash.pageserver import PageProgram, PageServer
from axon.dash.questions import PageNode, Questions
from axon.errors import ConfigError
from axon.rpc.amounts import whole
from axon.rpc.auth import SecretFile
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Registry
from axon.rpc.longjson import is_long

URL_FILE: Final = "dash.url"
TOKEN_BYTES: Final = 24

_OWN: Final = "axon.dash"

INSIDE_FILES: Final = {
    f"/{name}": (_OWN, name)
    for name in ("inside.css", "inside.js", "flow.js", "ring.js", "words.js")
}
"""What shows one node, on this page and on others."""

_PROGRAM: Final = PageProgram(
    "axon node -dash",
    "-dash=PORT",
    {"/": (_OWN, "node.html"), "/node.js": (_OWN, "node.js"), **INSIDE_FILES},
)

_log: Final = logging.getLogger("axon")


class NodePage(PageServer):
    """Serves the page of one node; it listens inside `async with`.

    Args:
        port: of loopback; 0 for any that is free.
        folder: of the node, for `dash.url`.
        registry: the calls of the node.
    """

    def __init__(self, port: int, folder: Path, registry: Registry) -> None:
        super().__init__(_PROGRAM, port, secrets.token_urlsafe(TOKEN_BYTES))
        self._registry = registry
        self._daemon: Daemon | None = None
        self._status = "starting"
        self._address = SecretFile(folder / URL_FILE, "the address of the page into")
        self._node = PageNode("", self._ask, resident_bytes)
        Questions(self, self._find)

    async def __aenter__(self) -> Self:
        """Listen, and write the address down.

        Raises:
            ConfigError: the port is taken, or the file cannot be written.
        """
        await super().__aenter__()
        try:
            self._address.write(f"{self.url}\n")
        except ConfigError:
            await super().__aexit__()
            raise
        _log.info(
            "A page of this node at http://%s/; its whole address is in %s",
            self.endpoint,
            self._address.path,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        self._address.remove()
        await super().__aexit__()

    def warming(self, status: str) -> None:
        """The node starts; how far it is, in a few words."""
        self._status = status

    def ready(self, daemon: Daemon) -> None:
        """The node runs."""
        self._daemon = daemon

    def stopping(self) -> None:
        """The node is about to stop, and is not asked any more."""
        self._daemon, self._status = None, "stopping"

    async def _find(self, _: web.Request) -> PageNode:
        if self._daemon is None:
            raise web.HTTPServiceUnavailable(text=f"the node does not run: {self._status}\n")
        return self._node

    async def _ask(self, method: str, *params: object) -> Any:
        """Call the node from within; the result as a caller reads it."""
        result = await self._registry.execute(self._daemon, method, list(params))
        return await asyncio.to_thread(whole, result) if is_long(result) else whole(result)


def resident_bytes() -> int | None:
    """Memory that this process holds; None where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
