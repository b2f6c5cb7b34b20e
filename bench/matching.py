"""Filters of full blocks matched against a wallet's scripts, on one processor."""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from random import Random
from typing import Final

from axon.chain.filters import basic_filter, match_any
from axon.compiled import KIND, MODULES
from axon.primitives.hashes import BlockHash, sha256d
from bench.table import Row
from bench.timing import alternate, timed

FILTERS: Final = 200
ELEMENTS: Final = 7_800
"""Of a recent block of the main chain."""

SCRIPTS: Final = (24, 480)
"""Of a new wallet, and of one that is used."""

LIMITS: Final = (10_000, 5_000) if MODULES else (500, 0)
"""Filters a second for each, on a processor that does a million sha256d of 80 bytes."""

_HASHES: Final = 100_000
_ROUNDS: Final = 5


def measure(rounds: int = _ROUNDS) -> Row:
    """The row."""
    rng = Random(1)
    filters: list[tuple[BlockHash, bytes]] = []
    for number in range(FILTERS):
        block_hash = BlockHash(sha256(number.to_bytes(4, "little")).digest())
        filters.append(
            (block_hash, basic_filter(block_hash, [_script(rng) for _ in range(ELEMENTS)]))
        )
    found, holds = [], True
    for many, limit in zip(SCRIPTS, LIMITS, strict=True):
        scripts = [_script(rng) for _ in range(many)]
        compared = alternate(partial(_matching, filters, scripts), _hashing, rounds)
        rate = FILTERS / compared.ours_s
        by_yardstick = FILTERS / _HASHES / compared.ratio * 1e6
        found.append(f"{many}: {rate:,.0f} a second ({by_yardstick:,.0f})")
        holds = holds and by_yardstick >= limit
    return Row(
        f"filters matched against {' and '.join(map(str, SCRIPTS))} scripts, {KIND}",
        ", ".join(found),
        " and ".join(f">= {limit:,}" for limit in LIMITS if limit),
        holds,
        [
            f"{FILTERS} filters of {ELEMENTS:,} elements, few of which match, each decoded to its "
            f"end on one processor; in brackets on one that does a million sha256d of 80 bytes a "
            f"second, which were timed in turn. Medians of {rounds} rounds.",
        ],
    )


def _script(rng: Random) -> bytes:
    return b"\x00\x14" + rng.randbytes(20)


def _matching(filters: list[tuple[BlockHash, bytes]], scripts: list[bytes]) -> float:
    return timed(lambda: [match_any(data, block_hash, scripts) for block_hash, data in filters])


def _hashing() -> float:
    data = bytes(80)
    return timed(lambda: [sha256d(data) for _ in range(_HASHES)])
