"""What the row of relaying measures is what two processes did."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.relaying import prepared, profile, relay

pytestmark = pytest.mark.process


def test_what_is_given_to_one_node_arrives_at_the_next(tmp_path: Path) -> None:
    blocks, transactions = prepared(400)  # The system counts a process's time in hundredths.
    assert len({each.txid for each in transactions}) == 400
    found = relay(tmp_path, blocks, transactions)
    assert found.seconds > 0
    assert found.first_s > 0
    assert found.second_s > 0


def test_the_profile_says_in_which_rooms_the_loop_was(tmp_path: Path) -> None:
    rooms = profile(tmp_path / "profiled", *prepared(20))
    assert {"node", "mempool", "wire"} <= rooms.keys()
