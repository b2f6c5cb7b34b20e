"""What a receiver refuses, and that asking again tells nothing new."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from axon.errors import DamageError
from axon.payments.payjoin import MAX_PSBT_BYTES, Offer, Proposal, Trouble
from axon.payments.payjoinparameters import Parameters
from axon.primitives.transaction import COIN, Transaction, TxOut
from axon.wallet import records
from axon.wallet.keys import AccountKind
from axon.wallet.psbtmaps import (
    FINAL_SCRIPT_SIG,
    FINAL_WITNESS,
    NON_WITNESS_UTXO,
    WITNESS_UTXO,
)
from axon.wallet.wallet import Wallet
from tests.payments.payjoinscene import AMOUNT_SAT, Editable, Join, refused
from tests.wallet.scene import BOB

KEY = bytes.fromhex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798")


def edited(offer: Offer, spoil: Callable[[Editable], object]) -> Offer:
    """An offer that says something else."""
    edit = Editable.of(offer.psbt)
    spoil(edit)
    return replace(offer, psbt=edit.encode())


def remembered(join: Join) -> int:
    """How many records about payjoins Bob has."""
    return len(list(join.store.items(records.PAYJOIN)))


SPOILT: dict[str, tuple[Callable[[Editable], object], str]] = {
    "not final": (lambda e: e.input_maps[0].pop(FINAL_WITNESS), "not signed whole"),
    "amount unknown": (lambda e: e.input_maps[0].pop(WITNESS_UTXO), "does not say what input"),
    "key path of an input": (
        lambda e: e.input_maps[0].update({b"\x06" + KEY: bytes(8)}),
        "from which keys",
    ),
    "key path of an output": (
        lambda e: e.output_maps[0].update({b"\x02" + KEY: bytes(8)}),
        "from which keys",
    ),
    "xpub": (
        lambda e: e.general.update(
            {b"\x01" + bytes.fromhex("043587cf") + bytes(41) + KEY: bytes(4)}
        ),
        "from which keys",
    ),
    "sequences": (
        lambda e: e.inputs.__setitem__(0, replace(e.inputs[0], sequence=0xFFFF_FFFE)),
        "differ in their sequence",
    ),
    "relative lock": (
        lambda e: e.inputs.__setitem__(
            slice(None), [replace(each, sequence=10) for each in e.inputs]
        ),
        "counts from their block",
    ),
    "false signature": (
        lambda e: setattr(e, "locktime", e.locktime + 1),
        "a signature is wrong",
    ),
    "coin twice": (lambda e: e.repeat_input(0), "spends a coin twice"),
    "more out than in": (lambda e: e.lower(0, -3 * COIN), "more than it spends"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_each_rule_rejects_an_original(name: str) -> None:
    join = Join(alices_sat=(COIN // 8, COIN // 8))
    spoil, reason = SPOILT[name]
    said = join.ask(edited(join.offer(), spoil))
    refused(said, Trouble.REJECTED, reason)
    # Of what was no payment nothing is kept: else strangers could spoil it for the one who pays.
    assert remembered(join) == 0
    assert isinstance(join.ask(join.offer()), Proposal)


def test_a_payment_to_somebody_else_or_of_too_little_is_rejected() -> None:
    join = Join()
    offer = join.offer()
    refused(join.ask(offer, script=BOB.script), Trouble.REJECTED, "does not pay")
    refused(join.ask(offer, amount_sat=AMOUNT_SAT + 1), Trouble.REJECTED, "does not pay")
    assert isinstance(join.ask(offer, amount_sat=AMOUNT_SAT), Proposal)


def test_what_is_no_psbt_is_rejected() -> None:
    join = Join()
    for psbt in (b"", b"psbt\xff", bytes(MAX_PSBT_BYTES + 1)):
        refused(join.ask(Offer(psbt, Parameters())), Trouble.REJECTED, "PSBT")


def test_another_version_is_refused() -> None:
    join = Join()
    offer = replace(join.offer(), parameters=Parameters(2))
    refused(join.ask(offer), Trouble.VERSION_UNSUPPORTED, "version 1")


def test_a_coin_of_the_receivers_own_is_rejected() -> None:
    join = Join()
    answer = join.join(join.offer())
    # The joined payment as the next original: its inputs are partly Bob's.
    edit = Editable.of(answer.psbt)
    for entries, item in zip(edit.input_maps, edit.inputs, strict=True):
        if item.prevout not in answer.coins:
            entries[WITNESS_UTXO] = TxOut(COIN, BOB.script).encode()
            entries[FINAL_WITNESS] = b"\x01\x01\x01"
    refused(join.ask(Offer(edit.encode(), Parameters())), Trouble.REJECTED, "of the receiver's")
    # The script alone tells it, too, where the coin is not known yet.
    offer = join.offer()
    spent = TxOut(COIN, join.bob.script()).encode()
    unknown = edited(offer, lambda e: e.input_maps[0].update({WITNESS_UTXO: spent}))
    refused(join.ask(unknown), Trouble.REJECTED, "of the receiver's")


def test_the_whole_transaction_is_asked_of_legacy_inputs() -> None:
    join = Join(AccountKind.BIP44)

    def claim(edit: Editable) -> None:
        parent = Transaction.decode(edit.input_maps[0].pop(NON_WITNESS_UTXO))
        edit.input_maps[0][WITNESS_UTXO] = parent.outputs[0].encode()

    assert FINAL_SCRIPT_SIG in Editable.of(join.offer().psbt).input_maps[0]
    refused(join.ask(edited(join.offer(), claim)), Trouble.REJECTED, "without its transaction")


# Probing.


def test_the_same_original_gets_the_same_answer() -> None:
    join = Join(bobs_sat=[COIN // 2 + number for number in range(8)])
    offer = join.offer()
    first = join.ask(offer, seed=1)
    assert isinstance(first, Proposal)
    before = remembered(join)
    assert [join.ask(offer, seed=seed) for seed in range(2, 12)] == [first] * 10
    assert remembered(join) == before
    # So it does after a restart, and when the coin was spent in the meantime.
    join.bob.wallet = Wallet.load(join.store)
    join.bob.wallet.freeze(first.coins[0])
    assert join.ask(offer, seed=99) == first


def test_another_form_of_the_same_original_shows_no_other_coin() -> None:
    join = Join(bobs_sat=[COIN // 2 + number for number in range(8)])
    offer = join.offer()
    assert isinstance(join.ask(offer), Proposal)
    others = [
        replace(offer, parameters=Parameters()),
        replace(offer, parameters=replace(offer.parameters, fixed_output=True)),
        edited(offer, lambda e: e.general.update({b"\xfc\x01x\x00": b"x"})),
        join.offer(join.pay(feerate_sat_kvb=9_000)),  # Another payment of the same coin.
        join.offer(join.pay(AMOUNT_SAT + 1)),
    ]
    for other in others:
        refused(join.ask(other), Trouble.REJECTED, "seen in another payment")
        refused(join.ask(other, script=join.script), Trouble.REJECTED, "seen in another")


def test_one_invoice_is_joined_once() -> None:
    join = Join(alices_sat=(COIN, COIN), bobs_sat=[COIN // 2 + number for number in range(8)])
    first, second = join.alice.wallet.coins()
    join.alice.wallet.freeze(second.outpoint)
    offer = join.offer()
    assert isinstance(join.ask(offer), Proposal)
    join.alice.wallet.unfreeze(second.outpoint)
    join.alice.wallet.freeze(first.outpoint)
    other = join.offer()
    assert not set(offer.read().transaction.prevouts) & set(other.read().transaction.prevouts)
    refused(join.ask(other), Trouble.UNAVAILABLE, "another payment")


def test_an_input_of_another_known_payment_is_rejected() -> None:
    join = Join()
    rival = join.pay(AMOUNT_SAT, 9_000)
    join.bob.mine(rival)
    refused(join.ask(join.offer(join.pay())), Trouble.REJECTED, "seen in another payment")
    refused(join.ask(join.offer(rival)), Trouble.REJECTED, "seen in another payment")


def test_refusals_for_want_of_coins_are_kept_too() -> None:
    join = Join(bobs_sat=())
    offer = join.offer()
    said = join.ask(offer)
    refused(said, Trouble.UNAVAILABLE, "no coin of ours")
    join.bob.receive(COIN)
    assert join.ask(offer) == said


def test_a_damaged_record_is_said_to_be_so() -> None:
    join = Join()
    offer = join.offer()
    join.join(offer)
    key = records.PAYJOIN + b"a" + offer.digest
    for value in (b"", b"\x01", b"\x00", b"\x00\x09", b"\x07abc"):
        join.bob.wallet.ledger.commit({key: value})
        with pytest.raises(DamageError, match="damaged"):
            join.ask(offer)


def test_what_the_scripts_say_is_asked_only_of_what_could_be_right() -> None:
    asked: list[Transaction] = []

    def check(transaction: Transaction, spent: object) -> str:
        asked.append(transaction)
        return "nodes would not take it"

    join = Join()
    offer = join.offer()
    refused(join.ask(offer, script=BOB.script, check=check), Trouble.REJECTED, "does not pay")
    assert not asked
    refused(join.ask(offer, check=check), Trouble.REJECTED, "nodes would not take it")
    assert asked == [offer.read().transaction]
    assert isinstance(join.ask(offer), Proposal)
