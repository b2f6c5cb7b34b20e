"""What was sent to whom, and which transaction has its turn."""

from __future__ import annotations

from axon.machine import MINUTE, SECOND, PeerId
from axon.p2p.privatebroadcast import MAX_SENDS_KEPT, PEERS_EACH, PrivateBroadcast
from axon.primitives.hashes import Txid, Wtxid
from axon.primitives.transaction import Transaction, TxOut, outpoint
from tests.p2p.examples import NOW, ip
from tests.signing import Signer, Spendable

ALICE = Signer("Alice")
ONE, OTHER = (
    ALICE.pay([Spendable(outpoint(Txid(bytes([n]) * 32), 0), 1_000)], [TxOut(900, ALICE.script)])
    for n in (1, 2)
)


def book(*transactions: Transaction) -> PrivateBroadcast:
    made = PrivateBroadcast()
    for transaction in transactions:
        assert made.add(transaction, NOW)
    return made


def test_each_is_there_once_and_is_found_by_either_name() -> None:
    made = book(ONE, OTHER)
    assert not made.add(ONE, NOW)
    assert made.named(ONE.txid) == made.named(ONE.wtxid) == [ONE.wtxid]
    entry = made.remove(ONE.wtxid)
    assert entry is not None
    assert (entry.transaction, entry.missing) == (ONE, PEERS_EACH)
    assert made.remove(ONE.wtxid) is None
    assert [each.transaction for each in made.entries()] == [OTHER]


def test_the_one_that_was_sent_least_has_its_turn() -> None:
    made = book(ONE, OTHER)
    turns = [made.pick(PeerId(n), ip("1.2.3.4"), NOW + n) for n in range(4)]
    assert turns == [ONE, OTHER, ONE, OTHER]
    made.confirmed_by(PeerId(0), NOW + 9)
    assert made.pick(PeerId(4), ip("1.2.3.4"), NOW + 10) == OTHER
    assert [made.sent_to(PeerId(n)) for n in (0, 1, 9)] == [ONE, OTHER, None]
    assert PrivateBroadcast().pick(PeerId(0), ip("1.2.3.4"), NOW) is None


def test_who_confirmed_is_told_from_who_did_not() -> None:
    made = book(ONE)
    for number in range(3):
        made.pick(PeerId(number), ip("1.2.3.4"), NOW)
    assert made.confirmed_by(PeerId(1), NOW + SECOND) == ONE.txid
    assert made.confirmed_by(PeerId(7), NOW) is None
    assert [made.closed(PeerId(number)) for number in (0, 1, 7)] == [False, True, False]
    (entry,) = made.entries()
    assert [sending.confirmed_at for sending in entry.sendings] == [None, NOW + SECOND, None]
    assert (entry.sent, entry.confirmed, entry.missing) == (3, 1, 2)


def test_what_does_not_come_back_is_stale() -> None:
    made = book(ONE)
    assert made.stale(NOW + 5 * MINUTE) == []
    assert made.stale(NOW + 5 * MINUTE + 1) == [ONE]
    made.pick(PeerId(1), ip("1.2.3.4"), NOW)
    made.confirmed_by(PeerId(1), NOW + 6 * MINUTE)
    assert made.stale(NOW + 7 * MINUTE) == []
    assert made.stale(NOW + 7 * MINUTE + 1) == [ONE]


def test_few_sendings_are_kept_and_all_are_counted() -> None:
    made = book(ONE)
    for number in range(MAX_SENDS_KEPT + 5):
        made.pick(PeerId(number), ip("1.2.3.4"), NOW)
    (entry,) = made.entries()
    assert (len(entry.sendings), entry.sent) == (MAX_SENDS_KEPT, MAX_SENDS_KEPT + 5)
    assert entry.sendings[-1].peer == PeerId(MAX_SENDS_KEPT + 4)


def test_an_unknown_one_is_not_named() -> None:
    assert book(ONE).named(Wtxid(bytes(32))) == []
