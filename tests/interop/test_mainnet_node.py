"""A node on the main chain's parameters, given the chain's real first blocks.

Waits for other processes; each wait has a limit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from axon.primitives.block import Block
from axon.primitives.hashes import to_hex
from axon.primitives.network import MAINNET
from axon.primitives.transaction import COIN
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from tests.interop.mainnetblocks import BlockPeer, first_blocks

pytestmark = [pytest.mark.interop, pytest.mark.process]

SYNC_LIMIT_S = 30.0
FIRST_PAYMENT = 170  # Ten bitcoin from Satoshi Nakamoto to Hal Finney.


@contextmanager
def node_beside(folder: Path, blocks: Sequence[Block]) -> Iterator[tuple[NodeProcess, BlockPeer]]:
    """A node that knows one peer, which serves these blocks."""
    with BlockPeer(blocks) as peer:
        options = (f"-connect={peer.endpoint}", "-minimumchainwork=0")
        with NodeProcess("early", folder, chain="main", options=options) as node:
            yield node.start(), peer


def test_the_first_blocks_of_2009_are_synced_and_validated(tmp_path: Path) -> None:
    blocks = first_blocks()
    with node_beside(tmp_path, blocks) as (node, peer):
        wait_until(lambda: node.height() == len(blocks), SYNC_LIMIT_S, "255 real blocks")
        assert node.tip() == to_hex(blocks[-1].hash)
        assert peer.served == len(blocks)
        assert all("axon" in name for name in peer.user_agents)

        told = node.rpc("getblockchaininfo")
        assert (told["chain"], told["blocks"], told["headers"]) == ("main", 255, 255)
        assert told["initialblockdownload"] is True  # Its tip is years old.
        assert int(told["chainwork"], 16) == 256 * 0x1_0001_0001
        for height in (0, 1, FIRST_PAYMENT, 255):
            block = MAINNET.genesis if height == 0 else blocks[height - 1]
            assert node.rpc("getblockhash", height) == to_hex(block.hash)
            assert bytes.fromhex(node.rpc("getblock", to_hex(block.hash), 0)) == block.raw

        (payment,) = blocks[FIRST_PAYMENT - 1].transactions[1:]
        assert payment.inputs[0].prevout[:32] == blocks[8].transactions[0].txid
        newest = to_hex(blocks[-1].transactions[0].txid)
        # The view of coins follows the blocks, a little later during the first sync.
        wait_until(lambda: node.rpc("gettxout", newest, 0) is not None, SYNC_LIMIT_S, "coins")
        assert node.rpc("gettxout", to_hex(blocks[8].transactions[0].txid), 0) is None
        coin = node.rpc("gettxout", to_hex(payment.txid), 0)
        assert (coin["value"] * COIN, coin["confirmations"]) == (10 * COIN, 255 - 170 + 1)

        assert node.stop() == 0
        node.start("-connect=0")  # Alone, and later: all of it is still there.
        assert node.tip() == to_hex(blocks[-1].hash)


def test_a_payment_changed_by_one_satoshi_is_refused(tmp_path: Path) -> None:
    blocks = first_blocks()
    real = blocks[FIRST_PAYMENT - 1]
    place = real.raw.index((10 * COIN).to_bytes(8, "little"))
    forged = bytearray(real.raw)
    forged[place] += 1
    served = [*blocks[: FIRST_PAYMENT - 1], Block.decode(bytes(forged)), *blocks[FIRST_PAYMENT:]]
    assert served[FIRST_PAYMENT - 1].hash == real.hash  # The header does not tell.
    with node_beside(tmp_path, served) as (node, peer):
        wait_until(lambda: node.height() == FIRST_PAYMENT - 1, SYNC_LIMIT_S, "169 real blocks")
        wait_until(lambda: peer.served >= FIRST_PAYMENT, SYNC_LIMIT_S, "and a forged one")
        # The forgery is not remembered as the block: from an honest hand the node takes it.
        assert node.rpc("submitblock", real.raw.hex()) is None
        assert node.rpc("getblockhash", FIRST_PAYMENT) == to_hex(real.hash)
        assert bytes.fromhex(node.rpc("getblock", to_hex(real.hash), 0)) == real.raw
        # The operator named the peer, so it may stay; but it is not asked again and again.
        assert FIRST_PAYMENT <= peer.served <= len(blocks)
