"""Transactions, with and without witness (BIP 144).

A `Transaction` holds its bytes and where their parts begin; inputs and outputs become values only
when somebody reads them. `scan_transaction` finds the end of a transaction inside a longer run of
bytes, which is how blocks are cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from struct import Struct
from struct import error as StructError
from typing import Final, NewType, Self

from axon.errors import DecodeError
from axon.primitives.encoding import MAX_SIZE, compact_size, read_compact_size, var_bytes
from axon.primitives.hashes import Txid, Wtxid

COIN: Final = 100_000_000
"""One bitcoin in satoshi."""

MAX_MONEY_SAT: Final = 21_000_000 * COIN
"""No amount may be larger."""

SEQUENCE_FINAL: Final = 0xFFFF_FFFF
"""An input's sequence that switches lock times off."""

WITNESS_SCALE_FACTOR: Final = 4
"""Weight of a byte outside the witness (BIP 141)."""

OutPoint = NewType("OutPoint", bytes)
"""36 bytes, as hashed and sent: txid, then the output's index in 32 bits, little-endian."""

NULL_OUTPOINT: Final = OutPoint(bytes(32) + b"\xff\xff\xff\xff")
"""What the only input of a coinbase spends."""

_U32 = Struct("<I")
_I32 = Struct("<i")
_I64 = Struct("<q")
_SMALLEST_INPUT = 41
_SMALLEST_OUTPUT = 9


def outpoint(txid: Txid, index: int) -> OutPoint:
    """The name of an output; `index` from 0 to 2**32 - 1."""
    return OutPoint(txid + _U32.pack(index))


def outpoint_txid(point: OutPoint) -> Txid:
    """The transaction that made this output."""
    return Txid(point[:32])


def outpoint_index(point: OutPoint) -> int:
    """Which of its outputs, from 0."""
    return int(_U32.unpack_from(point, 32)[0])


@dataclass(frozen=True, slots=True)
class TxOut:
    """An output.

    Args:
        amount_sat: satoshi, 64 bits, signed on the wire.
        script_pubkey: what must be satisfied to spend it.
    """

    amount_sat: int
    script_pubkey: bytes

    def encode(self) -> bytes:
        """Amount, then the script behind its length."""
        return _I64.pack(self.amount_sat) + var_bytes(self.script_pubkey)


@dataclass(frozen=True, slots=True)
class TxIn:
    """An input.

    Args:
        prevout: the output it spends.
        script_sig: the legacy proof; empty for native segwit.
        sequence: 32 bits (BIP 68, BIP 125).
        witness: stack items (BIP 141); empty if none.
    """

    prevout: OutPoint
    script_sig: bytes = b""
    sequence: int = SEQUENCE_FINAL
    witness: tuple[bytes, ...] = ()

    def encode(self) -> bytes:
        """Prevout, script behind its length, sequence; the witness travels elsewhere."""
        return self.prevout + var_bytes(self.script_sig) + _U32.pack(self.sequence)


