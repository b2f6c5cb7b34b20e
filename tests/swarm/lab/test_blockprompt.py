"""When a block is found so that a bitcoind asks again."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from axon.machine import SECOND
from axon.swarm.lab import blockprompt
from axon.swarm.lab.blockprompt import BLOCK_EVERY_S, BlockPrompt
from axon.swarm.lab.manifest import Manifest, NodeProgram
from axon.swarm.lab.nodeprocess import NodeProcess, NodeView, ProcessState
from axon.swarm.lab.plan import RunRequest, plan_run

BEHIND = NodeView("n1", ProcessState.RUNNING, 0, "genesis", 2)
AHEAD = NodeView("n2", ProcessState.RUNNING, 7, "tip", 16)
SILENT = NodeView("n3", ProcessState.SILENT)


class TurnedClock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.time = 0

    def now(self) -> int:
        return self.time


def found_by(
    manifest: Manifest, seen: list[NodeView], monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """Who finds blocks while one looks every second, until a second one is due."""
    found: list[str] = []
    clock = TurnedClock()

    def mine(node: NodeProcess) -> None:
        found.append(node.name)

    monkeypatch.setattr(blockprompt, "Clock", lambda: clock)
    monkeypatch.setattr(blockprompt, "mine", mine)
    prompt = BlockPrompt(manifest)
    for second in range(int(2 * BLOCK_EVERY_S)):
        clock.time = second * SECOND
        prompt.look(seen)
    return found


def plan(folder: Path, program: NodeProgram) -> Manifest:
    request = RunRequest(3, mix=((program, 3),))
    return plan_run(folder, request, Random(7), lambda _, usual: usual)


def test_whoever_is_ahead_finds_one_when_it_is_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = plan(tmp_path, NodeProgram.BITCOIND)
    assert found_by(manifest, [BEHIND, AHEAD, SILENT], monkeypatch) == ["n2"]
    assert found_by(manifest, [AHEAD, SILENT], monkeypatch) == []
    manifest.sides = (("n1",), ("n2", "n3"))
    assert found_by(manifest, [BEHIND, AHEAD], monkeypatch) == []


def test_nodes_of_axon_need_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = plan(tmp_path, NodeProgram.AXON)
    assert found_by(manifest, [BEHIND, AHEAD], monkeypatch) == []
