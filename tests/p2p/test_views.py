"""The views fit what fills them, and what is read through them is right."""

from __future__ import annotations

from axon.chain.activechain import ActiveChain
from axon.chain.headertree import HeaderTree
from axon.machine import DAY, SECOND
from axon.mempool.pool import Mempool
from axon.p2p import views
from axon.primitives.hashes import BlockHash
from axon.primitives.network import REGTEST
from tests.p2p.chains import Ledger, mine_headers

GENESIS = REGTEST.genesis.header
CHAIN = mine_headers(GENESIS, 300)
BRANCH = mine_headers(CHAIN[9], 5, salt=1)
UNKNOWN = BlockHash(bytes([9]) * 32)


def fits(
    tree: HeaderTree, active: ActiveChain, pool: Mempool
) -> tuple[views.HeaderTreeView, views.ActiveChainView, views.TxPool]:
    """Says nothing when run; mypy compares each class with its view."""
    return tree, active, pool


def test_a_locator_is_dense_then_doubles() -> None:
    ledger = Ledger()
    entries = ledger.learn(CHAIN)
    heights: list[int] = []
    for block_hash in views.locator(ledger.tree, entries[119]):
        entry = ledger.tree.get(block_hash)
        assert entry is not None
        heights.append(entry.height)
    assert heights == [*range(120, 109, -1), 108, 104, 96, 80, 48, 0]
    assert views.locator(ledger.tree, ledger.tree.genesis) == (GENESIS.hash,)


def test_the_fork_is_the_newest_block_that_both_have() -> None:
    ledger = Ledger()
    ledger.connect(ledger.learn(CHAIN[:100]))
    (*_, last) = ledger.learn(BRANCH)
    active, tree = ledger.active, ledger.tree
    assert not views.is_active(active, last)
    hashes = (UNKNOWN, last.hash, CHAIN[9].hash, GENESIS.hash)
    assert views.find_fork(active, tree, hashes).height == 10
    assert views.find_fork(active, tree, (UNKNOWN,)) is tree.genesis
    ahead = ledger.learn(CHAIN[100:110])
    assert views.find_fork(active, tree, (ahead[-1].hash,)) is active.tip


def test_without_blocks_the_age_of_the_best_header_says_whether_more_must_come() -> None:
    ledger = Ledger()
    ledger.learn(CHAIN)
    view = views.HeadersOnly(ledger.tree)
    made_at = CHAIN[-1].time * SECOND
    assert not view.in_initial_sync(made_at)
    assert not view.in_initial_sync(made_at + DAY)
    assert view.in_initial_sync(made_at + DAY + 1)
