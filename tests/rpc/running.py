"""A real node in this process, its kernel in memory, called without a server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

from axon.chain.activechain import ActiveChain
from axon.chain.backgroundindex import BackgroundIndex
from axon.chain.coins import Coins, MemoryStore
from axon.chain.filterindex import FilterIndex
from axon.chain.headertree import HeaderTree
from axon.consensus.indexing import Indexing
from axon.consensus.kernel import Kernel
from axon.consensus.ledger import Ledger
from axon.drivers.aio.clock import Clock
from axon.drivers.aio.driver import AsyncioDriver
from axon.machine import Endpoint, Instant
from axon.mempool.policy import Policy
from axon.mempool.pool import Mempool
from axon.mining.miner import mine
from axon.node.commands import SubmitBlock, Submitted
from axon.node.full import FullNode
from axon.node.settings import NodeSettings
from axon.node.work import perform
from axon.p2p.addrman import AddrMan
from axon.p2p.banlist import BanList
from axon.p2p.connectionsconfig import ConnectionsConfig
from axon.primitives.block import Block
from axon.primitives.hashes import to_hex
from axon.primitives.network import REGTEST
from axon.primitives.transaction import Transaction, outpoint
from axon.rpc.amounts import whole
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Registry
from axon.rpc.errors import RpcError
from axon.rpc.methods import MODULES
from tests.signing import Signer, Spendable

TRIES = 100_000
"""Nonces of one block; on regtest every second one will do."""


class Switches:
    """The categories of a log that nobody reads."""

    def __init__(self) -> None:
        self._on = {"net": False, "mempool": False}

    def categories(self) -> Mapping[str, bool]:
        return dict(self._on)

    def enable(self, category: str) -> bool:
        return self._switch(category, True)

    def disable(self, category: str) -> bool:
        return self._switch(category, False)

    def _switch(self, category: str, on: bool) -> bool:
        if category not in self._on:
            return False
        self._on[category] = on
        return True


class Rig:
    """One node under test, reached from outside its thread; Alice mines."""

    def __init__(self, daemon: Daemon, loop: asyncio.AbstractEventLoop, endpoint: Endpoint) -> None:
        self.daemon = daemon
        self.endpoint = endpoint
        self.node = daemon.node
        self._loop = loop
        self._registry = Registry(MODULES)
        daemon.calls = self._registry.active
        self.alice = Signer("alice")
        self.bob = Signer("bob")
        self.saved: list[str] = []

    @property
    def methods(self) -> Collection[str]:
        """The names of all methods."""
        return self._registry.methods.keys()

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def wait(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self.start(coroutine).result(20)

    async def execute(self, name: str, params: object) -> object:
        """A method's result as a server gets it; on the node's loop."""
        return await self._registry.execute(self.daemon, name, params)

    def begin(self, name: str, *args: object, **named: object) -> Future[Any]:
        """Call a method without waiting for its result."""
        params: object = named or list(args)
        return self.start(self._registry.execute(self.daemon, name, params))

    def call(self, name: str, *args: object, **named: object) -> Any:
        """The result of a method, with arguments by place or by name."""
        return whole(self.begin(name, *args, **named).result(20))

    def refusal(self, name: str, *args: object, **named: object) -> tuple[int, str]:
        """Code and message with which a call is refused."""
        try:
            result = self.call(name, *args, **named)
        except RpcError as error:
            return error.code, error.message
        raise AssertionError(f"{name} was not refused: {result}")

    def submit(self, block: Block) -> Submitted:
        """Hand in a block."""
        answer = self.wait(self.daemon.command(SubmitBlock(block)))
        assert isinstance(answer, Submitted)
        return answer

    def mine(self, count: int = 1, purse: Signer | None = None) -> list[Block]:
        """New blocks over the pool, paid to Alice unless said otherwise."""
        made: list[Block] = []
        for _ in range(count):
            block = self.wait(self._next_block((purse or self.alice).script))
            assert self.submit(block) == Submitted(None), "the block is valid"
            made.append(block)
        return made

    async def _next_block(self, script: bytes) -> Block:
        template = self.node.template(self.daemon.now_s)
        block = mine(template.build(script), TRIES)
        assert block is not None, "one of so many nonces proves the work"
        return block

    def coinbase(self, block: Block) -> Spendable:
        """What Alice has of a block."""
        first = block.transactions[0]
        return Spendable(outpoint(first.txid, 0), first.outputs[0].amount_sat)

    def send(self, transaction: Transaction) -> str:
        txid: str = self.call("sendrawtransaction", transaction.raw.hex(), 0)
        assert txid == to_hex(transaction.txid)
        return txid


@contextmanager
def running(
    folder: Path,
    policy: Policy | None = None,
    *,
    v2: bool = True,
    announce_pool: bool = False,
    indexes: Sequence[BackgroundIndex] = (),
) -> Iterator[Rig]:
    """A node on regtest that runs until the end of the block; it may speak v1 only."""
    rigs: list[Rig] = []
    failures: list[BaseException] = []
    ready, stop = threading.Event(), asyncio.Event()

    async def run() -> None:
        clock = Clock()
        kernel = Kernel(REGTEST, None, threads=0)
        coins, filters = Coins(MemoryStore()), FilterIndex(MemoryStore())
        named = {index.name: index for index in indexes}
        indexing = Indexing(kernel, named, kernel.files, kernel.places)
        ledger = Ledger(kernel, coins, filters, indexing=indexing)
        while ledger.lag:
            ledger.catch_up(10)
        headers = HeaderTree(REGTEST)
        rng = Random(1)
        node = FullNode(
            NodeSettings(
                network=REGTEST,
                connections=ConnectionsConfig(REGTEST.port, connect=(), v2=v2),
                announce_pool=announce_pool,
            ),
            headers=headers,
            active=ActiveChain(headers.genesis),
            stored=frozenset(),
            coins=coins,
            filters=filters,
            pool=Mempool(policy or Policy()),
            addrman=AddrMan(rng),
            bans=BanList(),
            rng=rng,
            now=clock.now(),
            indexes=named,
        )

        def reported(fact: object, _now: Instant) -> None:
            daemon.reported(fact)

        driver = AsyncioDriver(
            node,
            perform=lambda job: perform(ledger, job),
            clock=clock,
            on_report=reported,
            max_accepted=100,
        )

        async def save_pool() -> Path:
            return folder / "mempool.dat"

        async def save_peers() -> None:
            rigs[0].saved.append("peers")

        daemon = Daemon(
            node=node,
            clock=clock,
            folder=folder,
            command=driver.ask,
            stop=stop.set,
            traffic=lambda: (driver.received_bytes, driver.sent_bytes),
            started_at=clock.now(),
            perform=lambda job: perform(ledger, job),
            save_mempool=save_pool,
            save_peers=save_peers,
            logs=Switches(),
            blocks_folder=folder / "blocks",
        )
        daemon.pool_loaded = True
        endpoint = await driver.listen(Endpoint("127.0.0.1", 0))
        rigs.append(Rig(daemon, asyncio.get_running_loop(), endpoint))
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(driver.run())
                await asyncio.sleep(0)
                ready.set()
                await stop.wait()
                driver.stop()
        finally:
            daemon.close()
            ledger.close()

    def main() -> None:
        try:
            asyncio.run(run())
        except BaseException as failure:  # noqa: BLE001 It is raised again where the test waits.
            failures.append(failure)
        finally:
            ready.set()

    thread = threading.Thread(target=main)
    thread.start()
    ready.wait(20)
    try:
        if not failures:
            yield rigs[0]
    finally:
        if thread.is_alive():
            rigs[0]._loop.call_soon_threadsafe(stop.set)
        thread.join(20)
    if failures:
        raise failures[0]
    assert not thread.is_alive()
