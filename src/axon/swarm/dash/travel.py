"""Blocks and payments on their way, worked out from what each node says it has, and when.

Nobody tells from whom a block came. Of those that are linked to a node and had the block before,
the first to have it is taken for its source; where there is none it was found there, by the node's
miner if it has one, or came by a way that was not seen. What is seen within a moment is put into
order together, since answers of several nodes overtake each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from axon.machine import SECOND, Instant

MAX_ITEMS: Final = 256
"""Blocks and payments that are remembered; the oldest is forgotten first."""

EXPECTED_FOR: Final = 2 * SECOND
"""For so long after it is done, what was asked for is taken for that."""

MAX_SHOWN: Final = 12
"""Payments shown on their way to one node at once; a burst of hundreds would be a blur."""


class ItemKind(StrEnum):
    """What travels."""

    BLOCK = "block"
    PAYMENT = "payment"


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a node or a wallet had at one moment.

    Args:
        name: whose.
        at: when.
        tip: its last block, hex.
        height: of it.
        pool: its unconfirmed transactions, hex; None if it was not asked.
    """

    name: str
    at: Instant
    tip: str
    height: int
    pool: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Journey:
    """One block or payment that has come to somebody.

    Args:
        kind: which of the two.
        item: its hash or txid, hex.
        source: from whom; empty if that is not known, or if it was made there.
        target: to whom.
        height: of a block.
        at: when it was seen there.
    """

    kind: ItemKind
    item: str
    source: str
    target: str
    height: int
    at: Instant

    def to_json(self) -> dict[str, object]:
        """For the page."""
        return {
            "kind": str(self.kind),
            "item": self.item,
            "source": self.source,
            "target": self.target,
            "height": self.height,
        }


@dataclass(frozen=True, slots=True)
class Arrival:
    """A block or a payment that is everywhere now.

    Args:
        kind: which of the two.
        item: its hash or txid, hex.
        height: of a block.
        nodes: at how many.
        took_us: from the first to the last.
    """

    kind: ItemKind
    item: str
    height: int
    nodes: int
    took_us: int


@dataclass(slots=True)
class _Item:
    kind: ItemKind
    height: int
    holders: dict[str, Instant] = field(default_factory=dict)
    is_told: bool = False
    """That it is everywhere; or it was somewhere before anybody looked."""


