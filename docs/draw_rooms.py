"""Draws docs/rooms.svg: the rooms of axon as its imports show them.

A room stands above all rooms that it imports; an arrow is at least one import, its width how many.
Only direct needs are drawn: an arrow that follows from others is left out.
"""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src" / "axon"
WIDTH, HEIGHT, BOX_W, BOX_H = 940, 96, 128, 52


def read() -> tuple[dict[str, int], Counter[tuple[str, str]]]:
    """Lines of code of each room, and how many imports lead from room to room."""
    lines: dict[str, int] = {}
    arrows: Counter[tuple[str, str]] = Counter()
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).parts
        room = parts[0].removesuffix(".py")
        if room.startswith("__"):
            continue
        text = path.read_text()
        lines[room] = lines.get(room, 0) + text.count("\n")
        for node in ast.walk(ast.parse(text)):
            module = getattr(node, "module", None) if isinstance(node, ast.ImportFrom) else None
            if module and module.startswith("axon."):
                target = module.split(".")[1]
                if target not in (room, "errors"):
                    arrows[room, target] += 1
    lines.pop("errors", None)
    return lines, arrows


def levels(rooms: list[str], arrows: Counter[tuple[str, str]]) -> dict[str, int]:
    """How high each room stands: one above the highest it imports."""
    found: dict[str, int] = {}

    def level(room: str) -> int:
        if room not in found:
            found[room] = 0
            below = [target for source, target in arrows if source == room]
            found[room] = 1 + max(map(level, below), default=-1)
        return found[room]

    for room in rooms:
        level(room)
    return found


def direct(arrows: Counter[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """The arrows that do not follow from others."""

    def reaches(start: str, goal: str, banned: tuple[str, str]) -> bool:
        seen, todo = {start}, [start]
        while todo:
            at = todo.pop()
            for source, target in arrows:
                if source == at and (source, target) != banned and target not in seen:
                    if target == goal:
                        return True
                    seen.add(target)
                    todo.append(target)
        return False

    return {arrow: n for arrow, n in arrows.items() if not reaches(*arrow, arrow)}


def draw() -> str:
    """The picture, as SVG."""
    lines, arrows = read()
    height = levels(sorted(lines), arrows)
    rows: dict[int, list[str]] = {}
    for room in sorted(lines):
        rows.setdefault(height[room], []).append(room)
    top = max(rows)
    place: dict[str, tuple[float, float]] = {}
    for row, rooms in rows.items():
        for index, room in enumerate(rooms):
            x = WIDTH * (index + 1) / (len(rooms) + 1)
            place[room] = (x, 40 + (top - row) * HEIGHT)
    total = 40 + (top + 1) * HEIGHT
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {total}" '
        'font-family="sans-serif" font-size="14">',
        f'<rect width="{WIDTH}" height="{total}" fill="#ffffff"/>',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" markerUnits="userSpaceOnUse" orient="auto">'
        '<path d="M0,0L8,4L0,8z" fill="#8a94a6"/></marker></defs>',
    ]
    for (source, target), count in sorted(direct(arrows).items()):
        (x1, y1), (x2, y2) = place[source], place[target]
        y1, y2 = y1 + BOX_H, y2 - 2
        middle = (y1 + y2) / 2
        out.append(
            f'<path d="M{x1:.0f},{y1:.0f}C{x1:.0f},{middle:.0f} {x2:.0f},{middle:.0f} '
            f'{x2:.0f},{y2:.0f}" fill="none" stroke="#8a94a6" '
            f'stroke-width="{1 + min(count, 40) / 20:.1f}" marker-end="url(#tip)"/>'
        )
    for room, (x, y) in sorted(place.items()):
        out.append(
            f'<rect x="{x - BOX_W / 2:.0f}" y="{y:.0f}" width="{BOX_W}" height="{BOX_H}" rx="8" '
            'fill="#eef3fb" stroke="#3b5b92"/>'
            f'<text x="{x:.0f}" y="{y + 23:.0f}" text-anchor="middle" font-weight="bold">{room}'
            f'</text><text x="{x:.0f}" y="{y + 41:.0f}" text-anchor="middle" font-size="11" '
            f'fill="#55617a">{lines[room]:,} lines</text>'
        )
    out.append("</svg>")
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    print(draw(), end="")
