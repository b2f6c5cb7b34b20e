"""The view of the pool: what is noted, and how long anybody waits for it."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from axon.electrum import poolfollowing
from axon.electrum.poolfollowing import PoolFollowing
from axon.mempool.policy import Policy
from axon.mempool.pool import Mempool
from axon.node.facts import TransactionAccepted
from axon.primitives.hashes import Txid, Wtxid
from axon.rpc.daemon import Daemon


class EmptyNode:
    """A node with nothing in its pool."""

    def __init__(self) -> None:
        self.node = self
        self.pool = Mempool(Policy())


def accepted(number: int) -> TransactionAccepted:
    """A transaction came into the pool; it is in a block soon after, of which no fact tells."""
    name = number.to_bytes(32, "big")
    return TransactionAccepted(Txid(name), Wtxid(name), 1_000, 150, None)


def following() -> PoolFollowing:
    """A view that nothing has begun."""
    return PoolFollowing(cast(Daemon, EmptyNode()), lambda _scripts: None)


def test_nothing_is_noted_before_it_begins() -> None:
    async def run() -> None:
        pool = following()
        facts = [accepted(number) for number in range(1_000)]
        for fact in facts:
            pool.saw(fact)
        pool.begin()
        async with asyncio.timeout(1):
            await pool.settled([fact.txid for fact in facts])

    asyncio.run(run())


def test_nobody_waits_for_ever_for_what_does_not_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poolfollowing, "SETTLED_S", 0.02)

    async def run() -> None:
        pool = following()
        pool.begin()
        pool.saw(accepted(1))  # Nobody takes it in: the coins are far behind.
        async with asyncio.timeout(1):
            await pool.settled([accepted(1).txid])

    asyncio.run(run())


def test_what_a_block_confirmed_is_waited_for_no_more() -> None:
    async def run() -> None:
        pool = following()
        pool.begin()
        facts = [accepted(number) for number in range(100)]
        for fact in facts:
            pool.saw(fact)
        waiting = asyncio.create_task(pool.settled([fact.txid for fact in facts]))
        await asyncio.sleep(0)
        await pool.confirmed([fact.txid for fact in facts])
        async with asyncio.timeout(1):
            await waiting

    asyncio.run(run())
