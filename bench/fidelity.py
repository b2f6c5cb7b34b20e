"""The same plan of faults with processes and in virtual time: how far apart is what it does?

A ring of nodes whose links are all shaped. Blocks are found, and each spreads to all (propagation);
a node is killed, and a block that its one neighbour finds must come to the other one the long way
round (failover). Both kinds of network have the plan, the ring and the rounds from here.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Final, Protocol

from axon.drivers.sim.driver import START
from axon.errors import ConfigError
from axon.machine import MINUTE, SECOND, Instant
from axon.node.facts import Fact, TipChanged
from axon.node.full import FullNode
from axon.swarm.blueprint import Blueprint, NodePlan, node_names
from axon.swarm.faultplan import FaultPlan, FaultStep, Op, Way, step
from axon.swarm.lab import lifecycle, slowlinks
from axon.swarm.lab.backends import BACKENDS
from axon.swarm.lab.faucet import mine
from axon.swarm.lab.manifest import BackendName, Manifest
from axon.swarm.lab.members import node_of, nodes_of
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.plan import RunRequest
from axon.swarm.lab.processidentity import is_alive
from axon.swarm.lab.runregistry import RunRegistry
from axon.swarm.lab.settling import settle
from axon.swarm.lab.startup import start
from axon.swarm.lab.topology import RunTopology
from axon.swarm.planfit import sides_of
from axon.swarm.sim.trialnetwork import TrialNetwork
from axon.swarm.sim.workload import HISTORY_BLOCKS, PAYERS, history
from bench.distributions import Gap, gap, quantile
from bench.table import Row, Skipped

NODES: Final = 6
BLOCKS: Final = 30
ROUNDS: Final = 10
SEED: Final = 7

PLAN: Final = FaultPlan(
    (
        step(
            0,
            Op.LINK,
            ",".join(node_names(NODES)),
            latency_ms=80,
            jitter_ms=20,
            loss_percent=1,
            rate_bit_s=2_000_000,
        ),
    )
)
"""Done to both."""

APART: Final = 1.5
"""So far one median may be from the other: relay and processes take time of this machine."""

_FOUND_S: Final = 120.0
_READY_S: Final = 0.2


class _Side(Protocol):
    """A network of one kind."""

    def do(self, done: FaultStep) -> None:
        """Do one step of a plan to it; after a restart all are linked again."""

    def find(self, name: str) -> dict[str, float]:
        """Have a node find a block; seconds until each other one that lives had it, too."""


def measure(blocks: int = BLOCKS, rounds: int = ROUNDS) -> Row:
    """The row."""
    try:
        BACKENDS[BackendName.NETNS].check()
    except ConfigError as missing:
        raise Skipped(str(missing)) from missing
    simulated = _samples(_Simulated(_ring()), blocks, rounds)
    with _lab(_ring()) as lab:
        real = _samples(lab, blocks, rounds)
    gaps = [gap(*each) for each in zip(real, simulated, strict=True)]
    return Row(
        f"the same plan in lab and simulator: a ring of {NODES} nodes",
        "; ".join(f"{name} {_apart(each)}" for name, each in zip(_KINDS, gaps, strict=True)),
        f"medians <= {APART:g} x",
        all(_are_alike(*each) for each in zip(real, simulated, strict=True)),
        [
            f"{PLAN.steps[0].link()} on every link, both ways. Namespaces with a relay against "
            "virtual time.",
            *(_told(*each) for each in zip(_KINDS, real, simulated, strict=True)),
            "The distance is that of Kolmogorov and Smirnov: the largest difference between the "
            "shares that have it by some time. Two samples of one distribution seldom exceed "
            f"{gaps[0].chance:.2f} and {gaps[1].chance:.2f} here (5 %).",
        ],
    )


_KINDS: Final = ("propagation", "failover")


def _are_alike(real: Sequence[float], simulated: Sequence[float]) -> bool:
    ratio = quantile(real, 0.5) / quantile(simulated, 0.5)
    return 1 / APART <= ratio <= APART


def _samples(side: _Side, blocks: int, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds that blocks took to others, and to the neighbour of a node that was killed."""
    names = node_names(NODES)
    for each in PLAN.steps:
        side.do(each)
    spread = [took for n in range(blocks) for took in side.find(names[n % NODES]).values()]
    round_about = []
    for number in range(rounds):
        before, victim, behind = (names[(number + n) % NODES] for n in range(3))
        side.do(step(0, Op.KILL, victim))
        round_about.append(side.find(before)[behind])
        side.do(step(0, Op.RESTART, victim))
    return spread, round_about


