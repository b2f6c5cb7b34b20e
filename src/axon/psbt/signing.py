"""Signing and finalizing the inputs of a PSBT, and telling outputs whose they are (BIP 174)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from axon.primitives.script import witness_program
from axon.primitives.sighash import (
    SIGHASH_ALL,
    SIGHASH_ANYONECANPAY,
    SIGHASH_DEFAULT,
    SignatureHashes,
)
from axon.primitives.solver import WITNESS_V1_TAPROOT, kind_of
from axon.primitives.transaction import Transaction, TxIn, TxOut
from axon.psbt.creator import Creator, KeySigner, Nobody, Verify
from axon.psbt.fields import (
    FINAL_SCRIPT_SIG,
    FINAL_WITNESS,
    NO_AMOUNT_SAT,
    NON_WITNESS_UTXO,
    PARTIAL_SIG,
    SIGHASH,
    TAP_KEY_SIG,
    TAP_SCRIPT_SIG,
    WITNESS_UTXO,
    Entries,
)
from axon.psbt.gathered import (
    Missing,
    from_input,
    from_output,
    into_input,
    into_output,
)
from axon.psbt.keyring import NO_KEYS, Keyring
from axon.psbt.partial import PartialTransaction
from axon.psbt.producing import produce
from axon.psbt.stream import PsbtStream, read_stack


class SignOutcome(Enum):
    """What came of signing an input."""

    DONE = auto()
    INCOMPLETE = auto()
    UNKNOWN_OUTPUT = auto()
    SIGHASH_MISMATCH = auto()


@dataclass(slots=True)
class PsbtSigner:
    """Signs the inputs of one PSBT, whose maps it fills.

    Args:
        psbt: the PSBT.
        keyring: what the signer has.
        verify: says whether a proof is good.
        go_on: called for each input, and each script of one; what it raises ends the work.
    """

    psbt: PartialTransaction
    keyring: Keyring
    verify: Verify
    go_on: Callable[[], None] = lambda: None
    _spent: tuple[TxOut, ...] | None = None
    _hashes: SignatureHashes | None = None

    def look(self) -> None:
        """Look again at what the inputs spend: more of it is in the maps."""
        psbt = self.psbt
        found = [psbt.spent_output(index) for index in range(len(psbt.inputs))]
        spent = [output for output in found if output is not None]
        self._spent = tuple(spent) if len(spent) == len(found) else ()
        self._hashes = SignatureHashes(psbt.transaction, self._spent)

    def sign(
        self, index: int, hash_type: int | None = None, *, finalize: bool = True
    ) -> tuple[SignOutcome, Missing]:
        """Sign an input, and finalize it if all is there.

        Args:
            index: which.
            hash_type: which signatures are wanted; the PSBT must not say otherwise.
            finalize: whether a whole proof is written.

        Returns:
            What came of it, and what was missing.
        """
        return self._sign(index, hash_type, finalize=finalize, dummy=False)

    def pretend(self, index: int) -> SignOutcome:
        """Finalize an input with signatures that are none, to see how large it gets.

        As in Core the proof of a final taproot input is not looked at then, but all the rest is.
        """
        return self._sign(index, None, finalize=True, dummy=True)[0]

    def is_verified(self, index: int) -> bool:
        """Whether an input's proof is good; where anybody may spend that may be none at all."""
        output, entries = self.psbt.spent_output(index), self.psbt.inputs[index]
        if output is None:
            return False
        return self.creator(index, output, SIGHASH_ALL).proves(
            output, entries.get(FINAL_SCRIPT_SIG, b""), final_witness(entries)
        )

    def creator(self, index: int, output: TxOut, hash_type: int) -> KeySigner:
        """What signs one input with this keyring.

        Args:
            index: which.
            output: what it spends.
            hash_type: see `KeySigner`.
        """
        if self._hashes is None or self._spent is None:
            self.look()
        assert self._hashes is not None, "it has looked"
        assert self._spent is not None, "it has looked"
        transaction = self.psbt.transaction
        return KeySigner(
            transaction,
            index,
            self._hashes,
            output.amount_sat,
            hash_type,
            self._spent,
            self.verify,
        )

    def _sign(
        self, index: int, hash_type: int | None, *, finalize: bool, dummy: bool
    ) -> tuple[SignOutcome, Missing]:
        self.go_on()
        entries = self.psbt.inputs[index]
        output = self.psbt.spent_output(index)
        if output is None:
            return SignOutcome.UNKNOWN_OUTPUT, Missing()
        is_looked_at = not dummy or kind_of(output.script_pubkey) != WITNESS_V1_TAPROOT
        if is_looked_at and self.is_verified(index):
            return SignOutcome.DONE, Missing()
        known = from_input(entries)
        wanted = _settle_hash_type(entries, output, hash_type)
        if wanted is None:
            return SignOutcome.SIGHASH_MISMATCH, Missing()
        creator: Creator = Nobody() if dummy else self.creator(index, output, wanted)
        is_whole = produce(self.keyring, creator, output, known, self.go_on)
        if NON_WITNESS_UTXO not in entries and not known.is_witness:
            # Nothing says that this is what the input spends, and only a witness's signature
            # covers the amount.
            return SignOutcome.INCOMPLETE, Missing()
        known.is_complete = known.is_complete and finalize
        into_input(known, entries)
        if known.is_witness:
            entries[WITNESS_UTXO] = output.encode()
            if output.amount_sat == NO_AMOUNT_SAT:
                del entries[WITNESS_UTXO]  # It says nothing: nobody would read it.
        return (SignOutcome.DONE if is_whole else SignOutcome.INCOMPLETE), known.missing


