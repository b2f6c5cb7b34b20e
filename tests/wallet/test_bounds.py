"""The exact edges of the wallet's rules: one satoshi, one block, one character to each side."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from axon.errors import WalletError
from axon.primitives.address import decode_address
from axon.primitives.hashes import Txid
from axon.primitives.network import COINBASE_MATURITY, REGTEST
from axon.primitives.transaction import COIN, Transaction, TxIn, TxOut, outpoint
from axon.wallet import keys
from axon.wallet import payment as payment_module
from axon.wallet.coins import WalletCoin
from axon.wallet.draft import (
    HIGH_FEE_PART,
    HIGH_FEERATE_SAT_KVB,
    MAX_FEE_SAT,
    MAX_FEERATE_SAT_KVB,
    Draft,
    Paid,
    Recipient,
    check_fee,
    describe,
)
from axon.wallet.errors import BadAmount, BadDescriptor, BadFee, BadLabel, BadPsbt, CoinUnavailable
from axon.wallet.keys import watch
from axon.wallet.labels import LabelKind, outpoint_ref, parse_outpoint
from axon.wallet.payment import Payee, draft, record_payment
from axon.wallet.psbt import Psbt
from axon.wallet.records import Keychain
from axon.wallet.scripts import LOOKAHEAD
from tests.signing import Spendable
from tests.wallet.scene import BOB, Scene, new_wallet, paying, source


def drafted(scene: Scene, amount_sat: int = COIN // 2, fee_sat: int = 1_000) -> Draft:
    return draft(scene.wallet, [Payee(BOB.address(), amount_sat)], fee_sat=fee_sat)


def costing(scene: Scene, fee_sat: int, amount_sat: int, vsize: int) -> Draft:
    """A draft with a fee, an amount and a size of our choice."""
    made = drafted(scene)
    recipient = Recipient(BOB.script, BOB.address(), amount_sat, False)
    return replace(made, recipients=(recipient,), fee_sat=fee_sat, vsize=vsize)


@pytest.fixture
def scene() -> Scene:
    scene = Scene()
    scene.receive(COIN)
    return scene


# Fees.


def test_the_highest_fee_is_a_tenth_of_a_bitcoin(scene: Scene) -> None:
    assert MAX_FEE_SAT == 10_000_000
    check_fee(costing(scene, MAX_FEE_SAT, 21 * COIN, 100_000))
    with pytest.raises(BadFee, match="more than any payment needs"):
        check_fee(costing(scene, MAX_FEE_SAT + 1, 21 * COIN, 100_000))


def test_the_highest_feerate_is_10000_sat_vb(scene: Scene) -> None:
    assert MAX_FEERATE_SAT_KVB == 10_000 * 1_000
    check_fee(costing(scene, 1_000_000, 21 * COIN, 100))
    with pytest.raises(BadFee, match="more than any payment needs"):
        check_fee(costing(scene, 1_000_001, 21 * COIN, 100))


def test_above_100_sat_vb_a_fee_is_at_most_a_tenth_of_the_amount(scene: Scene) -> None:
    assert (HIGH_FEERATE_SAT_KVB, HIGH_FEE_PART) == (100_000, 10)
    check_fee(costing(scene, 20_000, 1, 200))
    check_fee(costing(scene, 20_200, 202_000, 200))
    with pytest.raises(BadFee, match="more than a tenth"):
        check_fee(costing(scene, 20_200, 201_999, 200))


def test_a_psbt_may_pay_no_fee_but_no_less(scene: Scene) -> None:
    psbt = drafted(scene).psbt

    def paying_out(more_sat: int) -> Psbt:
        first, *others = psbt.transaction.outputs
        spent_sat = sum(output.amount_sat for output in psbt.spent if output is not None)
        rest_sat = sum(output.amount_sat for output in others)
        outputs = [TxOut(spent_sat - rest_sat + more_sat, first.script_pubkey), *others]
        changed = Transaction.build(2, psbt.transaction.inputs, outputs)
        return replace(psbt, transaction=changed)

    assert describe(scene.wallet.ledger, paying_out(0)).fee_sat == 0
    with pytest.raises(BadPsbt, match="pays out more than it spends"):
        describe(scene.wallet.ledger, paying_out(1))


def test_what_our_coins_hold_is_taken_from_our_own_records(scene: Scene) -> None:
    made = drafted(scene)
    lies = tuple([TxOut(COIN - 1, BOB.script) for _ in made.psbt.spent])
    read = describe(scene.wallet.ledger, replace(made.psbt, spent=lies))
    assert read.fee_sat == made.fee_sat
    assert read.inputs == made.inputs


def test_one_descriptor_pays_its_own_address_on_purpose() -> None:
    scene = Scene(new_wallet(made_of=watch(REGTEST, source().descriptors.receive)))
    scene.receive(COIN)
    own = scene.wallet.new_address()  # Change goes there as well: it is the first unused one.
    made = draft(scene.wallet, [Payee(own, COIN // 4)], fee_sat=1_000)
    assert [(item.address, item.amount_sat) for item in made.recipients] == [(own, COIN // 4)]
    assert made.change_sat == COIN - COIN // 4 - 1_000


def test_change_that_equals_what_is_paid_is_change_all_the_same() -> None:
    scene = Scene(new_wallet(made_of=watch(REGTEST, source().descriptors.receive)))
    scene.receive(COIN)
    own = scene.wallet.new_address()
    made = draft(scene.wallet, [Payee(own, COIN // 2)], fee_sat=1_000)
    output = TxOut(COIN // 2 - 500, decode_address(own, REGTEST))
    twice = Transaction.build(2, made.psbt.transaction.inputs, [output, output])
    read = describe(
        scene.wallet.ledger,
        replace(made.psbt, transaction=twice),
        paid=[Paid(output.script_pubkey, output.amount_sat)],
    )
    assert (read.amount_sat, read.change_sat) == (output.amount_sat, output.amount_sat)


def test_a_payment_to_oneself_shows_where_it_went(scene: Scene) -> None:
    own = scene.wallet.new_address()
    output = TxOut(COIN - 1_000, decode_address(own, REGTEST))
    point = scene.wallet.coins()[0].outpoint
    scene.wallet.record_sent(Transaction.build(2, [TxIn(point)], [output]), scene.now_s)
    assert scene.wallet.history()[0].addresses == (own,)


def test_a_descriptor_may_be_as_long_as_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    text = source().descriptors.receive
    monkeypatch.setattr(keys, "MAX_DESCRIPTOR_SIZE", len(text))
    assert watch(REGTEST, text).descriptors.receive == text
    monkeypatch.setattr(keys, "MAX_DESCRIPTOR_SIZE", len(text) - 1)
    with pytest.raises(BadDescriptor, match="at most"):
        watch(REGTEST, text)


def test_a_payment_may_be_as_large_as_nodes_relay(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    vsize = drafted(scene).vsize
    monkeypatch.setattr(payment_module, "MAX_VSIZE", vsize)
    assert drafted(scene).vsize == vsize
    monkeypatch.setattr(payment_module, "MAX_VSIZE", vsize - 1)
    with pytest.raises(WalletError, match="nodes relay at most"):
        drafted(scene)


def test_a_replacement_may_pay_just_what_is_due(scene: Scene) -> None:
    first = drafted(scene, fee_sat=1_000)
    inputs, (paid, *rest) = first.psbt.transaction.inputs, first.psbt.transaction.outputs
    record_payment(scene.wallet, first.psbt.transaction, scene.now_s)

    def paying_more(more_sat: int) -> Transaction:
        less = TxOut(paid.amount_sat - more_sat, paid.script_pubkey)
        return Transaction.build(2, inputs, [less, *rest])

    relay_sat = paying_more(0).vsize  # A satoshi for each virtual byte (BIP 125, rule 4).
    with pytest.raises(BadFee, match="or more to replace"):
        record_payment(scene.wallet, paying_more(relay_sat - 1), scene.now_s)
    record_payment(scene.wallet, paying_more(relay_sat), scene.now_s)


def test_a_fee_is_unknown_where_an_output_does_not_exist(scene: Scene) -> None:
    payment = paying(scene.script(), COIN, "two")
    scene.mine(payment)
    behind = outpoint(payment.txid, len(payment.outputs))
    assert scene.wallet.ledger.output(behind) is None
    assert scene.wallet.ledger.fee_sat(Transaction.build(2, [TxIn(behind)], [])) is None


def test_data_outputs_hold_at_least_a_satoshi(scene: Scene) -> None:
    note = b"\x6a\x04note"
    with pytest.raises(BadAmount, match="pay at least 1 sat"):
        draft(scene.wallet, [Payee(note, 0)], fee_sat=1_000)
    assert draft(scene.wallet, [Payee(note, 1)], fee_sat=1_000).amount_sat == 1


# Coins.


def held(scene: Scene) -> list[WalletCoin]:
    return scene.wallet.coins()


def test_mined_coins_can_be_spent_when_100_blocks_deep() -> None:
    scene = Scene()
    scene.mine(miner=scene.script())
    point = outpoint(scene.blocks[-1].transactions[0].txid, 0)
    scene.pass_blocks(COINBASE_MATURITY - 2)
    (coin,) = held(scene)
    assert (coin.confirmations, coin.immature, coin.spendable) == (99, True, False)
    with pytest.raises(CoinUnavailable, match="mined 99 blocks ago and waits for 100"):
        draft(scene.wallet, [Payee(BOB.address(), COIN)], fee_sat=500, coins=[point])
    scene.pass_blocks(1)
    (coin,) = held(scene)
    assert (coin.confirmations, coin.immature, coin.spendable) == (100, False, True)
    draft(scene.wallet, [Payee(BOB.address(), COIN)], fee_sat=500, coins=[point])


def test_coins_are_listed_oldest_first_and_unconfirmed_ones_last() -> None:
    scene = Scene()
    first, second = scene.receive(COIN, 1), scene.receive(COIN, 2)
    promised = paying(scene.script(), COIN, 3)
    scene.wallet.take_unconfirmed(promised, scene.now_s)
    assert [coin.outpoint for coin in held(scene)] == [first, second, outpoint(promised.txid, 0)]
    assert [coin.confirmations for coin in held(scene)] == [2, 1, 0]


# Records, labels and what follows from them.


def test_an_input_of_others_counts_with_a_signature_that_is_still_missing(scene: Scene) -> None:
    made = drafted(scene)
    assert describe(new_wallet().ledger, made.psbt).vsize == pytest.approx(made.vsize, abs=1)


def test_the_next_address_counts_as_given_out_once_it_is_paid(scene: Scene) -> None:
    book = scene.wallet.ledger.book
    index = book.revealed(Keychain.RECEIVE)
    scene.mine(paying(book.script(Keychain.RECEIVE, index), COIN, "next"))
    assert book.revealed(Keychain.RECEIVE) == index + 1
    assert [info.used for info in scene.wallet.addresses()][index]


def test_an_output_is_ours_once_the_window_reaches_its_address() -> None:
    other, scene = new_wallet(), Scene()
    far = [other.new_address(beyond_gap=True) for _ in range(LOOKAHEAD + 3)][-1]
    spent = Spendable(outpoint(Txid(bytes(32)), 0), 3 * COIN)
    outputs = [TxOut(COIN, scene.script()), TxOut(COIN, decode_address(far, REGTEST))]
    both = BOB.pay([spent], outputs)
    scene.wallet.take_unconfirmed(both, scene.now_s)
    assert [coin.amount_sat for coin in held(scene)] == [COIN]
    scene.script(), scene.script()
    assert [coin.address for coin in held(scene)][1] == far


def test_a_payment_keeps_the_time_at_which_it_was_first_seen(scene: Scene) -> None:
    promised = paying(scene.script(), COIN, "promised")
    for later_s in (0, 500):
        scene.wallet.take_unconfirmed(promised, scene.now_s + later_s)
    assert scene.wallet.history()[0].time_s == scene.now_s


def test_the_last_sight_of_a_payment_never_goes_back(scene: Scene) -> None:
    promised = paying(scene.script(), COIN, "promised")
    scene.wallet.take_unconfirmed(promised, scene.now_s + 500)
    seen = scene.wallet.ledger.seen_above_conflicts(promised, scene.now_s)
    assert (seen.first_s, seen.last_s) == (scene.now_s + 500, scene.now_s + 500)


def test_a_frozen_coin_with_a_label_is_exported_as_not_spendable(scene: Scene) -> None:
    (coin,) = held(scene)
    name = outpoint_ref(coin.outpoint)
    scene.wallet.set_label(LabelKind.COIN, name, "rent")
    scene.wallet.freeze(coin.outpoint)
    (line,) = scene.wallet.export_labels().splitlines()
    expected = {"type": "output", "ref": name, "label": "rent", "spendable": False}
    assert json.loads(line) == expected


def test_an_index_of_a_coin_has_six_digits_at_most() -> None:
    txid = "11" * 32
    assert outpoint_ref(parse_outpoint(f"{txid}:999999")) == f"{txid}:999999"
    with pytest.raises(BadLabel):
        parse_outpoint(f"{txid}:1000000")


def test_a_file_of_labels_has_a_largest_size(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    line = json.dumps({"type": "tx", "ref": "11" * 32, "label": "x"})
    monkeypatch.setattr("axon.wallet.labels.MAX_IMPORT_BYTES", len(line))
    assert scene.wallet.import_labels(line).taken == 1
    with pytest.raises(BadLabel, match="at most"):
        scene.wallet.import_labels(f"{line}\n")
