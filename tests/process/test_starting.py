"""A start that cannot be is one line on standard error and a code that is not 0."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from tests.process.conftest import MakeNode

pytestmark = pytest.mark.process

LIMIT_S = 30.0
SLOW = pytest.mark.slow


def refused(command: Sequence[str]) -> str:
    """Start what must not start; what it says."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
    assert done.returncode != 0
    assert done.returncode > 0, "it ends by itself, not by a signal"
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: ")
    return line


@pytest.mark.parametrize(
    ("options", "about"),
    [
        (["-nosuchoption=1"], "nosuchoption"),
        (["-chain=nosuchchain"], "nosuchchain"),
        (["-maxmempool=1"], "maxmempool"),
        (["stray"], "stray"),
        (["-conf=nonexistent.conf"], "nonexistent.conf"),
    ],
)
def test_options_that_cannot_be(make_node: MakeNode, options: list[str], about: str) -> None:
    node = make_node()
    node.folder.mkdir()
    assert about in refused(node.arguments(options))


def test_a_missing_data_directory_is_not_made(make_node: MakeNode) -> None:
    node = make_node()
    assert str(node.folder) in refused(node.arguments())
    assert not node.folder.exists()


def test_a_damaged_configuration_file_names_its_line(make_node: MakeNode) -> None:
    node = make_node()
    node.folder.mkdir()
    (node.folder / "bitcoin.conf").write_text("server=1\nnonsense\n")
    assert "line 2" in refused(node.arguments())


def test_a_port_in_use_is_named_and_the_other_program_left_alone(make_node: MakeNode) -> None:
    node = make_node()
    node.folder.mkdir()
    for endpoint in (node.p2p, node.rpc_endpoint):
        with socket.create_server((endpoint.host, endpoint.port)):
            line = refused(node.arguments())
            assert str(endpoint.port) in line or "RPC" in line
            assert not (node.network_folder / ".cookie").exists()
    node.start()
    assert node.stop() == 0


def test_a_folder_in_use_is_refused_and_its_node_left_alone(make_node: MakeNode) -> None:
    first = make_node("first").start()
    second = make_node("second")
    second.folder = first.folder
    cookie = (first.network_folder / ".cookie").read_text()
    assert str(first.network_folder) in refused(second.arguments())
    assert (first.network_folder / ".cookie").read_text() == cookie
    assert first.height() == 0
    assert first.stop() == 0


def test_a_folder_that_cannot_be_written_is_refused(make_node: MakeNode) -> None:
    node = make_node()
    node.folder.mkdir()
    node.network_folder.write_text("a file stands where the folder should be")
    assert str(node.network_folder) in refused(node.arguments())


@pytest.mark.parametrize(
    "chain",
    ["main", "signet", pytest.param("test", marks=SLOW), pytest.param("testnet4", marks=SLOW)],
)
def test_every_network_starts_in_a_folder_of_its_own(make_node: MakeNode, chain: str) -> None:
    node = make_node("node", "-connect=0", chain=chain)
    folder = {"main": "", "test": "testnet3"}.get(chain, chain)
    subprocess_folder: Path = node.folder / folder
    node.folder.mkdir()
    process = subprocess.Popen(node.arguments(), stderr=subprocess.PIPE)
    try:
        wait_until((subprocess_folder / ".cookie").exists, LIMIT_S, "it starts")
        wait_until(lambda: is_listening(node), LIMIT_S, "it listens")
        log = subprocess_folder / "debug.log"
        wait_until(lambda: "Done loading" in log.read_text(), LIMIT_S, "it says so, as bitcoind")
        process.terminate()
        assert process.wait(LIMIT_S) == 0
    finally:
        process.kill()
        _, errors = process.communicate()
    assert errors == b""


def is_listening(node: NodeProcess) -> bool:
    """Whether its port for peers is open."""
    with socket.socket() as probe:
        return probe.connect_ex((node.p2p.host, node.p2p.port)) == 0
