"""The network as text: a table for `status`, a picture for `watch`.

In the picture each row is a node or a wallet and each column a node: `>` it has dialled, `<` it was
dialled, `=` both. Equal colours are equal last blocks; without colours, equal letters are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from axon.swarm.lab.lifecycle import described
from axon.swarm.lab.manifest import ComponentKind, Manifest
from axon.swarm.lab.members import state_of
from axon.swarm.lab.nodeprocess import NodeView, ProcessState
from axon.swarm.lab.partition import shown
from axon.swarm.story.participants import amount_sat, in_coins

COLOURS: Final = (32, 33, 36, 35, 34, 91, 92, 93, 95, 96)
"""Of tips, the most common first."""

_RED, _DIM, _BOLD = 31, 2, 1
_NAME: Final = 5
"""Characters of a name at least."""

_NUMBERS: Final = 32
"""Those between a name and the picture of links."""

_DIGITS: Final = 3
_BELOW: Final = 3
"""Lines below the rows: an empty one, the legend, and the number of the page."""

_TIP: Final = 14
"""Characters of a last block in the legend."""

_TIPS: Final = 4
_SHORT: Final = 8
_MARKS: Final = {(True, False): ">", (False, True): "<", (True, True): "="}


def paint(text: str, colour: int, *, coloured: bool) -> str:
    """A text in a colour of the terminal."""
    return f"\x1b[{colour}m{text}\x1b[0m" if coloured else text


def tip_letters(seen: Sequence[NodeView]) -> dict[str, str]:
    """A letter for each tip, A for the one on which most nodes stand."""
    counts: dict[str, int] = {}
    for item in seen:
        if item.answers:
            counts[item.tip] = counts.get(item.tip, 0) + 1
    order = sorted(counts, key=lambda tip: (-counts[tip], tip))
    return {tip: chr(ord("A") + min(place, 25)) for place, tip in enumerate(order)}


def status_table(manifest: Manifest, seen: Sequence[NodeView]) -> list[str]:
    """A line for each component.

    Args:
        manifest: of the run.
        seen: nodes and wallets.
    """
    rows = [("name", "address", "state", "height", "tip", "in", "out", "pool", "MB", "pid")]
    by_name = {item.name: item for item in seen}
    for item in manifest.components.values():
        pid = str(item.process.pid) if item.process is not None else ""
        view = by_name.get(item.name)
        if view is None:
            state, told = state_of(item), ("", "", "", "", "", "")
        else:
            state, told = view.state, _told(view)
        where = f"at {item.node}"
        if item.kind is not ComponentKind.MINER:
            where = str(item.p2p) if item.p2p_port else item.host
        gone = state in (ProcessState.ENDED, ProcessState.DIED)
        rows.append((item.name, where, str(state), *told, "" if gone else pid))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    right = {3, 5, 6, 7, 8, 9}
    return [
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _told(view: NodeView) -> tuple[str, str, str, str, str, str]:
    if not view.answers:
        return ("", "", "", "", "", "")
    inbound = sum(link.inbound for link in view.links)
    return (
        str(view.height),
        f"..{view.tip[-_SHORT:]}",
        str(inbound) if view.holds is None else "",
        str(len(view.links) - inbound),
        str(view.pooled) if view.holds is None else "",
        str(view.pss_kb // 1024),
    )


class Picture:
    """The network at one moment, drawn so that it fits a terminal.

    Where it is larger than the terminal it has several pages, each with some of the rows and some
    of the columns.

    Args:
        manifest: of the run.
        seen: its nodes.
        wallets: likewise.
        width: of the terminal, in characters.
        height: in lines; None for one page that is as high as need be.
        coloured: whether it shows colours.
    """

    def __init__(
        self,
        manifest: Manifest,
        seen: Sequence[NodeView],
        wallets: Sequence[NodeView] = (),
        *,
        width: int = 80,
        height: int | None = None,
        coloured: bool = False,
    ) -> None:
        self._manifest = manifest
        self._seen = seen
        self._wallets = wallets
        self._width = width
        self._coloured = coloured
        self._letters = tip_letters([*seen, *wallets])
        self._miners = manifest.of_kind(ComponentKind.MINER)
        names = [*(item.name for item in (*seen, *wallets)), *(each.name for each in self._miners)]
        self._name_width = 1 + max(map(len, names), default=0)
        self._name_width = max(_NAME, self._name_width)
        held = max((len(_held(item)) for item in wallets), default=0)
        room = width - self._name_width - _NUMBERS - held
        self._columns = max(1, min(room, len(seen)))
        self._rows = len(names)
        if height is not None:
            around = len(self._top()) + len(self._heads(seen)) + _BELOW
            self._rows = max(1, min(self._rows, height - around))

    @property
    def pages(self) -> int:
        """How many there are."""
        return self._pages_of_rows * -(-len(self._seen) // self._columns)

    @property
    def _pages_of_rows(self) -> int:
        rows = len(self._seen) + len(self._wallets) + len(self._miners)
        return -(-rows // self._rows)

    def lines(self, page: int = 0) -> list[str]:
        """One page, no line wider than the terminal.

        Args:
            page: from 0 on.
        """
        across, down = divmod(page, self._pages_of_rows)
        columns = self._seen[across * self._columns :][: self._columns]
        rows = [self._row(item, columns) for item in (*self._seen, *self._wallets)]
        rows += [
            f"{other.name:<{self._name_width}}{state_of(other):<9}at {other.node}"
            for other in self._miners
        ]
        chosen = rows[down * self._rows :][: self._rows]
        lines = [*self._top(), *self._heads(columns), *chosen, "", self._legend()]
        if self.pages > 1:
            word = f"page {page + 1} of {self.pages}; space: next, b: back, q: leave"
            lines.append(word[: self._width])
        return lines

    def _top(self) -> list[str]:
        headline = _headline(self._manifest, self._seen, self._letters)
        lines = [paint(headline[: self._width], _BOLD, coloured=self._coloured)]
        if self._manifest.sides:
            cut = f"cut: {shown(self._manifest)}"[: self._width]
            lines.append(paint(cut, _RED, coloured=self._coloured))
        return lines

    def _heads(self, columns: Sequence[NodeView]) -> list[str]:
        """The numbers of the nodes in the columns, from top to bottom."""
        places = {item.name: place for place, item in enumerate(self._seen, start=1)}
        numbers = [
            name[1:] if name[1:].isdecimal() else str(places[name])
            for name in (item.name for item in columns)
        ]
        digits = [number[-_DIGITS:].rjust(_DIGITS) for number in numbers]
        heads = ["".join(digit[place] for digit in digits) for place in range(_DIGITS)]
        return [" " * (self._name_width + _NUMBERS) + head for head in heads if head.strip()]

    def _row(self, item: NodeView, columns: Sequence[NodeView]) -> str:
        name = f"{item.name:<{self._name_width}}"
        if not item.answers:
            colour = _RED if item.state is ProcessState.DIED else _DIM
            return paint(f"{name}{item.state}", colour, coloured=self._coloured)
        letter = self._letters[item.tip]
        tip = f"{letter} ..{item.tip[-_SHORT:]}"
        tip = paint(tip, _colour(letter), coloured=self._coloured)
        dialled = {link.name for link in item.links if not link.inbound}
        heard = {link.name for link in item.links if link.inbound}
        cells = "".join(
            "\\" if other == item.name else _MARKS.get((other in dialled, other in heard), ".")
            for other in (column.name for column in columns)
        )
        return f"{name}{item.height:>6}  {tip} {len(item.links):>3} links  {cells}{_held(item)}"

    def _legend(self) -> str:
        """What the marks mean, and as many of the last blocks as there is room for."""
        words = "> dialled  < was dialled  = both "
        more = f" and {len(self._letters)} more" if self._letters else ""
        room = (self._width - len(words) - len(more)) // _TIP
        listed = list(self._letters.items())[: max(0, min(room, _TIPS))]
        tips = "".join(
            "  " + paint(f"{letter} ..{tip[-_SHORT:]}", _colour(letter), coloured=self._coloured)
            for tip, letter in listed
        )
        hidden = len(self._letters) - len(listed)
        return f"{words}{tips}" + (f" and {hidden} more" if hidden else "")


def _held(item: NodeView) -> str:
    return "" if item.holds is None else f"  {in_coins(amount_sat(item.holds))}"


def _headline(manifest: Manifest, seen: Sequence[NodeView], letters: Mapping[str, str]) -> str:
    answering = [item for item in seen if item.answers]
    heights = sorted({item.height for item in answering})
    words = [f"{described(manifest)}: {len(answering)} answer"]
    if heights:
        span = f"{heights[0]} to {heights[-1]}" if len(heights) > 1 else f"{heights[0]}"
        words.append(f"height {span}")
        words.append(f"{len(letters)} last block{'s' * (len(letters) != 1)}")
    return ", ".join(words)


def _colour(letter: str) -> int:
    return COLOURS[(ord(letter) - ord("A")) % len(COLOURS)]
