"""Figures of all trials: how things spread, how long clients waited, planted points, the JSON."""

from __future__ import annotations

import json

import pytest

from axon.errors import ConfigError
from axon.machine import SECOND
from axon.swarm.audit.linkgraph import LinkGraph
from axon.swarm.spof.candidates import Candidate, Mode
from axon.swarm.spof.planted import PlantedScore, read_score, score_of
from axon.swarm.spof.plot import Scale, time_ticks
from axon.swarm.spof.reportfailover import LABELS, histogram
from axon.swarm.spof.reportjson import report_json
from axon.swarm.spof.reportlinks import links_section
from axon.swarm.spof.reportspread import spread_section
from axon.swarm.spof.savedverdict import SavedVerdict, read_verdict
from axon.swarm.spof.spread import MAX_POINTS, arrivals_of
from axon.swarm.spof.verdict import Control
from axon.swarm.trialhistory import TrialHistory
from axon.swarm.trialreport import Operation
from tests.swarm.pageshape import Shape
from tests.swarm.spof.savedverdicts import history, saved

KILL_N1 = Candidate(("n1",), Mode.KILL)


def read(*failing: Candidate) -> SavedVerdict:
    return read_verdict(json.dumps(saved(*failing)))


def test_arrivals_are_told_by_their_rank() -> None:
    found = arrivals_of([second * SECOND for second in range(100, 0, -1)])
    assert [found.after_s(part) for part in (0.5, 0.9, 0.99, 1.0)] == [50, 90, 99, 100]
    assert found.mean_s() == 50.5
    assert found.points()[-1] == (100, 1.0)
    assert len(arrivals_of(range(5_000)).points()) == MAX_POINTS
    assert arrivals_of([]).to_json() == {"arrivals": 0}


def test_curves_stand_beside_what_was_published() -> None:
    drawn = "".join(spread_section([history(), history()]))
    shape = Shape(drawn)
    shape.check_pictures()
    assert shape.pictures[0].classes.count("curve") == 3, "two of ours, one of 2014"
    for said in ("March 2014", "12.6 s", "0.454 s", "13.5 s", "0.125 s", "4.000 s"):
        assert said in drawn
    assert "does not say" in "".join(spread_section([TrialHistory()]))


def test_an_operation_that_was_never_done_stands_apart() -> None:
    took = [Operation("w1", "pay", s * SECOND) for s in (10, 11, 30, 1_200, 1_201)]
    counts = histogram([*took, Operation("w1", "pay", None)])
    assert dict(zip(LABELS, counts, strict=True))["never"] == 1
    assert counts == [1, 2, 0, 0, 0, 0, 1, 1, 1]


def test_the_figures_of_a_graph_are_said_with_who_parts_it() -> None:
    tailed = LinkGraph([("a", "b"), ("b", "c"), ("c", "a"), ("c", "tail")])
    drawn = "".join(links_section(tailed))
    Shape(drawn).check_pictures()
    assert "must go until the rest is in parts (c)" in drawn
    assert "<td>0.72 to 0.92</td>" in drawn
    assert '<td class="number">1</td>' in drawn, "numbers stand at the right"


def test_the_controls_of_a_run_have_a_score() -> None:
    calm, planted = Control("calm", True, ""), Control("star", True, "", must_fail=True)
    assert score_of([calm, planted]).is_clean
    assert not score_of([calm]).is_clean, "nothing was to be found"
    missed = Control("star", False, "all held", must_fail=True)
    assert score_of([calm, missed]).missed == ("star",)
    alarm = score_of([Control("calm", False, "L1 apart"), planted])
    assert (alarm.false_alarms, alarm.is_clean) == (("calm: L1 apart",), False)


def test_a_score_is_read_as_it_was_written() -> None:
    score = PlantedScore("bench", ("star",), (), ("n3 in star",))
    assert read_score(json.dumps(score.to_json())) == score
    for text in ("", "[]", '{"schema": "axon planted score 1"}', "{" * 100_000):
        with pytest.raises(ConfigError):
            read_score(text)


def test_programs_read_the_same_as_people() -> None:
    found = json.loads(json.dumps(report_json(read(KILL_N1), "v.json")))
    assert found["schema"] == "axon swarm report 1"
    assert found["verdict"]["level"] == "SPOF FOUND"
    (witness,) = found["verdict"]["witnesses"]
    assert witness["replay"].endswith("--only 'kill n1'")
    failed, held = found["trials"][0], found["trials"][3]
    assert failed["set"] == ["n1"]
    assert failed["ops"] == {"n": 1, "ok": 0, "p50": None, "p99": None, "max_gap": 40.0}
    assert held["ops"] == {"n": 1, "ok": 1, "p50": 12.0, "p99": 12.0, "max_gap": 12.0}
    assert failed["seed"] + 2 == found["trials"][2]["seed"]
    assert found["graph"]["figures"]["vertex_connectivity"] == 2
    assert found["propagation"]["blocks"]["after"]["50%"] == 0.125
    assert found["sometimes"]["reached"]["tie"] == 3
    assert (found["planted"]["found"], found["planted"]["missed"]) == (["kill n1 in star"], [])
    assert found["failover"]["counts"][-1] == 3
    assert {"name": "n1-n2", "kind": "link"} in found["manifest"]
    assert found["commit"] == "c0ffee00"


@pytest.mark.parametrize(
    ("scale", "ticks"),
    [
        (Scale(0, 100, 0, 1), [0, 20, 40, 60, 80, 100]),
        (Scale(0, 48.0, 0, 1), [0, 10, 20, 30, 40]),
        (Scale(0.01, 100, 0, 1, is_log=True), [0.01, 0.1, 1, 10, 100]),
        (Scale(5, 5, 0, 1), [5]),
    ],
)
def test_axes_have_round_numbers(scale: Scale, ticks: list[float]) -> None:
    assert scale.ticks() == pytest.approx(ticks)


def test_times_beside_one_axis_have_one_unit() -> None:
    assert [said for _, said in time_ticks(Scale(0, 500, 0, 1))][:3] == ["0 s", "100 s", "200 s"]
    assert time_ticks(Scale(0, 3_600, 0, 1))[1:3] == [(600, "10 min"), (1_200, "20 min")]


def test_values_lie_between_the_ends_of_their_axis() -> None:
    scale = Scale(0.01, 100, 40, 640, is_log=True)
    assert [scale.at(value) for value in (0, 0.01, 1, 100, 1e9)] == [40, 40, 340, 640, 640]
