"""Headers that a validator knows, and those that it has to be told of.

A node keeps every header that it accepts. A validator needs the best chain, and another branch only
when it is to validate one of its blocks: then blocks may come in any order. What it knows goes down
to the genesis block, so one search by halves finds where that ends.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Protocol

from axon.chain.headerentry import HeaderEntry
from axon.primitives.hashes import BlockHash
from axon.primitives.verdict import Verdict


class KnowsHeaders(Protocol):
    """A validator, as far as it is told of headers."""

    def height_of(self, block_hash: BlockHash) -> int | None:
        """The height of a header; None if it is unknown."""

    def process_header(self, raw: bytes) -> Verdict:
        """Take in a header whose parent is known."""


def missing_headers(validator: KnowsHeaders, entry: HeaderEntry) -> list[HeaderEntry]:
    """Of a header and those below it, what a validator does not know, from above."""

    def is_known(below: int) -> bool:
        found = entry.ancestor(entry.height - below)
        assert found is not None, "the tree of a full node grows from the genesis block"
        return validator.height_of(found.hash) is not None

    if is_known(0):
        return []
    reach = 1
    while reach < entry.height and not is_known(reach):
        reach *= 2
    count = bisect_left(range(min(reach, entry.height)), True, key=is_known)
    missing: list[HeaderEntry] = []
    each: HeaderEntry | None = entry
    while each is not None and len(missing) < count:
        missing.append(each)
        each = each.parent
    return missing


def tell(validator: KnowsHeaders, entry: HeaderEntry) -> None:
    """Have a validator know a header.

    It was checked by the same rules; what the validator refuses all the same, it will refuse as a
    block.
    """
    for each in reversed(missing_headers(validator, entry)):
        validator.process_header(each.raw)
