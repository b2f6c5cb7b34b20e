"""Many nodes, much that fails, and in the end one ledger: whole networks judged from one seed.

Each run draws which kinds of fault exist at all, and when they strike. Meanwhile users pay and
mine. Then everything heals; from there on the nodes have `CONVERGENCE` of virtual time to arrive at
one tip. What must hold always (`invariants`) is looked at after every new tip.

    young network --faults, payments, blocks--> healed --one more block--> one tip, or a violation
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from time import process_time
from typing import Final

from axon.drivers.linkmodel import LinkModel, Loss
from axon.drivers.sim.driver import START
from axon.drivers.sim.faults import ClockOffset, Crash, Fault, HalfOpen, Heal, Partition, Restart
from axon.drivers.sim.network import below, stream
from axon.machine import MILLISECOND, MINUTE, SECOND, Instant
from axon.node.facts import Fact
from axon.node.settings import NodeSettings
from axon.primitives.hashes import to_hex
from axon.swarm.invariants import Violation
from axon.swarm.sim.historychange import HistoryChange
from axon.swarm.sim.lookout import Lookout
from axon.swarm.sim.simulation import SimNetwork
from axon.swarm.sim.watch import Watch, check_by_kernel, check_most_work
from axon.swarm.sim.workload import HISTORY_BLOCKS, PAYERS, Workload, history

BOOT: Final = MINUTE
"""For finding each other before anything fails."""

TROUBLE: Final = 20 * MINUTE
"""How long faults strike."""

CONVERGENCE: Final = 30 * MINUTE
"""From healing to one tip. Connections that went dead unnoticed take up to 20 minutes to be found
out (`keepalive.SILENCE_LIMIT`); all else is quicker."""

CALM: Final = MINUTE
"""From healing to the one block that decides between branches of equal work."""

KINDS: Final = (
    "loss",
    "jitter",
    "partition",
    "one-way",
    "crash",
    "silent-crash",
    "wipe",
    "half-open",
    "clock",
)

CLOCK_MAX: Final = 50 * MINUTE
"""How far a clock is wrong at most: two such nodes differ by less than the two hours after which
they would refuse each other's blocks (`chain.rules.MAX_FUTURE_S`)."""

PAYMENT_INTERVAL: Final = 10 * SECOND
BLOCK_INTERVAL: Final = MINUTE


@dataclass(frozen=True, slots=True)
class Wipe:
    """A node that is down gets an empty disk."""

    at: Instant
    node: int


@dataclass(frozen=True, slots=True)
class FaultRunPlan:
    """What one seed means, as plain values.

    Args:
        seed: of all chance.
        nodes: how many.
        kinds: the kinds of fault that exist in this run.
        link: what the links are like.
        faults: what strikes when; the last ones heal everything.
        heals_at: from then on nothing fails any more.
        encrypting: nodes that speak the encrypted transport (BIP 324), too.
    """

    seed: int
    nodes: int
    kinds: tuple[str, ...]
    link: LinkModel
    faults: tuple[Fault | Wipe, ...]
    heals_at: Instant
    encrypting: frozenset[int] = frozenset()


