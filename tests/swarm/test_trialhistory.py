"""The history of a trial: bounded, and told to a file and back."""

from __future__ import annotations

import json

import pytest

from axon.errors import ConfigError
from axon.swarm.spof.savedhistory import history_of, resources_of
from axon.swarm.trialhistory import (
    MAX_DELAYS,
    MAX_LINES,
    MAX_LINKS,
    HistoryLine,
    LineType,
    TipSeen,
    TrialHistory,
    TrialPhase,
    link_of,
)
from axon.swarm.trialreport import Resources

INVOKED = HistoryLine(1_500_000, "w1", "pay", LineType.INVOKE)


def small() -> TrialHistory:
    history = TrialHistory(heals_at_us=60_000_000, ends_at_us=90_000_001)
    history.add_line(INVOKED)
    history.add_line(HistoryLine(9_000_000, "w1", "pay", LineType.OK, "5e0f"))
    history.add_tip(TipSeen(0, "n1", 112, "0badf00d"))
    history.add_tip(TipSeen(2_000_000, "n1", -1, ""))
    history.add_delay(history.block_delays_us, 125_000)
    history.set_links(TrialPhase.BEFORE, {link_of("n2", "n1"): None, ("n1", "w1"): None})
    return history


def test_a_file_gives_back_what_it_was_given() -> None:
    history, resources = small(), Resources(1.5, 1.25, 40_000, {"n1": (0.5, 20_000)})
    assert history_of(json.loads(json.dumps(history.to_json()))) == history
    assert resources_of(json.loads(json.dumps(resources.to_json()))) == resources


def test_what_is_too_much_is_left_out_and_counted() -> None:
    history = TrialHistory()
    for _ in range(MAX_LINES + 3):
        history.add_line(INVOKED)
    for _ in range(MAX_DELAYS + 2):
        history.add_delay(history.block_delays_us, 1)
    history.set_links(TrialPhase.HELD, {(f"n{n:05}", "x"): None for n in range(MAX_LINKS + 1)})
    assert (len(history.lines), len(history.block_delays_us)) == (MAX_LINES, MAX_DELAYS)
    assert len(history.links[TrialPhase.HELD]) == MAX_LINKS
    assert history.left_out == 6
    history_of(json.loads(json.dumps(history.to_json())))


@pytest.mark.parametrize(
    "harm",
    [
        {"lines": [[0, "w1", "pay", "ok", ""]] * (MAX_LINES + 1)},
        {"lines": [[-1, "w1", "pay", "ok", ""]]},
        {"lines": [[0, "w1", "pay", "done", ""]]},
        {"tips": [[0, "n1", 1.5, ""]]},
        {"links": {"later": []}},
        {"block_delays": [None]},
        {"left_out": -1},
    ],
    ids=str,
)
def test_what_is_no_history_is_refused(harm: dict[str, object]) -> None:
    with pytest.raises((ConfigError, ValueError)):
        history_of({**small().to_json(), **harm})
