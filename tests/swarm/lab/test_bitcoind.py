"""Bitcoin Core's program: found or said to be missing, and how it is called."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from axon.errors import ConfigError
from axon.machine import Endpoint
from axon.swarm.lab.bitcoind import MAX_ADDED, command_line, find_bitcoind
from axon.swarm.lab.manifest import BackendName, NodeProgram
from axon.swarm.lab.plan import RunRequest, plan_run, read_mix


def program(folder: Path, says: str, name: str = "bitcoind") -> Path:
    """A program that says this, whatever it is told."""
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def test_it_is_found_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = program(tmp_path, "Bitcoin Core daemon version v30.1.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    found = find_bitcoind()
    assert (found.path, found.version) == (path, (30, 1))
    assert str(found) == f"Bitcoin Core 30.1 ({path})"


def test_one_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"no bitcoind on the PATH; --bitcoind PATH names one"):
        find_bitcoind()
    with pytest.raises(ConfigError, match="nowhere/bitcoind is no program"):
        find_bitcoind("nowhere/bitcoind")


@pytest.mark.parametrize(
    ("says", "why"),
    [
        ("Bitcoin Core version v27.2.0", r"is Bitcoin Core 27\.2; the lab needs 28\.0 or a later"),
        ("Other daemon version v31.0", "is not Bitcoin Core's bitcoind"),
        ("", "is not Bitcoin Core's bitcoind"),
    ],
)
def test_one_that_is_too_old_or_another_is_said(tmp_path: Path, says: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        find_bitcoind(str(program(tmp_path, says)))


def test_one_that_says_no_text_is_said(tmp_path: Path) -> None:
    path = program(tmp_path, "")
    path.write_text("#!/bin/sh\nprintf '\\377\\376'\n")
    with pytest.raises(ConfigError, match="is not Bitcoin Core's bitcoind"):
        find_bitcoind(str(path))


def test_in_a_namespace_it_is_on_cjdns_and_chooses_its_peers(tmp_path: Path) -> None:
    request = RunRequest(3, backend=BackendName.NETNS, mix=((NodeProgram.BITCOIND, 3),))
    item = plan_run(tmp_path, request, Random(7)).components["n2"]
    said = command_line("/bin/it", tmp_path, item, [Endpoint("fc00:1::1", 18444)])
    assert said[0] == "/bin/it"
    assert {
        "-regtest",
        "-cjdnsreachable",
        "-bind=[fc10:1::1]:18444",
        "-externalip=fc10:1::1",
        "-rpcbind=[::1]",
        "-rpcallowip=::1",
        "-addnode=[fc00:1::1]:18444",
        "-uacomment=n2",
        "-dnsseed=0",
        "-fixedseeds=0",
    } <= set(said)
    assert "-connect=0" not in said


def test_on_loopback_it_dials_whom_it_is_given(tmp_path: Path) -> None:
    request = RunRequest(12, mix=((NodeProgram.BITCOIND, 4), (NodeProgram.AXON, 8)))
    manifest = plan_run(tmp_path, request, Random(7), lambda _, usual: usual)
    programs = [item.program for item in manifest.nodes]
    assert programs == [NodeProgram.BITCOIND] * 4 + [NodeProgram.AXON] * 8
    for item in manifest.nodes:
        foreign = item.program is NodeProgram.BITCOIND
        assert (item.dials is not None and len(item.dials) == MAX_ADDED) is foreign
    item = manifest.components["n1"]
    others = [manifest.components[name].p2p for name in item.entries]
    said = command_line("/bin/it", tmp_path, item, others)
    assert {"-connect=0", f"-bind={item.p2p}", f"-rpcbind={item.host}"} <= set(said)
    assert [f"-addnode={other}" for other in others] == [s for s in said if "-addnode" in s]
    assert not [option for option in said if "cjdns" in option or "externalip" in option]


def test_a_mix_is_read_and_has_to_add_up() -> None:
    mix = read_mix("bitcoind:2, axon:1")
    assert mix == ((NodeProgram.BITCOIND, 2), (NodeProgram.AXON, 1))
    RunRequest(3, mix=mix).check()
    with pytest.raises(ConfigError, match="--mix names 3 nodes, and the run is to have 4"):
        RunRequest(4, mix=mix).check()
    for text in ("", "geth:4", "axon", "axon:-1", "bitcoind:x"):
        with pytest.raises(ConfigError, match="as in bitcoind:4,axon:8"):
            read_mix(text)
