"""Several runs side by side: raised at the same moment from one seed, named, listed, ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from axon.swarm.lab.lifecycle import down
from axon.swarm.lab.manifest import Manifest
from tests.process.lab import LIMIT_S

pytestmark = pytest.mark.process

NAMES = ("default", "left", "right")


class Home:
    """`axon swarm` of a person with this home."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *words: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "axon", "swarm", *words],
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
            env={**os.environ, "HOME": str(self.folder)},
        )
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stderr if code else done.stdout

    def place(self, name: str) -> Path:
        return self.folder / ".axon" / ("swarm" if name == "default" else f"swarms/{name}")


@pytest.fixture(name="home")
def home_fixture(tmp_path: Path) -> Iterator[Home]:
    """Whatever is raised there is ended."""
    home = Home(tmp_path)
    yield home
    for name in NAMES:
        manifest = Manifest.load(home.place(name))
        if manifest is not None:
            down(manifest)


def test_a_network_is_raised_as_a_file_draws_it(home: Home) -> None:
    path = home.folder / "pair.json"
    nodes, links = [{"id": "a-1"}, {"id": "b"}], [{"source": "a-1", "target": "b"}]
    path.write_text(json.dumps({"nodes": nodes, "links": links}))
    given = ("--topology", str(path))
    told = home.run("up", *given, "--wallets", "1")
    assert "2 nodes, 1 wallet, pair.json: up" in told
    listed = json.loads(home.run("status", "--json"))["components"]
    seen = {item["name"]: item.get("outbound") for item in listed}
    assert seen == {"a-1": ["b"], "b": [], "w1": ["a-1", "b"]}
    assert "has 2 nodes, not 3" in home.run("up", "3", *given, code=3)
    assert home.run("mine", "a-1").startswith("a-1: height 103")
    assert "ended: a-1" in home.run("kill", "a-1")
    assert "is up already" in home.run("up", *given, "--wallets", "1")
    links[0] = {"source": "b", "target": "a-1"}
    path.write_text(json.dumps({"nodes": nodes, "links": links}))
    assert "another run is up" in home.run("up", *given, "--wallets", "1", code=3)
    verdict = json.loads(home.run("check", "L1", "L3", "--json"))
    assert verdict["verdict"].startswith("PASS")
    home.run("down")


def test_a_run_is_carried_in_a_file_and_lives_beside_the_first(home: Home) -> None:
    path = home.folder / "run.zip"
    home.run("up", "2", "--wallets", "2", "--seed", "7")
    home.run("pay", "w1", "w2", "0.1", "--wait")
    assert "--stop ends them in order first" in home.run("export", str(path), code=3)
    assert not path.exists()
    packed = json.loads(home.run("export", str(path), "--stop", "--json"))
    assert packed["secrets"] == ["passphrase", "w1/words", "w2/words"]
    assert packed["bytes"] == path.stat().st_size < 3_000_000
    made = json.loads(home.run("import", str(path), "--run", "left", "--json"))
    assert (made["name"], made["files"]) == ("left", packed["files"])
    assert "is in use" in home.run("import", str(path), code=3)
    for name in ("left", "default"):
        assert "height 103" in home.run("up", "--run", name)
        assert json.loads(home.run("rpc", "w2", "getbalance", "--run", name)) == 0.85
    told = home.run("pay", "w2", "w1", "0.8", "--wait", "--run", "left")
    assert "Confirmed in block 104" in told
    assert home.run("rpc", "n1", "getblockcount") == "103\n", "the first is left alone"
    for name in ("left", "default"):
        home.run("down", "--run", name)


def test_runs_of_one_seed_live_side_by_side(home: Home) -> None:
    def up(name: str) -> str:
        return home.run("up", "2", "--wallets", "1", "--seed", "7", "--run", name)

    with ThreadPoolExecutor(len(NAMES)) as pool:
        for told in pool.map(up, NAMES):
            assert "2 nodes, 1 wallet, organic: up, height 102." in told
    manifests = [Manifest.load(home.place(name)) for name in NAMES]
    hosts = [item.host for each in manifests if each for item in each.components.values()]
    assert len(set(hosts)) == len(hosts) == 9
    runs = json.loads(home.run("runs", "--json"))
    assert [run["name"] for run in runs] == list(NAMES)
    assert {(run["alive"], run["components"], run["seed"]) for run in runs} == {(3, 3, 7)}

    home.run("kill", "all", "--run", "left")
    assert "0 of 3 live" in home.run("runs")
    home.run("mine", "5", "--run", "right")
    assert "is up already" in home.run("up", "--run", "left")
    assert home.run("rpc", "n1", "getblockcount", "--run", "left") == "102\n"
    assert home.run("rpc", "n2", "getblockcount") == "102\n", "the default run"
    for name in NAMES:
        home.run("down", "--run", name)
    assert home.run("runs", "--json") == "[]\n"
    assert "no run is up" in home.run("up", "--run", "left", code=3)
