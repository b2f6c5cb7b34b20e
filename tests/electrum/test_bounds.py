"""What the clients of a real node may have together, and what a question is charged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from axon.electrum import connection, service
from axon.electrum.budget import (
    BURST_UNITS,
    BYTES_A_UNIT,
    ENTRIES_A_UNIT,
    TXIDS_A_UNIT,
    Credit,
)
from axon.electrum.methods import transactions
from axon.electrum.methodtable import METHODS
from axon.machine import Instant
from axon.rpc.amounts import whole
from tests.electrum.serving import (
    ALICE,
    BOB,
    CAROL,
    hash_of,
    serving_node,
    wallet_at,
)

HEADERS = "blockchain.headers.subscribe"
SUBSCRIBE = "blockchain.scripthash.subscribe"


async def until(ask: Callable[[], Awaitable[dict[str, Any]]]) -> None:
    """Ask until it is not refused."""
    for _ in range(200):
        if "result" in await ask():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it is still refused")


def test_every_subscription_counts_and_one_client_leaves_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MAX_SUBSCRIBED", 14)  # Of these, half for this machine.
    alice, bob, carol = map(hash_of, (ALICE, BOB, CAROL))

    async def run() -> None:
        async with serving_node(tmp_path) as (_, endpoint), wallet_at(endpoint) as two:
            async with wallet_at(endpoint) as one:
                for script in (alice, bob, alice):
                    assert await one.ask(SUBSCRIBE, script) is None
                assert (await one.refused(SUBSCRIBE, carol))["code"] == -102
                assert await two.ask(SUBSCRIBE, alice) is None  # The same script, but one more.
                assert (await two.refused(SUBSCRIBE, bob))["code"] == -102
                assert await one.ask("blockchain.scripthash.unsubscribe", alice) is True
                assert await one.ask(SUBSCRIBE, carol) is None
            await until(lambda: two.answer(SUBSCRIBE, bob))  # Once the other is seen to go.

    asyncio.run(run())


def test_who_has_no_credit_is_told_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "TOLD_UNITS", 2 * BURST_UNITS)

    async def run() -> None:
        async with (
            serving_node(tmp_path) as (node, endpoint),
            wallet_at(endpoint) as greedy,
            wallet_at(endpoint) as other,
        ):
            for wallet in (greedy, other):
                await wallet.ask(HEADERS)
            await node.call("generatetoaddress", 1, CAROL.address())
            for wallet in (greedy, other):
                assert (await wallet.news(HEADERS))[0]["height"] == 1
            await node.call("generatetoaddress", 1, CAROL.address())
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await greedy.news(HEADERS)
            async with wallet_at(endpoint) as newcomer:
                assert (await newcomer.ask(HEADERS))["height"] == 2

    asyncio.run(run())


@contextmanager
def charges(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """What is charged meanwhile."""
    seen: list[float] = []

    def charge(_: Credit, units: float, now: Instant) -> None:
        seen.append(units)

    with monkeypatch.context() as patched:
        patched.setattr(Credit, "charge", charge)
        yield seen


BLOCKS = 150
QUESTIONS: list[tuple[str, tuple[object, ...], float]] = [
    ("blockchain.scripthash.get_balance", (hash_of(BOB),), BLOCKS / ENTRIES_A_UNIT),
    ("blockchain.scripthash.get_history", (hash_of(BOB),), BLOCKS * (1 / ENTRIES_A_UNIT + 0.008)),
    ("blockchain.scripthash.listunspent", (hash_of(BOB),), BLOCKS * (1 / ENTRIES_A_UNIT + 0.01)),
    ("blockchain.scripthash.subscribe", (hash_of(BOB),), BLOCKS / ENTRIES_A_UNIT),
    ("blockchain.block.headers", (0, BLOCKS), BLOCKS * 160 / BYTES_A_UNIT),
    ("blockchain.block.header", (3, BLOCKS), BLOCKS / TXIDS_A_UNIT),
    ("blockchain.transaction.id_from_pos", (1, 0, True), 1 / TXIDS_A_UNIT),
    ("server.ping", (), 0),
]


def test_who_has_much_looked_at_is_charged_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run() -> None:
        async with serving_node(tmp_path) as (node, endpoint), wallet_at(endpoint) as wallet:
            await node.call("generatetoaddress", BLOCKS, BOB.address())
            for method, params, caused in QUESTIONS:
                with charges(monkeypatch) as seen:
                    await wallet.ask(method, *params)
                least = METHODS[method].units + caused
                assert least <= sum(seen) <= 1.5 * least + 0.1, (method, sum(seen), least)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("name", "in_full"), [("BLOCK_BYTES_A_UNIT", False), ("SHOWN_BYTES_A_UNIT", True)]
)
def test_a_transaction_costs_what_its_block_is_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, in_full: bool
) -> None:
    monkeypatch.setattr(transactions, name, 1)

    async def run() -> None:
        async with serving_node(tmp_path) as (node, endpoint), wallet_at(endpoint) as wallet:
            (block_hash,) = whole(await node.call("generatetoaddress", 1, BOB.address()))
            txid = await wallet.ask("blockchain.transaction.id_from_pos", 1, 0)
            block = await node.call("getblock", block_hash, 0)
            with charges(monkeypatch) as seen:
                await wallet.ask("blockchain.transaction.get", txid, in_full)
            assert sum(seen) > len(whole(block)) // 2

    asyncio.run(run())
