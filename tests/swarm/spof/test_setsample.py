"""Sets that are drawn: which they are, and what they show of the rest."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from axon.errors import ConfigError
from axon.swarm.spof.candidates import Candidate, Mode
from axon.swarm.spof.plants import organic
from axon.swarm.spof.report import render
from axon.swarm.spof.reportjson import report_json
from axon.swarm.spof.savedverdict import read_verdict
from axon.swarm.spof.scope import Reach, Scope
from axon.swarm.spof.setsample import DRAWN, draw, share_bound
from tests.swarm.spof.savedverdicts import saved

NETWORK = organic(12)
NAMES = [node.name for node in NETWORK.nodes]
SIZES = range(4, 11)


def reported(data: dict[str, Any]) -> Any:
    """What the report for programs says in the end."""
    return report_json(read_verdict(json.dumps(data)), "verdict.json")["verdict"]


def test_the_bound_is_exact() -> None:
    assert share_bound(0, 59) == pytest.approx(1 - 0.05 ** (1 / 59))
    assert share_bound(0, 1) == pytest.approx(0.95)
    # Of the beta distribution: its 95th percentile for 1 + 1 and 59 - 1.
    assert share_bound(1, 59) == pytest.approx(0.07789, abs=1e-4)
    assert share_bound(59, 59) == 1.0


def test_other_sets_are_drawn_with_another_seed_and_each_once() -> None:
    first = draw(NAMES, SIZES, Random(1))
    assert first == draw(NAMES, SIZES, Random(1))
    assert first != draw(NAMES, SIZES, Random(2))
    assert len(set(first)) == DRAWN
    assert [len(each) for each in first] == sorted(len(each) for each in first)
    assert {len(each) for each in first} <= set(SIZES)


def test_where_all_sets_are_tried_none_is_drawn() -> None:
    assert not Scope(Reach.SUBSETS).drawn_sizes(10)
    assert not Scope(Reach.THREE).drawn_sizes(12)
    assert saved()["sampled"] is None
    assert reported(saved())["k_sampled"] is None
    assert reported(saved())["p95_bound"] is None


def test_what_was_drawn_bounds_what_was_not() -> None:
    data = saved(network=NETWORK, reach=Reach.SUBSETS)
    assert data["sampled"] == {"sizes": [4, 10], "possible": 3_784, "drawn": 59, "failed": 0}
    assert any(
        "59 were drawn at random and none of them fails" in each for each in data["exclusions"]
    )
    assert "Sets of 4 to 10 nodes were sampled, 59 of 3,784" in render(
        read_verdict(json.dumps(data)), "verdict.json"
    )
    found = reported(data)
    assert (found["k_exhaustive"], found["k_sampled"], found["p95_bound"]) == (1, 10, 0.0495)


def test_a_drawn_set_that_fails_counts() -> None:
    drawn = draw(NAMES, SIZES, Random(0))
    data = saved(Candidate(drawn[0], Mode.KILL), network=NETWORK, reach=Reach.SUBSETS)
    assert data["level"] == "1-RESILIENT"
    assert data["sampled"]["failed"] >= 1
    assert reported(data)["p95_bound"] > 0.0495


def test_a_sample_that_its_trials_deny_is_none() -> None:
    data = saved(network=NETWORK, reach=Reach.SUBSETS)
    data["sampled"]["drawn"] = 590
    with pytest.raises(ConfigError, match="59 drawn sets hold by its trials, and not 590"):
        read_verdict(json.dumps(data))
    data["sampled"] = {"sizes": [4, 12], "possible": 1, "drawn": 59, "failed": 0}
    with pytest.raises(ConfigError, match="no such sets are drawn"):
        read_verdict(json.dumps(data))
