"""What findings mean together, and how they are shown."""

from __future__ import annotations

import re

import pytest

from axon.errors import ConfigError
from axon.swarm.invariants import Finding, counted, told_of
from axon.swarm.lab.checking import HARMLESS, ORDER, choose
from axon.swarm.lab.verdict import WIDTH, Exit, exit_code, sentence, table

GOOD = Finding("L1", True, "all on one block", 0.25, 10.0)
BAD = Finding("L3", False, "nobody answers", culprits=("n1",))
OPEN = Finding("L2", None, "the faucet is dry")


@pytest.mark.parametrize(
    ("findings", "code", "word"),
    [
        ([GOOD], Exit.PASS, "PASS"),
        ([GOOD, BAD], Exit.VIOLATED, "VIOLATED: L3; .*n1"),
        ([BAD, OPEN], Exit.VIOLATED, "VIOLATED"),
        ([GOOD, OPEN], Exit.INCONCLUSIVE, "INCONCLUSIVE: L2"),
        ([], Exit.INCONCLUSIVE, "nothing was checked"),
    ],
)
def test_the_verdict(findings: list[Finding], code: Exit, word: str) -> None:
    assert exit_code(findings) == code
    assert re.search(word, sentence(findings))


def test_the_margin_is_what_is_left() -> None:
    assert GOOD.margin == 9.75
    assert BAD.margin is None
    assert GOOD.to_json()["margin"] == 9.75
    assert (GOOD.word, BAD.word, OPEN.word) == ("yes", "NO", "?")


def test_a_row_does_not_contradict_itself() -> None:
    """What fails for another reason than its time shows no time that it would have met."""
    early = Finding("L3", False, "w1 cannot pay", 0.25, 10.0)
    assert early.margin is None
    assert early.to_json()["margin"] is None
    (row,) = [line for line in table([early]) if line.startswith("L3")]
    assert row.split() == ["L3", "service", "NO"]
    late = Finding("L3", False, "too late", 12.0, 10.0)
    (row,) = [line for line in table([late]) if line.startswith("L3")]
    assert row.split()[2:] == ["NO", "12", "s", "10", "s", "-2.00", "s"]
    with pytest.raises(AssertionError, match="beyond its deadline"):
        Finding("L3", True, "served", 12.0, 10.0)


@pytest.mark.parametrize(("worst", "shown"), [(1, "1 node"), (2, "2 nodes"), (0, "0 nodes")])
def test_one_is_not_said_as_many(worst: int, shown: str) -> None:
    (row,) = [
        line
        for line in table([Finding("L3-plan", worst == 0, "", worst, 0, "nodes")])
        if line.startswith("L3-plan")
    ]
    numbers = re.split(r"  +", row)[3:]
    assert numbers[:2] == [shown, "0 nodes"]
    assert numbers[2] == f"-{shown}" if worst else "0 nodes"


def test_names_agree_with_their_verb() -> None:
    assert told_of(["w1"], "knows", "know") == "w1 knows"
    assert told_of(["w1", "w2"], "knows", "know") == "w1 and w2 know"
    assert told_of(["w1", "w2", "w3"], "is", "are") == "w1, w2 and w3 are"


def test_the_table_shows_all_and_no_line_is_wide() -> None:
    long = Finding("S9", True, "word " * 60, 0, 0, "cases")
    lines = table([GOOD, BAD, OPEN, long])
    assert max(map(len, lines)) <= WIDTH
    text = "\n".join(lines)
    for item in (GOOD, BAD, OPEN, long):
        assert item.title in text
    assert "0.25 s" in text
    assert "9.75 s" in text
    assert text.count("word") == 60


def test_what_was_seen_stands_below_the_title() -> None:
    lines = table([GOOD, BAD])
    (seen,) = [line for line in lines if GOOD.said in line]
    assert seen.index(GOOD.said) == lines[0].index("invariant")


def test_counting() -> None:
    assert (counted(1, "node"), counted(0, "node")) == ("1 node", "0 nodes")


@pytest.mark.parametrize(
    ("texts", "harm", "meant"),
    [
        ([], False, " ".join(HARMLESS)),
        ([], True, " ".join(ORDER)),
        (["l8", "S1"], False, "S1 L8"),
        (["S*"], False, "S1 S2 S3 S4 S5 S7 S8 S9 S10 S12 S13"),
        (["S?"], True, "S1 S2 S3 S4 S5 S6 S7 S8 S9"),
        (["L?"], False, "L1 L2 L3 L4 L7"),
    ],
)
def test_which_invariants_are_meant(texts: list[str], harm: bool, meant: str) -> None:
    assert sorted(choose(texts, harm=harm).names) == sorted(meant.split())
    assert [name for name in ORDER if name in meant.split()] == list(choose(texts, harm=harm).names)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("L9", "not eclipsed.*judged in virtual time"),
        ("X1", "there are S1, S2"),
        ("", "there is no"),
    ],
)
def test_what_is_no_invariant_is_said(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        choose([text], harm=False)