def _apart(found: Gap) -> str:
    word = "apart" if found.is_seen else "not told apart"
    return f"{found.distance:.2f} at {found.at * 1e3:.0f} ms ({word})"


def _told(kind: str, real: Sequence[float], simulated: Sequence[float]) -> str:
    lines = (
        f"{name} {' / '.join(f'{quantile(sample, share) * 1e3:.0f}' for share in (0.1, 0.5, 0.9))}"
        for name, sample in (("lab", real), ("simulator", simulated))
    )
    return f"{kind}: {len(real)} times each; 10 / 50 / 90 % in ms: {', '.join(lines)}."


def _ring() -> Blueprint:
    names = node_names(NODES)
    following = [*names[1:], names[0]]
    nodes = (NodePlan(name, dials=(other,)) for name, other in zip(names, following, strict=True))
    return Blueprint("ring", tuple(nodes))


class _Simulated:
    """In virtual time."""

    def __init__(self, blueprint: Blueprint) -> None:
        self._net = TrialNetwork(blueprint, SEED, history(START, HISTORY_BLOCKS))
        self._net.on_fact = self._told
        self._had_at: dict[str, Instant] = {}
        self._height = 0
        self._settle()

    def do(self, done: FaultStep) -> None:
        self._net.apply(done)
        if done.op is not Op.KILL:
            self._settle()

    def find(self, name: str) -> dict[str, float]:
        net = self._net
        self._had_at, self._height = {}, net.node(name).active.height + 1
        alive = [plan.name for plan in net.blueprint.nodes if net.answers(plan.name)]
        net.net.mine(net.number(name), PAYERS[0].script)
        limit, found = net.now + round(_FOUND_S) * SECOND, self._had_at
        assert net.simulation.run_until(lambda: len(found) == len(alive), limit), "it spreads"
        return {each: (found[each] - found[name]) / SECOND for each in alive if each != name}

    def _told(self, name: str, _machine: FullNode, fact: Fact) -> None:
        if isinstance(fact, TipChanged) and fact.height >= self._height:
            self._had_at.setdefault(name, self._net.now)

    def _settle(self) -> None:
        self._net.simulation.run(self._net.now + 2 * MINUTE)


class _Lab:
    """With processes, each in a network namespace."""

    def __init__(self, blueprint: Blueprint, manifest: Manifest) -> None:
        self._blueprint = blueprint
        self._manifest = manifest

    def do(self, done: FaultStep) -> None:
        match done.op:
            case Op.KILL:
                lifecycle.kill(self._manifest, [done.target])
            case Op.RESTART:
                start(self._manifest, [done.target], _quiet)
                settle(self._manifest, _quiet)
            case _:
                near, far = sides_of(self._blueprint, done.target)
                sides = (near, far or ()) if done.param("way") != Way.IN else (far or (), near)
                one_way = done.param("way") != Way.BOTH
                slowlinks.shape(self._manifest, sides, done.link(), one_way=one_way)

    def find(self, name: str) -> dict[str, float]:
        alive = [item.name for item in self._manifest.nodes if is_alive(item.process)]
        miner = node_of(self._manifest, name)
        height = miner.height() + 1
        with ThreadPoolExecutor(len(alive)) as pool:
            waiting = {
                node.name: pool.submit(_wait, node, height)
                for node in nodes_of(self._manifest, alive)
            }
            time.sleep(_READY_S)  # Until all calls have come to their nodes.
            mine(miner)
            had_at = {each: wait.result() for each, wait in waiting.items()}
        return {each: max(0.0, had_at[each] - had_at[name]) for each in alive if each != name}


def _wait(node: NodeProcess, height: int) -> float:
    found = node.rpc("waitforblockheight", height, round(_FOUND_S * 1e3))
    now = time.monotonic()
    assert found["height"] >= height, f"{node.name} did not hear of the block"
    return now


@contextmanager
def _lab(blueprint: Blueprint) -> Iterator[_Lab]:
    with tempfile.TemporaryDirectory(prefix="axon-bench-") as name:
        folder, registry = Path(name) / "run", RunRegistry(Path(name) / "runs.json")
        wanted = RunRequest(NODES, topology=RunTopology.RING, backend=BackendName.NETNS)
        try:
            lifecycle.up(folder, wanted, Random(SEED), _quiet, registry)
            with lifecycle.taken(folder) as manifest:
                yield _Lab(blueprint, manifest)
        finally:
            if Manifest.load(folder) is not None:
                with lifecycle.taken(folder) as manifest:
                    lifecycle.down(manifest)


def _quiet(_text: str) -> None:
    pass
