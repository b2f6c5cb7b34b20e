"""The screens, driven without a terminal: keys in, texts out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from textual.message import Message
from textual.pilot import Pilot
from textual.widgets import DataTable, Input, Static

from axon.errors import ConfigError
from axon.tui.app import WalletApp
from axon.tui.files import FileAccess
from axon.tui.model import WalletInfo
from axon.wallet.amounts import Unit, parse_amount
from axon.wallet.paymenturi import parse_payment_uri
from tests.tui.double import Double

SMALL: Final = (80, 24)
_STEP_S: Final = 0.02
_PATIENCE_STEPS: Final = 250


def squares(text: str) -> list[str]:
    """Stands in for a QR code, with the colours that a terminal gets."""
    return [f"\x1b[97;40m█{text[-4:]}█\x1b[0m", "█████"]


class Shelf:
    """Files in memory."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}

    def read_payment(self, name: str) -> str:
        """A file's text."""
        if name not in self.files:
            raise ConfigError(f"cannot read {name}")
        return self.files[name]

    def save(self, name: str, text: str) -> None:
        """Write a new file."""
        if name in self.files:
            raise ConfigError(f"{name} exists already: name a new file")
        self.files[name] = text

    @property
    def access(self) -> FileAccess:
        """As the program gets it."""
        return FileAccess(lambda typed: self.files.get(typed, typed), self.read_payment, self.save)


def app_of(
    double: Double,
    *,
    info: WalletInfo | None = None,
    offline: bool = False,
    shelf: Shelf | None = None,
) -> WalletApp:
    """The program over this wallet."""
    return WalletApp(
        double.ask,
        info or WalletInfo("regtest", signs=True),
        "alice",
        qr_lines=squares,
        read_amount=lambda text, unit: parse_amount(text, Unit(unit)),
        read_payee=parse_payment_uri,
        files=(shelf or Shelf()).access,
        offline=offline,
    )


class Stage:
    """A program that runs, and the one who sits before it."""

    def __init__(self, app: WalletApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    async def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        await self.pilot.press(*keys)

    def paste(self, selector: str, text: str) -> None:
        """Replace what stands in a field, and be in it; quicker than to press each key."""
        field = self.app.screen.query_one(selector, Input)
        field.focus()
        field.value = text

    async def look(self) -> None:
        """Have the wallet looked at now."""
        self.app.look_now()
        await self.pilot.pause(_STEP_S)

    async def until(self, holds: Callable[[], bool], what: str) -> None:
        """Wait until something is so on the screen."""
        for _ in range(_PATIENCE_STEPS):
            if holds():
                return
            await self.pilot.pause(_STEP_S)
        raise AssertionError(f"never: {what}")

    async def until_told(self, selector: str, text: str) -> None:
        """Wait until a line says something."""
        await self.until(lambda: text in self.told(selector), f"{selector} says {text!r}")

    def told(self, selector: str) -> str:
        """What a line of the uppermost screen says; empty if it is not there."""
        found = self.app.screen.query(selector)
        return str(found.first(Static).content) if found else ""

    def rows(self, selector: str) -> list[list[str]]:
        """The texts of a table."""
        table: DataTable[Any] = self.app.query_one(selector, DataTable)
        return [[str(cell) for cell in table.get_row_at(place)] for place in range(table.row_count)]


def play(
    scene: Callable[[Stage], Awaitable[None]],
    double: Double | None = None,
    *,
    size: tuple[int, int] = SMALL,
    info: WalletInfo | None = None,
    offline: bool = False,
    on_message: Callable[[Message], None] | None = None,
    shelf: Shelf | None = None,
) -> WalletApp:
    """Run the program and play a scene with it, from the first look on; the program, ended."""
    app = app_of(double or Double(), info=info, offline=offline, shelf=shelf)

    async def run() -> None:
        async with app.run_test(size=size, message_hook=on_message) as pilot:
            stage = Stage(app, pilot)
            await stage.until(lambda: stage.told("#standing") != "Opening", "the first look")
            await scene(stage)

    asyncio.run(run())
    return app
