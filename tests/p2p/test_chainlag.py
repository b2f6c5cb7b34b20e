"""The patience with an outbound peer whose chain is behind ours."""

from __future__ import annotations

from axon.machine import SECOND, Instant
from axon.p2p.chainlag import ANSWER_TIMEOUT, CHAIN_SYNC_TIMEOUT, ChainLag, Overdue
from axon.primitives.network import REGTEST
from tests.p2p.chains import Ledger, mine_headers

NOW: Instant = 1_700_000_000 * SECOND
ENTRIES = Ledger().learn(mine_headers(REGTEST.genesis.header, 10))


def test_a_level_peer_has_no_clock() -> None:
    lag = ChainLag()
    lag.consider(ENTRIES[5], ENTRIES[5], NOW)
    assert lag.until is None
    assert lag.overdue(NOW) is Overdue.NOTHING


def test_asked_once_then_given_up() -> None:
    lag = ChainLag()
    lag.consider(None, ENTRIES[5], NOW)
    due = NOW + CHAIN_SYNC_TIMEOUT
    assert lag.until == due
    assert lag.overdue(due - 1) is Overdue.NOTHING
    assert lag.overdue(due) is Overdue.ASK
    assert lag.benchmark is ENTRIES[5]
    lag.consider(None, ENTRIES[6], due)
    assert lag.until == due + ANSWER_TIMEOUT
    assert lag.overdue(due + ANSWER_TIMEOUT) is Overdue.GIVE_UP


def test_reaching_the_old_tip_starts_the_clock_anew() -> None:
    lag = ChainLag()
    lag.consider(ENTRIES[0], ENTRIES[5], NOW)
    later = NOW + CHAIN_SYNC_TIMEOUT - 1
    lag.consider(ENTRIES[4], ENTRIES[8], later)
    assert lag.until == NOW + CHAIN_SYNC_TIMEOUT
    lag.consider(ENTRIES[5], ENTRIES[8], later)
    assert lag.until == later + CHAIN_SYNC_TIMEOUT
    assert lag.benchmark is ENTRIES[8]


def test_reaching_our_tip_stops_it() -> None:
    lag = ChainLag()
    lag.consider(ENTRIES[0], ENTRIES[5], NOW)
    lag.consider(ENTRIES[6], ENTRIES[5], NOW + 1)
    assert lag.until is None