@dataclass(slots=True)
class FaultRunReport:
    """What became of one run.

    Args:
        seed: it was run with.
        nodes: how many.
        kinds: of fault that existed.
        violation: what did not hold; None if everything did.
        converged_us: from healing to one tip; None if that never came.
        height: of the tip.
        deepest_reorg: blocks that left an active chain at once, at most.
        payments: that were handed to nodes.
        events: that machines took in.
        digest: the fingerprint of the run.
        seen: how often each kind of fact was stated.
        sometimes: how often each interesting state was reached (`sightings`).
    """

    seed: int
    nodes: int
    kinds: tuple[str, ...]
    violation: str | None = None
    converged_us: int | None = None
    height: int = 0
    deepest_reorg: int = 0
    payments: int = 0
    events: int = 0
    digest: str = ""
    seen: dict[str, int] = field(default_factory=dict)
    sometimes: dict[str, int] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether everything held."""
        return self.violation is None

    def __str__(self) -> str:
        kinds = ", ".join(self.kinds) or "no faults"
        replay = f"axon sim --seeds {self.seed} --nodes {self.nodes}"
        return f"seed {self.seed} ({kinds}): {self.violation or 'passed'}; replay: {replay}"


def draw_plan(seed: int, nodes: int) -> FaultRunPlan:
    """Which faults a seed stands for."""
    rng = stream(seed, "chaos")
    kinds = tuple(kind for kind in KINDS if rng.random() < 0.5)
    begin = START + BOOT
    end = begin + TROUBLE
    faults: list[Fault | Wipe] = []
    if "clock" in kinds:
        for node in range(nodes):
            if rng.random() < 0.3:
                offset = int((2 * rng.random() - 1) * CLOCK_MAX)
                faults.append(ClockOffset(_moment(rng, begin, end), node, offset))
                faults.append(ClockOffset(end, node, 0))
    for kind in ("partition", "one-way"):
        if kind in kinds:
            for _ in range(1 + below(3, rng)):
                faults.append(_partition(rng, nodes, begin, end, one_way=kind == "one-way"))
    faults += [Heal(_moment(rng, begin, end)) for _ in range(below(4, rng))]
    if "half-open" in kinds:
        for _ in range(1 + below(2 * nodes, rng)):
            pair = below(nodes, rng), below(nodes, rng)
            if pair[0] != pair[1]:
                faults.append(HalfOpen(_moment(rng, begin, end), *pair))
    faults += _crashes(rng, kinds, nodes, begin, end)
    faults.append(Heal(end))
    faults += [Restart(end, node) for node in range(nodes)]
    link, encrypting = _link(rng, kinds), _encrypting(seed, nodes)
    return FaultRunPlan(seed, nodes, kinds, link, tuple(faults), end, encrypting)


def _encrypting(seed: int, nodes: int) -> frozenset[int]:
    """In one network of four some encrypt and others cannot: they are to find each other, too."""
    rng = stream(seed, "transports")
    if rng.random() >= 0.25:
        return frozenset()
    return frozenset(node for node in range(nodes) if rng.random() < 0.5)


def _moment(rng: Random, begin: Instant, end: Instant) -> Instant:
    return begin + below(end - begin, rng)


def _link(rng: Random, kinds: tuple[str, ...]) -> LinkModel:
    latency = (5 * MILLISECOND, 40 * MILLISECOND, 150 * MILLISECOND)
    jitter = (0, 0, 20 * MILLISECOND, 2 * SECOND) if "jitter" in kinds else (0,)
    loss = None
    if "loss" in kinds:
        loss = Loss(good=0.01 + 0.05 * rng.random(), bad=0.5, worsens=0.01, recovers=0.2)
    return LinkModel(latency, jitter, 0, loss)


def _partition(rng: Random, nodes: int, begin: Instant, end: Instant, *, one_way: bool) -> Fault:
    """Two parts of any sizes, one node alone among them."""
    order = list(range(nodes))
    for last in range(nodes - 1, 0, -1):
        other = below(last + 1, rng)
        order[last], order[other] = order[other], order[last]
    cut = 1 + below(nodes - 1, rng) if nodes > 1 else 1
    groups = tuple(order[:cut]), tuple(order[cut:])
    return Partition(_moment(rng, begin, end), groups, one_way, drops=rng.random() < 0.5)


def _crashes(
    rng: Random, kinds: tuple[str, ...], nodes: int, begin: Instant, end: Instant
) -> list[Fault | Wipe]:
    """Nodes that go down and come back, some of them on a new disk."""
    faults: list[Fault | Wipe] = []
    for kind in ("crash", "silent-crash", "wipe"):
        if kind not in kinds:
            continue
        for _ in range(1 + below(nodes, rng)):
            node, down = below(nodes, rng), _moment(rng, begin, end)
            faults.append(Crash(down, node, kind == "silent-crash"))
            up = min(down + 1 + below(5 * MINUTE, rng), end)
            if kind == "wipe":
                faults.append(Wipe(up - 1, node))
            faults.append(Restart(up, node))
    return faults


class _Run:
    """One plan, carried out."""

    def __init__(self, plan: FaultRunPlan) -> None:
        self.plan = plan
        self.watch = Watch()
        self.history = HistoryChange(HISTORY_BLOCKS, min(each.at for each in plan.faults))
        self.lookout = Lookout()
        self.network = SimNetwork(
            plan.seed,
            plan.nodes,
            link=plan.link,
            history=history(START),
            on_fact=self._told,
            settings=self._settings,
        )
        for fault in plan.faults:
            self.network.simulation.at(fault.at, partial(self._apply, fault))
        self.workload = Workload(self.network, PAYMENT_INTERVAL, BLOCK_INTERVAL, plan.heals_at)

    def _settings(self, node: int, settings: NodeSettings) -> NodeSettings:
        v2 = node in self.plan.encrypting
        return replace(settings, connections=replace(settings.connections, v2=v2))

    def _told(self, node: int, fact: Fact, _now: Instant) -> None:
        machine = self.network.machine(node)
        self.lookout.told(node, machine, fact)
        self.history.told(node, fact, self.network.now)
        self.watch.told(node, machine, fact)

    def _apply(self, fault: Fault | Wipe) -> None:
        network = self.network
        match fault:
            case Crash(_, node, silent):
                if network.simulation.is_running(node):
                    network.crash(node, silent=silent)
            case Wipe(_, node):
                if not network.simulation.is_running(node):
                    network.nodes[node].disk.wipe()
            case Restart(_, node):
                if not network.simulation.is_running(node):
                    self.watch.restarted(node)
                    self.history.restarted(node)
                    self.lookout.restarted(node, disk_failed=False)
                    network.restart(node)
            case _:
                fault.apply(network.simulation)

    def carry_out(self, report: FaultRunReport) -> None:
        """Run it.

        Raises:
            Violation: something did not hold.
        """
        network, heals_at = self.network, self.plan.heals_at
        network.run(heals_at + CALM - network.now)
        running = network.running()
        self.history.check_suffixes({number: network.machine(number) for number in running})
        best = self._best()
        last = network.machine(best).active.tip
        network.mine(best, PAYERS[0].script)

        def arrived() -> bool:
            tips = network.tips()
            return len(set(tips.values())) == 1 and last.hash not in tips.values()

        if not network.simulation.run_until(arrived, heals_at + CONVERGENCE):
            raise Violation("L1", self._differences())
        report.converged_us = network.now - heals_at
        check_most_work({number: network.machine(number) for number in network.running()})
        blocks = {}
        ledger = network.nodes[0].ledger
        assert ledger is not None, "node 0 runs"
        for number in network.running():
            self.watch.check_coins(number, network.machine(number))
        machine = network.machine(0)
        for height in range(1, machine.active.height + 1):
            entry = machine.active.at(height)
            assert entry is not None, "heights up to the tip are active"
            raw = ledger.validator.read_block(entry.hash)
            assert raw is not None, "active blocks are held"
            blocks[entry.hash] = raw
        check_by_kernel(machine, blocks)

    def _best(self) -> int:
        """The first node on a tip with the most work."""
        work = {
            number: self.network.machine(number).active.tip.chainwork
            for number in self.network.running()
        }
        return max(work, key=lambda number: (work[number], -number))

    def _differences(self) -> str:
        tips = self.network.tips()
        heights = {n: self.network.machine(n).active.height for n in tips}
        return (
            f"no one tip within {CONVERGENCE // MINUTE} min: heights {heights}, tips "
            + ", ".join(sorted({to_hex(tip)[-8:] for tip in tips.values()}))
        )


def run_faults(seed: int, nodes: int = 20) -> FaultRunReport:
    """Carry out what a seed stands for; the report says whether everything held."""
    plan = draw_plan(seed, nodes)
    report = FaultRunReport(seed, nodes, plan.kinds)
    run = _Run(plan)
    try:
        with _frozen():
            run.carry_out(report)
    except Violation as violation:
        report.violation = str(violation)
    trace = run.network.simulation.trace
    report.height = max(run.network.machine(n).active.height for n in range(nodes))
    report.deepest_reorg = run.watch.deepest_reorg
    report.payments = run.workload.payments
    report.events, report.digest = trace.events, trace.digest()
    report.seen = dict(sorted(run.watch.seen.items()))
    report.sometimes = run.lookout.found.to_json()
    return report


def measure(nodes: int = 20, seed: int = 1, virtual_seconds: int = 20 * 60) -> tuple[int, float]:
    """How fast a calm network of full nodes with payments and blocks is simulated.

    Returns:
        Events that machines took in (every message is one, every alarm, connection, job and command
        too; not what the simulation does besides), and the processor seconds that it took. Finding
        each other is not part of it.
    """
    network = SimNetwork(seed, nodes, history=history(START))
    network.run(BOOT)
    Workload(network, SECOND, BLOCK_INTERVAL, network.now + virtual_seconds * SECOND)
    events, began = network.simulation.trace.events, process_time()
    with _frozen():
        network.run(virtual_seconds * SECOND)
    return network.simulation.trace.events - events, process_time() - began


@contextmanager
def _frozen() -> Iterator[None]:
    """Keep the garbage collector away from what is there to stay: a tenth of the time."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
