"""All that a node dials are hers as often as is derived; where a defence is missing, more often."""

from __future__ import annotations

import pytest

from axon.p2p.addrplacement import NEW_BUCKETS, Placement
from axon.p2p.addrtables import AddressEntry
from axon.p2p.picker import Picker
from bench import eclipseodds as odds
from bench.eclipse import CASES, Case, Counted, count, main, measure

SEEDS = range(12)

FEW_SOURCES = Case("few sources", 4, (600, 120), odds.few_sources(4, 600, 120, 2), sources=2)
FEW_NETGROUPS = Case(
    "few netgroups", 4, (110, 20), odds.few_groups(4, 110, 20, 3), groups=3, sources=110
)


def counted(case: Case) -> Counted:
    (found,) = count([case], SEEDS)
    return found


def test_few_sources_reach_few_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    assert counted(FEW_SOURCES).holds

    def anywhere(self: Placement, entry: AddressEntry, _source_group: bytes) -> int:
        return self._place("N", self._hash("n", entry.key) % NEW_BUCKETS, entry)

    monkeypatch.setattr(Placement, "new_place", anywhere)
    assert not counted(FEW_SOURCES).holds, "where buckets are for all she is alone more often"


def test_no_two_of_a_netgroup_are_dialled(monkeypatch: pytest.MonkeyPatch) -> None:
    assert counted(FEW_NETGROUPS).alone == 0
    monkeypatch.setattr(Picker, "groups", lambda _self, _addresses: frozenset())
    assert not counted(FEW_NETGROUPS).holds


@pytest.mark.parametrize(
    "case", [case for case in CASES if sum(case.new) < 1_000 and not case.hours]
)
def test_each_case_runs(case: Case) -> None:
    (found,) = count([case], range(2))
    assert found.holds


@pytest.mark.long
def test_feelers_are_counted_over_hours() -> None:
    (case,) = (case for case in CASES if case.hours)
    assert counted(case).holds


def test_what_is_not_as_derived_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = Case("no such chance", 4, (110, 10), 0.0001)
    row = measure([wrong], SEEDS)
    assert row.holds is False
    assert "0 of 1 cases" in row.found
    assert main(["--seeds", "0..1", "q 0.50"]) == 0
    assert "one table, q 0.50" in capsys.readouterr().out
