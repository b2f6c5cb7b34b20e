"""What a sender looks at in a payjoin proposal before he signs it (BIP 78's list for senders).

A receiver may add inputs of his own, lower one output by what these cost, and do as he likes with
what is paid to himself. Everything else must be as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from axon.payments.payjoininputs import (
    INPUT_WEIGHT_WU,
    fee_sat,
    input_kind,
    is_final,
    spent_outputs,
)
from axon.payments.payjoinparameters import Parameters
from axon.primitives.transaction import WITNESS_SCALE_FACTOR, OutPoint, TxOut
from axon.wallet.errors import BadPsbt
from axon.wallet.psbt import Psbt
from axon.wallet.psbtmaps import DERIVATION, TAP_DERIVATION, XPUB, Entries, PsbtMaps

DEFAULT_INPUT_VSIZE: Final = 110
"""Of inputs of other kinds, as BIP 78 reckons."""

_SIGNATURES: Final = frozenset(b"\x02\x13\x14")
"""Types of an input's entries that hold one which is not final (BIP 174, BIP 371)."""

_NAMES: Final = frozenset((DERIVATION, TAP_DERIVATION))
_OUTPUT_NAMES: Final = frozenset(b"\x02\x07")


def contribution_limit_sat(fee: int, vsize: int, kind: str, added: int) -> int:
    """The most that the sender pays for added inputs: their size at his feerate, rounded up.

    Args:
        fee: of the original, satoshi.
        vsize: of the original.
        kind: of his inputs.
        added: how many inputs were added.
    """
    weight_wu = INPUT_WEIGHT_WU.get(kind, DEFAULT_INPUT_VSIZE * WITNESS_SCALE_FACTOR)
    size = -(-weight_wu // WITNESS_SCALE_FACTOR)
    return -(-fee * size * added // vsize)


def proposal_fault(
    original: Psbt,
    proposal: Psbt,
    parameters: Parameters,
    payment_script: bytes,
    owns: Callable[[OutPoint], bool],
) -> str:
    """What is wrong with a proposal, in one sentence; empty if nothing is.

    Args:
        original: as it was offered, its inputs final.
        proposal: as it came.
        parameters: that were offered.
        payment_script: of the output that the receiver gets.
        owns: whether a coin is one of the sender's wallet.
    """
    fault = _whole_fault(original, proposal) or _own_inputs_fault(original, proposal)
    if fault:
        return fault
    try:
        completed = _completed(original, proposal)
        spent = spent_outputs(completed)
        more = fee_sat(completed) - fee_sat(original)
    except BadPsbt as error:
        return f"the receiver's answer does not add up: {error}"
    return _added_inputs_fault(original, proposal, spent, owns) or _outputs_fault(
        original, proposal, parameters, payment_script, more
    )


def _completed(original: Psbt, proposal: Psbt) -> Psbt:
    """The proposal with what is known of the sender's inputs: he is told nothing about them."""
    ours = dict(zip(original.transaction.prevouts, original.spent, strict=True))
    spent = [
        ours.get(prevout) or claimed
        for prevout, claimed in zip(proposal.transaction.prevouts, proposal.spent, strict=True)
    ]
    return Psbt(proposal.raw, proposal.transaction, tuple(spent))


def _whole_fault(original: Psbt, proposal: Psbt) -> str:
    before, after = original.transaction, proposal.transaction
    maps = PsbtMaps.decode(proposal.raw)
    if any(key[0] == XPUB for key in maps.general):
        return "the receiver put extended public keys into the payment"
    if after.version != before.version:
        return "the receiver changed the version of the payment"
    if after.locktime != before.locktime:
        return "the receiver changed the lock time of the payment"
    if len({item.sequence for item in after.inputs}) > 1:
        return "the inputs of the joined payment differ in their sequence"
    if _has(maps.inputs, _NAMES) or _has(maps.outputs, _OUTPUT_NAMES):
        return "the receiver put paths of keys into the payment"
    if _has(maps.inputs, _SIGNATURES):
        return "the receiver put signatures into the payment that are not final"
    return ""


def _own_inputs_fault(original: Psbt, proposal: Psbt) -> str:
    before, after = original.transaction, proposal.transaction
    sequences = {item.prevout: item.sequence for item in before.inputs}
    kept = [prevout for prevout in after.prevouts if prevout in sequences]
    if len(kept) < len(sequences):
        return "the receiver left out an input of the sender's"
    if kept != list(before.prevouts):
        return "the receiver changed the order of the sender's inputs"
    maps = PsbtMaps.decode(proposal.raw).inputs
    for item, entries in zip(after.inputs, maps, strict=True):
        if item.prevout not in sequences:
            continue
        if item.sequence != sequences[item.prevout]:
            return "the receiver changed the sequence of an input of the sender's"
        if is_final(entries):
            return "the receiver made an input of the sender's final"
    return ""


def _added_inputs_fault(
    original: Psbt, proposal: Psbt, spent: tuple[TxOut, ...], owns: Callable[[OutPoint], bool]
) -> str:
    before = original.transaction
    known = frozenset(before.prevouts)
    kinds = frozenset(map(input_kind, spent_outputs(original), before.inputs))
    maps = PsbtMaps.decode(proposal.raw).inputs
    for item, output, entries in zip(proposal.transaction.inputs, spent, maps, strict=True):
        if item.prevout in known:
            continue
        if owns(item.prevout):
            return "the receiver added a coin of the sender's"
        if not is_final(entries):
            return "the receiver did not sign an input that he added"
        if input_kind(output, item) not in kinds:
            return "the receiver added an input of another kind than the sender's"
    return ""


def _outputs_fault(
    original: Psbt, proposal: Psbt, parameters: Parameters, payment_script: bytes, more: int
) -> str:
    """Every output of the sender's is there, in order, and has what it had, but for the fee.

    Args:
        more: by how much the fee is higher than before, satoshi.
    """
    if more < 0:
        return "the receiver lowered the fee"
    after = proposal.transaction.outputs
    place = 0
    for index, output in enumerate(original.transaction.outputs):
        mine = output.script_pubkey != payment_script
        if not mine and not parameters.fixed_output:
            continue  # His own: he may lower, replace or remove it.
        found = _find(after, output.script_pubkey, place)
        if found is None:
            return f"the receiver left out {'an output of the sender' if mine else 'the payment'}"
        place = found + 1
        taken = output.amount_sat - after[found].amount_sat
        if mine and index == parameters.fee_output and taken > 0:
            fault = _contribution_fault(original, proposal, parameters, taken, more)
            if fault:
                return fault
        elif taken > 0:
            return f"the receiver lowered {'an output of the sender' if mine else 'the payment'}"
    return ""


def _contribution_fault(
    original: Psbt, proposal: Psbt, parameters: Parameters, taken: int, more: int
) -> str:
    if taken > (parameters.max_contribution_sat or 0):
        return "the receiver took more for the fee than the sender allows"
    if taken > more:
        return "the receiver took something for the fee and kept it"
    before = original.transaction
    kind = input_kind(spent_outputs(original)[0], before.inputs[0])
    added = len(proposal.transaction.inputs) - len(before.inputs)
    if taken > contribution_limit_sat(fee_sat(original), before.vsize, kind, added):
        return "the receiver took more for the fee than the inputs cost that he added"
    return ""


def _find(outputs: tuple[TxOut, ...], script: bytes, start: int) -> int | None:
    for index in range(start, len(outputs)):
        if outputs[index].script_pubkey == script:
            return index
    return None


def _has(maps: tuple[Entries, ...], types: frozenset[int]) -> bool:
    return any(key[0] in types for entries in maps for key in entries)
