"""The lab with real processes: raised, harmed, cut, healed, judged, and gone without a trace.

Each command is a process of its own, as people run it, so what it leaves is all the next one has.
Only `status`, which changes nothing and is asked for often, is called here.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from axon.swarm.lab.manifest import MANIFEST
from axon.swarm.lab.processes import wait_until
from axon.swarm.lab.processidentity import is_alive, read_identity
from tests.process.lab import LIMIT_S, Lab

pytestmark = pytest.mark.process


def linked(told: dict[str, Any]) -> set[str]:
    """Whom a node is connected to, whoever dialled."""
    return {*told["outbound"], *told["inbound"]}


def test_a_run_from_up_to_down(lab: Lab) -> None:
    assert "3 nodes, 1 miner, 2 wallets, organic: up" in lab.run(
        "up", "3", "--miners", "1", "--interval", "1", "--wallets", "2", "--seed", "7"
    )
    told = lab.status()
    assert lab.states() == "running running running running running running"
    assert len({item["host"] for item in told.values()}) == 5, "a miner is where its node is"
    assert linked(told["n1"]) == {"n2", "n3"}
    assert told["w2"]["outbound"] == ["n1", "n2", "n3"]
    assert told["w2"]["holds"] == "0.75"
    picture = lab.run("watch", "--once")
    assert "n3" in picture
    assert "0.75" in picture

    assert "ended: n2 w1" in lab.run("kill", "n2,w1")
    assert "paused: n3 w2" in lab.run("stop", "3,wallet:2")
    os.kill(told["n1"]["process"]["pid"], signal.SIGKILL)
    states = "DIED ended paused running ended paused"
    wait_until(lambda: lab.states() == states, LIMIT_S, "all of it is seen")
    assert "n1 died by itself" in lab.run("status")
    assert "is up already" in lab.run("up", "3", "--miners", "1", "--wallets", "2")
    assert lab.states() == "running running running running running running"
    assert "another run is up" in lab.run("up", "4", code=3)

    lab.run("restart", "w1", "--wipe")
    wait_until(lambda: lab.status()["w1"].get("holds") == "0.75", LIMIT_S, "found by the words")
    for secret in (lab.folder / "passphrase", lab.folder / "w1" / "words"):
        assert secret.stat().st_mode & 0o077 == 0, f"{secret} is for its owner's eyes"

    verdict = json.loads(lab.run("check", "S*", "L1", "L4", "--json"))
    assert verdict["verdict"].startswith("PASS")
    wanted = {f"S{number}" for number in (1, 2, 3, 4, 5, 7, 8, 9, 10, 12)}
    wanted |= {"L1", "L1-plan", "L4"}
    assert set(verdict["invariants"]) == wanted
    assert verdict["invariants"]["S7"]["tried"] == 2, "a payment to each wallet was proved"
    assert "2 wallets" in verdict["invariants"]["S2"]["said"]

    identities = [read_identity(lab.folder / name) for name in lab.identities()]
    assert len(identities) == 6
    assert "down" in lab.run("down")
    assert not any(map(is_alive, identities))
    assert not lab.folder.exists()
    assert "no run is up" in lab.run("down", code=3)


def test_a_network_is_cut_and_heals(lab: Lab) -> None:
    lab.run("up", "3")
    lab.run("kill", "n3")
    assert "cut: n1 | n2 n3" in lab.run("partition", "1|2-3")
    assert "cut already" in lab.run("partition", "1-2|3", code=3)
    lab.run("restart", "2-3", "--wipe")
    told = lab.status()
    assert linked(told["n1"]) == set()
    lab.run("mine", "1")
    wait_until(lambda: linked(lab.status()["n3"]) == {"n2"}, LIMIT_S, "n3 finds n2 only")
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
    def killed_when(identities: int) -> None:
        with subprocess.Popen(
            lab.command("up", "4"), stderr=subprocess.DEVNULL, env=lab.environment
        ) as controller:
            wait_until((lab.folder / MANIFEST).exists, LIMIT_S, "the run is written down")
            wait_until(lambda: len(lab.identities()) >= identities, LIMIT_S, "some are spawned")
            controller.kill()

    killed_when(identities=2)
    assert lab.run("status").count("127.") == 4
    assert "4 nodes, organic" in lab.run("up", "4")
    assert lab.states() == "running running running running"
    lab.run("down")
    assert not lab.folder.exists()

    for identities in (0, 1, 4):
        killed_when(identities)
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


def findings_of(lab: Lab, up: str, check: str, code: int = 0) -> dict[str, dict[str, Any]]:
    """Raise a run and have it judged: what was found, by invariant."""
    lab.run("up", *up.split())
    verdict = json.loads(lab.run("check", *check.split(), "--json", code=code))
    found: dict[str, dict[str, Any]] = verdict["invariants"]
    assert set(lab.states().split()) == {"running"}, "whoever was killed lives again"
    assert all(name[0] in "nw" for name in lab.status()), "whoever was raised for this is gone"
    return found


def test_networks_are_judged(make_lab: Callable[[], Lab]) -> None:
    """Side by side, for most of the time is spent waiting for what does not come."""
    cases = [
        ("3 --topology star", "L1 S6 --harm", 1),
        ("2 --topology one-server --wallets 1", "L3 --harm", 1),
        ("2 --topology fixed-address --wallets 3", "L3", 1),
        ("2 --wallets 1", "L7 L8", 0),
    ]
    with ThreadPoolExecutor(len(cases)) as pool:
        runs = [pool.submit(findings_of, make_lab(), *case) for case in cases]
    star, web, fixed, sound = [run.result() for run in runs]

    def culprits(found: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
        return {name: item["culprits"] for name, item in found.items() if not item["ok"]}

    assert culprits(star) == {"L1-plan": ["n1"], "L1-kill": ["n1"]}
    assert star["S6"]["ok"], "who was killed comes back"
    assert culprits(web) == {"L3-plan": ["n1"], "L3-kill": ["n1"]}
    assert culprits(fixed) == {"L3-plan": ["n1", "n2"]}
    assert (fixed["L3"]["tried"], fixed["L3-cold"]["tried"]) == (3, 2)
    assert culprits(sound) == {}
    assert (sound["L7"]["tried"], sound["L8"]["tried"]) == (2, 2)
    assert "served 1 wallet and cold ones" in sound["L8"]["said"]
