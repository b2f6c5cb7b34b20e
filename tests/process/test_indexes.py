"""Background indexes of a node that is killed tell what those tell that are built from nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import threading
from random import Random
from typing import Any, Final

import pytest

from axon.primitives.block import Block
from axon.primitives.hashes import to_hex
from axon.rpc.client import Unreachable
from axon.rpc.errors import RpcError
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import NodeFailed, wait_until
from tests.process.conftest import ALICE, MakeNode
from tests.process.market import Market

pytestmark = pytest.mark.process

OPTIONS: Final = ("-txindex", "-txospenderindex", "-coinstatsindex")
NAMES: Final = ("txindex", "txospenderindex", "coinstatsindex")
FOLDERS: Final = ("transactions", "spenders", "coinsums")
START_HEIGHT: Final = 104
KILLS: Final = 3
LIFE_S: Final = 0.6
SETTLE_S: Final = 30.0


def settled(node: NodeProcess) -> None:
    """Wait until all indexes are at the tip."""

    def are_there() -> bool:
        told, height = node.rpc("getindexinfo"), node.height()
        return all(told[name] == {"synced": True, "best_block_height": height} for name in NAMES)

    wait_until(are_there, SETTLE_S, "the indexes are at the tip")


def told(node: NodeProcess) -> dict[str, Any]:
    """What the indexes tell of the whole chain."""
    settled(node)
    heights = range(node.height() + 1)
    hashes = [node.rpc("getblockhash", height) for height in heights]
    blocks = [Block.decode(bytes.fromhex(node.rpc("getblock", each, 0))) for each in hashes[1:]]
    found = [item for block in blocks for item in block.transactions]
    outputs = [
        {"txid": to_hex(item.txid), "vout": index}
        for item in found
        for index in range(len(item.outputs))
    ]
    shown = [node.rpc("getrawtransaction", to_hex(item.txid), 1) for item in found[-200:]]
    assert all(each["confirmations"] > 0 for each in shown)
    return {
        "sums": [node.rpc("gettxoutsetinfo", "muhash", height) for height in heights],
        "raw": [node.rpc("getrawtransaction", to_hex(item.txid)) for item in found],
        "shown": shown,
        "spent": node.rpc("gettxspendingprevout", outputs),
    }


def live(node: NodeProcess, market: Market, rng: Random) -> None:
    """Mine, pay and reorganise until it is killed."""
    while True:
        market.pay(node, 5)
        market.mine(node)
        if rng.random() < 0.3:
            height = node.height()
            node.rpc("invalidateblock", node.rpc("getblockhash", height - 1))
            market.mine(node, 3)


def test_indexes_survive_kills_at_any_instant(make_node: MakeNode) -> None:
    rng, market = Random(7), Market(ALICE)
    node = make_node("alice", "-connect=0", *OPTIONS).start()
    market.mine(node, START_HEIGHT)
    for _ in range(KILLS):
        assert node.pid is not None
        killer = threading.Timer(rng.random() * LIFE_S, os.kill, (node.pid, signal.SIGKILL))
        killer.start()
        with contextlib.suppress(NodeFailed, Unreachable, RpcError):
            live(node, market, rng)
        killer.join()
        wait_until(lambda: not node.is_running, SETTLE_S, "it was killed")
        node.kill()
        node.start()
        settled(node)
    kept = told(node)
    assert (
        kept["sums"][-1]["muhash"] == node.rpc("gettxoutsetinfo", "muhash", None, False)["muhash"]
    )
    assert any("blockhash" in each for each in kept["spent"])
    node.stop()
    for name in FOLDERS:  # Switched on late: they are built from the blocks.
        shutil.rmtree(node.folder / "regtest" / "indexes" / name)
    node.start()
    assert told(node) == kept


def test_an_index_that_was_off_for_a_while_goes_on(make_node: MakeNode) -> None:
    market = Market(ALICE)
    node = make_node("bob", "-connect=0", *OPTIONS).start()
    first = market.mine(node, 3)
    settled(node)
    node.stop()
    bare = make_node("bob", "-connect=0").start()
    assert list(bare.rpc("getindexinfo")) == ["basic block filter index"]
    bare.rpc("invalidateblock", first[2])
    market.mine(bare, 4)
    bare.stop()
    node.start()
    assert [each["height"] for each in told(node)["sums"]] == list(range(7))
    lost = node.rpc("getblock", first[2])["tx"][0]
    assert node.rpc("getrawtransaction", lost, 1)["confirmations"] == 0  # As in Bitcoin Core.
    node.stop()
