"""Networks under faults: a few seeds here, two hundred by `axon sim`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from axon.drivers.sim.driver import START
from axon.drivers.sim.faults import Crash, Heal, Restart
from axon.machine import MINUTE, PeerId
from axon.node.facts import BlockRejected, PeerMisbehaved, TipChanged
from axon.primitives.hashes import BlockHash
from axon.swarm.invariants import Violation
from axon.swarm.sim.faultruns import CALM, KINDS, TROUBLE, draw_plan, measure, run_faults
from axon.swarm.sim.simulation import SimNetwork
from axon.swarm.sim.watch import Watch, check_by_kernel, check_most_work
from axon.swarm.sim.workload import PAYERS, history

SEEDS = (7, 21, 190)
"""Between them all kinds of fault."""

SOURCE = Path(__file__).parent.parent.parent / "src"


def test_the_seeds_of_the_ordinary_run_have_all_kinds_of_fault() -> None:
    assert {kind for seed in SEEDS for kind in draw_plan(seed, 20).kinds} == set(KINDS)


@pytest.mark.long
@pytest.mark.parametrize("seed", SEEDS)
def test_a_network_under_faults_keeps_one_ledger(seed: int) -> None:
    report = run_faults(seed, nodes=8)
    assert report.passed, str(report)
    assert report.converged_us is not None
    assert report.payments > 10
    assert report.seen["TransactionAccepted"] > report.payments


@pytest.mark.long
def test_the_same_seed_is_the_same_run_whatever_the_order_of_sets() -> None:
    program = (
        "from axon.swarm.sim.faultruns import run_faults; print(run_faults(5, nodes=4).digest)"
    )

    def digest(hash_seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(SOURCE)}
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    first = digest("1")
    assert len(first) == 32
    assert digest("2") == first
    assert run_faults(5, nodes=4).digest == first
    assert run_faults(6, nodes=4).digest != first


def test_a_plan_is_drawn_from_its_seed_and_heals_everything() -> None:
    assert draw_plan(3, 20) == draw_plan(3, 20)
    kinds = [draw_plan(seed, 20).kinds for seed in range(100)]
    assert len(set(kinds)) > 60
    for seed in range(100):
        plan = draw_plan(seed, 20)
        down: set[int] = set()
        for fault in sorted(plan.faults, key=lambda item: item.at):
            assert START <= fault.at <= plan.heals_at
            match fault:
                case Crash(at, node, _):
                    assert at < plan.heals_at
                    down.add(node)
                case Restart(_, node):
                    down.discard(node)
        assert not down
        assert Heal(plan.heals_at) in plan.faults
        assert plan.heals_at == START + MINUTE + TROUBLE


def test_a_violation_names_seed_and_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("axon.swarm.sim.faultruns.CONVERGENCE", CALM)  # Too soon for anybody.
    report = run_faults(9, nodes=3)
    assert not report.passed
    assert "L1" in str(report)
    assert "axon sim --seeds 9 --nodes 3" in str(report)


# The judges must be able to say no.


def _network() -> SimNetwork:
    network = SimNetwork(1, 2, history=history(START))
    network.mine(0, PAYERS[0].script)
    network.run(MINUTE)
    return network


def test_friendly_fire_is_a_violation() -> None:
    network, watch = _network(), Watch()
    machine = network.machine(0)
    with pytest.raises(Violation, match="S9"):
        watch.told(0, machine, PeerMisbehaved(PeerId(1), "127.1.0.1:1", "headers"))
    with pytest.raises(Violation, match="S9"):
        watch.told(0, machine, BlockRejected(BlockHash(bytes(32)), "bad-cb-amount", PeerId(1)))
    watch.told(0, machine, BlockRejected(BlockHash(bytes(32)), "time-too-new", PeerId(1)))
    orphaned = "prev-blk-not-found"
    watch.told(0, machine, BlockRejected(BlockHash(bytes(32)), orphaned, None))  # By a miner.
    with pytest.raises(Violation, match=orphaned):
        watch.told(0, machine, BlockRejected(BlockHash(bytes(32)), orphaned, PeerId(1)))


def test_less_work_than_before_is_a_violation() -> None:
    network, watch = _network(), Watch()
    machine = network.machine(0)
    tip = machine.active.tip

    def moved(work: int) -> TipChanged:
        return TipChanged(tip.hash, tip.height, tip.time, work, 1, 1.0, False)

    watch.told(0, machine, moved(tip.chainwork))
    with pytest.raises(Violation, match="S4"):
        watch.told(0, machine, moved(tip.chainwork - 2))
    watch.restarted(0)
    watch.told(0, machine, moved(tip.chainwork - 2))


def test_other_coins_at_the_same_tip_are_a_violation() -> None:
    network, watch = _network(), Watch()
    watch.check_coins(0, network.machine(0))
    watch.check_coins(1, network.machine(1))
    store = network.machine(1).coins._store
    key = next(key for key, _ in store.items(b"c"))
    store.write({key: None})
    with pytest.raises(Violation, match="S2"):
        watch.check_coins(1, network.machine(1))


def test_a_chain_that_the_kernel_refuses_is_a_violation() -> None:
    network = _network()
    machine, ledger = network.machine(0), network.nodes[0].ledger
    assert ledger is not None
    blocks = {}
    for height in range(1, machine.active.height + 1):
        entry = machine.active.at(height)
        assert entry is not None
        raw = ledger.validator.read_block(entry.hash)
        assert raw is not None
        blocks[entry.hash] = raw
    check_by_kernel(machine, blocks)
    tip = machine.active.tip.hash
    blocks[tip] = blocks[tip][:-1] + bytes([blocks[tip][-1] ^ 1])
    with pytest.raises(Violation, match="S1"):
        check_by_kernel(machine, blocks)


def test_a_node_on_its_best_whole_chain_is_no_violation() -> None:
    network = _network()
    check_most_work({number: network.machine(number) for number in (0, 1)})


def test_the_speed_is_measured_in_events_and_seconds() -> None:
    events, seconds = measure(nodes=4, virtual_seconds=60)
    assert events > 100
    assert seconds > 0
