"""Runs in network namespaces: addresses, who is on which side of a cut, and the namespaces."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from axon.errors import ConfigError
from axon.machine import Endpoint
from axon.primitives.netaddress import NetAddress
from axon.swarm.lab import namespaces, netnamespace
from axon.swarm.lab.forkserver import ERRORS, ForkServer
from axon.swarm.lab.manifest import BackendName, ComponentKind, Manifest
from axon.swarm.lab.namespaces import Namespaces
from axon.swarm.lab.plan import RunRequest, plan_joiner, plan_run, plan_wallet
from axon.swarm.lab.processes import wait_until
from axon.swarm.lab.settling import are_cut
from axon.swarm.lab.startup import dialled

BACKEND = Namespaces()
LIMIT_S = 5.0
TELLER = """
import socket, sys
from axon.swarm.lab.forkserver import serve

def tell(arguments):
    print([name for _, name in socket.if_nameindex()], flush=True)
    return 0

serve({"teller": lambda: tell}, int(sys.argv[1]), sys.stdin.buffer, sys.stdout.buffer)
"""
HERE = Path("/proc/thread-self/ns/net")


def plan(folder: Path, nodes: int = 3, wallets: int = 0, miners: int = 0) -> Manifest:
    request = RunRequest(nodes, miners, wallets=wallets, backend=BackendName.NETNS)
    return plan_run(folder, request, Random(7))


def test_everybody_has_an_address_of_cjdns_of_his_own(tmp_path: Path) -> None:
    manifest = plan(tmp_path, nodes=40, wallets=50)
    everybody = [*manifest.nodes, *manifest.wallets]
    everybody += [plan_wallet(manifest, ComponentKind.COLD, number, None) for number in (1, 2)]
    everybody += [plan_joiner(manifest, number, ("n1",)) for number in (1, 2)]
    hosts = [item.host for item in everybody]
    assert len(set(hosts)) == len(hosts)
    for item in everybody:
        address = NetAddress.from_text(item.host, 18444, cjdns=True)
        assert address.is_routable()
        assert address.to_text() == item.host, "as nodes write it"
    netgroups = {
        NetAddress.from_text(item.host, 1, cjdns=True).group(): item.group
        for item in manifest.nodes
    }
    assert sorted(netgroups.values()) == list(range(1, 17))


def test_all_are_given_the_first_two_and_hear_of_the_rest(tmp_path: Path) -> None:
    manifest = plan(tmp_path, nodes=4)
    first, second = (manifest.components[name].p2p for name in ("n1", "n2"))
    given = {item.name: dialled(manifest, item) for item in manifest.nodes}
    assert given == {"n1": [second], "n2": [first], "n3": [first, second], "n4": [first, second]}
    assert all(item.rpc == Endpoint("::1", 18443) for item in manifest.nodes)


def test_a_cut_has_sides_also_for_who_comes_later(tmp_path: Path) -> None:
    manifest = plan(tmp_path, nodes=3, wallets=1)
    manifest.sides = (("n1", "n2"), ("n3",))
    for number, entry in ((1, "n3"), (2, "p1")):
        joiner = plan_joiner(manifest, number, (entry,))
        manifest.components[joiner.name] = joiner
        assert namespaces._side_of(manifest, joiner) == 1
    assert namespaces._side_of(manifest, manifest.components["w1"]) == 0
    assert are_cut(manifest, "n1", "n3")
    assert not are_cut(manifest, "n1", "n2")
    assert not are_cut(manifest, "n1", "a stranger")


def test_who_is_not_root_is_told_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: "/sbin/ip")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ConfigError, match="needs root; without --backend netns each node is"):
        BACKEND.check()
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(ConfigError, match="needs the program ip"):
        BACKEND.check()


@pytest.fixture(name="raised")
def raised_fixture(tmp_path: Path) -> Iterator[Manifest]:
    """Namespaces of two nodes and a wallet, in which nothing runs."""
    try:
        BACKEND.check()
    except ConfigError as error:
        pytest.skip(str(error))
    manifest = plan(tmp_path, nodes=2, wallets=1, miners=1)
    try:
        for item in manifest.components.values():
            BACKEND.provide(manifest, item)
        yield manifest
    finally:
        BACKEND.dismantle(manifest)


def spaces(manifest: Manifest) -> set[str]:
    """The namespaces of a run that there are."""
    return {path.name for path in netnamespace.FOLDER.glob(f"axon-{manifest.run}-*")}


def hears(manifest: Manifest, caller: str, callee: str) -> bool:
    """Whether one can connect to the other."""
    host = manifest.components[callee].host
    path = BACKEND.namespace(manifest, manifest.components[callee])
    calling = BACKEND.namespace(manifest, manifest.components[caller])
    assert path is not None
    assert calling is not None
    with netnamespace.within(path), socket.create_server((host, 0), family=socket.AF_INET6) as bell:
        port = bell.getsockname()[1]
        try:
            netnamespace.connect(calling, Endpoint(host, port), 0.5).close()
        except TimeoutError:
            return False
    return True


@pytest.mark.process
def test_places_are_made_cut_healed_and_gone(raised: Manifest) -> None:
    run = raised.run
    assert spaces(raised) == {f"axon-{run}-{name}" for name in ("n1", "n2", "w1", "bridge")}
    miner, node = raised.components["m1"], raised.components["n1"]
    assert BACKEND.namespace(raised, miner) == BACKEND.namespace(raised, node)
    for item in raised.components.values():
        BACKEND.provide(raised, item)  # Whatever is there stays.
    assert hears(raised, "n1", "n2")
    raised.sides = (("n1",), ("n2",))
    assert BACKEND.cut(raised)
    assert not hears(raised, "n1", "n2")
    assert hears(raised, "w1", "n1")
    raised.sides = ()
    BACKEND.heal(raised)
    assert hears(raised, "n1", "n2")
    BACKEND.remove(raised, ["w1", "w1"])
    assert spaces(raised) == {f"axon-{run}-{name}" for name in ("n1", "n2", "bridge")}
    BACKEND.dismantle(raised)
    assert spaces(raised) == set()


@pytest.mark.process
def test_a_miner_has_the_place_of_its_node(raised: Manifest) -> None:
    BACKEND.dismantle(raised)
    BACKEND.provide(raised, raised.components["m1"])
    assert spaces(raised) == {f"axon-{raised.run}-n1", f"axon-{raised.run}-bridge"}


@pytest.mark.process
def test_what_is_spawned_there_is_there(raised: Manifest, tmp_path: Path) -> None:
    path = BACKEND.namespace(raised, raised.components["n1"])
    lock = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    folder = tmp_path / "n1"
    folder.mkdir()
    try:
        with ForkServer(lock, (sys.executable, "-c", TELLER)) as server:
            server.spawn("teller", folder, [], path)
            wait_until(lambda: (folder / ERRORS).exists(), LIMIT_S, "it has begun")
            told = str(interfaces(raised, "n1"))
            wait_until(lambda: (folder / ERRORS).read_text().strip() == told, LIMIT_S, "it speaks")
    finally:
        os.close(lock)


def interfaces(manifest: Manifest, name: str) -> list[str]:
    """The interfaces that a component sees."""
    path = BACKEND.namespace(manifest, manifest.components[name])
    assert path is not None
    with netnamespace.within(path):
        return [interface for _, interface in socket.if_nameindex()]


@pytest.mark.process
def test_no_way_leads_out(raised: Manifest) -> None:
    said = subprocess.run(
        ("ip", "-n", f"axon-{raised.run}-n1", "-6", "route", "show", "default"),
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=True,
    )
    assert said.stdout == ""


@pytest.mark.process
def test_a_thread_comes_home(raised: Manifest) -> None:
    path = BACKEND.namespace(raised, raised.components["n1"])
    assert path is not None
    home = HERE.readlink()
    found = []

    def look() -> None:
        with pytest.raises(ConnectionRefusedError):
            netnamespace.connect(path, Endpoint("127.0.0.1", 9), LIMIT_S)
        found.append(HERE.readlink())

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [home]
    with pytest.raises(FileNotFoundError):
        netnamespace.connect(path.with_name("nowhere"), Endpoint("::1", 9), LIMIT_S)