class Transaction:
    """A transaction; holds its bytes and reads fields on demand.

    Made by `decode`, `scan_transaction` or `build`. Two are equal when their bytes are.
    """

    __slots__ = (
        "_body_end",
        "_inputs",
        "_outputs",
        "_prevouts",
        "_stripped",
        "_txid",
        "_wtxid",
        "raw",
    )

    raw: bytes
    """As sent: with the witness if it has one."""

    def __init__(self, raw: bytes, body_end: int) -> None:
        self.raw = raw
        self._body_end = body_end  # Where the witness begins; 0 if there is none.
        self._inputs: tuple[TxIn, ...] | None = None
        self._outputs: tuple[TxOut, ...] | None = None
        self._prevouts: tuple[OutPoint, ...] | None = None
        self._stripped: bytes | None = None
        self._txid: Txid | None = None
        self._wtxid: Wtxid | None = None

    @classmethod
    def decode(cls, raw: bytes) -> Transaction:
        """A transaction from exactly these bytes.

        Raises:
            DecodeError: they are cut short, go on behind its end, or are not in the one valid form.
        """
        transaction, end = scan_transaction(raw, 0)
        if end != len(raw):
            raise DecodeError("the end of the transaction", end)
        return transaction

    @classmethod
    def build(
        cls, version: int, inputs: Sequence[TxIn], outputs: Sequence[TxOut], locktime: int = 0
    ) -> Self:
        """A transaction from its parts; with witness bytes if any input has a witness.

        Args:
            version: 32 bits, unsigned.
            inputs: in order.
            outputs: in order.
            locktime: 32 bits: a height below 500,000,000, else seconds since 1970.
        """
        body = b"".join(
            (
                compact_size(len(inputs)),
                *(item.encode() for item in inputs),
                compact_size(len(outputs)),
                *(item.encode() for item in outputs),
            )
        )
        head, tail = _U32.pack(version), _U32.pack(locktime)
        if not any(item.witness for item in inputs):
            return cls(head + body + tail, 0)
        witness = b"".join(
            compact_size(len(item.witness)) + b"".join(map(var_bytes, item.witness))
            for item in inputs
        )
        return cls(head + b"\x00\x01" + body + witness + tail, 6 + len(body))

    def encode(self) -> bytes:
        """The bytes as sent, witness included."""
        return self.raw

    @property
    def has_witness(self) -> bool:
        """Whether any input has a witness."""
        return self._body_end != 0

    @property
    def stripped(self) -> bytes:
        """The bytes without marker, flag and witness: what the txid is the hash of."""
        if not self._body_end:
            return self.raw
        found = self._stripped
        if found is None:
            raw = self.raw
            found = self._stripped = raw[:4] + raw[6 : self._body_end] + raw[-4:]
        return found

    @property
    def txid(self) -> Txid:
        """The name that outpoints use: sha256d without the witness."""
        found = self._txid
        if found is None:
            raw, end = self.raw, self._body_end
            body = raw[:4] + raw[6:end] + raw[-4:] if end else raw
            found = self._txid = Txid(sha256(sha256(body).digest()).digest())
        return found

    @property
    def wtxid(self) -> Wtxid:
        """The name that relay uses: sha256d with the witness (BIP 141, BIP 339)."""
        found = self._wtxid
        if found is None:
            if self._body_end:
                found = Wtxid(sha256(sha256(self.raw).digest()).digest())
            else:
                found = Wtxid(self.txid)
            self._wtxid = found
        return found

    @property
    def version(self) -> int:
        """32 bits, unsigned."""
        return int(_U32.unpack_from(self.raw, 0)[0])

    @property
    def locktime(self) -> int:
        """32 bits: a height below 500,000,000, else seconds since 1970."""
        return int(_U32.unpack_from(self.raw, len(self.raw) - 4)[0])

    def work_out(self, *, parts: bool) -> None:
        """Work out now, off a loop, what else is when it is wanted: names and, perhaps, parts."""
        _ = self.txid, self.wtxid, parts and self.inputs

    @property
    def inputs(self) -> tuple[TxIn, ...]:
        """The inputs with their witnesses."""
        if self._inputs is None:
            self._read()
        assert self._inputs is not None
        return self._inputs

    @property
    def outputs(self) -> tuple[TxOut, ...]:
        """The outputs, in order; their index is half of the name of a coin."""
        if self._outputs is None:
            self._read()
        assert self._outputs is not None
        return self._outputs

    @property
    def prevouts(self) -> tuple[OutPoint, ...]:
        """The outputs that it spends, in the order of its inputs."""
        found = self._prevouts
        if found is None:
            found = self._prevouts = tuple([item.prevout for item in self.inputs])
        return found

    @property
    def is_coinbase(self) -> bool:
        """Whether it is the first transaction of a block: one input, which spends nothing."""
        start = 6 if self._body_end else 4
        return self.raw[start] == 1 and self.raw.startswith(NULL_OUTPOINT, start + 1)

    @property
    def size_bytes(self) -> int:
        """As sent, witness included."""
        return len(self.raw)

    @property
    def weight_wu(self) -> int:
        """Four for each byte outside the witness, one for each inside (BIP 141)."""
        if not self._body_end:
            return len(self.raw) * WITNESS_SCALE_FACTOR
        return (self._body_end + 2) * 3 + len(self.raw)

    @property
    def vsize(self) -> int:
        """A quarter of the weight, rounded up."""
        return (self.weight_wu + 3) // 4

    def _read(self) -> None:
        """Fill in inputs and outputs; the form was checked when the transaction was scanned."""
        raw, offset = self.raw, 6 if self._body_end else 4
        count, offset = read_compact_size(raw, offset)
        parts: list[tuple[OutPoint, bytes, int]] = []
        for _ in range(count):
            size, start = read_compact_size(raw, offset + 36)
            end = start + size
            sequence = _U32.unpack_from(raw, end)[0]
            parts.append((OutPoint(raw[offset : offset + 36]), raw[start:end], sequence))
            offset = end + 4
        count, offset = read_compact_size(raw, offset)
        outputs: list[TxOut] = []
        for _ in range(count):
            size, start = read_compact_size(raw, offset + 8)
            amount = _I64.unpack_from(raw, offset)[0]
            offset = start + size
            outputs.append(TxOut(amount, raw[start:offset]))
        self._outputs = tuple(outputs)
        if not self._body_end:
            self._inputs = tuple([TxIn(*part) for part in parts])
            return
        inputs: list[TxIn] = []
        for part in parts:
            count, offset = read_compact_size(raw, offset)
            stack: list[bytes] = []
            for _ in range(count):
                size, start = read_compact_size(raw, offset)
                offset = start + size
                stack.append(raw[start:offset])
            inputs.append(TxIn(*part, tuple(stack)))
        self._inputs = tuple(inputs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Transaction) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.raw)

    def __repr__(self) -> str:
        return f"Transaction({self.txid[::-1].hex()})"


