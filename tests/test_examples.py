"""Every example runs, is short, and prints what it says."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest

from axon import REGTEST, Bind, Endpoint, FullNodeSettings, PeerSettings, full_node

EXAMPLES = Path(__file__).parent.parent / "examples"
LINES = 40
LIMIT_S = 60.0


def run(name: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py", *arguments],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_each_is_short_and_tested() -> None:
    names = sorted(path.stem for path in EXAMPLES.glob("*.py"))
    assert names == [
        "direct_payment",
        "five_messages",
        "partition",
        "payment",
        "print_blocks",
        "watch_script",
    ]
    for name in names:
        assert len((EXAMPLES / f"{name}.py").read_text().splitlines()) <= LINES, name


@pytest.mark.long
def test_partition() -> None:
    told = run("partition", "7")
    assert told == run("partition", "7")
    assert told.splitlines() == [
        "one network, agreed: True",
        "parted, different tips: 2",
        "joined, agreed: True",
        "height everywhere: {3}",
    ]


@pytest.mark.process
def test_print_blocks() -> None:
    lines = run("print_blocks").splitlines()
    assert [re.sub(r"[0-9a-f]{64}", "HASH", line) for line in lines] == [
        f"block {height} HASH" for height in (1, 2, 3)
    ]


@pytest.mark.process
def test_watch_script() -> None:
    lines = run("watch_script").splitlines()
    assert [line[64:] for line in lines] == [" in block 1", " in block 2"]


@pytest.mark.process
def test_payment() -> None:
    assert re.search(r"sent [0-9a-f]{64}\n", run("payment"))


@pytest.mark.process
def test_direct_payment(tmp_path: Path) -> None:
    told, _, receipt = run("direct_payment").partition("-----BEGIN")
    lines = told.splitlines()
    assert lines[0] == "accepted as a payjoin"
    assert "- the owners of the coins it names have signed it" in lines
    assert "until a block has it the payer can take it back" in lines[-1]
    assert "Received: 0.50000000 BTC\n" in receipt
    kept = tmp_path / "receipt.txt"
    kept.write_text("-----BEGIN" + receipt)
    verify = [sys.executable, "-m", "axon", "wallet", "receipt", "verify", str(kept)]
    assert subprocess.run(verify, capture_output=True, timeout=LIMIT_S).returncode == 0


@pytest.mark.process
def test_five_messages(tmp_path: Path) -> None:
    async def with_a_node() -> list[str]:
        peers = PeerSettings(binds=(Bind(Endpoint("127.0.0.1", 0)),), connect=())
        settings = FullNodeSettings(network=REGTEST, folder=tmp_path, peers=peers)
        async with full_node(settings) as node:
            host, port = node.endpoints[0].host, str(node.endpoints[0].port)
            return (await asyncio.to_thread(run, "five_messages", host, port)).split()

    received = asyncio.run(with_a_node())
    assert received[:1] == ["version"]
    assert {"verack", "pong"} <= set(received)
    assert received[-1] == "headers"
