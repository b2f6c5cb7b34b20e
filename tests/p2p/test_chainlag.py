"""The patience with an outbound peer whose chain is behind ours."""

from __future__ import annotations

import pytest

from axon.machine import SECOND, Instant, PeerId
from axon.p2p.chainlag import (
    ANSWER_TIMEOUT,
    CHAIN_SYNC_TIMEOUT,
    MAX_PROTECTED,
    ChainLag,
    OutboundChains,
    Overdue,
)
from axon.p2p.faults import PeerFault
from axon.p2p.peerchains import PeerChains
from axon.primitives.network import REGTEST
from axon.primitives.target import work
from tests.p2p.chains import BITS, Ledger, mine_headers

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


# Of all outbound peers.

HEADERS = mine_headers(REGTEST.genesis.header, 10)
ALICE, BOB = PeerId(0), PeerId(1)


def outbound(*peers: PeerId, protectable: bool = True) -> tuple[Ledger, PeerChains, OutboundChains]:
    """Peers that were asked for headers, of a node with ten blocks."""
    ledger = Ledger()
    ledger.connect(ledger.learn(HEADERS))
    chains = PeerChains(ledger.tree)
    made = OutboundChains(ledger, chains)
    for peer in peers:
        chains.opened(peer)
        made.opened(peer, protectable=protectable)
        made.started(peer, NOW)
    return ledger, chains, made


def test_a_peer_behind_us_is_asked_from_before_our_tip_and_given_up() -> None:
    ledger, _, made = outbound(ALICE)
    due = made.deadline()
    assert due == NOW + CHAIN_SYNC_TIMEOUT
    assert made.tick(due) == [(ALICE, ledger.tip.parent)]
    assert made.deadline() == due + ANSWER_TIMEOUT
    assert made.tick(due + ANSWER_TIMEOUT) == [(ALICE, None)]


def test_who_was_not_asked_yet_is_not_behind() -> None:
    _, chains, made = outbound()
    chains.opened(ALICE)
    made.opened(ALICE, protectable=True)
    made.consider(ALICE, NOW)
    assert made.deadline() is None
    made.started(ALICE, NOW)
    assert made.deadline() is not None


def test_who_has_gone_or_dialled_us_has_no_clock() -> None:
    _, _, made = outbound(ALICE)
    made.closed(ALICE)
    assert made.tick(NOW + CHAIN_SYNC_TIMEOUT) == []
    for _ in range(2):
        made.started(BOB, NOW)
        made.consider(BOB, NOW)
        made.check_use(BOB, False, NOW)
    assert made.deadline() is None
    assert not made.is_protected(BOB)


def test_a_protected_peer_may_fall_behind() -> None:
    ledger, chains, made = outbound(ALICE)
    chains.shown(ALICE, ledger.tip.hash)
    made.check_use(ALICE, False, NOW)
    assert made.is_protected(ALICE)
    ledger.connect(ledger.learn(mine_headers(HEADERS[-1], 1)))
    made.consider(ALICE, NOW)
    assert made.tick(NOW + 10 * CHAIN_SYNC_TIMEOUT) == []


def test_who_shows_less_than_our_tip_is_not_protected() -> None:
    ledger, chains, made = outbound(ALICE)
    chains.shown(ALICE, HEADERS[8].hash)
    made.check_use(ALICE, False, NOW)
    assert not made.is_protected(ALICE)
    chains.shown(ALICE, ledger.tip.hash)
    made.check_use(ALICE, False, NOW)
    assert made.is_protected(ALICE)


def test_connections_for_blocks_alone_are_not_protected() -> None:
    ledger, chains, made = outbound(ALICE, protectable=False)
    chains.shown(ALICE, ledger.tip.hash)
    made.check_use(ALICE, False, NOW)
    assert not made.is_protected(ALICE)


def test_no_more_than_four_are_protected_at_a_time() -> None:
    peers = [PeerId(number) for number in range(MAX_PROTECTED + 1)]
    ledger, chains, made = outbound(*peers)
    for peer in peers:
        chains.shown(peer, ledger.tip.hash)
        made.check_use(peer, False, NOW)
    assert [made.is_protected(peer) for peer in peers] == [True] * MAX_PROTECTED + [False]
    made.closed(peers[0])
    made.check_use(peers[-1], False, NOW)
    assert made.is_protected(peers[-1])


def test_a_poor_chain_is_of_no_use_while_we_catch_up_and_at_its_end() -> None:
    ledger, chains, made = outbound(ALICE)
    chains.shown(ALICE, HEADERS[4].hash)
    ledger.minimum_chainwork = work(BITS) * 7
    made.check_use(ALICE, False, NOW)
    ledger.initial_sync = True
    made.check_use(ALICE, True, NOW)
    with pytest.raises(PeerFault, match="too little work"):
        made.check_use(ALICE, False, NOW)
    chains.shown(ALICE, HEADERS[5].hash)
    made.check_use(ALICE, False, NOW)
