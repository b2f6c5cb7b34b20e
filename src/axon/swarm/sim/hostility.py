"""L1 among attackers: honest nodes come to one tip, whatever a part of the network does to them.

Up to half of the nodes are liars, and strangers abuse all in turn. Which liars there are each seed
draws: they hand over no blocks, no payments or nothing at all, blocks with another body, or nothing
of what is newest. They are near to everybody, so that what they announce is heard first, and they
are asked first. Users pay at honest nodes, and these find blocks. All the while what must hold of
honest nodes is looked at: they keep one ledger (S2, S3), go to more work only (S4), and blame none
of each other (S9). In the end all are to be on one tip, which libbitcoinkernel finds right (S1).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Final, NoReturn

from axon.drivers.linkmodel import LinkModel
from axon.drivers.sim.driver import START
from axon.drivers.sim.network import Shaping, below, stream
from axon.machine import MILLISECOND, MINUTE, SECOND, Endpoint, Instant, Machine
from axon.node.facts import Fact
from axon.node.full import FullNode
from axon.p2p.blocksinflight import TIMEOUT_BASE
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.network import REGTEST
from axon.swarm.faultplan import Withheld
from axon.swarm.invariants import Finding, Violation
from axon.swarm.sim.abuser import AbuserProgram
from axon.swarm.sim.attackreport import AttackReport
from axon.swarm.sim.byzantine import ByzantineNode, Lie
from axon.swarm.sim.crowd import Crowd
from axon.swarm.sim.lookout import Lookout
from axon.swarm.sim.simulation import PORT, SimNetwork, SimNode, host
from axon.swarm.sim.watch import Watch, check_by_kernel, check_most_work
from axon.swarm.sim.workload import HISTORY_BLOCKS, PAYERS, Workload, history
from axon.swarm.withholder import Withholder

NODES: Final = 20
ABUSERS: Final = 3

NEAR: Final = 2 * MILLISECOND
"""From a liar to anybody, and back."""

FAR: Final = (40 * MILLISECOND, 100 * MILLISECOND, 200 * MILLISECOND)
"""Between honest nodes."""

BOOT: Final = 30 * SECOND
TROUBLE: Final = 4 * MINUTE
"""How long users pay and nodes find blocks."""

PAYMENT_INTERVAL: Final = 20 * SECOND
BLOCK_INTERVAL: Final = 30 * SECOND

CALM: Final = 30 * SECOND
"""From then to the one block that decides between branches of equal work."""

EACH: Final = TIMEOUT_BASE
"""So long a node may wait for a block that it has asked a liar for; then it may ask the next one.
In that time, for each of them and once more, all honest nodes must be on the last block."""

_WITHHOLDS: Final = "withholder"
_LIES: Final = (
    _WITHHOLDS,
    Lie.SILENT.value,
    Lie.FORGER.value,
    Lie.STALE.value,
    Lie.MISER.value,
)


@dataclass(frozen=True, slots=True)
class HostilityPlan:
    """What one seed means.

    Args:
        liars: what each of the nodes that lie does, by number.
        abusers: strangers that abuse all in turn.
    """

    liars: dict[int, str]
    abusers: int


def draw_hostility(rng: Random, nodes: int = NODES) -> HostilityPlan:
    """Up to half of the nodes lie, at least one."""
    left, liars = list(range(nodes)), {}
    for _ in range(1 + below(nodes // 2, rng)):
        number = left.pop(below(len(left), rng))
        liars[number] = _LIES[below(len(_LIES), rng)]
    return HostilityPlan(liars, below(ABUSERS + 1, rng))


class _Run:
    def __init__(self, seed: int, nodes: int) -> None:
        blocks = history(START)
        self._crowd = Crowd(REGTEST, "/abuser:1/", chain=[Header(b[:HEADER_SIZE]) for b in blocks])
        self.lookout = Lookout()
        self._nodes = nodes
        self.net: SimNetwork
        self.plan = draw_hostility(stream(seed, "hostility"), nodes)
        liars = frozenset(self.plan.liars)
        self._honest = frozenset(range(nodes)) - liars
        strangers = [f"45.{1 + n}.1.1" for n in range(self.plan.abusers)]
        self.watch = Watch(frozenset([*map(host, self.plan.liars), *strangers]))
        self.net = SimNetwork(
            seed,
            nodes,
            link=LinkModel(FAR),
            history=blocks,
            on_fact=self._told,
            disguise=self._disguise,
        )
        near = LinkModel((NEAR,))
        for sources, targets in ((liars, None), (None, liars)):
            self.net.simulation.shape_ways(Shaping(sources, targets, near))
        victims = [self.net.nodes[number].endpoint for number in sorted(self._honest)]
        for place, at in enumerate(strangers):
            rng = self.net.simulation.random("abuser", place)
            boot = partial(AbuserProgram, self._crowd, victims, rng)
            self.net.simulation.add(boot, Endpoint(at, PORT))

    def _told(self, number: int, fact: Fact, _now: Instant) -> None:
        if number in self._honest:
            machine = self.net.machine(number)
            self.lookout.told(number, machine, fact)
            self.watch.told(number, machine, fact)

    def _disguise(self, node: SimNode, made: FullNode) -> Machine:
        lie = self.plan.liars.get(node.number)
        if lie is None:
            return made
        if lie == _WITHHOLDS:
            sieve = Withholder(made)
            sieve.withheld = Withheld.BLOCKS
            return sieve
        victims = frozenset(host(number) for number in self._honest)
        return ByzantineNode(made, Lie(lie), victims, (), HISTORY_BLOCKS, _no_blocks)

    @property
    def limit(self) -> Instant:
        """In which all honest nodes must agree."""
        return EACH * (len(self.plan.liars) + 1)

    def carry_out(self) -> Instant:
        """Run it; how long it took all honest nodes to come to one tip.

        Raises:
            Violation: something did not hold.
        """
        net = self.net
        net.run(BOOT)
        Workload(net, PAYMENT_INTERVAL, BLOCK_INTERVAL, net.now + TROUBLE, self._honest)
        net.run(TROUBLE + CALM)
        best = max(
            sorted(self._honest), key=lambda number: net.machine(number).active.tip.chainwork
        )
        block = net.mine(best, PAYERS[0].script)
        began, limit = net.now, self.limit
        if not net.simulation.run_until(
            lambda: all(net.machine(n).active.tip.hash == block.hash for n in self._honest),
            began + limit,
            every_us=SECOND,
        ):
            heights = {n: net.machine(n).active.height for n in sorted(self._honest)}
            raise Violation("L1", f"not all honest nodes are on one tip: heights {heights}")
        self._check()
        return net.now - began

    def _check(self) -> None:
        """What is judged at the end."""
        machines = {number: self.net.machine(number) for number in sorted(self._honest)}
        check_most_work(machines)
        for number, machine in machines.items():
            self.watch.check_coins(number, machine)
        number, machine = next(iter(machines.items()))
        ledger = self.net.nodes[number].ledger
        assert ledger is not None, "it runs"
        blocks = {}
        for height in range(1, machine.active.height + 1):
            entry = machine.active.at(height)
            assert entry is not None, "heights up to the tip are active"
            raw = ledger.validator.read_block(entry.hash)
            assert raw is not None, "active blocks are held"
            blocks[entry.hash] = raw
        check_by_kernel(machine, blocks)


def run_hostility(seed: int, nodes: int = NODES) -> AttackReport:
    """Run one network of honest nodes, liars and abusers."""
    report = AttackReport("hostility", seed)
    run = _Run(seed, nodes)
    try:
        took_s = run.carry_out() / SECOND
        said = f"{nodes - len(run.plan.liars)} honest nodes of {nodes} are on one tip"
        report.findings = [Finding("L1", True, said, took_s, run.limit / SECOND, "s")]
    except Violation as violation:
        report.findings = [violation.finding]
    liars = ", ".join(f"{lie} {number}" for number, lie in sorted(run.plan.liars.items()))
    report.notes = [f"liars: {liars}; strangers that abuse: {run.plan.abusers}"]
    trace = run.net.simulation.trace
    report.digest, report.events = trace.digest(), trace.events
    report.sometimes = run.lookout.found.to_json()
    return report


def _no_blocks(_block_hash: object) -> NoReturn:
    raise AssertionError("none of these liars looks into blocks")
