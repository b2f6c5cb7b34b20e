"""Raw transactions signed with keys of a caller, and what is still wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from axon.primitives.hashes import to_hex
from axon.primitives.sighash import SIGHASH_ALL, SIGHASH_SINGLE, SignatureHashes
from axon.primitives.transaction import (
    MAX_MONEY_SAT,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
    outpoint_index,
    outpoint_txid,
)
from axon.psbt.creator import KeySigner, Verify
from axon.psbt.extraction import gathered_from, merge
from axon.psbt.gathered import Gathered
from axon.psbt.keyring import NO_KEYS, Keyring
from axon.psbt.producing import produce
from axon.rpc.amounts import Json, format_amount
from axon.rpc.errors import Code, RpcError

NOT_FOUND: Final = "Input not found or already spent"

_SAID: Final = {
    "Operation not valid with the current stack size": (
        "Unable to sign input, invalid stack size (possibly missing key)"
    ),
    "Signature must be zero for failed CHECK(MULTI)SIG operation": (
        "CHECK(MULTI)SIG failing with non-zero signature (possibly need more signatures)"
    ),
}
"""What is said to a signer instead of why a script failed."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A transaction that was signed as far as possible.

    Args:
        transaction: with the signatures.
        faults: what is wrong, by the place of the input.
    """

    transaction: Transaction
    faults: Mapping[int, str]

    def to_json(self) -> dict[str, Json]:
        """As `signrawtransactionwithkey` answers."""
        shown: dict[str, Json] = {
            "hex": self.transaction.raw.hex(),
            "complete": not self.faults,
        }
        if self.faults:
            shown["errors"] = [
                _fault_json(self.transaction.inputs[place], fault)
                for place, fault in sorted(self.faults.items())
            ]
        return shown


def _fault_json(item: TxIn, fault: str) -> dict[str, Json]:
    return {
        "txid": to_hex(outpoint_txid(item.prevout)),
        "vout": outpoint_index(item.prevout),
        "witness": [each.hex() for each in item.witness],
        "scriptSig": item.script_sig.hex(),
        "sequence": item.sequence,
        "error": fault,
    }


def sign_transaction(
    transaction: Transaction,
    coins: Mapping[OutPoint, TxOut | None],
    keyring: Keyring,
    hash_type: int,
    verify: Verify,
    go_on: Callable[[], None],
) -> Signed:
    """Sign what can be signed; slow for many inputs.

    Args:
        coins: what the inputs spend, as far as it is known; above all money where the amount is
            not.
        keyring: what to sign with.
        hash_type: see `KeySigner`.
        verify: says whether an input is signed wholly.
        go_on: called for each input; what it raises ends the work.

    Raises:
        RpcError: -3, an amount is needed that is not known.
    """
    found = [coins.get(item.prevout) for item in transaction.inputs]
    known = [output for output in found if output is not None]
    spent: Sequence[TxOut] = known if len(known) == len(found) else ()
    hashes = SignatureHashes(transaction, spent)
    proofs: list[TxIn] = list(transaction.inputs)
    faults: dict[int, str] = {}
    for index, output in enumerate(found):
        go_on()
        item = transaction.inputs[index]
        if output is None:
            faults[index] = NOT_FOUND
            continue
        seen = gathered_from(transaction, index, output, verify)
        single = hash_type & 0x7F == SIGHASH_SINGLE
        if not single or index < len(transaction.outputs):
            amount_sat = output.amount_sat
            signer = KeySigner(transaction, index, hashes, amount_sat, hash_type, spent, verify)
            produce(keyring, signer, output, seen)
        proofs[index] = TxIn(item.prevout, seen.script_sig, item.sequence, seen.witness)
        if output.amount_sat == MAX_MONEY_SAT and seen.witness:
            shown = f"CTxOut(nValue={format_amount(MAX_MONEY_SAT)}"
            script = output.script_pubkey.hex()[:30]
            raise RpcError(Code.TYPE, f"Missing amount for {shown}, scriptPubKey={script})")
        if not seen.is_complete:
            fault = verify(transaction, index, output, spent, seen.script_sig, seen.witness)
            if fault is not None:
                faults[index] = _SAID.get(fault, fault)
    made = Transaction.build(transaction.version, proofs, transaction.outputs, transaction.locktime)
    return Signed(made, faults)


def combine_signatures(
    variants: Sequence[Transaction], spent: Sequence[TxOut], verify: Verify
) -> Transaction:
    """One transaction with the signatures of several copies.

    Args:
        variants: copies that are signed in part.
        spent: what the inputs of the first one spend.
        verify: says whether an input is signed wholly.
    """
    first = variants[0]
    hashes = SignatureHashes(first, spent)
    inputs: list[TxIn] = []
    for index, (item, output) in enumerate(zip(first.inputs, spent, strict=True)):
        known = Gathered()
        for variant in variants:
            if index < len(variant.inputs):
                seen = gathered_from(variant, index, output, verify)
                known = merge(known, seen)
        signer = KeySigner(first, index, hashes, output.amount_sat, SIGHASH_ALL, spent, verify)
        produce(NO_KEYS, signer, output, known)
        inputs.append(TxIn(item.prevout, known.script_sig, item.sequence, known.witness))
    return Transaction.build(first.version, inputs, first.outputs, first.locktime)
