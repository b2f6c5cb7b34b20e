"""What a PSBT still needs, and from whom (`analyzepsbt`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum

from axon.primitives.script import is_unspendable
from axon.primitives.transaction import MAX_MONEY_SAT, Transaction, TxOut
from axon.psbt.creator import Verify
from axon.psbt.gathered import Missing
from axon.psbt.keyring import NO_KEYS
from axon.psbt.partial import PartialTransaction
from axon.psbt.signing import PsbtSigner, SignOutcome, extract

Vsize = Callable[[Transaction, list[TxOut]], int]
"""The virtual size of a signed transaction that spends these outputs, as the pool counts it."""


class PsbtRole(IntEnum):
    """Who works on a PSBT next, in the order of the work (BIP 174)."""

    CREATOR = 0
    UPDATER = 1
    SIGNER = 2
    FINALIZER = 3
    EXTRACTOR = 4


@dataclass(slots=True)
class InputNeeds:
    """What an input needs.

    Args:
        has_output: whether it is said what it spends.
        is_final: whether its proof is there.
        next: who is needed.
        missing: what could not be found.
    """

    has_output: bool = False
    is_final: bool = False
    next: PsbtRole = PsbtRole.CREATOR
    missing: Missing = field(default_factory=Missing)


@dataclass(slots=True)
class PsbtNeeds:
    """What a PSBT needs.

    Args:
        inputs: each of them; none if it makes no sense.
        next: who is needed.
        fee_sat: what the miner gets; None if that is not known.
        vsize: of the signed transaction; None if it cannot be estimated.
        error: why it makes no sense; empty if it does.
    """

    inputs: list[InputNeeds] = field(default_factory=list)
    next: PsbtRole = PsbtRole.CREATOR
    fee_sat: int | None = None
    vsize: int | None = None
    error: str = ""


def analyze(
    psbt: PartialTransaction,
    verify: Verify,
    vsize: Vsize,
    go_on: Callable[[], None] = lambda: None,
) -> PsbtNeeds:
    """What a PSBT needs; it is left as it is.

    Args:
        verify: says whether a proof is good.
        vsize: counts the size of the signed transaction.
        go_on: see `PsbtSigner`.
    """
    psbt = psbt.copy()
    signer, needs = PsbtSigner(psbt, NO_KEYS, verify, go_on), []
    total_sat, is_known = 0, True
    for index in range(len(psbt.inputs)):
        output = psbt.spent_output(index)
        if output is None:
            is_known = False
        else:
            if not _is_money(output.amount_sat) or not _is_money(total_sat + output.amount_sat):
                return _invalid(f"Input {index} has invalid value")
            total_sat += output.amount_sat
            if is_unspendable(output.script_pubkey):
                return _invalid(f"Input {index} spends unspendable output")
        needs.append(_input_needs(signer, index, output))
    found = PsbtNeeds(needs, min([each.next for each in needs], default=PsbtRole.EXTRACTOR))
    if not is_known:
        return found
    paid_sat = 0
    for output in psbt.transaction.outputs:
        paid_sat += output.amount_sat
        if not _is_money(output.amount_sat) or not _is_money(paid_sat):
            return _invalid("Output amount invalid")
    found.fee_sat = total_sat - paid_sat
    found.vsize = _estimate(psbt, signer, vsize)
    return found


def _input_needs(signer: PsbtSigner, index: int, output: TxOut | None) -> InputNeeds:
    has_output = output is not None
    if signer.is_verified(index):
        return InputNeeds(has_output, has_output, PsbtRole.EXTRACTOR)
    outcome, missing = signer.sign(index)
    if outcome is SignOutcome.DONE:
        return InputNeeds(has_output, False, PsbtRole.FINALIZER)
    is_described = not (missing.keys or missing.redeem_script or missing.witness_script)
    role = PsbtRole.SIGNER if is_described and missing.signatures else PsbtRole.UPDATER
    return InputNeeds(has_output, False, role, missing)


def _estimate(psbt: PartialTransaction, signer: PsbtSigner, vsize: Vsize) -> int | None:
    spent: list[TxOut] = []
    for index in range(len(psbt.inputs)):
        outcome, output = signer.pretend(index), psbt.spent_output(index)
        if outcome is not SignOutcome.DONE or output is None:
            return None
        spent.append(output)
    return vsize(extract(psbt), spent)


def _is_money(amount_sat: int) -> bool:
    return 0 <= amount_sat <= MAX_MONEY_SAT


def _invalid(why: str) -> PsbtNeeds:
    return PsbtNeeds(error=f"PSBT is not valid. {why}")
