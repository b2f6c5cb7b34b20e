"""Addresses for others: a new one with a label, and each as a picture for a camera."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, DataTable, Input, Static

from axon.errors import AxonError
from axon.tui.asking import Ask, View
from axon.tui.model import Address
from axon.tui.pane import Line, Pane, WalletChanged, begin
from axon.tui.table import Column, LiveTable, Row
from axon.tui.wording import StyledText, Tone

QrLines = Callable[[str], list[str]]
"""A QR code as lines of block characters for a terminal: what is drawn is light, what is left out
dark. Colours that they bring along are not used."""

_COLUMNS: Final = (Column("No", right=True), Column("Paid"), Column("Label or address", grows=True))

_MAX_LABEL: Final = 200
"""Characters; what is longer was pasted by mistake."""


def address_row(address: Address) -> Row:
    """The cells of one address."""
    return (
        StyledText(f"{address.index}"),
        StyledText("yes", Tone.GOOD) if address.used else StyledText("no", Tone.DIM),
        StyledText(address.label or address.address),
    )


_UNREAD: Final = (
    "No block was looked through yet: if this wallet was restored, this address may have been paid"
    " before. Wait until it is in sync, and make another one."
)


class ReceivePane(Pane):
    """On the left a label to type and the addresses, on the right the chosen one's picture.

    Args:
        ask: asks the wallet.
        qr_lines: draws the picture.
    """

    TITLE = "Receive"
    ENTRY = "LiveTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "new", "New address"),
        Binding("l", "label", "Label"),
        Binding("c", "copy", "Copy address"),
    ]

    DEFAULT_CSS = """
    ReceivePane #left { width: 1fr; margin: 1 1 0 0; }
    ReceivePane #new { height: 1; }
    ReceivePane #new Static { width: 7; color: $tone-dim; }
    ReceivePane #new Input { width: 1fr; margin: 0 1 0 0; }
    ReceivePane #refused { height: auto; }
    ReceivePane #address { height: auto; min-height: 1; margin: 1 0; text-style: bold; }
    ReceivePane #picture { width: auto; height: auto; color: white; background: black; }
    """

    def __init__(self, ask: Ask, qr_lines: QrLines) -> None:
        super().__init__(ask)
        self._qr_lines = qr_lines
        self._addresses: dict[str, Address] = {}
        self._is_unread = False  # No block was looked through so far.
        self._wanted: str | None = None  # A new address, until a look has brought its row.

    def compose(self) -> ComposeResult:
        """The addresses beside the QR code of the chosen one."""
        with Horizontal():
            with Vertical(id="left"):
                with Horizontal(id="new"):
                    yield Static("Label")
                    yield Input(
                        id="label", placeholder="who will pay", compact=True, max_length=_MAX_LABEL
                    )
                    yield Button("New address", id="make", variant="primary", compact=True)
                yield Line(id="refused")
                yield Line(id="address")
                yield LiveTable(*_COLUMNS)
            yield Line(id="picture")

    def show(self, view: View) -> None:
        """Show what is so now; the latest address comes first."""
        self._is_unread = view.sync.age_s is None
        self._addresses = {each.address: each for each in reversed(view.addresses)}
        table = self.query_one(LiveTable)
        table.show_rows({name: address_row(each) for name, each in self._addresses.items()})
        if self._wanted in self._addresses:
            table.choose(self._wanted)
            self._wanted = None
        if self._wanted is None:
            self._draw(table.chosen)

    def action_label(self) -> None:
        """Type a label for the next address."""
        self.query_one("#label", Input).focus()

    @on(Button.Pressed, "#make")
    @on(Input.Submitted, "#label")
    def action_new(self) -> None:
        """A new address with the label that was typed."""
        begin(self, self._make(self.query_one("#label", Input).value.strip()))

    def action_copy(self) -> None:
        """The chosen address, for the clipboard of the terminal."""
        chosen = self.query_one(LiveTable).chosen
        if chosen is not None:
            self.app.copy_to_clipboard(chosen)
            self.notify("The address was copied", timeout=2)

    def on_data_table_row_highlighted(self, _: DataTable.RowHighlighted) -> None:
        """Show the QR code of the chosen address."""
        if self._wanted is None:
            self._draw(self.query_one(LiveTable).chosen)

    async def _make(self, label: str) -> None:
        refused = self.query_one("#refused", Line)
        try:
            address = await self.ask("getnewaddress", label)
        except AxonError as error:
            refused.say(StyledText(str(error), Tone.BAD))
            return
        refused.say(StyledText(_UNREAD, Tone.WARN) if self._is_unread else None)
        self.query_one("#label", Input).value = ""
        self.query_one(LiveTable).focus()
        self._wanted = address
        self._draw(address)
        self.post_message(WalletChanged())

    def _draw(self, address: str | None) -> None:
        if address is None:
            hint = "No address was given out yet: press n for the first one"
            self.query_one("#address", Line).say(StyledText(hint, Tone.DIM))
            self.query_one("#picture", Line).say(None)
            return
        self.query_one("#address", Line).say(StyledText(address))
        lines = [Text.from_ansi(line).plain for line in self._qr_lines(f"bitcoin:{address}")]
        self.query_one("#picture", Line).update("\n".join(lines))
