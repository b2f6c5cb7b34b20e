"""`axon rpc` beside bitcoin-cli on the same node: what they print and their codes are the same."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

import pytest

from axon.cli.rpc import main
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from axon.swarm.signer import Signer

pytestmark = [pytest.mark.interop, pytest.mark.process]

LIMIT_S: Final = 30.0
TRIES: Final = 5
"""Seconds are shown since a peer was heard of: between two calls one may have passed."""

ALICE: Final = Signer("Alice").address()

SAME: Final = (
    "getblockcount",
    "getblockhash 1",
    "getblockhash 77",
    "getblock nonsense",
    "getblock",
    "-named getblockhash height=1",
    "-named getblockhash foo=1",
    "-getinfo",
    "-color=always -getinfo",
    "-color=foo -getinfo",
    "-getinfo x",
    "-netinfo",
    "-netinfo 1",
    "-netinfo 2",
    "-netinfo 3 outonly",
    "-netinfo 4",
    "-addrinfo",
    "-addrinfo x",
    "-getinfo -netinfo",
    "-generate 0",
    "-generate 1 2 3",
    "-rpcwallet=nope getwalletinfo",
    "-stdinwalletpassphrase getblockcount",
    "-foo",
    "-conf=/nonexistent getblockcount",
    "-signet getblockcount",
    "help stop",
    "help nonsense",
    "echojson 1 [2.50]",
    "getmempoolinfo",
    "nonsense",
)
"""Command lines behind the options that say which node is meant."""


@pytest.fixture(name="nodes", scope="module")
def nodes_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[NodeProcess, ...]]:
    folder = tmp_path_factory.mktemp("nodes")
    with ExitStack() as stack:
        first = stack.enter_context(NodeProcess("first", folder / "first").start())
        dials = (f"-connect={first.p2p}",)
        second = stack.enter_context(
            NodeProcess("second", folder / "second", options=dials).start()
        )
        first.rpc("generatetoaddress", 2, ALICE)
        wait_until(lambda: second.rpc("getblockcount") == 2, LIMIT_S, "they are connected")
        yield first, second


def printed(program: str, *arguments: str) -> tuple[int, str, str]:
    """Code, standard output and standard error of bitcoin-cli."""
    done = subprocess.run(
        [program, *arguments], capture_output=True, text=True, timeout=LIMIT_S, input=""
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("line", SAME)
def test_the_same_is_printed(
    nodes: tuple[NodeProcess, ...], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    program = shutil.which("bitcoin-cli")
    if program is None:
        pytest.skip("no bitcoin-cli on the PATH")
    for node in nodes:
        arguments = [
            "-regtest", f"-datadir={node.folder}", f"-rpcconnect={node.rpc_endpoint.host}",
            f"-rpcport={node.rpc_endpoint.port}", *line.split(),
        ]  # fmt: skip
        for _ in range(TRIES):
            theirs = without_names(printed(program, *arguments))
            ours = without_names((main(arguments), *capsys.readouterr()))
            if ours == theirs:
                break
        assert ours == theirs


def without_names(said: tuple[int, str, str]) -> tuple[int, str, str]:
    """Without the first line of -netinfo, which says how the program is called."""
    code, out, errors = said
    first, _, rest = out.partition("\n")
    return code % 256, rest if " - server " in first else out, errors
