"""Runs side by side: none takes the addresses of another, whichever seeds they have."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from random import Random

import pytest

from axon.errors import ConfigError
from axon.swarm.lab.manifest import MANIFEST, Manifest
from axon.swarm.lab.plan import RunRequest, plan_joiner, plan_run
from axon.swarm.lab.runregistry import CORNERS, RunRegistry, claiming, draw_corner

Enter = Callable[[str], Manifest]


@pytest.fixture(name="registry")
def registry_fixture(tmp_path: Path) -> RunRegistry:
    return RunRegistry(tmp_path / "home" / "runs.json")


@pytest.fixture(name="enter")
def enter_fixture(tmp_path: Path, registry: RunRegistry) -> Enter:
    """Draws up a run of one seed in a folder of a name."""

    def enter(name: str) -> Manifest:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        wanted = RunRequest(4, wallets=2, seed=7)
        return registry.enter(
            lambda taken: plan_run(folder, wanted, Random(name), lambda _, usual: usual, taken)
        )

    return enter


def hosts(manifest: Manifest) -> set[str]:
    return {item.host for item in manifest.components.values()}


def test_runs_of_one_seed_differ_in_the_third_byte_of_their_addresses_only(enter: Enter) -> None:
    one, other = enter("one"), enter("other")
    assert not hosts(one) & hosts(other)
    assert plan_joiner(one, 1, ()).host != plan_joiner(other, 1, ()).host
    for mine, theirs in zip(one.components.values(), other.components.values(), strict=True):
        assert (mine.knows, mine.group, mine.seed) == (theirs.knows, theirs.group, theirs.seed)
        corners = (str(one.corner), str(other.corner))
        assert mine.host.split(".") == [
            corners[0] if part == corners[1] and place == 2 else part
            for place, part in enumerate(theirs.host.split("."))
        ]


def test_one_seed_has_the_same_addresses_again_when_they_are_free(enter: Enter) -> None:
    first = enter("one")
    (first.folder / MANIFEST).unlink()
    assert hosts(enter("two")) == hosts(first)


def test_a_run_counts_as_long_as_its_manifest_is_there(registry: RunRegistry, enter: Enter) -> None:
    one, other = enter("one"), enter("other")
    assert [item.folder for item in registry.runs()] == [str(one.folder), str(other.folder)]
    (one.folder / MANIFEST).write_text("{")
    assert len(registry.runs()) == 2, "its processes may live"
    (one.folder / MANIFEST).unlink()
    assert [item.run for item in registry.runs()] == [other.run]


def test_all_corners_are_drawn_before_it_says_that_none_is_left() -> None:
    taken: set[int] = set()
    for _ in range(CORNERS):
        taken.add(draw_corner(7, taken))
    assert taken == set(range(1, CORNERS + 1))
    with pytest.raises(ConfigError, match="250 runs already"):
        draw_corner(7, taken)


def test_a_run_that_was_not_written_down_is_kept(
    tmp_path: Path, registry: RunRegistry, enter: Enter
) -> None:
    one = enter("one")
    (tmp_path / "home" / "runs.json").write_text("{damaged")
    assert registry.runs() == []
    registry.keep(one)
    registry.keep(one)
    assert [item.run for item in registry.runs()] == [one.run]
    (tmp_path / "home" / "runs.json").unlink()
    enter("other")
    with pytest.raises(ConfigError, match="other has the addresses of this one"):
        registry.keep(one)


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path, enter: Enter) -> None:
    (tmp_path / "home").write_text("a file")
    with pytest.raises(ConfigError, match="cannot write"):
        enter("one")


def test_who_raises_a_run_keeps_its_corner_from_other_users_until_it_is_raised(
    tmp_path: Path,
) -> None:
    wanted = RunRequest(4, seed=7)

    def raise_for(home: str, ends: ExitStack) -> Manifest:
        folder = tmp_path / home
        folder.mkdir(exist_ok=True)
        return RunRegistry(folder / "runs.json").enter(
            claiming(
                lambda taken: plan_run(folder, wanted, Random(home), lambda _, usual: usual, taken),
                ends,
            )
        )

    with ExitStack() as alices, ExitStack() as bobs:
        alice, bob = raise_for("alice", alices), raise_for("bob", bobs)
        assert not hosts(alice) & hosts(bob)
    with ExitStack() as ends:
        assert hosts(raise_for("carol", ends)) == hosts(alice)
