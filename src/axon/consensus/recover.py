"""What a killed process leaves behind, given back to the kernel.

The kernel writes a block to its file at once, but its index and its coins only now and then.
Killed, it comes up again at an older tip, and the next block it stores lands on top of those it
forgot. So before anything else is fed, the files are read from their end backwards for blocks that
the index does not have, and these are fed again in the order in which they lie there. The kernel
then stores each in the very place where it was, so this may itself be interrupted at any instant.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from axon.consensus.blockfiles import BlockFiles, Record
from axon.primitives.hashes import BlockHash
from axon.primitives.header import Header

ENOUGH_KNOWN: Final = 1_000
"""So many known blocks in a row, read backwards, end the search: what the index forgot lies at the
end; only blocks written again during an earlier recovery can be mixed with it."""


def forgotten(files: BlockFiles, has_block: Callable[[BlockHash], bool]) -> list[Record]:
    """The stored blocks that the kernel does not have, in the order in which they were stored."""
    found: list[Record] = []
    known_in_a_row = 0
    for number in reversed(files.numbers()):
        missing = 0
        for record in reversed(files.records(number)):
            if has_block(record.hash):
                known_in_a_row += 1
                if known_in_a_row >= ENOUGH_KNOWN:
                    return found[::-1]
            else:
                found.append(record)
                known_in_a_row = 0
                missing += 1
        if not missing:
            break
    return found[::-1]


def recover(
    files: BlockFiles,
    records: list[Record],
    knows_header: Callable[[BlockHash], bool],
    process_header: Callable[[bytes], object],
    process_block: Callable[[bytes], object],
) -> None:
    """Feed blocks back that the index has forgotten.

    Args:
        files: where they lie.
        records: what `forgotten` found.
        knows_header: whether the kernel's index has this header.
        process_header: takes a header's 80 bytes into the index.
        process_block: takes a block; what it refuses was refused before.
    """
    waiting = {record.hash: Header(record.header) for record in records}
    for record in records:
        raw = files.read(record)
        if raw is None:
            continue
        # During the first sync blocks arrive before their parents; headers were known by then.
        chain: list[Header] = []
        header: Header | None = Header(record.header)
        while header is not None and not knows_header(header.prev):
            header = waiting.get(header.prev)
            if header is not None:
                chain.append(header)
        if header is None:
            continue  # It leads to nothing that is known: a peer will send it again.
        for ancestor in reversed(chain):
            process_header(ancestor.raw)
        process_block(raw)


def reindex_height(files: BlockFiles, genesis: BlockHash) -> int:
    """Up to which height a reindex comes with what is readable; 0 if no block above the first is.

    What lies behind a gap is of no use to it: blocks whose parent is missing are asked of peers.
    Reads the beginning of every block: minutes for a main network's, on a slow disk.
    """
    heights = {genesis: 0}
    waiting: dict[BlockHash, list[BlockHash]] = {}  # Children, by a parent not met yet.
    best = 0
    for number in files.numbers():
        for record in files.records(number):
            parent = Header(record.header).prev
            if parent not in heights:
                waiting.setdefault(parent, []).append(record.hash)
                continue
            found = [(record.hash, heights[parent] + 1)]
            while found:
                block_hash, height = found.pop()
                heights[block_hash] = height
                best = max(best, height)
                found += [(child, height + 1) for child in waiting.pop(block_hash, ())]
    return best


def what_is_lost(files: BlockFiles, genesis: BlockHash) -> str:
    """What a reindex will bring back, and what not, in a sentence; as slow as `reindex_height`."""
    height = reindex_height(files, genesis)
    if not height:
        return "No block can be read from the block files: all are fetched from peers again."
    return (
        f"Blocks up to height {height:,} are read from the block files again, all later ones are"
        " fetched from peers."
    )
