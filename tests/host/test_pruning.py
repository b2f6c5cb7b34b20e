"""Pruning with the library itself: block files of 128 MiB, filled on the spot."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from axon.chain.coins import Coins
from axon.chain.filterindex import FilterIndex
from axon.consensus.kernel import Kernel
from axon.consensus.ledger import Ledger
from axon.consensus.prunedblocks import PrunedBlocks
from axon.consensus.pruning import MIN_BLOCKS_TO_KEEP, Pruner
from axon.drivers.aio.stores import RocksStore
from axon.errors import StorageError
from axon.host.fullnode import full_node
from axon.host.settings import FullNodeSettings, PeerSettings
from axon.primitives.block import Block
from axon.primitives.network import REGTEST
from axon.primitives.transaction import TxOut
from axon.rpc.errors import RpcError
from axon.wire.messages import Services
from tests.consensus.chains import ANYONE, GENESIS_SPOT, Spot, block_on, coinbase, spot_of

pytestmark = pytest.mark.long

LARGE = TxOut(0, b"\x6a" + bytes(990_000))
LARGE_BLOCKS = 137  # One more than fit into a file.
HEIGHT = 1_010


def blocks() -> Iterator[Block]:
    spot: Spot = GENESIS_SPOT
    for height in range(1, HEIGHT + 1):
        outputs = [TxOut(REGTEST.subsidy_sat(height), ANYONE)]
        if height <= LARGE_BLOCKS:
            outputs.append(LARGE)
        block = block_on(spot, base=coinbase(height, outputs=outputs))
        yield block
        spot = spot_of(block, height)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A node's folder with two block files."""
    folder = tmp_path_factory.mktemp("original")
    kernel = Kernel(REGTEST, folder, threads=0)
    for block in blocks():
        assert kernel.process_block(block.raw).new
    kernel.close()
    assert len(list((folder / "blocks").glob("blk*.dat"))) == 2
    return folder


@pytest.fixture
def folder(original: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(original, tmp_path / "regtest"))


def used(folder: Path) -> int:
    return sum(path.stat().st_size for path in (folder / "blocks").glob("*.dat"))


def test_the_library_lives_with_files_that_were_emptied(folder: Path, tmp_path: Path) -> None:
    kernel = Kernel(REGTEST, folder, threads=0)
    gone = kernel.gone = PrunedBlocks(tmp_path / "pruned")
    old, young = kernel.hash_at(5), kernel.hash_at(500)
    assert old is not None
    assert young is not None
    block = kernel.read_block(old)
    assert block is not None
    below = Pruner(kernel, gone).prune(HEIGHT - MIN_BLOCKS_TO_KEEP)
    assert 100 < below <= LARGE_BLOCKS
    assert used(folder) < 30_000_000
    assert kernel.read_block(old) is None
    assert kernel.read_spent(old) is None
    assert kernel.transaction_count(old) == 1
    assert kernel.read_block(young) is not None
    assert kernel.read_spent(young) == [[]]
    gone.keep(old, block)
    assert kernel.read_block(old) == block
    tip, height = kernel.tip()
    assert height == HEIGHT
    killed = Path(shutil.copytree(folder, tmp_path / "killed"))  # As a kill leaves it.
    kernel.close()
    again = Kernel(REGTEST, killed, threads=0)
    assert again.tip() == (tip, HEIGHT)
    again.close()


def settings(folder: Path, target: int | None, **more: bool) -> FullNodeSettings:
    return FullNodeSettings(
        network=REGTEST,
        folder=folder,
        peers=PeerSettings(connect=()),
        prune_target_bytes=target,
        script_threads=0,
        **more,  # type: ignore[arg-type]
    )


async def refusal(node: object, *call: object) -> tuple[int, str]:
    try:
        result = await node.call(*call)  # type: ignore[attr-defined]
    except RpcError as error:
        return error.code, error.message
    raise AssertionError(f"not refused: {result}")


def test_a_node_prunes_when_it_is_asked(folder: Path) -> None:
    async def pruned() -> None:
        async with full_node(settings(folder, 0)) as node:
            assert not node.machine.services & Services.NETWORK
            info = await node.call("getblockchaininfo")
            assert isinstance(info, dict)
            assert (info["pruned"], info["pruneheight"]) == (True, 0)
            assert info["automatic_pruning"] is False
            assert "prune_target_size" not in info
            await node.call("waitforblockheight", HEIGHT)
            await node.call("gettxoutsetinfo")  # Coins are at the tip then.
            old = await node.call("getblockhash", 7)
            assert await refusal(node, "pruneblockchain", -1) == (-8, "Negative block height.")
            assert await refusal(node, "pruneblockchain", HEIGHT + 1) == (
                -8,
                "Blockchain is shorter than the attempted prune height.",
            )
            assert await refusal(node, "pruneblockchain", 2 * 10**9) == (
                -8,
                "Could not find block with at least the specified timestamp.",
            )
            assert await node.call("pruneblockchain", 50) == -1
            last = await node.call("pruneblockchain", HEIGHT)
            assert isinstance(last, int)
            assert 100 < last < LARGE_BLOCKS
            assert await node.call("pruneblockchain", HEIGHT) == last
            info = await node.call("getblockchaininfo")
            assert isinstance(info, dict)
            assert info["pruneheight"] == last + 1
            assert await refusal(node, "getblock", old) == (
                -1,
                "Block not available (pruned data)",
            )
            header = await node.call("getblockheader", old)
            assert isinstance(header, dict)
            assert header["nTx"] == 1
            first = await node.call("getblockhash", last + 1)
            assert await node.call("getblock", first)

    asyncio.run(pruned())
    assert used(folder) < 30_000_000

    async def start(target: int | None, **more: bool) -> None:
        async with full_node(settings(folder, target, **more)) as node:
            assert node.height == (0 if more else HEIGHT)

    asyncio.run(start(0))
    with pytest.raises(StorageError, match="-reindex to go back to unpruned mode"):
        asyncio.run(start(None))
    with pytest.raises(StorageError, match="cannot be built anew"):
        asyncio.run(start(0, reindex_chainstate=True))
    shutil.rmtree(folder / "indexes" / "coins")
    with pytest.raises(StorageError, match="coins end before"):
        asyncio.run(start(0))
    asyncio.run(start(None, reindex=True))
    assert used(folder) < 30_000_000


def test_what_coins_are_still_built_from_stays(folder: Path) -> None:
    store = RocksStore(folder / "indexes" / "coins")
    filters = RocksStore(folder / "indexes" / "filters")
    kernel = Kernel(REGTEST, folder, threads=0)
    pruner = Pruner(kernel, PrunedBlocks(folder / "indexes" / "pruned"))
    ledger = Ledger(kernel, Coins(store), FilterIndex(filters), pruner)
    assert ledger.prune(None, 0) == 0
    ledger.hold()
    ledger.catch_up(LARGE_BLOCKS)
    assert ledger.prune(None, 0) == 0, "they may go back by some blocks"
    ledger.catch_up(HEIGHT)
    assert 100 < ledger.prune(None, 0) <= LARGE_BLOCKS
    ledger.close()
    store.close()
    filters.close()
