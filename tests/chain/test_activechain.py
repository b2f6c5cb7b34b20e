"""The active chain: one line of blocks by height, moved a block at a time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.chain.activechain import ActiveChain
from axon.chain.headertable import HeaderTable
from axon.chain.headertree import HeaderEntry, HeaderTree
from axon.primitives.header import Header
from axon.primitives.network import REGTEST
from tests.chain.chains import grow


def _line(tip: HeaderEntry) -> list[HeaderEntry]:
    line, entry = [], tip
    while entry.parent is not None:
        line.append(entry)
        entry = entry.parent
    return line[::-1]


def test_a_new_chain_is_the_genesis_block() -> None:
    tree = HeaderTree(REGTEST)
    chain = ActiveChain(tree.genesis)
    assert (chain.tip, chain.height) == (tree.genesis, 0)
    assert chain.at(0) is tree.genesis
    assert chain.at(1) is None
    assert chain.at(-1) is None
    with pytest.raises(AssertionError):
        chain.disconnect()


def test_only_the_tip_is_built_on() -> None:
    tree = HeaderTree(REGTEST)
    chain = ActiveChain(tree.genesis)
    first, second = _line(grow(tree, tree.genesis, 2))
    with pytest.raises(AssertionError):
        chain.connect(second)
    chain.connect(first)
    chain.connect(second)
    assert chain.next(tree.genesis) is first
    assert chain.next(second) is None
    assert chain.disconnect() is second
    assert chain.next(second) is None
    assert chain.tip is first


def test_heights_count_from_a_trusted_root() -> None:
    table = HeaderTable(Header(REGTEST.genesis.header.raw), 4032)
    root, tree = table.root, HeaderTree(REGTEST, table)
    chain = ActiveChain(root)
    entry = grow(tree, root, 1)
    chain.connect(entry)
    assert chain.height == 4033
    assert chain.at(4032) is root
    assert chain.at(4033) is entry
    assert chain.at(0) is None


def test_fork_of_a_branch() -> None:
    tree = HeaderTree(REGTEST)
    stem = grow(tree, tree.genesis, 3)
    stale, tip = grow(tree, stem, 4, salt=1), grow(tree, stem, 2)
    ahead = grow(tree, tip, 2)
    chain = ActiveChain(tree.genesis)
    for entry in _line(tip):
        chain.connect(entry)
    assert chain.fork_of(stale) is stem
    assert chain.fork_of(ahead) is tip
    assert chain.fork_of(stem) is stem
    assert not chain.contains(stale)
    assert not chain.contains(ahead)


@given(st.lists(st.integers(-3, 3), max_size=30))
def test_agrees_with_a_list(moves: list[int]) -> None:
    tree = HeaderTree(REGTEST)
    chain, model = ActiveChain(tree.genesis), [tree.genesis]
    for salt, move in enumerate(moves):
        for _ in range(move):
            entry = grow(tree, model[-1], 1, salt=salt)
            chain.connect(entry)
            model.append(entry)
        for _ in range(min(-move, len(model) - 1)):
            assert chain.disconnect() is model.pop()
        assert chain.tip is model[-1]
        assert [chain.at(height) for height in range(chain.height + 1)] == model
        assert all(chain.contains(entry) for entry in model)
