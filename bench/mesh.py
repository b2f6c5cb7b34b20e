"""Many nodes that know one address: one mesh, without that address, and what it stands.

    python -m bench.mesh [--nodes N] [--seeds A..B] [--page FILE]

All nodes of a simulated network are told of one node. When they have met, that node is killed; then
three in ten of the rest, drawn at random, at once. Each time it is looked at in how many parts that
leaves the others, and how many more would have to go until they are in parts (the vertex
connectivity). Nodes are of Tor and of hosters in the shares of the live network in March 2026, and
`--page` draws what is left as hosters go, beside published thresholds. Exit code 1 if the mesh is
not what is demanded.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from axon.cli.arguments import positive, seed_range
from axon.drivers.sim.network import below
from axon.machine import MINUTE, Instant
from axon.primitives.netaddress import AddressNetwork, NetAddress
from axon.primitives.network import REGTEST
from axon.swarm.audit.linkgraph import components, weakest_cut
from axon.swarm.invariants import counted
from axon.swarm.markup import element, page, text
from axon.swarm.sim.meshing import SEED_NODE, from_one_address, links
from axon.swarm.sim.simulation import SimNetwork
from axon.swarm.spof.plot import PLOT_STYLE
from axon.swarm.spof.removal import RemovalCurve, degree_curve, hoster_curve, random_curve
from axon.swarm.spof.reportlinks import removal_chart
from axon.swarm.spof.reportstyle import REPORT_STYLE
from bench.table import Row

NODES: Final = 200

CONNECTIVITY: Final = 8
"""So many nodes must go, at least, until those that are left are in parts."""

LIMIT: Final = 30 * MINUTE
"""In which the mesh is there: from the start, and from the loss of three in ten."""

MEETING: Final = 5 * MINUTE
"""Until the node that all know is killed."""

LOST_PERCENT: Final = 30

TOR_SHARE: Final = 0.64
HOSTER_SHARES: Final = (0.038, 0.015, 0.015, 0.015, 0.014)
"""Of reachable nodes in March 2026: those on Tor, and those of the largest hosters."""


@dataclass(frozen=True, slots=True)
class Mesh:
    """How a network hangs together at one moment.

    Args:
        parts: in which it is.
        connectivity: so many nodes must go until it is in parts; 0 if it is.
        least: neighbours of the node that has the fewest.
    """

    parts: int
    connectivity: int
    least: int

    @property
    def is_enough(self) -> bool:
        """Whether it is one mesh that stands the loss of any few nodes."""
        return self.parts == 1 and self.connectivity >= CONNECTIVITY

    def __str__(self) -> str:
        parts = counted(self.parts, "part")
        return f"{parts}, connectivity {self.connectivity}, degree >= {self.least}"


def look(network: SimNetwork) -> Mesh:
    """How the running nodes hang together."""
    graph = links(network)
    cut = weakest_cut(graph)
    alone = len(graph.neighbours) - 1
    return Mesh(
        len(components(graph)),
        alone if cut is None else len(cut),
        min(map(len, graph.neighbours.values())),
    )


@dataclass(frozen=True, slots=True)
class Meshing:
    """What became of one network.

    Args:
        seed: of all chance.
        met: the mesh when the node that all know was killed, before that.
        there_at: minutes from the start until it was a mesh without that node; None: never.
        before: the mesh before the second loss.
        lost: the mesh in the moment after it.
        healed_at: minutes from then until it was enough again; None: never.
        after: the mesh at the end.
        curves: of what is left as more and more go, from the mesh before the second loss.
    """

    seed: int
    met: Mesh
    there_at: int | None
    before: Mesh
    lost: Mesh
    healed_at: int | None
    after: Mesh
    curves: tuple[RemovalCurve, ...]

    @property
    def holds(self) -> bool:
        """Whether it was a mesh in time, each time, and one mesh all the while."""
        return (
            self.there_at is not None
            and self.before.is_enough
            and self.lost.parts == 1
            and self.healed_at is not None
            and self.after.is_enough
        )

    def lines(self) -> Iterator[str]:
        """For a terminal."""
        yield f"seed {self.seed}: {'holds' if self.holds else 'DOES NOT HOLD'}"
        yield f"  before the node that all know is killed: {self.met}"
        end = f"at {LIMIT // MINUTE} min"
        yield f"  a mesh without it after {self.there_at} min; {end}: {self.before}"
        yield f"  in the moment after {LOST_PERCENT} % were killed: {self.lost}"
        yield f"  enough again after {self.healed_at} min; {end}: {self.after}"
        for each in self.curves:
            yield f"  comes apart, {each.order}: at {each.threshold:.2f} of all nodes"


def run_mesh(seed: int, nodes: int = NODES, *, draws: bool = True) -> Meshing:
    """One network.

    Args:
        seed: of all chance.
        nodes: how many.
        draws: curves are made, too.
    """
    hosters = _hosters(nodes)
    network = from_one_address(seed, nodes, hosts=_onions(hosters[0]))
    start = network.now
    network.run(MEETING)
    met = look(network)
    network.crash(SEED_NODE)
    there_at = _wait(network, start)
    before, graph = look(network), links(network)
    left = [[str(each) for each in group if each != SEED_NODE] for group in hosters]
    rng = network.simulation.random("losses")
    alive = network.running()
    for _ in range(len(alive) * LOST_PERCENT // 100):
        network.crash(alive.pop(below(len(alive), rng)))
    lost = look(network)
    healed_at = _wait(network, network.now)
    curves: tuple[RemovalCurve, ...] = ()
    if draws:
        curves = (random_curve(graph), degree_curve(graph), hoster_curve(graph, left))
    return Meshing(seed, met, there_at, before, lost, healed_at, look(network), curves)


def _wait(network: SimNetwork, since: Instant) -> int | None:
    """Minutes from a moment until the mesh is enough; time then passes to the end."""
    found = None
    while found is None and network.now < since + LIMIT:
        network.run(MINUTE)
        if look(network).is_enough:
            found = (network.now - since) // MINUTE
    network.run(since + LIMIT - network.now)
    return found


def _hosters(nodes: int) -> list[list[int]]:
    """Who is on Tor, who at which hoster, and each of the others for itself."""
    left = [*range(1, nodes), SEED_NODE]
    groups = []
    for part in (TOR_SHARE, *HOSTER_SHARES):
        size = round(part * nodes)
        groups.append(left[:size])
        left = left[size:]
    return [*groups, *[[each] for each in left]]


def _onions(numbers: Sequence[int]) -> dict[int, str]:
    return {
        number: NetAddress(
            AddressNetwork.TORV3, sha256(b"onion %d" % number).digest(), REGTEST.port
        ).to_text()
        for number in numbers
    }


def draw(found: Meshing) -> str:
    """A page with the curves of one network."""
    title = f"{len(found.curves[0].largest) - 1} nodes that knew one address, and lost it"
    about = (
        f"{round(100 * TOR_SHARE)} % of them are on Tor, {_percent(HOSTER_SHARES)} % at the "
        "largest hosters, as of the reachable nodes in March 2026; the others each for itself. "
        "Those of Tor go first, then hoster by hoster."
    )
    body = [
        element("h1", text(title)),
        element("p", text(about)),
        *removal_chart(found.curves),
        *[element("p", text(line)) for line in found.lines()],
    ]
    return page(text(title), PLOT_STYLE + REPORT_STYLE, body)


def _percent(shares: Sequence[float]) -> str:
    return ", ".join(f"{100 * each:.1f}" for each in shares)


def measure(seeds: range = range(1), nodes: int = NODES) -> Row:
    """The row."""
    found = [run_mesh(seed, nodes, draws=False) for seed in seeds]
    return Row(
        f"mesh: {nodes} nodes that know one address, which is then lost, and 30 % after it",
        f"{sum(each.holds for each in found)} of {len(found)} seeds",
        f"connectivity >= {CONNECTIVITY} in {LIMIT // MINUTE} virtual min",
        all(each.holds for each in found),
        [line.strip() for each in found for line in each.lines()],
    )


def main(arguments: list[str]) -> int:
    """Run, print, and say by the exit code whether all holds."""
    parser = argparse.ArgumentParser(prog="python -m bench.mesh")
    parser.add_argument("--nodes", type=positive, default=NODES, metavar="N")
    parser.add_argument("--seeds", type=seed_range, default=range(1), metavar="A..B")
    parser.add_argument("--page", type=Path, metavar="FILE", help="draws the last seed's curves")
    options = parser.parse_args(arguments)
    holds = True
    for seed in options.seeds:
        found = run_mesh(seed, options.nodes, draws=True)
        holds = holds and found.holds
        print("\n".join(found.lines()), flush=True)
        if options.page is not None:
            options.page.write_text(draw(found))
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
