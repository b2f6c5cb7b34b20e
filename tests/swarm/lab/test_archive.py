"""Runs in files: what comes out is what went in; what a stranger packs gets nowhere else."""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from axon.errors import ConfigError
from axon.swarm.lab import archive
from axon.swarm.lab.archive import Archived, pack, unpack
from axon.swarm.lab.backends import BACKENDS
from axon.swarm.lab.manifest import (
    MANIFEST,
    PASSPHRASE,
    WORDS,
    BackendName,
    DesiredState,
    Manifest,
)
from axon.swarm.lab.plan import RunRequest, plan_run
from axon.swarm.lab.processidentity import IDENTITY_FILE, write_identity
from axon.swarm.lab.runregistry import RunRegistry
from axon.swarm.lab.shapedlinks import ShapedLink
from axon.swarm.linkquality import LinkQuality


def say(_text: str) -> None:
    """Nobody listens."""


@pytest.fixture(name="run")
def run_fixture(tmp_path: Path) -> Manifest:
    """A run with some files, none of it running."""
    folder = tmp_path / "run"
    folder.mkdir()
    registry = RunRegistry(tmp_path / "runs.json")
    wanted = RunRequest(3, miners=1, wallets=1, seed=7)
    manifest = registry.enter(
        lambda taken: plan_run(folder, wanted, Random(1), lambda _, usual: usual, taken)
    )
    for name in ("n1", "n2", "n3", "w1"):
        blocks = folder / name / "regtest" / "blocks"
        blocks.mkdir(parents=True)
        (blocks / "blk00000.dat").write_bytes(bytes(100_000) + name.encode())
        write_identity(folder / name)
        for left in ("peers.dat", ".cookie", "banlist.json", "anchors.dat"):
            (folder / name / "regtest" / left).write_text("of a moment")
    (folder / "n1" / "link").symlink_to("/etc/passwd")
    (folder / "w1" / WORDS).write_text("legal winner")
    (folder / PASSPHRASE).write_text("secret")
    (folder / "notes.txt").write_text("not of the run")
    manifest.change("n1", desired=DesiredState.END, bans=(manifest.components["n2"].host,))
    manifest.sides = (("n1",), ("n2", "n3"))
    manifest.save()
    whole = Manifest.load(folder)
    assert whole is not None
    return whole


def packed(run: Manifest) -> Path:
    path = run.folder.parent / "run.zip"
    pack(run, path, say)
    return path


def unpacked(path: Path, name: str = "copy") -> tuple[Manifest, Archived]:
    registry = RunRegistry(path.parent / "runs.json")
    return unpack(path, path.parent / name, Random(2), registry, say)


def test_what_comes_out_is_what_went_in(run: Manifest) -> None:
    path = packed(run)
    assert path.stat().st_mode & 0o777 == 0o600
    manifest, told = unpacked(path)
    assert told.components == ("n1", "n2", "n3", "m1", "w1")
    assert told.secrets == (PASSPHRASE, f"w1/{WORDS}")
    folder = manifest.folder
    assert Manifest.load(folder) == manifest
    found = {str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file()}
    blocks = {f"{name}/regtest/blocks/blk00000.dat" for name in ("n1", "n2", "n3", "w1")}
    assert found == {MANIFEST, PASSPHRASE, "w1/words", *blocks}
    for name in blocks:
        assert (folder / name).read_bytes() == (run.folder / name).read_bytes()
        assert (folder / name).stat().st_mode & 0o077 == 0
    assert (folder / PASSPHRASE).stat().st_mode & 0o077 == 0


def test_it_gets_addresses_of_its_own(run: Manifest) -> None:
    manifest, _ = unpacked(packed(run))
    assert manifest.run != run.run
    assert manifest.corner != run.corner
    before, after = run.components, manifest.components
    assert not {each.host for each in before.values()} & {each.host for each in after.values()}
    assert after["m1"].host == after[after["m1"].node].host
    assert after["n1"].bans == (after["n2"].host,), "a cut stays what it was"
    assert manifest.sides == run.sides
    assert all(item.process is None for item in after.values())
    assert after["n1"].desired is DesiredState.RUN
    for name, item in before.items():
        assert (item.knows, item.group, item.seed) == (
            after[name].knows,
            after[name].group,
            after[name].seed,
        )


def test_a_file_or_a_run_that_is_there_is_left_alone(run: Manifest) -> None:
    path = packed(run)
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="is there already"):
        pack(run, path, say)
    assert path.read_bytes() == before
    with pytest.raises(ConfigError, match="is in use"):
        unpacked(path, "run")
    assert Manifest.load(run.folder) == run


