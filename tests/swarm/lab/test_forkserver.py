"""The process that spawns others: what is said when it has ended itself."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from axon.swarm.lab.forkserver import ForkServer, ForkServerFailed

pytestmark = pytest.mark.process


def test_a_fork_server_that_dies_over_a_request_is_no_riddle(tmp_path: Path) -> None:
    lock = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        with ForkServer(lock) as server:
            with pytest.raises(ForkServerFailed, match="before it spawned a process"):
                server.spawn("no such program", tmp_path, [])
            with pytest.raises(ForkServerFailed, match="has ended"):
                server.spawn("no such program", tmp_path, [])
        assert server._process.returncode is not None, "nobody is left behind"
    finally:
        os.close(lock)
