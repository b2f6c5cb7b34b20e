"""What an input that is signed in part shows: signatures and the scripts behind hashes.

Transactions of before BIP 174 are handed on like that. Use a PSBT instead, wherever you can.
"""

from __future__ import annotations

from axon.errors import DecodeError
from axon.primitives.der import is_der_signature, is_strict_signature
from axon.primitives.hashes import hash160
from axon.primitives.keys import has_low_s, verify_ecdsa, with_low_s
from axon.primitives.script import OP_1, OP_1NEGATE, OP_16, is_shortest_push, ops
from axon.primitives.sighash import SignatureHashes
from axon.primitives.solver import (
    MULTISIG,
    PUBKEY,
    PUBKEYHASH,
    SCRIPTHASH,
    WITNESS_V0_KEYHASH,
    WITNESS_V0_SCRIPTHASH,
    solve,
)
from axon.primitives.transaction import Transaction, TxOut
from axon.psbt.creator import Verify
from axon.psbt.gathered import Gathered


def gathered_from(transaction: Transaction, index: int, output: TxOut, verify: Verify) -> Gathered:
    """What an input shows; taproot inputs, which cannot be signed in part, show nothing.

    Args:
        transaction: signed in part.
        index: of the input.
        output: what it spends.
        verify: says whether it is signed wholly.
    """
    item = transaction.inputs[index]
    known = Gathered(item.script_sig, item.witness)
    if item.script_sig or item.witness:
        proof = item.script_sig, item.witness
        if verify(transaction, index, output, (), *proof) is None:
            known.is_complete = True
            return known
    stack, script, is_witness = pushed(item.script_sig), output.script_pubkey, False
    solved = solve(script)
    if solved.kind == SCRIPTHASH and stack and stack[-1]:
        known.redeem_script = script = stack.pop()
        solved = solve(script)
    if solved.kind == WITNESS_V0_SCRIPTHASH and item.witness and item.witness[-1]:
        known.witness_script = script = item.witness[-1]
        stack, is_witness = list(item.witness[:-1]), True
        solved = solve(script)
    elif solved.kind == WITNESS_V0_KEYHASH:
        script = b"\x76\xa9\x14" + solved.parts[0] + b"\x88\xac"
        stack, is_witness = list(item.witness), True
        solved = solve(script)
    keys: tuple[bytes, ...] = ()
    if solved.kind in (MULTISIG, PUBKEY):
        keys = solved.parts
    elif solved.kind == PUBKEYHASH and stack and hash160(stack[-1]) == solved.parts[0]:
        keys = (stack.pop(),)
    if solved.kind != MULTISIG and not _is_shortest(item.script_sig):
        keys = ()
    hashes, place = SignatureHashes(transaction), 0
    for signature in stack:
        # Signatures of several are matched with their keys by themselves, of any form; those of
        # one by running its script, which asks for more.
        if not is_der_signature(signature):
            continue
        if solved.kind != MULTISIG and not (
            is_strict_signature(signature) and has_low_s(signature[:-1])
        ):
            continue
        if is_witness:
            digest = hashes.witness(index, script, output.amount_sat, signature[-1])
        else:
            digest = hashes.legacy(index, script, signature[-1])
        for at in range(place, len(keys)):
            if verify_ecdsa(keys[at], digest, with_low_s(signature[:-1])):
                known.signatures[hash160(keys[at])] = keys[at], signature
                place = at + 1
                break
    return known


def _is_shortest(script_sig: bytes) -> bool:
    """Whether all pushes are the shortest there are, as a script that is run asks for."""
    try:
        return all(
            data is None or is_shortest_push(opcode, data) for opcode, data in ops(script_sig)
        )
    except DecodeError:
        return False


def merge(known: Gathered, other: Gathered) -> Gathered:
    """Both together; a whole proof takes the place of the rest."""
    if known.is_complete or other.is_complete:
        return known if known.is_complete else other
    known.redeem_script = known.redeem_script or other.redeem_script
    known.witness_script = known.witness_script or other.witness_script
    for name, found in other.signatures.items():
        known.signatures.setdefault(name, found)
    return known


def pushed(script_sig: bytes) -> list[bytes]:
    """What a script of pushes leaves on the stack; what is behind a fault is left out."""
    stack: list[bytes] = []
    try:
        for opcode, data in ops(script_sig):
            if data is not None:
                stack.append(data)
            elif OP_1 <= opcode <= OP_16:
                stack.append(bytes((opcode - OP_1 + 1,)))
            elif opcode == OP_1NEGATE:
                stack.append(b"\x81")
    except DecodeError:
        pass
    return stack
