"""Headless Chromium by its DevTools protocol: pages are opened, pressed, asked, pictured."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

LIMIT_S: Final = 30.0
NAMES: Final = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "chrome-headless-shell",
)
_OPTIONS: Final = (
    "--headless",
    "--remote-debugging-port=0",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "about:blank",
)


def require() -> Path:
    """Where a Chromium is; the test is skipped, visibly, if there is none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no Chromium on the PATH (Debian: chromium-headless-shell)")
    return Path(found)


class Page:
    """One tab.

    Args:
        socket: to its DevTools.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.complaints: list[str] = []
        """Errors of its scripts, and what its policy has kept it from."""
        self.asked: list[str] = []
        """All addresses that it has fetched."""

    async def listen(self) -> None:
        """Read what the browser says, as long as it does."""
        async for message in self._socket:
            told = json.loads(message.data)
            match told:
                case {"id": number}:
                    self._answers.pop(number).set_result(told)
                case {"method": "Runtime.exceptionThrown", "params": {"exceptionDetails": why}}:
                    self.complaints.append(json.dumps(why))
                case {"method": "Log.entryAdded", "params": {"entry": {"level": "error"} as entry}}:
                    self.complaints.append(f"{entry['text']} {entry.get('url', '')}")
                case {"method": "Network.requestWillBeSent", "params": {"request": request}}:
                    self.asked.append(request["url"])

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command; its result."""
        number = len(self._answers) + id(params) % 1_000_000 * 100
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        told = await asyncio.wait_for(answer, LIMIT_S)
        assert "error" not in told, told
        result: dict[str, Any] = told["result"]
        return result

    async def look(
        self, width: int, height: int, *, dark: bool = False, still: bool = False
    ) -> None:
        """As whom the page sees: how large the window is, and what its reader prefers."""
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        features = [
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if still else "no-preference"},
        ]
        await self.call("Emulation.setEmulatedMedia", features=features)

    async def open(self, url: str) -> None:
        """Go to an address, from anew."""
        await self.call("Page.navigate", url="about:blank")
        await self.call("Page.navigate", url=url)

    async def ask(self, script: str) -> Any:
        """The value of an expression in the page; a promise is waited for."""
        told = await self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    async def until(self, script: str, limit_s: float = LIMIT_S) -> None:
        """Wait until an expression is true."""
        end = asyncio.get_running_loop().time() + limit_s
        while not await self.ask(script):
            assert asyncio.get_running_loop().time() < end, f"{script}: not within {limit_s:g} s"
            await asyncio.sleep(0.05)

    async def press(self, *keys: str, shift: bool = False) -> None:
        """Press keys, by their names in the DOM."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowRight": 39}
        for key in keys:
            named = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
            named |= {"text": "\r"} if key == "Enter" else {}
            named |= {"modifiers": 8} if shift else {}
            await self.call("Input.dispatchKeyEvent", type="keyDown", **named)
            await self.call("Input.dispatchKeyEvent", type="keyUp", **named)

    async def picture(self, path: Path, *, whole: bool = True) -> None:
        """Write what is seen as PNG."""
        told = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        await asyncio.to_thread(path.write_bytes, base64.b64decode(told["data"]))


@asynccontextmanager
async def chromium(program: Path, folder: Path) -> AsyncIterator[Page]:
    """A browser with one page; it is ended with the block.

    Args:
        program: it.
        folder: for what it writes down.
    """
    options = [*_OPTIONS[:-1], *["--no-sandbox"] * (os.geteuid() == 0), _OPTIONS[-1]]
    process = await asyncio.create_subprocess_exec(
        program,
        f"--user-data-dir={folder}",
        *options,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # The program may be a script around the browser; all must end.
    )
    try:
        port = await _port(folder / "DevToolsActivePort", process)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                tabs = await answer.json()
            url = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
            async with session.ws_connect(url, max_msg_size=0) as socket:
                page = Page(socket)
                listening = asyncio.create_task(page.listen())
                for room in ("Page", "Runtime", "Log", "Network"):
                    await page.call(f"{room}.enable")
                yield page
                listening.cancel()
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def _port(file: Path, process: asyncio.subprocess.Process) -> int:
    end = asyncio.get_running_loop().time() + LIMIT_S
    while not (told := _told(file)):
        assert process.returncode is None, "Chromium has left at its start"
        assert asyncio.get_running_loop().time() < end, "Chromium does not say where it listens"
        await asyncio.sleep(0.05)
    return int(told[0])


def _told(file: Path) -> list[str]:
    return file.read_text().split() if file.exists() else []