def _settle_hash_type(entries: Entries, output: TxOut, hash_type: int | None) -> int | None:
    """The hash type to sign with, noted in the map where others must know; None at odds."""
    taproot = kind_of(output.script_pubkey) == WITNESS_V1_TAPROOT
    usual = SIGHASH_DEFAULT if taproot else SIGHASH_ALL
    wanted = usual if hash_type is None else hash_type
    if SIGHASH in entries and int.from_bytes(entries[SIGHASH], "little", signed=True) != wanted:
        return None
    if wanted != usual and (taproot or wanted != SIGHASH_DEFAULT):
        entries[SIGHASH] = wanted.to_bytes(4, "little", signed=True)
    for key, signature in entries.items():
        if key[0] in (TAP_KEY_SIG[0], TAP_SCRIPT_SIG):
            if len(signature) != 64 + bool(wanted) or (wanted and signature[-1] != wanted):
                return None
        elif key[0] == PARTIAL_SIG and wanted and signature[-1] != wanted:
            return None
    return wanted


def finalize_all(
    psbt: PartialTransaction, verify: Verify, go_on: Callable[[], None] = lambda: None
) -> bool:
    """Finalize every input for which all is there; whether that is each.

    Args:
        go_on: see `PsbtSigner`.
    """
    signer, whole = PsbtSigner(psbt, NO_KEYS, verify, go_on), True
    for index, entries in enumerate(psbt.inputs):
        hash_type = None
        if SIGHASH in entries:
            hash_type = int.from_bytes(entries[SIGHASH], "little", signed=True)
        whole &= signer.sign(index, hash_type)[0] is SignOutcome.DONE
    return whole


def are_verified(
    psbt: PartialTransaction, verify: Verify, go_on: Callable[[], None] = lambda: None
) -> bool:
    """Whether each input has a good proof, whoever wrote it.

    Args:
        go_on: called for each input; what it raises ends the work.
    """
    signer = PsbtSigner(psbt, NO_KEYS, verify)
    for index in range(len(psbt.inputs)):
        go_on()
        if not signer.is_verified(index):
            return False
    return True


def extract(psbt: PartialTransaction) -> Transaction:
    """The transaction with the proofs of its final inputs."""
    bare = psbt.transaction
    inputs = [
        TxIn(
            item.prevout,
            entries.get(FINAL_SCRIPT_SIG, b""),
            item.sequence,
            final_witness(entries),
        )
        for item, entries in zip(bare.inputs, psbt.inputs, strict=True)
    ]
    return Transaction.build(bare.version, inputs, bare.outputs, bare.locktime)


def final_witness(entries: Entries) -> tuple[bytes, ...]:
    """The final witness of an input; empty if there is none."""
    raw = entries.get(FINAL_WITNESS)
    return () if raw is None else read_stack(PsbtStream(raw))


def update_output(psbt: PartialTransaction, index: int, keyring: Keyring) -> None:
    """Tell an output which scripts and keys it pays to, as far as a keyring knows."""
    known = from_output(psbt.outputs[index])
    output = psbt.transaction.outputs[index]
    produce(keyring, _Describing(), output, known)
    into_output(known, psbt.outputs[index])


class _Describing(Nobody):
    """Signs nothing: keys and scripts are noted all the same."""

    def ecdsa(self, keyring: Keyring, key: bytes, script_code: bytes, *, witness: bool) -> bytes:
        del keyring, key, script_code, witness
        return b""

    def schnorr(
        self,
        keyring: Keyring,
        key: bytes,
        *,
        leaf: bytes | None = None,
        root: bytes | None = None,
    ) -> bytes:
        del keyring, key, leaf, root
        return b""

    def proves(self, output: TxOut, script_sig: bytes, witness: tuple[bytes, ...]) -> bool:
        del output, script_sig, witness
        return False


def drop_parents(psbt: PartialTransaction) -> None:
    """Leave out whole previous transactions where no input needs one: all are of taproot on."""
    for entries in psbt.inputs:
        raw = entries.get(WITNESS_UTXO)
        program = None if raw is None else witness_program(PsbtStream(raw, 8).var_bytes())
        if program is None or program[0] == 0:
            return
        if SIGHASH in entries and entries[SIGHASH][0] & SIGHASH_ANYONECANPAY:
            return
    for entries in psbt.inputs:
        entries.pop(NON_WITNESS_UTXO, None)
