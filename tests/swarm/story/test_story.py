"""The story with real processes: it holds, and however it ends, no process is left."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from html import escape
from pathlib import Path

import pytest

from axon.swarm.lab.processes import NodeFailed, wait_until
from axon.swarm.story.checks import Check
from axon.swarm.story.record import ActorKind, Scene
from axon.swarm.story.report import render
from axon.swarm.story.runner import Listener, StoryRunner
from axon.swarm.story.steps import invalidblock
from axon.swarm.story.story import Outcome, Step, tell

# The whole story is told once, for whichever test asks first.
pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]


class Notes(Listener):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.lines: list[str] = []
        self.checks: list[Check] = []

    def step(self, number: int, title: str) -> None:
        self.steps.append(f"{number} {title}")

    def say(self, line: str) -> None:
        self.lines.append(line)

    def check(self, item: Check) -> None:
        self.checks.append(item)


def living(folder: Path) -> list[str]:
    """The command lines of all processes whose files are in a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # It has just ended.
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if f"-datadir={folder}" in line:
                found.append(line)
    return found


@pytest.fixture(scope="module", name="whole")
def whole_fixture(tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, Notes]:
    """The whole story, told once."""
    folder, notes = tmp_path_factory.mktemp("story"), Notes()
    outcome = tell(folder, notes)
    assert living(folder) == []
    return outcome, notes


def test_the_whole_story_holds(whole: tuple[Outcome, Notes]) -> None:
    outcome, notes = whole
    assert [item for item in outcome.checks if not item.holds] == []
    assert outcome.holds
    assert list(outcome.checks) == notes.checks
    assert notes.steps == [
        "1 One cell",
        "2 Two neurons",
        "3 Three nodes, one ledger",
        "4 A late joiner",
        "5 The cheat",
        "6 Two blocks at once",
        "7 The fixed address",
        "8 Last survivor",
        "9 Regrowth",
        "10 The outer ring",
        "11 The verdict",
    ]
    refused = [item.seen for item in outcome.checks if item.claim.startswith("the rule that")]
    assert refused == [invalidblock.RULE]
    survivors = [item.seen for item in outcome.checks if item.claim == "who lives"]
    assert survivors == ["node 1", "node 2", "node 3", "node 4"]


def scenes(outcome: Outcome, step: int) -> list[Scene]:
    return [scene for scene in outcome.record.scenes if scene.step == step]


def test_what_happened_is_written_down(whole: tuple[Outcome, Notes]) -> None:
    outcome, notes = whole
    record = outcome.record
    for number in range(1, 12):
        captions = [scene.caption for scene in scenes(outcome, number)]
        assert (captions[0], captions[-1]) == ("before", "after")
    assert [item.what for item in record.told if isinstance(item.what, str)] == notes.lines
    assert [item.what for item in record.told if isinstance(item.what, Check)] == notes.checks
    moments = [sample.at_s for sample in record.samples]
    assert moments == sorted(moments)
    assert 0 < moments[0] < moments[-1] < outcome.seconds + 1
    top = max(item.height for sample in record.samples for _, item in sample.standings if item)
    *_, coins = [item for item in notes.checks if item.step == 9]
    assert f"all coins of the {top - 2} blocks" in coins.claim, "the outer ring needs two more"
    assert [item.seen for item in notes.checks[-2:]] == ["none", "n1"]

    split = next(scene for scene in scenes(outcome, 6) if scene.caption == "the ledger has split")
    standings = {actor.name: actor.standing for actor in split.actors}
    assert standings["node 1"] == standings["node 2"] == standings["Alice"]
    assert standings["node 3"] == standings["node 4"] == standings["Bob"]
    assert standings["node 1"] != standings["node 3"]


def test_each_survivor_is_seen_alone_with_all_wallets(whole: tuple[Outcome, Notes]) -> None:
    outcome, _ = whole
    for scene in scenes(outcome, 8)[1:-1]:
        alive = [
            a.name for a in scene.actors if a.kind is ActorKind.NODE and a.standing is not None
        ]
        assert scene.caption == f"{alive[0]} alone"
        assert len(alive) == 1
        assert sorted(scene.links) == [(name, alive[0]) for name in ("Alice", "Bob", "Carol")]


def test_wallets_pay_each_other_while_no_node_lives(whole: tuple[Outcome, Notes]) -> None:
    outcome, _ = whole
    meeting, refused = scenes(outcome, 10)[1:-1]
    standings = {actor.name: actor.standing for actor in meeting.actors}
    assert [standings[f"node {number}"] for number in range(1, 5)] == [None] * 4
    assert (meeting.links, meeting.handed) == ((), (("Alice", "Bob"),))
    assert refused.handed == (("Mallory", "Bob"),)
    assert "Mallory" not in [actor.name for scene in scenes(outcome, 9) for actor in scene.actors]
    seen = {item.claim: item.seen for item in outcome.checks if item.step == 10}
    (before,) = [item.height for name, item in standings.items() if name == "Bob" and item]
    assert seen["how much of it Bob's wallet was shown"] == f"funded, up to block {before}"
    mallory = seen["Mallory's payment, by the wallets of Bob, Mallory"]
    assert mallory.startswith(f"refused: spent in block {before + 1} by ..")


def test_its_report_shows_it(whole: tuple[Outcome, Notes]) -> None:
    outcome, notes = whole
    page = render(outcome, "now")
    assert f"All {len(outcome.checks)} checks hold." in page
    for number, step in enumerate(outcome.steps, start=1):
        assert f"Act {number}. {step.title}" in page
    assert page.count("<figure") == 1 + len(outcome.record.scenes)
    for line in notes.lines:
        assert escape(line) in page


def test_an_act_that_breaks_is_a_check_that_fails_and_ends_the_story(tmp_path: Path) -> None:
    def broken(runner: StoryRunner) -> None:
        runner.new_nodes(1)
        raise NodeFailed("the sky fell")

    def never(_stage: StoryRunner) -> None:
        raise AssertionError("the story has ended")

    notes = Notes()
    outcome = tell(tmp_path, notes, (Step("Broken", broken), Step("Never", never)))
    assert [(item.expected, item.seen) for item in outcome.checks] == [("yes", "no: the sky fell")]
    assert not outcome.holds
    assert [step.title for step in outcome.steps] == ["Broken"]
    assert living(tmp_path) == []


def test_what_is_not_seen_in_time_fails(tmp_path: Path) -> None:
    def late(runner: StoryRunner) -> None:
        runner.until("the answer", "42", lambda: "41", limit_s=0.1)

    outcome = tell(tmp_path, Notes(), (Step("Late", late),))
    assert outcome.checks[0] == Check(1, "the answer", "42", "41")
    assert not outcome.holds


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_end_it_ends_what_it_started(number: signal.Signals, tmp_path: Path) -> None:
    told, kept = tmp_path / "told.txt", tmp_path / "kept"
    command = [sys.executable, "-m", "axon", "demo", "--no-report", "--keep", str(kept)]
    with told.open("wb") as out:
        demo = subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True)
    try:
        wait_until(lambda: "Node 1 finds blocks" in told.read_text(), 60, "wallets are open")
        assert len(living(kept)) == 4  # A node and three wallets.
        demo.send_signal(number)
        assert demo.wait(30) == 130
    finally:
        demo.kill()
        demo.wait()
    assert living(kept) == []
    assert "every process that was started here has been ended" in told.read_text()
    assert (kept / "node1" / "regtest" / "debug.log").exists()
