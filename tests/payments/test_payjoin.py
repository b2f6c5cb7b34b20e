"""Payjoin (BIP 78): payments joined by two wallets, judged by libbitcoinkernel."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axon.payments.payjoin import Declined, Offer, Proposal, Trouble
from axon.payments.payjoincheck import proposal_fault
from axon.payments.payjoininputs import fee_sat, input_kind, names_keys, spent_outputs
from axon.payments.payjoinparameters import Parameters
from axon.payments.payjoinreceiver import JoinPolicy
from axon.payments.payjoinsender import Fault, check_answer, make_offer, sign_answer
from axon.primitives.transaction import COIN, Transaction
from axon.primitives.verdict import Accepted
from axon.wallet.keys import AccountKind
from axon.wallet.payment import ALL, Payee, draft
from axon.wallet.psbt import Psbt, read_psbt
from axon.wallet.psbtmaps import PsbtMaps
from axon.wallet.signing import sign
from tests.payments.payjoinscene import AMOUNT_SAT, FEERATE_SAT_KVB, Join, scripts_hold
from tests.wallet.scene import PASSPHRASE

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "bip78.json").read_text())


@pytest.fixture(scope="module")
def joined() -> tuple[Join, Offer, Proposal]:
    """A payment that was joined."""
    join = Join()
    offer = join.offer()
    return join, offer, join.join(offer)


def finish(join: Join, offer: Offer, answer: Proposal) -> Transaction:
    """Alice looks at the answer and signs it."""
    checked = check_answer(join.alice.wallet, offer, answer.psbt, join.script)
    assert isinstance(checked, Psbt), checked
    joined = sign_answer(join.alice.wallet, offer, checked, PASSPHRASE, scripts_hold)
    assert isinstance(joined, Transaction), joined
    return joined


@pytest.mark.parametrize("kind", AccountKind)
def test_every_kind_of_account_joins(kind: AccountKind) -> None:
    join = Join(kind, alices_sat=(COIN // 10, COIN // 10, COIN // 10))
    original = join.pay()
    offer = join.offer(original)
    answer = join.join(offer)
    joined = finish(join, offer, answer)
    assert len(joined.inputs) == len(original.inputs) + 1
    assert answer.coins[0] in joined.prevouts
    assert answer.original == original
    paid = {output.script_pubkey: output.amount_sat for output in original.outputs}
    got = {output.script_pubkey: output.amount_sat for output in joined.outputs}
    change = next(script for script in paid if script != join.script)
    assert got[join.script] == AMOUNT_SAT + COIN // 2
    fee = fee_sat(offer.read())
    more = paid[change] - got[change]
    # The feerate stays what it was, and the sender pays for the input that was added.
    assert 0 < more <= offer.parameters.max_contribution_sat  # type: ignore[operator]
    assert (fee + more) / joined.vsize >= fee / original.vsize * 0.995


def test_both_ways_stay_open_until_one_is_in_a_block() -> None:
    join = Join()
    original = join.pay()
    joined = finish(join, offer := join.offer(original), join.join(offer))
    spent = spent_outputs(offer.read())
    assert scripts_hold(original, spent) == Accepted()
    assert set(original.prevouts) < set(joined.prevouts)  # So that only one of them can count.
    join.bob.mine(original)
    assert join.bob.wallet.balance().confirmed_sat == COIN // 2 + AMOUNT_SAT


def test_the_joined_payment_is_what_both_wallets_see() -> None:
    join = Join()
    offer = join.offer()
    joined = finish(join, offer, join.join(offer))
    join.alice.wallet.record_sent(joined, join.alice.now_s)
    join.alice.mine(joined)
    join.bob.mine(joined)
    fee = fee_sat(read_psbt(offer.psbt)) + (offer.parameters.max_contribution_sat or 0)
    assert join.alice.wallet.balance().confirmed_sat == pytest.approx(
        COIN - AMOUNT_SAT - fee, abs=2
    )
    assert join.bob.wallet.balance().confirmed_sat == COIN // 2 + AMOUNT_SAT


def test_an_original_tells_nothing_of_the_wallet() -> None:
    join = Join(AccountKind.BIP49)
    offer = join.offer()
    maps = PsbtMaps.decode(offer.psbt)
    assert not names_keys(maps)
    assert [sorted(key[0] for key in each) for each in maps.inputs] == [[1, 7, 8]]
    assert len(maps.general) == 1
    assert maps.outputs == ({}, {})


def test_a_proposal_tells_only_of_the_added_input() -> None:
    join = Join()
    offer = join.offer()
    maps = PsbtMaps.decode(join.join(offer).psbt)
    assert sorted(sorted(key[0] for key in each) for each in maps.inputs) == [[], [1, 8]]
    assert len(maps.general) == 1
    assert not names_keys(maps)


def test_a_payment_without_change_is_joined_at_the_receivers_cost() -> None:
    join = Join()
    made = draft(join.alice.wallet, [Payee(join.script, ALL)], feerate_sat_kvb=FEERATE_SAT_KVB)
    original = sign(join.alice.wallet, made, PASSPHRASE)
    assert isinstance(original, Transaction)
    offer = join.offer(original)
    assert offer.parameters.fee_output is None
    joined = finish(join, offer, join.join(offer))
    (output,) = joined.outputs
    due_sat = 68 * FEERATE_SAT_KVB // 1_000
    lost_sat = original.outputs[0].amount_sat + COIN // 2 - output.amount_sat
    assert due_sat - 2 <= lost_sat <= due_sat + 2


@pytest.mark.parametrize(
    ("kind", "vsize"),
    [
        (AccountKind.BIP44, 148),
        (AccountKind.BIP49, 91),
        (AccountKind.BIP84, 68),
        (AccountKind.BIP86, 58),
    ],
)
def test_no_more_is_allowed_than_an_input_costs(kind: AccountKind, vsize: int) -> None:
    offer = Join(kind).offer()
    most = offer.parameters.max_contribution_sat
    assert most is not None
    assert most == pytest.approx(vsize * FEERATE_SAT_KVB / 1_000, rel=0.015)
    assert 1_780 <= offer.parameters.min_feerate_sat_kvb <= 1_820


def test_what_cannot_be_offered() -> None:
    join = Join()
    original = join.pay()
    alice, bob = join.alice.wallet, join.bob.wallet
    assert isinstance(make_offer(bob, original, join.script), Fault)
    assert isinstance(make_offer(alice, original, b"\x00\x14" + bytes(20)), Fault)
    two = Join(alices_sat=(COIN // 6, COIN // 6))
    signed = two.pay()
    first, *rest = signed.inputs
    uneven = Transaction.build(
        2, [replace(first, sequence=1 << 31), *rest], signed.outputs, signed.locktime
    )
    assert make_offer(two.alice.wallet, uneven, two.script) == Fault(
        "the inputs of the payment differ in their sequence, and every join shows it"
    )


def test_a_fixed_output_stays() -> None:
    join = Join()
    offer = join.offer(fixed=True)
    assert offer.parameters.fixed_output
    assert isinstance(finish(join, offer, join.join(offer)), Transaction)


@settings(max_examples=25, deadline=None)
@given(
    alice=st.lists(st.integers(20_000, 10 * COIN), min_size=1, max_size=4),
    bob=st.lists(st.integers(1_000, 10 * COIN), min_size=1, max_size=3),
    part=st.integers(5, 95),
    feerate=st.integers(500, 30_000),
    seed=st.integers(0, 1 << 32),
)
def test_whatever_the_amounts(
    alice: list[int], bob: list[int], part: int, feerate: int, seed: int
) -> None:
    """Either a payment comes of it that holds, and no satoshi is lost, or a word says why not."""
    join = Join(alices_sat=alice, bobs_sat=bob)
    amount = sum(alice) * part // 100
    if sum(alice) - amount < 300 * feerate // 1_000 * len(alice) + 1_000:
        return
    original = join.pay(amount, feerate)
    offer = join.offer(original)
    said = join.ask(offer, amount_sat=amount, seed=seed)
    if isinstance(said, Declined):
        assert said.trouble is Trouble.NOT_ENOUGH_MONEY
        return
    joined = finish(join, offer, said)
    added = join.bob.wallet.ledger.owned[said.coins[0]].output.amount_sat
    received = sum(out.amount_sat for out in joined.outputs if out.script_pubkey == join.script)
    own_fee = amount + added - received
    assert 0 <= own_fee <= JoinPolicy().max_own_fee_sat
    assert received > amount
    kept = sum(out.amount_sat for out in joined.outputs if out.script_pubkey != join.script)
    before = sum(out.amount_sat for out in original.outputs if out.script_pubkey != join.script)
    assert before - kept <= (offer.parameters.max_contribution_sat or 0)


@settings(max_examples=60, deadline=None)
@given(at=st.floats(0, 1), byte=st.integers(1, 255), cut=st.booleans())
def test_any_damage_gets_an_answer(
    joined: tuple[Join, Offer, Proposal], at: float, byte: int, cut: bool
) -> None:
    """One byte of an offer or of a proposal is another, or all behind it is missing."""

    def damaged(data: bytes) -> bytes:
        place = min(int(at * len(data)), len(data) - 1)
        rest = b"" if cut else data[place + 1 :]
        return data[:place] + bytes((data[place] ^ byte,)) + rest

    join, offer, answer = joined
    said = join.ask(replace(offer, psbt=damaged(offer.psbt)))
    # What is still good as it is has other bytes, and spends what was seen.
    assert isinstance(said, Declined)
    wallet = join.alice.wallet
    checked = check_answer(wallet, offer, damaged(answer.psbt), join.script)
    if isinstance(checked, Psbt):
        signed = sign_answer(wallet, offer, checked, PASSPHRASE, scripts_hold)
        assert isinstance(signed, Fault | Transaction)


def test_the_published_exchange_passes() -> None:
    """The vector of BIP 78: P2SH-P2WPKH, 2 sat/vB, 182 sat for one more input."""
    original, proposal = read_psbt(VECTORS["original"]), read_psbt(VECTORS["proposal"])
    parameters = Parameters(1, VECTORS["fee_output"], VECTORS["max_contribution_sat"])
    payment = original.transaction.outputs[1]
    assert payment.amount_sat == 2_000_000

    def fault(parameters: Parameters, proposed: Psbt = proposal) -> str:
        return proposal_fault(
            original, proposed, parameters, payment.script_pubkey, lambda _point: False
        )

    assert fault(parameters) == ""
    assert fault(replace(parameters, fixed_output=True)) == ""
    assert "than the sender allows" in fault(replace(parameters, max_contribution_sat=181))
    assert "lowered an output" in fault(replace(parameters, fee_output=None))
    assert "paths of keys" in fault(parameters, read_psbt(VECTORS["filled"]))
    kinds = map(input_kind, spent_outputs(original), original.transaction.inputs)
    assert list(kinds) == ["scripthash of witness_v0_keyhash"]
    assert names_keys(PsbtMaps.decode(read_psbt(VECTORS["unfinalized"]).raw))
    assert not names_keys(PsbtMaps.decode(original.raw))
