"""Headers and filter headers from a file, instead of from peers.

Headers are checked by all rules, as if a peer had sent them. Filter headers prove nothing by
themselves: what is checked here is that they go on from those that are known, and the next peers
are compared with the last of them, which commits to all (BIP 157).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from axon.errors import ConfigError, disk_refusal
from axon.host.lightstorage import LightStorage
from axon.machine import Instant
from axon.primitives.hashes import BlockHash
from axon.primitives.header import HEADER_SIZE, Header

AT_ONCE: Final = 2_000
"""Headers that are read, checked and written in one go."""

_FILTER_HEADER_SIZE: Final = 32


def import_headers(storage: LightStorage, path: Path, now: Instant) -> int:
    """Take in headers from a file; how many were new.

    Args:
        storage: where they are kept.
        path: 80 bytes each, one behind the other, from the genesis block or the one after it on,
            such as another client's `light/headers.dat`.
        now: microseconds since 1970.

    Raises:
        ConfigError: one of them breaks a rule, or the file is none of headers; those before it are
            kept.
        StorageError: the disk refuses.
    """
    _check_ours(storage)
    new = place = 0
    for chunk in _read(path, HEADER_SIZE):
        raws = [chunk[at : at + HEADER_SIZE] for at in range(0, len(chunk), HEADER_SIZE)]
        headers = [Header(raw) for raw in raws]
        verdict = storage.headers.add_chain(headers, now)
        storage.keep_headers(headers[verdict.count - verdict.new : verdict.count])
        new, place = new + verdict.new, place + verdict.count
        if verdict.rejected is not None:
            raise ConfigError(
                f"header {place} in {path} is refused: {verdict.rejected.reason}; {new:,} headers"
                " before it were new, and are kept"
            )
    return new


def import_filter_headers(storage: LightStorage, path: Path) -> int:
    """Take in filter headers from a file; how many were new.

    Args:
        storage: where they are kept; it knows the headers of their blocks.
        path: 32 bytes each, one behind the other, from the genesis block's on.

    Raises:
        ConfigError: they are others than those that are known, or there are more than headers.
        StorageError: the disk refuses.
    """
    _check_ours(storage)
    chain, best, height = storage.filter_headers, storage.headers.best, 0
    before = chain.height
    for chunk in _read(path, _FILTER_HEADER_SIZE):
        headers = [
            chunk[at : at + _FILTER_HEADER_SIZE] for at in range(0, len(chunk), _FILTER_HEADER_SIZE)
        ]
        if height + len(headers) > best.height + 1:
            raise ConfigError(f"{path} has filter headers of blocks whose headers are not known")
        known = max(0, min(before + 1 - height, len(headers)))
        if any(header != chain.at(height + at) for at, header in enumerate(headers[:known])):
            raise ConfigError(f"{path} has other filter headers than those that are known")
        if known < len(headers):
            first, last = height + known, height + len(headers) - 1
            chain.append(_block_hashes(storage, first, last), headers[known:])
            change = chain.take_changes()
            assert change is not None, "it has grown"
            storage.keep_filter_headers(change.start_height, change.records)
        height += len(headers)
    return chain.height - before


def _check_ours(storage: LightStorage) -> None:
    if not storage.is_ours:
        raise ConfigError("another wallet keeps the headers: close it, and import them then")


def _block_hashes(storage: LightStorage, first: int, last: int) -> list[BlockHash]:
    entry = storage.headers.best.ancestor(last)
    hashes: list[BlockHash] = []
    while entry is not None and entry.height >= first:
        hashes.append(entry.hash)
        entry = entry.parent
    return hashes[::-1]


def _read(path: Path, size: int) -> Iterator[bytes]:
    """Records of a file, some at a time.

    Raises:
        ConfigError: it cannot be read, or ends in the middle of one.
    """
    try:
        with path.open("rb") as file:
            while chunk := file.read(AT_ONCE * size):
                if len(chunk) % size:
                    raise ConfigError(f"{path} ends in the middle of a record of {size} bytes")
                yield chunk
    except OSError as error:
        raise disk_refusal(f"cannot read {path}", error, ConfigError) from error
