"""The operator's orders about the chain, kept until the kernel keeps them itself.

The kernel writes its index down only now and then, and orders change that index. So an order is
written here before it is carried out, and stays until the kernel was closed in order. A start that
finds orders carries them out once more, in their order: a process that was killed in the middle of
one has finished it then.

The blocks that he set aside are remembered for good. The kernel knows them as invalid, but not that
nobody is to blame who sends them.

The file is a list of lines, each an order and a block: `invalid HASH` for what is set aside, and
`invalidate HASH`, `reconsider HASH`, `prefer HASH` for what may have to be done again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from axon.chain.orders import ChainOrder
from axon.drivers.aio.privatefiles import make_folder, write_atomically
from axon.errors import StorageError, disk_refusal
from axon.primitives.hashes import BlockHash, from_hex, to_hex

ENOUGH: Final = 1_000
"""Orders after which the kernel is made to write its index down, so that they may be forgotten."""

_SET_ASIDE: Final = "invalid"


class BlockOrders:
    """The orders of one node.

    Args:
        path: of the file; written at the first order.

    Raises:
        StorageError: it cannot be read, or is damaged.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.set_aside: dict[BlockHash, None] = {}
        """The blocks that the operator wants invalid."""
        self.pending: list[tuple[ChainOrder, BlockHash]] = []
        """What the kernel may have forgotten when it is opened again, the oldest first."""
        try:
            lines = path.read_text().splitlines() if path.exists() else []
            for line in lines:
                word, _, name = line.partition(" ")
                block_hash = BlockHash(from_hex(name))
                if word == _SET_ASIDE:
                    self.set_aside[block_hash] = None
                else:
                    self.pending.append((ChainOrder(word), block_hash))
        except OSError as error:
            raise disk_refusal(f"Cannot read {path}", error) from error
        except ValueError as error:
            raise StorageError(
                f"{path} is damaged ({error}); remove it. Blocks that were invalidated may then"
                " be valid again."
            ) from error

    def note(
        self,
        order: ChainOrder,
        block_hash: BlockHash,
        is_related: Callable[[BlockHash], bool],
    ) -> None:
        """Write an order down; on the disk when this returns.

        Args:
            order: what is wanted.
            block_hash: of the block that it is about.
            is_related: whether another block builds on this one, or this one on it.

        Raises:
            StorageError: the disk refuses.
        """
        if order is ChainOrder.INVALIDATE:
            self.set_aside[block_hash] = None
        elif order is ChainOrder.RECONSIDER:
            for other in list(self.set_aside):
                if is_related(other):
                    del self.set_aside[other]
        self.pending.append((order, block_hash))
        self._write()

    def withdraw(self, block_hash: BlockHash) -> None:
        """The last order to invalidate this block could not be carried out.

        Raises:
            StorageError: the disk refuses.
        """
        self.set_aside.pop(block_hash, None)
        self.pending.reverse()
        self.pending.remove((ChainOrder.INVALIDATE, block_hash))
        self.pending.reverse()
        self._write()

    def settled(self) -> None:
        """The kernel has written everything down.

        Raises:
            StorageError: the disk refuses.
        """
        if self.pending:
            self.pending.clear()
            self._write()

    def forget(self) -> None:
        """The kernel's index is made anew, and all blocks have another chance."""
        self._path.unlink(missing_ok=True)
        self.set_aside.clear()
        self.pending.clear()

    def _write(self) -> None:
        lines = [f"{_SET_ASIDE} {to_hex(block_hash)}\n" for block_hash in self.set_aside]
        lines += [f"{order.value} {to_hex(block_hash)}\n" for order, block_hash in self.pending]
        try:
            make_folder(self._path.parent)
            write_atomically(self._path, "".join(lines).encode())
        except OSError as error:
            raise disk_refusal(f"Cannot write {self._path}", error) from error
