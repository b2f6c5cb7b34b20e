"""What is written down of a story while it is played: plain values, from which its report is made.

A `Scene` is the network at one moment, in full: who lives, who is linked with whom, who stands on
which block. A `Sample` is only where the nodes stand, taken several times a second.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from axon.swarm.story.checks import Check


class ActorKind(StrEnum):
    """What an actor is."""

    NODE = "node"
    WALLET = "wallet"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where somebody stands.

    Args:
        height: of the last block.
        tip: its name, hex.
    """

    height: int
    tip: str


@dataclass(frozen=True, slots=True)
class Actor:
    """A node or a wallet at one moment.

    Args:
        name: as the story calls it.
        kind: which of the two.
        standing: where it stands; None if it is dead.
        holds: how much a wallet says it is, in coins; empty for a node.
    """

    name: str
    kind: ActorKind
    standing: Standing | None
    holds: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """The network at one moment.

    Args:
        step: the number of the step.
        caption: what has just happened.
        at_s: seconds since the story's beginning.
        actors: in the order in which they appeared.
        links: connections with a finished handshake, by the names of both ends.
        handed: payments that go from wallet to wallet, with no node between: payer and payee.
    """

    step: int
    caption: str
    at_s: float
    actors: tuple[Actor, ...]
    links: tuple[tuple[str, str], ...]
    handed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """Where the nodes stand.

    Args:
        at_s: seconds since the story's beginning.
        standings: by name, those that are dead with None; who was not born yet is missing.
    """

    at_s: float
    standings: tuple[tuple[str, Standing | None], ...]


@dataclass(frozen=True, slots=True)
class ToldLine:
    """A line of the story, or a check, as it was told.

    Args:
        step: the number of the step.
        what: the line or the check.
    """

    step: int
    what: str | Check


@dataclass(frozen=True, slots=True)
class StoryRecord:
    """All that was written down.

    Args:
        scenes: in order.
        samples: in order.
        told: in order.
    """

    scenes: tuple[Scene, ...] = ()
    samples: tuple[Sample, ...] = ()
    told: tuple[ToldLine, ...] = ()
