"""Signatures as strangers may write them."""

from __future__ import annotations

from axon.primitives.keys import CURVE_ORDER


def high_s(signature: bytes) -> bytes:
    """The other signature that is as good, in DER."""
    at = 6 + signature[3]
    high = CURVE_ORDER - int.from_bytes(signature[at:], "big")
    s = b"\x00" + high.to_bytes(32, "big")
    body = signature[2 : at - 2] + bytes((2, len(s))) + s
    return bytes((0x30, len(body))) + body
