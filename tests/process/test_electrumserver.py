"""A node that serves Electrum wallets: killed while it indexes, stopped while it is asked."""

from __future__ import annotations

import asyncio
import time
from random import Random
from typing import Any

import pytest

from axon.machine import Endpoint
from axon.swarm.lab.processes import free_port
from axon.swarm.signer import Signer
from tests.electrum.serving import Wallet, hash_of, wallet_at
from tests.process.conftest import MakeNode

pytestmark = pytest.mark.process

ALICE, CAROL = Signer("Alice"), Signer("Carol")
BLOCKS = 60
KILLS = 4


async def asked(endpoint: Endpoint, signer: Signer) -> tuple[list[Any], list[Any]]:
    """What the server says of somebody: the history, and what can be spent."""
    async with wallet_at(endpoint) as wallet:
        history = await wallet.ask("blockchain.scripthash.get_history", hash_of(signer))
        unspent = await wallet.ask("blockchain.scripthash.listunspent", hash_of(signer))
        return history, unspent


def test_an_index_that_is_killed_at_any_instant_goes_on(make_node: MakeNode) -> None:
    rng, endpoint = Random(11), Endpoint("127.0.0.1", free_port())
    node = make_node("n1", "-connect=0").start()
    for _ in range(BLOCKS):
        node.rpc("generatetoaddress", 1, rng.choice([ALICE, CAROL]).address())
    for _ in range(KILLS):  # The index is built from nothing, or goes on where it was killed.
        node.kill()
        node.start(f"-electrum={endpoint}")
        time.sleep(rng.random() * 0.4)
        node.rpc("generatetoaddress", 1, ALICE.address())
    paid: dict[str, int] = {}
    for height in range(1, node.height() + 1):
        block = node.rpc("getblock", node.rpc("getblockhash", height), 2)
        (coinbase,) = block["tx"]
        if coinbase["vout"][0]["scriptPubKey"]["hex"] == ALICE.script.hex():
            paid[coinbase["txid"]] = height
    history, unspent = asyncio.run(asked(endpoint, ALICE))
    assert {item["tx_hash"]: item["height"] for item in history} == paid
    assert {item["tx_hash"]: item["height"] for item in unspent} == paid
    assert [item["height"] for item in history] == sorted(paid.values())


def test_it_stops_in_order_while_wallets_ask(make_node: MakeNode) -> None:
    endpoint = Endpoint("127.0.0.1", free_port())
    node = make_node("n1", "-connect=0", f"-electrum={endpoint}").start()

    async def ask_on(wallet: Wallet) -> None:
        while True:
            await wallet.ask("blockchain.scripthash.get_history", hash_of(ALICE))

    async def run() -> int:
        async with wallet_at(endpoint) as one, wallet_at(endpoint) as two:
            busy = [asyncio.create_task(ask_on(each)) for each in (one, two)]
            await asyncio.sleep(0.1)
            code = await asyncio.to_thread(node.stop)
            done = await asyncio.gather(*busy, return_exceptions=True)
            assert all(isinstance(each, AssertionError | ConnectionError) for each in done)
            return code

    assert asyncio.run(run()) == 0
    assert node.errors() == ""


def test_a_port_in_use_ends_the_start(make_node: MakeNode) -> None:
    endpoint = Endpoint("127.0.0.1", free_port())
    make_node("n1", "-connect=0", f"-electrum={endpoint}").start()
    other = make_node("n2", "-connect=0", f"-electrum={endpoint}")
    other.start(wait=False)
    assert other.left() == 1
    assert other.errors().startswith(f"Error: Unable to bind {endpoint} for the Electrum server")
    assert other.errors().count("\n") <= 1
