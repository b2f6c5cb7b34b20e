"""Slow work of a light client about coins of others; beside the lane of its wallet."""

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
"""The lane of searches: the wallet waits for none of them."""


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
    """Look for what spends coins in a block: `chain.spends`; Rejected if it is not that block."""

    hash: BlockHash
    raw: bytes
    outpoints: tuple[OutPoint, ...]


SpendJob = SearchKept | SearchFilters | SearchBlock


class FilterFiles(Protocol):
    """Where filters are kept."""

    def keep_filters(self, filters: Sequence[tuple[BlockHash, bytes]]) -> None:
        """Write filters down, if they are to be kept."""

    def read_filters(self, hashes: Sequence[BlockHash]) -> Sequence[bytes | None]:
        """Filters that were kept; None for each that was not."""


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


def _search_kept(files: FilterFiles, job: SearchKept) -> tuple[bool, ...]:
    found: list[bool] = []
    before, *headers = job.filter_headers
    kept = files.read_filters(job.names)
    for name, header, data in zip(job.names, headers, kept, strict=True):
        if data is None or filter_header(sha256d(data), before) != header:
            break
        found.append(may_match(data, name, job.scripts))
        before = header
    return tuple(found)


def _search_block(job: SearchBlock) -> tuple[tuple[OutPoint, Txid], ...] | Rejected:
    block = read_body(job.hash, job.raw)
    return block if isinstance(block, Rejected) else spends_in(block, job.outpoints)
