"""Started as bitcoind is: in the background, with commands for news, block files elsewhere."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from axon.cli.rpc import main
from axon.swarm.lab.processes import wait_until
from axon.swarm.signer import Signer
from tests.process.conftest import MakeNode

pytestmark = pytest.mark.process

LIMIT_S = 30.0
CAROL = Signer("Carol").address()


def run(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """Start a node, and wait until its caller has its answer and the streams are closed."""
    return subprocess.run(arguments, capture_output=True, text=True, timeout=LIMIT_S)


def test_a_node_in_the_background_tells_its_news_and_stops_at_its_height(
    make_node: MakeNode, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    node = make_node()
    node.folder.mkdir()
    news = {name: tmp_path / name for name in ("block", "start", "stop")}
    (tmp_path / "elsewhere").mkdir()
    done = run(
        node.arguments(
            [
                "-daemonwait",
                f"-blocksdir={tmp_path / 'elsewhere'}",
                f"-blocknotify=echo %s >> '{news['block']}'; echo noise; echo noise >&2",
                f"-startupnotify=echo up > '{news['start']}'",
                f"-shutdownnotify=sleep 0.2; echo down > '{news['stop']}'",
                "-stopatheight=2",
                "-natpmp",
            ]
        )
    )
    assert (done.returncode, done.stdout) == (0, "axon starting\n")
    (warning,) = done.stderr.splitlines()
    assert warning.startswith("Warning: Option '-natpmp' is set but not done: ")
    told = [f"-datadir={node.folder}", "-regtest", f"-rpcport={node.rpc_endpoint.port}"]
    told.append(f"-rpcconnect={node.rpc_endpoint.host}")
    assert main([*told, "-getinfo"]) == 0, "it has started"
    shown = capsys.readouterr().out
    assert shown.startswith("Chain: regtest\nBlocks: 0\nHeaders: 0\n")
    assert shown.endswith(f"\nWarnings: {warning.removeprefix('Warning: ')}\n")
    mined = []
    for _ in range(2):
        assert main([*told, "generatetoaddress", "1", CAROL]) == 0
        mined += json.loads(capsys.readouterr().out)
    pid = node.network_folder / "axon.pid"
    wait_until(lambda: not pid.exists(), LIMIT_S, "it stops at its height")
    assert news["start"].read_text() == "up\n"
    assert news["stop"].read_text() == "down\n", "it has waited for the command"
    assert news["block"].read_text().split() == mined
    assert not list((node.network_folder / "blocks").glob("blk*"))
    (file,) = (tmp_path / "elsewhere" / "regtest" / "blocks").glob("blk*")

    other = make_node("other")
    other.folder.mkdir()
    copied = tmp_path / "bootstrap.dat"
    shutil.copy(file, copied)
    loaded = run(other.arguments([f"-loadblock={copied}", "-stopafterblockimport"]))
    assert (loaded.returncode, loaded.stderr) == (0, "")
    assert f"height={len(mined)}" in other.log.read_text()
    assert "init message: Done loading" in other.log.read_text()
    assert other.log.read_text().endswith("Shutdown done\n")


def test_whoever_waits_for_a_start_that_fails_is_told(make_node: MakeNode, tmp_path: Path) -> None:
    node = make_node()
    node.folder.mkdir()
    damaged = tmp_path / "map"
    damaged.write_bytes(b"no map")
    done = run(node.arguments(["-daemonwait", f"-asmap={damaged}"]))
    assert done.returncode == 1
    assert done.stderr == "Error during initialization - check debug.log for details\n"
    assert "Could not parse asmap file" in node.log.read_text()


def test_a_launcher_that_writes_much_without_a_thought_sees_nothing_on_standard_error(
    make_node: MakeNode,
) -> None:
    node = make_node()
    node.folder.mkdir()
    (node.folder / "bitcoin.conf").write_text(
        f"regtest=1\n[regtest]\nport={node.p2p.port}\nrpcport={node.rpc_endpoint.port}\n"
        "rpcservertimeout=99000\nrpcdoccheck=1\nrpcthreads=2\nfallbackfee=0.0002\nserver=1\n"
        "keypool=1\ndiscover=0\ndnsseed=0\nfixedseeds=0\nlistenonion=0\npeertimeout=999999999\n"
        "printtoconsole=0\nnatpmp=0\nshrinkdebugfile=0\nconnect=0\nmaxconnections=94\npar=2\n"
        f"bind={node.p2p.host}\nrpcbind={node.rpc_endpoint.host}\nrpcallowip=127.0.0.0/8\n"
    )
    told = [f"-datadir={node.folder}", f"-rpcconnect={node.rpc_endpoint.host}"]
    process = subprocess.Popen(
        [
            sys.executable, "-m", "axon", "node", told[0], "-logtimemicros", "-debug",
            "-debugexclude=libevent", "-debugexclude=leveldb", "-debugexclude=rand",
            "-uacomment=testnode0", "-disablewallet", "-logthreadnames", "-logsourcelocations",
            "-nologratelimit", "-loglevel=trace", "-v2transport=0", "-unsafesqlitesync=1",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert main([*told, "-rpcwait", f"-rpcwaittimeout={int(LIMIT_S)}", "getblockcount"]) == 0
        assert main([*told, "stop"]) == 0
        assert process.communicate(timeout=LIMIT_S) == (b"", b"")
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait()


def test_rules_that_the_node_does_not_know_are_warned_of(
    make_node: MakeNode, tmp_path: Path
) -> None:
    alerts = tmp_path / "alerts"
    options = [f"-blockversion={(1 << 29) + (1 << 27)}", f"-alertnotify=echo %s >> '{alerts}'"]
    node = make_node("node", *options).start()
    node.rpc("generatetoaddress", 430, CAROL)  # Block 432 will be the first of the fourth period.
    assert node.rpc("getnetworkinfo")["warnings"] == []
    node.rpc("generatetoaddress", 1, CAROL)
    wanted = "Unknown new rules activated (versionbit 27)"
    wait_until(lambda: node.rpc("getmininginfo")["warnings"] == [wanted], LIMIT_S, "it warns")
    wait_until(alerts.exists, LIMIT_S, "the command runs")
    wait_until(lambda: alerts.read_text() == f"{wanted}\n", LIMIT_S, "it has run")
