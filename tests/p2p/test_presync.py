"""Headers that are read twice."""

from __future__ import annotations

import pytest

from axon.p2p.presync import MAX_MARKS, Phase, Presync, claimed_work
from axon.primitives.hashes import BlockHash
from axon.primitives.header import Header
from axon.primitives.network import REGTEST
from axon.primitives.target import work
from tests.p2p.chains import BITS, Ledger, mine_headers

GENESIS = REGTEST.genesis.header
CHAIN = mine_headers(GENESIS, 50)
OTHER = mine_headers(GENESIS, 50, salt=1)
EACH = work(BITS)


def presync(enough: int) -> Presync:
    """Messages hold ten headers here; `enough` is in headers."""
    return Presync(Ledger().tree.genesis, (1 + enough) * EACH)


def test_the_same_headers_twice() -> None:
    it = presync(25)
    assert it.received(CHAIN[:10], True) == ()
    assert it.received(CHAIN[10:20], True) == ()
    assert (it.phase, it.last, it.height) == (Phase.FIRST, CHAIN[19].hash, 20)
    assert it.received(CHAIN[20:30], True) == ()
    assert (it.phase, it.last) == (Phase.SECOND, GENESIS.hash)
    kept = [header for at in (0, 10, 20) for header in it.received(CHAIN[at : at + 10], True)]
    assert kept == CHAIN[:30]
    assert it.phase is Phase.DONE


def test_the_last_message_may_have_grown_meanwhile() -> None:
    it = presync(15)
    it.received(CHAIN[:10], True)
    it.received(CHAIN[10:16], False)
    it.received(CHAIN[:10], True)
    assert it.received(CHAIN[10:18], False) == tuple(CHAIN[10:18])
    assert it.phase is Phase.DONE


def test_a_chain_that_ends_too_early_fails() -> None:
    it = presync(25)
    it.received(CHAIN[:10], True)
    it.received(CHAIN[10:15], False)
    assert it.phase is Phase.FAILED
    assert it.fits


@pytest.mark.parametrize("count", [10, 9, 5])
def test_another_second_reading_fails_and_hands_nothing_on(count: int) -> None:
    it = presync(25)
    for start in (0, 10, 20):
        it.received(CHAIN[start : start + 10], True)
    assert it.received(OTHER[:count], count == 10) == ()
    assert it.phase is Phase.FAILED


def test_a_shorter_second_reading_fails() -> None:
    it = presync(25)
    for start in (0, 10, 20):
        it.received(CHAIN[start : start + 10], True)
    assert it.received(CHAIN[:9], False) == ()
    assert it.phase is Phase.FAILED


def test_headers_from_elsewhere_do_not_fit() -> None:
    it = presync(25)
    it.received(CHAIN[:10], True)
    assert it.received(CHAIN[11:12], False) == ()
    assert not it.fits
    assert it.phase is Phase.FAILED


def test_what_is_kept_of_the_first_reading_is_bounded() -> None:
    it = presync(1 << 64)
    prev = GENESIS.hash
    for _ in range(MAX_MARKS):
        header = Header.build(1, prev, bytes(32), 0, BITS, 0)
        it.received((header,), True)
        prev = BlockHash(header.hash)
    assert it.phase.value == "first"
    it.received((Header.build(1, prev, bytes(32), 0, BITS, 0),), True)
    assert it.phase.value == "failed"


def test_claimed_work_adds_what_each_header_claims() -> None:
    hard = Header.build(1, GENESIS.hash, bytes(32), 0, 0x1D00FFFF, 0)
    assert claimed_work([CHAIN[0], hard, hard, CHAIN[1]]) == 2 * EACH + 2 * work(0x1D00FFFF)


def test_just_enough_work_ends_the_first_reading() -> None:
    for enough, phase in ((10, Phase.SECOND), (11, Phase.FIRST)):
        it = presync(enough)
        it.received(CHAIN[:10], True)
        assert it.phase is phase


def test_a_last_message_that_shrank_fails() -> None:
    it = presync(15)
    it.received(CHAIN[:10], True)
    it.received(CHAIN[10:16], False)
    it.received(CHAIN[:10], True)
    assert it.received(CHAIN[10:15], False) == ()
    assert it.phase is Phase.FAILED
