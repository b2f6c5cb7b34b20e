"""The history: what waits first, then by time; what was replaced below what took its place."""

from __future__ import annotations

from axon.primitives.hashes import Txid
from axon.primitives.transaction import COIN, Transaction
from axon.wallet.feebump import bump
from axon.wallet.history import PaymentState
from axon.wallet.payment import Payee, draft
from axon.wallet.signing import sign
from tests.wallet.scene import BOB, PASSPHRASE, START_S, Scene, paying


def listed(scene: Scene) -> list[tuple[Txid, str]]:
    return [(entry.txid, str(entry.state)) for entry in scene.wallet.history()]


def send(scene: Scene, after_s: int = 0) -> Transaction:
    made = draft(scene.wallet, [Payee(BOB.address(), COIN // 4)], feerate_sat_kvb=1_000)
    payment = sign(scene.wallet, made, PASSPHRASE)
    assert isinstance(payment, Transaction)
    scene.wallet.record_sent(payment, scene.now_s + after_s)
    return payment


def raise_fee(scene: Scene, old: Transaction, rate: int, after_s: int) -> Transaction:
    payment = sign(scene.wallet, bump(scene.wallet, old.txid, rate), PASSPHRASE)
    assert isinstance(payment, Transaction)
    scene.wallet.record_sent(payment, scene.now_s + after_s)
    return payment


def test_replaced_payments_stand_below_the_one_that_was_confirmed() -> None:
    scene = Scene()
    first = scene.receive(COIN)
    payments = [send(scene)]
    for rate in (3_000, 5_000, 7_000):
        # The clock of this machine runs ahead of the miner's by a day.
        payments.append(raise_fee(scene, payments[-1], rate, 86_400 + rate))
    *outdone, winner = payments
    dead = [(item.txid, "replaced") for item in reversed(outdone)]
    assert listed(scene) == [(winner.txid, "unconfirmed"), *dead, (Txid(first[:32]), "confirmed")]
    scene.mine(winner)
    later = scene.receive(COIN, "later")
    assert listed(scene)[:2] == [(Txid(later[:32]), "confirmed"), (winner.txid, "confirmed")]
    assert sorted(listed(scene)[2:5]) == sorted(dead)
    assert listed(scene)[5:] == [(Txid(first[:32]), "confirmed")]


def test_what_was_replaced_long_ago_stands_at_its_own_time() -> None:
    scene = Scene()
    scene.receive(COIN)
    old = send(scene)
    between = [Txid(scene.receive(COIN, name)[:32]) for name in ("one", "two")]
    new = raise_fee(scene, old, 5_000, 0)
    scene.mine(new)
    order = [txid for txid, _ in listed(scene)]
    assert order[:4] == [new.txid, *reversed(between), old.txid]


def test_what_builds_on_a_broken_promise_goes_down_with_it() -> None:
    scene = Scene()
    scene.receive(COIN)
    parent = send(scene)
    child = send(scene, 86_400)
    scene.mine(raise_over(scene, parent))
    last = scene.receive(COIN, "last")
    assert listed(scene)[0][0] == Txid(last[:32])
    states = dict(listed(scene))
    assert states[parent.txid] == states[child.txid] == PaymentState.REPLACED


def raise_over(scene: Scene, parent: Transaction) -> Transaction:
    """Another payment from the same coin, made where this wallet does not see it."""
    return Transaction.build(2, parent.inputs, parent.outputs[:1])


def test_a_coinbase_whose_block_left_the_chain_keeps_its_time() -> None:
    scene = Scene()
    scene.mine(miner=scene.script())
    orphan = scene.blocks[-1].transactions[0].txid
    scene.unwind(1)
    scene.receive(COIN, "one")
    scene.receive(COIN, "two")
    entry = scene.wallet.history()[-1]
    assert (entry.txid, entry.time_s, entry.coinbase) == (orphan, START_S + 600, True)
    assert scene.wallet.balance().total_sat == 2 * COIN
    assert scene.wallet.unconfirmed_own() == []


def test_what_waits_for_a_block_is_first() -> None:
    scene = Scene()
    known = Txid(scene.receive(COIN)[:32])
    promised = paying(scene.script(), COIN, "promised")
    scene.wallet.take_unconfirmed(promised, START_S)
    assert listed(scene) == [(promised.txid, "unconfirmed"), (known, "confirmed")]
