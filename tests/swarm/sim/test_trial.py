"""Trials: sound networks stand them, and networks with one weak point fail at just that point."""

from __future__ import annotations

from dataclasses import replace

import pytest

from axon.machine import MILLISECOND
from axon.swarm.blueprint import WalletPlan
from axon.swarm.faultplan import FaultPlan, Op, step
from axon.swarm.sim import trial
from axon.swarm.sim.trial import HEALING, run_trial
from axon.swarm.sim.trialstage import Stage
from axon.swarm.spof.candidates import MODES, Candidate, Mode
from axon.swarm.spof.plants import PLANTS, organic
from axon.swarm.trialhistory import NEMESIS, HistoryLine, LineType, TrialPhase
from axon.swarm.trialreport import TrialReport

NODES = 6


def broken(report: TrialReport) -> list[str]:
    return [finding.name for finding in report.broken]


@pytest.mark.parametrize(
    "candidate",
    [
        Candidate(("n1",), Mode.KILL),
        Candidate(("n2",), Mode.STOP),
        Candidate(("n3",), Mode.CUT),
        Candidate(("n4",), Mode.ONE_WAY),
        Candidate(("n5",), Mode.SLOW),
        Candidate(("n6",), Mode.WIPE),
        Candidate(("n1",), Mode.NO_BLOCKS),
        Candidate(("n2",), Mode.NO_TRANSACTIONS),
        Candidate(("n3",), Mode.NO_FILTERS),
        Candidate(("m1",), Mode.KILL),
        Candidate(("m2",), Mode.NO_TRANSACTIONS),
        Candidate(("w1",), Mode.KILL),
        Candidate(("n1-n2",), Mode.CUT),
        Candidate(("n1", "n2", "n3", "n4", "n5"), Mode.KILL),
    ],
    ids=str,
)
def test_a_sound_network_stands_it(candidate: Candidate) -> None:
    stage = Stage(organic(NODES), 1)
    assert stage.is_ready
    report = run_trial(stage, candidate.harm(), candidate.healing())
    assert broken(report) == []
    asked = {operation.what for operation in report.operations}
    assert asked == {"receive", "pay", "read", "start", "join"}
    assert all(operation.took_us is not None for operation in report.operations)


def test_where_nobody_else_waits_a_node_that_is_slow_is_passed_over() -> None:
    plant = PLANTS["no-failover"]
    blueprint = plant.make(NODES)
    prudent = replace(
        blueprint, miners=tuple(replace(miner, waits=False) for miner in blueprint.miners)
    )
    slow = Candidate((plant.culprit,), Mode.SLOW)
    assert not broken(run_trial(Stage(prudent, 1), slow.harm(), slow.healing()))
    dead = Candidate((plant.culprit,), Mode.KILL)
    assert not broken(run_trial(Stage(blueprint, 1), dead.harm(), dead.healing()))


def test_whoever_comes_new_does_not_come_to_a_node_that_is_cut_off() -> None:
    found = organic(4)
    network = replace(found, newcomer_wallet=WalletPlan("c1", dials=("n1",)))
    cut = FaultPlan((step(0, Op.CUT, "n1"),))
    report = run_trial(Stage(network, 1), cut, cut.undone())
    assert broken(report) == ["L3-cold"]
    parted = FaultPlan((step(0, Op.CUT, "n1-c1"),))
    assert broken(run_trial(Stage(network, 1), parted, parted.undone())) == ["L3-cold"]


@pytest.mark.long
@pytest.mark.parametrize("name", ["one-proxy", "one-folder"])
def test_what_is_only_used_is_given_back_whole(name: str) -> None:
    """After healing all who use it go on: they were not harmed themselves."""
    plant = PLANTS[name]
    blueprint = plant.make(NODES)
    guilty = Candidate((plant.culprit,), MODES[blueprint.components()[plant.culprit]][0])
    stage = Stage(blueprint, 1)
    run_trial(stage, guilty.harm(), guilty.healing())
    stage.net.is_mining = False

    def is_whole() -> bool:
        tip = stage.net.node("n1").active.tip.hash
        lights = [stage.net.light(wallet.name) for wallet in blueprint.wallets]
        return stage.net.net.agrees() and all(
            light.is_synced and light.headers.best.hash == tip for light in lights
        )

    assert stage.simulation.run_until(is_whole, stage.net.now + HEALING)


