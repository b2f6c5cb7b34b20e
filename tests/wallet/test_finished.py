"""What a finished transaction does, and that none is written down that no node would take."""

from __future__ import annotations

from dataclasses import replace

import pytest

from axon.primitives.encoding import var_bytes
from axon.primitives.transaction import COIN, Transaction, TxOut
from axon.wallet.draft import MAX_FEE_SAT, Draft
from axon.wallet.errors import BadFee, BadPsbt, UnknownTransaction
from axon.wallet.finished import describe_finished, record_finished, signature_fault
from axon.wallet.payment import Payee, draft
from axon.wallet.psbt import Psbt, read_psbt
from axon.wallet.psbtmaps import PsbtMaps
from axon.wallet.signing import sign_fully
from tests.scriptcheck import check_scripts
from tests.wallet.scene import BOB, PASSPHRASE, Scene, new_wallet, paying


def paid(fee_sat: int = 1_000) -> tuple[Scene, Draft, Transaction]:
    """A wallet, a payment of it to Bob, and the same signed."""
    scene = Scene()
    scene.wallet.check_scripts = check_scripts
    scene.receive(COIN)
    payees = [Payee(BOB.address(), COIN // 2)]
    made = draft(scene.wallet, payees, fee_sat=fee_sat, allow_high_fee=True)
    return scene, made, sign_fully(scene.wallet, made.psbt, PASSPHRASE, allow_high_fee=True)


def test_it_says_what_its_draft_said() -> None:
    scene, made, payment = paid()
    shown = describe_finished(scene.wallet.ledger, payment)
    assert (shown.recipients, shown.change_sat) == (made.recipients, made.change_sat)
    assert (shown.fee_sat, shown.amount_sat) == (1_000, COIN // 2)
    assert [each.ours for each in shown.inputs] == [True]
    assert not signature_fault(scene.wallet, shown)
    wrong = (made.psbt.transaction, with_outputs(payment, TxOut(COIN // 2, BOB.script)))
    for each in wrong:
        assert signature_fault(scene.wallet, describe_finished(scene.wallet.ledger, each))


def test_of_coins_that_are_not_known_here_the_fee_is_not_known() -> None:
    shown = describe_finished(new_wallet().ledger, paying(BOB.script, COIN))
    assert shown.fee_sat is None
    assert [(each.output, each.ours) for each in shown.inputs] == [(None, False)]


def test_what_pays_out_more_than_it_spends_is_named() -> None:
    scene, _, payment = paid()
    with pytest.raises(BadPsbt, match="more than it spends"):
        describe_finished(scene.wallet.ledger, with_outputs(payment, TxOut(2 * COIN, BOB.script)))


def with_outputs(payment: Transaction, *outputs: TxOut) -> Transaction:
    return Transaction.build(payment.version, payment.inputs, outputs, payment.locktime)


def test_what_no_node_would_take_is_not_written_down() -> None:
    scene, made, payment = paid()
    before = scene.wallet.balance()
    for wrong in (made.psbt.transaction, with_outputs(payment, TxOut(COIN // 2, BOB.script))):
        with pytest.raises(BadPsbt, match="missing or wrong"):
            record_finished(scene.wallet, wrong, scene.now_s, allow_high_fee=True)
    assert scene.wallet.unconfirmed_own() == []
    assert scene.wallet.balance() == before
    with pytest.raises(UnknownTransaction):
        record_finished(scene.wallet, paying(BOB.script, COIN), scene.now_s)
    assert record_finished(scene.wallet, payment, scene.now_s) is payment
    assert scene.wallet.unconfirmed_own() == [payment]


def test_an_absurd_fee_must_be_meant_whoever_signed() -> None:
    scene, made, payment = paid(MAX_FEE_SAT + 1)
    with pytest.raises(BadFee, match="more than any payment needs"):
        record_finished(scene.wallet, payment, scene.now_s)
    signed = final(made.psbt, payment)
    with pytest.raises(BadFee, match="more than any payment needs"):
        sign_fully(scene.wallet, signed, None)
    assert sign_fully(scene.wallet, signed, None, allow_high_fee=True) == payment
    record_finished(scene.wallet, payment, scene.now_s, allow_high_fee=True)
    # Again, as it is told to nodes once more.
    assert record_finished(scene.wallet, payment, scene.now_s) is payment


def final(psbt: Psbt, payment: Transaction) -> Psbt:
    """A PSBT with the witness of its only input in it (BIP 174, final_scriptwitness)."""
    maps = PsbtMaps.decode(psbt.raw)
    items = payment.inputs[0].witness
    witness = bytes((len(items),)) + b"".join(map(var_bytes, items))
    entries = maps.inputs[0] | {b"\x08": witness}
    return read_psbt(replace(maps, inputs=(entries,)).encode())
