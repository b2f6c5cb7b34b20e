"""Who signs an input: somebody with keys, or nobody, to see how large a proof gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from axon.primitives.der import is_der_signature
from axon.primitives.hashes import hash160
from axon.primitives.keys import (
    COMPRESSED_SIZE,
    has_low_s,
    sign_ecdsa,
    sign_schnorr,
    taproot_output_secret,
)
from axon.primitives.musig2 import MusigTweak, aggregate_signature
from axon.primitives.script import ops
from axon.primitives.sighash import SIGHASH_ALL, SIGHASH_DEFAULT, SignatureHashes
from axon.primitives.transaction import (
    MAX_MONEY_SAT,
    SEQUENCE_FINAL,
    Transaction,
    TxOut,
)
from axon.psbt.keyring import Keyring


class Verify(Protocol):
    """Says why a proof does not satisfy an output."""

    def __call__(
        self,
        transaction: Transaction,
        index: int,
        output: TxOut,
        spent: Sequence[TxOut],
        script_sig: bytes,
        witness: tuple[bytes, ...],
    ) -> str | None:
        """Why not; None if it does.

        Args:
            transaction: that spends; its own proofs do not matter.
            index: of the input.
            output: what it spends.
            spent: what all inputs spend; nothing if that is not known.
            script_sig, witness: the proof.
        """


TIME_FLOOR: Final = 500_000_000
"""A lock time from here on is a time."""

_DISABLE: Final = 1 << 31
_BY_TIME: Final = 1 << 22
_LOCK: Final = 0xFFFF


class Creator(Protocol):
    """Signs for one input."""

    def ecdsa(self, keyring: Keyring, key: bytes, script_code: bytes, *, witness: bool) -> bytes:
        """A signature with its hash type; empty if none can be made.

        Args:
            key: the public key.
            witness: whether it stands in a witness.
        """

    def schnorr(
        self,
        keyring: Keyring,
        key: bytes,
        *,
        leaf: bytes | None = None,
        root: bytes | None = None,
    ) -> bytes:
        """A signature of taproot; empty if none can be made.

        Args:
            key: x-only.
            leaf: the hash of the script; None for the key path.
            root: of the scripts (empty: there are none) if the key is an internal one.
        """

    def musig(
        self,
        keys: Sequence[bytes],
        tweaks: Sequence[MusigTweak],
        nonces: Mapping[bytes, bytes],
        partials: Mapping[bytes, bytes],
        *,
        leaf: bytes | None = None,
    ) -> bytes:
        """A signature of taproot that several signers made in parts; empty if a part is not good.

        Args:
            keys, tweaks, nonces, partials: see `aggregate_signature`.
            leaf: the hash of the script; None for the key path.
        """

    def reaches(self, locktime: int) -> bool:
        """Whether OP_CHECKLOCKTIMEVERIFY with this number passes."""

    def waits(self, sequence: int) -> bool:
        """Whether OP_CHECKSEQUENCEVERIFY with this number passes."""

    def proves(self, output: TxOut, script_sig: bytes, witness: tuple[bytes, ...]) -> bool:
        """Whether a proof is a good one."""


@dataclass(frozen=True, slots=True)
class KeySigner:
    """Signs with keys.

    Args:
        transaction: what is signed.
        index: for which input.
        hashes: of the transaction.
        amount_sat: of what the input spends; above all money if it is not known.
        hash_type: `SIGHASH_DEFAULT` is `SIGHASH_ALL` outside of taproot.
        spent: what all inputs spend; empty if that is not known.
        verify: says whether a proof is good.
    """

    transaction: Transaction
    index: int
    hashes: SignatureHashes
    amount_sat: int
    hash_type: int
    spent: Sequence[TxOut]
    verify: Verify

    def ecdsa(self, keyring: Keyring, key: bytes, script_code: bytes, *, witness: bool) -> bytes:
        """See `Creator`."""
        secret = keyring.secrets.get(hash160(key))
        if secret is None:
            return b""
        hash_type = self.hash_type if self.hash_type != SIGHASH_DEFAULT else SIGHASH_ALL
        if not witness:
            digest = self.hashes.legacy(self.index, script_code, hash_type)
        elif len(key) != COMPRESSED_SIZE or not 0 <= self.amount_sat <= MAX_MONEY_SAT:
            return b""
        else:
            digest = self.hashes.witness(self.index, script_code, self.amount_sat, hash_type)
        return sign_ecdsa(secret, digest) + bytes((hash_type,))

    def schnorr(
        self,
        keyring: Keyring,
        key: bytes,
        *,
        leaf: bytes | None = None,
        root: bytes | None = None,
    ) -> bytes:
        """See `Creator`."""
        secret = keyring.x_only_secret(key)
        if secret is None:
            return b""
        digest = self.hashes.taproot(self.index, self.hash_type & 0xFF, leaf)
        if digest is None:
            return b""
        if root is not None:
            secret = taproot_output_secret(secret, root)
        signature = sign_schnorr(secret, digest)
        return signature + self._suffix

    @property
    def _suffix(self) -> bytes:
        """The hash type as a signature of taproot ends in it."""
        return bytes((self.hash_type & 0xFF,)) if self.hash_type else b""

    def musig(
        self,
        keys: Sequence[bytes],
        tweaks: Sequence[MusigTweak],
        nonces: Mapping[bytes, bytes],
        partials: Mapping[bytes, bytes],
        *,
        leaf: bytes | None = None,
    ) -> bytes:
        """See `Creator`."""
        digest = self.hashes.taproot(self.index, self.hash_type & 0xFF, leaf)
        if digest is None:
            return b""
        signature = aggregate_signature(keys, tweaks, digest, nonces, partials)
        return b"" if signature is None else signature + self._suffix

    def reaches(self, locktime: int) -> bool:
        """See `Creator`; BIP 65."""
        own = self.transaction.locktime
        if (own < TIME_FLOOR) is not (locktime < TIME_FLOOR) or locktime > own:
            return False
        return self.transaction.inputs[self.index].sequence != SEQUENCE_FINAL

    def waits(self, sequence: int) -> bool:
        """See `Creator`; BIP 112."""
        own = self.transaction.inputs[self.index].sequence
        if self.transaction.version < 2 or own & _DISABLE:
            return False
        if own & _BY_TIME != sequence & _BY_TIME:
            return False
        return sequence & _LOCK <= own & _LOCK

    def proves(self, output: TxOut, script_sig: bytes, witness: tuple[bytes, ...]) -> bool:
        """See `Creator`."""
        fault = self.verify(self.transaction, self.index, output, self.spent, script_sig, witness)
        return fault is None


class Nobody:
    """Gives something of the size of a signature, and finds proofs good that nobody could change.

    Signatures of others stand beside its own; that they fit is not looked at.
    """

    def ecdsa(self, keyring: Keyring, key: bytes, script_code: bytes, *, witness: bool) -> bytes:
        """See `Creator`."""
        del keyring, key, script_code, witness
        return bytes((0x30, 68, 2, 32, 1, *bytes(31), 2, 32, 1, *bytes(31), SIGHASH_ALL))

    def schnorr(
        self,
        keyring: Keyring,
        key: bytes,
        *,
        leaf: bytes | None = None,
        root: bytes | None = None,
    ) -> bytes:
        """See `Creator`."""
        del keyring, key, leaf, root
        return bytes(64)

    def musig(
        self,
        keys: Sequence[bytes],
        tweaks: Sequence[MusigTweak],
        nonces: Mapping[bytes, bytes],
        partials: Mapping[bytes, bytes],
        *,
        leaf: bytes | None = None,
    ) -> bytes:
        """See `Creator`: there are signatures without parts."""
        del keys, tweaks, nonces, partials, leaf
        return b""

    def reaches(self, locktime: int) -> bool:
        """See `Creator`."""
        del locktime
        return True

    def waits(self, sequence: int) -> bool:
        """See `Creator`."""
        del sequence
        return True

    def proves(self, output: TxOut, script_sig: bytes, witness: tuple[bytes, ...]) -> bool:
        """See `Creator`."""
        del output
        pushes = [data for _, data in ops(script_sig) if data is not None]
        signatures = filter(is_der_signature, (*pushes, *witness))
        return all(has_low_s(each[:-1]) for each in signatures)
