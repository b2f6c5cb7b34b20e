"""The page of a verdict: all of it, in order, harmless, and never more than was tried."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from axon.errors import ConfigError
from axon.swarm.spof.candidates import Candidate, Mode
from axon.swarm.spof.keeping import MAX_FAILING, MAX_SAMPLED
from axon.swarm.spof.planted import PlantedScore
from axon.swarm.spof.plants import PLANTS, organic
from axon.swarm.spof.report import render
from axon.swarm.spof.savedverdict import read_verdict
from tests.swarm.pageshape import Shape
from tests.swarm.spof.savedverdicts import saved

KILL_N1 = Candidate(("n1",), Mode.KILL)
PAIR = Candidate(("n1", "n2"), Mode.KILL)
HOSTILE = "</title></style><script src=//x.example>\u202e" + "y" * 5_000


def page_of(data: dict[str, Any], source: str = "v.json") -> str:
    return render(read_verdict(json.dumps(data)), source)


@pytest.fixture(scope="module")
def found() -> str:
    return page_of(saved(KILL_N1))


def test_the_sections_stand_in_the_order_in_which_one_asks(found: str) -> None:
    names = re.findall(r'<section id="([a-z]+)"', found)
    assert names == [
        *("claim", "inventory", "verdict", "controls", "matrix", "witnesses", "sometimes"),
        *(
            "foretold",
            "left",
            "limits",
            "picture",
            "links",
            "spread",
            "failover",
            "sample",
            "resources",
        ),
        "trials",
    ]


def test_the_claim_sheet_says_on_what_it_rests(found: str) -> None:
    for said in (
        "4 nodes",
        "<td>1, 2, 3</td>",
        "pay: w1",
        "0.1.0",
        "Linux x86_64, 2 cores",
        "c0ffee00",
        "2,400 s",
        "30.50 s",
    ):
        assert said in found
    data = saved()
    del data["machine"]
    assert "the file does not say" in page_of(data)


def test_each_cell_leads_to_its_trial(found: str) -> None:
    Shape(found).check_harmless()
    assert '<td class="bad"><a href="#t0">fails L3</a></td>' in found
    assert re.search(r'<td class="good"><a href="#t1">holds</a><small> 1%</small></td>', found)


def test_a_witness_has_its_plan_and_the_command_that_replays_it(found: str) -> None:
    assert "kill n1: " in found
    assert "fails, 3 of 3 times" in found
    assert "L3 service: w1 cannot pay" in found
    assert "&quot;op&quot;: &quot;kill&quot;, &quot;target&quot;: &quot;n1&quot;" in found
    again = "axon swarm spof --network v.json --seed 7 --only &#x27;kill n1&#x27;"
    assert again in found


def test_the_command_is_for_the_same_backend_and_quotes_the_file() -> None:
    data = saved(KILL_N1)
    data["backend"] = "proc"
    page = page_of(data, "a b; rm.json")
    assert "--network &#x27;a b; rm.json&#x27; --seed 7 --backend proc --only" in page
    assert "One host, one kernel" in page


def test_a_trial_tells_findings_and_operations(found: str) -> None:
    assert "Attempt 3 of 3" in found
    assert "at 0 s kill n1" in found
    assert "at 0 s restart n1" in found
    assert '<span class="bad">never</span>' in found
    assert "Fingerprint of the run: 0badf00d" in found


def test_sets_of_nodes_are_counted_by_size_and_failing_ones_named() -> None:
    page = page_of(saved(PAIR))
    assert "1-RESILIENT" in page
    assert "<td>2 at once</td>" in page
    assert re.search(r'<a href="#t\d+">kill n1 n2</a><span class="bad"> fails</span>', page)


def test_a_verdict_without_a_failure_says_what_it_leaves_out() -> None:
    page = page_of(saved())
    assert '<div class="banner good"><strong>SWARM, NONE FOUND up to 3 nodes' in page
    assert "Every set of up to 3 nodes was killed, and nothing failed." in page
    possible = (
        "Tried of what is possible: 58 of 58 single harms; 6 of 6 sets of 2 nodes killed; 4 of 4"
    )
    assert possible in page
    assert "Left out: several components at once that are not all nodes" in page
    assert "Nothing that was tried fails each time." in page


def test_nodes_of_another_program_are_counted_and_no_longer_left_out() -> None:
    ours = saved()
    assert "programs other than axon" in page_of(ours)
    first, *others = organic(4).nodes
    mixed = replace(organic(4), nodes=(replace(first, bitcoind=True), *others))
    page = page_of(saved(network=mixed) | {"backend": "netns"})
    assert "4 nodes (1 bitcoind)" in page
    assert "each in a network namespace" in page
    assert "programs other than axon" not in page


def test_a_part_that_holds_does_not_decide_the_claim() -> None:
    data = saved()
    data["trials"] = data["trials"][:1]
    data |= {"level": "NONE FOUND", "sentence": "NONE FOUND: 1 harm held.", "k_exhaustive": 0}
    page = page_of(data)
    assert '<div class="banner open"><strong>NONE FOUND' in page
    assert "So the claim is not decided" in page
    assert "Not every node was killed alone" in page


def test_a_node_whose_death_is_too_much_is_said() -> None:
    death = "There is a node whose death alone the network does not bear."
    assert death in page_of(saved(KILL_N1))
    assert death not in page_of(saved())


def test_a_verdict_whose_control_failed_is_no_good_one() -> None:
    data = saved()
    data["controls"][0]["passed"] = False
    data["level"], data["sentence"] = "INCONCLUSIVE", "INCONCLUSIVE: a control failed."
    page = page_of(data)
    assert '<div class="banner open">' in page
    assert "NOT as it must be" in page


def test_whatever_the_file_says_is_text() -> None:
    data = saved(KILL_N1)
    data["network"]["name"] = data["sentence"] = data["machine"] = HOSTILE
    data["exclusions"] = data["undecided"] = [HOSTILE]
    data["controls"][0] |= {"about": HOSTILE, "said": HOSTILE}
    attempt = data["trials"][0]["attempts"][0]
    attempt["invariants"]["L3"] |= {"said": HOSTILE, "unit": HOSTILE}
    attempt["operations"][0] |= {"client": HOSTILE, "what": HOSTILE}
    attempt |= {"digest": HOSTILE, "notes": [HOSTILE]}
    for place in (0, 1):
        past = data["trials"][place]["attempts"][0]["history"]
        past["lines"] = [[0, HOSTILE, HOSTILE, "invoke", HOSTILE]]
        past["tips"] = [[0, HOSTILE, 1, HOSTILE], [1, HOSTILE, 2, HOSTILE]]
        past["links"] = {"before": [[HOSTILE, "n1"]]}
    data["trials"][0]["attempts"][0]["resources"]["programs"] = {HOSTILE: [1, 1]}
    page = page_of(data)
    shape = Shape(page)
    shape.check_harmless()
    assert "\u202e" not in page
    assert "y" * 2_001 not in page


def test_the_names_of_a_network_are_names() -> None:
    data = json.loads(json.dumps(saved(KILL_N1)).replace('"n1"', '"<i onload=x>"'))
    with pytest.raises(ConfigError, match="'<i onload=x>' is no name of a component"):
        page_of(data)


@pytest.mark.parametrize("failing", [(), (KILL_N1,)])
def test_no_page_says_that_something_is_certain(failing: tuple[Candidate, ...]) -> None:
    assert not re.search(r"prove[ds]?\b|guarantee", page_of(saved(*failing)), re.IGNORECASE)


@pytest.mark.long
@pytest.mark.parametrize("name", PLANTS)
def test_every_planted_network_has_a_page(name: str) -> None:
    data = saved(network=PLANTS[name].make(8))
    for each in data["trials"][1:]:
        each["attempts"][0].pop("history", None)  # One is as good as all, and quicker.
    shape = Shape(page_of(data))
    shape.check_harmless()
    shape.check_pictures()


def test_a_verdict_without_histories_has_a_page_that_says_so() -> None:
    data = saved(KILL_N1)
    for part in (*data["controls"], *(run for each in data["trials"] for run in each["attempts"])):
        for name in ("history", "resources", "sometimes"):
            part.pop(name, None)
    page = page_of(data)
    Shape(page).check_pictures()
    for said in (
        "does not say who was linked",
        "does not say how blocks and transactions spread",
        "No history of a trial that holds was kept",
        "does not say what the trials took",
        "Nobody looked in these trials",
    ):
        assert said in page


def test_the_score_of_planted_points_is_shown() -> None:
    whole = PlantedScore("bench", ("star",), ("one-seed",), ("n3 in one-seed",))
    page = render(read_verdict(json.dumps(saved())), "v.json", whole)
    assert "missed: one-seed" in page
    assert "false alarm: n3 in one-seed" in page
    assert "axon swarm report --planted FILE" not in page


def test_a_page_stays_small_however_many_trials_there_are() -> None:
    network = organic(9)
    failing = [Candidate((f"n{n}",), Mode.KILL) for n in range(1, 9)]
    data = saved(*failing, network=network)
    page = page_of(data)
    pictured = sum("history" in run for each in data["trials"] for run in each["attempts"])
    assert pictured <= MAX_FAILING + MAX_SAMPLED
    assert page.count('class="lane') < 40 * (pictured + 1)
    assert len(page) < 4_000 * len(data["trials"]) + 60_000 * (pictured + 1)
