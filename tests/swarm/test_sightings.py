"""What a set of runs came to, and what it therefore has not shown."""

from __future__ import annotations

from axon.swarm.sightings import SIGHTS, WIDTH, Sightings, over, sightings_lines


def test_a_state_that_no_run_came_to_is_undecided() -> None:
    once, often = Sightings(), Sightings()
    for sight in SIGHTS:
        often.add(sight)
    often.add("reorg")
    once.add("reorg")
    assert over([often, once])["reorg"] == 2, "runs, not times"
    lines = list(sightings_lines(over([once]), 1))
    assert lines[0] == "sometimes, in 1 run:"
    assert lines[1].split()[:2] == ["reorg", "1"]
    undecided = " ".join(lines[2:])
    assert "undecided" in undecided
    named = undecided.partition(": ")[2].replace(",", "").split()
    assert named == [sight for sight in SIGHTS if sight != "reorg"]
    assert "undecided" not in "".join(sightings_lines(over([often]), 1))
    assert all(len(line) <= WIDTH for line in lines)
    assert next(sightings_lines(Sightings(), 1)).startswith("undecided")


def test_programs_are_told_of_all_states() -> None:
    found = Sightings()
    found.add("feeler")
    assert found.to_json() == dict.fromkeys(SIGHTS, 0) | {"feeler": 1}
