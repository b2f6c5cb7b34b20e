"""Nodes, wallets and networks for tests, and the plugin that makes fixtures of them."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from decimal import Decimal
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from axon.testing import MissingProgram, RegtestNode, Snapshots, network, node, wallet
from axon.testing.networks import Topology, links

pytestmark = pytest.mark.process


def test_a_payment(tmp_path: Path) -> None:
    with node(blocks=101) as n1, wallet(n1, funded="2.5") as alice, wallet(n1, name="bob") as bob:
        assert alice.balance() == Decimal("2.5")
        n1.wait_pooled(alice.pay(bob.address(), "1"))
        n1.mine()
        bob.wait_seen(n1.height())
        assert bob.balance() == 1


def test_a_network_agrees() -> None:
    with network(3, "line", blocks=2) as nodes:
        nodes[2].mine()
        for each in nodes:
            each.wait_height(3)


def test_who_is_linked() -> None:
    assert links(4, Topology.MESH) == [(0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]
    assert links(3, Topology.RING) == [(0, 1), (1, 2), (2, 0)]
    assert links(3, Topology.STAR) == [(0, 1), (0, 2)]
    assert links(2, Topology.RING) == [(0, 1)]
    assert links(9, Topology.NONE) == []


def test_what_fails_shows_the_log_and_ends_the_node() -> None:
    started: list[RegtestNode] = []

    def fail() -> None:
        with node() as n1:
            started.append(n1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError) as caught:
        fail()
    assert "the end of the log of n1" in caught.value.__notes__[0]
    assert not started[0].is_running


def test_bitcoind(tmp_path: Path) -> None:
    if shutil.which("bitcoind") is None:
        with pytest.raises(MissingProgram, match="no bitcoind"), node("bitcoind"):
            pass
        pytest.skip("there is no bitcoind on this machine")
    with node("bitcoind", blocks=101) as n1, wallet(n1, funded="2.5") as alice:
        assert alice.balance() == Decimal("2.5")


def test_it_is_fast_enough(tmp_path: Path) -> None:
    """A loaded machine is given three times what an idle one needs."""
    began = time.monotonic()
    with node(blocks=101):
        grown_s = time.monotonic() - began
    snapshots = Snapshots(tmp_path / "snapshots")
    snapshots.copy("axon", 101, tmp_path / "first")
    began = time.monotonic()
    snapshots.copy("axon", 101, tmp_path / "second")
    copied_s = time.monotonic() - began
    print(f"grown in {grown_s:.2f} s, copied in {copied_s:.2f} s")
    assert grown_s <= 3 * 1.5
    assert copied_s <= 3 * 0.5


TESTS = """
import os
import pytest

@pytest.mark.parametrize("number", range(2))
def test_a_payment(axon_node, axon_wallet, number):
    node = axon_node()
    assert node.height() == 101
    alice = axon_wallet(node, funded="2.5")
    assert float(alice.balance()) == 2.5

def test_a_network(axon_network):
    nodes = axon_network(2)
    nodes[0].mine()
    nodes[1].wait_height(102)

@pytest.fixture(scope="session")
def shared(axon_session_node):
    return axon_session_node(blocks=0)

def test_sharing(shared):
    assert shared.height() == 0

def test_failing(axon_node):
    axon_node(blocks=0)
    assert False, "on purpose"

def test_core(axon_node):
    assert axon_node("no-such-bitcoind")
"""


def test_the_plugin_under_xdist(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    installed = any(each.value == "axon.testing.plugin" for each in entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", "axon.testing.plugin"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rs", "-n", "2", *plugin, "test_it.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert "1 failed, 4 passed, 1 skipped" in done.stdout, done.stdout + done.stderr
    assert "log of n1" in done.stdout
    assert "Loaded 1 headers" in done.stdout or "height 0" in done.stdout
    assert "there is no no-such-bitcoind on this machine" in done.stdout
