"""What fails on a machine that is too busy is no finding, and what holds there holds."""

from __future__ import annotations

import pytest

from axon.machine import MINUTE
from axon.swarm.faultplan import FaultPlan
from axon.swarm.lab.trials.pressure import MOST_WAITING, Pressure
from axon.swarm.lab.trials.trial import finding
from axon.swarm.trialreport import TrialReport

BUSY = Pressure(1.1, 1.1 * MOST_WAITING + 0.1)
USUAL = Pressure(1.1, 7.5)


def weighed(pressure: Pressure, *, holds: bool, trouble: str = "") -> TrialReport:
    """A trial with one finding, under pressure."""
    found = finding("L4", holds, 9 * MINUTE, 10 * MINUTE, "no block was found", 60)
    report = TrialReport(FaultPlan(), FaultPlan(), [found], trouble=trouble)
    pressure.weigh(report)
    return report


def test_a_failure_counts_unless_programs_had_no_processor() -> None:
    assert weighed(USUAL, holds=False).trouble == ""
    assert weighed(BUSY, holds=False).trouble == (
        "this machine is too busy: its programs ran for 1.1 s, and waited 11.1 s for a processor"
    )


def test_what_holds_counts_in_any_case() -> None:
    assert weighed(BUSY, holds=True).trouble == ""


def test_other_trouble_is_told_first() -> None:
    assert weighed(BUSY, holds=False, trouble="a node died").trouble == "a node died"


@pytest.mark.parametrize("pressure", [Pressure(0, 0), Pressure(5, 50)])
def test_where_nothing_was_measured_failures_count(pressure: Pressure) -> None:
    assert not pressure.is_too_much
