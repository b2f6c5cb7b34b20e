"""The *Sometimes* table: interesting states that a set of runs should have reached at least once.

That nothing failed says little of runs in which nothing happened. So each run counts which of these
states it came to, and a set of runs says of each in how many. One that was reached in none is not
decided: whatever holds there, these runs have not shown it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from textwrap import wrap
from types import MappingProxyType
from typing import Final

from axon.swarm.invariants import counted

WIDTH: Final = 80
"""Characters of a line."""

REORG: Final = "reorg"
TIE: Final = "tie"
STALL: Final = "stall"
ORPHAN: Final = "orphan"
EVICTION: Final = "eviction"
ANCHOR: Final = "anchor"
FEELER: Final = "feeler"
DNS_SEED: Final = "dns-seed"
FIXED_SEED: Final = "fixed-seed"
COMPACT_BLOCK: Final = "compact-block"
DISK: Final = "disk"
SILENCE: Final = "silence"
WALLET_SWITCH: Final = "wallet-switch"
WALLET_REORG: Final = "wallet-reorg"

SIGHTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        REORG: "two blocks or more left a node's chain at once",
        TIE: "two blocks of one height were found",
        STALL: "a peer that held blocks back was given up",
        ORPHAN: "a transaction came in once the parent did that it lacked",
        EVICTION: "a peer had to leave for one that dialled",
        ANCHOR: "a node came back to a peer of its last run",
        FEELER: "a feeler found that an address answers",
        DNS_SEED: "addresses came from a DNS seed",
        FIXED_SEED: "addresses came from the fixed seeds",
        COMPACT_BLOCK: "a compact block was made whole with what was asked for",
        DISK: "a program whose disk failed ended, and came back",
        SILENCE: "a link that only one side knew of was found out",
        WALLET_SWITCH: "a wallet lost a peer amid a payment, and found another",
        WALLET_REORG: "a block that a wallet had seen left the chain",
    }
)
"""What each state is, by its name."""


class Sightings(Counter[str]):
    """How often a run came to each state; of a set of runs: how many of them did."""

    def add(self, sight: str) -> None:
        """A state was reached."""
        assert sight in SIGHTS, f"{sight} is a state that is looked for"
        self[sight] += 1

    @property
    def missing(self) -> list[str]:
        """The states that were never reached."""
        return [sight for sight in SIGHTS if not self[sight]]

    def to_json(self) -> dict[str, int]:
        """For programs: all of them, those that were never reached with 0."""
        return {sight: self[sight] for sight in SIGHTS}


def over(runs: Iterable[Mapping[str, int]]) -> Sightings:
    """In how many of some runs each state was reached."""
    return Sightings(sight for run in runs for sight, times in run.items() if times)


def sightings_lines(found: Sightings, runs: int) -> Iterator[str]:
    """The table for a terminal, and what it leaves undecided.

    Args:
        found: in how many runs each state was reached.
        runs: how many there were.
    """
    reached = {sight: meaning for sight, meaning in SIGHTS.items() if found[sight]}
    if reached:
        yield f"sometimes, in {counted(runs, 'run')}:"
    width = max(map(len, SIGHTS))
    for sight, meaning in reached.items():
        yield f"  {sight:<{width}} {found[sight]:>5}  {meaning}"
    if found.missing:
        said = f"undecided, for no run came there: {', '.join(found.missing)}"
        yield from wrap(said, WIDTH, subsequent_indent="  ", break_on_hyphens=False)
