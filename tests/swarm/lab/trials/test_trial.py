"""What a trial with processes makes of what it saw."""

from __future__ import annotations

from axon.machine import MINUTE
from axon.swarm.lab.trials.trial import Convergence, are_tied, finding


def test_what_comes_too_late_does_not_hold() -> None:
    assert finding("L4", True, 9 * MINUTE, 10 * MINUTE, "", 60).holds
    late = finding("L4", True, 11 * MINUTE, 10 * MINUTE, "no block was found", 60)
    assert late.holds is False
    assert late.said == "only after 660 s of the network's clocks, 11.0 s here"
    never = finding("L4", False, 10 * MINUTE, 10 * MINUTE, "no block was found", 60)
    assert never.said == "no block was found"


def test_nodes_at_one_height_and_not_on_one_block_are_tied() -> None:
    assert are_tied({"n1": (7, "aa"), "n2": (7, "bb"), "n3": (7, "aa")}, 3)
    assert not are_tied({"n1": (7, "aa"), "n2": (7, "aa")}, 2)
    assert not are_tied({"n1": (7, "aa"), "n2": (6, "bb")}, 2), "the second may still come"
    assert not are_tied({"n1": (7, "aa"), "n2": (7, "bb")}, 3), "one has said nothing"


def test_agreement_is_that_of_the_last_look_and_counts_from_its_first() -> None:
    seen = Convergence(MINUTE)
    assert not seen.saw({"n1": (7, "aa"), "n2": (6, "bb")}, 2, 2 * MINUTE)
    assert not seen.saw({"n1": (7, "aa")}, 2, 3 * MINUTE), "one has said nothing"
    assert seen.saw({"n1": (7, "aa"), "n2": (7, "aa")}, 2, 4 * MINUTE)
    assert seen.saw({"n1": (8, "cc"), "n2": (8, "cc")}, 2, 5 * MINUTE)
    assert (seen.holds, seen.since) == (True, 4 * MINUTE)
    assert not seen.saw({"n1": (9, "dd"), "n2": (8, "cc")}, 2, 6 * MINUTE)
    assert (seen.holds, seen.since) == (False, 6 * MINUTE)