@pytest.fixture(name="in_namespaces")
def in_namespaces_fixture(tmp_path: Path) -> Manifest:
    """A run of another backend, with links that are shaped; none of it running."""
    folder = tmp_path / "run"
    (folder / "n1" / "regtest").mkdir(parents=True)
    wanted = RunRequest(3, miners=1, wallets=1, backend=BackendName.NETNS)
    manifest = plan_run(folder, wanted, Random(1))
    manifest.change("n1", bans=(manifest.components["n2"].host,))
    manifest.links = (ShapedLink(("n1",), ("w1",), LinkQuality(latency_ms=80)),)
    manifest.save()
    return manifest


def test_a_run_in_namespaces_has_its_addresses_for_itself(in_namespaces: Manifest) -> None:
    try:
        BACKENDS[BackendName.NETNS].check()
    except ConfigError as error:
        pytest.skip(str(error))
    run = in_namespaces
    manifest, _ = unpacked(packed(run))
    assert manifest.run != run.run, "and so other namespaces"
    assert Manifest.load(manifest.folder) == manifest
    assert manifest.links == run.links
    for name, item in run.components.items():
        assert manifest.components[name] == replace(item, process=None)


def test_a_run_in_namespaces_needs_them_where_it_arrives(
    in_namespaces: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed(in_namespaces)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ConfigError, match="--backend netns needs"):
        unpacked(path)
    assert {each.name for each in path.parent.iterdir()} <= {"run", "run.zip", *REGISTRY}


@pytest.mark.parametrize(
    "host",
    ["fc10:0:1::1", "fc10:01::1", "fd10:1::1", "fc11:1::1", "fc10:1::1/8", "::1", "127.2.1.1"],
)
def test_nobody_in_namespaces_has_another_address(in_namespaces: Manifest, host: str) -> None:
    in_namespaces.change("n1", host=host)
    in_namespaces.save()
    with pytest.raises(ConfigError, match="is no address that a run of netns has"):
        unpacked(packed(in_namespaces))


REGISTRY = ("runs.json", "runs.lock")


def nothing_is_left(path: Path) -> bool:
    """Whether a refused archive has left nothing beside the run and itself."""
    names = {each.name for each in path.parent.iterdir()}
    return names == {"run", path.name, *REGISTRY}


def rewritten(path: Path, change: Callable[[zipfile.ZipFile, dict[str, bytes]], None]) -> None:
    """Pack an archive anew, otherwise."""
    with zipfile.ZipFile(path) as source:
        members = {name: source.read(name) for name in source.namelist()}
    path.unlink()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        change(target, members)
        for name, data in members.items():
            target.writestr(name, data)


@pytest.mark.parametrize(
    "name",
    [
        "../escaped",
        "/tmp/escaped",
        "n1/../../escaped",
        "n1/./x",
        "n1//x",
        "n9/x",
        "escaped",
        "n1\\..\\x",
        "n1",
        "n1/" + "a/" * 20 + "x",
        "n1/" + "a" * 256,
        "n1/a\nb",
    ],
)
def test_no_file_gets_elsewhere(run: Manifest, name: str) -> None:
    path = packed(run)
    rewritten(path, lambda target, _: target.writestr(name, b"x"))
    with pytest.raises(ConfigError, match="lies in no component"):
        unpacked(path)
    assert nothing_is_left(path)
    assert not Path("/tmp/escaped").exists()


def test_a_link_in_an_archive_is_a_file(run: Manifest) -> None:
    def link(target: zipfile.ZipFile, _members: dict[str, bytes]) -> None:
        entry = zipfile.ZipInfo("n1/link")
        entry.external_attr = 0o120777 << 16
        target.writestr(entry, "/etc/passwd")

    path = packed(run)
    rewritten(path, link)
    manifest, _ = unpacked(path)
    found = manifest.folder / "n1" / "link"
    assert not found.is_symlink()
    assert found.read_text() == "/etc/passwd"


def test_nobody_is_told_which_process_is_his(run: Manifest) -> None:
    own = (run.folder / "n1" / IDENTITY_FILE).read_bytes()

    def smuggle(_target: zipfile.ZipFile, members: dict[str, bytes]) -> None:
        members[f"n1/{IDENTITY_FILE}"] = own
        members["n1/bitcoin.conf"] = members["n1/regtest/settings.json"] = b"blocknotify=rm"
        told = json.loads(members[MANIFEST])
        told["components"][0]["process"] = json.loads(own)
        members[MANIFEST] = json.dumps(told).encode()

    path = packed(run)
    rewritten(path, smuggle)
    manifest, _ = unpacked(path)
    assert manifest.components["n1"].process is None
    for name in (IDENTITY_FILE, "bitcoin.conf", "regtest/settings.json"):
        assert not (manifest.folder / "n1" / name).exists()


