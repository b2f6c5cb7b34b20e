"""The manifest of a run: written, read again, refused if damaged, locked by one command alone."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from random import Random
from typing import Any

import pytest

from axon.errors import ConfigError
from axon.host.settings import FullNodeSettings
from axon.swarm.lab.loopback import usual_or_free_port
from axon.swarm.lab.manifest import (
    MANIFEST,
    Component,
    ComponentKind,
    DesiredState,
    Manifest,
    run_locked,
)
from axon.swarm.lab.plan import RunRequest, plan_joiner, plan_run
from axon.swarm.lab.processidentity import ProcessIdentity, write_identity
from axon.swarm.lab.programs import arguments, node_settings, read_arguments
from axon.swarm.lab.startup import dialled
from axon.swarm.lab.topology import RunTopology


def small(folder: Path, nodes: int = 3, **wanted: Any) -> Manifest:
    return plan_run(folder, RunRequest(nodes, **wanted), Random(7), lambda _, usual: usual)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    manifest = small(tmp_path, miners=2, topology=RunTopology.RING)
    manifest.change(
        "n1",
        desired=DesiredState.PAUSE,
        bans=("127.9.9.9",),
        process=ProcessIdentity(4711, 12, "boot"),
    )
    manifest.sides = (("n1",), ("n2", "n3"))
    manifest.draws = 3
    manifest.save()
    assert Manifest.load(tmp_path) == manifest
    assert [path.name for path in tmp_path.iterdir()] == [MANIFEST]


def test_a_manifest_with_the_former_name_of_its_topology_is_read(tmp_path: Path) -> None:
    manifest = small(tmp_path, topology=RunTopology.ONE_SERVER)
    manifest.save()
    path = tmp_path / MANIFEST
    path.write_text(path.read_text().replace('"one-server"', '"web"'))
    assert Manifest.load(tmp_path) == manifest


def test_a_copy_is_refused_and_a_run_that_was_moved_is_not(tmp_path: Path) -> None:
    first, copy, moved = (tmp_path / name for name in ("first", "copy", "moved"))
    (first / "n1").mkdir(parents=True)
    small(first).save()
    write_identity(first / "n1")
    shutil.copytree(first, copy)
    with pytest.raises(ConfigError, match=f"{copy} is a copy of the run in {first}"):
        Manifest.load(copy)  # Else whoever took it down would end the processes of the other.
    first.rename(moved)
    found = Manifest.load(moved)
    assert found is not None
    assert found.components["n1"].process is not None
    assert str(first) not in found.encode().decode(), "what goes to others names no folder here"
    first.mkdir()
    small(first).save()
    path = first / MANIFEST
    path.write_text(path.read_text().replace(f'"{found.run}"', '"another"'))
    assert Manifest.load(moved) is not None, "another run lies there now"
    (tmp_path / "link").symlink_to(moved)
    assert Manifest.load(tmp_path / "link") is not None


def test_no_manifest_is_no_run(tmp_path: Path) -> None:
    assert Manifest.load(tmp_path) is None
    assert Manifest.load(tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"schema": 1}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_manifest_is_said(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / MANIFEST).write_bytes(damage)
    with pytest.raises(ConfigError, match="is not the manifest of a run"):
        Manifest.load(tmp_path)


@pytest.mark.parametrize("name", ["../n1", "/etc", "", "..", "a/b"])
def test_a_component_stays_within_the_folder(tmp_path: Path, name: str) -> None:
    small(tmp_path).save()
    data = json.loads((tmp_path / MANIFEST).read_text())
    data["components"][0]["name"] = name
    (tmp_path / MANIFEST).write_text(json.dumps(data))
    with pytest.raises(ConfigError, match="is no name of a component"):
        Manifest.load(tmp_path)


def test_a_written_identity_counts_even_if_it_is_not_in_the_manifest(
    tmp_path: Path,
) -> None:
    small(tmp_path).save()
    folder = tmp_path / "n2"
    folder.mkdir()
    identity = write_identity(folder)
    loaded = Manifest.load(tmp_path)
    assert loaded is not None
    assert loaded.components["n2"].process == identity
    assert loaded.components["n1"].process is None


def test_one_works_on_a_run_at_a_time(tmp_path: Path) -> None:
    second = run_locked(tmp_path)
    with run_locked(tmp_path), pytest.raises(ConfigError, match="another axon swarm command"):
        second.__enter__()
    with run_locked(tmp_path):
        pass


def test_each_node_has_a_netgroup_of_its_own(tmp_path: Path) -> None:
    manifest = small(tmp_path, nodes=40)
    groups = [item.host.split(".")[1] for item in manifest.nodes]
    assert len(set(groups)) == 40
    assert all(item.host.startswith("127.") and item.host != "127.0.0.1" for item in manifest.nodes)


def test_groups_share_netgroups_and_no_two_nodes_an_address(tmp_path: Path) -> None:
    manifest = small(tmp_path, nodes=10, groups=3)
    assert {item.group for item in manifest.nodes} == {1, 2, 3}
    assert len({item.host for item in manifest.nodes}) == 10
    for item in manifest.nodes:
        assert int(item.host.split(".")[1]) == 1 + item.group


def test_the_same_seed_draws_the_same_run(tmp_path: Path) -> None:
    one, two = (small(tmp_path, nodes=20, seed=5, miners=4) for _ in range(2))
    assert one == two
    other = small(tmp_path, nodes=20, seed=6, miners=4)
    assert [item.knows for item in other.nodes] != [item.knows for item in one.nodes]


def test_a_run_does_not_depend_on_what_listens_on_the_machine(tmp_path: Path) -> None:
    for seed in range(5, 20):  # Another lab may just have one's addresses.
        one = small(tmp_path, nodes=3, seed=seed)
        first = one.nodes[0]
        if usual_or_free_port(first.host, first.p2p_port) == first.p2p_port:
            break
    with socket.socket() as busy:
        busy.bind((first.host, first.p2p_port))
        busy.listen()
        assert small(tmp_path, nodes=3, seed=seed) == one
        port = usual_or_free_port(first.host, first.p2p_port)
        assert port != first.p2p_port, "a lab that is raised here takes another"
    assert usual_or_free_port(first.host, first.p2p_port) == first.p2p_port


def test_miners_mine_at_nodes_of_their_own(tmp_path: Path) -> None:
    manifest = small(tmp_path, nodes=7, miners=3)
    at = [item.node for item in manifest.of_kind(ComponentKind.MINER)]
    assert len(set(at)) == 3
    assert all(manifest.components[name].is_node for name in at)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (RunRequest(0), "1 to 500 nodes"),
        (RunRequest(501), "1 to 500 nodes"),
        (RunRequest(3, miners=4), "0 to 3 miners"),
        (RunRequest(3, miners=-1), "0 to 3 miners"),
        (RunRequest(3, groups=4), "1 to 3 groups"),
        (RunRequest(401, groups=2), "at most 200 nodes"),
        (RunRequest(3, interval_s=0), "every 0 s"),
    ],
)
def test_what_cannot_be_is_said(wanted: RunRequest, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        wanted.check()


def settings_of(manifest: Manifest, item: Component) -> FullNodeSettings:
    """What the program of a node makes of what it is told."""
    folder = manifest.folder_of(item.name)
    return node_settings(*read_arguments(arguments(folder, item, dialled(manifest, item))))


def test_a_node_is_told_where_it_is_and_whom_to_dial(tmp_path: Path) -> None:
    manifest = small(tmp_path, topology=RunTopology.RING)
    first, second = manifest.nodes[:2]
    told = settings_of(manifest, first)
    assert told.folder == tmp_path / "n1" / "regtest"
    assert told.rpc is not None
    assert told.rpc.server.endpoints == (first.rpc,)
    assert [bind.endpoint for bind in told.peers.binds] == [first.p2p]
    assert told.peers.externalip == (first.p2p,)
    assert (told.peers.connect, told.peers.addnode) == ((), (second.p2p,))
    assert not told.peers.dnsseed, "it stays on this machine"
    assert not told.peers.fixedseeds, "it stays on this machine"
    cut = manifest.change("n1", bans=(second.host,))
    assert settings_of(manifest, cut).peers.addnode == ()


def test_a_node_that_finds_peers_by_itself_is_not_held_back(tmp_path: Path) -> None:
    manifest = small(tmp_path)
    assert settings_of(manifest, manifest.nodes[0]).peers.connect is None


def test_nobody_hears_of_a_probe(tmp_path: Path) -> None:
    manifest = small(tmp_path)
    item = manifest.components["p1"] = plan_joiner(manifest, 1, ("n2",))
    told = settings_of(manifest, item)
    assert told.peers.externalip == ()
    assert told.peers.addnode == (manifest.components["n2"].p2p,)
    assert item.host not in [node.host for node in manifest.nodes]
