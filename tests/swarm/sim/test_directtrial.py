"""Wallets that pay each other directly, in trials in virtual time."""

from __future__ import annotations

import pytest

from axon.swarm.blueprint import Blueprint
from axon.swarm.sim.trial import run_trial
from axon.swarm.sim.trialstage import Stage
from axon.swarm.spof.candidates import Candidate, Mode
from axon.swarm.spof.plants import PLANTS, paying
from axon.swarm.trialreport import TrialReport

pytestmark = pytest.mark.process


def tried(blueprint: Blueprint, mode: Mode, *targets: str) -> TrialReport:
    candidate = Candidate(targets, mode)
    stage = Stage(blueprint, 1)
    assert stage.is_ready
    return run_trial(stage, candidate.harm(), candidate.healing())


def states(report: TrialReport) -> dict[str, bool | None]:
    return {each.name: each.holds for each in report.findings}


@pytest.mark.parametrize(
    ("mode", "targets"),
    [
        (Mode.KILL, ("n1",)),
        (Mode.CUT, ("w1-w2",)),
        pytest.param(Mode.STOP, ("w2",), marks=pytest.mark.slow),
        pytest.param(Mode.ONE_WAY, ("w3-w4",), marks=pytest.mark.slow),
    ],
)
def test_whatever_one_loses_all_others_pay_each_other(mode: Mode, targets: tuple[str, ...]) -> None:
    report = tried(paying(3), mode, *targets)
    assert report.broken == []
    assert states(report)["L12"] is True
    harmed = [name for name in targets if "-" not in name and name.startswith("w")]
    paid = {each.client for each in report.operations if each.what == "settle" and each.took_us}
    assert len(paid) == 4 - len(harmed)


def test_with_all_nodes_dead_payments_are_handed_over_and_settled_afterwards() -> None:
    report = tried(paying(2), Mode.KILL, "n1", "n2")
    assert states(report) == {"L3": False, "L12": True, "L6": True, "L12-kill": True}
    done = {each.what: each.took_us for each in report.operations if each.client == "w1"}
    assert done["hand over"] is not None
    assert done["settle"] is None
    assert done["pay"] is None


def test_without_the_only_payee_nobody_pays_directly() -> None:
    plant = PLANTS["one-payee"]
    report = tried(plant.make(2), Mode.KILL, plant.culprit)
    assert [each.name for each in report.broken] == ["L12"]
    assert "w2, w3 and w4 cannot hand over, settle" in report.broken[0].said


@pytest.mark.slow
def test_equal_seeds_are_equal_runs() -> None:
    digests = {tried(paying(2), Mode.KILL, "w1").digest for _ in range(2)}
    assert len(digests) == 1
