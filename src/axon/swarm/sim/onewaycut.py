"""L11, one-way partition: where one side does not hear the other, the larger one goes on.

Packets from one side to the other are lost, while those of the other direction come through: dials,
acknowledgements and answers are lost with them. On the side of the majority blocks must be found,
all must stand on them, and its wallets be paid; and when the cut ends all come onto one chain.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from axon.machine import MINUTE, SECOND
from axon.primitives.hashes import Txid
from axon.swarm.blueprint import Blueprint
from axon.swarm.faultplan import Op, Way, step
from axon.swarm.invariants import Finding
from axon.swarm.sim.attackreport import AttackReport
from axon.swarm.sim.trialstage import Stage
from axon.swarm.spof.plants import organic

NODES: Final = 7

SERVICE: Final = 20 * MINUTE
"""Until the larger side has served its wallets: TCP gives a dead connection up after fifteen."""

HEALING: Final = 20 * MINUTE
"""From the end of the cut until all are on one block."""

BLOCKS: Final = 2
"""So many must be found meanwhile, and stood on by all of that side."""

_PAYMENT_SAT: Final = 1_000_000


def two_sides(nodes: int = NODES) -> Blueprint:
    """Nodes that find each other; miners and wallets turn to the larger half."""
    found = organic(nodes, wallets=2)
    larger = majority(found)
    return replace(
        found,
        wallets=tuple(replace(each, dials=larger, knows=()) for each in found.wallets),
        miners=tuple(replace(each, nodes=larger) for each in found.miners),
        newcomer_node=None,
        newcomer_wallet=None,
    )


def majority(blueprint: Blueprint) -> tuple[str, ...]:
    """The first nodes, just more than half of all."""
    names = tuple(node.name for node in blueprint.nodes)
    return names[: len(names) // 2 + 1]


def run_one_way(seed: int, blueprint: Blueprint | None = None) -> AttackReport:
    """Cut a network in one direction, and in the other.

    Args:
        seed: of all chance.
        blueprint: of the network; None for seven nodes.
    """
    plan = blueprint or two_sides()
    report = AttackReport("one-way", seed)
    took_us: dict[Way, int] = {}
    failed: dict[Way, str] = {}
    for way in (Way.OUT, Way.IN):
        stage = Stage(plan, seed)
        if not stage.is_ready:
            said = "the network does not come to work before it is cut"
            report.findings = [Finding("L11", None, said, tried=0)]
            return report
        took_us[way], failed[way] = _cut_one_way(stage, way)
        trace = stage.simulation.trace
        report.digest, report.events = trace.digest(), report.events + trace.events
        report.sometimes = stage.net.lookout.found.to_json()
    report.findings = [_judged(_target(plan), took_us, failed)]
    return report


def _target(plan: Blueprint) -> str:
    larger = majority(plan)
    smaller = [node.name for node in plan.nodes if node.name not in larger]
    return f"{','.join(larger)}|{','.join(smaller)}"


def _cut_one_way(stage: Stage, way: Way) -> tuple[int, str]:
    """One trial; how long the larger side took, and what it lacks in the end, if anything."""
    net, larger = stage.net, majority(stage.blueprint)
    smaller = tuple(n.name for n in stage.blueprint.nodes if n.name not in larger)
    net.apply(step(0, Op.CUT, _target(stage.blueprint), way=way.value, drops=True))
    begin, height = net.now, max(net.node(name).active.height for name in larger)
    wallets = [each.name for each in stage.blueprint.wallets]
    sent = stage.pay([net.signer(name).script for name in wallets], _PAYMENT_SAT, smaller)

    def lack() -> str:
        return _lack(stage, larger, height, None if sent is None else sent.txid)

    stage.simulation.run_until(lambda: not lack(), begin + SERVICE)
    took_us, said = net.now - begin, lack()
    net.apply(step(0, Op.HEAL))
    last = max(node.active.height for node in map(net.node, (*larger, *smaller)))

    def is_whole() -> bool:
        nodes = [net.node(name) for name in (*larger, *smaller)]
        return len({each.active.tip.hash for each in nodes}) == 1 and nodes[0].active.height > last

    healed = stage.simulation.run_until(is_whole, net.now + HEALING)
    if not healed:
        said = said or "nodes do not come onto one block afterwards"
    return took_us, said


def _lack(stage: Stage, larger: tuple[str, ...], height: int, sent: Txid | None) -> str:
    """What the larger side does not have yet."""
    nodes = [stage.net.node(name) for name in larger]
    if min(node.active.height for node in nodes) < height + BLOCKS:
        return "no blocks come to all of the larger side"
    for name in (each.name for each in stage.blueprint.wallets):
        if sent not in stage.net.devices[name].wallet.ledger.confirmed:
            return f"{name} does not see that it was paid"
    if len({node.active.tip.hash for node in nodes}) > 1:
        return "the larger side is not on one block"
    return ""


def _judged(target: str, took_us: dict[Way, int], failed: dict[Way, str]) -> Finding:
    worst_s, limit_s = max(took_us.values()) / SECOND, SERVICE / SECOND
    lacking = {way: said for way, said in failed.items() if said}
    if lacking:
        said = "; ".join(f"with what it {_DEAF[way]} lost, {why}" for way, why in lacking.items())
        return Finding("L11", False, said, worst_s, limit_s, culprits=(target,), tried=2)
    said = f"the larger side found blocks and served within {worst_s:.0f} s, whichever direction"
    return Finding("L11", True, said, worst_s, limit_s, tried=2)


_DEAF: Final = {Way.OUT: "sends", Way.IN: "is sent"}
