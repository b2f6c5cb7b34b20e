"""What a node is told on its command line, and what becomes of one that does not answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import TooLate
from axon.swarm.lab.processidentity import is_alive


def test_only_a_node_with_a_trusted_door_listens_twice(tmp_path: Path) -> None:
    plain = NodeProcess("n1", tmp_path)
    assert plain.door == plain.p2p
    assert not [option for option in plain.arguments() if "-whitebind" in option]
    trusting = NodeProcess("n2", tmp_path, trusted_door=True)
    assert trusting.door != trusting.p2p
    assert f"-whitebind=noban@{trusting.door}" in trusting.arguments()


class _Impatient(NodeProcess):
    """Waits for its process a moment."""

    def wait_ready(self, limit_s: float = 0.2) -> float:
        return super().wait_ready(limit_s)


def test_what_does_not_answer_in_time_is_ended(tmp_path: Path) -> None:
    """Who has called `start` has nothing that he could end it with."""
    program = tmp_path / "sleeper"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o755)
    node = _Impatient("n1", tmp_path / "n1", command=(str(program),))
    with pytest.raises(TooLate):
        node.start()
    assert not node.is_running
    assert node.identity is not None
    assert not is_alive(node.identity)
