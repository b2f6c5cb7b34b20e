"""How far the blocks of one peer's chain are in hand, and which comes next."""

from __future__ import annotations

import pytest

from axon.machine import PeerId
from axon.p2p.blockcursor import BlockCursor, BlocksInHand
from axon.p2p.views import HeaderEntryView
from axon.primitives.hashes import BlockHash
from axon.primitives.network import REGTEST
from tests.p2p.chains import Ledger, mine_headers

GENESIS = REGTEST.genesis.header
CHAIN = mine_headers(GENESIS, 300)
BRANCH = mine_headers(CHAIN[9], 300, salt=1)
ALICE = PeerId(0)
FAR = 10_000


class Names(Ledger):
    """A ledger in which blocks are only names."""

    def __init__(self, connected: int) -> None:
        super().__init__()
        self.stored: set[BlockHash] = set()
        self.connect(self.learn(CHAIN)[:connected])
        self.learn(BRANCH)

    def has_block(self, block_hash: BlockHash) -> bool:
        entry = self.tree.get(block_hash)
        return block_hash in self.stored or (entry is not None and self.active.contains(entry))

    def at(self, block_hash: BlockHash) -> HeaderEntryView:
        entry = self.tree.get(block_hash)
        assert entry is not None
        return entry


def fixture(connected: int = 20) -> tuple[Names, BlocksInHand, BlockCursor]:
    ledger = Names(connected)
    in_hand = BlocksInHand(ledger)
    return ledger, in_hand, BlockCursor(ledger, in_hand)


def shown(cursor: BlockCursor, up_to: int = FAR) -> list[int]:
    """The heights that a cursor shows, one after another."""
    heights: list[int] = []
    while (entry := cursor.peek(up_to)) is not None:
        heights.append(entry.height)
        cursor.advance()
    return heights


def test_it_begins_above_our_tip_and_ends_with_the_chain() -> None:
    ledger, _, cursor = fixture(connected=20)
    assert cursor.settle(ledger.at(CHAIN[299].hash)).height == 20
    assert shown(cursor) == list(range(21, 301))
    assert cursor.position is ledger.at(CHAIN[299].hash)


def test_what_is_in_hand_without_gaps_is_common() -> None:
    ledger, in_hand, cursor = fixture(connected=20)
    ledger.stored.update((CHAIN[20].hash, CHAIN[22].hash))
    in_hand.unvalidated[CHAIN[21].hash] = ALICE
    assert CHAIN[21].hash in in_hand
    assert CHAIN[23].hash not in in_hand
    assert cursor.settle(ledger.at(CHAIN[299].hash)).height == 23
    assert cursor.peek(FAR) is ledger.at(CHAIN[23].hash)


def test_a_fork_begins_where_it_leaves_our_chain() -> None:
    ledger, _, cursor = fixture(connected=20)
    assert cursor.settle(ledger.at(BRANCH[299].hash)).height == 10
    assert cursor.peek(FAR) is ledger.at(BRANCH[0].hash)


def test_a_peer_that_turns_to_another_chain_is_followed() -> None:
    ledger, _, cursor = fixture(connected=20)
    cursor.settle(ledger.at(CHAIN[99].hash))
    assert shown(cursor)[-1] == 100
    assert cursor.settle(ledger.at(BRANCH[299].hash)).height == 10
    assert cursor.peek(FAR) is ledger.at(BRANCH[0].hash)


def test_a_longer_chain_goes_on_where_the_shorter_ended() -> None:
    ledger, _, cursor = fixture(connected=20)
    cursor.settle(ledger.at(CHAIN[99].hash))
    shown(cursor)
    assert cursor.settle(ledger.at(CHAIN[199].hash)).height == 20
    assert shown(cursor) == list(range(101, 201))


@pytest.mark.parametrize("up_to", [25, 149, 150])
def test_it_looks_no_further_than_it_must(up_to: int) -> None:
    ledger, _, cursor = fixture(connected=20)
    cursor.settle(ledger.at(CHAIN[299].hash))
    assert shown(cursor, up_to) == list(range(21, up_to + 1))


def test_after_a_rewind_the_first_gap_comes_again() -> None:
    ledger, _, cursor = fixture(connected=20)
    best = ledger.at(CHAIN[99].hash)
    cursor.settle(best)
    shown(cursor)
    ledger.stored.add(CHAIN[20].hash)
    cursor.rewind()
    assert cursor.settle(best).height == 21
    assert shown(cursor) == list(range(22, 101))


def test_what_connects_meanwhile_is_passed_over() -> None:
    ledger, _, cursor = fixture(connected=20)
    best = ledger.at(CHAIN[299].hash)
    cursor.settle(best)
    cursor.peek(FAR)
    ledger.connect(ledger.learn(CHAIN[20:50]))
    assert cursor.settle(best).height == 50
    assert cursor.peek(FAR) is ledger.at(CHAIN[50].hash)


def test_what_is_lost_again_is_noticed_once_it_is_unsettled() -> None:
    ledger, in_hand, cursor = fixture(connected=20)
    best = ledger.at(CHAIN[99].hash)
    in_hand.unvalidated[CHAIN[20].hash] = ALICE
    assert cursor.settle(best).height == 21
    del in_hand.unvalidated[CHAIN[20].hash]
    cursor.unsettle()
    assert cursor.settle(best).height == 20
    assert cursor.peek(FAR) is ledger.at(CHAIN[20].hash)


def test_what_it_looked_up_on_one_chain_is_not_shown_on_another() -> None:
    ledger, _, cursor = fixture(connected=5)
    cursor.settle(ledger.at(CHAIN[99].hash))
    assert cursor.peek(FAR) is ledger.at(CHAIN[5].hash)
    cursor.settle(ledger.at(BRANCH[99].hash))  # It leaves the other after ten blocks.
    assert shown(cursor, up_to=10) == [6, 7, 8, 9, 10]
    assert cursor.peek(FAR) is ledger.at(BRANCH[0].hash)
