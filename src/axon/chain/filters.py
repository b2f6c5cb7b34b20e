"""Basic block filters (BIP 158) and the chain of their headers (BIP 157).

A filter says in a few bytes per script whether a block pays to or spends from it; it never misses
one, and errs the other way once in 784,931 times. Scripts become numbers below N * 784,931 under a
key that is the block's; the filter is their sorted differences, Golomb-Rice coded. Each filter
header commits to the filter and to the header before, so that a client needs to trust nobody who
serves it filters.
"""

from __future__ import annotations

import re
import sys
from array import array
from collections.abc import Collection, Iterable
from itertools import accumulate
from operator import add
from typing import Final

from siphash24 import siphash24

from axon.chain.coins import Coin
from axon.chain.parts import BlockParts
from axon.compiled import MODULES
from axon.errors import DecodeError
from axon.primitives.block import Block
from axon.primitives.encoding import compact_size, read_compact_size
from axon.primitives.hashes import ZERO_HASH, BlockHash, sha256d
from axon.primitives.script import OP_RETURN

_SCANS: Final = "axon.chain.filterscan" in MODULES  # Which gives the same answers faster.
if _SCANS:
    from axon.chain.filterscan import UNREADABLE, count_wanted

GENESIS_PREV_HEADER: Final = ZERO_HASH
"""What the filter header of the genesis block builds on."""

_UNTOLD = bytes((OP_RETURN,))  # How outputs begin that filters leave out.
_REMAINDER_BITS = 19  # The P of BIP 158: so many low bits of a difference are written as they are.
_INVERSE_RATE = 784_931  # The M of BIP 158: one in so many foreign scripts seems to match.
_KEY_BYTES = 16  # Of the block hash, as the SipHash key.

_CODE_BITS = _REMAINDER_BITS + 1  # The shortest code: a zero that ends the quotient, the remainder.
_CODE = re.compile("0(.{19})", re.DOTALL)  # Before it stand as many ones as the quotient says.
_ITEM_BITS = 32  # Of an array's item.
_FILL = "0" * (_ITEM_BITS - _REMAINDER_BITS)
_USUAL_QUOTIENTS = 24  # Of ten million differences one has a larger one.
_MASK_64 = (1 << 64) - 1
_FLUSH_BITS = 512  # Integers of this size are still quick to shift.


class _Above(dict[str, int]):
    """What the ones before a code add to the remainder in it, by these ones."""

    def __missing__(self, ones: str) -> int:
        return len(ones) << _REMAINDER_BITS  # Not kept: somebody may make any number of them.


_ABOVE = _Above({"1" * count: count << _REMAINDER_BITS for count in range(_USUAL_QUOTIENTS)})


def filter_elements(block: Block, spent: Iterable[Iterable[Coin]]) -> list[bytes]:
    """The scripts that a basic filter of this block tells of, each once.

    Those of its outputs and of the coins it spends; without empty ones and outputs that begin with
    OP_RETURN.

    Args:
        block: the block.
        spent: the coins that each of its transactions spends.
    """
    scripts = [coin.script_pubkey for coins in spent for coin in coins]
    return elements_of(BlockParts.of(block), scripts)


def elements_of(parts: BlockParts, spent: Iterable[bytes]) -> list[bytes]:
    """The same of what a block spends and makes, with the scripts of the coins it spends."""
    scripts: dict[bytes, None] = {}
    for _, _, outputs in parts.transactions:
        for _, script in outputs:
            if script[:1] != _UNTOLD:
                scripts[script] = None
    scripts.update(dict.fromkeys(spent))
    scripts.pop(b"", None)
    return list(scripts)


