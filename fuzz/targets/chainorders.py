"""Orders about the chain: the file of them, and what a kernel makes of any series."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from axon.chain.orders import ChainOrder
from axon.consensus.kernel import Kernel
from axon.errors import StorageError
from axon.host.blockorders import BlockOrders
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash, to_hex
from axon.primitives.network import REGTEST
from axon.primitives.verdict import Accepted
from fuzz.source import Source
from tests.consensus.chains import GENESIS, GENESIS_SPOT, chain_on, spot_of

MAX_ORDERS: Final = 12
"""Of one input: each moves a chain."""

_ORDERS: Final = (ChainOrder.INVALIDATE, ChainOrder.RECONSIDER)
"""Not to prefer: some series in which that is ordered too end the process by libbitcoinkernel's
self-check on regtest, and bitcoind at the same order."""

_TRUNK: Final[list[Block]] = chain_on(GENESIS_SPOT, 5)
_BLOCKS: Final[tuple[Block, ...]] = (
    *_TRUNK,
    *chain_on(spot_of(_TRUNK[1], 2), 4, tag=1),
    *chain_on(spot_of(_TRUNK[3], 4), 1, tag=2),
)
"""Three branches: of 5, 6 and 5 blocks."""

_PARENTS: Final = {block.hash: block.header.prev for block in _BLOCKS}


def orders_file(data: bytes) -> None:
    """`indexes/orders`: what is read is written again, and read as the same."""
    with TemporaryDirectory() as folder, suppress(StorageError):
        path = Path(folder) / "orders"
        path.write_bytes(data)
        orders = BlockOrders(path)
        before = list(orders.set_aside), [*orders.pending, (ChainOrder.PREFER, GENESIS.hash)]
        orders.note(ChainOrder.PREFER, GENESIS.hash, lambda _: False)
        again = BlockOrders(path)
        assert (list(again.set_aside), again.pending) == before


@cache
def _kernel() -> Kernel:
    kernel = Kernel(REGTEST, threads=0)
    for block in _BLOCKS:
        assert kernel.process_block(block.raw).verdict == Accepted()
    return kernel


def block_orders(data: bytes) -> None:
    """Any series of orders: the kernel goes to the best of what is not invalid.

    An order marks a block with all above it, or frees it with all below and above it. What the file
    says is set aside is marked.
    """
    source, kernel = Source(data), _kernel()
    for block in _BLOCKS:
        kernel.carry_out(ChainOrder.RECONSIDER, block.hash)
    with TemporaryDirectory() as folder:
        orders, marked = BlockOrders(Path(folder) / "orders"), set[BlockHash]()
        for _ in range(MAX_ORDERS):
            if source.is_empty:
                break
            order, block = source.choose(_ORDERS), source.choose(_BLOCKS)
            orders.note(order, block.hash, lambda other: kernel.is_related(block.hash, other))  # noqa: B023 Called at once.
            assert kernel.carry_out(order, block.hash).verdict == Accepted()
            if order is ChainOrder.INVALIDATE:
                marked.update([name for name in _PARENTS if block.hash in _line(name)])
            elif order is ChainOrder.RECONSIDER:
                marked.difference_update(_line(block.hash))
                marked.difference_update([name for name in _PARENTS if block.hash in _line(name)])
            assert marked.issuperset(orders.set_aside)
            _check(kernel, marked)
            if source.flag():
                orders.settled()
            kept = list(orders.set_aside), list(orders.pending)
            orders = BlockOrders(Path(folder) / "orders")
            assert (list(orders.set_aside), orders.pending) == kept


def _check(kernel: Kernel, marked: set[BlockHash]) -> None:
    fit = [name for name in _PARENTS if marked.isdisjoint(_line(name))]
    tip, height = kernel.tip()
    assert height == max((len(_line(name)) for name in fit), default=0)
    assert tip in (*fit, GENESIS.hash)


def _line(name: BlockHash) -> list[BlockHash]:
    """A block and all below it, but for the first of all."""
    line: list[BlockHash] = []
    while name != GENESIS.hash:
        line.append(name)
        name = _PARENTS[name]
    return line


_NAME: Final = to_hex(GENESIS.hash).encode()

EXAMPLES: Final[dict[str, list[bytes]]] = {
    "orders-file": [
        b"invalid %s\ninvalidate %s\nreconsider %s\nprefer %s\n" % ((_NAME,) * 4),
        b"invalid 00\n",
        b"invalid \xff",
    ],
    "block-orders": [
        bytes((0, 0, 1, 1, 5, 0, 0, 2, 0)),
        bytes((2, 4, 0, 0, 5, 1, 2, 9, 0, 1, 9, 0)),
        bytes(range(36)),
    ],
}
"""The first inputs."""

TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "orders-file": orders_file,
    "block-orders": block_orders,
}
