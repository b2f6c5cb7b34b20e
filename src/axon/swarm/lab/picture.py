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
_NARROW: Final = 37
"""Columns beside the picture of links."""

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
            state = state_of(item)
            where = f"at {item.node}"
            told = ("", "", "", "", "", "")
        else:
            state, told = view.state, _told(view)
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


def frame(
    manifest: Manifest,
    seen: Sequence[NodeView],
    wallets: Sequence[NodeView] = (),
    *,
    width: int = 80,
    coloured: bool = False,
) -> list[str]:
    """One picture of the network, no line wider than the terminal.

    Args:
        manifest: of the run.
        seen: its nodes.
        wallets: likewise.
        width: of the terminal, in characters.
        coloured: whether it shows colours.
    """
    letters = tip_letters([*seen, *wallets])
    lines = [paint(_headline(manifest, seen, letters), _BOLD, coloured=coloured)]
    if manifest.sides:
        lines.append(paint(f"cut: {shown(manifest)}"[:width], _RED, coloured=coloured))
    columns = [item.name for item in seen][: max(0, width - _NARROW)]
    digits = [name[1:].rjust(3) for name in columns]
    for place in range(3):
        heads = "".join(digit[place] for digit in digits)
        if heads.strip():
            lines.append(" " * _NARROW + heads)
    for item in (*seen, *wallets):
        lines.append(_row(item, columns, letters, coloured=coloured))
    lines.append("")
    lines.append(_legend(letters, coloured=coloured))
    for other in manifest.of_kind(ComponentKind.MINER):
        lines.append(f"{other.name:<5}{state_of(other):<9}at {other.node}")
    return lines


def _headline(manifest: Manifest, seen: Sequence[NodeView], letters: Mapping[str, str]) -> str:
    answering = [item for item in seen if item.answers]
    heights = sorted({item.height for item in answering})
    words = [f"{described(manifest)}: {len(answering)} answer"]
    if heights:
        span = f"{heights[0]} to {heights[-1]}" if len(heights) > 1 else f"{heights[0]}"
        words.append(f"height {span}")
        words.append(f"{len(letters)} last block{'s' * (len(letters) != 1)}")
    return ", ".join(words)


def _row(
    item: NodeView, columns: Sequence[str], letters: Mapping[str, str], *, coloured: bool
) -> str:
    if not item.answers:
        colour = _RED if item.state is ProcessState.DIED else _DIM
        return paint(f"{item.name:<5}{item.state}", colour, coloured=coloured)
    letter = letters[item.tip]
    tip = paint(f"{letter} ..{item.tip[-_SHORT:]}", _colour(letter), coloured=coloured)
    dialled = {link.name for link in item.links if not link.inbound}
    heard = {link.name for link in item.links if link.inbound}
    cells = "".join(
        "\\" if name == item.name else _MARKS.get((name in dialled, name in heard), ".")
        for name in columns
    )
    holds = "" if item.holds is None else f"  {in_coins(amount_sat(item.holds))}"
    return f"{item.name:<5}{item.height:>6}  {tip} {len(item.links):>3} links  {cells}{holds}"


def _legend(letters: Mapping[str, str], *, coloured: bool) -> str:
    tips = "  ".join(
        paint(f"{letter} ..{tip[-_SHORT:]}", _colour(letter), coloured=coloured)
        for tip, letter in list(letters.items())[:4]
    )
    more = f" and {len(letters) - 4} more" if len(letters) > 4 else ""
    return f"> dialled  < was dialled  = both   {tips}{more}"


def _colour(letter: str) -> int:
    return COLOURS[(ord(letter) - ord("A")) % len(COLOURS)]
