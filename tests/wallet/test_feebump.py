"""Fees raised: replaced, paid for by a child, taken from the payment where that is agreed to."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from axon.chain.store import MemoryStore
from axon.primitives.hashes import Txid, sha256
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN, Transaction, TxOut, outpoint
from axon.wallet.draft import Draft
from axon.wallet.errors import BadFee, InsufficientFunds, NotReplaceable, UnknownTransaction
from axon.wallet.feebump import bump, least_bump_sat_kvb
from axon.wallet.keys import AccountKind, watch
from axon.wallet.payment import ALL, MIN_FEERATE_SAT_KVB, Payee, draft, record_payment
from axon.wallet.psbt import read_psbt
from axon.wallet.signing import sign_fully
from axon.wallet.wallet import Wallet
from tests.wallet.scene import BOB, PASSPHRASE, Scene, new_wallet, paying, source

RATE = 5_000
NAMED = re.compile(r"at least (\d+\.\d) sat/vB")
COIN_SAT = 20_000


def signed(wallet: Wallet, made: Draft) -> Transaction:
    return sign_fully(wallet, made.psbt, PASSPHRASE, allow_high_fee=True)


def send(scene: Scene, made: Draft) -> Transaction:
    """As a transaction that was signed elsewhere: nothing tells of what was asked for."""
    return record_payment(scene.wallet, signed(scene.wallet, made), scene.now_s)


def send_noted(scene: Scene, made: Draft) -> Transaction:
    """As the wallet itself sends."""
    payment, all_to = signed(scene.wallet, made), made.psbt.pays_all_to
    return record_payment(scene.wallet, payment, scene.now_s, all_to=all_to)


def to_bob(amount_sat: int) -> list[Payee]:
    return [Payee(BOB.address(), amount_sat)]


def sent(scene: Scene, amount_sat: int = COIN // 2, rate: int = RATE) -> Transaction:
    return send(scene, draft(scene.wallet, to_bob(amount_sat), feerate_sat_kvb=rate))


def swept(scene: Scene, rate: int = RATE) -> Transaction:
    everything = [Payee(BOB.address(), ALL)]
    return send(scene, draft(scene.wallet, everything, feerate_sat_kvb=rate))


def rich(coins: int, kind: AccountKind = AccountKind.BIP84) -> Scene:
    scene = Scene(new_wallet(made_of=source(kind)))
    for name in range(coins):
        scene.receive(COIN_SAT, name)
    return scene


def test_a_higher_fee_replaces_the_payment() -> None:
    scene = Scene()
    scene.receive(COIN)
    old = sent(scene)
    made = bump(scene.wallet, old.txid, 4 * RATE)
    assert made.replaces == old.txid
    assert made.amount_sat == COIN // 2
    assert made.feerate_sat_kvb == pytest.approx(4 * RATE, rel=0.01)
    new = signed(scene.wallet, made)
    scene.wallet.record_sent(new, scene.now_s)
    assert scene.wallet.unconfirmed_own() == [new]
    with pytest.raises(NotReplaceable, match="replaced already"):
        bump(scene.wallet, old.txid, 9 * RATE)
    scene.mine(new)
    with pytest.raises(NotReplaceable, match="in block 2 already"):
        bump(scene.wallet, new.txid, 9 * RATE)


def test_what_cannot_be_raised() -> None:
    scene = Scene()
    scene.receive(COIN)
    old = sent(scene)
    with pytest.raises(BadFee, match=r"at least 6\.\d sat/vB here, not 5\.5"):
        bump(scene.wallet, old.txid, 5_500)
    with pytest.raises(InsufficientFunds, match=r"^120500000 sat .* 100000000 sat can be spent"):
        bump(scene.wallet, old.txid, 500_000_000, allow_high_fee=True)
    with pytest.raises(UnknownTransaction):
        bump(scene.wallet, Txid(sha256(b"none")), RATE)
    later = sent(scene, COIN // 4)
    with pytest.raises(NotReplaceable, match=f"{later.txid[::-1].hex()} spends its change"):
        bump(scene.wallet, old.txid, 4 * RATE)
    bump(scene.wallet, later.txid, 4 * RATE)


def test_a_frozen_coin_does_not_help_a_bump() -> None:
    scene = Scene()
    scene.receive(10_000, 1)
    frozen = scene.receive(COIN, 2)
    scene.wallet.freeze(frozen)
    old = sent(scene, 9_000, 3_000)
    with pytest.raises(InsufficientFunds):
        bump(scene.wallet, old.txid, 50_000)
    scene.wallet.unfreeze(frozen)
    made = bump(scene.wallet, old.txid, 50_000)
    assert frozen in {item.outpoint for item in made.inputs}


@pytest.mark.long
@given(
    rate=st.integers(MIN_FEERATE_SAT_KVB, 20_000),
    short=st.integers(1, 2_000),
    coins=st.integers(1, 4),
    part=st.sampled_from([0.4, 0.9, 0.95]),
)
@example(rate=5_000, short=1, coins=1, part=0.4)
@example(rate=MIN_FEERATE_SAT_KVB, short=1, coins=3, part=0.4)
@settings(max_examples=60)
def test_the_feerate_that_a_refusal_names_is_enough(
    rate: int, short: int, coins: int, part: float
) -> None:
    scene = rich(coins)
    try:
        made = draft(scene.wallet, to_bob(int(part * coins * COIN_SAT)), feerate_sat_kvb=rate)
    except InsufficientFunds:
        assume(False)
    old = send(scene, made)
    with pytest.raises(BadFee) as caught:
        bump(scene.wallet, old.txid, max(rate - short, MIN_FEERATE_SAT_KVB))
    named = NAMED.search(str(caught.value))
    assert named is not None, caught.value
    named_sat_kvb = round(float(named[1]) * 1_000)
    raised = bump(scene.wallet, old.txid, named_sat_kvb, allow_high_fee=True, reduce_payment=True)
    assert raised.replaces == old.txid
    new = send(scene, raised)
    assert scene.wallet.unconfirmed_own() == [new]
    old_fee_sat, fee_sat = scene.wallet.ledger.fee_sat(old), scene.wallet.ledger.fee_sat(new)
    assert old_fee_sat is not None
    assert fee_sat is not None
    assert fee_sat >= old_fee_sat + new.vsize
    assert raised.amount_sat + raised.reduced_sat == made.amount_sat


@given(fee_sat=st.integers(0, 10_000_000), data=st.binary(max_size=2_000))
def test_what_is_named_pays_for_the_old_one_and_for_itself(fee_sat: int, data: bytes) -> None:
    old = Transaction.build(2, paying(b"", COIN).inputs, [TxOut(1, data)])
    named_sat_kvb = least_bump_sat_kvb(old, fee_sat)
    assert named_sat_kvb % 100 == 0  # Told with one digit behind the point, and read back.
    assert named_sat_kvb * old.vsize >= (fee_sat + old.vsize) * 1_000
    assert (named_sat_kvb - 100) * old.vsize < (fee_sat + old.vsize) * 1_000 + old.vsize * 1_000


@pytest.mark.parametrize("kind", AccountKind)
@pytest.mark.parametrize("rate", [1_000, 1_234, 7_777])
def test_a_payment_of_all_gets_smaller_if_that_is_agreed_to(kind: AccountKind, rate: int) -> None:
    scene = rich(2, kind)
    old = swept(scene, rate)
    more = least_bump_sat_kvb(old, scene.wallet.ledger.fee_sat(old) or 0)
    with pytest.raises(InsufficientFunds, match="let the payment itself get smaller"):
        bump(scene.wallet, old.txid, more)
    made = bump(scene.wallet, old.txid, more, reduce_payment=True)
    assert [item.address for item in made.recipients] == [BOB.address()]
    assert made.amount_sat + made.fee_sat == 2 * COIN_SAT
    assert made.reduced_sat == old.outputs[0].amount_sat - made.amount_sat > 0
    assert scene.wallet.unconfirmed_own() == [old]
    new = send(scene, made)
    assert scene.wallet.unconfirmed_own() == [new]
    assert set(new.prevouts) == set(old.prevouts)


def test_what_was_asked_for_as_all_gets_smaller_as_it_was_meant_to() -> None:
    store = MemoryStore()
    scene = Scene(new_wallet(store))
    scene.receive(COIN_SAT, 1)
    other = b"\x00\x14" + bytes(20)
    payees = [Payee(other, 12_000), Payee(BOB.address(), ALL)]
    made = draft(scene.wallet, payees, feerate_sat_kvb=1_000)
    assert made.psbt.pays_all_to == BOB.script
    assert read_psbt(made.psbt.base64).pays_all_to == BOB.script
    old = send_noted(scene, made)
    spare = scene.receive(COIN, "spare")
    scene.wallet = Wallet.load(store)
    for rate in (3_000, 6_000):
        raised = bump(scene.wallet, old.txid, rate)
        assert TxOut(12_000, other) in raised.psbt.transaction.outputs
        assert spare not in [item.outpoint for item in raised.inputs]
        assert raised.reduced_sat > 0
        old = send_noted(scene, raised)
    assert draft(scene.wallet, to_bob(1_000), fee_sat=500).psbt.pays_all_to is None


def test_of_several_who_are_paid_the_one_who_gets_most_gets_less() -> None:
    scene = rich(2)
    other = b"\x00\x14" + bytes(20)
    payees = [Payee(other, 5_000), Payee(BOB.address(), ALL)]
    old = send(scene, draft(scene.wallet, payees, feerate_sat_kvb=RATE))
    made = bump(scene.wallet, old.txid, 2 * RATE, reduce_payment=True)
    assert TxOut(5_000, other) in made.psbt.transaction.outputs
    assert len(made.psbt.transaction.outputs) == 2
    send(scene, made)


def test_another_coin_is_taken_before_the_payment_gets_smaller() -> None:
    scene = rich(1)
    old = swept(scene)
    spare = scene.receive(COIN, "spare")
    made = bump(scene.wallet, old.txid, 2 * RATE, reduce_payment=True)
    assert (made.amount_sat, made.reduced_sat) == (old.outputs[0].amount_sat, 0)
    assert spare in [item.outpoint for item in made.inputs]


def test_a_payment_does_not_shrink_to_dust() -> None:
    scene = rich(1)
    old = swept(scene)
    with pytest.raises(InsufficientFunds):
        bump(scene.wallet, old.txid, 181_000, reduce_payment=True, allow_high_fee=True)


def test_what_goes_to_ourselves_gets_smaller_unasked() -> None:
    scene = rich(2)
    own = [Payee(scene.script(), ALL)]
    old = send(scene, draft(scene.wallet, own, feerate_sat_kvb=RATE))
    made = bump(scene.wallet, old.txid, 2 * RATE)
    assert made.amount_sat == old.outputs[0].amount_sat - made.reduced_sat
    send(scene, made)


def test_change_that_is_dropped_and_a_payment_that_need_not_shrink() -> None:
    """The change does not cover the new fee, and with it gone the payment is smaller."""
    scene = Scene()
    for name in range(5):
        scene.receive(2_000, name)
    trial = draft(scene.wallet, to_bob(7_000), feerate_sat_kvb=5_000)
    amount_sat = trial.amount_sat + trial.change_sat - 340  # More than dust, less than the vsize.
    made = draft(scene.wallet, to_bob(amount_sat), feerate_sat_kvb=5_000)
    assert (len(made.inputs), made.change_sat) == (5, 340)
    old = send(scene, made)
    with pytest.raises(InsufficientFunds):
        bump(scene.wallet, old.txid, 6_100)
    raised = bump(scene.wallet, old.txid, 6_100, reduce_payment=True)
    assert raised.reduced_sat > 0
    send(scene, raised)


def test_a_payment_is_raised_again_and_again() -> None:
    scene = Scene()
    scene.receive(COIN)
    old = sent(scene, rate=1_000)
    for _ in range(5):
        fee_sat = scene.wallet.ledger.fee_sat(old)
        assert fee_sat is not None
        made = bump(scene.wallet, old.txid, least_bump_sat_kvb(old, fee_sat))
        assert (made.amount_sat, made.replaces) == (COIN // 2, old.txid)
        old = send(scene, made)
        assert scene.wallet.unconfirmed_own() == [old]


def test_the_only_keychain_takes_the_change_of_a_bump() -> None:
    keys = Scene()
    watching = Scene(new_wallet(made_of=watch(REGTEST, source().descriptors.receive)))
    watching.receive(COIN)
    keys.blocks = watching.blocks
    keys.show(1)
    made = draft(watching.wallet, to_bob(COIN // 2), feerate_sat_kvb=RATE)
    old = record_payment(watching.wallet, signed(keys.wallet, made), watching.now_s)
    raised = bump(watching.wallet, old.txid, 2 * RATE)
    assert raised.amount_sat == COIN // 2
    assert raised.change_sat == COIN - COIN // 2 - raised.fee_sat


# A child pays.


def promised(scene: Scene, amount_sat: int = COIN, fee_sat: int = 100) -> Transaction:
    payment = paying(scene.script(), amount_sat, "promise", fee_sat)
    scene.wallet.take_unconfirmed(payment, scene.now_s)
    return payment


@pytest.mark.parametrize("kind", AccountKind)
def test_a_child_pays_for_what_comes_in(kind: AccountKind) -> None:
    scene = rich(1, kind)
    parent = promised(scene)
    made = bump(scene.wallet, parent.txid, RATE)
    assert (made.child_of, made.replaces) == (parent.txid, None)
    assert [item.outpoint for item in made.inputs] == [outpoint(parent.txid, 0)]
    assert [item.ours for item in made.recipients] == [True]
    # The parent's fee is not known here, as Bob's coin is not.
    assert made.fee_sat == -(-RATE * (parent.vsize + made.vsize) // 1_000)
    child = send(scene, made)
    assert scene.wallet.unconfirmed_own() == [child]
    with pytest.raises(NotReplaceable, match="spends it and pays for it"):
        bump(scene.wallet, parent.txid, 2 * RATE)
    raised = send(scene, bump(scene.wallet, child.txid, 20 * RATE))
    assert scene.wallet.unconfirmed_own() == [raised]
    scene.mine(parent, raised)
    assert scene.wallet.balance().confirmed_sat == COIN_SAT + raised.outputs[0].amount_sat


def test_what_a_child_brings_is_not_spent_before_it_is_in_a_block() -> None:
    scene = Scene()
    parent = promised(scene)
    child = send(scene, bump(scene.wallet, parent.txid, RATE))
    (held,) = scene.wallet.coins()
    assert (held.outpoint, held.trusted, held.spendable) == (outpoint(child.txid, 0), False, False)
    balance = scene.wallet.balance()
    assert (balance.trusted_pending_sat, balance.untrusted_pending_sat) == (0, held.amount_sat)
    with pytest.raises(InsufficientFunds):
        draft(scene.wallet, to_bob(COIN // 2), feerate_sat_kvb=RATE)
    assert len(scene.wallet.history()) == 2


def test_a_promise_that_expires_takes_its_child_with_it() -> None:
    scene = Scene()
    parent = promised(scene)
    child = send(scene, bump(scene.wallet, parent.txid, RATE))
    scene.wallet.expire_unconfirmed(scene.now_s + 15 * 86_400)
    assert not {parent.txid, child.txid} & set(scene.wallet.ledger.transactions)
    assert scene.wallet.unconfirmed_own() == []


def test_what_a_child_cannot_pay_for() -> None:
    scene = Scene()
    parent = promised(scene, 1_000)
    with pytest.raises(InsufficientFunds, match="1000 sat can be spent: pay less for both"):
        bump(scene.wallet, parent.txid, RATE)
    scene.wallet.freeze(outpoint(parent.txid, 0))
    with pytest.raises(NotReplaceable, match="unfreeze a coin"):
        bump(scene.wallet, parent.txid, RATE)
