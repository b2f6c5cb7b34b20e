"""Unconfirmed transactions: what peers may promise, and what they cannot take."""

from __future__ import annotations

import pytest

from axon.chain.store import MemoryStore
from axon.primitives.hashes import Txid
from axon.primitives.transaction import COIN, Transaction, TxIn, TxOut, outpoint
from axon.wallet import unconfirmed
from axon.wallet.errors import UnknownTransaction
from axon.wallet.feebump import bump
from axon.wallet.history import PaymentState
from axon.wallet.records import HANDED_OVER, SHOWN
from axon.wallet.signing import sign
from axon.wallet.unconfirmed import EXPIRY_S, MAX_INCOMING, MAX_INCOMING_BYTES, parents_first
from axon.wallet.wallet import Wallet
from tests.wallet.scene import BOB, PASSPHRASE, Scene, coin, coinbase, new_wallet, paying


def stealing(scene: Scene, point: bytes, amount_sat: int = COIN) -> Transaction:
    """What anybody can make up: it spends our coin and no signature on it is right."""
    entry = TxIn(scene.wallet.coins()[0].outpoint, witness=(b"no", b"signature"))
    assert entry.prevout == point
    return Transaction.build(2, [entry], [TxOut(amount_sat, BOB.script)])


def test_a_payment_is_pending_then_confirmed() -> None:
    scene = Scene()
    payment = paying(scene.script(), COIN)
    assert scene.wallet.take_unconfirmed(payment, scene.now_s)
    assert scene.wallet.take_unconfirmed(payment, scene.now_s + 1)
    assert scene.wallet.balance().untrusted_pending_sat == COIN
    (held,) = scene.wallet.coins()
    assert not held.trusted
    assert not held.spendable
    scene.mine(payment)
    assert scene.wallet.balance().confirmed_sat == COIN
    assert not scene.wallet.take_unconfirmed(payment, scene.now_s)


def test_what_is_not_ours_is_nothing() -> None:
    scene = Scene()
    assert not scene.wallet.take_unconfirmed(paying(BOB.script, COIN), scene.now_s)
    mined = coinbase(1, [TxOut(COIN, scene.script())])
    assert not scene.wallet.take_unconfirmed(mined, scene.now_s)
    assert scene.wallet.history() == []


def test_noise_cannot_spend_our_coins() -> None:
    scene = Scene()
    point = scene.receive(5 * COIN)
    theft = stealing(scene, point)
    assert not scene.wallet.take_unconfirmed(theft, scene.now_s)
    assert scene.wallet.balance().confirmed_sat == 5 * COIN
    scene.mine(theft)  # In a block its signature was checked by those who built on it.
    assert scene.wallet.balance().total_sat == 0


def test_the_double_spend_received_last_counts_until_a_block_decides() -> None:
    scene = Scene()
    script = scene.script()
    first, second = paying(script, COIN), paying(script, 2 * COIN)
    assert scene.wallet.take_unconfirmed(first, scene.now_s)
    assert scene.wallet.take_unconfirmed(second, scene.now_s)
    assert scene.wallet.balance().untrusted_pending_sat == 2 * COIN
    assert scene.wallet.take_unconfirmed(first, scene.now_s + 100)
    assert scene.wallet.balance().untrusted_pending_sat == COIN
    scene.mine(second)
    assert scene.wallet.balance().confirmed_sat == 2 * COIN
    assert scene.wallet.balance().untrusted_pending_sat == 0
    states = {entry.txid: entry.state for entry in scene.wallet.history()}
    assert states == {first.txid: PaymentState.REPLACED, second.txid: PaymentState.CONFIRMED}


def test_a_promise_taken_back_counts_no_longer() -> None:
    scene = Scene()
    promise, elsewhere = paying(scene.script(), COIN), paying(BOB.script, 2 * COIN)
    scene.wallet.take_unconfirmed(promise, scene.now_s)
    assert scene.wallet.take_unconfirmed(elsewhere, scene.now_s)
    assert scene.wallet.balance().total_sat == 0
    (entry,) = scene.wallet.history()
    assert (entry.txid, entry.state) == (promise.txid, PaymentState.REPLACED)


def test_a_block_that_spends_it_elsewhere_breaks_a_promise() -> None:
    scene = Scene()
    scene.wallet.take_unconfirmed(paying(scene.script(), COIN), scene.now_s)
    assert scene.wallet.balance().untrusted_pending_sat == COIN
    breach = paying(BOB.script, COIN)
    assert scene.mine(breach).found == ()  # It is none of ours.
    assert scene.wallet.balance().total_sat == 0
    for ask in (scene.wallet.transaction, scene.wallet.proof):
        with pytest.raises(UnknownTransaction, match="none of this wallet"):
            ask(breach.txid)


def test_the_unconfirmed_cannot_undo_what_our_payments_build_on() -> None:
    scene = Scene()
    point = scene.receive(5 * COIN, "coin")
    payment = stealing(scene, point)
    scene.wallet.record_sent(payment, scene.now_s)
    scene.unwind(1)
    rival = paying(BOB.script, COIN, "coin")
    for later_s in (0, 100, 10_000):
        assert scene.wallet.take_unconfirmed(rival, scene.now_s + later_s)
        assert scene.wallet.unconfirmed_own() == [payment]
        assert disputed(scene) == {payment.txid, Txid(point[:32])}, "it may still come true"


