"""The network as text: every node is there, and the picture fits the terminal."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from axon.swarm.lab.axonprocess import LinkView
from axon.swarm.lab.nodeprocess import NodeView, ProcessState
from axon.swarm.lab.picture import Picture, status_table, tip_letters
from axon.swarm.lab.plan import RunRequest, plan_run

ONE, OTHER = "1" * 64, "2" * 64


def seen(count: int) -> list[NodeView]:
    views = []
    for number in range(1, count + 1):
        links = (
            LinkView(f"n{number % count + 1}", 0, inbound=False),
            LinkView(f"n{(number - 2) % count + 1}", 1, inbound=True),
            LinkView("", 2, inbound=True),
        )
        views.append(
            NodeView(f"n{number}", ProcessState.RUNNING, 7, ONE, 14, links, 3, 90_000, 50_000)
        )
    return views


def test_the_most_common_tip_comes_first() -> None:
    views = [
        NodeView("n1", ProcessState.RUNNING, 1, OTHER),
        NodeView("n2", ProcessState.RUNNING, 1, ONE),
        NodeView("n3", ProcessState.RUNNING, 1, OTHER),
        NodeView("n4", ProcessState.PAUSED),
    ]
    assert tip_letters(views) == {OTHER: "A", ONE: "B"}


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("nodes", [1, 3, 30, 120])
def test_a_picture_shows_every_node_and_fits(tmp_path: Path, nodes: int, width: int) -> None:
    manifest = plan_run(tmp_path, RunRequest(nodes, miners=1), Random(1))
    lines = Picture(manifest, seen(nodes), width=width).lines()
    assert max(map(len, lines[1:])) <= max(width, 60)
    starts = [line.split()[0] for line in lines if line.split()]
    for number in range(1, nodes + 1):
        assert starts.count(f"n{number}") == 1
    assert "m1" in starts


@pytest.mark.parametrize(
    ("nodes", "width", "height"),
    [(26, 80, 23), (26, 80, 10), (3, 80, 23), (120, 80, 23), (120, 60, 15), (26, 200, 60)],
)
def test_a_picture_of_many_nodes_has_pages_that_fit(
    tmp_path: Path, nodes: int, width: int, height: int
) -> None:
    manifest = plan_run(tmp_path, RunRequest(nodes, miners=2, wallets=3), Random(1))
    manifest.sides = (tuple(item.name for item in manifest.nodes[:1]), ("n2",))
    tips = [str(number) * 64 for number in range(8)]
    views = [replace(item, tip=tips[place % 8]) for place, item in enumerate(seen(nodes))]
    held = Decimal("0.74999859")
    wallets = [
        NodeView(f"w{number}", ProcessState.RUNNING, 7, ONE, links=seen(nodes)[0].links, holds=held)
        for number in (1, 2, 3)
    ]
    picture = Picture(manifest, views, wallets, width=width, height=height)
    rows: dict[str, str] = {}
    for page in range(picture.pages):
        lines = picture.lines(page)
        assert len(lines) <= height
        assert max(map(len, lines)) <= width
        assert (f"page {page + 1} of {picture.pages}" in lines[-1]) == (picture.pages > 1)
        for line in lines:
            name, _, rest = line.partition(" ")
            if name in manifest.components:
                cells = rest.partition("links  ")[2].partition("  ")[0]
                rows[name] = rows.get(name, "") + cells
    assert set(rows) == set(manifest.components)
    assert {len(rows[item.name]) for item in (*manifest.nodes, *manifest.wallets)} == {nodes}
    assert (picture.pages == 1) == ((nodes, height) in [(3, 23), (26, 60)])


def test_wallets_stand_below_with_what_they_hold(tmp_path: Path) -> None:
    manifest = plan_run(tmp_path, RunRequest(3, miners=1, wallets=2), Random(1))
    links = (LinkView("n1", 0, inbound=False), LinkView("n3", 1, inbound=False))
    wallet = NodeView("w1", ProcessState.RUNNING, 7, ONE, links=links, holds=Decimal("0.75"))
    dead = NodeView("w2", ProcessState.ENDED)
    lines = Picture(manifest, seen(3), [wallet, dead]).lines()
    assert lines[0].startswith("3 nodes, 1 miner, 2 wallets, organic: 3 answer")
    (row,) = [line for line in lines if line.startswith("w1")]
    assert row.endswith("2 links  >.>  0.75")
    assert "w2   ended" in lines
    table = status_table(manifest, [*seen(3), wallet, dead])
    assert [line.split()[0] for line in table] == ["name", "n1", "n2", "n3", "m1", "w1", "w2"]
    assert table[-2].split()[1] == manifest.components["w1"].host


def test_links_are_drawn_from_both_ends(tmp_path: Path) -> None:
    manifest = plan_run(tmp_path, RunRequest(3), Random(1))
    rows = [line.split()[-1] for line in Picture(manifest, seen(3)).lines() if line.startswith("n")]
    assert rows == [r"\><", r"<\>", r"><" + "\\"]


def test_colours_are_only_where_they_are_wanted(tmp_path: Path) -> None:
    manifest = plan_run(tmp_path, RunRequest(3), Random(1))
    assert "\x1b" not in "".join(Picture(manifest, seen(3)).lines())
    assert "\x1b[32mA" in "".join(Picture(manifest, seen(3), coloured=True).lines())


def test_a_cut_and_a_death_are_said(tmp_path: Path) -> None:
    manifest = plan_run(tmp_path, RunRequest(3), Random(1))
    manifest.sides = (("n1",), ("n2", "n3"))
    views = [*seen(3)[:2], NodeView("n3", ProcessState.DIED)]
    text = "\n".join(Picture(manifest, views).lines())
    assert "cut: n1 | n2 n3" in text
    assert "n3   DIED" in text


def test_the_table_has_a_line_for_each_component(tmp_path: Path) -> None:
    manifest = plan_run(tmp_path, RunRequest(3, miners=2), Random(1))
    lines = status_table(manifest, seen(3))
    assert [line.split()[0] for line in lines] == ["name", "n1", "n2", "n3", "m1", "m2"]
    assert "..11111111" in lines[1]
    assert "at n1" in lines[4]
    assert manifest.nodes[2].host in status_table(manifest, seen(3)[:2])[3], "who says nothing"


def test_the_headline_says_one_height_or_from_where_to_where(tmp_path: Path) -> None:
    manifest = plan_run(tmp_path, RunRequest(3), Random(1))
    assert Picture(manifest, seen(3)).lines()[0].endswith("3 answer, height 7, 1 last block")
    behind = NodeView("n3", ProcessState.RUNNING, 5, OTHER)
    line = Picture(manifest, [*seen(3)[:2], behind]).lines()[0]
    assert line.endswith("3 answer, height 5 to 7, 2 last blocks")
