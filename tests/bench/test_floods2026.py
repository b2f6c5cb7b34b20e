"""Two attacks of 2026 at a small size: what is demanded holds, and what is not is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from axon.machine import HOUR, MINUTE, Instant
from axon.p2p import addrplacement
from axon.p2p.addrman import AddrMan
from axon.primitives.netaddress import NetAddress, TimedAddress
from bench import addressflood, seatfilling
from bench.addressflood import AddressFlood, cold_start, flood
from bench.seatfilling import DIALS, SITTING, SeatFilling, besiege, urn

pytestmark = pytest.mark.long


def test_newcomers_draw_her_as_from_an_urn() -> None:
    starts = [seatfilling.cold_start(seed) for seed in range(2)]
    calm = [seatfilling.cold_start(seed, attacked=False) for seed in range(2)]
    poisoned = [seatfilling.cold_start(seed, poisons=True) for seed in range(2)]
    found = SeatFilling(starts, calm, poisoned, ())
    assert found.holds
    assert all(each.hers < DIALS for each in starts)
    assert all(each.hers == 0 for each in calm)
    assert sum(map(urn, range(DIALS + 1))) == pytest.approx(1)
    hers = [replace(each, hers=DIALS) for each in starts]
    assert not SeatFilling(starts, calm, hers, ()).holds
    worse = SeatFilling(hers, calm, poisoned, ())
    assert not worse.holds
    assert "NOT as from an urn" in "".join(worse.lines())


def test_an_established_node_keeps_what_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seatfilling, "HERS", 60)
    monkeypatch.setattr(seatfilling, "HONEST", 400)
    monkeypatch.setattr(seatfilling, "TRIED", 100)
    found = besiege(1, 10 * MINUTE)
    assert found.tried_kept >= 90
    assert found.sitting == SITTING
    assert found.dialled_hers < DIALS
    assert found.predicted < 1e-6


def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addressflood, "REACHABLE", 300)
    monkeypatch.setattr(addressflood, "TRIED", 60)
    monkeypatch.setattr(addressflood, "TELLERS", 5)
    monkeypatch.setattr(addressflood, "TELLS_EVERY", 10 * MINUTE // 60)


def test_a_flood_moves_nobody_who_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    small(monkeypatch)
    found = flood(1, HOUR)
    assert found.tried_kept >= 90
    assert found.known[1] > 300
    assert found.honest == DIALS


def test_where_what_is_told_counts_as_met_the_flood_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A node that takes addresses for tried ones as soon as it hears of them."""
    small(monkeypatch)
    monkeypatch.setattr(addrplacement, "TRIED_BUCKETS", 16)
    add = AddrMan.add

    def believing(
        self: AddrMan,
        addresses: Sequence[TimedAddress],
        source: NetAddress,
        now: Instant,
        time_penalty_s: int = 0,
    ) -> int:
        taken = add(self, addresses, source, now, time_penalty_s)
        for each in addresses:
            self.good(each.address, now, test_before_evict=False)
        return taken

    monkeypatch.setattr(AddrMan, "add", believing)
    assert flood(1, HOUR).tried_kept < 90


def test_a_cold_start_amid_the_flood_knows_the_chain_as_soon() -> None:
    starts = {
        (by_dns, flooded): [cold_start(1, flooded=flooded, by_dns=by_dns)]
        for by_dns in (True, False)
        for flooded in (True, False)
    }
    found = AddressFlood([], starts)
    assert found.holds
    late = {key: [replace(each[0], chain_us=None)] for key, each in starts.items() if key[1]}
    assert not AddressFlood([], starts | late).holds
    lonely = {key: [replace(each[0], peers_us=None)] for key, each in starts.items() if key[1]}
    assert not AddressFlood([], starts | lonely).holds
