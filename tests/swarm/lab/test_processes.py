"""Ports for the processes of the lab."""

from __future__ import annotations

import pytest

from axon.swarm.lab import processes
from axon.swarm.lab.processes import NodeFailed, free_ports

HOST = "127.91.7.3"


def test_ports_that_are_found_together_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """A node's two servers once drew the same port: one time in 12,000 it could not start."""
    monkeypatch.setattr(processes, "PORTS", range(20_000, 20_003))
    assert sorted(free_ports(3, HOST)) == [20_000, 20_001, 20_002]
    with pytest.raises(NodeFailed, match="4 free ports were not found"):
        free_ports(4, HOST)
