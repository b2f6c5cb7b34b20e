"""Headers in flat memory: chains of plain objects agree, however old an entry is."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from threading import Barrier

import pytest

from axon.chain import headertable
from axon.chain.headerentry import HeaderEntry
from axon.chain.headertable import HeaderTable
from axon.primitives.hashes import BlockHash, sha256d
from axon.primitives.header import Header
from axon.primitives.network import REGTEST
from axon.primitives.target import work

EASY, HARD = 0x207FFFFF, 0x201FFFFF


@dataclass(eq=False)
class Naive:
    """A header with its parent, and nothing that is clever."""

    header: Header
    parent: Naive | None
    height: int
    chainwork: int

    def line(self) -> Iterator[Naive]:
        at: Naive | None = self
        while at is not None:
            yield at
            at = at.parent


@pytest.fixture
def few_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    """Almost all entries are old ones, and of six at once none is made."""
    monkeypatch.setattr(headertable, "_ADOPTED_FROM", 6)
    monkeypatch.setattr(headertable, "NEWEST", 8)
    monkeypatch.setattr(headertable, "_SETTLED_AT_ONCE", 4)
    monkeypatch.setattr(headertable, "_SWEEP_FROM", 16)


def _after(parent: Header, salt: int, bits: int) -> Header:
    return Header.build(4, parent.hash, bytes(32), parent.time + 60, bits, salt)


def _grown(seed: int, steps: int) -> tuple[HeaderTable, list[Naive]]:
    rng, root = Random(seed), REGTEST.genesis.header
    table, known = HeaderTable(root), [Naive(root, None, 0, work(root.bits))]
    for step in range(steps):
        parent = known[-1] if rng.random() < 0.8 else known[rng.randrange(len(known))]
        entry = table.get(parent.header.hash)
        assert entry is not None
        headers: list[Header] = []
        bits = entry.bits if rng.random() < 0.8 else rng.choice((EASY, HARD))
        for _ in range(rng.choice((1, 1, 6)) if bits == entry.bits else 1):
            headers.append(_after(headers[-1] if headers else parent.header, step, bits))
        if len(headers) == 1:
            table.append(headers[0].raw, headers[0].hash, entry)
        else:
            table.extend(headers, entry)
        for header in headers:
            total = parent.chainwork + work(bits)
            parent = Naive(header, parent, parent.height + 1, total)
            known.append(parent)
    return table, known


@pytest.mark.usefixtures("few_newest")
@pytest.mark.parametrize("seed", range(4))
def test_it_is_a_tree_of_plain_objects(seed: int) -> None:
    table, known = _grown(seed, 150)
    rng = Random(seed)
    assert len(table) == len(known)
    for slot, naive in enumerate(known):
        entry = table.at(slot)
        assert table.get(naive.header.hash) is entry
        assert (entry.raw, entry.hash) == (naive.header.raw, naive.header.hash)
        assert (entry.height, entry.chainwork) == (naive.height, naive.chainwork)
        assert (entry.bits, entry.time) == (naive.header.bits, naive.header.time)
        parent = entry.parent
        assert (None if parent is None else parent.raw) == (
            naive.parent and naive.parent.header.raw
        )
        line = [each.header.hash for each in naive.line()][::-1]
        for height in rng.sample(range(-2, naive.height + 3), 3):
            ancestor = entry.ancestor(height)
            there = 0 <= height <= naive.height
            assert (ancestor and ancestor.hash) == (line[height] if there else None)
        other = rng.choice(known)
        common = next(each for each in naive.line() if each in list(other.line()))
        rival = table.get(other.header.hash)
        assert rival is not None
        fork = entry.fork_with(rival)
        assert fork is not None
        assert fork.hash == common.header.hash
        assert rival.fork_with(entry) is fork
    assert table.get(bytes(32)) is None


@pytest.mark.usefixtures("few_newest")
def test_there_is_one_entry_of_a_header_as_long_as_somebody_holds_it() -> None:
    table = HeaderTable(REGTEST.genesis.header)
    held = [table.root]
    for number in range(100):
        header = _after(held[-1].header, number, EASY)
        held.append(table.append(header.raw, header.hash, held[-1]))
    assert all(table.at(slot) is entry for slot, entry in enumerate(held))
    assert all(table.get(entry.hash) is entry for entry in held)
    assert held[50].parent is held[49]
    kept = held[7]
    del held[:]
    for slot in range(60):
        table.at(slot)
    assert table.at(7) is kept
    assert len(table._held) <= 32, "entries that nobody holds are forgotten"


@pytest.mark.usefixtures("few_newest")
def test_threads_that_look_at_once_get_the_same_entry() -> None:
    table, _ = _grown(9, 300)
    barrier = Barrier(4)

    def walk(_: int) -> list[HeaderEntry]:
        barrier.wait()
        return [table.at(slot) for slot in range(200)]

    switch = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as threads:
            found = list(threads.map(walk, range(4)))
    finally:
        sys.setswitchinterval(switch)
    assert all(a is b for others in found[1:] for a, b in zip(found[0], others, strict=True))


def test_ancestors_and_forks_take_few_steps_however_often_branches_alternate() -> None:
    """Two chains that grow in turn: each header is a segment of its own."""
    table = HeaderTable(REGTEST.genesis.header)
    tips = [table.root, table.root]
    for number in range(8_000):
        side = number % 2
        header = _after(tips[side].header, side, EASY)
        tips[side] = table.append(header.raw, header.hash, tips[side])
    steps = 0

    class Counted:
        def __init__(self, inner: object) -> None:
            self._inner = inner

        def __getitem__(self, place: int) -> int:
            nonlocal steps
            steps += 1
            return self._inner[place]  # type: ignore[index, no-any-return]

    table._jumps = Counted(table._jumps)  # type: ignore[assignment]
    for height in range(1, 4_000, 97):
        steps = 0
        assert tips[0].ancestor(height) is not None
        assert steps <= 3 * 13
    steps = 0
    assert tips[0].fork_with(tips[1]) is table.root
    assert steps < 300


def test_a_header_takes_little_memory() -> None:
    """80 bytes as sent, and five for each of two to four cells."""
    table = HeaderTable(REGTEST.genesis.header)
    count, before = 20_000, table.root.hash
    raws, hashes = list[bytes](), list[BlockHash]()
    for number in range(count):
        raw = Header.build(4, before, bytes(32), number, EASY, 0).raw
        before = BlockHash(sha256d(raw))
        raws.append(raw)
        hashes.append(before)
    table.adopt(b"".join(raws), hashes)
    index = table._index
    assert index is not None
    cells = sum(
        len(each.marks) + len(each.places) * each.places.itemsize
        for each in (index._cells, index._old)
        if each is not None
    )
    flat = sys.getsizeof(table._tail) + cells
    assert flat / count <= 120
    assert len(table._newest) + len(table._held) <= 1
    assert table.at(12_345).raw == raws[12_344]
    found = table.get(hashes[-1])
    assert found is not None
    assert found.height == count