def basic_filter(block_hash: BlockHash, elements: Collection[bytes]) -> bytes:
    """The filter of a block.

    Args:
        block_hash: whose first 16 bytes are the key.
        elements: `filter_elements`; each at most once.

    Returns:
        Their number as a compact size, then the codes, the last byte filled with zero bits.
    """
    coded = bytearray(compact_size(len(elements)))
    last, pending, width = 0, 0, 0
    for number in sorted(_numbers(block_hash, elements, len(elements))):
        quotient, remainder = divmod(number - last, 1 << _REMAINDER_BITS)
        last = number
        pending = ((pending << quotient) + (1 << quotient) - 1) << _CODE_BITS | remainder
        width += quotient + _CODE_BITS
        if width >= _FLUSH_BITS:
            width, whole = width & 7, width >> 3
            coded += (pending >> width).to_bytes(whole, "big")
            pending &= (1 << width) - 1
    coded += (pending << -width % 8).to_bytes((width + 7) // 8, "big")
    return bytes(coded)


def decode_filter(data: bytes) -> list[int]:
    """The numbers in a filter, ascending.

    Raises:
        DecodeError: it holds fewer or more than it announces.
    """
    return list(accumulate(_differences(data)[1]))


def match_any(data: bytes, block_hash: BlockHash, scripts: Iterable[bytes]) -> bool:
    """Whether the block of a filter may concern any of these scripts.

    Args:
        data: the filter.
        block_hash: the block's hash.
        scripts: as in outputs; empty ones never match.

    Returns:
        False for certain; True wrongly once in 784,931 for each script.

    Raises:
        DecodeError: the filter holds fewer or more numbers than it announces.
    """
    if _SCANS:
        return _scanned(data, block_hash, list(filter(None, scripts))) > 0
    count, differences = _differences(data)
    wanted = set(_numbers(block_hash, filter(None, scripts), count))
    return not wanted.isdisjoint(accumulate(differences))


def may_match(data: bytes, block_hash: BlockHash, scripts: Iterable[bytes]) -> bool:
    """The same, and True of a filter that nobody can read: its block may have any script."""
    try:
        return match_any(data, block_hash, scripts)
    except DecodeError:
        return True


def missing_elements(data: bytes, block_hash: BlockHash, scripts: Iterable[bytes]) -> int:
    """How many of these scripts a filter does not tell of; none of them empty.

    Raises:
        DecodeError: the filter holds fewer or more numbers than it announces.
    """
    if _SCANS:
        asked = list(scripts)
        return len(asked) - _scanned(data, block_hash, asked)
    count, differences = _differences(data)
    known = set(accumulate(differences))
    return sum(number not in known for number in _numbers(block_hash, scripts, count))


def filter_hash(data: bytes) -> bytes:
    """The hash by which a filter header commits to a filter: sha256d, 32 bytes."""
    return sha256d(data)


def _numbers(block_hash: BlockHash, elements: Iterable[bytes], count: int) -> list[int]:
    key, bound = block_hash[:_KEY_BYTES], count * _INVERSE_RATE
    # The library's integers are signed.
    return [
        (siphash24(element, key=key).intdigest() & _MASK_64) * bound >> 64 for element in elements
    ]


def _scanned(data: bytes, block_hash: BlockHash, scripts: list[bytes]) -> int:
    """How many scripts a filter tells of."""
    count, offset = _announced(data)
    found = count_wanted(block_hash[:_KEY_BYTES], data, offset, count, scripts)
    if found == UNREADABLE:
        raise DecodeError(f"a filter of {count} elements", offset)
    return found


def _announced(data: bytes) -> tuple[int, int]:
    """How many numbers a filter says it holds, and where their codes begin."""
    return read_compact_size(data, 0, len(data) * 8 // _CODE_BITS)


def _differences(data: bytes) -> tuple[int, Iterable[int]]:
    """How many numbers a filter announces, and their differences, the first from 0."""
    count, offset = _announced(data)
    # As text of zeros and ones, because the regular expression cuts codes faster than any loop over
    # bits, and a client that scans does little else. It finds a zero at once or never, however long
    # a run of ones somebody made.
    bits = bin(int.from_bytes(b"\x01" + data[offset:], "big"))[3:]
    pieces = _CODE.split(bits, count) if count else [bits]
    rest = pieces.pop()
    if len(pieces) != 2 * count or len(rest) > 7 or "1" in rest:
        raise DecodeError(f"a filter of {count} elements", offset)
    quotients, remainders = pieces[::2], pieces[1::2]
    # All remainders in one number, each filled up to the size of an item: so they become numbers
    # in one step.
    joined = int(_FILL.join(["0", *remainders]), 2)
    lows = array("I", joined.to_bytes(count * _ITEM_BITS // 8, "big"))
    if sys.byteorder == "little":
        lows.byteswap()
    return count, map(add, lows, map(_ABOVE.__getitem__, quotients))
