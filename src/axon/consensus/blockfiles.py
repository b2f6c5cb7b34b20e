"""The kernel's files of blocks, `blk00000.dat` and on, read beside the kernel.

A file is a row of records: the network's magic, the size in 32 bits, the block. All of it may be
masked with the eight bytes of `xor.dat`. Behind the last record lie zeros that the kernel reserved,
or, after a crash, records that were written over by others of another length; then the next record
is found by its magic.

axon reads these files for two ends: after a kill they hold blocks that the kernel's index has
forgotten (`recover`), and reading a block here costs a tenth of what the kernel takes to write
it out field by field.
"""

from __future__ import annotations

import mmap
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from axon.errors import StorageError, disk_refusal
from axon.primitives.encoding import read_compact_size
from axon.primitives.hashes import BlockHash
from axon.primitives.header import HEADER_SIZE, Header

KEY_SIZE: Final = 8
_KEY_FILE: Final = "xor.dat"
_NO_KEY: Final = bytes(KEY_SIZE)
_PREFIX_SIZE: Final = 8
_SMALLEST_BLOCK: Final = HEADER_SIZE + 1
_LARGEST_BLOCK: Final = 4_000_000
"""Bytes; no valid block has more (BIP 141)."""
_LONGEST_COUNT: Final = 9
_EMPTY_RUN: Final = 4096
"""So many zeros where a record should begin are space that the kernel reserved, not a crash."""


@dataclass(frozen=True, slots=True)
class Record:
    """Where a block lies.

    Args:
        number: of the file.
        offset: of the block's first byte.
        size_bytes: of the block.
        header: its first 80 bytes.
        torn: whether it lies behind bytes that are no record: what comes there may be written over
            by the kernel, from its middle on.
    """

    number: int
    offset: int
    size_bytes: int
    header: bytes
    torn: bool = False

    @property
    def hash(self) -> BlockHash:
        """The block's hash."""
        return Header(self.header).hash

    @property
    def start(self) -> int:
        """Where the record begins, ahead of the block."""
        return self.offset - _PREFIX_SIZE

    @property
    def end(self) -> int:
        """Where the next record begins."""
        return self.offset + self.size_bytes


