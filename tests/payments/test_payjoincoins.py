"""Which coin a receiver adds to a payment, where, and who pays for it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from axon.chain.store import MemoryStore
from axon.payments.payjoin import Offer, Proposal, Trouble
from axon.payments.payjoincoins import held_coins, looks_unnecessary, sparing_held
from axon.payments.payjoininputs import fee_sat, spent_outputs
from axon.payments.payjoinparameters import Parameters
from axon.payments.payjoinreceiver import JoinPolicy
from axon.payments.payjoinrecords import is_held, shown
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN, Transaction
from axon.wallet.keys import AccountKind, watch
from axon.wallet.payment import Payee, draft
from axon.wallet.psbtmaps import (
    PsbtMaps,
)
from axon.wallet.signing import sign
from axon.wallet.wallet import Wallet
from tests.payments.payjoinscene import AMOUNT_SAT, Editable, Join, refused
from tests.wallet.scene import PASSPHRASE, START_S, Scene

# Coins.


def pay_again(join: Join) -> Offer:
    """Another invoice, another payment from another coin of Alice's."""
    for prevout in join.offer().read().transaction.prevouts:
        join.alice.wallet.freeze(prevout)
    join.alice.receive(COIN, f"again {join.alice.height}")
    join.script = join.bob.script()
    return join.offer()


