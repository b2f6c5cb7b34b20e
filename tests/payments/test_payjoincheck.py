"""What a sender refuses in a payjoin proposal: each line of BIP 78's list, broken in a good one."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace

import pytest

from axon.payments.payjoin import MAX_PSBT_BYTES, Offer
from axon.payments.payjoincheck import DEFAULT_INPUT_VSIZE, contribution_limit_sat
from axon.payments.payjoinparameters import Parameters
from axon.payments.payjoinsender import Fault, check_answer, sign_answer
from axon.primitives.transaction import COIN, Transaction, TxIn, TxOut
from axon.wallet.keys import AccountKind
from axon.wallet.psbt import Psbt
from axon.wallet.psbtmaps import FINAL_WITNESS, NON_WITNESS_UTXO, WITNESS_UTXO, PsbtMaps
from tests.payments.payjoinscene import Editable, Join, scripts_hold
from tests.wallet.scene import BOB, PASSPHRASE, coin

KEY = bytes.fromhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")
XPUB = bytes.fromhex("043587cf") + bytes(41) + KEY


class Case:
    """A good proposal, to be spoilt."""

    def __init__(self, kind: AccountKind = AccountKind.BIP84, *, fixed: bool = False) -> None:
        self.join = Join(kind, alices_sat=(COIN // 8, COIN // 8))
        self.offer = self.join.offer(fixed=fixed)
        self.original = self.offer.read()
        self.answer = self.join.join(self.offer)
        self.edit = Editable.of(self.answer.psbt)
        self.own = self.edit.place_of(self.original)
        self.added = [item.prevout for item in self.edit.inputs].index(self.answer.coins[0])
        scripts = [output.script_pubkey for output in self.edit.outputs]
        self.paid = scripts.index(self.join.script)
        self.change = 1 - self.paid

    def check(self, offer: Offer | None = None, proposal: bytes | str | None = None) -> str:
        """What Alice says against it; empty if nothing."""
        said = check_answer(
            self.join.alice.wallet,
            offer or self.offer,
            self.edit.encode() if proposal is None else proposal,
            self.join.script,
        )
        return said.reason if isinstance(said, Fault) else ""


def add_stranger(case: Case, script: bytes = BOB.script, *, final: bool = True) -> None:
    """One more input, of nobody in particular."""
    sequence = case.edit.inputs[0].sequence
    case.edit.inputs.append(TxIn(coin("stranger").outpoint, sequence=sequence))
    entries = {WITNESS_UTXO: TxOut(COIN, script).encode()}
    case.edit.input_maps.append(entries | ({FINAL_WITNESS: b"\x01\x01\x01"} if final else {}))
    case.edit.outputs[case.paid] = replace(
        case.edit.outputs[case.paid],
        amount_sat=case.edit.outputs[case.paid].amount_sat + COIN - 1_000,
    )


def shown(case: Case) -> bytes:
    return case.edit.input_maps[case.added][WITNESS_UTXO]


def set_sequence(case: Case, places: list[int]) -> None:
    for place in places:
        case.edit.inputs[place] = replace(case.edit.inputs[place], sequence=0xFFFF_FFFE)


def add_own(case: Case) -> None:
    case.join.alice.receive(COIN, "another of Alice's")
    ledger = case.join.alice.wallet.ledger
    fresh = next(point for point in ledger.owned if point not in case.original.transaction.prevouts)
    case.edit.inputs.append(TxIn(fresh, sequence=case.edit.inputs[0].sequence))
    case.edit.input_maps.append(
        {WITNESS_UTXO: ledger.owned[fresh].output.encode(), FINAL_WITNESS: b"\x01\x01\x01"}
    )


def swap_inputs(case: Case) -> None:
    first, second = [place for place in range(3) if place != case.added]
    inputs = case.edit.inputs
    inputs[first], inputs[second] = inputs[second], inputs[first]


def negative(case: Case) -> None:
    output = case.edit.outputs[case.paid]
    case.edit.outputs[case.paid] = replace(output, amount_sat=-1)


SPOILT: dict[str, tuple[Callable[[Case], object], str]] = {
    "xpub": (lambda c: c.edit.general.update({b"\x01" + XPUB: bytes(4)}), "extended public"),
    "version": (lambda c: setattr(c.edit, "version", 1), "version"),
    "lock time": (lambda c: setattr(c.edit, "locktime", c.edit.locktime + 1), "lock time"),
    "one sequence": (lambda c: set_sequence(c, [c.own]), "differ in their sequence"),
    "added sequence": (lambda c: set_sequence(c, [c.added]), "differ in their sequence"),
    "every sequence": (lambda c: set_sequence(c, [0, 1, 2]), "changed the sequence"),
    "key path of an input": (
        lambda c: c.edit.input_maps[c.own].update({b"\x06" + KEY: bytes(8)}),
        "paths of keys",
    ),
    "key path in taproot": (
        lambda c: c.edit.input_maps[c.own].update({b"\x16" + KEY[:32]: bytes(9)}),
        "paths of keys",
    ),
    "key path of an output": (
        lambda c: c.edit.output_maps[c.change].update({b"\x02" + KEY: bytes(8)}),
        "paths of keys",
    ),
    "input left out": (lambda c: c.edit.drop_input(c.own), "left out an input"),
    "inputs swapped": (swap_inputs, "order of the sender's inputs"),
    "own input final": (
        lambda c: c.edit.input_maps[c.own].update({FINAL_WITNESS: b"\x01\x01\x01"}),
        "made an input of the sender's final",
    ),
    "added input bare": (
        lambda c: c.edit.input_maps[c.added].pop(FINAL_WITNESS),
        "did not sign an input",
    ),
    "added input unknown": (
        lambda c: c.edit.input_maps[c.added].pop(WITNESS_UTXO),
        "does not say what input",
    ),
    "added input of another kind": (
        lambda c: add_stranger(c, b"\x51\x20" + bytes(32)),
        "of another kind",
    ),
    "one more bare input": (lambda c: add_stranger(c, final=False), "did not sign an input"),
    "own coin added": (add_own, "added a coin of the sender's"),
    "coin twice": (lambda c: c.edit.repeat_input(c.added), "does not add up"),
    "change left out": (lambda c: c.edit.drop_output(c.change), "left out an output"),
    "change to another": (
        lambda c: c.edit.outputs.__setitem__(
            c.change, replace(c.edit.outputs[c.change], script_pubkey=BOB.script)
        ),
        "left out an output",
    ),
    "change lowered too far": (
        lambda c: c.edit.lower(c.change, 2),
        "more for the fee than the sender allows",
    ),
    "fee lowered": (
        lambda c: c.edit.lower(c.paid, -400),
        "lowered the fee",
    ),
    "fee kept": (
        lambda c: c.edit.lower(c.paid, -50),
        "kept it",
    ),
    "less than nothing": (negative, "negative amount"),
    "more out than in": (lambda c: c.edit.lower(c.paid, -COIN), "more than it spends"),
}


def test_a_good_one_passes() -> None:
    assert Case().check() == ""
    assert Case(fixed=True).check() == ""


@pytest.mark.parametrize("name", SPOILT)
def test_each_rule_refuses(name: str) -> None:
    case = Case()
    spoil, reason = SPOILT[name]
    spoil(case)
    assert reason in case.check()


def test_a_coin_with_which_we_are_paid_is_not_spent_once_more() -> None:
    """The receiver has paid us with it elsewhere, and no block has that yet."""
    case = Case()
    scene = case.join.alice
    script, added = scene.script(), TxIn(case.answer.coins[0])
    ours = Transaction.build(2, [added], [TxOut(COIN // 4, script)], 0)
    assert case.check() == ""
    assert scene.wallet.take_unconfirmed(ours, scene.now_s, "a payer")
    assert "with which he pays this wallet" in case.check()


def test_a_coin_that_was_joined_before_may_be_shown_again() -> None:
    """The payment of ours in which it was may never come; the first one is there in any case."""
    case = Case()
    checked = check_answer(case.join.alice.wallet, case.offer, case.answer.psbt, case.join.script)
    assert isinstance(checked, Psbt)
    joined = sign_answer(case.join.alice.wallet, case.offer, checked, PASSPHRASE, scripts_hold)
    assert isinstance(joined, Transaction)
    case.join.alice.wallet.record_sent(joined, case.join.alice.now_s)
    assert case.check() == ""


@pytest.mark.parametrize("key", [b"\x02" + KEY, b"\x13", b"\x14" + KEY[:32] * 2])
def test_signatures_that_are_not_final_are_refused(key: bytes) -> None:
    case = Case(AccountKind.BIP86 if key[0] != 2 else AccountKind.BIP84)
    signature = bytes.fromhex("3006020101020101") + b"\x01" if key[0] == 2 else bytes([1] * 64)
    case.edit.input_maps[case.own][key] = signature
    reason = case.check()
    assert "not final" in reason or "cannot be read" in reason


def test_a_legacy_input_must_show_its_transaction() -> None:
    case = Case(AccountKind.BIP44)
    assert case.check() == ""
    entries = case.edit.input_maps[case.added]
    parent = Transaction.decode(entries.pop(NON_WITNESS_UTXO))
    entries[WITNESS_UTXO] = parent.outputs[0].encode()
    assert "comes without its transaction" in case.check()


def test_the_fee_is_for_added_inputs_only() -> None:
    case = Case()
    most = case.offer.parameters.max_contribution_sat
    assert most is not None
    generous = replace(
        case.offer, parameters=replace(case.offer.parameters, max_contribution_sat=100_000)
    )
    case.edit.lower(case.change, 10)  # All of it to the miners.
    assert "than the inputs cost" in case.check(generous)
    # Where no input was added, nothing may be taken.
    bare = Case()
    bare.edit.drop_input(bare.added)
    bare.edit.outputs[bare.paid] = bare.original.transaction.outputs[bare.paid]
    assert "than the inputs cost" in bare.check()


def test_without_leave_no_output_is_lowered() -> None:
    case = Case()
    strict = replace(case.offer, parameters=Parameters())
    assert "lowered an output" in case.check(strict)
    half = replace(case.offer, parameters=replace(case.offer.parameters, max_contribution_sat=None))
    assert "than the sender allows" in case.check(half)


def test_the_receiver_may_do_as_he_likes_with_his_own_output() -> None:
    lowered, gone, other = Case(), Case(), Case()
    lowered.edit.lower(lowered.paid, 10_000)
    gone.edit.drop_output(gone.paid)
    paid = other.edit.outputs[other.paid]
    other.edit.outputs[other.paid] = replace(paid, script_pubkey=BOB.script)
    assert [case.check() for case in (lowered, gone, other)] == [""] * 3


def test_unless_it_is_fixed() -> None:
    lowered = Case(fixed=True)
    lowered.edit.lower(lowered.paid, COIN // 2 + 1)
    assert "lowered the payment" in lowered.check()
    gone = Case(fixed=True)
    gone.edit.drop_output(gone.paid)
    assert "left out the payment" in gone.check()
    other = Case(fixed=True)
    other.edit.outputs[other.paid] = replace(
        other.edit.outputs[other.paid], script_pubkey=BOB.script
    )
    assert "left out the payment" in other.check()


def test_a_receiver_need_not_add_an_input() -> None:
    case = Case()
    case.edit.drop_input(case.added)
    case.edit.outputs = list(case.original.transaction.outputs)
    assert case.check() == ""


def test_outputs_of_one_script_are_told_apart() -> None:
    case = Case()
    change = case.edit.outputs[case.change]
    # A second output to the change's script is no excuse for lowering the first.
    case.edit.outputs.append(replace(change, amount_sat=change.amount_sat))
    case.edit.output_maps.append({})
    case.edit.lower(case.change, 50_000)
    assert case.check() != ""


def test_what_is_no_psbt_is_a_fault() -> None:
    case = Case()
    for proposal in ("", "hello", b"psbt\xff", b"x" * (MAX_PSBT_BYTES + 1), "A" * 900_000):
        assert "cannot be read" in case.check(proposal=proposal)


def test_base64_is_read_too() -> None:
    case = Case()
    assert case.check(proposal=b64encode(case.answer.psbt).decode()) == ""


def test_only_what_is_known_is_signed() -> None:
    case = Case()
    case.edit.input_maps[case.own][b"\x03"] = b"\x02\x00\x00\x00"  # SIGHASH_NONE.
    case.edit.input_maps[case.own][WITNESS_UTXO] = TxOut(1, BOB.script).encode()
    checked = check_answer(case.join.alice.wallet, case.offer, case.edit.encode(), case.join.script)
    assert isinstance(checked, Psbt)
    maps = PsbtMaps.decode(checked.raw).inputs
    own = case.original.transaction.prevouts
    for prevout, entries in zip(checked.transaction.prevouts, maps, strict=True):
        kept = {1} if prevout in own else {1, 8}
        assert {key[0] for key in entries} == kept
    joined = sign_answer(case.join.alice.wallet, case.offer, checked, PASSPHRASE, scripts_hold)
    assert isinstance(joined, Transaction)


def test_a_false_signature_or_amount_is_found() -> None:
    case = Case()
    output = case.join.bob.wallet.ledger.owned[case.answer.coins[0]].output
    case.edit.input_maps[case.added][WITNESS_UTXO] = replace(
        output, amount_sat=output.amount_sat + 5_000
    ).encode()
    checked = check_answer(case.join.alice.wallet, case.offer, case.edit.encode(), case.join.script)
    assert isinstance(checked, Psbt)
    said = sign_answer(case.join.alice.wallet, case.offer, checked, PASSPHRASE, scripts_hold)
    assert isinstance(said, Fault)
    assert "does not hold" in said.reason


def test_a_feerate_below_the_least_is_found() -> None:
    case = Case()
    checked = check_answer(case.join.alice.wallet, case.offer, case.answer.psbt, case.join.script)
    assert isinstance(checked, Psbt)
    strict = replace(
        case.offer, parameters=replace(case.offer.parameters, min_feerate_sat_kvb=2_100)
    )
    said = sign_answer(case.join.alice.wallet, strict, checked, PASSPHRASE, scripts_hold)
    assert said == Fault("the joined payment pays too little for its size")


def test_other_kinds_are_reckoned_as_bip_78_does() -> None:
    assert contribution_limit_sat(332, 166, "witness_v0_scripthash", 1) == 2 * DEFAULT_INPUT_VSIZE
    assert contribution_limit_sat(332, 166, "witness_v0_keyhash", 0) == 0