class BlockFiles:
    """The files of one `blocks` folder; none is kept open.

    Args:
        directory: the folder; need not exist yet.
        magic: the network's four bytes.
    """

    def __init__(self, directory: Path, magic: bytes) -> None:
        self._directory = directory
        self._magic = magic
        self._key = _NO_KEY

    def mask_if_new(self, key: bytes) -> None:
        """Have blocks masked with these 8 bytes in a folder that has none yet (`-blocksxor`).

        Raises:
            StorageError: the folder cannot be written, or is full.
        """
        try:
            self._directory.mkdir(0o700, parents=True, exist_ok=True)
            if not (self._directory / _KEY_FILE).exists() and not self.numbers():
                self._write_key(key)
        except OSError as error:
            raise disk_refusal(f"Cannot use the folder {self._directory}", error) from error

    def prepare(self, first: bytes = b"") -> bool:
        """Have blocks stored as they are in a folder that has none yet, and read the mask.

        An unmasked block is read with a single copy. The mask is to keep virus scanners from
        taking a block for a virus; Bitcoin Core leaves it out with `-blocksxor=0`.

        Args:
            first: the block with which the first file begins, if that is known: it tells the mask,
                and a mask file that is missing or says something else is set right.

        Returns:
            Whether it was set right.

        Raises:
            StorageError: the folder cannot be read or written, is full, or has another network's
                blocks.
        """
        path = self._directory / _KEY_FILE
        try:
            self._directory.mkdir(0o700, parents=True, exist_ok=True)
            if not path.exists() and not self.numbers():
                self._write_key(_NO_KEY)
            key = path.read_bytes() if path.exists() else _NO_KEY
            told = self._key_told_by(first)
            wrong = told is not None and told != key
            if told is not None and wrong:
                self._write_key(told)
                key = told
        except OSError as error:
            refused = f"Cannot use the folder {self._directory}"
            raise disk_refusal(refused, error) from error
        if len(key) != KEY_SIZE:
            raise StorageError(
                f"{path} is damaged: it must hold {KEY_SIZE} bytes, and the first block file does"
                f" not tell which. Without them no block here can be read: remove the files in"
                f" {self._directory} and start once with -reindex; all blocks are fetched from"
                " peers again."
            )
        self._key = key
        self._refuse_others(first)
        return wrong

    def _refuse_others(self, first: bytes) -> None:
        """Signets share their first block and their folder, and each has a magic of its own."""
        begins = self.read_part(0, 0, _PREFIX_SIZE + HEADER_SIZE)
        magic, header = begins[: len(self._magic)], begins[_PREFIX_SIZE:]
        if first and header == first[:HEADER_SIZE] and magic != self._magic:
            raise StorageError(
                f"The blocks in {self._directory} are those of another network: each begins with"
                f" {magic.hex()}, this network's with {self._magic.hex()}. Use another -datadir."
            )

    def _key_told_by(self, first: bytes) -> bytes | None:
        """The mask under which the first file begins with this block; None if it does not."""
        plain = self._magic + len(first).to_bytes(4, "little") + first[:HEADER_SIZE]
        path = self.path(0)
        if not first or not path.exists():
            return None
        with path.open("rb") as file:
            found = file.read(len(plain))
        key = bytes(there ^ meant for there, meant in zip(found, plain, strict=False))[:KEY_SIZE]
        mask = (key * (len(plain) // KEY_SIZE + 1))[: len(plain)]
        unmasked = bytes(there ^ hidden for there, hidden in zip(found, mask, strict=False))
        return key if unmasked == plain else None

    def _write_key(self, key: bytes) -> None:
        """Write the mask, all of it or nothing: half a mask would be called damage."""
        fresh = self._directory / f"{_KEY_FILE}.new"
        fresh.write_bytes(key)
        fresh.replace(self._directory / _KEY_FILE)

    def path(self, number: int) -> Path:
        """The file of this number."""
        return self._directory / f"blk{number:05}.dat"

    def numbers(self) -> list[int]:
        """The numbers of the files that exist, upwards."""
        names = [path.stem[3:] for path in self._directory.glob("blk?????.dat")]
        return sorted(int(name) for name in names if name.isdecimal())

    def records(self, number: int) -> list[Record]:
        """All blocks of a file, in the order in which they lie there."""
        path = self.path(number)
        if path.stat().st_size == 0:
            return []
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return self._walk(number, data)

    def size_bytes(self, number: int | None = None) -> int:
        """Of one file with its undo data, or of all."""
        name = "*" if number is None else f"{number:05}"
        found = [*self._directory.glob(f"blk{name}.dat"), *self._directory.glob(f"rev{name}.dat")]
        return sum(path.stat().st_size for path in found)

    def is_empty(self, number: int) -> bool:
        """Whether a file holds nothing, for it was emptied."""
        return self.path(number).stat().st_size == 0

    def empty(self, number: int) -> None:
        """Take the blocks of a file and what they spent off the disk; the names stay.

        Raises:
            OSError: the disk refuses.
        """
        for path in (self.path(number), self._directory / f"rev{number:05}.dat"):
            if path.exists():
                os.truncate(path, 0)

    def delete_for_reindex(self) -> None:
        """Delete what a reindex cannot use: all undo data, and blocks from the first empty file on.

        Raises:
            StorageError: the disk refuses.
        """
        try:
            gap = next((number for number in self.numbers() if self.is_empty(number)), None)
            for number in self.numbers():
                if gap is not None and number >= gap:
                    self.path(number).unlink()
            for path in self._directory.glob("rev?????.dat"):
                path.unlink()
        except OSError as error:
            raise disk_refusal(f"Cannot use the folder {self._directory}", error) from error

    def transaction_count(self, record: Record) -> int | None:
        """How many transactions a block has; None if it does not lie there any more."""
        head = self._read_at(record.number, record.offset, HEADER_SIZE + _LONGEST_COUNT)
        if head[:HEADER_SIZE] != record.header:
            return None
        return read_compact_size(head, HEADER_SIZE)[0]

    def read(self, record: Record) -> bytes | None:
        """The bytes of a block; None if the file has become shorter."""
        raw = self._read_at(record.number, record.offset, record.size_bytes)
        return raw if len(raw) == record.size_bytes else None

    def find(self, number: int, offset: int, raw: bytes) -> Record | None:
        """The record of this block, if the one that begins at `offset` is its."""
        prefix = self._magic + len(raw).to_bytes(4, "little") + raw[:HEADER_SIZE]
        if self._read_at(number, offset, len(prefix)) != prefix:
            return None
        return Record(number, offset + _PREFIX_SIZE, len(raw), raw[:HEADER_SIZE])

    def record_at(self, number: int, offset: int) -> Record | None:
        """The record of the block whose first byte lies there; None if there is none."""
        start = offset - _PREFIX_SIZE
        if start < 0:
            return None
        head = self._read_at(number, start, _PREFIX_SIZE + HEADER_SIZE)
        size = int.from_bytes(head[4:_PREFIX_SIZE], "little")
        if not head.startswith(self._magic) or len(head) < _PREFIX_SIZE + HEADER_SIZE:
            return None
        return Record(number, offset, size, head[_PREFIX_SIZE:])

    def read_part(self, number: int, offset: int, size: int) -> bytes:
        """Bytes of a file, unmasked; fewer if it has become shorter."""
        return self._read_at(number, offset, size)

    def _read_at(self, number: int, offset: int, size: int) -> bytes:
        try:
            handle = os.open(self.path(number), os.O_RDONLY)
        except FileNotFoundError:
            return b""
        try:
            return self._unmask(os.pread(handle, size, offset), offset)
        finally:
            os.close(handle)

    def _walk(self, number: int, data: mmap.mmap) -> list[Record]:
        found: list[Record] = []
        offset, end, torn = 0, len(data), False
        while offset + _PREFIX_SIZE + _SMALLEST_BLOCK <= end:
            head = self._unmask(data[offset : offset + _PREFIX_SIZE + HEADER_SIZE], offset)
            size = int.from_bytes(head[4:_PREFIX_SIZE], "little")
            start = offset + _PREFIX_SIZE
            if (
                head.startswith(self._magic)
                and _SMALLEST_BLOCK <= size <= _LARGEST_BLOCK
                and start + size <= end
            ):
                found.append(Record(number, start, size, head[_PREFIX_SIZE:], torn))
                offset = start + size
                continue
            following = self._next_magic(data, offset + 1)
            if following is None:
                break
            offset, torn = following, True
        return found

    def _next_magic(self, data: mmap.mmap, start: int) -> int | None:
        """Where the next record may begin; None in space that was never written."""
        if not any(data[start : start + _EMPTY_RUN]):
            return None
        key = self._key
        found: list[int] = []
        for phase in range(KEY_SIZE if any(key) else 1):
            masked = bytes(
                byte ^ key[(phase + position) % KEY_SIZE]
                for position, byte in enumerate(self._magic)
            )
            place = data.find(masked, start)
            while place >= 0 and any(key) and place % KEY_SIZE != phase:
                place = data.find(masked, place + 1)
            if place >= 0:
                found.append(place)
        return min(found, default=None)

    def _unmask(self, data: bytes, offset: int) -> bytes:
        key = self._key
        if key == _NO_KEY:
            return data
        phase = offset % KEY_SIZE
        turned = key[phase:] + key[:phase]
        mask = (turned * (len(data) // KEY_SIZE + 1))[: len(data)]
        number = int.from_bytes(data, "little") ^ int.from_bytes(mask, "little")
        return number.to_bytes(len(data), "little")
