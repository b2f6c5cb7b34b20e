"""What a light client has on its disk in a simulation: it outlives the client's crashes."""

from __future__ import annotations

from collections.abc import Sequence

from axon.chain.headertree import HeaderTree
from axon.errors import StorageError
from axon.node.heldfilters import HeldFilters
from axon.p2p.filterheaders import RECORD_SIZE, FilterHeaderChain
from axon.primitives.hashes import BlockHash
from axon.primitives.header import Header
from axon.primitives.network import REGTEST


class LightDisk:
    """Headers, filter headers and filters, as `host.lightstorage` keeps them.

    Args:
        keep_filters: whether filters are kept, too.

    Attributes:
        is_lost: the folder is gone, and whoever reads or writes in it fails.
    """

    def __init__(self, *, keep_filters: bool = True) -> None:
        self._keeps_filters = keep_filters
        self.is_lost = False
        self.headers: list[Header] = []  # As they were learnt, parents first.
        self.filter_headers = b""
        self.filters: dict[BlockHash, bytes] = {}
        self._held = HeldFilters()

    def load(self) -> tuple[HeaderTree, FilterHeaderChain]:
        """What a client finds when it starts."""
        tree = HeaderTree(REGTEST)
        tree.load([b"".join([header.raw for header in self.headers])])
        chain = FilterHeaderChain.load(self.filter_headers)
        chain.truncate(chain.fork(tree.best))
        chain.take_changes()
        return tree, chain

    def keep_headers(self, headers: Sequence[Header]) -> None:
        """Write headers down, parents first."""
        self._check()
        self.headers += headers

    def keep_filter_headers(self, start_height: int, records: bytes) -> None:
        """Write filter headers down from a height on, in place of what was there."""
        self._check()
        self.filter_headers = self.filter_headers[: start_height * RECORD_SIZE] + records

    def keep_filters(self, filters: Sequence[tuple[BlockHash, bytes]]) -> None:
        """Write filters down, if they are to be kept."""
        self._check()
        if self._keeps_filters:
            self.filters.update(filters)

    def hold_filters(self, filters: Sequence[tuple[BlockHash, bytes]]) -> int:
        """Hold filters that may be false; for how many there was room."""
        self._check()
        if not self._keeps_filters:
            return self._held.hold(filters)
        self.filters.update(filters)
        return len(filters)

    def read_filters(self, hashes: Sequence[BlockHash]) -> list[bytes | None]:
        """Filters that were kept or are held; None for each that is not there."""
        self._check()
        return [self.filters.get(name) or self._held.get(name) for name in hashes]

    def take_filters(self, hashes: Sequence[BlockHash]) -> list[bytes | None]:
        """The same; those that were only held are let go."""
        found = self.read_filters(hashes)
        self._held.let_go(hashes)
        return found

    def _check(self) -> None:
        if self.is_lost:
            raise StorageError("the wallet's folder is gone")