def test_the_payee_who_paid_for_both_is_warned_of_a_rival() -> None:
    scene = Scene()
    promise = paying(scene.script(), COIN, "coin")
    scene.wallet.take_unconfirmed(promise, scene.now_s)
    made = bump(scene.wallet, promise.txid, 20_000)
    child = sign(scene.wallet, made, PASSPHRASE)
    assert isinstance(child, Transaction)
    scene.wallet.record_sent(child, scene.now_s + 10)
    assert disputed(scene) == set()
    rival = paying(BOB.script, 2 * COIN, "coin")
    for later_s in (20, 100, 10_000):
        assert scene.wallet.take_unconfirmed(rival, scene.now_s + later_s)
        assert scene.wallet.unconfirmed_own() == [child], "a stranger's word does not outdo it"
        assert disputed(scene) == {promise.txid, child.txid}
    scene.mine(rival)
    assert disputed(scene) == set()
    states = {entry.txid: entry.state for entry in scene.wallet.history()}
    assert states == dict.fromkeys((promise.txid, child.txid), PaymentState.REPLACED)
    assert scene.wallet.balance().total_sat == 0


def test_a_promise_that_is_repeated_does_not_outdo_the_one_that_a_child_paid_for() -> None:
    scene = Scene()
    old, new = (paying(scene.script(), COIN, "coin", fee_sat) for fee_sat in (1_000, 2_000))
    scene.wallet.take_unconfirmed(old, scene.now_s)
    scene.wallet.take_unconfirmed(new, scene.now_s + 1)
    child = sign(scene.wallet, bump(scene.wallet, new.txid, 20_000), PASSPHRASE)
    assert isinstance(child, Transaction)
    scene.wallet.record_sent(child, scene.now_s + 10)
    scene.wallet.take_unconfirmed(old, scene.now_s + 1_000)
    assert scene.wallet.unconfirmed_own() == [child]
    scene.mine(new, child)
    assert disputed(scene) == set()


def test_that_we_replace_our_own_payment_is_no_dispute() -> None:
    scene = Scene()
    point = scene.receive(5 * COIN)
    for payment in [stealing(scene, point, amount_sat) for amount_sat in (3 * COIN, 2 * COIN)]:
        scene.wallet.record_sent(payment, scene.now_s)
    assert disputed(scene) == set()


def disputed(scene: Scene) -> set[Txid]:
    """What the history warns of."""
    return {entry.txid for entry in scene.wallet.history() if entry.disputed}


def test_a_double_spend_of_a_confirmed_one_is_ignored() -> None:
    scene = Scene()
    script = scene.script()
    scene.mine(paying(script, COIN))
    assert not scene.wallet.take_unconfirmed(paying(script, 2 * COIN), scene.now_s)
    assert scene.wallet.balance().total_sat == COIN


def test_own_payments_are_kept_and_sent_again_until_they_are_mined() -> None:
    scene = Scene()
    point = scene.receive(5 * COIN)
    payment = stealing(scene, point)
    scene.wallet.record_sent(payment, scene.now_s)
    assert scene.wallet.unconfirmed_own() == [payment]
    assert scene.wallet.balance().total_sat == 0
    assert scene.wallet.ledger.deliveries == {}
    assert scene.wallet.take_unconfirmed(payment, scene.now_s + 500)
    assert scene.wallet.ledger.deliveries == {payment.txid: SHOWN}, "a node sent it"
    scene.mine(payment)
    assert scene.wallet.unconfirmed_own() == []
    scene.unwind(1)
    assert scene.wallet.unconfirmed_own() == [payment]


def test_a_replacement_stays_in_force_when_the_old_one_is_received_again() -> None:
    scene = Scene()
    point = scene.receive(5 * COIN)
    old, new = stealing(scene, point, 3 * COIN), stealing(scene, point, 2 * COIN)
    scene.wallet.record_sent(old, scene.now_s)
    scene.wallet.record_sent(new, scene.now_s)
    assert scene.wallet.unconfirmed_own() == [new]
    assert scene.wallet.take_unconfirmed(old, scene.now_s + 10_000)
    assert scene.wallet.unconfirmed_own() == [new]
    scene.mine(old)
    assert scene.wallet.unconfirmed_own() == []


def test_only_own_payments_are_recorded() -> None:
    scene = Scene()
    with pytest.raises(UnknownTransaction, match="spends no coin"):
        scene.wallet.record_sent(paying(scene.script(), COIN), scene.now_s)


def test_what_is_promised_is_bounded() -> None:
    scene = Scene()
    script = scene.script()
    for name in range(MAX_INCOMING):
        assert scene.wallet.take_unconfirmed(paying(script, COIN, name), scene.now_s)
    assert not scene.wallet.take_unconfirmed(paying(script, COIN, "more"), scene.now_s)
    scene.mine(paying(script, COIN, 0))
    assert scene.wallet.take_unconfirmed(paying(script, COIN, "more"), scene.now_s)


