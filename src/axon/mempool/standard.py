"""Checks of a transaction by itself and against what it spends: valid at all, and standard.

Reasons are spelled as in Bitcoin Core 31. Scripts are looked at, never run.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from axon.mempool.outcome import Refusal, Refused
from axon.mempool.policy import (
    MAX_DUST_OUTPUTS,
    MAX_LEGACY_SIGOPS,
    MAX_P2SH_SIGOPS,
    MAX_P2WSH_SCRIPT_SIZE,
    MAX_P2WSH_STACK_ITEM_SIZE,
    MAX_P2WSH_STACK_ITEMS,
    MAX_SCRIPT_ELEMENT_SIZE,
    MAX_STACK_SIZE,
    MAX_STANDARD_SCRIPT_SIG,
    MAX_STANDARD_VERSION,
    MAX_STANDARD_WEIGHT,
    MAX_TAPSCRIPT_STACK_ITEM_SIZE,
    Policy,
)
from axon.primitives.block import MAX_BLOCK_WEIGHT
from axon.primitives.dust import dust_limit_sat
from axon.primitives.script import OP_RESERVED, is_p2sh, is_push_only, ops, witness_program
from axon.primitives.sigops import NO_SIGOPS
from axon.primitives.solver import (
    ANCHOR,
    ANCHOR_SCRIPT,
    MULTISIG,
    NONSTANDARD,
    NULLDATA,
    SCRIPTHASH,
    WITNESS_UNKNOWN,
    kind_of,
    last_push,
    p2sh_sigops,
    sigops,
    solve,
)
from axon.primitives.taptree import LEAF_VERSIONS, TAPSCRIPT
from axon.primitives.transaction import MAX_MONEY_SAT, NULL_OUTPOINT, Transaction, TxIn, TxOut

_STANDARD_KEYS = 3
_LONGEST_USUAL = bytes(252)  # The longest script whose length takes one byte; it needs most.
_ANNEX = 0x50


def check_weight(transaction: Transaction) -> Refused | None:
    """What may be told without taking it apart, which takes long where it is long."""
    if transaction.weight_wu <= MAX_STANDARD_WEIGHT:
        return None
    if _is_oversize(transaction):
        return _invalid("bad-txns-oversize")
    reason = "tx-size" if _is_of_known_version(transaction) else "version"
    return Refused(reason, kind=Refusal.NONSTANDARD)


def _is_oversize(transaction: Transaction) -> bool:
    return transaction.weight_wu - transaction.size_bytes > MAX_BLOCK_WEIGHT * 3 // 4


def check_transaction(transaction: Transaction) -> Refused | None:
    """What holds for every transaction, in a block or not, whatever it spends."""
    inputs, outputs = transaction.inputs, transaction.outputs
    if not inputs:
        return _invalid("bad-txns-vin-empty")
    if not outputs:
        return _invalid("bad-txns-vout-empty")
    if _is_oversize(transaction):
        return _invalid("bad-txns-oversize")
    total = 0
    for output in outputs:
        amount = output.amount_sat
        if amount < 0:
            return _invalid("bad-txns-vout-negative")
        if amount > MAX_MONEY_SAT:
            return _invalid("bad-txns-vout-toolarge")
        total += amount
        if total > MAX_MONEY_SAT:
            return _invalid("bad-txns-txouttotal-toolarge")
    if len(inputs) > 1 and len({item.prevout for item in inputs}) != len(inputs):
        return _invalid("bad-txns-inputs-duplicate")
    if transaction.is_coinbase:
        return _invalid("bad-cb-length") if not 2 <= len(inputs[0].script_sig) <= 100 else None
    if len(inputs) > 1 and any(item.prevout == NULL_OUTPOINT for item in inputs):
        return _invalid("bad-txns-prevout-null")
    return None


def _invalid(reason: str) -> Refused:
    return Refused(reason, kind=Refusal.CONSENSUS)


def check_standard(transaction: Transaction, policy: Policy) -> Refused | None:
    """Version, form of scripts, data and dust outputs; the weight says `check_weight`."""
    reason = _nonstandard_form(transaction) or _nonstandard_outputs(transaction, policy)
    return Refused(reason, kind=Refusal.NONSTANDARD) if reason else None


def _is_of_known_version(transaction: Transaction) -> bool:
    return 1 <= transaction.version <= MAX_STANDARD_VERSION


def _nonstandard_form(transaction: Transaction) -> str:
    if not _is_of_known_version(transaction):
        return "version"
    for item in transaction.inputs:
        script_sig = item.script_sig
        if script_sig:
            if len(script_sig) > MAX_STANDARD_SCRIPT_SIG:
                return "scriptsig-size"
            if not is_push_only(script_sig):
                return "scriptsig-not-pushonly"
    return ""


def _nonstandard_outputs(transaction: Transaction, policy: Policy) -> str:
    data_left = policy.max_datacarrier_bytes
    for output in transaction.outputs:
        script = output.script_pubkey
        kind = kind_of(script)
        if kind == NONSTANDARD:
            return "scriptpubkey"
        if kind == NULLDATA:
            data_left -= len(script)
            if data_left < 0:
                return "datacarrier"
        elif kind == MULTISIG:
            if len(solve(script).parts) > _STANDARD_KEYS:
                return "scriptpubkey"
            if not policy.permit_bare_multisig:
                return "bare-multisig"
    return "dust" if len(dust_outputs(transaction, policy)) > MAX_DUST_OUTPUTS else ""


@lru_cache(maxsize=8)
def _plenty_sat(feerate_sat_kvb: int) -> int:
    """With so much no output is dust whose script is of a usual length."""
    return dust_limit_sat(_LONGEST_USUAL, feerate_sat_kvb)


def dust_outputs(transaction: Transaction, policy: Policy) -> list[int]:
    """The indices of its dust outputs."""
    feerate = policy.dust_feerate_sat_kvb
    plenty = _plenty_sat(feerate)
    return [
        index
        for index, output in enumerate(transaction.outputs)
        if (output.amount_sat < plenty or len(output.script_pubkey) > len(_LONGEST_USUAL))
        and output.amount_sat < dust_limit_sat(output.script_pubkey, feerate)
    ]


def check_inputs_standard(transaction: Transaction, spent: Sequence[TxOut]) -> Refused | None:
    """Whether it spends outputs of known forms, and without too many signature checks."""
    pairs = [
        (item, output.script_pubkey, kind_of(output.script_pubkey))
        for item, output in zip(transaction.inputs, spent, strict=True)
    ]
    if sum([_legacy_sigops_run(*pair) for pair in pairs]) > MAX_LEGACY_SIGOPS:
        return _bad_input("non-witness sigops exceed bip54 limit")
    for index, (item, _, kind) in enumerate(pairs):
        if kind == NONSTANDARD:
            return _bad_input(f"input {index} script unknown")
        if kind == WITNESS_UNKNOWN:
            return _bad_input(f"input {index} witness program is undefined")
        if kind == SCRIPTHASH:
            fault = _redeem_script_fault(item.script_sig, index)
            if fault:
                return _bad_input(fault)
    return None


def _legacy_sigops_run(item: TxIn, script: bytes, kind: str) -> int:
    """Signature checks outside the witness that this input runs (BIP 54)."""
    count = sigops(item.script_sig, accurate=True) if item.script_sig else 0
    if kind == SCRIPTHASH:
        return count + p2sh_sigops(item.script_sig)
    return count if kind in NO_SIGOPS else count + sigops(script, accurate=True)


def _redeem_script_fault(script_sig: bytes, index: int) -> str:
    """What is wrong with how an input of a P2SH output shows its script; nothing but pushes is
    in `script_sig`."""
    malformed = _push_fault(script_sig)
    if malformed:
        return f"p2sh scriptsig malformed (input {index}: {malformed})"
    redeem = last_push(script_sig)
    if redeem is None:
        return f"input {index} P2SH redeemscript missing"
    count = sigops(redeem, accurate=True)
    if count <= MAX_P2SH_SIGOPS:
        return ""
    limit = f"(input {index}: {count} > {MAX_P2SH_SIGOPS})"
    return f"p2sh redeemscript sigops exceed limit {limit}"


def _push_fault(script_sig: bytes) -> str:
    """Why running a script of pushes fails; empty if it does not."""
    for count, (opcode, data) in enumerate(ops(script_sig), 1):
        if data is not None and len(data) > MAX_SCRIPT_ELEMENT_SIZE:
            return "Push value size limit exceeded"
        if opcode == OP_RESERVED:
            return "Opcode missing or not understood"
        if count > MAX_STACK_SIZE:
            return "Stack size limit exceeded"
    return ""


def _bad_input(detail: str) -> Refused:
    return Refused("bad-txns-nonstandard-inputs", detail, Refusal.INPUTS_NONSTANDARD)


def check_witness_standard(transaction: Transaction, spent: Sequence[TxOut]) -> Refused | None:
    """Whether witnesses stand where they may and keep to the sizes that are relayed."""
    for item, output in zip(transaction.inputs, spent, strict=True):
        if item.witness and not _witness_is_standard(item, output.script_pubkey):
            return Refused("bad-witness-nonstandard", kind=Refusal.WITNESS_MUTATED)
    return None


def is_stripped(transaction: Transaction, spent: Sequence[TxOut]) -> bool:
    """Whether a transaction that fails has no witness at all where it would need one.

    Then it says nothing about the transaction of the same txid that has it.
    """
    if transaction.has_witness:
        return False
    for item, output in zip(transaction.inputs, spent, strict=True):
        script: bytes | None = output.script_pubkey
        if script == ANCHOR_SCRIPT:
            continue
        if is_p2sh(output.script_pubkey):
            script = last_push(item.script_sig)
        if script is not None and witness_program(script) is not None:
            return True
    return False


def _witness_is_standard(item: TxIn, script: bytes) -> bool:
    if kind_of(script) == ANCHOR:
        return False  # Anybody could stuff it.
    nested = is_p2sh(script)
    if nested:
        redeem = last_push(item.script_sig)
        if redeem is None:
            return False
        script = redeem
    program = witness_program(script)
    if program is None:
        return False
    version, size, stack = program[0], len(program[1]), item.witness
    if version == 0 and size == 32:
        return (
            len(stack[-1]) <= MAX_P2WSH_SCRIPT_SIZE
            and len(stack) - 1 <= MAX_P2WSH_STACK_ITEMS
            and all(len(part) <= MAX_P2WSH_STACK_ITEM_SIZE for part in stack[:-1])
        )
    if version == 1 and size == 32 and not nested:
        return _taproot_witness_is_standard(stack)
    return True


def _taproot_witness_is_standard(stack: tuple[bytes, ...]) -> bool:
    if len(stack) < 2:
        return True
    control = stack[-1]
    if not control or control[0] == _ANNEX:
        return False  # An annex means nothing yet.
    if control[0] & LEAF_VERSIONS != TAPSCRIPT:
        return True
    return all(len(part) <= MAX_TAPSCRIPT_STACK_ITEM_SIZE for part in stack[:-2])
