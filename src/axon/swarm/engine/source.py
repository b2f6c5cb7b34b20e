"""Which code runs: equal fingerprints of the source mean that equal seeds have equal reports."""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Final

import axon

FINGERPRINT_BYTES: Final = 8


@cache
def source_fingerprint() -> str:
    """16 hex digits over the names and bytes of all modules of this installation.

    A commit would not do: an installed package has none, and a working copy has changes.
    """
    folder = Path(next(iter(axon.__path__)))
    digest = blake2b(digest_size=FINGERPRINT_BYTES)
    for path in sorted(folder.rglob("*.py")):
        source = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{len(source)}\0".encode())
        digest.update(source)
    return digest.hexdigest()