def test_no_archive_says_which_program_is_started(run: Manifest) -> None:
    def smuggle(_target: zipfile.ZipFile, members: dict[str, bytes]) -> None:
        told = json.loads(members[MANIFEST])
        members[MANIFEST] = json.dumps({**told, "bitcoind": "/tmp/evil"}).encode()

    path = packed(run)
    rewritten(path, smuggle)
    assert unpacked(path)[0].bitcoind == ""


def first(**changes: Any) -> Callable[[dict[str, Any]], None]:
    """Changes the first component."""
    return lambda told: told["components"][0].update(changes)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (first(host="8.8.8.8"), "is no address that a run of proc has"),
        (first(host=17), "is no address that a run of proc has"),
        (first(bans=["10.0.0.1"]), "is no address that a run of proc has"),
        (first(host="127.3.9.1", rpc_host=""), "two components have one address"),
        (first(rpc_port=70_000), "is no port"),
        (first(p2p_port="x"), "no number of a port"),
        (first(knows=["n7"]), "there is no 'n7'"),
        (first(dials=["w1"]), "there is no 'w1'"),
        (first(name="a b"), "no name of a component"),
        (first(name=PASSPHRASE), "no name of a component"),
        (first(name="../n1"), "is not the manifest of a run"),
        (first(kind="king"), "is not the manifest of a run"),
        (lambda told: told.update(components=[]), "it has 0 nodes"),
        (lambda told: told.update(sides=[["n1"], ["n5"]]), "there is no 'n5'"),
        (lambda told: told.update(interval_s=-1), "every -1 s"),
        (lambda told: told.update(seed="x"), "no number of a seed"),
        (lambda told: told.update(backend="cloud"), "is not the manifest of a run"),
        (lambda told: told.update(backend="netns"), "is no address that a run of netns has"),
        (first(rpc_host="8.8.8.8"), "is not where n1 is asked"),
        (lambda told: told.update(schema=99), "schema 99"),
    ],
)
def test_a_manifest_that_names_anything_else_is_refused(
    run: Manifest, change: Callable[[dict[str, Any]], None], said: str
) -> None:
    def forge(_target: zipfile.ZipFile, members: dict[str, bytes]) -> None:
        told = json.loads(members[MANIFEST])
        change(told)
        members[MANIFEST] = json.dumps(told).encode()

    path = packed(run)
    rewritten(path, forge)
    with pytest.raises(ConfigError, match=said):
        unpacked(path)
    assert nothing_is_left(path)


def test_an_archive_that_is_larger_than_it_may_be_is_not_unpacked(
    run: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed(run)
    monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", 300_000)
    with pytest.raises(ConfigError, match="more than any run"):
        unpacked(path)
    monkeypatch.undo()
    monkeypatch.setattr(archive, "MAX_FILES", 3)
    with pytest.raises(ConfigError, match="more than any run"):
        unpacked(path)
    assert nothing_is_left(path)


def test_a_full_disk_is_said_before_anything_is_written(
    run: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed(run)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10))
    with pytest.raises(ConfigError, match="are free in"):
        unpacked(path)
    assert nothing_is_left(path)


@pytest.mark.parametrize("data", [b"", b"PK", b"x" * 99, b"PK\x05\x06" + bytes(18)])
def test_what_is_no_archive_is_said(run: Manifest, data: bytes) -> None:
    path = run.folder.parent / "other.zip"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match="no archive of a run"):
        unpacked(path)
    assert nothing_is_left(path)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=60,
)
@given(st.data())
def test_a_damaged_archive_is_refused_or_as_good_as_whole(
    run: Manifest, data: st.DataObject
) -> None:
    path = run.folder.parent / "run.zip"
    if not path.exists():
        pack(run, path, say)
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    damaged = run.folder.parent / "damaged.zip"
    damaged.write_bytes(raw)
    before = {each for each in run.folder.parent.iterdir() if each.name != "copy"}
    try:
        manifest, _ = unpacked(damaged)
    except ConfigError:
        assert not (run.folder.parent / "copy").exists()
    else:
        for each in manifest.folder.rglob("*"):
            assert not each.is_symlink()
        shutil.rmtree(manifest.folder)
    assert set(run.folder.parent.iterdir()) == before
