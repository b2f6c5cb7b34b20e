"""What happened in one trial, moment by moment: operations, last blocks, links, how things spread.

    [12.84, "w1", "pay", "invoke", ""]
    [43.02, "w1", "pay", "ok", ""]

A line says of an operation: `invoke` it is asked; `ok` it is done; `fail` it is certain that it was
not done; `info` nobody knows, or it is no operation of a client. What was harmed is told under the
client `nemesis`, what does not hold under `judge`. All times are microseconds of the network's
clocks from the begin of the trial, which in the simulator is the harm.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Final, TypeVar

from axon.machine import SECOND, Instant

MAX_LINES: Final = 600
"""Of one trial: two for each of some hundred operations, and one for each block of an hour."""

MAX_TIPS: Final = 4_000
"""Last blocks of nodes that are kept of one trial: thirty nodes in an hour with two a minute."""

MAX_LINKS: Final = 5_000
"""Between nodes and wallets at one moment: those of five hundred nodes with ten each."""

MAX_DELAYS: Final = 2_000
"""Of blocks, and as many of transactions, of one trial."""

MAX_SAID: Final = 300
"""Characters of what one line says."""

_T = TypeVar("_T")

NEMESIS: Final = "nemesis"
JUDGE: Final = "judge"


class LineType(StrEnum):
    """What a line says of an operation."""

    INVOKE = "invoke"
    OK = "ok"
    FAIL = "fail"
    INFO = "info"


class TrialPhase(StrEnum):
    """When links are looked at."""

    BEFORE = "before"
    """Before anything is harmed."""
    HELD = "held"
    """At the end of the harm."""
    HEALED = "healed"
    """At the end of the trial."""


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One moment of one operation.

    Args:
        at_us: when.
        client: whose operation.
        what: which.
        kind: what is said of it.
        said: what belongs to it; nothing secret.
    """

    at_us: Instant
    client: str
    what: str
    kind: LineType
    said: str = ""


@dataclass(frozen=True, slots=True)
class TipSeen:
    """A node stands on another block.

    Args:
        at_us: when.
        node: which.
        height: of the block; -1 where it no longer runs.
        tip: the last 8 hex digits of its hash; empty where it no longer runs.
    """

    at_us: Instant
    node: str
    height: int
    tip: str


Link = tuple[str, str]
"""The names of both ends, the smaller first."""


@dataclass(slots=True)
class TrialHistory:
    """All of one trial. What goes beyond a bound is counted and left out.

    Args:
        lines: of operations, in order.
        tips: of nodes, in order.
        links: that both ends had, by phase.
        block_delays_us: from a block's first node to each other one that was not harmed.
        transaction_delays_us: the same of transactions.
        heals_at_us: when the harm was taken back; None if it never was.
        ends_at_us: when the trial was over.
        left_out: how much was too much.
    """

    lines: list[HistoryLine] = field(default_factory=list)
    tips: list[TipSeen] = field(default_factory=list)
    links: dict[TrialPhase, list[Link]] = field(default_factory=dict)
    block_delays_us: list[int] = field(default_factory=list)
    transaction_delays_us: list[int] = field(default_factory=list)
    heals_at_us: Instant | None = None
    ends_at_us: Instant = 0
    left_out: int = 0

    def add_line(self, line: HistoryLine) -> None:
        """One more moment of an operation."""
        self._add(self.lines, line, MAX_LINES)

    def add_tip(self, tip: TipSeen) -> None:
        """A node stands on another block."""
        self._add(self.tips, tip, MAX_TIPS)

    def add_delay(self, delays_us: list[int], delay_us: int) -> None:
        """One more of `block_delays_us` or `transaction_delays_us`."""
        self._add(delays_us, delay_us, MAX_DELAYS)

    def set_links(self, phase: TrialPhase, links: dict[Link, None]) -> None:
        """Who was linked to whom."""
        self.links[phase] = sorted(islice(links, MAX_LINKS))
        self.left_out += max(0, len(links) - MAX_LINKS)

    def _add(self, kept: list[_T], one: _T, most: int) -> None:
        if len(kept) < most:
            kept.append(one)
        else:
            self.left_out += 1

    def to_json(self) -> dict[str, object]:
        """For a report; times in seconds."""
        return {
            "lines": [
                [_s(each.at_us), each.client, each.what, str(each.kind), each.said[:MAX_SAID]]
                for each in self.lines
            ],
            "tips": [[_s(each.at_us), each.node, each.height, each.tip] for each in self.tips],
            "links": {str(phase): list(map(list, links)) for phase, links in self.links.items()},
            "block_delays": list(map(_s, self.block_delays_us)),
            "transaction_delays": list(map(_s, self.transaction_delays_us)),
            "heals_at": None if self.heals_at_us is None else _s(self.heals_at_us),
            "ends_at": _s(self.ends_at_us),
            "left_out": self.left_out,
        }


def link_of(one: str, other: str) -> Link:
    """The link between two."""
    return (one, other) if one < other else (other, one)


def _s(at_us: int) -> float:
    return round(at_us / SECOND, 6)
