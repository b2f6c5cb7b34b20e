"""Templates kept for callers who ask often."""

from __future__ import annotations

from axon.chain.activechain import ActiveChain
from axon.chain.headertree import HeaderTree
from axon.machine import SECOND, Instant
from axon.mempool.policy import Policy
from axon.mempool.pool import Mempool
from axon.mining.miner import mine
from axon.mining.template import BlockTemplate, next_template
from axon.mining.templates import MAX_AGE, Templates
from axon.primitives.hashes import Txid
from axon.primitives.network import REGTEST

START = (REGTEST.genesis.header.time + 3_600) * SECOND


class Source:
    """A node with nothing but its genesis block, and how often it built a template."""

    def __init__(self) -> None:
        self.headers = HeaderTree(REGTEST)
        self.active = ActiveChain(self.headers.genesis)
        self.pool = Mempool(Policy())
        self.built: list[int] = []

    def current(self, templates: Templates, now: Instant) -> BlockTemplate:
        """A template as a caller gets it."""
        found = templates.kept(now)
        if found is None:
            self.built.append(now // SECOND)
            chunks = self.pool.mining_chunks()
            found = next_template(REGTEST, self.active.tip, chunks, now // SECOND)
            templates.keep(found, self.pool.version, now)
        return found


def test_a_template_is_kept_while_nothing_changes() -> None:
    source = Source()
    templates = Templates(source)
    first = source.current(templates, START)
    later = source.current(templates, START + 1_000 * SECOND)
    assert len(source.built) == 1
    assert (first.time, later.time) == (START // SECOND, START // SECOND + 1_000)
    assert later.entries is first.entries


def test_a_changed_pool_shows_after_a_while() -> None:
    source = Source()
    templates = Templates(source)
    source.current(templates, START)
    source.pool.prioritise(Txid(bytes(32)), 1)
    source.current(templates, START + MAX_AGE)
    assert (len(source.built), templates.version) == (1, 0)
    source.current(templates, START + MAX_AGE + 1)
    assert (len(source.built), templates.version) == (2, source.pool.version)


def test_a_clock_set_back_does_not_keep_an_old_template() -> None:
    source = Source()
    templates = Templates(source)
    source.current(templates, START)
    source.pool.prioritise(Txid(bytes(32)), 1)
    source.current(templates, START - 1)
    assert len(source.built) == 2


def test_another_tip_shows_at_once() -> None:
    source = Source()
    templates = Templates(source)
    block = mine(source.current(templates, START).build(b"\x51"), 1_000)
    assert block is not None
    entry = source.headers.add(block.header, START)
    source.active.connect(source.headers.best)
    assert source.active.tip is entry
    assert source.current(templates, START).parent is entry
