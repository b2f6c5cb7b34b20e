"""What goes against an unconfirmed payment is told within seconds, whoever hides it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from axon.machine import MILLISECOND, MINUTE, SECOND, Closed, PeerId
from axon.node import paymentwatch
from axon.node.facts import Fact
from axon.node.recentspends import MAX_REMEMBERED, RecentSpends
from axon.node.spendfacts import ConflictSeen, Echoed, WatchedMined, WatchedUnmined
from axon.node.spends import ClaimedCoin, StopWatching, WatchPayment
from axon.p2p.txrequest import MAX_ANNOUNCEMENTS
from axon.primitives.hashes import Txid
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut, outpoint
from axon.wire.messages import GetData, Inv, InvItem, InvType, Tx
from tests.node.lightnetwork import Light, light, network
from tests.node.lightrig import HEADERS, LightRig
from tests.node.naivewallet import NaiveWallet
from tests.node.rig import ALICE, BOB, CAROL
from tests.node.test_spendwatch import claim, coins_of_alice, mine
from tests.signing import Spendable

COIN = outpoint(Txid(b"\x01" * 32), 3)
IN_TIME = 5 * SECOND


def spends(*points: OutPoint, to_sat: int = 1_000, witness: bytes = b"w") -> Transaction:
    """A transaction that spends coins; another amount makes it another one."""
    inputs = [TxIn(point, witness=(witness,)) for point in points]
    return Transaction.build(2, inputs, [TxOut(to_sat, CAROL.script)])


PAYMENT = spends(COIN)
RIVAL = spends(COIN, to_sat=2_000)


def rig_with(count: int = 8) -> tuple[LightRig, list[PeerId]]:
    """A client in sync with so many nodes."""
    rig = LightRig(count)
    peers = [rig.connect(number) for number in range(count)]
    for peer in peers:
        rig.show(peer, HEADERS)
    for peer in peers:
        rig.told(peer)
    rig.facts.clear()
    return rig, peers


def announce(rig: LightRig, peer: PeerId, *transactions: Transaction) -> None:
    rig.send(peer, Inv(tuple([InvItem(InvType.WTX, item.wtxid) for item in transactions])))


def asked(rig: LightRig, peer: PeerId) -> set[bytes]:
    """What a node was asked for since the last call."""
    found = [item for item in rig.told(peer) if isinstance(item, GetData)]
    return {item.hash for message in found for item in message.items}


def answer(rig: LightRig, peer: PeerId, transaction: Transaction) -> None:
    """A node gives a transaction if it was asked for it."""
    if transaction.wtxid in asked(rig, peer):
        rig.send(peer, Tx(transaction))


def seen(facts: Sequence[Fact], kind: type) -> list[tuple[Txid, int]]:
    """What was told of a kind, with the last count for each."""
    found: dict[Txid, int] = {}
    for fact in facts:
        if isinstance(fact, kind):
            assert isinstance(fact, ConflictSeen | Echoed)
            found[fact.rival if isinstance(fact, ConflictSeen) else fact.txid] = fact.peers
    return list(found.items())


@pytest.mark.parametrize("which", [0, 7])
def test_a_rival_that_one_of_eight_announces_is_told_at_once(which: int) -> None:
    rig, peers = rig_with()
    rig.ask(WatchPayment(PAYMENT))
    announce(rig, peers[which], RIVAL)
    answer(rig, peers[which], RIVAL)
    assert seen(rig.facts, ConflictSeen) == [(RIVAL.txid, 1)]
    (fact,) = [fact for fact in rig.facts if isinstance(fact, ConflictSeen)]
    assert (fact.txid, fact.transaction) == (PAYMENT.txid, RIVAL)


def test_each_host_that_shows_the_rival_is_counted_once() -> None:
    rig, peers = rig_with()
    rig.ask(WatchPayment(PAYMENT))
    announce(rig, peers[0], RIVAL)
    announce(rig, peers[1], RIVAL)
    for peer in peers:
        answer(rig, peer, RIVAL)
    assert seen(rig.facts, ConflictSeen) == [(RIVAL.txid, 2)]
    announce(rig, peers[2], RIVAL)
    announce(rig, peers[2], RIVAL)
    assert seen(rig.facts, ConflictSeen) == [(RIVAL.txid, 3)]


def test_seven_that_announce_it_and_are_silent_hide_nothing() -> None:
    rig, peers = rig_with()
    rig.ask(WatchPayment(PAYMENT))
    for peer in peers[:7]:
        announce(rig, peer, RIVAL)
        rig.wait(100 * MILLISECOND)
    announce(rig, peers[7], RIVAL)
    began = rig.now
    while not seen(rig.facts, ConflictSeen):
        rig.wait(100 * MILLISECOND)
        assert rig.now - began < IN_TIME
        answer(rig, peers[7], RIVAL)


def test_one_that_was_silent_before_the_payment_was_shown_hides_nothing_either() -> None:
    rig, peers = rig_with(2)
    announce(rig, peers[0], RIVAL)
    announce(rig, peers[1], RIVAL)
    silent = next(peer for peer in peers if asked(rig, peer))
    other = peers[1 - peers.index(silent)]
    rig.wait(10 * SECOND)
    assert not asked(rig, other), "there is no hurry yet"
    rig.ask(WatchPayment(PAYMENT))
    rig.wait(0)
    answer(rig, other, RIVAL)
    assert seen(rig.facts, ConflictSeen) == [(RIVAL.txid, 2)]


def test_who_is_late_may_answer_yet() -> None:
    rig, peers = rig_with(1)
    rig.ask(WatchPayment(PAYMENT))
    announce(rig, peers[0], RIVAL)
    rig.wait(20 * SECOND)
    answer(rig, peers[0], RIVAL)
    assert seen(rig.facts, ConflictSeen) == [(RIVAL.txid, 1)]


def test_a_rival_that_is_older_than_the_watch_is_told() -> None:
    rig, peers = rig_with()
    announce(rig, peers[3], RIVAL)
    answer(rig, peers[3], RIVAL)
    assert not rig.facts
    rig.ask(WatchPayment(PAYMENT))
    assert seen(rig.facts, ConflictSeen) == [(RIVAL.txid, 1)]
    announce(rig, peers[4], RIVAL)
    assert seen(rig.facts, ConflictSeen) == [(RIVAL.txid, 2)]


def test_the_payment_itself_is_an_echo_under_any_witness() -> None:
    rig, peers = rig_with()
    rig.ask(WatchPayment(PAYMENT))
    announce(rig, peers[0], PAYMENT)
    announce(rig, peers[1], PAYMENT)
    for peer in peers:
        answer(rig, peer, PAYMENT)
    assert seen(rig.facts, Echoed) == [(PAYMENT.txid, 2)]
    changed = spends(COIN, witness=b"another")
    announce(rig, peers[2], changed)
    answer(rig, peers[2], changed)
    assert seen(rig.facts, Echoed) == [(PAYMENT.txid, 3)]
    assert not seen(rig.facts, ConflictSeen)


def test_what_spends_another_coin_of_the_same_transaction_is_no_rival() -> None:
    rig, peers = rig_with(1)
    rig.ask(WatchPayment(PAYMENT))
    other = spends(outpoint(Txid(b"\x01" * 32), 4), outpoint(PAYMENT.txid, 0))
    announce(rig, peers[0], other)
    answer(rig, peers[0], other)
    assert not rig.facts


def test_what_goes_against_an_ancestor_goes_against_the_payment() -> None:
    rig, peers = rig_with(1)
    child = spends(outpoint(PAYMENT.txid, 0))
    rig.ask(WatchPayment(child, ancestors=(PAYMENT,)))
    announce(rig, peers[0], PAYMENT, child, RIVAL)
    rig.send(peers[0], Tx(PAYMENT), Tx(child), Tx(RIVAL))
    assert seen(rig.facts, Echoed) == [(child.txid, 1)]
    assert seen(rig.facts, ConflictSeen) == [(RIVAL.txid, 1)]


def test_what_came_unasked_counts_as_well() -> None:
    rig, peers = rig_with(1)
    rig.ask(WatchPayment(PAYMENT))
    rig.send(peers[0], Tx(RIVAL))
    assert seen(rig.facts, ConflictSeen) == [(RIVAL.txid, 1)]


def test_a_flood_of_announcements_hides_no_rival() -> None:
    rig, peers = rig_with()
    rig.ask(WatchPayment(PAYMENT))
    flood = tuple([InvItem(InvType.WTX, number.to_bytes(32, "big")) for number in range(20_000)])
    rig.send(peers[0], Inv(flood))
    rig.wait(SECOND)
    assert len(asked(rig, peers[0])) <= MAX_ANNOUNCEMENTS
    began = rig.now
    announce(rig, peers[1], RIVAL)
    answer(rig, peers[1], RIVAL)
    assert seen(rig.facts, ConflictSeen)
    assert rig.now - began < IN_TIME


def test_rivals_that_anybody_can_make_up_are_told_a_few_times_only() -> None:
    rig, peers = rig_with(1)
    rig.ask(WatchPayment(PAYMENT))
    for number in range(100):
        rig.send(peers[0], Tx(spends(COIN, to_sat=5_000 + number)))
    assert len(seen(rig.facts, ConflictSeen)) == paymentwatch.MAX_RIVALS


def test_nothing_is_told_of_what_nobody_watches_any_more() -> None:
    rig, peers = rig_with(1)
    rig.ask(WatchPayment(PAYMENT))
    rig.ask(StopWatching(PAYMENT.txid))
    announce(rig, peers[0], RIVAL)
    answer(rig, peers[0], RIVAL)
    assert not rig.facts


def test_two_payments_of_one_coin_are_rivals_of_each_other() -> None:
    rig, peers = rig_with(1)
    rig.ask(WatchPayment(PAYMENT))
    rig.ask(WatchPayment(RIVAL))
    rig.send(peers[0], Tx(RIVAL))
    assert seen(rig.facts, ConflictSeen) == [(RIVAL.txid, 1)]
    assert seen(rig.facts, Echoed) == [(RIVAL.txid, 1)]


def test_what_a_peer_sent_is_remembered_within_bounds_and_goes_with_it() -> None:
    recent, alice, bob = RecentSpends(), PeerId(0), PeerId(1)
    recent.add(bob, RIVAL)
    for number in range(MAX_REMEMBERED + 10):
        recent.add(alice, spends(outpoint(Txid(b"\x07" * 32), number)))
    first = outpoint(Txid(b"\x07" * 32), 0)
    last = outpoint(Txid(b"\x07" * 32), MAX_REMEMBERED + 9)
    assert not list(recent.find(first))
    assert [spend.peer for spend in recent.find(last)] == [alice]
    assert [spend.txid for spend in recent.find(COIN)] == [RIVAL.txid], "whoever else floods us"
    recent.closed(bob)
    assert not list(recent.find(COIN))


def test_who_has_gone_was_counted() -> None:
    rig, peers = rig_with(2)
    rig.ask(WatchPayment(PAYMENT))
    rig.send(peers[0], Tx(RIVAL))
    rig.feed(Closed(peers[0], "gone"))
    rig.send(peers[1], Tx(RIVAL))
    assert seen(rig.facts, ConflictSeen) == [(RIVAL.txid, 2)]


def in_network(seed: int, count: int) -> tuple[Light, OutPoint, ClaimedCoin, int]:
    """Bob's client among nodes, and a coin of Alice's."""
    net = network(seed, count)
    bob = light(net, NaiveWallet([CAROL.script]), tuple(range(count)))
    bob.until(bob.synced)
    (point, coin), *_ = coins_of_alice(net)
    return bob, point, claim(point, coin), coin.amount_sat


def told(client: Light, kind: type) -> list[Fact]:
    return [fact for fact in client.facts if isinstance(fact, kind)]


def put(client: Light, command: object) -> object:
    asked = client.net.simulation.command(client.number, command)
    client.until(lambda: asked.done)
    return asked.value


def test_a_payment_is_echoed_then_mined_then_out_of_its_block() -> None:
    bob, point, shown, amount_sat = in_network(30, 3)
    net = bob.net
    payment = ALICE.pay([Spendable(point, amount_sat)], [TxOut(amount_sat - 1_000, BOB.script)])
    assert put(bob, WatchPayment(payment, (shown,))) is None
    net.send(0, payment)
    bob.until(lambda: bool(told(bob, Echoed)))
    net.simulation.partition([[0, 1, bob.number], [2]])
    block = mine(net)
    bob.until(lambda: bool(told(bob, WatchedMined)))
    height = net.machine(0).active.height
    assert told(bob, WatchedMined) == [WatchedMined(payment.txid, payment.txid, height, block.hash)]
    for _ in range(3):
        mine(net, 2, empty=True)
    net.simulation.heal()
    assert net.settle(30 * MINUTE)
    bob.until(lambda: bool(told(bob, WatchedUnmined)), 10 * MINUTE)
    assert told(bob, WatchedUnmined) == [WatchedUnmined(payment.txid, payment.txid)]
    again = mine(net, 0)
    bob.until(lambda: len(told(bob, WatchedMined)) == 2, 10 * MINUTE)
    assert told(bob, WatchedMined)[1] == (
        WatchedMined(payment.txid, payment.txid, net.machine(0).active.height, again.hash)
    )


def test_a_rival_is_seen_in_the_network_and_in_a_block() -> None:
    bob, point, shown, amount_sat = in_network(31, 4)
    net = bob.net
    coin = Spendable(point, amount_sat)
    payment = ALICE.pay([coin], [TxOut(amount_sat - 1_000, BOB.script)])
    rival = ALICE.pay([coin], [TxOut(amount_sat - 2_000, ALICE.script)])
    assert put(bob, WatchPayment(payment, (shown,))) is None
    net.simulation.partition([[0, 1, bob.number], [2, 3]])
    net.send(0, payment)
    net.simulation.heal()
    net.send(2, rival)
    bob.until(lambda: bool(told(bob, ConflictSeen)), 10 * MINUTE)
    mine(net, 2 if rival.txid in net.machine(2).pool else 3)
    bob.until(lambda: bool(told(bob, WatchedMined)), 10 * MINUTE)
    (fact,) = told(bob, WatchedMined)
    assert isinstance(fact, WatchedMined)
    assert (fact.txid, fact.by) == (payment.txid, rival.txid)


def test_a_payment_behind_an_ancestor_is_found_in_its_block() -> None:
    bob, point, shown, amount_sat = in_network(32, 2)
    net = bob.net
    parent = ALICE.pay([Spendable(point, amount_sat)], [TxOut(amount_sat - 1_000, ALICE.script)])
    coin = Spendable(outpoint(parent.txid, 0), amount_sat - 1_000)
    payment = ALICE.pay([coin], [TxOut(amount_sat - 3_000, BOB.script)])
    assert put(bob, WatchPayment(payment, (shown,), (parent,))) is None
    net.send(0, parent)
    mine(net)
    net.run(MINUTE)
    assert not told(bob, WatchedMined), "the ancestor alone is neither the payment nor a rival"
    net.send(0, payment)
    mine(net)
    bob.until(lambda: bool(told(bob, WatchedMined)))
    (fact,) = told(bob, WatchedMined)
    assert isinstance(fact, WatchedMined)
    assert fact.by == payment.txid


def test_watching_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    bob, _, shown, _ = in_network(33, 1)
    many = tuple([spends(outpoint(Txid(bytes(32)), number)) for number in range(26)])
    assert put(bob, WatchPayment(PAYMENT, ancestors=many)) is not None
    wide = spends(*[outpoint(Txid(bytes(32)), number) for number in range(501)])
    assert put(bob, WatchPayment(wide)) is not None
    assert put(bob, StopWatching(wide.txid)) is False
    scriptless = ClaimedCoin(shown.outpoint, b"", shown.height)
    assert put(bob, WatchPayment(PAYMENT, (scriptless,))) is not None
    monkeypatch.setattr(paymentwatch, "MAX_WATCHED", 1)
    assert put(bob, WatchPayment(PAYMENT)) is None
    assert put(bob, WatchPayment(PAYMENT)) is None, "the same may be put again"
    assert put(bob, WatchPayment(RIVAL)) == "1 payments are watched"
    assert put(bob, StopWatching(PAYMENT.txid)) is True
