"""Messages by which a light client sets a bloom filter (BIP 37).

That a filter or an element is too large is not seen here: who is not offered bloom filters at all
is told so first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from struct import Struct
from typing import ClassVar, Final, Self

from axon.primitives.encoding import Reader, var_bytes
from axon.wire.messages.empty import EmptyMessage

_TAIL: Final = Struct("<IIB")


@dataclass(frozen=True, slots=True)
class FilterLoad:
    """`filterload`: announce only transactions that match this filter, and give blocks by it.

    Args:
        bits: eight a byte, the lowest first; at most 36,000 bytes are allowed.
        hash_functions: at most 50 are allowed; 32 bits.
        tweak: added to the seeds of all hash functions; 32 bits.
        flags: what the filter learns from what it matches, see `primitives.bloom`; 8 bits.
    """

    command: ClassVar[str] = "filterload"

    bits: bytes = field(repr=False)
    hash_functions: int
    tweak: int
    flags: int

    def encode(self) -> bytes:
        """The payload: the bits behind their length, then nine bytes."""
        return var_bytes(self.bits) + _TAIL.pack(self.hash_functions, self.tweak, self.flags)

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """A filter from a payload.

        Raises:
            DecodeError: it is cut short.
        """
        reader = Reader(payload)
        bits = reader.var_bytes()
        return cls(bits, *_TAIL.unpack(reader.take(_TAIL.size)))


@dataclass(frozen=True, slots=True)
class FilterAdd:
    """`filteradd`: add an element to the filter that is set.

    Args:
        element: a hash, a key, an outpoint or whatever a script pushes; at most 520 bytes are
            allowed.
    """

    command: ClassVar[str] = "filteradd"

    element: bytes = field(repr=False)

    def encode(self) -> bytes:
        """The payload: the element behind its length."""
        return var_bytes(self.element)

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """An element from a payload.

        Raises:
            DecodeError: it is cut short.
        """
        return cls(Reader(payload).var_bytes())


@dataclass(frozen=True, slots=True)
class FilterClear(EmptyMessage):
    """`filterclear`: announce all transactions again."""

    command: ClassVar[str] = "filterclear"
