"""The story with real processes: its first acts hold, and however it ends, nothing is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from axon.swarm.acts import cheat
from axon.swarm.checks import Check
from axon.swarm.processes import NodeFailed, wait_until
from axon.swarm.stage import Stage
from axon.swarm.story import ACTS, Act, Listener, tell

pytestmark = pytest.mark.process


class Notes(Listener):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.acts: list[str] = []
        self.lines: list[str] = []
        self.checks: list[Check] = []

    def act(self, number: int, title: str) -> None:
        self.acts.append(f"{number} {title}")

    def say(self, line: str) -> None:
        self.lines.append(line)

    def check(self, item: Check) -> None:
        self.checks.append(item)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def pids_in(lines: list[str]) -> list[int]:
    return [int(line.split("process ")[1].split(",")[0]) for line in lines if "process " in line]


def test_the_first_four_acts_hold(tmp_path: Path) -> None:
    notes = Notes()
    outcome = tell(tmp_path, notes, ACTS[:4])
    assert [item for item in outcome.checks if not item.holds] == []
    assert outcome.holds
    assert list(outcome.checks) == notes.checks
    assert notes.acts == [
        "1 Two neurons",
        "2 Three nodes, one ledger",
        "3 A late joiner",
        "4 The cheat",
    ]
    refused = [item.seen for item in outcome.checks if item.claim.startswith("the rule that")]
    assert refused == [cheat.RULE]
    pids = pids_in(notes.lines)
    assert len(pids) == 4
    assert not any(map(is_alive, pids))


def test_an_act_that_breaks_is_a_check_that_fails_and_ends_the_story(tmp_path: Path) -> None:
    def broken(stage: Stage) -> None:
        stage.new_nodes(1)
        raise NodeFailed("the sky fell")

    def never(_stage: Stage) -> None:
        raise AssertionError("the story has ended")

    notes = Notes()
    outcome = tell(tmp_path, notes, (Act("Broken", broken), Act("Never", never)))
    assert [(item.expected, item.seen) for item in outcome.checks] == [("yes", "no: the sky fell")]
    assert not outcome.holds
    assert [act.title for act in outcome.acts] == ["Broken"]
    assert not any(map(is_alive, pids_in(notes.lines)))


def test_what_is_not_seen_in_time_fails(tmp_path: Path) -> None:
    def late(stage: Stage) -> None:
        stage.until("the answer", "42", lambda: "41", limit_s=0.1)

    outcome = tell(tmp_path, Notes(), (Act("Late", late),))
    assert outcome.checks[0] == Check(1, "the answer", "42", "41")
    assert not outcome.holds


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_end_it_ends_what_it_started(number: signal.Signals, tmp_path: Path) -> None:
    told = tmp_path / "told.txt"
    command = [sys.executable, "-m", "axon", "demo", "--keep", str(tmp_path / "kept")]
    with told.open("wb") as out:
        demo = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
    try:
        wait_until(lambda: len(pids_in(told.read_text().splitlines())) >= 2, 60, "two nodes run")
        pids = pids_in(told.read_text().splitlines())
        assert all(map(is_alive, pids))
        demo.send_signal(number)
        assert demo.wait(30) == 130
    finally:
        demo.kill()
        demo.wait()
    assert not any(map(is_alive, pids))
    assert "every node that was started here has been ended" in told.read_text()
    assert (tmp_path / "kept" / "node1" / "regtest" / "debug.log").exists()
