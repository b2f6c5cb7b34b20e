"""Values out of libbitcoinkernel: hashes, headers, blocks, spent coins, verdicts on headers."""

from __future__ import annotations

import ctypes
import threading
from typing import Final

from axon.chain.coins import Coin
from axon.consensus import library
from axon.consensus.blockfiles import BlockFiles, Record
from axon.consensus.kernel_log import KernelCall, read_hash
from axon.consensus.library import KernelError
from axon.primitives.hashes import BlockHash, to_hex
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.verdict import Accepted, Rejected, Verdict

_CACHED_INVALID: Final = 2
_MISSING_PREV: Final = 5
_INVALID_PREV: Final = 6

_sink: Final = threading.local()


def _write(data: int, size: int, _user_data: int | None) -> int:
    _sink.parts.append(ctypes.string_at(data, size))
    return 0


_WRITER: Final = library.WriteCallback(_write)


def entry_hash(entry: int) -> BlockHash:
    """The block that an entry of the index is about."""
    return read_hash(library.entry_hash(entry))


def entry_header(entry: int) -> bytes:
    """The 80 bytes of an entry's header."""
    header = library.entry_header(entry)
    buffer = ctypes.create_string_buffer(HEADER_SIZE)
    library.header_to_bytes(header, buffer)
    library.header_destroy(header)
    return buffer.raw


class _Location(ctypes.Structure):
    """The begin of what the library keeps of a block: three pointers, then where it is."""

    _fields_ = (
        ("pointers", ctypes.c_void_p * 3),
        ("height", ctypes.c_int),
        ("file", ctypes.c_int),
        ("offset", ctypes.c_uint),
    )


def record_of(entry: int, files: BlockFiles) -> Record | None:
    """Where the block of an entry lies in the files; None if it has none, or none is told.

    The C interface does not tell. A handle is the address of what it stands for, and what is read
    there is believed when the file has this block's header where it says: another version of the
    library may keep other things in these places.
    """
    told = _Location.from_address(entry)
    if told.height != library.entry_height(entry) or told.file < 0:
        return None
    record = files.record_at(told.file, told.offset)
    return record if record is not None and record.hash == entry_hash(entry) else None


def descends(entry: int, ancestor: int) -> bool:
    """Whether one entry of the index builds on another, or is it."""
    height: int = library.entry_height(ancestor)
    if height > library.entry_height(entry):
        return False  # The library would end the process.
    found: int = library.entry_ancestor(entry, height)
    return found == ancestor


def block_bytes(manager: int, entry: int) -> bytes | None:
    """A stored block, written out by the library; None if it has only the header.

    Raises:
        KernelError: the library cannot write out what it has read.
    """
    block = library.block_read(manager, entry)
    if block is None:
        return None
    parts: list[bytes] = []
    _sink.parts = parts
    result = library.block_to_bytes(block, _WRITER, None)
    library.block_destroy(block)
    if result != 0:
        raise KernelError("libbitcoinkernel cannot write out a block that it has read.")
    return b"".join(parts)


def spent_coins(manager: int, entry: int) -> list[list[Coin]] | None:
    """The coins that a block spent, by transaction; None if it was never connected."""
    if library.entry_height(entry) == 0:
        return [[]]  # There is no undo data for a block that spends nothing and is never undone.
    spent = library.spent_read(manager, entry)
    if spent is None:
        return None
    found: list[list[Coin]] = [[]]
    found += [_coins_of(spent, position) for position in range(library.spent_count(spent))]
    library.spent_destroy(spent)
    return found


def spent_sums(manager: int, entry: int) -> list[int] | None:
    """What the coins that each transaction of a block spent are worth, in satoshi.

    Takes a fifth of the time of `spent_coins`. None if the block was never connected.
    """
    if library.entry_height(entry) == 0:
        return [0]
    spent = library.spent_read(manager, entry)
    if spent is None:
        return None
    sums = [0]
    coin_at, output_of, amount_of = (
        library.spent_coin_at,
        library.coin_output,
        library.output_amount,
    )
    for position in range(library.spent_count(spent)):
        transaction, sum_sat = library.spent_at(spent, position), 0
        for index in range(library.spent_coins(transaction)):
            sum_sat += amount_of(output_of(coin_at(transaction, index)))
        sums.append(sum_sat)
    library.spent_destroy(spent)
    return sums


def is_marked(manager: int, raw: bytes) -> bool:
    """Whether the index has a known header, of 80 bytes, marked as invalid.

    The library says so only when the header is given to it again.
    """
    with KernelCall(None) as call:
        verdict = check_header(call, manager, raw)
    return isinstance(verdict, Rejected) and verdict.reason == "duplicate-invalid"


def spent_coins_at(manager: int, entry: int, place: int) -> list[Coin] | None:
    """The coins that one transaction of a block spent; None if the block was never connected.

    Args:
        place: of the transaction in its block; 0 for the coinbase, which spends none.
    """
    if place == 0:
        return []
    spent = library.spent_read(manager, entry)
    if spent is None:
        return None
    coins = _coins_of(spent, place - 1) if place <= library.spent_count(spent) else None
    library.spent_destroy(spent)
    return coins


def _coins_of(spent: int, position: int) -> list[Coin]:
    """The coins of one transaction; the coinbase is not among them."""
    parts: list[bytes] = []
    _sink.parts = parts
    transaction = library.spent_at(spent, position)
    coins: list[Coin] = []
    for index in range(library.spent_coins(transaction)):
        coin = library.spent_coin_at(transaction, index)
        output = library.coin_output(coin)
        parts.clear()
        library.script_to_bytes(library.output_script(output), _WRITER, None)
        coins.append(
            Coin(
                library.coin_height(coin),
                bool(library.coin_is_coinbase(coin)),
                library.output_amount(output),
                b"".join(parts),
            )
        )
    return coins


def check_header(call: KernelCall, manager: int, raw: bytes) -> Verdict:
    """Validate a header of 80 bytes and take it into the index.

    Raises:
        KernelError: the library failed.
    """
    header, state = library.header_create(raw, len(raw)), library.state_create()
    try:
        result = library.manager_process_header(manager, header, state)
        why = library.state_result(state)
    finally:
        library.header_destroy(header)
        library.state_destroy(state)
    call.check("Validation stopped")
    if result == 0:
        return Accepted()
    if why == _MISSING_PREV:
        return Rejected("prev-blk-not-found")
    if why == _INVALID_PREV:
        return Rejected("bad-prevblk")
    if why == _CACHED_INVALID:
        name = to_hex(Header(raw).hash)
        return Rejected("duplicate-invalid", f"block {name} was previously marked invalid")
    return call.bad_header or Rejected("bad-header")
