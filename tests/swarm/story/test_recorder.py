"""The thread that looks on ends with the story, and is waited for."""

from __future__ import annotations

import threading

from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.story.recorder import Sampler


def test_the_sampler_leaves_no_thread_and_no_half_sample() -> None:
    asked, may_answer = threading.Event(), threading.Event()
    names: list[str] = []

    class SlowNode(NodeProcess):
        """A node whose answer takes until it is told to give it."""

        def __init__(self, name: str) -> None:
            self.name = name

        @property
        def is_running(self) -> bool:
            names.append(self.name)
            asked.set()
            may_answer.wait()
            return False

    sampler = Sampler(lambda: [SlowNode("node 1"), SlowNode("node 2")], lambda: 0.0)
    with sampler:
        assert asked.wait(10)
        threading.Timer(0.2, may_answer.set).start()
    assert names == ["node 1"], "nobody else was asked once it was to end"
    assert sampler.samples == ()
    assert "sampler" not in [thread.name for thread in threading.enumerate()]
