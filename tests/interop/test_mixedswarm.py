"""The lab with nodes of axon and unpatched Bitcoin Core in one network, judged as any other.

On loopback addresses Bitcoin Core dials whom it is given; in network namespaces all nodes hear of
each other by gossip and choose their peers by themselves. Skipped where there is no bitcoind on the
PATH, or no namespace can be made.
"""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from axon.errors import ConfigError
from axon.swarm.lab.backends import BACKENDS
from axon.swarm.lab.bitcoind import find_bitcoind
from axon.swarm.lab.lifecycle import down
from axon.swarm.lab.manifest import BackendName, Manifest
from axon.swarm.lab.netnamespace import FOLDER
from axon.swarm.lab.processes import wait_until
from tests.process.lab import Lab

pytestmark = [pytest.mark.interop, pytest.mark.process, pytest.mark.timeout(700)]

CHECK_LIMIT_S = 200.0
MESH_LIMIT_S = 320.0
"""Gossip takes its time: an address is passed on at random moments, half a minute apart; two
minutes are usual, and more than five are refused by the lab itself."""


@pytest.fixture(name="lab")
def lab_fixture(tmp_path: Path) -> Iterator[Lab]:
    """A lab that is not up; whatever it raises is ended."""
    try:
        find_bitcoind()
    except ConfigError as error:
        pytest.skip(str(error))
    lab = Lab(tmp_path / "run")
    yield lab
    manifest = Manifest.load(lab.folder)
    if manifest is not None:
        down(manifest)


@pytest.fixture(name="namespaces")
def namespaces_fixture() -> None:
    """Network namespaces can be made here."""
    try:
        BACKENDS[BackendName.NETNS].check()
    except ConfigError as error:
        pytest.skip(str(error))


def checked(lab: Lab, *words: str) -> dict[str, bool | None]:
    """What a check finds, by invariant."""
    told = lab.json("check", *words, limit_s=CHECK_LIMIT_S)
    return {name: item["ok"] for name, item in told["invariants"].items()}


def spaces(lab: Lab) -> list[str]:
    """The namespaces of the run of a lab."""
    manifest = Manifest.load(lab.folder)
    assert manifest is not None
    return sorted(path.name for path in FOLDER.glob(f"axon-{manifest.run}-*"))


def test_two_and_two_on_loopback(lab: Lab) -> None:
    said = lab.run("up", "4", "--mix", "bitcoind:2,axon:2", "--miners", "1", "--wallets", "1")
    assert "4 nodes (2 bitcoind), 1 miner, 1 wallet, organic: up" in said
    told = lab.status()
    assert [told[f"n{number}"]["program"] for number in range(1, 5)] == [
        "bitcoind",
        "bitcoind",
        "axon",
        "axon",
    ]
    assert set(told["w1"]["outbound"]) == {"n1", "n2", "n3", "n4"}
    found = checked(lab)
    assert found
    assert all(found.values()), found
    lab.run("kill", "m1")
    lab.run("partition", "1,3|2,4")
    lab.run("mine", "n1", "1")
    lab.run("mine", "n4", "2")
    wait_until(lambda: len(set(lab.tips())) == 2, 10.0, "two chains")
    lab.run("heal")
    wait_until(lambda: len(set(lab.tips())) == 1, 30.0, "one chain")
    assert "ended: n1" in lab.run("kill", "n1")
    assert "paused: n2" in lab.run("stop", "n2")
    assert "go on: n2" in lab.run("cont", "n2")
    lab.run("restart", "n1", "--wipe")
    wait_until(lambda: len(set(lab.tips())) == 1, 30.0, "who forgot all has it again")
    assert "down" in lab.run("down")
    assert not lab.folder.exists()


def test_a_killed_bitcoind_comes_back_with_what_others_give_it(lab: Lab) -> None:
    lab.run("up", "3", "--mix", "axon:1,bitcoind:2")
    assert checked(lab, "S6", "--harm")["S6"] is True


@pytest.mark.usefixtures("namespaces")
def test_four_and_four_in_namespaces_find_each_other_by_gossip(lab: Lab) -> None:
    words = ("--mix", "bitcoind:4,axon:4", "--backend", "netns", "--miners", "1", "--wallets", "1")
    lab.run("up", "8", *words, limit_s=MESH_LIMIT_S)
    told = lab.status()
    nodes = {f"n{number}" for number in range(1, 9)}
    for name in nodes - {"n1", "n2"}:  # Who knew these two alone.
        chosen = set(told[name]["outbound"]) | set(told[name]["inbound"])
        assert nodes <= chosen | {name}
    assert any(set(told[name]["outbound"]) - {"n1", "n2"} for name in ("n3", "n4")), "by themselves"
    assert len(spaces(lab)) == len(nodes) + 2, "the wallet's, and the bridge's"
    found = checked(lab)
    assert found
    assert all(found.values()), found
    lab.run("kill", "m1")
    lab.run("partition", "1,3,5,7|2,4,6,8")
    lab.run("mine", "n1", "1")
    lab.run("mine", "n8", "2")
    wait_until(lambda: len(set(lab.tips())) == 2, 10.0, "two chains")
    lab.run("heal")
    wait_until(lambda: len(set(lab.tips())) == 1, 60.0, "one chain")
    run = spaces(lab)[0].rpartition("-")[0]
    lab.run("down")
    assert not lab.folder.exists()
    assert not list(FOLDER.glob(f"{run}-*"))


@pytest.mark.usefixtures("namespaces")
def test_no_single_node_of_two_and_two_is_needed(lab: Lab, tmp_path: Path) -> None:
    saved = tmp_path / "verdict.json"
    harms = ("kill n1", "stop n2", "cut n1", "wipe n2", "kill n3")
    tried = [word for harm in harms for word in ("--only", harm)]
    words = ("--mix", "bitcoind:2,axon:2", "--backend", "netns", "--wallets", "1", "--save")
    lab.run("spof", *words, str(saved), *tried, limit_s=600.0)
    told = json.loads(saved.read_text())
    assert all(control["passed"] for control in told["controls"])
    assert {each["standing"] for each in told["trials"]} == {"holds"}
    assert len(told["trials"]) == len(harms)
    assert [node["bitcoind"] for node in told["network"]["nodes"]] == [True, True, False, False]


@pytest.mark.usefixtures("namespaces")
def test_down_removes_namespaces_of_a_controller_that_was_killed(lab: Lab) -> None:
    command = lab.command("up", "4", "--mix", "bitcoind:2,axon:2", "--backend", "netns")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as up:
        wait_until(lambda: bool(lab.identities()), 30.0, "something runs")
        up.send_signal(signal.SIGKILL)
    assert spaces(lab)
    run = spaces(lab)[0].rpartition("-")[0]
    lab.run("down")
    assert not lab.folder.exists()
    assert not list(FOLDER.glob(f"{run}-*"))


def test_a_mix_that_does_not_add_up_is_said(lab: Lab) -> None:
    said = lab.run("up", "4", "--mix", "bitcoind:2,axon:3", code=3)
    assert "--mix names 5 nodes, and the run is to have 4" in said
    said = lab.run("up", "4", "--mix", "geth:4", code=3)
    assert "as in bitcoind:4,axon:8, not 'geth:4'" in said
    said = lab.run("up", "4", "--mix", "bitcoind:4", "--bitcoind", "/nowhere/bitcoind", code=3)
    assert "/nowhere/bitcoind is no program" in said
    assert not lab.folder.exists()
