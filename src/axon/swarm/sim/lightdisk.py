"""What a light client has on its disk in a simulation: it outlives the client's crashes."""

from __future__ import annotations

from collections.abc import Sequence

from axon.chain.headertree import HeaderTree
from axon.errors import StorageError
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

    def read_filters(self, hashes: Sequence[BlockHash]) -> list[bytes | None]:
        """Filters that were kept; None for each that was not."""
        self._check()
        return list(map(self.filters.get, hashes))

    def _check(self) -> None:
        if self.is_lost:
            raise StorageError("the wallet's folder is gone")
