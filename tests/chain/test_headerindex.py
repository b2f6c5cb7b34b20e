"""Places of hashes: a dict agrees, also while a table is followed by a larger one."""

from __future__ import annotations

import os
import subprocess
import sys
from random import Random

import pytest

from axon.chain.headerindex import HeaderIndex
from axon.primitives.hashes import sha256d


def names(count: int) -> list[bytes]:
    return [sha256d(number.to_bytes(4, "little")) for number in range(count)]


@pytest.mark.parametrize("at_once", [700, 60_000])
def test_it_is_a_dict_whatever_comes_at_once(at_once: int) -> None:
    known, index, rng = names(60_000), HeaderIndex(lambda start, stop: known[start:stop]), Random(1)
    for start in range(0, len(known), at_once):
        index.add(known[start : start + at_once])
        count = index.count
        assert count == min(start + at_once, len(known))
        place = rng.randrange(count)
        assert index.find(known[place]) == place
        assert index.find(known[count - 1]) == count - 1
        if count < len(known):
            assert index.find(known[count]) is None
    assert [index.find(name) for name in known] == list(range(len(known)))
    assert all(index.find(name[::-1]) is None for name in known)


def test_what_was_reserved_takes_all_in_one_table() -> None:
    known = names(30_000)
    index = HeaderIndex(lambda start, stop: known[start:stop])
    index.reserve(len(known))
    table = index._cells
    index.add(known)
    assert index._cells is table
    assert [index.find(name) for name in known] == list(range(len(known)))


def test_no_addition_moves_many() -> None:
    known, looked = names(120_000), 0

    def hashes(start: int, stop: int) -> list[bytes]:
        nonlocal looked
        looked += stop - start
        return known[start:stop]

    index, most = HeaderIndex(hashes), 0
    for start in range(0, len(known), 100):
        looked = 0
        index.add(known[start : start + 100])
        most = max(most, looked)
    assert most == 400


def test_each_process_has_a_key_of_its_own() -> None:
    """Else headers could be chosen that all want one cell."""
    code = (
        "from axon.chain.headerindex import HeaderIndex"
        "; names = [bytes([n]) * 32 for n in range(9)]"
        "; index = HeaderIndex(lambda a, b: names[a:b]); index.add(names)"
        "; print([at for at, mark in enumerate(index._cells.marks) if mark])"
    )
    usual = {name: value for name, value in os.environ.items() if name != "PYTHONHASHSEED"}
    said = {
        subprocess.run(
            [sys.executable, "-c", code], env=usual, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    }
    assert len(said) == 2
