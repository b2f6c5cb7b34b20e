"""Where nodes stood over time: a lane for each, broken at each block, coloured where it forks.

At each height the block on which most nodes stood is the main chain's. Another, and what follows
on it, is a branch with a colour of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from axon.machine import SECOND
from axon.swarm.markup import Markup, element, text, told
from axon.swarm.spof.plot import Scale, axes, chart, key, plain_table, time_ticks
from axon.swarm.spof.reporttimeline import LEFT, time_scale
from axon.swarm.trialhistory import TipSeen, TrialHistory

MAX_LANES: Final = 40
"""Nodes of one picture."""

COLOURS: Final = 3
"""Of branches, as classes `branch1` to `branch3`; further ones take their turns again."""

_MAX_SAID: Final = 30
"""Forks that are told in words."""

_LANE: Final = 13.0
_GAP: Final = 0.6
"""Between two blocks of a lane."""
_WIDE_ENOUGH: Final = 26.0
"""For a height to be written into its piece of a lane."""

Block = tuple[int, str]
"""Height and name."""


def branches(tips: Sequence[TipSeen]) -> dict[Block, int]:
    """Blocks that are not the main chain's, and the number of the branch of each, from 1."""
    seen = [tip for tip in tips if tip.height >= 0]
    count = Counter((tip.height, tip.node, tip.tip) for tip in seen)
    voters: dict[int, Counter[str]] = {}
    for height, _, block_hex in count:
        voters.setdefault(height, Counter())[block_hex] += 1
    last = {tip.tip: place for place, tip in enumerate(seen)}
    main = {
        height: max(votes, key=lambda each: (votes[each], last[each]))
        for height, votes in voters.items()
    }
    found: dict[Block, int] = {}
    before: dict[str, Block] = {}
    for tip in seen:
        block, earlier = (tip.height, tip.tip), before.get(tip.node)
        if main[tip.height] != tip.tip and block not in found:
            goes_on = earlier is not None and earlier[0] + 1 == tip.height
            parent = found.get(earlier) if goes_on and earlier is not None else None
            found[block] = parent if parent is not None else len({*found.values()}) + 1
        before[tip.node] = block
    return found


def river(history: TrialHistory) -> Markup:
    """The picture, and the same in words."""
    names = list(dict.fromkeys(tip.node for tip in history.tips))
    if not names:
        return element("p", text("Where the nodes stood was not written down."), class_="about")
    forks = branches(history.tips)
    x, shown = time_scale(history), names[:MAX_LANES]
    bottom = 10 + _LANE * len(shown) + 4
    drawn = axes(x, Scale(0.0, 1.0, bottom, 6.0), across=time_ticks(x), up=())
    for row, name in enumerate(shown):
        y = 10 + _LANE * row + _LANE / 2
        drawn.append(element("text", told(name, 14), x=LEFT - 6, y=y + 4, class_="left ink"))
        drawn += _lane([tip for tip in history.tips if tip.node == name], x, y, history, forks)
    caption = [key("ink", "on the main chain; each piece is one block, with its height")]
    kinds = sorted({*forks.values()})
    caption += [key(_kind(kind), f"branch {kind}") for kind in kinds[:COLOURS]]
    if len(names) > len(shown):
        caption.append(text(f"{len(names) - len(shown):,} more nodes are not drawn. "))
    caption.append(text("No lane: it does not run."))
    title = f"heights of {len(shown)} nodes over time, {len(kinds)} branches beside the main chain"
    return chart(title, bottom + 22, drawn, caption, _in_words(history, names, forks))


def _kind(branch: int) -> str:
    return f"branch{1 + (branch - 1) % COLOURS}"


def _lane(
    tips: Sequence[TipSeen], x: Scale, y: float, history: TrialHistory, forks: dict[Block, int]
) -> list[Markup]:
    """Of one node: one path for each look, however many blocks there are."""
    paths: dict[str, list[str]] = {}
    heights: list[Markup] = []
    ends = [tip.at_us / SECOND for tip in tips[1:]] + [history.ends_at_us / SECOND]
    for tip, end_s in zip(tips, ends, strict=True):
        if tip.height < 0:
            continue
        left, right = x.at(tip.at_us / SECOND), x.at(end_s)
        branch = forks.get((tip.height, tip.tip))
        kind = "lane" if branch is None else f"lane {_kind(branch)}"
        kind += " odd" * (tip.height % 2)
        paths.setdefault(kind, []).append(f"M{left:.1f} {y:.1f}H{max(left, right - _GAP):.1f}")
        if right - left >= _WIDE_ENOUGH:
            at = (left + right) / 2
            heights.append(element("text", text(str(tip.height)), x=at, y=y + 4, class_="on"))
    return [element("path", d="".join(path), class_=kind) for kind, path in paths.items()] + heights


def _in_words(history: TrialHistory, names: Sequence[str], forks: dict[Block, int]) -> Markup:
    rows = []
    for name in names[:MAX_LANES]:
        own = [tip for tip in history.tips if tip.node == name]
        up = [tip.height for tip in own if tip.height >= 0]
        on = [forks[block] for tip in own if (block := (tip.height, tip.tip)) in forks]
        stood = ", ".join(f"branch {each}" for each in dict.fromkeys(on)) or "the main chain only"
        first, last = (str(up[0]), str(up[-1])) if up else ("", "")
        rows.append((name, first, last, stood, "yes" if own[-1].height >= 0 else "no"))
    said = [f"branch {kind}: {height} ..{tip}" for (height, tip), kind in forks.items()]
    parts = [plain_table(("node", "first height", "last", "stood on", "runs at the end"), rows)]
    parts += [element("p", told("; ".join(said[:_MAX_SAID]), 2_000))] * bool(said)
    return element("div", *parts)
