"""Bytes that are read in pieces, wherever they lie."""

from __future__ import annotations

from typing import Protocol


class StoredOctets(Protocol):
    """Bytes in memory, or of a file."""

    def __len__(self) -> int:
        """How many."""
        ...

    def __getitem__(self, piece: slice, /) -> bytes:
        """Some of them."""
        ...