def test_a_shown_coin_is_held_and_then_shown_again() -> None:
    join = Join(bobs_sat=[COIN // 2 + number for number in range(8)])
    first = join.join(join.offer())
    ledger, (coin,) = join.bob.wallet.ledger, first.coins
    found = shown(ledger, coin)
    assert found is not None
    assert found.original == first.original.txid
    now = join.bob.now_s
    assert is_held(ledger, coin, now + JoinPolicy().hold_s - 1)
    assert not is_held(ledger, coin, now + JoinPolicy().hold_s)
    # While the first may still come, another payment gets another coin.
    second = join.ask(pay_again(join), now_s=now + 1)
    assert isinstance(second, Proposal)
    assert second.coins != first.coins
    bobs, payee = join.bob.wallet, [Payee(join.alice.script(), COIN // 4)]
    held = held_coins(bobs, now + 1)
    assert {coin, *second.coins} == set(held)
    others = [each.outpoint for each in bobs.coins() if each.outpoint not in held]
    make = partial(draft, bobs, payee, feerate_sat_kvb=1_000)
    assert sparing_held(make, held).psbt.transaction.prevouts[0] in others
    for each in others:
        bobs.freeze(each)
    assert sparing_held(make, held).psbt.transaction.prevouts[0] in held, "better than not to pay"
    for each in others:
        bobs.unfreeze(each)
    # The first was given up, its original was sent: who asks next sees a coin that was seen.
    join.bob.mine(first.original)
    assert not is_held(join.bob.wallet.ledger, coin, now + 2)
    third = join.ask(pay_again(join), now_s=now + 2)
    assert isinstance(third, Proposal)
    assert third.coins == first.coins


def test_few_payments_wait_at_a_time() -> None:
    join = Join(bobs_sat=[COIN // 2 + number for number in range(3)])
    policy, now = JoinPolicy(max_open=1), join.bob.now_s
    assert isinstance(join.ask(join.offer(), policy=policy, now_s=now), Proposal)
    said = join.ask(pay_again(join), policy=policy, now_s=now)
    refused(said, Trouble.UNAVAILABLE, "no coin of ours")


@pytest.mark.parametrize("kind", [AccountKind.BIP86, AccountKind.BIP49, AccountKind.BIP44])
def test_a_coin_of_another_kind_is_not_added(kind: AccountKind) -> None:
    join = Join(AccountKind.BIP84, kind)
    refused(join.ask(join.offer()), Trouble.UNAVAILABLE, "no coin of ours")


def test_coins_that_may_not_be_spent_are_not_added() -> None:
    join = Join(bobs_sat=(COIN // 2,))
    (coin,) = join.bob.wallet.coins()
    join.bob.wallet.freeze(coin.outpoint)
    refused(join.ask(join.offer()), Trouble.UNAVAILABLE, "no coin of ours")
    mined = Join(bobs_sat=())
    mined.bob.mine(miner=mined.script)
    refused(mined.ask(mined.offer()), Trouble.UNAVAILABLE, "no coin of ours")


def test_a_wallet_that_only_watches_joins_nothing() -> None:
    join = Join()
    texts = join.bob.wallet.source.descriptors
    made_of = watch(REGTEST, texts.receive, texts.change)
    watching = Scene(Wallet.create(MemoryStore(), REGTEST, made_of, birthday_s=START_S))
    for block in join.bob.blocks[1:]:
        watching.blocks.append(block)
        watching.show(watching.height)
    join.bob = watching
    refused(join.ask(join.offer()), Trouble.UNAVAILABLE, "cannot sign")


def test_no_input_looks_unnecessary_if_that_can_be_had() -> None:
    """The change holds 0.8 less fee: only the largest coin does not look like one too many."""
    for seed in range(12):
        join = Join(alices_sat=(COIN,), bobs_sat=(COIN // 100, COIN // 10, COIN // 2, 2 * COIN))
        offer = join.offer()
        answer = join.ask(offer, seed=seed)
        assert isinstance(answer, Proposal)
        ledger = join.bob.wallet.ledger
        assert ledger.owned[answer.coins[0]].output.amount_sat == 2 * COIN
    spent = [output.amount_sat for output in spent_outputs(offer.read())]
    assert looks_unnecessary([*spent, COIN // 2], [COIN // 2 + AMOUNT_SAT, 8 * COIN // 10])
    assert not looks_unnecessary([*spent, COIN // 2], [COIN + COIN // 2])


def test_where_and_what_is_added_is_drawn() -> None:
    places, chosen = set(), set()
    for seed in range(24):
        join = Join(alices_sat=(COIN // 8, COIN // 8), bobs_sat=(COIN // 2, COIN // 3))
        answer = join.join(join.offer(), seed=seed)
        edit = Editable.of(answer.psbt)
        places.add([item.prevout for item in edit.inputs].index(answer.coins[0]))
        chosen.add(answer.coins[0])
        own = [item.prevout for item in edit.inputs if item.prevout not in answer.coins]
        assert own == list(answer.original.prevouts)
    assert (places, len(chosen)) == ({0, 1, 2}, 2)


# Fees.


def change_of(offer: Offer) -> int:
    assert offer.parameters.fee_output is not None
    return offer.parameters.fee_output


def cost_of_an_input(offer: Offer) -> int:
    """What one more costs at the feerate of the original: 68 vbytes."""
    original = offer.read()
    return fee_sat(original) * 68 // original.transaction.vsize


def test_only_what_is_allowed_is_taken() -> None:
    for most in (0, 1, 50, 1_000_000):
        join = Join()
        offer = join.offer()
        index = change_of(offer)
        offer = replace(offer, parameters=Parameters(1, index, most))
        edit = Editable.of(join.join(offer).psbt)
        before = offer.read().transaction.outputs
        taken = before[index].amount_sat - edit.outputs[index].amount_sat
        assert taken == min(most, cost_of_an_input(offer))
        own = before[1 - index].amount_sat + COIN // 2 - edit.outputs[1 - index].amount_sat
        assert taken + own == cost_of_an_input(offer)


@pytest.mark.parametrize("index", [2, 7, 10**9])
def test_an_output_that_is_not_there_pays_nothing(index: int) -> None:
    join = Join()
    offer = replace(join.offer(), parameters=Parameters(1, index, 10_000))
    before = offer.read().transaction.outputs
    after = Editable.of(join.join(offer).psbt).outputs
    changed = [output for output in before if output not in after]
    assert [output.script_pubkey for output in changed] == [join.script]


def test_the_payment_itself_is_no_fee_output() -> None:
    join = Join()
    offer = join.offer()
    paid = 1 - change_of(offer)
    offer = replace(offer, parameters=Parameters(1, paid, 10_000))
    outputs = Editable.of(join.join(offer).psbt).outputs
    assert outputs[paid].amount_sat == AMOUNT_SAT + COIN // 2 - cost_of_an_input(offer)
    assert outputs[1 - paid] == offer.read().transaction.outputs[1 - paid]


def test_change_is_not_made_dust() -> None:
    join, spare = Join(), 50
    dust_sat, fee = 294, 400
    payees = [Payee(join.script, COIN - fee - dust_sat - spare)]
    original = sign(join.alice.wallet, draft(join.alice.wallet, payees, fee_sat=fee), PASSPHRASE)
    assert isinstance(original, Transaction)
    offer = join.offer(original)
    assert offer.parameters.max_contribution_sat == spare
    index = change_of(offer)
    greedy = replace(offer, parameters=Parameters(1, index, 10_000))
    assert Editable.of(join.join(greedy).psbt).outputs[index].amount_sat == dust_sat


def test_a_fee_that_nobody_pays() -> None:
    join = Join()
    offer = replace(join.offer(), parameters=Parameters(min_feerate_sat_kvb=100_000))
    refused(join.ask(offer), Trouble.NOT_ENOUGH_MONEY, "not paid for")
    small = Join(bobs_sat=(546,))
    offer = replace(small.offer(small.pay(feerate_sat_kvb=20_000)), parameters=Parameters())
    refused(small.ask(offer), Trouble.NOT_ENOUGH_MONEY, "not paid for")
    stingy = Join()
    said = stingy.ask(
        replace(stingy.offer(), parameters=Parameters()), policy=JoinPolicy(max_own_fee_sat=100)
    )
    refused(said, Trouble.NOT_ENOUGH_MONEY, "not paid for")


def test_only_the_own_output_is_another() -> None:
    join = Join()
    offer = replace(join.offer(), parameters=Parameters())
    before, answer = offer.read().transaction, join.join(offer)
    maps = PsbtMaps.decode(answer.psbt)
    edit = Editable.of(answer.psbt)
    assert (edit.version, edit.locktime) == (before.version, before.locktime)
    assert {item.sequence for item in edit.inputs} == {before.inputs[0].sequence}
    for old, new in zip(before.outputs, edit.outputs, strict=True):
        assert old == new or (old.script_pubkey == new.script_pubkey == join.script)
    assert len(maps.inputs) == len(before.inputs) + 1
