"""The checksum of descriptors (BIP 380): eight signs that find typing mistakes."""

from __future__ import annotations

from axon.primitives.keyexpression import DescriptorError

_SIGNS = (
    "0123456789()[],'/*abcdefgh@:$%{}"
    "IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~"
    'ijklmnopqrstuvwxyzABCDEFGH`#"\\ '
)
_POSITION = {sign: position for position, sign in enumerate(_SIGNS)}
_CHECKSUM_SIGNS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0xF5DEE51989, 0xA9FDCA3312, 0x1BAB10E32D, 0x3706B1677A, 0x644D626FFD)
_LOW = (1 << 35) - 1


def _folded(top: int) -> int:
    """What the five bits that leave the checksum at its top do to the rest."""
    change = 0
    for bit, generator in enumerate(_GENERATOR):
        if top >> bit & 1:
            change ^= generator
    return change


_FOLDED = tuple(map(_folded, range(32)))


def descriptor_checksum(text: str) -> str:
    """The eight signs that follow a descriptor behind `#` (BIP 380).

    Raises:
        DescriptorError: it has a sign that descriptors do not have.
    """
    # A full block has thousands of outputs, each shown with its descriptor: this loop counts.
    checksum = 1
    group = count = 0
    for sign in text:
        position = _POSITION.get(sign)
        if position is None:
            raise DescriptorError("Invalid characters in payload")
        checksum = ((checksum & _LOW) << 5) ^ (position & 31) ^ _FOLDED[checksum >> 35]
        group = group * 3 + (position >> 5)
        count += 1
        if count == 3:
            checksum = ((checksum & _LOW) << 5) ^ group ^ _FOLDED[checksum >> 35]
            group = count = 0
    if count:
        checksum = ((checksum & _LOW) << 5) ^ group ^ _FOLDED[checksum >> 35]
    for _ in range(8):
        checksum = ((checksum & _LOW) << 5) ^ _FOLDED[checksum >> 35]
    checksum ^= 1
    return "".join([_CHECKSUM_SIGNS[checksum >> 5 * (7 - place) & 31] for place in range(8)])


def with_checksum(text: str) -> str:
    """A descriptor with its checksum behind it."""
    return f"{text}#{descriptor_checksum(text)}"
