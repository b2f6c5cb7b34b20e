"""The report: every scene, check and act is in it, and it needs nothing but itself."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.swarm.story.checks import Check
from axon.swarm.story.record import Actor, ActorKind, Sample, Scene, Standing, StoryRecord, ToldLine
from axon.swarm.story.report import render
from axon.swarm.story.reportchart import Span, chart
from axon.swarm.story.reportpicture import COLOURS, atlas, network
from axon.swarm.story.story import FinishedStep, Outcome
from tests.swarm.pageshape import Shape

LOW, HIGH, RIVAL = (Standing(n, t * 32) for n, t in ((104, "0a"), (105, "0b"), (105, "0c")))


def node(number: int, standing: Standing | None) -> Actor:
    return Actor(f"node {number}", ActorKind.NODE, standing)


def wallet(name: str, standing: Standing | None, holds: str = "30") -> Actor:
    return Actor(name, ActorKind.WALLET, standing, holds)


def scene(*actors: Actor, step: int = 1, caption: str = "after", links: int = 0) -> Scene:
    names = [actor.name for actor in actors]
    return Scene(
        step, caption, 1.0, actors, tuple((names[0], name) for name in names[1 : links + 1])
    )


def test_everybody_is_in_the_picture_and_the_dead_are_crossed() -> None:
    shown = scene(node(1, LOW), node(2, None), wallet("Alice", LOW, "50"), links=2)
    picture = network(shown, atlas([shown]))
    for told in ("node 1", "node 2", "Alice", "block 104", "has 50", "dead", "after"):
        assert f">{told}<" in picture
    shape = Shape(picture)
    assert shape.tags.count("circle") == 3
    assert shape.classes.count("link") == 2
    assert shape.classes.count("cross") == 2
    assert "alive: node 1, Alice; dead: node 2; linked: node 1 and node 2" in picture


def test_who_pays_whom_directly_is_drawn_and_said() -> None:
    bare = scene(node(1, None), wallet("Alice", LOW), wallet("Bob", LOW))
    shown = replace(bare, handed=(("Alice", "Bob"),))
    picture = network(shown, atlas([shown]))
    assert Shape(picture).classes.count("handed") == 1
    assert "linked: nobody; paying directly: Alice to Bob" in picture
    assert "paying directly" not in network(bare, atlas([bare]))


def test_a_long_name_fits_into_its_circle() -> None:
    shown = scene(node(1, LOW), wallet("Alice", LOW), wallet("Mallory", LOW))
    classes = Shape(network(shown, atlas([shown]))).classes
    assert [name for name in classes if name.startswith("name")] == ["name", "name", "name long"]


def test_different_last_blocks_have_different_colours_and_names() -> None:
    shown = scene(node(1, HIGH), node(2, RIVAL), node(3, HIGH))
    picture = network(shown, atlas([shown]))
    coloured = [name for name in Shape(picture).classes if name.startswith("node tip")]
    assert coloured == ["node tip0", "node tip1", "node tip0"]
    assert picture.count("block 105 ..") == 2
    assert "..0b0b0b0b" in picture
    assert "..0c0c0c0c" in picture


def test_places_and_colours_stay_from_picture_to_picture() -> None:
    early = scene(node(1, LOW))
    late = scene(node(1, HIGH), node(2, HIGH), wallet("Alice", LOW))
    known = atlas([early, late])
    assert known.colours == {LOW.tip: 0, HIGH.tip: 1}
    assert len(set(known.places.values())) == 3
    at = re.compile(r'cx="([\d.]+)" cy="([\d.]+)"')
    assert at.findall(network(early, known))[0] == at.findall(network(late, known))[0]


def test_nobody_yet_is_said() -> None:
    assert "nothing yet" in network(scene(), atlas([]))


def sample(at_s: float, *standings: Standing | None) -> Sample:
    return Sample(at_s, tuple((f"node {n}", each) for n, each in enumerate(standings, start=1)))


def steps(drawn: str) -> list[str]:
    return re.findall(r'<path d="(M[^"l]*)"></path>', drawn)


def test_a_line_goes_in_steps_and_a_death_cuts_it() -> None:
    samples = [
        sample(0.0, Standing(0, "")),
        sample(1.0, LOW),
        sample(2.0, None),
        sample(3.0, HIGH),
        sample(4.0, HIGH),
    ]
    drawn = chart(samples, [Span(1, 0.0, 2.0), Span(2, 2.0, 4.0)])
    first, second = steps(drawn)
    assert re.fullmatch(r"M44.0 [\d.]+H270.0V[\d.]+", first)
    assert re.fullmatch(r"M722.0 [\d.]+H948.0", second)
    assert Shape(drawn).classes.count("killed") == 1


def test_a_split_is_marked_at_both_nodes() -> None:
    drawn = chart([sample(0.0, LOW, LOW), sample(1.0, HIGH, RIVAL)], [Span(1, 0.0, 1.0)])
    assert Shape(drawn).tags.count("circle") == 2


STANDINGS = st.one_of(
    st.none(), st.builds(Standing, st.integers(0, 300), st.sampled_from(["aa", "bb"]))
)


@given(
    st.lists(
        st.builds(
            lambda at_s, standings: sample(at_s, *standings),
            st.floats(0, 100),
            st.lists(STANDINGS, max_size=8),
        ),
        max_size=12,
    ),
    st.lists(st.floats(0, 100), max_size=5),
)
def test_all_of_a_chart_lies_within_it(samples: list[Sample], ends: list[float]) -> None:
    samples.sort(key=lambda each: each.at_s)
    bounds = [0.0, *sorted(ends)]
    spans = [
        Span(number, begin, end) for number, (begin, end) in enumerate(pairwise(bounds), start=1)
    ]
    drawn = chart(samples, spans)
    Shape(drawn)
    for x, y in re.findall(r"M([-\d.]+) ([-\d.]+)", drawn):
        assert 0 <= float(x) <= 960
        assert 0 <= float(y) <= 300


def outcome(
    *checks: Check, scenes: tuple[Scene, ...] = (), told: tuple[ToldLine, ...] = ()
) -> Outcome:
    record = StoryRecord(scenes, (sample(0.5, LOW), sample(1.5, HIGH)), told)
    steps = (FinishedStep("One cell", 0.0, 1.0), FinishedStep("Two neurons", 1.0, 2.25))
    return Outcome(steps, checks, 3.25, record)


GOOD = Check(1, "Alice has, by node 1", "30", "30")
BAD = Check(2, "who lives & serves <all>", "node 1", "nobody")


def test_a_report_tells_all() -> None:
    scenes = (
        scene(node(1, LOW), caption="before"),
        scene(node(1, LOW), wallet("Bob", LOW), step=2, caption="the end", links=1),
    )
    told = (ToldLine(1, "Node 1 finds a block."), ToldLine(1, GOOD), ToldLine(2, BAD))
    page = render(outcome(GOOD, BAD, scenes=scenes, told=told), "2026-11-26 08:00")
    for part in (
        "1 of 2 checks do not hold.",
        "2 acts in 3.2 s, 2026-11-26 08:00. 1 nodes and 1 wallets",
        "Act 1. One cell",
        "Act 2. Two neurons",
        "Node 1 finds a block.",
        "the end",
        "who lives &amp; serves &lt;all&gt;: nobody (expected: node 1)",
        "2.2 s",
    ):
        assert part in page
    assert page.count("who lives &amp; serves &lt;all&gt;") == 2  # In its act and in the table.
    shape = Shape(page)
    assert shape.classes.count("scenes") == 2
    assert "bad" in shape.classes


def test_a_report_needs_nothing_but_itself() -> None:
    page = render(outcome(GOOD), "now")
    shape = Shape(page)
    assert "All 1 checks hold." in page
    assert shape.links == []
    assert not {"script", "link", "img", "iframe"} & set(shape.tags)
    assert "url(" not in page
    assert "http" not in page
    assert "prefers-color-scheme: dark" in page


@pytest.mark.parametrize("prefix", ["tip", "node"])
def test_every_colour_is_in_the_style(prefix: str) -> None:
    page = render(outcome(GOOD), "now")
    used = COLOURS if prefix == "tip" else 6
    for number in range(used):
        assert f".{prefix}{number} {{ color:" in page