class Travel:
    """What travels in one run.

    somebody has what it had not --> a journey from a linked one that had it before
                 \\--all have it--> an arrival, once
    """

    def __init__(self) -> None:
        self.miners: dict[str, str] = {}
        """The miner that runs at each node, if one does."""
        self._payer = ""
        self._finder: str | None = None
        self._expected_until: Instant | None = 0
        self._links: Mapping[str, frozenset[str]] = {}
        self._nodes: tuple[str, ...] = ()
        self._items: dict[tuple[ItemKind, str], _Item] = {}
        self._last: dict[str, Sighting] = {}
        self._waiting: list[Sighting] = []

    def know(self, nodes: Iterable[str], links: Iterable[tuple[str, str]]) -> None:
        """Who runs, and who is linked to whom.

        Args:
            nodes: those that answer.
            links: by the names of both ends.
        """
        both: dict[str, set[str]] = {}
        for one, other in links:
            both.setdefault(one, set()).add(other)
            both.setdefault(other, set()).add(one)
        self._links = {name: frozenset(others) for name, others in both.items()}
        self._nodes = tuple(nodes)

    def expect(self, payer: str = "", finder: str | None = None) -> None:
        """Somebody is being asked to make something, until `expected`.

        Args:
            payer: the wallet that is to pay; empty for none.
            finder: the node that is to find a block, empty for one that is not known; its miner has
                not found it then. None if nobody is.
        """
        self._payer, self._finder, self._expected_until = payer, finder, None

    def expected(self, at: Instant) -> None:
        """What was asked for is done; whoever is looked at late may show it a little later."""
        if self._expected_until is None:
            self._expected_until = at + EXPECTED_FOR

    def last(self, name: str) -> Sighting | None:
        """What somebody had when it was last seen; None if it was not, or answers no more."""
        return self._last.get(name)

    def forget(self, name: str) -> None:
        """Somebody answers no more; what it has when it comes back has not travelled."""
        self._last.pop(name, None)

    def saw(self, sighting: Sighting) -> None:
        """Take down what somebody has; `settle` says what follows."""
        self._waiting.append(sighting)

    def settle(self) -> tuple[list[Journey], list[Arrival]]:
        """What has travelled since the last time, in order, and what is everywhere by now."""
        waiting = sorted(self._waiting, key=self._order)
        self._waiting = []
        journeys = [journey for sighting in waiting for journey in self._journeys(sighting)]
        return journeys, self._arrivals()

    def _order(self, sighting: Sighting) -> tuple[bool, Instant]:
        """Who has a miner found the block that nobody had before."""
        is_known = (ItemKind.BLOCK, sighting.tip) in self._items
        return is_known or sighting.name not in self.miners, sighting.at

    def _is_due(self, at: Instant) -> bool:
        """Whether something that is seen now may be what was asked for."""
        return self._expected_until is None or at <= self._expected_until

    def _journeys(self, sighting: Sighting) -> list[Journey]:
        before = self._last.get(sighting.name)
        if before is not None and before.at > sighting.at:
            return []
        pool = before.pool if before is not None and sighting.pool is None else sighting.pool
        self._last[sighting.name] = Sighting(
            sighting.name, sighting.at, sighting.tip, sighting.height, pool
        )
        had = (before.pool if before is not None else None) or frozenset()
        fresh = sorted((pool or frozenset()) - had)
        came = [(ItemKind.BLOCK, sighting.tip)] if sighting.tip else []
        came += [(ItemKind.PAYMENT, txid) for txid in fresh[:MAX_SHOWN]]
        # What somebody had when it was first looked at did not travel under our eyes.
        is_news = before is not None
        found = [
            journey
            for kind, item in came
            for journey in self._come(kind, item, sighting, is_news=is_news)
        ]
        return found if is_news else []

    def _come(
        self, kind: ItemKind, item: str, sighting: Sighting, *, is_news: bool
    ) -> Iterator[Journey]:
        """Somebody has something; nothing comes of it if it had it before."""
        known = self._items.get((kind, item))
        height = sighting.height if kind is ItemKind.BLOCK else 0
        if known is None:
            known = self._items[kind, item] = _Item(kind, height, is_told=not is_news)
            while len(self._items) > MAX_ITEMS:
                del self._items[next(iter(self._items))]
            finder = self._asked_finder(kind, sighting)
            if finder:  # It has it already, and will say so.
                known.holders[finder] = sighting.at
                yield Journey(kind, item, "", finder, height, sighting.at)
        if sighting.name not in known.holders:
            source = self._source(known, sighting)
            known.holders[sighting.name] = sighting.at
            yield Journey(kind, item, source, sighting.name, height, sighting.at)

    def _asked_finder(self, kind: ItemKind, sighting: Sighting) -> str:
        """Who was asked for the block that comes up elsewhere; empty if it may be another one."""
        is_due = self._is_due(sighting.at) and sighting.name not in self.miners
        return (self._finder or "") if kind is ItemKind.BLOCK and is_due else ""

    def _source(self, item: _Item, sighting: Sighting) -> str:
        linked = self._links.get(sighting.name, frozenset())
        holder = next((each for each in item.holders if each in linked), "")
        if holder or item.holders:
            return holder
        is_due = self._is_due(sighting.at)
        if item.kind is ItemKind.BLOCK:
            is_asked = is_due and self._finder is not None
            return "" if is_asked else self.miners.get(sighting.name, "")
        return self._payer if is_due and self._payer in linked else ""

    def _arrivals(self) -> list[Arrival]:
        found = []
        for (_, name), item in self._items.items():
            if item.is_told or not self._nodes:
                continue
            times = [item.holders[node] for node in self._nodes if node in item.holders]
            if len(times) < len(self._nodes):
                continue
            item.is_told = True
            if len(times) > 1:
                took_us = max(times) - min(times)
                found.append(Arrival(item.kind, name, item.height, len(times), took_us))
        return found


def seconds(took_us: int) -> str:
    """A time as people read it: `0.04 s`."""
    return f"{took_us / SECOND:.2f} s"
