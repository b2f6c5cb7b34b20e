"""What signatures sign: legacy inputs, version 0 witnesses (BIP 143), taproot (BIP 341, BIP 342).

Signatures cover everything unless their hash type says otherwise; the last byte of a signature
names it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final

from axon.errors import DecodeError
from axon.primitives.encoding import compact_size, var_bytes
from axon.primitives.hashes import sha256, sha256d
from axon.primitives.keys import tagged_hash
from axon.primitives.script import ops
from axon.primitives.transaction import Transaction, TxOut

SIGHASH_DEFAULT: Final = 0
"""In taproot: like `SIGHASH_ALL`, and not written behind the signature."""

SIGHASH_ALL: Final = 1
"""The signature covers every input and every output."""

SIGHASH_NONE: Final = 2
"""It covers no output."""

SIGHASH_SINGLE: Final = 3
"""It covers the output in the same place as the input."""

SIGHASH_ANYONECANPAY: Final = 0x80
"""With one of the others: it covers one input alone."""

_TAPROOT_TYPES: Final = frozenset((0, 1, 2, 3, 0x81, 0x82, 0x83))
"""All that are defined for taproot."""

_OUTPUTS: Final = 0x1F
"""The bits of a hash type that say which outputs are covered."""

_CODESEPARATOR: Final = 0xAB
_NO_CODESEPARATOR: Final = b"\xff\xff\xff\xff"
_NULL_OUTPUT: Final = b"\xff" * 8 + b"\x00"


class SignatureHashes:
    """The hashes that the signatures of one transaction sign.

    What inputs share is hashed once.

    Args:
        transaction: signed or not; its proofs do not matter.
        spent: what its inputs spend, in order; taproot needs all of it.
    """

    def __init__(self, transaction: Transaction, spent: Sequence[TxOut] = ()) -> None:
        self._inputs, self._outputs = transaction.inputs, transaction.outputs
        self._version = transaction.version.to_bytes(4, "little")
        self._locktime = transaction.locktime.to_bytes(4, "little")
        self._spent = spent

    @property
    def knows_spent(self) -> bool:
        """Whether it knows what all inputs spend."""
        return len(self._spent) == len(self._inputs)

    def legacy(self, index: int, script: bytes, hash_type: int = SIGHASH_ALL) -> bytes:
        """The 32 bytes to sign for an input without witness.

        Args:
            index: which input.
            script: of the output that it spends, or what stands behind that one's hash.
            hash_type: one byte.
        """
        covered = hash_type & _OUTPUTS
        if covered == SIGHASH_SINGLE and index >= len(self._outputs):
            return (1).to_bytes(32, "little")
        code = var_bytes(_without_separators(script))
        alone = bool(hash_type & SIGHASH_ANYONECANPAY)
        inputs = [self._inputs[index]] if alone else self._inputs
        parts = [self._version, compact_size(len(inputs))]
        for place, item in enumerate(inputs):
            is_signed = alone or place == index
            final = covered in (SIGHASH_NONE, SIGHASH_SINGLE) and not is_signed
            sequence = 0 if final else item.sequence
            parts += (
                item.prevout,
                code if is_signed else b"\x00",
                sequence.to_bytes(4, "little"),
            )
        if covered == SIGHASH_NONE:
            parts.append(b"\x00")
        elif covered == SIGHASH_SINGLE:
            parts.append(compact_size(index + 1) + _NULL_OUTPUT * index)
            parts.append(self._outputs[index].encode())
        else:
            parts.append(compact_size(len(self._outputs)))
            parts += [output.encode() for output in self._outputs]
        return sha256d(b"".join((*parts, self._locktime, hash_type.to_bytes(4, "little"))))

    def witness(
        self, index: int, script_code: bytes, amount_sat: int, hash_type: int = SIGHASH_ALL
    ) -> bytes:
        """The 32 bytes to sign for an input with a version 0 witness (BIP 143).

        Args:
            index: which input.
            script_code: for a key hash, the pay to public key hash script of the same key; else
                the witness script.
            amount_sat: of the output that the input spends.
            hash_type: one byte.
        """
        item, covered = self._inputs[index], hash_type & _OUTPUTS
        alone = bool(hash_type & SIGHASH_ANYONECANPAY)
        whole = covered not in (SIGHASH_NONE, SIGHASH_SINGLE)
        if whole:
            outputs = self._twice[2]
        elif covered == SIGHASH_SINGLE and index < len(self._outputs):
            outputs = sha256d(self._outputs[index].encode())
        else:
            outputs = bytes(32)
        return sha256d(
            b"".join(
                (
                    self._version,
                    bytes(32) if alone else self._twice[0],
                    self._twice[1] if whole and not alone else bytes(32),
                    item.prevout,
                    var_bytes(script_code),
                    amount_sat.to_bytes(8, "little", signed=True),
                    item.sequence.to_bytes(4, "little"),
                    outputs,
                    self._locktime,
                    hash_type.to_bytes(4, "little"),
                )
            )
        )

    def taproot(
        self, index: int, hash_type: int = SIGHASH_DEFAULT, leaf_hash: bytes | None = None
    ) -> bytes | None:
        """The 32 bytes to sign for a taproot input without an annex (BIP 341, BIP 342).

        Args:
            index: which input.
            hash_type: one byte.
            leaf_hash: of the script by which it is spent, 32 bytes; None for the key path.

        Returns:
            None if not all spent outputs are known, or the hash type is not defined, or covers an
            output that there is not.
        """
        if hash_type not in _TAPROOT_TYPES:
            return None
        covered, alone = hash_type & 3, bool(hash_type & SIGHASH_ANYONECANPAY)
        if not self.knows_spent:
            return None
        if covered == SIGHASH_SINGLE and index >= len(self._outputs):
            return None
        item, output = self._inputs[index], self._spent[index]
        parts = [b"\x00", bytes((hash_type,)), self._version, self._locktime]
        if not alone:
            parts += self._once[:4]
        if covered not in (SIGHASH_NONE, SIGHASH_SINGLE):
            parts.append(self._once[4])
        parts.append(bytes((0 if leaf_hash is None else 2,)))
        if alone:
            parts += (item.prevout, output.encode(), item.sequence.to_bytes(4, "little"))
        else:
            parts.append(index.to_bytes(4, "little"))
        if covered == SIGHASH_SINGLE:
            parts.append(sha256(self._outputs[index].encode()))
        if leaf_hash is not None:
            parts += (leaf_hash, b"\x00", _NO_CODESEPARATOR)
        return tagged_hash("TapSighash", b"".join(parts))

    @cached_property
    def _parts(self) -> tuple[bytes, bytes, bytes]:
        """Prevouts, sequences and outputs, each in one piece."""
        inputs = self._inputs
        return (
            b"".join([item.prevout for item in inputs]),
            b"".join([item.sequence.to_bytes(4, "little") for item in inputs]),
            b"".join([item.encode() for item in self._outputs]),
        )

    @cached_property
    def _twice(self) -> tuple[bytes, bytes, bytes]:
        prevouts, sequences, outputs = self._parts
        return sha256d(prevouts), sha256d(sequences), sha256d(outputs)

    @cached_property
    def _once(self) -> tuple[bytes, bytes, bytes, bytes, bytes]:
        prevouts, sequences, outputs = self._parts
        amounts = [each.amount_sat.to_bytes(8, "little", signed=True) for each in self._spent]
        scripts = [var_bytes(each.script_pubkey) for each in self._spent]
        return (
            sha256(prevouts),
            sha256(b"".join(amounts)),
            sha256(b"".join(scripts)),
            sha256(sequences),
            sha256(outputs),
        )


def _without_separators(script: bytes) -> bytes:
    """A script as legacy signatures cover it: without OP_CODESEPARATOR."""
    if _CODESEPARATOR not in script:
        return script
    kept: list[bytes] = []
    begin, place = 0, 0
    try:
        for opcode, data in ops(script):
            width = 1 if data is None else _push_width(opcode) + len(data)
            if opcode == _CODESEPARATOR:
                kept.append(script[begin:place])
                begin = place + 1
            place += width
    except DecodeError:
        pass  # What is cut short is covered as it is.
    return b"".join((*kept, script[begin:]))


def _push_width(opcode: int) -> int:
    """Bytes of a push before its data."""
    return {0x4C: 2, 0x4D: 3, 0x4E: 5}.get(opcode, 1)