def test_large_promises_are_bounded_too() -> None:
    scene = Scene()
    script = scene.script()
    pad = TxOut(0, b"\x6a" + bytes(MAX_INCOMING_BYTES // 4))
    kept = [
        scene.wallet.take_unconfirmed(
            BOB.pay([coin(name)], [TxOut(COIN, script), pad]), scene.now_s
        )
        for name in range(5)
    ]
    assert kept == [True, True, True, False, False]


def test_promises_that_nobody_repeats_are_forgotten() -> None:
    scene = Scene()
    point = scene.receive(COIN, "own")
    own = stealing(scene, point)
    scene.wallet.record_sent(own, scene.now_s)
    old, fresh = paying(scene.script(), COIN, 1), paying(scene.script(), COIN, 2)
    scene.wallet.take_unconfirmed(old, scene.now_s)
    scene.wallet.take_unconfirmed(fresh, scene.now_s + 100)
    scene.wallet.expire_unconfirmed(scene.now_s + EXPIRY_S + 50)
    known = {entry.txid for entry in scene.wallet.history()}
    assert fresh.txid in known
    assert own.txid in known
    assert old.txid not in known


def kept_at(scene: Scene, later_s: int) -> bool:
    scene.wallet.expire_unconfirmed(scene.now_s + later_s)
    return bool(scene.wallet.history())


def test_a_promise_is_kept_for_two_weeks_to_the_second() -> None:
    scene = Scene()
    scene.wallet.take_unconfirmed(paying(scene.script(), COIN), scene.now_s)
    assert kept_at(scene, EXPIRY_S)
    assert not kept_at(scene, EXPIRY_S + 1)


@pytest.mark.parametrize(("again_s", "counts"), [(59, False), (60, True), (1_000, True)])
def test_a_promise_counts_from_when_it_was_last_repeated(again_s: int, counts: bool) -> None:
    scene = Scene()
    payment = paying(scene.script(), COIN)
    scene.wallet.take_unconfirmed(payment, scene.now_s)
    scene.wallet.take_unconfirmed(payment, scene.now_s + again_s)
    assert kept_at(scene, EXPIRY_S + 1) == counts
    assert kept_at(scene, EXPIRY_S + again_s) == counts
    assert not kept_at(scene, EXPIRY_S + again_s + 1)


@pytest.mark.parametrize(("more", "kept"), [(0, True), (1, False)])
def test_promises_may_take_as_many_bytes_as_there_are_for_them(
    more: int, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene()
    first, second = (paying(scene.script(), COIN, name) for name in (1, 2))
    room = first.size_bytes + second.size_bytes - more
    monkeypatch.setattr(unconfirmed, "MAX_INCOMING_BYTES", room)
    assert scene.wallet.take_unconfirmed(first, scene.now_s)
    assert scene.wallet.take_unconfirmed(second, scene.now_s) == kept


def test_a_payment_that_is_in_a_block_is_not_sent_again() -> None:
    scene = Scene()
    payment = stealing(scene, scene.receive(COIN))
    scene.mine(payment)
    before = scene.wallet.ledger.version
    scene.wallet.record_sent(payment, scene.now_s)
    assert scene.wallet.ledger.version == before


def test_what_was_mined_once_is_not_forgotten_during_a_rescan() -> None:
    scene = Scene()
    scene.receive(COIN)
    scene.wallet.set_birthday(0, rescan=True)
    scene.wallet.expire_unconfirmed(scene.now_s + 10 * EXPIRY_S)
    assert scene.wallet.balance().untrusted_pending_sat == COIN


def test_parents_come_before_children() -> None:
    parent = paying(BOB.script, COIN)
    child = Transaction.build(2, [TxIn(outpoint(parent.txid, 0))], [TxOut(1, BOB.script)])
    grandchild = Transaction.build(2, [TxIn(outpoint(child.txid, 0))], [TxOut(1, BOB.script)])
    mixed: dict[Txid, Transaction] = {item.txid: item for item in (grandchild, parent, child)}
    assert parents_first(mixed) == [parent, child, grandchild]


def test_how_far_a_payment_came_is_known_to_later_runs() -> None:
    store = MemoryStore()
    scene = Scene(new_wallet(store))
    point = scene.receive(5 * COIN)
    payment = Transaction.build(2, [TxIn(point)], [TxOut(COIN, BOB.script)])
    scene.wallet.record_sent(payment, scene.now_s)
    assert scene.wallet.ledger.deliveries == {}
    for shown, known in ((False, HANDED_OVER), (True, SHOWN), (False, SHOWN)):
        scene.wallet.note_delivery(payment.txid, shown=shown)
        assert Wallet.load(store).ledger.deliveries == {payment.txid: known}
    scene.wallet.note_delivery(Txid(bytes(32)), shown=True)
    assert Wallet.load(store).ledger.deliveries == {payment.txid: SHOWN}, "that one is not ours"
