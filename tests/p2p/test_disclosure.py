"""Which blocks may be spoken of: never an old fork."""

from __future__ import annotations

from axon.chain.headertree import HeaderEntry
from axon.p2p.disclosure import STALE_LIMIT_S, may_request
from axon.primitives.network import REGTEST, TARGET_SPACING_S
from tests.p2p.chains import Ledger, mine_headers

GENESIS = REGTEST.genesis.header


def forked(spacing_s: int, count: int) -> tuple[Ledger, HeaderEntry]:
    """A chain with so many blocks so far apart, and a fork of one block at its beginning."""
    ledger = Ledger()
    chain = ledger.learn(mine_headers(GENESIS, 1 + count, spacing_s=spacing_s))
    ledger.connect(chain)
    (fork,) = ledger.learn(mine_headers(chain[0].header, 1, spacing_s=spacing_s, salt=1))
    return ledger, fork


def test_a_block_of_the_active_chain_may_always_be_asked_for() -> None:
    ledger, _ = forked(STALE_LIMIT_S, 3)
    assert may_request(ledger.tree, ledger.active, ledger.tree.genesis)


def test_a_fork_may_for_a_month_by_its_time() -> None:
    for spacing_s, may in ((STALE_LIMIT_S - 1, True), (STALE_LIMIT_S, False)):
        ledger, fork = forked(spacing_s, 2)
        assert may_request(ledger.tree, ledger.active, fork) is may


def test_a_fork_may_for_a_month_by_the_work_above_it() -> None:
    month = STALE_LIMIT_S // TARGET_SPACING_S
    for count, may in ((month, True), (month + 1, False)):
        ledger, fork = forked(1, count)
        assert may_request(ledger.tree, ledger.active, fork) is may


def test_an_invalid_fork_may_never() -> None:
    ledger, fork = forked(600, 2)
    ledger.tree.mark_invalid(fork.hash)
    assert not may_request(ledger.tree, ledger.active, fork)
