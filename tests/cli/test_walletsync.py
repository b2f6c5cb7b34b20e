"""Bringing a wallet up to date, where no node is reached."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from axon.cli import walletsync
from axon.cli.wallet import main
from tests.rpc.lightwallet import account, make_wallet

PATIENCE_S = 20.0


def closed_port() -> int:
    """A port of this machine where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture
def datadir(tmp_path: Path) -> str:
    make_wallet(tmp_path / "regtest", "alice", account(bytes(16)))
    return f"-datadir={tmp_path}"


def test_nodes_that_refuse_are_told_at_once(
    datadir: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walletsync, "NAMED_S", 1.5)
    port, began = closed_port(), time.monotonic()
    assert main(["balance", "alice", "-regtest", datadir, f"-connect=127.0.0.1:{port}"]) == 1
    assert time.monotonic() - began < PATIENCE_S
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert lines.count(f"127.0.0.1:{port}: Connection refused") == 1
    assert len(lines) == len(set(lines)) <= 3
    assert lines[-1].startswith(
        f"Error: no node answered: 127.0.0.1:{port}: Connection refused. Is it running?"
    )


def test_a_name_that_is_none(
    datadir: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walletsync, "NAMED_S", 1.5)
    words = ["sync", "alice", "-regtest", datadir, "-connect=no-such-name.invalid:7"]
    assert main(words) == 1
    assert "no-such-name.invalid:7: its name was not found" in capsys.readouterr().err
