"""Nodes as processes, for tests: each in a temporary folder, none left behind.

A chain that several tests need is grown once and copied: a node's folder may be moved.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from axon.swarm.lab.lifecycle import down
from axon.swarm.lab.manifest import Manifest
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.signer import Signer
from tests.process.lab import Lab
from tests.process.market import Market

ALICE: Final = Signer("Alice")

GROWN_HEIGHT: Final = 112
"""Of the chain in `grown`: some coins of Alice's are ripe, and the last blocks have payments."""

POOLED: Final = 10
"""Transactions in its pool."""

_numbers = itertools.count()

MakeNode = Callable[..., NodeProcess]


@dataclass(frozen=True, slots=True)
class Ledger:
    """What a node says of its chain and of what follows from it."""

    tip: str
    coins: dict[str, Any]
    filters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grown:
    """A node that has stopped: its data directory, to be copied, and what it said."""

    folder: Path
    ledger: Ledger
    pool: frozenset[str]
    coin: str  # The txid of a coin that a transaction in the pool spends.


def ledger_of(node: NodeProcess, first: int = 0) -> Ledger:
    """What a node says, once coins and filters are at its tip.

    Args:
        first: the height from which on filters are compared.
    """
    node.rpc("syncwithvalidationinterfacequeue")
    coins = node.rpc("gettxoutsetinfo", "hash_serialized_3")
    coins.pop("disk_size", None)
    hashes = [node.rpc("getblockhash", height) for height in range(first, coins["height"] + 1)]
    filters = [node.rpc("getblockfilter", block_hash) for block_hash in hashes]
    return Ledger(coins["bestblock"], coins, tuple(f"{each}" for each in filters))


def loopback_host() -> str:
    """A loopback address that no other test run of this machine uses now, most likely.

    Ports are found by asking for a free one, and taken a moment later; on an address of their own
    nobody can be quicker.
    """
    pid = os.getpid()
    return f"127.{64 + (pid >> 8) % 128}.{pid & 0xFF}.{next(_numbers) % 250 + 2}"


@pytest.fixture(name="make_node")
def make_node_fixture(tmp_path: Path) -> Iterator[MakeNode]:
    """Makes nodes, not started yet, with a name and options; they are killed at the end."""
    with NodeFactory(tmp_path) as make:
        yield make


class NodeFactory:
    """Makes nodes in a folder; they are killed at the end of `with`.

    Args:
        folder: in which each gets its own.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: list[NodeProcess] = []

    def __enter__(self) -> MakeNode:
        return self._make

    def __exit__(self, *_: object) -> None:
        for node in self._made:
            node.kill()

    def _make(self, name: str = "node", *options: str, **named: Any) -> NodeProcess:
        node = NodeProcess(
            name, self._folder / name, loopback_host(), options=("-debug=net", *options), **named
        )
        self._made.append(node)
        return node


@pytest.fixture(scope="session", name="grown")
def grown_fixture(tmp_path_factory: pytest.TempPathFactory) -> Grown:
    """A chain with payments in its last blocks and in the pool."""
    with NodeFactory(tmp_path_factory.mktemp("grown")) as make:
        node = make("grown").start()
        market = Market(ALICE)
        market.mine(node, 104)
        while node.height() < GROWN_HEIGHT:
            market.pay(node, 2)
            market.mine(node)
        market.pay(node, POOLED)
        ledger, pool = ledger_of(node), node.rpc("getrawmempool")
        assert len(pool) == POOLED
        spends = [node.rpc("getrawtransaction", txid, True)["vin"][0]["txid"] for txid in pool]
        coin = max(set(spends) - set(pool), key=lambda txid: bytes.fromhex(txid)[::-1])
        assert node.stop() == 0
        return Grown(node.folder, ledger, frozenset(pool), coin)


@pytest.fixture(name="grown_node")
def grown_node_fixture(make_node: MakeNode, grown: Grown) -> NodeProcess:
    """A node, not started yet, with a copy of the grown chain."""
    node = make_node()
    shutil.copytree(grown.folder, node.folder)
    return node


@pytest.fixture(name="make_lab")
def make_lab_fixture(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> Iterator[Callable[[], Lab]]:
    """Makes labs that are not up; whatever they raise is ended."""
    labs: list[Lab] = []
    home = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        home = home.parent  # That of all workers.

    def make() -> Lab:
        labs.append(Lab(tmp_path / f"run{len(labs)}", home))
        return labs[-1]

    yield make
    for lab in labs:
        manifest = Manifest.load(lab.folder)
        if manifest is not None:
            down(manifest)


@pytest.fixture(name="lab")
def lab_fixture(make_lab: Callable[[], Lab]) -> Lab:
    """One of them."""
    return make_lab()
