"""What pages are told: a run, what becomes of it, what travels, and the verdict as it grows."""

from __future__ import annotations

from typing import Any

from axon.swarm.dash.board import MAX_LINES, Board, PageMessage
from axon.swarm.dash.orders import Deed, PageOrder
from axon.swarm.dash.travel import Sighting
from axon.swarm.invariants import Finding
from axon.swarm.lab.nodeprocess import ProcessState
from tests.swarm.dash.runs import GENESIS, ONE, looked, planned

NAMES = ("n1", "n2", "n3", "n4")


def kinds(messages: list[PageMessage]) -> list[str]:
    return [message.kind for message in messages]


def data(messages: list[PageMessage], kind: str) -> Any:
    """Of the last message of a kind."""
    return next(message.data for message in reversed(messages) if message.kind == kind)


def components(messages: list[PageMessage]) -> dict[str, dict[str, Any]]:
    return {item["name"]: item for item in data(messages, "frame")["components"]}


def said(board: Board) -> list[str]:
    return [message.data["said"] for message in board.greeting() if message.kind == "line"]  # type: ignore[index]


def test_a_run_is_told_once_and_again_when_it_changes() -> None:
    manifest, board = planned(4, miners=1, wallets=1), Board()
    told = board.looked(looked(manifest, 0))
    assert kinds(told) == ["frame"]
    shown = components(told)
    assert list(shown) == [*NAMES, "m1", "w1"]
    assert {item["state"] for item in shown.values()} == {"running"}
    assert {shown[name]["colour"] for name in (*NAMES, "w1")} == {0}
    frame = data(told, "frame")
    assert sorted(map(sorted, frame["links"])) == [
        ["n1", "n2"],
        ["n1", "n4"],
        ["n1", "w1"],
        ["n2", "n3"],
        ["n3", "n4"],
    ]
    assert board.looked(looked(manifest, 1)) == []
    told = board.looked(looked(manifest, 2, {"n2": ProcessState.DIED, "m1": ProcessState.ENDED}))
    assert kinds(told) == ["line", "line", "frame"]
    assert said(board) == ["n2 died by itself", "m1 has ended"]
    assert "tip" not in components(told)["n2"]


def test_a_block_is_told_on_its_way_and_where_it_is_everywhere() -> None:
    manifest, board = planned(4, miners=1), Board()
    board.looked(looked(manifest, 0), NAMES)
    for name in NAMES:
        board.saw(Sighting(name, 1, GENESIS, 0, frozenset()))
    assert board.settle() == []
    for at, name in enumerate(NAMES):
        board.saw(Sighting(name, 10 + at, ONE, 1, frozenset()))
    told = board.settle()
    assert kinds(told) == ["travel", "line", "line"]
    ways = [(each["source"], each["target"], each["colour"]) for each in data(told, "travel")]
    assert ways == [("m1", "n1", 1), ("n1", "n2", 1), ("n2", "n3", 1), ("n1", "n4", 1)]
    assert [line.rpartition(" after ")[0] or line for line in said(board)] == [
        "block 1 ..11111111 comes up at n1, where m1 mines",
        "block 1 ..11111111 is at all 4 nodes",
    ]
    shown = components(board.looked(looked(manifest, 5), NAMES))
    assert {shown[name]["tip"] for name in NAMES} == {ONE}, "what was seen since is newer"


def test_a_cut_is_told_and_its_end() -> None:
    manifest, board = planned(4), Board()
    board.looked(looked(manifest, 0))
    cut = planned(4)
    cut.sides = (("n1",), ("n2", "n3", "n4"))
    board.looked(looked(cut, 1))
    board.looked(looked(manifest, 2))
    assert said(board) == [
        "the network is cut: n1 | n2 n3 n4",
        "the network is whole again",
    ]


def test_a_run_that_goes_is_told_once_and_comes_back_as_a_new_one() -> None:
    manifest, board = planned(3), Board()
    board.looked(looked(manifest, 0))
    told = board.gone("no run is up", 1)
    assert kinds(told) == ["gone", "line"]
    assert board.gone("no run is up", 2) == []
    assert kinds(board.greeting())[0] == "gone"
    assert board.settle() == []
    assert kinds(board.looked(looked(manifest, 3))) == ["frame"]


def test_a_page_that_comes_later_hears_all() -> None:
    board = Board({"sentence": "none found"})
    assert kinds(board.greeting()) == ["order", "check", "verdict"]
    board.looked(looked(planned(3), 0))
    board.order_began(PageOrder(Deed.KILL, ("n1",)))
    board.order_ended("n1 does not let itself be killed", 1, failed=True)
    assert kinds(board.greeting()) == ["frame", "line", "order", "check", "verdict"]
    assert data(board.greeting(), "order")["failed"]
    for number in range(2 * MAX_LINES):
        board.order_ended(f"{number}", number, failed=False)
    assert len(said(board)) == MAX_LINES


def test_what_a_look_tells_is_not_told_twice() -> None:
    board = Board()
    assert kinds(board.order_ended("killed: n1", 1, failed=False, is_seen=True)) == ["order"]
    assert kinds(board.order_ended("not alive", 1, failed=True, is_seen=True)) == ["order", "line"]


def test_the_verdict_grows() -> None:
    board = Board()
    told = data(board.check_began(("S1", "L3")), "check")
    assert [(row["name"], row["word"]) for row in told["rows"]] == [("S1", ""), ("L3", "")]
    board.check_found(Finding("S1", True, "good"))
    told = data(board.check_found(Finding("L3", False, "w1 waits", 15, 15)), "check")
    assert [(row["name"], row["word"]) for row in told["rows"]] == [("S1", "yes"), ("L3", "NO")]
    assert told["sentence"] == "", "no word before the end"
    told = data(board.check_found(Finding("L3-cold", True, "served", 2, 30)), "check")
    assert told["rows"][-1]["measure"] == "2.00 s of 30 s"
    told = data(board.check_ended(), "check")
    assert told["sentence"].startswith("VIOLATED: L3")


def test_a_check_that_is_broken_off_says_no_word() -> None:
    board = Board()
    board.check_began(("S1", "L3"))
    board.check_found(Finding("S1", True, "good"))
    told = data(board.check_ended("it was broken off"), "check")
    assert not told["running"]
    assert told["sentence"] == ""
    assert [row["name"] for row in told["rows"]] == ["S1"], "nothing waits any more"
