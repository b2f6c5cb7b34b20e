"""The lab with real processes: raised, harmed, cut, healed, judged, and gone without a trace.

Each command is a process of its own, as people run it, so what it leaves is all the next one has.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from axon.swarm.lab.births import is_alive, read_birth
from axon.swarm.lab.manifest import MANIFEST, Manifest
from axon.swarm.lab.raising import down
from axon.swarm.processes import wait_until

pytestmark = pytest.mark.process

LIMIT_S = 60.0


class Lab:
    """`axon swarm` on one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "axon", "swarm", *words, "--dir", str(self.folder)]

    def run(self, *words: str, code: int = 0) -> str:
        """Run a command that leaves with this code; what it wrote to standard output."""
        done = subprocess.run(
            self.command(*words), capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        if code == 3:
            (line,) = done.stderr.splitlines()
            assert line.startswith("Error: ")
            return line
        return done.stdout

    def status(self) -> dict[str, dict[str, Any]]:
        """Every component by name, as `status --json` tells it."""
        told = json.loads(self.run("status", "--json"))
        return {item["name"]: item for item in told["components"]}

    def states(self) -> str:
        return " ".join(item["state"] for item in self.status().values())

    def tips(self) -> list[str]:
        return [item["tip"] for item in self.status().values() if "tip" in item]

    def births(self) -> list[str]:
        """Components that have written down their birth."""
        return [path.parent.name for path in self.folder.glob("*/process.json")]


@pytest.fixture(name="lab")
def lab_fixture(tmp_path: Path) -> Iterator[Lab]:
    """A lab that is not up; whatever it raises is ended."""
    lab = Lab(tmp_path / "run")
    yield lab
    manifest = Manifest.load(lab.folder)
    if manifest is not None:
        down(manifest)


def test_a_run_from_up_to_down(lab: Lab) -> None:
    assert "3 nodes, 1 miner, organic: up" in lab.run(
        "up", "3", "--miners", "1", "--interval", "1", "--seed", "7"
    )
    told = lab.status()
    assert lab.states() == "running running running running"
    assert len({item["host"] for item in told.values()}) == 3
    assert told["n1"]["outbound"] == ["n2", "n3"]
    assert "n3" in lab.run("watch", "--once")

    assert "ended: n2" in lab.run("kill", "n2")
    assert "paused: n3" in lab.run("stop", "3")
    os.kill(told["n1"]["birth"]["pid"], signal.SIGKILL)
    wait_until(lambda: lab.states() == "DIED ended paused running", LIMIT_S, "all of it is seen")
    assert "n1 died by itself" in lab.run("status")
    assert "is up already" in lab.run("up", "3", "--miners", "1")
    assert lab.states() == "running running running running"
    assert "another run is up" in lab.run("up", "4", code=3)

    verdict = json.loads(lab.run("check", "S*", "L1", "L4", "--json"))
    assert verdict["verdict"].startswith("PASS")
    wanted = {"S1", "S2", "S3", "S4", "S9", "L1", "L1-plan", "L4"}
    assert set(verdict["invariants"]) == wanted

    births = [read_birth(lab.folder / name) for name in lab.births()]
    assert len(births) == 4
    assert "down" in lab.run("down")
    assert not any(map(is_alive, births))
    assert not lab.folder.exists()
    assert "no run is up" in lab.run("down", code=3)


def test_a_network_is_cut_and_heals(lab: Lab) -> None:
    lab.run("up", "3")
    lab.run("kill", "n3")
    assert "cut: n1 | n2 n3" in lab.run("partition", "1|2-3")
    assert "cut already" in lab.run("partition", "1-2|3", code=3)
    lab.run("restart", "2-3", "--wipe")
    told = lab.status()
    assert told["n1"]["outbound"] == told["n1"]["inbound"] == []
    lab.run("mine", "1")
    wait_until(lambda: lab.status()["n3"]["outbound"] == ["n2"], LIMIT_S, "n3 finds n2 only")
    assert lab.status()["n2"]["height"] == 0, "nobody on its side has the chain"
    lab.run("mine", "2", "2")
    assert len(set(lab.tips())) == 2

    lab.run("kill", "n2")
    lab.run("heal")
    assert "nothing to heal" in lab.run("heal", code=3)
    lab.run("restart", "n2")
    wait_until(lambda: len(set(lab.tips())) == 1, LIMIT_S, "one ledger again")
    assert {item["height"] for item in lab.status().values()} == {102}
    for name in ("n1", "n2", "n3"):
        assert lab.status()[name]["bans"] == []
    assert "PASS" in lab.run("check", "S2", "S4")


def test_a_controller_killed_half_way_loses_nothing(lab: Lab) -> None:
    def killed_when(births: int) -> None:
        with subprocess.Popen(lab.command("up", "4"), stderr=subprocess.DEVNULL) as controller:
            wait_until((lab.folder / MANIFEST).exists, LIMIT_S, "the run is written down")
            wait_until(lambda: len(lab.births()) >= births, LIMIT_S, "some are born")
            controller.kill()

    killed_when(births=2)
    assert lab.run("status").count("127.") == 4
    assert "4 nodes, organic" in lab.run("up", "4")
    assert lab.states() == "running running running running"
    lab.run("down")
    assert not lab.folder.exists()

    for births in (0, 1, 4):
        killed_when(births)
        lab.run("down")
        assert not lab.folder.exists()
        assert holders(lab.folder) == []


def holders(folder: Path) -> list[str]:
    """Processes that have a file of a folder open, be it deleted."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # It has ended meanwhile, or is another user's.
            opened = [str(each.readlink()) for each in (process / "fd").iterdir()]
            if any(name.startswith(f"{folder}/") for name in opened):
                found.append(process.name)
    return found


@pytest.mark.parametrize(("topology", "nodes", "name"), [("star", "3", "L1"), ("web", "2", "L3")])
def test_a_single_point_is_named(lab: Lab, topology: str, nodes: str, name: str) -> None:
    lab.run("up", nodes, "--topology", topology)
    verdict = json.loads(lab.run("check", name, "S6", "--harm", "--json", code=1))
    for found in (f"{name}-plan", f"{name}-kill"):
        assert verdict["invariants"][found]["ok"] is False
        assert verdict["invariants"][found]["culprits"] == ["n1"]
    assert verdict["invariants"][name]["ok"], "before anybody dies"
    assert verdict["invariants"]["S6"]["ok"], "who was killed comes back"
    assert set(lab.states().split()) == {"running"}, "and whoever was killed lives again"


def test_each_of_two_nodes_survives_the_other(lab: Lab) -> None:
    lab.run("up", "2")
    verdict = json.loads(lab.run("check", "L7", "L8", "--json"))
    tried = {name: item["tried"] for name, item in verdict["invariants"].items()}
    assert tried == {"L7": 2, "L8": 2}
    assert len(set(lab.tips())) == 1
    assert set(lab.status()) == {"n1", "n2"}, "no probe is left"
