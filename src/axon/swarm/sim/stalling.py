"""L10, attack progress: peers that hold blocks back delay a sync by their timeout each, at most.

A node with an empty disk and no address finds nodes by the fixed seeds of its program. Some of them
name blocks and never hand them over. While its window is full the peer that holds it back is given
up after two seconds, the next one after four, never more than a minute; at the end of the chain,
where nothing waits behind a block, somebody else is asked for the same after ten seconds
(`p2p/blocksinflight`). So the delay grows with the number of such peers, and not faster.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from axon.drivers.sim.driver import START
from axon.machine import MINUTE, SECOND, Endpoint, Instant, Machine
from axon.node.facts import Fact
from axon.node.full import FullNode
from axon.node.settings import NodeSettings
from axon.p2p.blockdownload import WINDOW
from axon.p2p.blocksinflight import RELIEF_AFTER, STALL_MAX
from axon.p2p.requests import address_of
from axon.swarm.faultplan import Withheld
from axon.swarm.invariants import Finding
from axon.swarm.sim.attackreport import AttackReport
from axon.swarm.sim.lookout import Lookout
from axon.swarm.sim.simulation import PORT, SimNetwork, SimNode, host
from axon.swarm.sim.workload import history
from axon.swarm.withholder import Withholder

HONEST: Final = 2
STALLERS: Final = (0, 1, 3)
"""How many peers hold back, from trial to trial."""

CHAIN_BLOCKS: Final = WINDOW + 76
"""A chain longer than the window, or nothing is held back by a single block."""

BOOT: Final = 10 * SECOND
PATIENCE: Final = 60 * MINUTE
"""More than nodes wait for one block that nothing else hangs on."""

FIRST_LIMIT: Final = STALL_MAX
EACH_LIMIT: Final = 2 * RELIEF_AFTER
"""What peers that hold blocks back may cost together, and each of them besides."""


def run_stalling(seed: int, chain_blocks: int = CHAIN_BLOCKS) -> AttackReport:
    """Have a node sync from honest nodes and so many that hold back.

    Args:
        seed: of all chance.
        chain_blocks: that are to be fetched.
    """
    report = AttackReport("stall", seed)
    took_us: dict[int, int] = {}
    lookout = Lookout()
    for stallers in STALLERS:
        net, took_us[stallers] = _sync(seed, stallers, chain_blocks, lookout)
        report.digest = net.simulation.trace.digest()
        report.events += net.simulation.trace.events
    report.sometimes = lookout.found.to_json()
    report.findings = [_judged(took_us, chain_blocks)]
    return report


def _sync(seed: int, stallers: int, chain_blocks: int, lookout: Lookout) -> tuple[SimNetwork, int]:
    """One sync; how long it took. The last node is the one that syncs, those before it stall."""
    victim = HONEST + stallers

    def settings(number: int, usual: NodeSettings) -> NodeSettings:
        if number != victim:
            return usual
        seeds = [address_of(Endpoint(host(other), PORT)) for other in range(victim)]
        known = tuple(each for each in seeds if each is not None)
        return replace(usual, connections=replace(usual.connections, fixed_seeds=known))

    def disguise(node: SimNode, made: FullNode) -> Machine:
        sieve = Withholder(made)
        if HONEST <= node.number < victim:
            sieve.withheld = Withheld.BLOCKS
        return sieve

    def told(number: int, fact: Fact, _now: Instant) -> None:
        lookout.told(number, net.machine(number), fact)

    net = SimNetwork(
        seed,
        victim + 1,
        contacts=lambda number: [other for other in range(victim) if number not in (other, victim)],
        history=history(START, chain_blocks),
        settings=settings,
        disguise=disguise,
        on_fact=told,
    )
    net.crash(victim, lose=False)
    net.run(BOOT)
    net.restart(victim, wipe=True)
    begin = net.now
    net.simulation.run_until(
        lambda: net.machine(victim).active.height >= chain_blocks, begin + PATIENCE
    )
    return net, net.now - begin


def _judged(took_us: dict[int, int], chain_blocks: int) -> Finding:
    """What the peers that hold back cost, by how many they were."""
    undisturbed_us = took_us[0]
    costs_us = {count: us - undisturbed_us for count, us in took_us.items() if count}
    # The worst is the one nearest to its bound, or farthest beyond it.
    limits_us = {n: FIRST_LIMIT + n * EACH_LIMIT for n in costs_us}
    count = max(costs_us, key=lambda each: costs_us[each] / limits_us[each])
    shown = ", ".join(f"{n}: {us / SECOND:.0f} s" for n, us in costs_us.items())
    said = f"by how many peers held blocks back, a sync of {chain_blocks:,} blocks took longer by "
    worst_s, limit_s = costs_us[count] / SECOND, limits_us[count] / SECOND
    culprits = tuple(f"node {HONEST + number}" for number in range(count))
    late = worst_s > limit_s
    return Finding(
        "L10", not late, said + shown, worst_s, limit_s, "s", culprits * late, len(took_us)
    )
