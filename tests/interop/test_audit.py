"""Networks of unpatched Bitcoin Core, read by `axon swarm audit` while they run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from axon.cli.swarm import main
from axon.swarm.lab.processes import wait_until
from tests.interop.foreign import BitcoindProcess

pytestmark = pytest.mark.interop

LIMIT_S = 30.0


@pytest.fixture(autouse=True)
def installed() -> None:
    BitcoindProcess.require()


def audited(
    nodes: dict[str, BitcoindProcess], capsys: pytest.CaptureFixture[str], *more: str
) -> tuple[int, dict[str, Any]]:
    command = ["audit", "--json", *more]
    for name, node in nodes.items():
        command += ["--node", f"{name}={node.rpc_url}", "--cookie", f"{name}={node.cookie}"]
    capsys.readouterr()
    code = main(command)
    return code, json.loads(capsys.readouterr().out)


def wait_for_links(nodes: Sequence[BitcoindProcess], ends: int) -> None:
    wait_until(
        lambda: sum(len(node.rpc("getpeerinfo")) for node in nodes) == ends,
        LIMIT_S,
        f"{ends} ends of links are there",
    )


def test_the_hub_of_a_star_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with ExitStack() as stack:
        hub = stack.enter_context(BitcoindProcess(tmp_path / "hub"))
        leaves = [
            stack.enter_context(BitcoindProcess(tmp_path / name, dials=hub.p2p))
            for name in ("n1", "n2", "n3")
        ]
        wait_for_links([hub, *leaves], 6)
        nodes = {"hub": hub} | {f"n{place}": leaf for place, leaf in enumerate(leaves, 1)}
        code, told = audited(nodes, capsys, "--leave-out", "version", "--leave-out", "host")
    assert code == 1
    assert told["verdict"] == "SPOF FOUND"
    assert told["single_points"] == [{"component": "hub", "kind": "node"}]
    assert told["links"] == [["hub", "n1"], ["hub", "n2"], ["hub", "n3"]]


def test_a_mesh_has_none_but_what_one_machine_shares(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ExitStack() as stack:
        nodes = {
            name: stack.enter_context(BitcoindProcess(tmp_path / name))
            for name in ("n1", "n2", "n3", "n4")
        }
        for place, (one, other) in enumerate(combinations(nodes.values(), 2)):
            dialler, dialled = (one, other) if place % 2 else (other, one)
            dialler.rpc("addnode", str(dialled.p2p), "onetry")
        wait_for_links(list(nodes.values()), 12)
        code, told = audited(nodes, capsys)
        shared = [each["kind"] for each in told["single_points"]]
        assert (code, shared) == (1, ["host", "version"])
        left_out = [word for name in ("host", "netgroup", "version", "seed") for word in
                    ("--leave-out", name)]  # fmt: skip
        code, told = audited(nodes, capsys, *left_out)
    assert len(told["links"]) == 6
    assert told["verdict"].startswith("NONE FOUND UP TO ")
    assert code == 0
