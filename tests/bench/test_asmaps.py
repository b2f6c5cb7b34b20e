"""The large AS map of the bench: its encoder does what the small one does, what is slow is said."""

from __future__ import annotations

from random import Random

import pytest

from axon.p2p.asmap import AsMap
from bench import asmaps
from tests.p2p.asmaps import encoded


def test_it_is_the_map_that_the_tests_make() -> None:
    table = asmaps.drawn_table(Random(1), 200)
    data = asmaps.encoded(table)
    assert data == encoded(table)
    AsMap(data)


def test_who_holds_the_loop_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asmaps, "HELD_LIMIT_S", -1.0)
    row = asmaps.measure(500)
    assert row.holds is False
    assert "500 prefixes" in row.what
