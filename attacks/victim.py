"""The node that is attacked, and blocks for it."""

from __future__ import annotations

import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

from axon.chain.deployments import BLOCK_VERSION
from axon.mining.template import coinbase, commitment_script
from axon.primitives.block import Block
from axon.primitives.header import Header
from axon.primitives.merkle import merkle_root
from axon.primitives.transaction import Transaction, TxOut
from axon.swarm.lab.nodeprocess import NodeProcess
from tests.process.blocks import proved, tip_header
from tests.process.conftest import loopback_host

ADDRESS: Final = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
"""To which the victim mines; nobody here has its key."""

HEIGHT: Final = 120
"""Of the victim's chain at first."""

_OUTPUT_BYTES: Final = 9_000


@contextmanager
def victim(options: Sequence[str] = (), descriptors: int | None = None) -> Iterator[NodeProcess]:
    """A node with a short chain of its own.

    Args:
        options: of its command line.
        descriptors: how many files and sockets it may have open; None for what we may.
    """
    with TemporaryDirectory(prefix="axon-attack-") as folder:
        node = NodeProcess("victim", Path(folder) / "node", loopback_host(), options=options)
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        if descriptors is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, limits[1]))
        try:
            node.start(wait=False)  # It inherits the limit, which is its own from then on.
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        try:
            if descriptors is not None:
                assert node.identity is not None
                resource.prlimit(
                    node.identity.pid, resource.RLIMIT_NOFILE, (descriptors, descriptors)
                )
            node.wait_ready()
            node.rpc("generatetoaddress", HEIGHT, ADDRESS)
            yield node
        finally:
            node.kill()


def block_on(
    parent: Header,
    height: int,
    outputs: Sequence[TxOut] = (),
    transactions: Sequence[Transaction] = (),
    *,
    size_bytes: int = 0,
    salt: int = 0,
) -> Block:
    """A block on any header; whether it is valid is not looked at.

    Args:
        height: of the block itself.
        outputs: of its coinbase.
        size_bytes: filled up to so many with outputs that say nothing.
        salt: two blocks that differ in it are two.
    """
    filler = TxOut(0, b"\x6a" + Random(salt).randbytes(_OUTPUT_BYTES))
    paid = [*outputs, *[filler] * (size_bytes // _OUTPUT_BYTES)]
    extra_nonce = salt.to_bytes(8, "little")
    first = coinbase(height, paid, commitment_script(transactions), extra_nonce)
    whole = [first, *transactions]
    root = merkle_root([item.txid for item in whole])
    bare = Header.build(BLOCK_VERSION, parent.hash, root, parent.time + 1, parent.bits, 0)
    return Block.build(proved(bare), whole)


def next_block(
    node: NodeProcess, outputs: Sequence[TxOut] = (), *, size_bytes: int = 0, salt: int = 0
) -> Block:
    """A block on the node's tip."""
    tip, height = tip_header(node), node.height() + 1
    return block_on(tip, height, outputs, size_bytes=size_bytes, salt=salt)


def submit(node: NodeProcess, block: Block) -> Block:
    """Make a valid block the node's tip."""
    refusal = node.rpc("submitblock", block.raw.hex())
    assert refusal is None, refusal
    return block


def is_alive(node: NodeProcess) -> bool:
    """Whether its process runs and a block can still be connected."""
    if not node.is_running:
        return False
    height = node.height()
    node.rpc("generatetoaddress", 1, ADDRESS)
    return node.height() == height + 1
