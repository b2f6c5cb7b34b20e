"""Messages about compact blocks (BIP 152): sendcmpct."""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from typing import ClassVar, Final, Self

from axon.primitives.encoding import Reader

_LAYOUT: Final = Struct("<?Q")


@dataclass(frozen=True, slots=True)
class SendCmpct:
    """`sendcmpct`: the sender understands compact blocks (BIP 152).

    Args:
        high_bandwidth: announce new blocks by `cmpctblock`, unasked.
        version: 64 bits; 2 is the only one in use, others are to be ignored.
    """

    command: ClassVar[str] = "sendcmpct"

    high_bandwidth: bool
    version: int = 2

    def encode(self) -> bytes:
        """The payload: 9 bytes."""
        return _LAYOUT.pack(self.high_bandwidth, self.version)

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """A request from a payload; any flag but zero is true.

        Raises:
            DecodeError: fewer than 9 bytes.
        """
        reader = Reader(payload)
        return cls(reader.boolean(), reader.u64())
