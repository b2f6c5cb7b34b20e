"""Which links a person means, and what is written down of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from axon.errors import ConfigError
from axon.swarm.lab import slowlinks
from axon.swarm.lab.manifest import Manifest
from axon.swarm.lab.plan import RunRequest, plan_run
from axon.swarm.lab.shapedlinks import ShapedLink, is_source, link_of, with_link
from axon.swarm.lab.slowlinks import read_sides
from axon.swarm.lab.targets import Targets
from axon.swarm.linkquality import LinkQuality

SLOW, LOSSY = LinkQuality(latency_ms=80), LinkQuality(loss_percent=5)


@pytest.fixture(name="run")
def run_fixture(tmp_path: Path) -> Manifest:
    manifest = plan_run(tmp_path, RunRequest(5, 1, wallets=1), Random(7))
    named = replace(manifest.components["n5"], name="a-b")
    del manifest.components["n5"]
    manifest.components["a-b"] = named
    return manifest


def read(run: Manifest, text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return read_sides(text, Targets(run.components, Random(1)), run)


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("n1-n2", (("n1",), ("n2",))),
        ("1-3", (("n1",), ("n3",))),
        ("n1-w1", (("n1",), ("w1",))),
        ("n1,n2|n3-n4", (("n1", "n2"), ("n3", "n4"))),
        ("n3", (("n3",), ())),
        ("a-b", (("a-b",), ())),
        ("a-b-n1", (("a-b",), ("n1",))),
        ("n1-a-b", (("n1",), ("a-b",))),
        ("all-but:1", (("n2", "n3", "n4", "a-b"), ())),
    ],
)
def test_a_link_is_named_by_its_ends(
    run: Manifest, text: str, sides: tuple[tuple[str, ...], tuple[str, ...]]
) -> None:
    assert read(run, text) == sides


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("n1-n9", "there is no 'n9' in this run"),
        ("n9-n1", "there is no 'n9' in this run"),
        ("n9", "there is no 'n9' in this run"),
        ("", "there is no '' in this run"),
        ("n1|", "there is no '' in this run"),
        ("n1-m1", "m1 is a miner, and has no link: it works at n1"),
        ("n1-n1", "n1 is on both sides"),
        ("n1,n2|n2", "n2 is on both sides"),
    ],
)
def test_what_is_no_link_is_refused(run: Manifest, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read(run, text)


def test_the_later_word_holds() -> None:
    links = with_link((), ShapedLink(("n1",), (), SLOW))
    links = with_link(links, ShapedLink(("n1",), ("n2",), LOSSY))
    assert link_of(links, "n1", "n2") == ShapedLink(("n1",), ("n2",), LOSSY)
    assert link_of(links, "n1", "n3") == ShapedLink(("n1",), (), SLOW)
    assert link_of(links, "n2", "n1") is None
    links = with_link(links, ShapedLink(("n1",), (), LOSSY))
    assert len(links) == 2
    assert link_of(links, "n1", "n3") == ShapedLink(("n1",), (), LOSSY)
    assert [is_source(links, name) for name in ("n1", "n2")] == [True, False]
    assert is_source((ShapedLink((), ("n1",), SLOW),), "n2")


def test_what_is_cut_stays_so_whatever_is_said_of_the_link_then() -> None:
    cut = ShapedLink(("n1",), ("n2",), None)
    for added in (ShapedLink(("n1",), ("n2",), SLOW), ShapedLink(("n1",), (), SLOW)):
        links = with_link(with_link((), cut), added)
        assert links == (cut, added)
        assert link_of(links, "n1", "n2") == cut


def test_on_loopback_it_is_said_where_links_can_be_shaped(run: Manifest) -> None:
    with pytest.raises(ConfigError, match=r"cannot be shaped on loopback.*--backend netns"):
        slowlinks.shape(run, (("n1",), ("n2",)), SLOW, one_way=False)
    assert not run.links


def test_what_is_shaped_stands_in_the_manifest(run: Manifest) -> None:
    run.links = (ShapedLink(("n1",), (), SLOW), ShapedLink((), ("n1",), None))
    run.save()
    again = Manifest.load(run.folder)
    assert again is not None
    assert again.links == run.links
    assert list(slowlinks.shown(again)) == ["n1 > all: latency=80ms", "all > n1: nothing passes"]