@pytest.mark.long
def test_the_same_seed_is_the_same_trial() -> None:
    candidate = Candidate(("n2",), Mode.KILL)
    digests = {
        run_trial(Stage(organic(4), seed), candidate.harm(), candidate.healing()).digest
        for seed in (3, 3, 4)
    }
    assert len(digests) == 2


def test_what_is_done_and_undone_is_a_plan_that_can_be_written_down() -> None:
    for modes in MODES.values():
        for mode in modes:
            for plan in (Candidate(("n1", "n2"), mode).harm(), Candidate(("n1",), mode).healing()):
                assert FaultPlan.from_json(plan.to_json()) == plan


def test_steps_are_done_when_they_are_due() -> None:
    harm = FaultPlan.of(
        [
            step(0, Op.KILL, "n1"),
            step(60, Op.RESTART, "n1"),
            step(90, Op.STOP, "n2"),
        ]
    )
    report = run_trial(Stage(organic(4), 1), harm, harm.undone())
    assert broken(report) == []
    assert report.healing.steps == (step(0, Op.CONT, "n2"),)


def test_links_are_as_the_plan_says_until_they_are_healed() -> None:
    stage = Stage(organic(4), 1)
    harm = FaultPlan.of(
        [
            step(0, Op.LINK, "n1", latency_ms=500, jitter_ms=100, loss_percent=5, rate_bit_s=10**6),
            step(0, Op.LINK, "n2|n3,w1", latency_ms=90, way="out"),
        ]
    )
    net, usual_us = stage.net, latency_us(stage, "n2", "n4")
    for each in harm.steps:
        net.apply(each)
    net.add_wallet(WalletPlan("w9", knows=("n1",)))  # Whoever comes later has the same way to n1.
    assert [latency_us(stage, other, "n1") for other in ("n2", "w1", "w9")] == [400 * 1_000] * 3
    assert latency_us(stage, "n2", "w1") == latency_us(stage, "n2", "n3") == 90 * 1_000
    assert latency_us(stage, "n3", "n2") == latency_us(stage, "n2", "n4") == usual_us
    for each in harm.undone().steps:
        net.apply(each)
    assert {latency_us(stage, "n2", other) for other in ("n1", "n3", "w1")} == {usual_us}
    assert broken(run_trial(stage, harm, harm.undone())) == []


def latency_us(stage: Stage, source: str, target: str) -> int:
    """One way between two programs."""
    numbers = map(stage.net.number, (source, target))
    return stage.simulation._network.latency_us(*numbers)


def test_what_comes_too_late_is_no_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "SERVICE", 1)
    monkeypatch.setattr(trial, "_SERVICES", (("L3", ("read",), 1),))
    candidate = Candidate(("n1",), Mode.KILL)
    report = run_trial(Stage(organic(4), 1), candidate.harm(), candidate.healing())
    assert "L3" in broken(report)


def test_two_blocks_at_once_are_no_lasting_split() -> None:
    candidate = Candidate(("n3",), Mode.NO_BLOCKS)
    stage = Stage(organic(5, wallets=1, miners=2), 15)
    assert broken(run_trial(stage, candidate.harm(), candidate.healing())) == []


def test_what_happens_is_written_down_and_changes_nothing() -> None:
    candidate = Candidate(("n1",), Mode.KILL)
    report = run_trial(Stage(organic(4), 1), candidate.harm(), candidate.healing())
    history = report.history
    assert history is not None
    assert history.lines[0] == HistoryLine(0, NEMESIS, "kill", LineType.INFO, "n1")
    told = {(line.client, line.what, line.kind): line.at_us for line in history.lines}
    for asked in report.operations:
        assert told[asked.client, asked.what, LineType.INVOKE] < 2 * MILLISECOND
        assert told[asked.client, asked.what, LineType.OK] == asked.took_us, "the harm is at 0"
    before, held = history.links[TrialPhase.BEFORE], history.links[TrialPhase.HELD]
    assert ("n1", "n2") in before
    assert not [link for link in held if "n1" in link]
    assert [tip.height for tip in history.tips if tip.node == "n1"][1] == -1
    assert history.block_delays_us
    assert min(history.block_delays_us) >= 40_000, "no block is faster than a link"
    assert 0 < (history.heals_at_us or 0) < history.ends_at_us
    assert history.left_out == 0
