"""A miner whose node is not there says so and goes on."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import pytest

from axon.swarm.lab.minerloop import Miner, mine
from axon.swarm.lab.processes import free_port


class EndedAfter(Event):
    """Is set when it has been waited for so many times; nobody waits in real time."""

    def __init__(self, rounds: int) -> None:
        super().__init__()
        self._rounds = rounds

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self._rounds -= 1
        return self._rounds < 0


def test_a_node_that_is_down_is_asked_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cookie = tmp_path / ".cookie"
    cookie.write_text("__cookie__:0")
    url = f"http://127.0.0.1:{free_port('127.0.0.1')}"
    mine(Miner(url, cookie, mean_s=1.0, seed=7), EndedAfter(2))
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("no block: ") for line in lines)
