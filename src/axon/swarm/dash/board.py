"""What all open pages show, and what each is told when something changes.

    nothing --looked--> a run --looked--> a run, changed or not
                          | ^
                     gone | | looked
                          v |
                       no run

Nothing here waits or asks: whoever looks at the run, carries an order out or checks tells it, and
gets what the pages are to hear. A page that comes later hears all at once (`greeting`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from axon.machine import Instant
from axon.swarm.dash.checktable import CheckTable
from axon.swarm.dash.orders import Deed, PageOrder
from axon.swarm.dash.runframe import LastSeen, Look, frame_json, standings
from axon.swarm.dash.tipcolours import TipColours
from axon.swarm.dash.travel import Arrival, ItemKind, Sighting, Travel, seconds
from axon.swarm.invariants import Finding
from axon.swarm.lab.nodeprocess import ProcessState
from axon.swarm.lab.partition import shown

MAX_LINES: Final = 100
"""Of what has happened; older ones go."""

_SHORT: Final = 8
_STATES: Final = {
    ProcessState.RUNNING: "runs",
    ProcessState.SILENT: "does not answer",
    ProcessState.PAUSED: "is paused",
    ProcessState.ENDED: "has ended",
    ProcessState.DIED: "died by itself",
}


@dataclass(frozen=True, slots=True)
class PageMessage:
    """One thing that a page is told.

    Args:
        kind: `frame`, `gone`, `travel`, `line`, `order`, `check`, `verdict`.
        data: for JSON.
    """

    kind: str
    data: object


class Board:
    """What the pages of one run show.

    Args:
        verdict: of `axon swarm spof` on such a network, for the page; None for none.
    """

    def __init__(self, verdict: object | None = None) -> None:
        self._travel = Travel()
        self._colours = TipColours()
        self._look: Look | None = None
        self._frame: PageMessage | None = None
        self._lines: deque[dict[str, object]] = deque(maxlen=MAX_LINES)
        self._order: dict[str, object] = {"running": "", "said": "", "failed": False}
        self._last_at: Instant = 0
        self._check = CheckTable()
        self._verdict = verdict

    def greeting(self) -> list[PageMessage]:
        """What a page is told that has just been opened."""
        known = [self._frame] if self._frame is not None else []
        known += [PageMessage("line", line) for line in self._lines]
        known += [PageMessage("order", self._order), self._checked()]
        if self._verdict is not None:
            known.append(PageMessage("verdict", self._verdict))
        return known

    # The run.

    def looked(self, look: Look, close: Sequence[str] = ()) -> list[PageMessage]:
        """Somebody has looked at the run.

        Args:
            look: what was seen.
            close: who is watched closely, too, and told of by `saw`.
        """
        lines = self._changes(look)
        self._look = look
        self._travel.know(look.answering, look.links)
        self._travel.miners = {
            item.node: item.name
            for item in look.drawn
            if look.miners.get(item.name) is ProcessState.RUNNING
        }
        for name, view in look.seen.items():
            if not view.answers:
                self._travel.forget(name)
            elif name not in close:
                self._travel.saw(Sighting(name, look.at, view.tip, view.height))
        return [*lines, *self.settle(), *self._framed(look)]

    def gone(self, said: str, at: Instant) -> list[PageMessage]:
        """There is no run any more."""
        if self._frame is not None and self._frame.kind == "gone":
            return []
        self._look, self._travel = None, Travel()
        self._frame = PageMessage("gone", {"said": said})
        return [self._frame, self._line("the run is gone", at)]

    def saw(self, sighting: Sighting) -> None:
        """A node that is watched closely has something new; `settle` tells the pages."""
        self._travel.saw(sighting)

    def settle(self) -> list[PageMessage]:
        """What has travelled since the last time."""
        if self._look is None:
            return []
        journeys, arrivals = self._travel.settle()
        if not journeys:
            return []
        colours = self._assign(self._look)
        told = [{**each.to_json(), "colour": colours.get(each.item)} for each in journeys]
        said = [
            f"block {each.height} ..{each.item[-_SHORT:]} comes up at {each.target}, where "
            f"{each.source} mines"
            for each in journeys
            if each.source in self._travel.miners.values()
        ]
        said += [_everywhere(each) for each in arrivals]
        lines = [self._line(line, journeys[-1].at) for line in said]
        return [PageMessage("travel", told), *lines]

    def _standings(self, look: Look) -> dict[str, LastSeen]:
        last = {name: found for name in look.seen if (found := self._travel.last(name)) is not None}
        return standings(look, last)

    def _assign(self, look: Look) -> dict[str, int]:
        return self._colours.assign(each.tip for each in self._standings(look).values())

    def _framed(self, look: Look) -> list[PageMessage]:
        """The run as it is now, if that is news."""
        colours = self._assign(look)
        frame = PageMessage("frame", frame_json(look, self._standings(look), colours))
        if frame == self._frame:
            return []
        self._frame = frame
        return [frame]

    def _changes(self, look: Look) -> list[PageMessage]:
        """What has become of whom since the last look, in lines."""
        before = self._look
        if before is None:
            return []
        said = [
            f"{item.name} {_STATES[look.state(item.name)]}"
            for item in look.drawn
            if item.name in before.manifest.components
            and look.state(item.name) is not before.state(item.name)
        ]
        if look.manifest.sides != before.manifest.sides:
            cut = f"the network is cut: {shown(look.manifest)}"
            said.append(cut if look.manifest.sides else "the network is whole again")
        return [self._line(line, look.at) for line in said]

    def _line(self, said: str, at: Instant) -> PageMessage:
        self._last_at = max(self._last_at, at)  # A look tells of its begin, long answers later.
        line = {"at": self._last_at, "said": said}
        self._lines.append(line)
        return PageMessage("line", line)

    # What people have done.

    def order_began(self, order: PageOrder) -> list[PageMessage]:
        """Something is being done."""
        finder = None
        if order.deed is Deed.MINE and self._look is not None:
            finder = next(iter((*order.targets, *self._look.answering)), "")
        elif order.deed is Deed.CHECK:  # It has several nodes find blocks.
            finder = ""
        self._travel.expect(order.payer, finder)
        return self._ordered(order.doing, "")

    def order_said(self, said: str) -> list[PageMessage]:
        """How far it is."""
        return self._ordered(str(self._order["running"]), said)

    def order_ended(
        self, said: str, at: Instant, *, failed: bool, is_seen: bool = False
    ) -> list[PageMessage]:
        """It is done, or could not be.

        Args:
            said: what was done, or why not.
            at: when.
            failed: it could not be.
            is_seen: the next look at the run tells it, too.
        """
        self._travel.expected(at)
        told = self._ordered("", said, failed=failed)
        return told if is_seen and not failed else [*told, self._line(said, at)]

    def _ordered(self, running: str, said: str, *, failed: bool = False) -> list[PageMessage]:
        self._order = {"running": running, "said": said, "failed": failed}
        return [PageMessage("order", self._order)]

    # The verdict.

    def check_began(self, names: Sequence[str]) -> list[PageMessage]:
        """These invariants are to be checked."""
        self._check.begin(names)
        return [self._checked()]

    def check_said(self, said: str) -> list[PageMessage]:
        """What is done now."""
        self._check.said = said
        return [self._checked()]

    def check_found(self, finding: Finding) -> list[PageMessage]:
        """One more row."""
        self._check.add(finding)
        return [self._checked()]

    def check_ended(self, why: str = "") -> list[PageMessage]:
        """It is over.

        Args:
            why: it ended before its end; empty if it did not.
        """
        self._check.end(why)
        return [self._checked()]

    def searched(self, rows: dict[str, object]) -> list[PageMessage]:
        """What a search for single points of failure has found so far."""
        self._verdict = rows
        return [PageMessage("verdict", rows)]

    def _checked(self) -> PageMessage:
        return PageMessage("check", self._check.to_json())


def _everywhere(arrival: Arrival) -> str:
    short, took = f"..{arrival.item[-_SHORT:]}", seconds(arrival.took_us)
    if arrival.kind is ItemKind.BLOCK:
        return f"block {arrival.height} {short} is at all {arrival.nodes} nodes after {took}"
    return f"payment {short} is in all {arrival.nodes} pools after {took}"
