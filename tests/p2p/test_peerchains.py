"""What each peer has of the chain, by what it showed and what it was sent."""

from __future__ import annotations

from axon.machine import PeerId
from axon.p2p.peerchains import PeerChains
from axon.primitives.hashes import BlockHash
from axon.primitives.network import REGTEST
from tests.p2p.chains import Ledger, mine_headers

GENESIS = REGTEST.genesis.header
CHAIN = mine_headers(GENESIS, 20)
BRANCH = mine_headers(GENESIS, 10, salt=1)
ALICE, BOB = PeerId(0), PeerId(1)
UNKNOWN = BlockHash(bytes([9]) * 32)


def fixture(known: int = 20) -> tuple[Ledger, PeerChains]:
    ledger = Ledger()
    ledger.learn(CHAIN[:known])
    chains = PeerChains(ledger.tree)
    chains.opened(ALICE)
    return ledger, chains


def test_a_peer_that_showed_nothing_has_nothing() -> None:
    ledger, chains = fixture()
    assert chains.best_known(ALICE) is None
    assert chains.height(ALICE) == -1
    assert not chains.has(ALICE, ledger.tree.genesis)


def test_a_header_speaks_for_all_before_it() -> None:
    _, chains = fixture()
    chains.shown(ALICE, CHAIN[9].hash)
    assert chains.height(ALICE) == 10
    assert chains.has_block(ALICE, CHAIN[0].hash)
    assert chains.has_block(ALICE, CHAIN[9].hash)
    assert not chains.has_block(ALICE, CHAIN[10].hash)
    assert not chains.has_block(ALICE, UNKNOWN)


def test_the_best_shown_counts_whatever_comes_later() -> None:
    ledger, chains = fixture()
    ledger.learn(BRANCH)
    chains.shown(ALICE, CHAIN[14].hash)
    chains.shown(ALICE, BRANCH[9].hash)
    assert chains.height(ALICE) == 15
    assert not chains.has_block(ALICE, BRANCH[0].hash)


def test_of_equal_work_the_latest_counts() -> None:
    ledger, chains = fixture()
    ledger.learn(BRANCH)
    chains.shown(ALICE, CHAIN[9].hash)
    chains.shown(ALICE, BRANCH[9].hash)
    assert chains.has_block(ALICE, BRANCH[9].hash)


def test_an_unknown_hash_counts_once_its_header_is_known() -> None:
    ledger, chains = fixture(known=10)
    chains.shown(ALICE, CHAIN[4].hash)
    chains.shown(ALICE, CHAIN[14].hash)
    assert chains.height(ALICE) == 5
    ledger.learn(CHAIN[10:])
    assert chains.height(ALICE) == 15


def test_a_later_announcement_settles_an_unknown_one_first() -> None:
    ledger, chains = fixture(known=10)
    chains.shown(ALICE, CHAIN[14].hash)
    ledger.learn(CHAIN[10:])
    chains.shown(ALICE, UNKNOWN)
    assert chains.height(ALICE) == 15


def test_what_a_peer_was_sent_it_has_but_need_not_give() -> None:
    _, chains = fixture()
    chains.sent(ALICE, CHAIN[19].hash)
    assert chains.has_block(ALICE, CHAIN[19].hash)
    assert chains.best_known(ALICE) is None
    chains.sent(ALICE, UNKNOWN)
    assert chains.has_block(ALICE, CHAIN[19].hash)


def test_an_unknown_peer_harms_nothing() -> None:
    ledger, chains = fixture()
    chains.shown(BOB, CHAIN[0].hash)
    chains.sent(BOB, CHAIN[0].hash)
    chains.closed(BOB)
    assert chains.best_known(BOB) is None
    assert not chains.has(BOB, ledger.tree.genesis)
    chains.closed(ALICE)
    assert chains.height(ALICE) == -1
