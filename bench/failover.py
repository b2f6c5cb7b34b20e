"""A node that serves a wallet is killed during a payment, many times: is one lost or doubled?"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median
from typing import Final, Generic, TypeVar

from axon.drivers.aio.walletfile import SqliteStore
from axon.host.lightwallet import WALLET_FILE, light_wallet
from axon.host.settings import LightSettings
from axon.node.commands import SendTransaction
from axon.primitives.block import Block
from axon.primitives.hashes import to_hex
from axon.primitives.network import REGTEST
from axon.primitives.transaction import Transaction, TxOut, outpoint
from axon.rpc.client import Unreachable
from axon.rpc.errors import RpcError
from axon.rpc.walletdaemon import WalletDaemon
from axon.swarm.lab.nodeprocess import NodeProcess, equal_pools, equal_tips
from axon.swarm.lab.processes import wait_until
from axon.swarm.signer import Signer, Spendable
from axon.wallet.keys import AccountKind, from_words, new_words
from axon.wallet.payment import Payee, draft
from axon.wallet.signing import sign
from axon.wallet.wallet import Wallet
from bench.table import Row

LIMIT_S: Final = 1.0
ROUNDS: Final = 200
NODES: Final = 4
COINS: Final = 40
"""The wallet's coins at first: payments between two blocks each spend another one."""

BLOCK_EVERY: Final = 10
KILL_WITHIN_S: Final = 0.05
"""A payment is offered, fetched and passed on within less."""

PAID_SAT: Final = 20_000
_WAIT_S: Final = 60.0
_PASSPHRASE: Final = "bench"
_BOB: Final = Signer("Bob")

T = TypeVar("T")


@dataclass(frozen=True)
class Do(Generic[T]):
    """A function as a wallet's command; what is measured needs no class of its own."""

    function: Callable[[Wallet], T]

    def run(self, wallet: Wallet) -> T:
        """Call it."""
        return self.function(wallet)


def measure(rounds: int = ROUNDS) -> Row:
    """The row."""
    with tempfile.TemporaryDirectory(prefix="axon-bench-") as name:
        folder = Path(name)
        nodes = [
            NodeProcess(
                f"n{number}",
                folder / f"n{number}",
                f"127.{number}.0.1",
                options=("-announcepool=1",),  # Who comes back is told of what waits.
                trusted_door=True,
            )
            for number in range(1, NODES + 1)
        ]
        try:
            for node in nodes:
                node.start()
            times, lost, doubled = asyncio.run(_Failing(nodes, folder / "light", rounds).run())
        finally:
            for node in nodes:
                if node.is_running:
                    node.kill()
    worst = sorted(times)[max(0, int(len(times) * 0.99) - 1)]
    return Row(
        f"failover: a node that serves a wallet killed with -9 during a payment, {rounds} times",
        f"{lost} lost, {doubled} doubled; p99 {worst:.2f} s, median {median(times):.2f} s",
        f"0, 0; p99 <= {LIMIT_S:g} s",
        lost == doubled == 0 and worst <= LIMIT_S,
        [
            f"{NODES} nodes; each time one that the wallet is connected to is killed at a random "
            f"moment within {KILL_WITHIN_S * 1e3:.0f} ms of the payment, and comes back later. "
            "From the kill until another node has the payment in its pool. In the end every "
            "payment is in the chain once. The wallet comes in at the nodes' trusted door (noban): "
            "a stranger's payment is asked for two seconds later, here as in Bitcoin Core.",
        ],
    )


