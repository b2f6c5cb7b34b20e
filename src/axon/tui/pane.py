"""What all screens have in common: they are shown a view, and ask the wallet beside the drawing."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import ClassVar

from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from axon.tui.asking import Ask, View
from axon.tui.table import LiveTable
from axon.tui.wording import StyledText, Tone


class WalletChanged(Message):
    """The wallet was asked for a change: the next look is due now."""


class Pane(Vertical):
    """One of the screens between which the tabs lead.

    Args:
        ask: asks the wallet.
    """

    TITLE: ClassVar[str]
    ENTRY: ClassVar[str]
    """The part that has the keyboard when the screen is entered, as a selector."""

    def __init__(self, ask: Ask) -> None:
        super().__init__(id=self.TITLE.lower(), classes="pane")
        self.ask = ask

    def show(self, view: View) -> None:
        """Draw the latest answers of the wallet."""
        raise NotImplementedError

    def enter(self) -> None:
        """The screen was turned to."""
        self.query_one(self.ENTRY).focus()

    def redraw(self) -> None:
        """The colours have changed."""
        for table in self.query(LiveTable):
            table.redraw()


class Line(Static):
    """A text with a tone, as long as there is something to say; brackets in it mean nothing."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes, markup=False)

    def say(self, said: StyledText | None) -> None:
        """Say this from now on; None for nothing."""
        self.update("" if said is None else said.text)
        for tone in Tone:
            self.set_class(said is not None and said.tone is tone, tone)


def begin(widget: Widget, task: Coroutine[object, object, None]) -> None:
    """Run a task beside the drawing.

    One that fails ends the program (`app.WalletApp`), in a way that shows no secret it has on it.
    """
    widget.app.run_worker(task, exit_on_error=False)
