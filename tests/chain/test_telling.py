"""What a validator is told of headers."""

from __future__ import annotations

import pytest

from axon.chain.headerentry import HeaderEntry
from axon.chain.headertree import HeaderTree
from axon.chain.telling import missing_headers, tell
from axon.primitives.hashes import BlockHash
from axon.primitives.header import Header
from axon.primitives.network import REGTEST
from axon.primitives.verdict import Accepted, Rejected, Verdict
from tests.chain.chains import grow

LENGTH = 70


class Known:
    """Knows the genesis block, and what it is told; whatever is asked is counted."""

    def __init__(self) -> None:
        self.heights: dict[BlockHash, int] = {REGTEST.genesis.hash: 0}
        self.asked = 0

    def height_of(self, block_hash: BlockHash) -> int | None:
        self.asked += 1
        return self.heights.get(block_hash)

    def process_header(self, raw: bytes) -> Verdict:
        header = Header(raw)
        if header.prev not in self.heights:
            return Rejected("prev-blk-not-found")
        self.heights[header.hash] = self.heights[header.prev] + 1
        return Accepted()


@pytest.fixture(name="entries", scope="module")
def entries_fixture() -> tuple[HeaderEntry, ...]:
    tree = HeaderTree(REGTEST)
    tip = grow(tree, tree.genesis, LENGTH)
    found = [tip.ancestor(height) for height in range(LENGTH + 1)]
    return tuple([entry for entry in found if entry is not None])


def test_a_validator_is_told_what_it_does_not_know(entries: tuple[HeaderEntry, ...]) -> None:
    for known in range(LENGTH + 1):
        for told in (known, min(known + 1, LENGTH), LENGTH):
            validator = Known()
            for entry in entries[1 : known + 1]:
                validator.process_header(entry.raw)
            assert (
                missing_headers(validator, entries[told]) == [*entries[known + 1 : told + 1]][::-1]
            )
            tell(validator, entries[told])
            assert validator.heights[entries[told].hash] == told


def test_few_questions_find_where_its_knowledge_ends(entries: tuple[HeaderEntry, ...]) -> None:
    validator = Known()
    tell(validator, entries[-1])
    assert validator.asked < 20
    validator.asked = 0
    tell(validator, entries[-1])
    assert validator.asked == 1
