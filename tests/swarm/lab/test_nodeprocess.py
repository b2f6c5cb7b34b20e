"""What a node is told on its command line; no process is started."""

from __future__ import annotations

from pathlib import Path

from axon.swarm.lab.nodeprocess import NodeProcess


def test_only_a_node_with_a_trusted_door_listens_twice(tmp_path: Path) -> None:
    plain = NodeProcess("n1", tmp_path)
    assert plain.door == plain.p2p
    assert not [option for option in plain.arguments() if "-whitebind" in option]
    trusting = NodeProcess("n2", tmp_path, trusted_door=True)
    assert trusting.door != trusting.p2p
    assert f"-whitebind=noban@{trusting.door}" in trusting.arguments()
