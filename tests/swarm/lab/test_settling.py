"""When a network is one: what each of its components says, looked at together."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from axon.swarm.lab import settling
from axon.swarm.lab.axonprocess import LinkView
from axon.swarm.lab.manifest import Manifest
from axon.swarm.lab.nodeprocess import NodeView, ProcessState
from axon.swarm.lab.plan import RunRequest, plan_run
from axon.swarm.lab.processes import TooLate
from axon.swarm.lab.topology import RunTopology


def _view(name: str, tip: str, work: int, *dialled: str) -> NodeView:
    links = tuple([LinkView(other, number, False) for number, other in enumerate(dialled)])
    return NodeView(name, ProcessState.RUNNING, work, tip, work, links)


class Told:
    """What components say, by name; asked as `members.views` asks them."""

    def __init__(self, *views: NodeView) -> None:
        self.views = {item.name: item for item in views}
        self.asked: list[str] = []

    def __call__(self, _manifest: Manifest, names: Collection[str] = ()) -> list[NodeView]:
        found = [item for item in self.views.values() if not names or item.name in names]
        self.asked.append(" ".join([item.name for item in found]))
        return found


def _raised(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *views: NodeView
) -> tuple[Manifest, Told]:
    manifest = plan_run(folder, RunRequest(3, wallets=1, topology=RunTopology.STAR), Random(7))
    nodes = Told(*views)
    monkeypatch.setattr(settling, "views", nodes)
    monkeypatch.setattr(settling, "wallet_views", Told(_view("w1", "b", 2, "n1", "n2", "n3")))
    monkeypatch.setattr(settling, "_LOOK_AGAIN_S", 0.0)
    return manifest, nodes


def test_only_who_was_left_is_asked_until_all_are_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind, there = _view("n3", "a", 1, "n1"), _view("n3", "b", 2, "n1")
    manifest, nodes = _raised(
        tmp_path, monkeypatch, _view("n1", "b", 2), _view("n2", "b", 2, "n1"), behind
    )
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        if len(said) == 2:
            nodes.views["n3"] = there

    settling.settle(manifest, say, 10.0)
    assert nodes.asked == ["n1 n2 n3", "n3", "n3", "n1 n2 n3"]
    assert said[0] == "3 of 3 nodes, 1 of 1 wallets are linked; different last blocks: 2"
    assert said[-1] == "3 of 3 nodes, 1 of 1 wallets are linked; different last blocks: 1"


def test_a_block_that_comes_meanwhile_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    linked = [_view("n2", "a", 1, "n1"), _view("n3", "a", 1, "n1")]
    manifest, nodes = _raised(tmp_path, monkeypatch, _view("n1", "a", 1), *linked)

    def say(_text: str) -> None:  # The wallet had seen b already.
        nodes.views = {name: replace(item, tip="b", work=2) for name, item in nodes.views.items()}

    settling.settle(manifest, say, 10.0)


@pytest.mark.parametrize(
    "third",
    [
        _view("n3", "b", 2),
        _view("n3", "c", 2, "n1"),
        NodeView("n3", ProcessState.SILENT),
    ],
)
def test_who_is_not_linked_or_elsewhere_or_silent_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, third: NodeView
) -> None:
    manifest, _ = _raised(
        tmp_path, monkeypatch, _view("n1", "b", 2), _view("n2", "b", 2, "n1"), third
    )
    with pytest.raises(TooLate):
        settling.settle(manifest, lambda _: None, 0.02)


def test_who_does_not_run_cannot_be_reached(tmp_path: Path) -> None:
    manifest = plan_run(tmp_path, RunRequest(3), Random(7))
    first, second, _ = manifest.nodes
    assert settling.reachable(manifest, first, {"n1", "n2"}) == [second]
