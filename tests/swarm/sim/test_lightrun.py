"""A wallet among nodes that lie and die: a few seeds here, two hundred by `axon sim --wallet`."""

from __future__ import annotations

import pytest

from axon.p2p.filtersync import FilterSync
from axon.swarm.sim.byzantine import Lie
from axon.swarm.sim.lightrun import LightPlan, play_light, run_light


@pytest.mark.parametrize("seed", range(3, 9))
def test_a_wallet_is_served_as_long_as_one_honest_node_lives(seed: int) -> None:
    report = run_light(seed)
    assert report.passed, str(report)
    assert report.found > 30


@pytest.mark.parametrize("lie", Lie)
def test_nine_that_tell_the_same_lie_do_not_prevail(lie: Lie) -> None:
    plan = LightPlan(1, dict.fromkeys(range(1, 10), lie), {}, (0,))
    report = play_light(plan, 10)
    assert report.passed, str(report)
    if lie in (Lie.BLIND, Lie.FORGER, Lie.SCRAMBLER):
        assert report.refuted > 0, "they are caught"


def test_a_wallet_that_compares_nothing_is_deceived(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FilterSync, "_compare", lambda *_: [])
    plan = LightPlan(1, dict.fromkeys(range(1, 10), Lie.BLIND), {}, (0,))
    report = play_light(plan, 10)
    assert report.violation is not None
    assert "has not found" in report.violation


def test_the_same_seed_is_the_same_run() -> None:
    assert run_light(4).digest == run_light(4).digest != run_light(5).digest
