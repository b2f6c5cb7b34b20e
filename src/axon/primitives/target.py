"""Targets: the 256-bit bound that a header's hash must not exceed, and its compact form `bits`."""

from __future__ import annotations

from axon.primitives.hashes import BlockHash

_MAX_TARGET_1 = 0xFFFF << 208  # The easiest target of the main chain: difficulty 1.


def bits_to_target(bits: int) -> int:
    """The target that a compact form stands for.

    Returns:
        From 1 to 2**256 - 1; 0 where the compact form is negative, zero or too large, which no
        hash can meet.
    """
    exponent, mantissa = bits >> 24, bits & 0x007F_FFFF
    if bits & 0x0080_0000:
        return 0
    target = mantissa << 8 * (exponent - 3) if exponent > 3 else mantissa >> 8 * (3 - exponent)
    return target if target < 1 << 256 else 0


def target_to_bits(target: int) -> int:
    """The compact form of a target; what does not fit into its 23 bits of mantissa is cut off."""
    size = (target.bit_length() + 7) // 8
    mantissa = target << 8 * (3 - size) if size <= 3 else target >> 8 * (size - 3)
    if mantissa & 0x0080_0000:  # This bit is the sign.
        mantissa >>= 8
        size += 1
    return size << 24 | mantissa


def work(bits: int) -> int:
    """The expected number of hashes that meeting this target takes; 0 for an impossible target."""
    target = bits_to_target(bits)
    return (1 << 256) // (target + 1) if target else 0


def difficulty(bits: int) -> float:
    """How many times harder than the main chain's easiest target, as RPC shows it."""
    target = bits_to_target(bits)
    return _MAX_TARGET_1 / target if target else 0.0


def meets_target(block_hash: BlockHash, bits: int) -> bool:
    """Whether a hash proves the work that `bits` asks for."""
    return int.from_bytes(block_hash, "little") <= bits_to_target(bits)
