"""L6, healing: after half of all nodes have crashed at once all are linked as well as before.

They are down for some minutes, in which the others look for peers elsewhere, and come back with
their blocks and the addresses that they were told at first. Then the nodes must hang together as
well as they did: so many would have to go to part the rest, up to eight. All must stand on one
block that was found since.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from axon.drivers.sim.driver import START
from axon.machine import MINUTE, SECOND
from axon.swarm.audit.linkgraph import LinkGraph, weakest_cut
from axon.swarm.blueprint import Blueprint
from axon.swarm.faultplan import FaultStep, Op, step
from axon.swarm.invariants import Finding, counted
from axon.swarm.sim.attackreport import AttackReport
from axon.swarm.sim.trialnetwork import TrialNetwork
from axon.swarm.sim.workload import history
from axon.swarm.spof.plants import organic

NODES: Final = 10
KAPPA: Final = 8
"""As many peers as a node dials for all purposes: more disjoint ways are not asked for."""

BOOT: Final = 5 * MINUTE
DOWN: Final = 5 * MINUTE
HEALING: Final = 20 * MINUTE
"""From the restart until all must be linked: dead links are found out after twenty minutes."""

_LOOK: Final = 10 * SECOND


def run_mass_crash(
    seed: int, blueprint: Blueprint | None = None, also: Sequence[FaultStep] = ()
) -> AttackReport:
    """Kill every second node of a network, and start it again.

    Args:
        seed: of all chance.
        blueprint: of the network; None for ten nodes that find each other.
        also: what is done besides at the moment of the crash, and not taken back.
    """
    plan = blueprint or organic(NODES, wallets=0)
    net = TrialNetwork(plan, seed, history(START))
    net.simulation.run(net.now + BOOT)
    names = [node.name for node in plan.nodes]
    crashed, before = names[::2], connectivity(net, names)
    for each in (*(step(0, Op.KILL, name) for name in crashed), *also):
        net.apply(each)
    net.simulation.run(net.now + DOWN)
    for name in crashed:
        net.apply(step(0, Op.RESTART, name))
    begin, height = net.now, max(net.node(name).active.height for name in names)

    def is_healed() -> bool:
        return (
            all(map(net.answers, names))
            and len({net.node(name).active.tip.hash for name in names}) == 1
            and net.node(names[0]).active.height > height
            and connectivity(net, names) >= min(KAPPA, before)
        )

    while not is_healed() and net.now < begin + HEALING:
        net.simulation.run(net.now + _LOOK)
    report = AttackReport("crash", seed)
    report.findings = [_judged(net, names, before, is_healed(), net.now - begin)]
    report.sometimes = net.lookout.found.to_json()
    trace = net.simulation.trace
    report.digest, report.events = trace.digest(), trace.events
    return report


def linked(net: TrialNetwork, name: str, names: Sequence[str]) -> list[str]:
    """The nodes to which one has a connection with a finished handshake."""
    if not net.answers(name):
        return []
    numbers = {net.number(each): each for each in names}
    found: dict[str, None] = {}
    for session in net.node(name).sessions.values():
        number = net.simulation.number_of(session.remote.host)
        if session.negotiated is not None and session.kind.is_lasting and number in numbers:
            found[numbers[number]] = None
    return list(found)


def connectivity(net: TrialNetwork, names: Sequence[str]) -> int:
    """How many nodes have to go until the others are in parts; all but one if none of them can."""
    links = [(name, other) for name in names for other in linked(net, name, names)]
    cut = weakest_cut(LinkGraph(links, names))
    return len(names) - 1 if cut is None else len(cut)


def _judged(
    net: TrialNetwork, names: Sequence[str], before: int, healed: bool, took_us: int
) -> Finding:
    took_s, limit_s, half = took_us / SECOND, HEALING / SECOND, (len(names) + 1) // 2
    now = connectivity(net, names)
    told = f"it would take {counted(now, 'node')} to part the others, and took {before} before"
    if healed:
        said = f"{counted(half, 'node')} that crashed at once are linked again: {told}"
        return Finding("L6", True, said, took_s, limit_s, tried=half)
    links = {name: len(linked(net, name, names)) for name in names}
    fewest = min(links.values())
    lonely = tuple(name for name, count in links.items() if count == fewest)
    said = f"after {took_s / 60:.0f} minutes all are not linked again and on one block: {told}"
    return Finding("L6", False, said, culprits=lonely, tried=half)
