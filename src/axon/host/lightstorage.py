"""What all wallets of a network share on disk: headers and filter headers.

    light/network             the magic of the network that all of it is of, in hex
    light/headers.dat         every header accepted, 80 bytes each, parents first
    light/headers.checked     which of these need not be checked again (host/headermark)
    light/filterheaders.dat   block hash and filter header by height, 64 bytes each
    light/filters/            the filters themselves, if they are to be kept (RocksDB)
    light/peers.dat           known addresses
    light/banlist.json        banned ones

All of it can be lost: it is asked of peers again. One process writes; a second wallet that runs at
the same time reads what is there, keeps what it learns in memory, and writes nothing. Headers and
filter headers stay in their files, and are read from there: a client looks at few of them. The file
of headers grows and is never cut, so that it can be read by others; that of filter headers is read
so only by who may cut it.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

from axon.chain.headertree import HeaderEntry, HeaderTree
from axon.drivers.aio.privatefiles import make_folder, open_file, write_atomically
from axon.drivers.aio.recordfile import AppendFile
from axon.errors import ConfigError, DamageError, StorageError, disk_refusal
from axon.host.headermark import HeaderMark
from axon.node.heldfilters import HeldFilters
from axon.p2p.filterheaders import RECORD_SIZE, FilterHeaderChain
from axon.primitives.hashes import BlockHash
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.network import Network

if TYPE_CHECKING:
    from axon.drivers.aio.stores import RocksStore

HEADERS_AT_ONCE: Final = 10_000
"""Headers read at a time: 800 kB."""

MARK_EVERY: Final = 5_000
"""Headers that a start checks before it notes that they need not be checked again: some 10 ms."""

_NETWORK_FILE: Final = "network"
_MARK: Final = "headers.checked"
_log = logging.getLogger("axon")


class LightStorage:
    """Headers and filter headers on disk.

    Args:
        folder: where they lie; made if it is missing.
        network: whose.
        keep_filters: filters are kept, too: some 15 GB on the main network. Those that are there
            are used in any case.

    Raises:
        ConfigError: the folder cannot be used.
        StorageError: the disk refuses, or what lies there is another network's.
    """

    headers: HeaderTree
    filter_headers: FilterHeaderChain

    def __init__(self, folder: Path, network: Network, *, keep_filters: bool = False) -> None:
        self.folder = folder
        try:
            make_folder(folder)
            self._lock = open_file(folder / ".lock", os.O_RDWR | os.O_CREAT)
        except OSError as error:
            raise disk_refusal(f"cannot write to '{folder}'", error, ConfigError) from error
        self.is_ours = self._take_lock()
        self._refuse_others(network)
        self._header_file = AppendFile(
            folder / "headers.dat", HEADER_SIZE, read_only=not self.is_ours
        )
        self._filter_file = AppendFile(
            folder / "filterheaders.dat", RECORD_SIZE, read_only=not self.is_ours
        )
        self._keeps_filters = keep_filters
        self._held = HeldFilters()
        self._filters = self._open_filters()
        self._load_headers(network)
        self._load_filter_headers()

    def keep_headers(self, headers: Sequence[Header]) -> None:
        """Write headers down, parents first."""
        if self.is_ours:
            self._header_file.append(b"".join([header.raw for header in headers]))

    def keep_filter_headers(self, start_height: int, records: bytes) -> None:
        """Write filter headers down from a height on, in place of what was there."""
        if self.is_ours:
            self._filter_file.truncate(min(start_height, len(self._filter_file)))
            self._filter_file.append(records)

    def keep_filters(self, filters: Sequence[tuple[BlockHash, bytes]]) -> None:
        """Write filters down, if they are to be kept."""
        if self._filters is not None and self._keeps_filters:
            self._filters.write(dict(filters))

    def hold_filters(self, filters: Sequence[tuple[BlockHash, bytes]]) -> int:
        """Hold filters that may be false, on disk if filters are kept; for how many is room."""
        if self._filters is None or not self._keeps_filters:
            return self._held.hold(filters)
        self._filters.write(dict(filters))
        return len(filters)

    def read_filters(self, hashes: Sequence[BlockHash]) -> Sequence[bytes | None]:
        """Filters that were kept or are held; None for each that is not there."""
        if self._filters is None:
            return [self._held.get(name) for name in hashes]
        kept = self._filters.multi_get(hashes)
        return [data or self._held.get(name) for name, data in zip(hashes, kept, strict=True)]

    def take_filters(self, hashes: Sequence[BlockHash]) -> Sequence[bytes | None]:
        """The same; those that were only held are let go."""
        found = self.read_filters(hashes)
        self._held.let_go(hashes)
        return found

    def close(self) -> None:
        """Let go of the files."""
        if self._filters is not None:
            self._filters.close()
        self._header_file.close()
        self._filter_file.close()
        os.close(self._lock)

    def _refuse_others(self, network: Network) -> None:
        """Signets share their first block and their folder, and each has a magic of its own.

        A folder in which nothing says whose it is, which no program of another signet has used
        since this is asked, becomes this network's.
        """
        path, ours = self.folder / _NETWORK_FILE, network.magic.hex()
        try:
            found = path.read_text(errors="replace").strip()
        except FileNotFoundError:
            if self.is_ours:
                self._mark(path, ours)
            return
        if found != ours:
            os.close(self._lock)
            raise StorageError(
                f"The headers in {self.folder} are those of another network: {path.name} says"
                f" {found[:8]}, this network's magic is {ours}. Use another -datadir."
            )

    def _mark(self, path: Path, magic: str) -> None:
        try:
            write_atomically(path, f"{magic}\n".encode())
        except OSError as error:
            os.close(self._lock)
            raise disk_refusal(f"cannot write '{path}'", error, ConfigError) from error

    def _open_filters(self) -> RocksStore | None:
        """The kept filters; the library is loaded only where there are or shall be any."""
        path = self.folder / "filters"
        if not self.is_ours or not (self._keeps_filters or path.exists()):
            return None
        from axon.drivers.aio.stores import RocksStore

        return RocksStore(path)

    def _take_lock(self) -> bool:
        try:
            fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            _log.info("another wallet keeps the headers; this one only reads them")
            return False
        return True

    def _load_headers(self, network: Network) -> None:
        file = self._header_file
        self.headers, checked = self._checked_headers(network)
        try:
            self.headers.load(self._read_headers(checked, len(file)))
        except DamageError as damage:
            _log.warning("headers.dat: %s; what comes before is kept", damage)
            if self.is_ours:
                file.replace(b"".join(_chain_to(self.headers.best)))
            return
        if self.is_ours and len(file) - checked >= MARK_EVERY:
            self._mark_headers()

    def _checked_headers(self, network: Network) -> tuple[HeaderTree, int]:
        """A tree with the headers that an earlier start has checked, and how many they are."""
        tree, mark, file = HeaderTree(network), self._read_mark(), self._header_file
        tree.read_from(file.octets())
        if mark is None or mark.count > len(file) or self._digest(mark.count) != mark.digest:
            return tree, 0
        try:
            tree.restore(self._read_headers(0, mark.count), mark.segments)
        except DamageError:
            tree = HeaderTree(network)
            tree.read_from(file.octets())
            return tree, 0
        return tree, mark.count

    def _read_mark(self) -> HeaderMark | None:
        try:
            return HeaderMark.decode((self.folder / _MARK).read_bytes())
        except OSError:
            return None

    def _mark_headers(self) -> None:
        count = len(self._header_file)
        if len(self.headers) != count + 1:
            return  # Some are there twice, and the shape of the tree is not that of the file.
        mark = HeaderMark(count, self._digest(count), tuple(self.headers.segments()))
        try:
            write_atomically(self.folder / _MARK, mark.encode())
        except OSError as error:
            _log.info("headers will be checked again: %s", error)

    def _digest(self, count: int) -> bytes:
        found = sha256()
        for chunk in self._read_headers(0, count):
            found.update(chunk)
        return found.digest()

    def _read_headers(self, start: int, stop: int) -> Iterator[bytes]:
        for at in range(start, stop, HEADERS_AT_ONCE):
            yield self._header_file.read(at, min(HEADERS_AT_ONCE, stop - at))

    def _load_filter_headers(self) -> None:
        file = self._filter_file
        # Another process may cut the file, and write others in the place of what it cut off.
        chain = FilterHeaderChain.load(file.octets() if self.is_ours else file.read())
        chain.truncate(chain.fork(self.headers.best))
        chain.take_changes()  # What was cut off is cut off the file right here.
        if self.is_ours:
            self._filter_file.truncate(chain.height + 1)
        self.filter_headers = chain


def _chain_to(entry: HeaderEntry) -> list[bytes]:
    """The headers from the one after the genesis block up to an entry."""
    raws: list[bytes] = []
    while entry.parent is not None:
        raws.append(entry.header.raw)
        entry = entry.parent
    return raws[::-1]
