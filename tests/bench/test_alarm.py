"""The alarm at small size: nodes and a wallet as processes, in real time."""

from __future__ import annotations

import pytest

from bench import alarm


@pytest.mark.slow
@pytest.mark.process
def test_a_payee_is_told_of_a_rival_at_either_of_two_nodes() -> None:
    row = alarm.measure(nodes=2)
    assert row.holds, row.found
