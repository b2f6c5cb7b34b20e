"""Real headers checked in full, against hashing alone of the same bytes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from axon.chain.headertable import HeaderTable
from axon.chain.headertree import HeaderTree
from axon.machine import SECOND
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.network import MAINNET
from bench.data import mainnet_data
from bench.table import Row
from bench.timing import alternate, timed

LIMIT: Final = 4.0
MESSAGE: Final = 2_000
"""Headers that come at once, as in a `headers` message."""

_FIRST_HEIGHT: Final = 822_528
_ROUNDS: Final = 25


def measure(rounds: int = _ROUNDS) -> Row:
    """The row."""
    data = (mainnet_data() / "headers-822528-830592.bin").read_bytes()
    raws = [data[at : at + HEADER_SIZE] for at in range(0, len(data), HEADER_SIZE)]
    now = int(time.time()) * SECOND
    compared = alternate(
        lambda: timed(lambda: _check(raws, now)), lambda: timed(lambda: _hash(raws)), rounds
    )
    each, bare = compared.ours_s / len(raws), compared.theirs_s / len(raws)
    return Row(
        "header tree: real headers checked in full, against hashing alone",
        f"{compared.ratio:.2f} x  ({each * 1e6:.2f} us / {bare * 1e6:.2f} us each)",
        f"<= {LIMIT:g} x",
        compared.ratio <= LIMIT,
        [
            f"{len(raws):,} mainnet headers with four retargets; from 80 bytes to entries in the "
            "tree: links, work, targets, median times, versions, accumulated work, best tip; "
            f"{1 / each:,.0f} a second. Against a loop of sha256(sha256(raw)).",
        ],
    )


def _check(raws: Sequence[bytes], now: int) -> None:
    tree = HeaderTree(MAINNET, HeaderTable(Header(raws[0]), _FIRST_HEIGHT, 1 << 90))
    for start in range(1, len(raws), MESSAGE):
        verdict = tree.add_chain([Header(raw) for raw in raws[start : start + MESSAGE]], now)
        assert verdict.rejected is None, verdict.rejected
    assert len(tree) == len(raws)


def _hash(raws: Sequence[bytes]) -> None:
    for raw in raws:
        sha256(sha256(raw).digest()).digest()