class _Failing:
    """The wallet, its nodes, and who dies when."""

    def __init__(self, nodes: list[NodeProcess], folder: Path, rounds: int) -> None:
        self._nodes = nodes
        self._options = LightSettings(
            network=REGTEST, folder=folder, connect=tuple(node.door for node in nodes)
        )
        self._rounds = rounds
        self._rng = Random(7)
        self._down: NodeProcess | None = None

    async def run(self) -> tuple[list[float], int, int]:
        """Seconds of each failover, payments lost, payments doubled."""
        await asyncio.to_thread(self._prepare)
        self._create()
        async with light_wallet(self._options, "bench") as wallet:
            daemon = wallet.daemon
            assert await daemon.synced(_WAIT_S)
            scripts = await daemon.ask(Do(lambda wallet: wallet.watched_scripts()[:1]))
            await asyncio.to_thread(self._fund, scripts[0])
            await _until(daemon, lambda wallet: wallet.balance().confirmed_sat > 0)
            times: list[float] = []
            sent: list[str] = []
            for number in range(1, self._rounds + 1):
                seconds, txid = await self._round(daemon)
                times.append(seconds)
                sent.append(txid)
                if number % BLOCK_EVERY == 0 or number == self._rounds:
                    await self._confirm(daemon, sent)
        return times, *await asyncio.to_thread(self._count, sent)

    async def _round(self, daemon: WalletDaemon) -> tuple[float, str]:
        served = {str(session.remote) for session in daemon.node.sessions.values()}
        up = [node for node in self._nodes if node.is_running and node is not self._down]
        victims = [node for node in up if str(node.door) in served] or up
        victim = victims[int(self._rng.random() * len(victims))]
        others = [node for node in up if node is not victim]
        payment = await daemon.ask(Do(lambda wallet: _signed(wallet, daemon.now_s)))
        await daemon.command(SendTransaction(payment))
        await asyncio.sleep(self._rng.random() * KILL_WITHIN_S)
        await asyncio.to_thread(victim.kill)
        began, txid = time.perf_counter(), to_hex(payment.txid)
        seconds = await asyncio.to_thread(_time_until_known, others, txid, began)
        await asyncio.to_thread(self._bring_back, victim)
        return seconds, txid

    def _bring_back(self, victim: NodeProcess) -> None:
        """The one killed before is to be up again; this one begins to start."""
        if self._down is not None:
            self._down.wait_ready()
            for other in self._nodes:
                if other is not self._down and other.is_running and other is not victim:
                    self._down.connect(other)
            wait_until(lambda: self._has_pool_of_others(victim), _WAIT_S, "it has the others' pool")
        self._down = victim
        victim.start(wait=False)

    def _has_pool_of_others(self, but: NodeProcess) -> bool:
        """Whether who came back has what waits elsewhere."""
        assert self._down is not None
        others = [node for node in self._nodes if node.is_running and node is not but]
        return equal_pools(others)

    async def _confirm(self, daemon: WalletDaemon, sent: list[str]) -> None:
        """A block with all payments so far, seen by the wallet."""

        def mine() -> None:
            if self._down is not None:
                self._down.wait_ready()
                self._link()
                self._down = None
            pending = sent[-BLOCK_EVERY:]

            def has_all(node: NodeProcess) -> bool:
                return all(_knows(node, txid) for txid in pending)

            wait_until(lambda: any(map(has_all, self._nodes)), _WAIT_S, "some node has all")
            miner = next(node for node in self._nodes if has_all(node))
            miner.rpc("generatetoaddress", 1, _BOB.address())
            wait_until(lambda: equal_tips(self._nodes), _WAIT_S, "all have the block")

        await asyncio.to_thread(mine)
        tip = self._nodes[0].height()
        assert await daemon.wait_for(lambda: daemon.node.scan.height >= tip, _WAIT_S)

    # Before and after.

    def _prepare(self) -> None:
        miner = self._nodes[0]
        miner.rpc("generatetoaddress", 101, Signer("bench").address())
        self._link()
        wait_until(lambda: equal_tips(self._nodes), _WAIT_S, "all have the first blocks")

    def _link(self) -> None:
        for at, node in enumerate(self._nodes):
            for other in self._nodes[at + 1 :]:
                node.connect(other)

    def _create(self) -> None:
        folder = self._options.wallet_folder("bench")
        folder.mkdir(parents=True)
        store = SqliteStore(folder / WALLET_FILE)
        words = new_words(bytes(range(16)))
        source = from_words(
            words, REGTEST, AccountKind.BIP84, _PASSPHRASE, bytes(16), bytes(12), log_n=10
        )
        Wallet.create(store, REGTEST, source, birthday_s=0)
        store.close()

    def _fund(self, script: bytes) -> None:
        miner, signer = self._nodes[0], Signer("bench")
        first = miner.rpc("getblock", miner.rpc("getblockhash", 1), 0)
        coinbase = Block.decode(bytes.fromhex(first)).transactions[0]
        amount_sat = coinbase.outputs[0].amount_sat
        coin = Spendable(outpoint(coinbase.txid, 0), amount_sat)
        outputs = [TxOut(amount_sat // COINS - 1_000, script)] * COINS
        miner.rpc("sendrawtransaction", signer.pay([coin], outputs).raw.hex(), 0)
        miner.rpc("generatetoaddress", 1, signer.address())

    def _count(self, sent: list[str]) -> tuple[int, int]:
        """How many payments to Bob are missing from the chain, and how many are there too often."""
        node = self._nodes[0]
        found: dict[str, int] = dict.fromkeys(sent, 0)
        paid = 0
        for height in range(1, node.height() + 1):
            raw = node.rpc("getblock", node.rpc("getblockhash", height), 0)
            for item in Block.decode(bytes.fromhex(raw)).transactions[1:]:
                paid += sum(output.script_pubkey == _BOB.script for output in item.outputs)
                if to_hex(item.txid) in found:
                    found[to_hex(item.txid)] += 1
        return sum(count == 0 for count in found.values()), paid - len(found)


def _signed(wallet: Wallet, now_s: int) -> Transaction:
    made = draft(wallet, [Payee(_BOB.address(), PAID_SAT)], feerate_sat_kvb=2_000)
    payment = sign(wallet, made, _PASSPHRASE)
    assert isinstance(payment, Transaction), "the wallet signs alone"
    wallet.record_sent(payment, now_s)
    return payment


def _time_until_known(nodes: list[NodeProcess], txid: str, began: float) -> float:
    wait_until(lambda: any(_knows(node, txid) for node in nodes), _WAIT_S, "a node has it", 0.005)
    return time.perf_counter() - began


def _knows(node: NodeProcess, txid: str) -> bool:
    """Whether a node has a transaction, in its pool or in its chain."""
    try:
        return txid in node.rpc("getrawmempool") or node.rpc("gettxout", txid, 0) is not None
    except (RpcError, Unreachable):
        return False  # It is just starting.


async def _until(daemon: WalletDaemon, condition: Callable[[Wallet], bool]) -> None:
    async with asyncio.timeout(_WAIT_S):
        while not await daemon.ask(Do(condition)):  # noqa: ASYNC110 (the wallet tells nobody)
            await asyncio.sleep(0.02)
