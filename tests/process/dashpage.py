"""`axon swarm dash` of a lab, asked as its page asks it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp

from tests.process.lab import Lab

LIMIT_S: Final = 60.0


class DashPage:
    """One page.

    Args:
        process: of the command.
        url: of the page, with its token.
        session: for HTTP.
        stream: of what the page is told.
    """

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        url: str,
        session: aiohttp.ClientSession,
        stream: aiohttp.ClientResponse,
    ) -> None:
        self.url = url
        self._process = process
        self._session = session
        self._stream = stream
        self._told: list[tuple[str, Any]] = []
        self._since = 0

    async def ask(self, deed: str, *targets: str, **more: str) -> None:
        """Give an order, and wait until it is done."""
        await self.begin(deed, *targets, **more)
        done = await self.until("order", lambda told: not told["running"] and told["said"])
        assert not done["failed"], done

    async def begin(self, deed: str, *targets: str, **more: str) -> None:
        """Give an order; `until` looks at all that is told since."""
        self._since = len(self._told)
        base, _, token = self.url.partition("#")
        order = {"do": deed, "targets": targets, **more}
        own = {"Authorization": f"Bearer {token}"}
        async with self._session.post(f"{base}order", json=order, headers=own) as answer:
            assert answer.status == 202, await answer.text()

    async def until(self, kind: str, holds: Callable[[Any], object]) -> Any:
        """The first thing of a kind that fits; it is waited for."""

        async def find() -> Any:
            place = self._since
            while True:
                while place == len(self._told):
                    await self._read()
                named, data = self._told[place]
                place += 1
                if named == kind and holds(data):
                    return data

        return await asyncio.wait_for(find(), LIMIT_S)

    async def _read(self) -> None:
        line = (await self._stream.content.readline()).decode()
        assert line, "the page has been left"
        if line.startswith("event: "):
            data = (await self._stream.content.readline()).decode().removeprefix("data: ")
            self._told.append((line.removeprefix("event: ").strip(), json.loads(data)))

    async def left(self) -> int:
        """Press ctrl-C; the exit code."""
        self._process.send_signal(signal.SIGINT)
        return await asyncio.wait_for(self._process.wait(), LIMIT_S)


@asynccontextmanager
async def dash_page(lab: Lab) -> AsyncIterator[DashPage]:
    """The page of a lab that is up; its command is ended with the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *lab.command("dash", "--json", "--port", "0")[1:],
        stdout=asyncio.subprocess.PIPE,
        env=lab.environment,
    )
    assert process.stdout is not None
    try:
        url = str(json.loads(await asyncio.wait_for(process.stdout.readline(), LIMIT_S))["url"])
        base, _, token = url.partition("#")
        # Lines may be long: a frame is one.
        async with (
            aiohttp.ClientSession(read_bufsize=1 << 20) as session,
            session.get(f"{base}events", params={"token": token}) as stream,
        ):
            yield DashPage(process, url, session, stream)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
