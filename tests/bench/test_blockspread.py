"""Blocks spread around the planet; where nobody announces them they do not."""

from __future__ import annotations

import pytest

from axon.machine import SECOND
from bench import blockspread
from bench.blockspread import Spread, main, run_spread
from bench.planet import REGIONS, SHARES, region_of

NODES = 6


def test_small_blocks_and_full_ones_come_to_all(capsys: pytest.CaptureFixture[str]) -> None:
    small, full = run_spread(1, NODES, blocks=2, full=1)
    assert small.holds
    assert full.holds
    assert len(small.delays_us) == 2 * (NODES - 1)
    assert full.size_bytes > 900_000
    assert main(["--nodes", "3", "--blocks", "1", "--full", "1"]) == 0
    assert "1 full block (" in capsys.readouterr().out


def test_who_announces_nothing_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blockspread, "PATIENCE", 5 * SECOND)
    monkeypatch.setattr("axon.p2p.blockannounce.BlockAnnounce.announce", lambda *_: [])
    with pytest.raises(AssertionError, match="a block has come to 1 of 6 nodes"):
        run_spread(1, NODES, blocks=1, full=0)


def test_late_blocks_do_not_hold() -> None:
    spread = Spread("late", delays_us=[SECOND, SECOND, 3 * SECOND], lasts_us=[3 * SECOND])
    assert not spread.holds
    assert "last 3.000 s" in str(spread)


def test_hosts_are_all_over_the_planet() -> None:
    regions = [region_of(number, 200) for number in range(200)]
    for region, share in enumerate(SHARES):
        assert regions.count(region) == pytest.approx(200 * share, abs=3), REGIONS[region]
    assert region_of(0, 1) == 0
