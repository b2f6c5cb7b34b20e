"""Filters of full blocks matched against a wallet's scripts, on one processor."""

from __future__ import annotations

import time
from hashlib import sha256
from random import Random
from typing import Final

from axon.chain.filters import basic_filter, match_any
from axon.primitives.hashes import BlockHash
from bench.pace import Pace
from bench.table import Row

LIMIT: Final = 300
FILTERS: Final = 200
ELEMENTS: Final = 10_000
"""Of a block of 2 MB."""

SCRIPTS: Final = 100
_ROUNDS: Final = 3


def measure(rounds: int = _ROUNDS) -> Row:
    """The row."""
    rng = Random(1)
    filters: list[tuple[BlockHash, bytes]] = []
    for number in range(FILTERS):
        block_hash = BlockHash(sha256(number.to_bytes(4, "little")).digest())
        elements = [b"\x00\x14" + rng.randbytes(20) for _ in range(ELEMENTS)]
        filters.append((block_hash, basic_filter(block_hash, elements)))
    scripts = [b"\x00\x14" + rng.randbytes(20) for _ in range(SCRIPTS)]
    with Pace() as pace:
        best = min(_run(filters, scripts) for _ in range(rounds))
    rate = FILTERS / best
    return Row(
        f"filters of 2 MB blocks matched against {SCRIPTS} scripts",
        f"{rate:,.0f} a second  ({best / FILTERS * 1e3:.2f} ms each)",
        pace.least(LIMIT),
        rate >= LIMIT / pace.slowness,
        [
            f"{FILTERS} filters of {ELEMENTS:,} elements, none of which matches, decoded and "
            "compared in plain Python on one processor. The limit is the cost of one number in "
            "Python: cut from the bits, read, added up, looked up, some 0.2 us for each element. "
            f"Best of {rounds}.",
        ],
    )


def _run(filters: list[tuple[BlockHash, bytes]], scripts: list[bytes]) -> float:
    began = time.perf_counter()
    hits = sum(match_any(data, block_hash, scripts) for block_hash, data in filters)
    spent = time.perf_counter() - began
    assert hits < 3, "one in 7,800 such filters matches by chance"
    return spent
