"""Why a script failed: Bitcoin Core's texts, for the rules that its memory pool applies.

`TEXTS` has them by the number that the interpreter gives (`scriptrun`). Where that is not to be
had, libbitcoinkernel answers yes or no, and `explain` reads off what can be read off without
running a script: the usual cases are told apart by the shape of what was presented, and by asking
again with one rule less: an input that passes then broke that rule.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from axon.consensus.validator import ScriptFlags
from axon.errors import DecodeError
from axon.primitives.der import is_der_signature
from axon.primitives.hashes import hash160, sha256
from axon.primitives.script import (
    OP_RETURN,
    is_p2sh,
    is_push_only,
    ops,
    push,
    witness_program,
)
from axon.primitives.solver import MULTISIG, PUBKEY, PUBKEYHASH, last_push, solve
from axon.primitives.transaction import TxIn, TxOut

UNKNOWN: Final = "unknown error"
EVAL_FALSE: Final = (
    "Script evaluated without error but finished with a false/empty top stack element"
)
EQUALVERIFY: Final = "Script failed an OP_EQUALVERIFY operation"
NULLFAIL: Final = "Signature must be zero for failed CHECK(MULTI)SIG operation"
SIGNATURE_DER: Final = "Non-canonical DER signature"
WITNESS_LENGTH: Final = "Witness program has incorrect length"
WITNESS_EMPTY: Final = "Witness program was passed an empty witness"
WITNESS_MISMATCH: Final = "Witness program hash mismatch"
WITNESS_MALLEATED: Final = "Witness requires empty scriptSig"
WITNESS_MALLEATED_P2SH: Final = "Witness requires only-redeemscript scriptSig"
WITNESS_UNEXPECTED: Final = "Witness provided for non-witness script"
SCHNORR_SIZE: Final = "Invalid Schnorr signature size"
SCHNORR: Final = "Invalid Schnorr signature"
RETURNED: Final = "OP_RETURN was encountered"
STACK: Final = "Operation not valid with the current stack size"
NULLDUMMY: Final = "Dummy CHECKMULTISIG argument must be zero"
LOCKTIME: Final = "Locktime requirement not satisfied"

TEXTS: Final = (
    "No error",
    UNKNOWN,
    EVAL_FALSE,
    RETURNED,
    "Script number overflowed or is non-minimally encoded",
    "Script is too big",
    "Push value size limit exceeded",
    "Operation limit exceeded",
    "Stack size limit exceeded",
    "Signature count negative or greater than pubkey count",
    "Pubkey count negative or limit exceeded",
    "Script failed an OP_VERIFY operation",
    EQUALVERIFY,
    "Script failed an OP_CHECKMULTISIGVERIFY operation",
    "Script failed an OP_CHECKSIGVERIFY operation",
    "Script failed an OP_NUMEQUALVERIFY operation",
    "Opcode missing or not understood",
    "Attempted to use a disabled opcode",
    STACK,
    "Operation not valid with the current altstack size",
    "Invalid OP_IF construction",
    "Negative locktime",
    LOCKTIME,
    "Signature hash type missing or not understood",
    SIGNATURE_DER,
    "Data push larger than necessary",
    "Only push operators allowed in signatures",
    "Non-canonical signature: S value is unnecessarily high",
    NULLDUMMY,
    "Public key is neither compressed or uncompressed",
    "Stack size must be exactly one after execution",
    "OP_IF/NOTIF argument must be minimal",
    NULLFAIL,
    "NOPx reserved for soft-fork upgrades",
    "Witness version reserved for soft-fork upgrades",
    "Taproot version reserved for soft-fork upgrades",
    "OP_SUCCESSx reserved for soft-fork upgrades",
    "Public key version reserved for soft-fork upgrades",
    WITNESS_LENGTH,
    WITNESS_EMPTY,
    WITNESS_MISMATCH,
    WITNESS_MALLEATED,
    WITNESS_MALLEATED_P2SH,
    WITNESS_UNEXPECTED,
    "Using non-compressed keys in segwit",
    SCHNORR_SIZE,
    "Invalid Schnorr signature hash type",
    SCHNORR,
    "Invalid Taproot control block size",
    "Too much signature validation relative to witness weight",
    "OP_CHECKMULTISIG(VERIFY) is not available in tapscript",
    "OP_IF/NOTIF argument must be minimal in tapscript",
    "Empty public key in tapscript",
    "Using OP_CODESEPARATOR in non-witness script",
    "Signature is found in scriptCode",
)
"""By the number of `ScriptError_t`."""

_RULES: Final = (
    (ScriptFlags.DERSIG, SIGNATURE_DER),
    (ScriptFlags.NULLDUMMY, NULLDUMMY),
    (ScriptFlags.CHECKLOCKTIMEVERIFY, LOCKTIME),
    (ScriptFlags.CHECKSEQUENCEVERIFY, LOCKTIME),
)
_P2PKH_SIZE: Final = 25
_ANNEX_TAG: Final = 0x50


def explain(presented: TxIn, output: TxOut, flags: int, passes: Callable[[int], bool]) -> str:
    """Why an input does not satisfy the output it spends.

    Args:
        presented: the input.
        output: what it spends.
        flags: the rules under which it failed.
        passes: whether it passes under other rules; asked at most four times.

    Returns:
        Bitcoin Core's text, or `UNKNOWN`.
    """
    pushes = _pushes(presented.script_sig)
    script, wrapped = output.script_pubkey, False
    if script[:1] == bytes((OP_RETURN,)):
        return RETURNED
    if is_push_only(script) and not _is_true(script):
        return EVAL_FALSE
    if is_p2sh(script):
        if not presented.script_sig:
            return STACK
        if not pushes or hash160(pushes[-1]) != script[2:22]:
            return EVAL_FALSE
        script, wrapped, pushes = pushes[-1], True, pushes[:-1]
    program = witness_program(script) if flags & ScriptFlags.WITNESS else None
    if program is not None:
        fault = _witness_fault(presented, *program, push(script) if wrapped else b"")
        if fault is not None:
            return fault
    for rule, text in _RULES:
        if flags & rule and passes(flags & ~int(rule)):
            return text
    if program is not None:
        if len(program[1]) == 20:
            return _key_fault(presented.witness, program[1])
        if program[0] != 0:
            return UNKNOWN
        return _script_fault(presented.witness[:-1], presented.witness[-1])
    if len(script) == _P2PKH_SIZE and script.startswith(b"\x76\xa9\x14"):
        return _key_fault(tuple(pushes), script[3:23])
    fault = _script_fault(tuple(pushes), script)
    if fault != UNKNOWN:
        return fault
    if presented.witness and flags & ScriptFlags.WITNESS:
        return WITNESS_UNEXPECTED
    return UNKNOWN


def _is_true(script: bytes) -> bool:
    """Whether what a script of pushes leaves on top counts as true."""
    top = last_push(script) or b""
    return any(top[:-1]) or top[-1:] not in (b"", b"\x00", b"\x80")


def _pushes(script: bytes) -> list[bytes]:
    """What a script pushes by length; nothing if it is malformed."""
    try:
        return [data for _, data in ops(script) if data is not None]
    except DecodeError:
        return []


def _witness_fault(presented: TxIn, version: int, program: bytes, script_sig: bytes) -> str | None:
    """What is wrong with a witness by its shape (BIP 141, BIP 341).

    `script_sig` is what must stand there: the push of a wrapped program, else nothing.
    """
    witness, wrapped = presented.witness, bool(script_sig)
    if presented.script_sig != script_sig:
        return WITNESS_MALLEATED_P2SH if wrapped else WITNESS_MALLEATED
    if version == 0:
        if len(program) == 20:
            return None if len(witness) == 2 else WITNESS_MISMATCH
        if len(program) != 32:
            return WITNESS_LENGTH
        if not witness:
            return WITNESS_EMPTY
        return None if sha256(witness[-1]) == program else WITNESS_MISMATCH
    if version == 1 and len(program) == 32 and not wrapped:
        if not witness:
            return WITNESS_EMPTY
        annex = len(witness) > 1 and witness[-1][:1] == bytes((_ANNEX_TAG,))
        if len(witness) - annex == 1:
            return SCHNORR if len(witness[0]) in (64, 65) else SCHNORR_SIZE
    return None


def _key_fault(stack: tuple[bytes, ...], key_hash: bytes) -> str:
    """What is wrong with a signature and a key for a key's hash."""
    if not stack:
        return STACK
    if hash160(stack[-1]) != key_hash:
        return EQUALVERIFY
    return STACK if len(stack) < 2 else _signature_fault(stack[-2:-1])


def _script_fault(stack: tuple[bytes, ...], script: bytes) -> str:
    """What is wrong with what is given to a script that checks bare keys."""
    solved = solve(script)
    if solved.kind == PUBKEY:
        return _signature_fault(stack[-1:]) if stack else STACK
    if solved.kind == PUBKEYHASH:
        return _key_fault(stack, solved.parts[0])
    if solved.kind == MULTISIG:
        needed = solved.required + 1  # One more is taken, from of old.
        return STACK if len(stack) < needed else _signature_fault(stack[len(stack) - needed + 1 :])
    return UNKNOWN


def _signature_fault(signatures: tuple[bytes, ...]) -> str:
    """What is wrong with signatures of which one at least does not fit."""
    given = [each for each in signatures if each]
    if not given:
        return EVAL_FALSE
    return NULLFAIL if all(map(is_der_signature, given)) else SIGNATURE_DER
