"""What the components of a run say of themselves, taken together."""

from __future__ import annotations

from axon.swarm.lab.members import mean_pss_mb
from axon.swarm.lab.nodeprocess import NodeView, ProcessState


def test_the_mean_memory_is_of_those_that_have_some() -> None:
    running = [NodeView(f"n{mb}", ProcessState.RUNNING, pss_kb=mb * 1024) for mb in (40, 50)]
    assert mean_pss_mb([*running, NodeView("n3", ProcessState.ENDED)]) == 45.0
    assert mean_pss_mb([]) == 0.0
