"""Pictures of one trial: bars that last as long as what they tell of, forks, and few lines."""

from __future__ import annotations

from axon.machine import SECOND
from axon.swarm.faultplan import FaultPlan, Op, step
from axon.swarm.spof.plants import organic
from axon.swarm.spof.reportexcerpt import LINES, excerpt
from axon.swarm.spof.reporthistory import pictures
from axon.swarm.spof.reportriver import branches, river
from axon.swarm.spof.reporttimeline import MAX_ROWS, fault_bars, operation_bars, timeline
from axon.swarm.trialhistory import HistoryLine, LineType, TipSeen, TrialHistory
from axon.swarm.trialreport import TrialReport
from tests.swarm.pageshape import Shape
from tests.swarm.spof.savedverdicts import history

KILL = FaultPlan((step(0, Op.KILL, "n1"),))


def report_of(harm: FaultPlan, past: TrialHistory) -> TrialReport:
    return TrialReport(harm, harm.undone(), history=past)


def test_a_fault_lasts_until_it_is_taken_back() -> None:
    past = history()
    (bar,) = fault_bars(report_of(KILL, past), past)
    assert (bar.name, bar.begin_s, bar.end_s) == ("kill n1", 0, 40)
    wiped = FaultPlan.of([step(0, Op.KILL, "n1"), step(5, Op.RESTART, "n1", wipe=True)])
    (bar,) = fault_bars(report_of(wiped, past), past)
    assert (bar.name, bar.begin_s, bar.end_s) == ("kill, restart n1", 0, 5)
    past.heals_at_us = None
    (bar,) = fault_bars(report_of(KILL, past), past)
    assert bar.end_s == 90, "until the end of the trial"


def test_a_cut_is_one_bar_and_healed_as_such() -> None:
    past = history()
    cut = FaultPlan((step(0, Op.CUT, "n1,n2|n3"),))
    (bar,) = fault_bars(report_of(cut, past), past)
    assert (bar.name, bar.end_s) == ("cut n1,n2|n3", 40)


def test_an_operation_lasts_until_it_is_done_or_given_up() -> None:
    read, pay = operation_bars(history())
    assert (read.name, read.end_s, read.is_done) == ("w1 read", 14, True)
    assert (pay.end_s, pay.is_done, pay.refused_s) == (30, True, (20,))
    _, pay = operation_bars(history(fails=True))
    assert (pay.end_s, pay.is_done) == (40, False)


def test_the_picture_and_the_words_say_the_same() -> None:
    past = history(fails=True)
    drawn = timeline(report_of(KILL, past), past)
    (picture,) = Shape(drawn).pictures
    assert picture.classes.count("harm") >= 2, "a bar, and the line where it is taken back"
    assert (picture.classes.count("bad"), "never" in picture.texts) == (3, True)
    for said in ("<td>kill n1</td>", "40.0 s", "never done", "<td>w1 pay</td>"):
        assert said in drawn


def test_only_so_many_operations_are_drawn() -> None:
    past = TrialHistory(ends_at_us=SECOND)
    for number in range(MAX_ROWS + 5):
        past.add_line(HistoryLine(0, f"w{number}", "pay", LineType.INVOKE))
    drawn = timeline(report_of(KILL, past), past)
    assert "5 more are not drawn" in drawn
    Shape(drawn).check_pictures()


def tips(*seen: tuple[str, int, str]) -> list[TipSeen]:
    return [TipSeen(at, *each) for at, each in enumerate(seen)]


def test_what_most_stood_on_is_the_main_chain_and_the_rest_are_branches() -> None:
    seen = tips(("n1", 1, "a"), ("n2", 1, "a"), ("n3", 1, "x"), ("n3", 2, "y"), ("n1", 2, "b"))
    seen += tips(("n2", 2, "b"), ("n4", 1, "z"), ("n3", 3, "c"), ("n5", -1, ""))
    assert branches(seen) == {(1, "x"): 1, (2, "y"): 1, (1, "z"): 2}
    assert branches(tips(("n1", 1, "a"), ("n2", 1, "a"))) == {}


def test_of_two_blocks_with_as_many_nodes_the_later_one_is_the_main_chain() -> None:
    seen = tips(("n1", 1, "a"), ("n2", 1, "b"), ("n1", 1, "b"))
    assert branches(seen) == {(1, "a"): 1}
    assert branches(tips(("n1", 1, "a"), ("n2", 1, "b"))) == {(1, "a"): 1}


def test_lanes_are_coloured_where_they_fork_and_empty_where_nobody_runs() -> None:
    drawn = river(history(forks=True))
    (picture,) = Shape(drawn).pictures
    assert picture.classes.count("branch1") == 1
    assert "branch 1: 113 ..0ddba115" in drawn
    assert "<td>the main chain only</td>" in drawn
    plain = river(history())
    assert "branch1" not in Shape(plain).classes
    assert ">no</td>" in plain, "n1 no longer runs"


def test_an_excerpt_ends_with_the_first_that_does_not_hold() -> None:
    past = history(fails=True)
    assert [line.client for line in excerpt(past)][-1] == "judge"
    past.lines[1:1] = [HistoryLine(1, "n2", "block", LineType.INFO, "113")] * 100
    past.lines.append(HistoryLine(50 * SECOND, "judge", "L6", LineType.FAIL, "later"))
    found = excerpt(past)
    assert len(found) == LINES
    assert found[0].client == "nemesis"
    assert (found[-1].what, found[-1].said) == ("L3", "w1 cannot pay")
    assert HistoryLine(1_200, "w1", "pay", LineType.INVOKE) in found, "it was never done"


def test_links_that_went_and_came_are_told_apart() -> None:
    shown = pictures(report_of(KILL, history()), organic(4, wallets=1), ("n1",))
    shape = Shape("".join(shown))
    shape.check_pictures()
    held = shape.pictures[3]
    assert held.title.endswith("4 links, 2 of those before are gone, 1 are new")
    assert (held.classes.count("lost"), held.classes.count("new")) == (2, 1)
    assert held.classes.count("harm") == 1
    assert pictures(TrialReport(KILL, KILL), organic(4), ()) == []
