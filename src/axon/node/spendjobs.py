"""Slow work of a light client for others: about their coins, and filters for partner wallets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from axon.chain.blockbody import read_body
from axon.chain.filters import may_match
from axon.chain.spends import spends_in
from axon.primitives.hashes import BlockHash, Txid, filter_header, sha256d
from axon.primitives.transaction import OutPoint
from axon.primitives.verdict import Rejected

SPENDS: Final = "spends"
"""The lane of this work: the wallet waits for none of it."""


@dataclass(frozen=True, slots=True)
class SearchKept:
    """Match filters that were kept in earlier runs.

    The outcome says of each whether its block may have one of the scripts, up to the first that was
    not kept or is not what its filter header commits to.

    Args:
        names: of the blocks, upwards.
        filter_headers: that of the block before, then those of the blocks.
        scripts: as in outputs.
    """

    names: tuple[BlockHash, ...]
    filter_headers: tuple[bytes, ...]
    scripts: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SearchFilters:
    """Keep filters, if they are to be kept, and match them.

    The outcome says of each whether its block may have one of the scripts.

    Args:
        filters: block hash and filter of each; they are what their filter headers commit to.
        scripts: as in outputs.
    """

    filters: tuple[tuple[BlockHash, bytes], ...]
    scripts: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class SearchBlock:
    """Look for what spends coins in a block: `chain.spends`; Rejected if it is not that block.

    Args:
        segwit: whether witnesses hold at its height.
    """

    hash: BlockHash
    raw: bytes
    outpoints: tuple[OutPoint, ...]
    segwit: bool


@dataclass(frozen=True, slots=True)
class ReadFilterRange:
    """Read filters that were kept, to give them away.

    The outcome is a tuple with each, or with its hash, up to the first that was not kept or is not
    what its filter header commits to.

    Args:
        names: of the blocks, upwards.
        filter_headers: that of the block before, then those of the blocks.
        hashes_only: the hashes are wanted.
        limit_bytes: of the outcome.
    """

    names: tuple[BlockHash, ...]
    filter_headers: tuple[bytes, ...]
    hashes_only: bool
    limit_bytes: int


@dataclass(frozen=True, slots=True)
class KeepFilterRange:
    """Check filters that somebody gave us, and keep them.

    The outcome is how many are what their filter headers commit to, up to the first that is not;
    and, if all are, how many of those behind them there was room for, of which nothing is known.

    Args:
        filters: block hash and filter of each, upwards.
        filter_headers: that of the block before, then those of the blocks, as far as they are
            known; nothing if that of the block before is not.
    """

    filters: tuple[tuple[BlockHash, bytes], ...]
    filter_headers: tuple[bytes, ...]


SpendJob = SearchKept | SearchFilters | SearchBlock | ReadFilterRange | KeepFilterRange

READ_AT_ONCE: Final = 100
"""Filters read at a time, 2 MB of full blocks."""

SIZE_BYTES: Final = 5
"""Before each filter of a message, its length (a compact size)."""


class FilterFiles(Protocol):
    """Where filters are kept."""

    def keep_filters(self, filters: Sequence[tuple[BlockHash, bytes]]) -> None:
        """Write filters down, if they are to be kept."""

    def hold_filters(self, filters: Sequence[tuple[BlockHash, bytes]]) -> int:
        """Hold filters that may be false until they are asked for; for how many there was room."""

    def read_filters(self, hashes: Sequence[BlockHash]) -> Sequence[bytes | None]:
        """Filters that were kept or are held; None for each that is not there."""


def perform(files: FilterFiles, job: SpendJob) -> object:
    """Do one job; its outcome."""
    match job:
        case SearchKept():
            return _search_kept(files, job)
        case SearchFilters(filters, scripts):
            files.keep_filters(filters)
            return tuple([may_match(data, name, scripts) for name, data in filters])
        case SearchBlock():
            return _search_block(job)
        case ReadFilterRange():
            return _read_range(files, job)
        case KeepFilterRange(filters, filter_headers):
            checked = filters[: max(len(filter_headers) - 1, 0)]
            count = _count_fitting([data for _, data in checked], filter_headers)
            files.keep_filters(filters[:count])
            if count < len(checked):
                return count
            return count + files.hold_filters(filters[count:])


def _count_fitting(filters: Sequence[bytes | None], headers: Sequence[bytes]) -> int:
    """How many filters, from the first on, are there and what the header behind each commits to."""
    for count, data in enumerate(filters):
        if data is None or filter_header(sha256d(data), headers[count]) != headers[count + 1]:
            return count
    return len(filters)


def _search_kept(files: FilterFiles, job: SearchKept) -> tuple[bool, ...]:
    kept = files.read_filters(job.names)
    count = _count_fitting(kept, job.filter_headers)
    return tuple(
        [
            may_match(data, name, job.scripts)
            for name, data in zip(job.names[:count], kept, strict=False)
            if data is not None
        ]
    )


def _read_range(files: FilterFiles, job: ReadFilterRange) -> tuple[bytes, ...]:
    found: list[bytes] = []
    size = 0
    for start in range(0, len(job.names), READ_AT_ONCE):
        names = job.names[start : start + READ_AT_ONCE]
        kept = files.read_filters(names)
        count = _count_fitting(kept, job.filter_headers[start : start + len(names) + 1])
        for data in kept[:count]:
            assert data is not None, "it was counted"
            given = sha256d(data) if job.hashes_only else data
            size += len(given) + SIZE_BYTES
            if size > job.limit_bytes:
                return tuple(found)
            found.append(given)
        if count < len(names):
            break
    return tuple(found)


def _search_block(job: SearchBlock) -> tuple[tuple[OutPoint, Txid], ...] | Rejected:
    block = read_body(job.hash, job.raw, segwit=job.segwit)
    return block if isinstance(block, Rejected) else spends_in(block, job.outpoints)
