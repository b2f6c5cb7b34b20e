"""The first blocks of a run, which its nodes read from a file when they begin.

With them nobody takes the network for one that is far behind, the faucet has coins that are ripe,
and a node is at the tip before it has a peer. Were they found by one node for all the others, each
would send each of a hundred blocks to all its peers, which takes more than all else that a start
does. A node that is wiped, or joins later, has its blocks from peers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from axon.chain.deployments import BLOCK_VERSION
from axon.drivers.aio.privatefiles import write_file
from axon.mining.miner import find_nonce
from axon.mining.template import coinbase, commitment_script
from axon.primitives.block import Block
from axon.primitives.header import Header
from axon.primitives.network import REGTEST
from axon.primitives.transaction import TxOut
from axon.swarm.lab.faucet import FAUCET
from axon.swarm.lab.manifest import NETWORK_FOLDER, Component, ComponentKind, Manifest

FIRST_BLOCKS: Final = 101
"""So many that the coins of the first may be spent in the next."""

FILE: Final = "blocks.dat"
"""In the folder of the run: magic, size in 32 bits little-endian, block; and again."""

SPACING_S: Final = 10
"""From block to block; so the first is minutes old, and the last is of now."""

_TRIES: Final = 10_000


def write_first_blocks(folder: Path, now_s: int) -> None:
    """Write the file.

    Args:
        folder: of the run.
        now_s: seconds since 1970; the time of the last block.
    """
    raws = [block.raw for block in first_blocks(now_s)]
    content = b"".join([REGTEST.magic + len(raw).to_bytes(4, "little") + raw for raw in raws])
    fresh = folder / f"{FILE}.new"
    write_file(fresh, content)
    fresh.replace(folder / FILE)


def first_blocks(now_s: int) -> list[Block]:
    """The first blocks behind the genesis block, which pay the faucet.

    Args:
        now_s: as for `write_first_blocks`.
    """
    blocks: list[Block] = []
    last = REGTEST.genesis.header
    for height in range(1, FIRST_BLOCKS + 1):
        reward = TxOut(REGTEST.subsidy_sat(height), FAUCET.script)
        paid = coinbase(height, [reward], commitment_script([]))
        time_s = now_s - (FIRST_BLOCKS - height) * SPACING_S
        header = Header.build(BLOCK_VERSION, last.hash, paid.txid, time_s, last.bits, 0)
        found = find_nonce(header, _TRIES)
        assert found is not None, "on regtest every second hash will do"
        blocks.append(Block.build(found, [paid]))
        last = found
    return blocks


def first_blocks_of(manifest: Manifest, item: Component) -> Path | None:
    """The blocks with which a node of a run begins its life; None if it has lived before, or joins
    a run that is there."""
    path = manifest.folder / FILE
    begins = item.kind is ComponentKind.NODE and not has_lived(manifest, item)
    return path if begins and path.exists() else None


def has_lived(manifest: Manifest, item: Component) -> bool:
    """Whether a component ever ran; one whose run was brought here has at least its disk."""
    folder = manifest.folder_of(item.name) / NETWORK_FOLDER
    return item.process is not None or folder.exists()
