"""S5: a node that takes back more than it may is named; one that only lost a race is not."""

from __future__ import annotations

import pytest

from axon.drivers.sim.driver import START
from axon.machine import MINUTE, SECOND, Instant
from axon.node.facts import Fact
from axon.primitives.block import Block
from axon.swarm.invariants import Violation
from axon.swarm.sim.historychange import USUAL_DEPTH, HistoryChange
from axon.swarm.sim.lookout import Lookout
from axon.swarm.sim.simulation import SimNetwork
from axon.swarm.sim.workload import HISTORY_BLOCKS, PAYERS, history


def found_in_secret(count: int) -> list[Block]:
    """A branch that nobody else has seen, on the chain that all begin with."""
    alone = SimNetwork(2, 1, history=history(START))
    return [mined(alone, 1) for _ in range(count)]


def mined(network: SimNetwork, payer: int) -> Block:
    block = network.mine(0, PAYERS[payer].script, empty=True)
    network.run(SECOND)
    return block


def took_back(depth: int, judge: HistoryChange, lookout: Lookout | None = None) -> None:
    """Have a node find so many blocks, and then be shown a longer branch without them."""
    facts: list[tuple[int, Fact]] = []

    def told(number: int, fact: Fact, _now: Instant) -> None:
        facts.append((number, fact))

    network = SimNetwork(1, 1, history=history(START), on_fact=told)
    secret = found_in_secret(depth + 1)
    for _ in range(depth):
        mined(network, 0)
    for block in secret:
        network.submit(0, block)
    for number, fact in facts:
        if lookout is not None:
            lookout.told(number, network.machine(number), fact)
        judge.told(number, fact, network.now)


def test_a_node_that_takes_old_blocks_back_is_named() -> None:
    with pytest.raises(Violation, match=f"node 0 took {USUAL_DEPTH + 1} blocks off") as caught:
        took_back(USUAL_DEPTH + 1, HistoryChange(HISTORY_BLOCKS))
    assert (caught.value.finding.name, caught.value.finding.culprits) == ("S5", ("node 0",))
    later = HistoryChange(HISTORY_BLOCKS, START + 60 * MINUTE)
    with pytest.raises(Violation, match="3 of them from before trouble"):
        took_back(USUAL_DEPTH + 1, later)


def test_what_two_miners_lose_to_each_other_is_no_violation() -> None:
    lookout = Lookout()
    took_back(USUAL_DEPTH, HistoryChange(HISTORY_BLOCKS), lookout)
    assert lookout.found["reorg"] == 1
    assert lookout.found["tie"] == USUAL_DEPTH


def test_what_was_found_while_nodes_were_apart_may_be_lost() -> None:
    took_back(USUAL_DEPTH + 3, HistoryChange(HISTORY_BLOCKS, START))


def test_nodes_that_differ_in_old_blocks_are_named() -> None:
    one, other = (SimNetwork(seed, 1, history=history(START)) for seed in (1, 2))
    for _ in range(USUAL_DEPTH + 1):
        mined(one, 0)
        mined(other, 1)
    mined(other, 1)
    machines = {0: one.machine(0), 1: other.machine(0)}
    with pytest.raises(Violation, match="node 0 differs from the longest chain in 3 blocks"):
        HistoryChange(HISTORY_BLOCKS).check_suffixes(machines)
    HistoryChange(HISTORY_BLOCKS).check_suffixes({1: other.machine(0)})