def scan_transaction(data: bytes, offset: int) -> tuple[Transaction, int]:
    """The transaction that begins at `offset`, and the offset behind it.

    Raises:
        DecodeError: it is cut short; a compact size is not the shortest; the witness flag is none
            that is known; or it is marked as having a witness and every stack is empty.
    """
    try:
        return _scan(data, offset)
    except (IndexError, StructError):
        raise DecodeError("a whole transaction", offset) from None


def _scan(data: bytes, start: int) -> tuple[Transaction, int]:
    # The hot loop of block decoding: sizes of one byte, nearly all there are, are read in place.
    size_end = len(data)
    offset = start + 4
    witness = data[offset] == 0
    if witness:
        if data[offset + 1] != 1:
            raise DecodeError("the witness flag 1", offset + 1)
        offset += 2
    inputs = data[offset]
    if inputs < 0xFD:
        offset += 1
    else:
        inputs, offset = read_compact_size(data, offset, MAX_SIZE // _SMALLEST_INPUT)
    if witness and inputs == 0:
        raise DecodeError("at least one input", offset)
    for _ in range(inputs):
        offset += 36
        size = data[offset]
        if size < 0xFD:
            offset += size + 5
        else:
            size, offset = read_compact_size(data, offset)
            offset += size + 4
    outputs = data[offset]
    if outputs < 0xFD:
        offset += 1
    else:
        outputs, offset = read_compact_size(data, offset, MAX_SIZE // _SMALLEST_OUTPUT)
    for _ in range(outputs):
        offset += 8
        size = data[offset]
        if size < 0xFD:
            offset += size + 1
        else:
            size, offset = read_compact_size(data, offset)
            offset += size
    body_end = 0
    if witness:
        body_end = offset - start
        offset = _skip_witness(data, offset, inputs)
    offset += 4
    if offset > size_end:
        raise DecodeError("a whole transaction", start)
    return Transaction(data[start:offset], body_end), offset


def _skip_witness(data: bytes, offset: int, inputs: int) -> int:
    empty = True
    for _ in range(inputs):
        items = data[offset]
        if items < 0xFD:
            offset += 1
        else:
            items, offset = read_compact_size(data, offset)
        if items:
            empty = False
        for _ in range(items):
            size = data[offset]
            if size < 0xFD:
                offset += size + 1
            else:
                size, offset = read_compact_size(data, offset)
                offset += size
    if empty:
        raise DecodeError("a witness where the flag announces one", offset)
    return offset
