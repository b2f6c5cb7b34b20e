"""A table whose rows live: what changes is redrawn in place, and the cursor stays on its row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rich.style import Style
from rich.text import Text
from textual import events
from textual.widgets import DataTable

from axon.tui.colours import variable_of
from axon.tui.wording import StyledText, Tone, elided

_NARROWEST: Final = 8
"""Of the column that takes what room the others leave."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Args:
        title: above it.
        right: its texts end at the same place.
        grows: takes the room that is left, and its texts are cut to fit; one of them at most.
    """

    title: str
    right: bool = False
    grows: bool = False


Row = tuple[StyledText, ...]


class LiveTable(DataTable[Text]):
    """A table of rows with names.

    Args:
        columns: from left to right.
    """

    def __init__(self, *columns: Column, id: str | None = None) -> None:
        super().__init__(id=id, cursor_type="row", zebra_stripes=True)
        self._layout = columns
        self._shown: dict[str, Row] = {}
        self._widths: tuple[int, ...] = ()

    @property
    def chosen(self) -> str | None:
        """The name of the row under the cursor."""
        names = list(self._shown)
        return names[self.cursor_row] if self.cursor_row < len(names) else None

    def show_rows(self, rows: Mapping[str, Row]) -> None:
        """Show these rows, by name, in this order."""
        fresh, widths = dict(rows), self._fitting(rows)
        if list(fresh) == list(self._shown) and widths == self._widths:
            self._update(fresh)
        else:
            self._rebuild(fresh, widths)

    def choose(self, name: str) -> None:
        """Put the cursor on a row, if there is one of this name."""
        if name in self._shown:
            self.move_cursor(row=list(self._shown).index(name), animate=False)

    def redraw(self) -> None:
        """Draw everything anew, in the colours of now."""
        self._rebuild(self._shown, self._fitting(self._shown))

    def on_resize(self, _: events.Resize) -> None:
        """The growing column gets its new room."""
        self.show_rows(self._shown)

    def _update(self, fresh: dict[str, Row]) -> None:
        for name, row in fresh.items():
            for place, (said, shown) in enumerate(zip(row, self._shown[name], strict=True)):
                if said != shown:
                    self.update_cell(name, str(place), self._cell(place, said))
        self._shown = fresh

    def _rebuild(self, fresh: dict[str, Row], widths: tuple[int, ...]) -> None:
        chosen, at_top = self.chosen, self.cursor_row == 0
        self._shown, self._widths = fresh, widths
        self.clear(columns=True)
        for place, (column, width) in enumerate(zip(self._layout, widths, strict=True)):
            title = Text(column.title, justify="right" if column.right else "left")
            self.add_column(title, key=str(place), width=width)
        for name, row in fresh.items():
            self.add_row(*map(self._cell, range(len(row)), row), key=name)
        if chosen is not None and not at_top:  # At the top it stays there, and sees what comes.
            self.choose(chosen)

    def _fitting(self, rows: Mapping[str, Row]) -> tuple[int, ...]:
        widths = [
            max([len(column.title), *(len(row[place].text) for row in rows.values())])
            for place, column in enumerate(self._layout)
        ]
        room = self.scrollable_content_region.width - 2 * self.cell_padding * len(widths)
        for place, column in enumerate(self._layout):
            if column.grows:
                widths[place] = max(_NARROWEST, room - sum(widths) + widths[place])
        return tuple(widths)

    def _cell(self, place: int, said: StyledText) -> Text:
        column = self._layout[place]
        text = elided(said.text, self._widths[place]) if column.grows else said.text
        return Text(text, self._style(said.tone), justify="right" if column.right else "left")

    def _style(self, tone: Tone) -> Style:
        if tone is Tone.PLAIN:
            return Style()
        return Style(color=self.app.theme_variables[variable_of(tone)])
