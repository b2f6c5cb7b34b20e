"""The table of checks: what holds, how it is laid out, what it says in the end."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from axon.swarm.story.checks import CLAIM_WIDTH, VALUE_WIDTH, Check, agreed, table, verdict

GOOD = Check(1, "Alice has, at nodes 1, 2", "30", "30")
BAD = Check(2, "the rule that refused the block", "bad-cb-amount", "not refused")


def test_a_check_holds_if_what_was_expected_was_seen() -> None:
    assert GOOD.holds
    assert not BAD.holds
    assert (GOOD.word, BAD.word) == ("ok", "NO")


def test_who_agrees_gives_one_answer() -> None:
    assert agreed(["30", "30", "30"]) == "30"
    assert agreed(["30", "0", "30"]) == "30 | 0 | 30"


def test_the_table_names_all_and_aligns_its_columns() -> None:
    lines = table([GOOD, BAD])
    assert lines == [
        "act  what was checked                 expected       seen",
        "-" * len(lines[3]),
        "  1  Alice has, at nodes 1, 2         30             30           ok",
        "  2  the rule that refused the block  bad-cb-amount  not refused  NO",
    ]


WORDS = st.lists(
    st.text("abcdefghij", min_size=1, max_size=VALUE_WIDTH), min_size=1, max_size=20
).map(" ".join)


@given(st.lists(st.builds(Check, st.integers(1, 6), WORDS, WORDS, WORDS), min_size=1, max_size=5))
def test_no_word_is_lost_and_no_line_is_too_long(checks: list[Check]) -> None:
    lines = table(checks)
    assert max(map(len, lines)) <= 3 + CLAIM_WIDTH + 2 * VALUE_WIDTH + 4 * 2 + 2
    told = sorted(word for line in lines[2:] for word in line.split())
    wanted = [
        f"{item.step} {item.claim} {item.expected} {item.seen} {item.word}" for item in checks
    ]
    assert told == sorted(" ".join(wanted).split())


def test_a_long_answer_goes_on_below() -> None:
    lines = table([Check(3, "payments that wait", "none", "..11111111 ..22222222 ..33333333")])
    assert [line.split() for line in lines[2:]] == [
        ["3", "payments", "that", "wait", "none", "..11111111", "..22222222", "NO"],
        ["..33333333"],
    ]


def test_the_verdict_counts_what_does_not_hold() -> None:
    assert verdict([GOOD]) == "All 1 checks hold."
    assert verdict([GOOD, BAD]) == "1 of 2 checks do not hold."
    assert verdict([]) == "Nothing was checked."
