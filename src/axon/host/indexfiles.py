"""The background indexes of a full node, opened on disk.

    indexes/transactions/    `-txindex`
    indexes/coinsums/        `-coinstatsindex`
    indexes/spenders/        `-txospenderindex`

Each can be built anew from the blocks, which happens by itself where one is damaged, or goes up to
a block that is not stored any more. One that is switched off stays as it is, and goes on from there
when it is switched on again.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Collection, Container, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from axon.chain.backgroundindex import BackgroundIndex
from axon.chain.coinstatsindex import CoinStatsIndex
from axon.chain.store import Store
from axon.chain.txindex import TxIndex
from axon.chain.txospenderindex import TxoSpenderIndex
from axon.consensus.kernelmuhash import muhash
from axon.consensus.validator import Validator
from axon.drivers.aio.stores import RocksStore
from axon.errors import DamageError, StorageError
from axon.primitives.hashes import to_hex
from axon.primitives.network import Network

_log = logging.getLogger("axon")


@dataclass(frozen=True, slots=True)
class IndexKind:
    """How one index is opened.

    Args:
        folder: below `indexes/`; none of Bitcoin Core's, whose form is another.
        make: the index over a store, for a network.
    """

    folder: str
    make: Callable[[Store, Network], BackgroundIndex]


INDEXES: Final[Mapping[str, IndexKind]] = {
    TxIndex.name: IndexKind("transactions", lambda store, _: TxIndex(store)),
    CoinStatsIndex.name: IndexKind(
        "coinsums", lambda store, network: CoinStatsIndex(store, network, muhash())
    ),
    TxoSpenderIndex.name: IndexKind("spenders", lambda store, _: TxoSpenderIndex(store)),
}
"""In the order in which `getindexinfo` tells of them."""

FOLDERS: Final = tuple([kind.folder for kind in INDEXES.values()])


class IndexFiles:
    """The indexes of one node that are switched on.

    Args:
        folder: `indexes/` of the network's folder.
        network: whose chain.
        names: which.

    Attributes:
        indexes: those that are open, by name.
    """

    def __init__(self, folder: Path, network: Network, names: Collection[str]) -> None:
        self._folder = folder
        self._network = network
        self._names = names
        self._stores: list[RocksStore] = []
        self.indexes: dict[str, BackgroundIndex] = {}

    def forget(self, folders: Container[str]) -> None:
        """Delete indexes, also those that are switched off.

        Args:
            folders: which.
        """
        self.close()
        for folder in FOLDERS:
            if folder in folders:
                shutil.rmtree(self._folder / folder, ignore_errors=True)

    def open(self, validator: Validator, pruned_below: int) -> None:
        """Open them, from nothing where one is of no use.

        Args:
            validator: whose blocks they follow.
            pruned_below: blocks below this height are on the disk no more.

        Raises:
            StorageError: one ends before the blocks that are left; or the disk failed.
        """
        for name, kind in INDEXES.items():
            if name not in self._names:
                continue
            try:
                index = self._opened(kind, validator)
            except DamageError as damage:
                _log.warning("%s; the %s is built anew", damage, name)
                shutil.rmtree(self._folder / kind.folder, ignore_errors=True)
                index = self._opened(kind, validator)
            if index.height + 1 < pruned_below:
                raise StorageError(
                    f"{name} best block of the index goes beyond pruned data (including undo data)."
                    " Please disable the index or reindex (which will download the whole"
                    " blockchain again)"
                )
            self.indexes[name] = index

    def _opened(self, kind: IndexKind, validator: Validator) -> BackgroundIndex:
        """One index.

        Raises:
            DamageError: it is damaged, or goes up to a block that is not stored.
        """
        store = RocksStore(self._folder / kind.folder)
        try:
            index = kind.make(store, self._network)
            if index.best is not None and validator.read_block(index.best) is None:
                raise index.damage(f"An index goes up to block {to_hex(index.best)}, which is lost")
        except BaseException:
            store.close()
            raise
        self._stores.append(store)
        return index

    def close(self) -> None:
        """Let go of their files, also where one refuses.

        Raises:
            StorageError: the disk refuses.
        """
        self.indexes.clear()
        with ExitStack() as closing:
            while self._stores:
                closing.callback(self._stores.pop().close)
