"""Signatures in DER with their hash type, as scripts take them (BIP 66)."""

from __future__ import annotations

from typing import Final

from axon.primitives.sighash import SIGHASH_ALL, SIGHASH_ANYONECANPAY, SIGHASH_SINGLE

SMALLEST_DER: Final = 9
LARGEST_DER: Final = 73
"""Bytes of a signature with its hash type."""


def is_der_signature(signature: bytes) -> bool:
    """Whether bytes are a signature in strict DER with a hash type behind it (BIP 66)."""
    size = len(signature)
    if not SMALLEST_DER <= size <= LARGEST_DER:
        return False
    if signature[0] != 0x30 or signature[1] != size - 3:
        return False
    first = signature[3]
    if 5 + first >= size:
        return False
    second = signature[5 + first]
    if first + second + 7 != size:
        return False
    return _is_integer(signature, 2, first) and _is_integer(signature, 4 + first, second)


def _is_integer(signature: bytes, at: int, size: int) -> bool:
    """Whether a positive integer of this size stands there, in its shortest form."""
    if signature[at] != 0x02 or not size or signature[at + 2] & 0x80:
        return False
    return size == 1 or signature[at + 2] != 0 or bool(signature[at + 3] & 0x80)


def is_strict_signature(signature: bytes) -> bool:
    """Whether it is one and its hash type is one that is defined."""
    if not is_der_signature(signature):
        return False
    return SIGHASH_ALL <= signature[-1] & ~SIGHASH_ANYONECANPAY <= SIGHASH_SINGLE
