"""Who may dial whom, and which nodes a client knows: the plan of a network, before it is raised.

| topology | nodes | a wallet knows |
|---|---|---|
| `organic` | find each other, as nodes of the real network do | every node, and whom it hears of |
| `ring` | each dials the next, the last one the first | every node, and whom it hears of |
| `star` | all dial the first | every node, and whom it hears of |
| `one-server` | as `organic` | the first node only, as behind one web server |
| `fixed-address` | as `organic` | one node each, by an address that never changes |
| `wallets` | as `organic` | every node, and whom it hears of; others pay it directly |

Another one can be given (`GivenTopology`, `topologyfile`): who dials whom; wallets know every node.

Where a run has no wallets, the same is asked by the one who checks, in their place.

`star`, `one-server` and `fixed-address` have single points of failure on purpose: whoever judges
the network must find them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from types import MappingProxyType
from typing import Final

from axon.errors import ConfigError

DIRECT_WALLETS: Final = 4
"""Where wallets pay each other directly there are so many, unless it is said how many."""

KNOWN_AT_START: Final = 14
"""Addresses of others that a node is told: some more than it keeps connections, for a few may be
dead; the rest it hears from peers."""


class RunTopology(StrEnum):
    """The plans there are."""

    ORGANIC = "organic"
    RING = "ring"
    STAR = "star"
    ONE_SERVER = "one-server"
    FIXED_ADDRESS = "fixed-address"
    WALLETS = "wallets"


_FORMER_NAMES: Final[Mapping[str, RunTopology]] = MappingProxyType(
    {"web": RunTopology.ONE_SERVER, "fixed-spv": RunTopology.FIXED_ADDRESS}
)
"""Still understood, on the command line and in manifests."""


@dataclass(frozen=True, slots=True)
class GivenTopology:
    """A plan that somebody has drawn.

    Args:
        name: of its file.
        dials: by node, in order, the only nodes that it dials.
        left_out: what the file says besides, and is not used.
    """

    name: str
    dials: Mapping[str, tuple[str, ...]]
    left_out: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name


AnyTopology = RunTopology | GivenTopology


def have_wallets_listen(topology: AnyTopology) -> bool:
    """Whether wallets listen for each other, and are paid without a node in between."""
    return topology is RunTopology.WALLETS


def is_named(name: str) -> bool:
    """Whether it is the name of a topology that needs no file."""
    return name in tuple(RunTopology)


def node_names(topology: AnyTopology, count: int) -> list[str]:
    """What the nodes of a run are called: n1, n2, ... unless the topology says it."""
    if isinstance(topology, GivenTopology):
        return list(topology.dials)
    return [f"n{number}" for number in range(1, count + 1)]


def read_topology(name: str) -> RunTopology:
    """A topology by its name, or by a name that it once had.

    Raises:
        ConfigError: there is none of this name.
    """
    try:
        return RunTopology(current_name(name))
    except ValueError:
        raise ConfigError(
            f"there is no topology {name!r}; there are {', '.join(RunTopology)}"
        ) from None


def current_name(name: str) -> str:
    """What a topology is called now: the name itself, unless it has got another one since."""
    return _FORMER_NAMES.get(name, name)


def dials(topology: AnyTopology, names: Sequence[str]) -> dict[str, tuple[str, ...] | None]:
    """The only nodes that each node dials; None where it finds its peers by itself."""
    match topology:
        case GivenTopology(dials=given):
            return dict(given)
        case RunTopology.RING:
            following = [*names[1:], *names[:1]]
            return {
                name: () if name == other else (other,)
                for name, other in zip(names, following, strict=True)
            }
        case RunTopology.STAR:
            return {name: () if name == names[0] else (names[0],) for name in names}
        case _:
            return dict.fromkeys(names)


def known_nodes(names: Sequence[str], rng: Random) -> dict[str, tuple[str, ...]]:
    """The nodes whose addresses each is told at its start: the next one, and others by lot.

    Everybody knows the next, so that all belong to one network however the lots fall.
    """
    found = {}
    for place, name in enumerate(names):
        others = [*names[place + 1 :], *names[:place]]
        drawn = sorted(others[1:], key=lambda _: rng.random())[: KNOWN_AT_START - 1]
        found[name] = (*others[:1], *drawn)
    return found


def seed_nodes(names: Sequence[str], count: int) -> dict[str, tuple[str, ...]]:
    """The same where all know only the first few, and hear of the others by gossip."""
    return {name: tuple(other for other in names[:count] if other != name) for name in names}


def fixed_entry(topology: AnyTopology, names: Sequence[str], number: int) -> str | None:
    """The only node that a wallet knows; None where it is told of all and hears of more.

    Args:
        names: of all nodes.
        number: of the wallet, from 1.
    """
    match topology:
        case RunTopology.ONE_SERVER:
            return names[0]
        case RunTopology.FIXED_ADDRESS:
            return names[(number - 1) % len(names)]
        case _:
            return None


def clients(topology: str, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """What the clients of a network without wallets know: by client, the nodes it can ask.

    Args:
        topology: its name.
        names: of all nodes.
    """
    match topology:
        case RunTopology.ONE_SERVER:
            return {"a web client": tuple(names[:1])}
        case RunTopology.FIXED_ADDRESS:
            return {f"the client of {name}": (name,) for name in names}
        case _:
            return {"a client": tuple(names)}


def splitters(plan: Mapping[str, tuple[str, ...] | None]) -> list[str]:
    """Nodes without which the others could not reach each other, whatever they dial.

    Args:
        plan: as `dials` gives it.
    """
    if any(targets is None for targets in plan.values()):
        return []  # Who finds peers by himself finds others.
    return [name for name in plan if len(pieces([each for each in plan if each != name], plan)) > 1]


def with_one_entry(known: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Nodes that are the only one some client knows: by node, those clients."""
    found: dict[str, list[str]] = {}
    for client, entries in known.items():
        if len(entries) == 1:
            found.setdefault(entries[0], []).append(client)
    return found


def pieces(
    names: Iterable[str], plan: Mapping[str, tuple[str, ...] | None]
) -> list[frozenset[str]]:
    """The parts into which nodes fall that are linked where one dials the other."""
    left = dict.fromkeys(names)
    near: dict[str, list[str]] = {name: [] for name in left}
    for name in left:
        for other in plan[name] or ():
            if other in left:
                near[name].append(other)
                near[other].append(name)
    pieces = []
    while left:
        reached = [next(iter(left))]
        del left[reached[0]]
        for name in reached:
            for other in near[name]:
                if other in left:
                    del left[other]
                    reached.append(other)
        pieces.append(frozenset(reached))
    return pieces
