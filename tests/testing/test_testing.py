"""Nodes, wallets and networks for tests, and the plugin that makes fixtures of them."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from decimal import Decimal
from importlib.metadata import entry_points
from pathlib import Path

import pytest

import axon.testing
from axon.errors import ConfigError
from axon.swarm.lab.processidentity import identity_of, is_alive, wait_gone
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


def test_a_payment_from_wallet_to_wallet() -> None:
    with (
        node(blocks=102) as n1,
        wallet(n1, name="alice", funded="2.5") as alice,
        wallet(n1, name="bob", funded="1") as bob,
    ):
        joined = alice.pay_invoice(bob.invoice("0.5", "Bob", "a bicycle"))
        assert (joined["stage"], joined["joined"], joined["label"]) == ("accepted", True, "Bob")
        n1.wait_pooled(joined["txid"])
        n1.mine()
        for each in (alice, bob):
            assert each.wait_deal(joined["id"])["level"] == 6
        assert bob.balance() == Decimal("1.5")
        with pytest.raises(ConfigError, match="leaves the amount to the payer"):
            alice.pay_invoice(bob.invoice())
        plain = alice.pay_invoice(bob.invoice(), "0.25", payjoin=False)
        assert (plain["stage"], plain["joined"]) == ("accepted", False)
        assert bob.wait_deal(plain["id"], "accepted")["receipt"]


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

@pytest.fixture
def prepared(axon_node):
    axon_node(blocks=0)
    assert False, "in a fixture"

def test_failing_early(prepared):
    pass

def test_a_typing_error(axon_node):
    with pytest.raises(Exception, match="'no-such-bitcoind' cannot be run"):
        axon_node("no-such-bitcoind")

def test_core(axon_node, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert axon_node("bitcoind")
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
    assert "1 failed, 5 passed, 1 skipped, 1 error" in done.stdout, done.stdout + done.stderr
    assert done.stdout.count("log of n1") == 2
    assert "Loaded 1 headers" in done.stdout or "height 0" in done.stdout
    assert "Command-line arg" not in done.stdout
    assert "there is no bitcoind on this machine" in done.stdout


KILLED = """
import os, signal, sys, time
from pathlib import Path
from axon.testing import node, wallet

with node(folder=Path("n")) as n1, wallet(n1, folder=Path("w")) as w1:
    print(n1.pid, w1.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_what_was_started_ends_with_a_program_that_is_killed(
    tmp_path: Path, number: signal.Signals
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        started = [identity_of(int(word)) for word in program.stdout.readline().split()]
        assert len(started) == 2
        assert all(is_alive(identity) for identity in started)
        program.send_signal(number)
        program.wait(10)
        assert all(wait_gone(identity, 10) for identity in started)


def test_the_plugin_costs_a_run_that_uses_none_of_it_nothing() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, axon.testing.plugin\nprint(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    own = {name for name in loaded if name.split(".")[0] == "axon"}
    assert own == {"axon", "axon.compiled", "axon.testing", "axon.testing.plugin"}


@pytest.mark.parametrize("name", axon.testing.__all__)
def test_each_name_is_there(name: str) -> None:
    assert getattr(axon.testing, name).__name__ == name


def test_what_cannot_be_is_refused_before_anything_is_started(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="mesh, ring, line, star, none"), network(2, "tree"):
        pass
    with pytest.raises(ConfigError, match="at least one node"), network(0):
        pass
    with pytest.raises(ConfigError, match="no amount"), wallet(funded="lots", folder=tmp_path):
        pass
    with pytest.raises(ConfigError, match="by its first node"), wallet(funded="1", folder=tmp_path):
        pass
    with pytest.raises(ConfigError, match="expected axon, bitcoind, or the path"), node("bitcoin"):
        pass
    assert not list(tmp_path.iterdir())
