"""What is in dispute is summed once, and in no other sum."""

from __future__ import annotations

from axon.primitives.transaction import COIN, Transaction, TxIn, TxOut
from axon.wallet.disputes import DisputedSums, disputed_sums
from axon.wallet.feebump import bump
from axon.wallet.records import Keychain
from axon.wallet.signing import sign
from tests.wallet.scene import BOB, PASSPHRASE, Scene, coin, paying


def sums(scene: Scene) -> DisputedSums:
    wallet = scene.wallet
    return disputed_sums(wallet.ledger, wallet.counted(), wallet.reckoning().unspent())


def test_a_payment_that_its_sender_bumped_counts_once() -> None:
    scene = Scene()
    script = scene.script()
    scene.wallet.take_unconfirmed(paying(script, COIN, "other"), scene.now_s)
    for fee_sat in (1_000, 2_000, 3_000):
        assert scene.wallet.take_unconfirmed(paying(script, 4 * COIN, "coin", fee_sat), scene.now_s)
    assert scene.wallet.balance().untrusted_pending_sat == 5 * COIN
    assert sums(scene) == DisputedSums(0, 4 * COIN, 0)


def test_of_rivals_of_what_counts_and_pays_nobody_here_the_greatest_is_in_dispute() -> None:
    scene = Scene()
    for amount_sat in (2 * COIN, 3 * COIN, COIN):
        scene.wallet.take_unconfirmed(paying(scene.script(), amount_sat, "coin"), scene.now_s)
    scene.wallet.take_unconfirmed(paying(BOB.script, 4 * COIN, "coin"), scene.now_s)
    assert scene.wallet.balance().total_sat == 0
    assert sums(scene) == DisputedSums(0, 0, 3 * COIN)


def test_a_child_that_pays_for_a_disputed_parent_is_in_dispute_in_its_place() -> None:
    scene = Scene()
    promise = paying(scene.script(), COIN, "coin")
    scene.wallet.take_unconfirmed(promise, scene.now_s)
    made = bump(scene.wallet, promise.txid, 20_000)
    child = sign(scene.wallet, made, PASSPHRASE)
    assert isinstance(child, Transaction)
    scene.wallet.record_sent(child, scene.now_s)
    assert sums(scene) == DisputedSums(0, 0, 0)
    rival = paying(scene.script(), 9 * COIN, "coin")
    scene.wallet.take_unconfirmed(rival, scene.now_s)
    assert sums(scene) == DisputedSums(0, COIN - made.fee_sat, 0)
    scene.mine(rival)
    assert sums(scene) == DisputedSums(0, 0, 0)
    assert scene.wallet.balance().total_sat == scene.wallet.balance().confirmed_sat == 9 * COIN


def test_change_of_a_payment_that_others_may_take_back_is_trusted_no_longer() -> None:
    scene = Scene()
    ours, theirs = scene.receive(5 * COIN), coin("theirs")
    change = TxOut(3 * COIN, scene.wallet.ledger.book.script(Keychain.CHANGE, 0))
    joint = Transaction.build(2, [TxIn(ours), TxIn(theirs.outpoint)], [change])
    scene.wallet.record_sent(joint, scene.now_s)
    scene.wallet.take_unconfirmed(paying(BOB.script, COIN, "theirs"), scene.now_s)
    assert scene.wallet.balance().trusted_pending_sat == 3 * COIN
    assert sums(scene) == DisputedSums(3 * COIN, 0, 0)


def test_what_a_block_has_decided_is_in_no_group() -> None:
    scene = Scene()
    script = scene.script()
    first, second = coin("first"), coin("second")
    both = BOB.pay([first, second], [TxOut(7 * COIN, script)])
    scene.wallet.take_unconfirmed(both, scene.now_s)
    scene.wallet.take_unconfirmed(paying(script, 2 * COIN, "second"), scene.now_s)
    scene.wallet.take_unconfirmed(paying(BOB.script, COIN, "second", 5_000), scene.now_s)
    assert sums(scene) == DisputedSums(0, 0, 7 * COIN)
    scene.mine(paying(BOB.script, COIN, "first"))
    assert sums(scene) == DisputedSums(0, 0, 2 * COIN)
