"""Bytes of a PSBT as they are read: what is wrong with them is said in Bitcoin Core's words."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from axon.errors import DecodeError
from axon.primitives.encoding import MAX_SIZE
from axon.primitives.plaintransaction import scan_plain
from axon.primitives.transaction import Transaction, TxOut, scan_transaction

_T = TypeVar("_T")


class PsbtFault(DecodeError):
    """Bytes are no PSBT; says why in Bitcoin Core's words."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.args = (reason,)


def fault(reason: str) -> PsbtFault:
    """A fault of the bytes; Core's library adds two words to each."""
    return PsbtFault(f"{reason}: iostream error")


def end_of_data() -> PsbtFault:
    """The bytes end too early."""
    return fault("SpanReader::read(): end of data")


class PsbtStream:
    """Reads values one after the other.

    Args:
        data: the bytes.
        offset: where to begin.
    """

    def __init__(self, data: bytes, offset: int = 0) -> None:
        self.data = data
        self.offset = offset

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left."""
        return self.offset >= len(self.data)

    def take(self, size: int) -> bytes:
        """The next bytes.

        Raises:
            PsbtFault: fewer are left.
        """
        end = self.offset + size
        if end > len(self.data):
            raise end_of_data()
        taken = self.data[self.offset : end]
        self.offset = end
        return taken

    def compact_size(self) -> int:
        """A compact size of at most 32 MiB.

        Raises:
            PsbtFault: it is cut short, longer than needed, or too large.
        """
        first = self.take(1)[0]
        if first < 0xFD:
            return first
        width = 2 << (first - 0xFD)
        number = int.from_bytes(self.take(width), "little")
        if number < (0xFD, 1 << 16, 1 << 32)[first - 0xFD]:
            raise fault("non-canonical ReadCompactSize()")
        if number > MAX_SIZE:
            raise fault("ReadCompactSize(): size too large")
        return number

    def var_bytes(self) -> bytes:
        """Bytes behind their length.

        Raises:
            PsbtFault: as `compact_size` and `take`.
        """
        return self.take(self.compact_size())

    def sized(self, read: Callable[[PsbtStream], _T]) -> tuple[_T, bytes]:
        """A value behind its size: what it is read as, and its bytes.

        Raises:
            PsbtFault: it has another size, or what `read` raises.
        """
        size = self.compact_size()
        begin = self.offset
        value = read(self)
        if self.offset != begin + size:
            raise fault("Size of value was not the stated size")
        return value, self.data[begin : self.offset]


def read_entries(stream: PsbtStream) -> dict[bytes, bytes]:
    """The fields of one map as they are, whatever they say: values by key.

    Raises:
        PsbtFault: it is cut short, or has a key twice.
    """
    entries: dict[bytes, bytes] = {}
    while key := stream.var_bytes():
        if key in entries:
            raise fault("Duplicate Key, a field is already provided")
        entries[key] = stream.var_bytes()
    return entries


def read_transaction(stream: PsbtStream) -> Transaction:
    """A transaction, with or without witnesses.

    Raises:
        PsbtFault: it is none.
    """
    try:
        transaction, stream.offset = scan_transaction(stream.data, stream.offset)
    except DecodeError as error:
        raise _transaction_fault(error) from error
    return transaction


def read_plain_transaction(stream: PsbtStream) -> Transaction:
    """A transaction that is read without witnesses; it may have no inputs.

    Raises:
        PsbtFault: it is none.
    """
    try:
        transaction, stream.offset = scan_plain(stream.data, stream.offset)
    except DecodeError as error:
        raise _transaction_fault(error) from error
    return transaction


def _transaction_fault(error: DecodeError) -> PsbtFault:
    expected = error.expected
    if "a witness where the flag" in expected:
        return fault("Superfluous witness record")
    if "witness flag" in expected:
        return fault("Unknown transaction optional data")
    if "shortest" in expected:
        return fault("non-canonical ReadCompactSize()")
    if "at most" in expected:
        return fault("ReadCompactSize(): size too large")
    return end_of_data()


def read_output(stream: PsbtStream) -> TxOut:
    """An output: amount, then script.

    Raises:
        PsbtFault: it is cut short.
    """
    amount_sat = int.from_bytes(stream.take(8), "little", signed=True)
    return TxOut(amount_sat, stream.var_bytes())


def read_number(stream: PsbtStream) -> int:
    """32 bits, signed.

    Raises:
        PsbtFault: it is cut short.
    """
    return int.from_bytes(stream.take(4), "little", signed=True)


def read_stack(stream: PsbtStream) -> tuple[bytes, ...]:
    """The items of a witness.

    Raises:
        PsbtFault: it is cut short.
    """
    return tuple([stream.var_bytes() for _ in range(stream.compact_size())])


def read_32(stream: PsbtStream) -> bytes:
    """32 bytes.

    Raises:
        PsbtFault: fewer are left.
    """
    return stream.take(32)
