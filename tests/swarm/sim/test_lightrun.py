"""A wallet among nodes that lie and die: a few seeds here, two hundred by `axon sim --wallet`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from axon.machine import HOUR
from axon.node.tipagreement import TipAgreement
from axon.p2p.filtersync import FilterSync
from axon.swarm.sim.byzantine import Lie
from axon.swarm.sim.lightplan import LightPlan, plan_light
from axon.swarm.sim.lightrun import play_light, run_light
from axon.wallet.ledger import WalletLedger


@pytest.mark.long
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
    assert "sat in blocks instead of" in report.violation


@pytest.mark.long
@pytest.mark.parametrize("clock_hours", [-3, 3])
@pytest.mark.parametrize("seed", [11, 12])
def test_two_devices_with_a_wrong_clock_say_nothing_untrue(seed: int, clock_hours: int) -> None:
    plan = plan_light(seed, 10)
    harder = replace(
        plan, restarts=(2, 5, 9), clock_us=clock_hours * HOUR, twin=True, takes_back=True
    )
    report = play_light(harder, 10)
    assert report.passed, str(report)


def test_a_wallet_that_believes_the_first_answer_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it was once: one node without more headers was enough to be in sync."""
    monkeypatch.setattr(TipAgreement, "_is_passed_over", lambda *_: True)
    monkeypatch.setattr(TipAgreement, "_is_gathering", lambda *_: False)
    lies = dict.fromkeys(range(1, 10), Lie.STALE)
    plan = LightPlan(1, lies, {}, (0,), restarts=tuple(range(14)))
    violation = play_light(plan, 10).violation
    assert violation is not None
    assert "honest node 0 has more" in violation


@pytest.mark.long
def test_a_balance_that_is_not_the_chain_s_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wallet that overlooks what spends its coins."""
    monkeypatch.setattr(WalletLedger, "watches", lambda *_: False)
    found = [run_light(seed).violation for seed in range(3, 9)]
    assert any("sat in blocks instead of" in (violation or "") for violation in found)


@pytest.mark.long
def test_the_same_seed_is_the_same_run() -> None:
    assert run_light(4).digest == run_light(4).digest != run_light(5).digest
