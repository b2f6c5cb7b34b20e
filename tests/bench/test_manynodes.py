"""What a node costs a simulation is measured, and a node that costs too much is named."""

from __future__ import annotations

import pytest

from bench import manynodes


def test_a_node_that_takes_too_much_memory_misses_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(manynodes, "LIMIT_KB", 1)
    row = manynodes.measure(3, 1)
    assert row.holds is False
    assert "kB" in row.found
