"""Partially signed transactions (BIP 174, version 0): read, written, combined, joined.

What Bitcoin Core 31 takes is taken, what it refuses is refused with its words, and what it writes
is written byte for byte.
"""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from axon.errors import DecodeError
from axon.primitives.encoding import var_bytes
from axon.primitives.keys import is_public_key
from axon.primitives.transaction import (
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
    outpoint_index,
    outpoint_txid,
)
from axon.psbt.fields import (
    FINAL_SCRIPT_SIG,
    FINAL_WITNESS,
    NON_WITNESS_UTXO,
    PARTIAL_SIG,
    PROPRIETARY,
    SIGHASH,
    WITNESS_UTXO,
    XPUB,
    Entries,
    key_type,
    ordered_input,
    ordered_output,
    read_input,
    read_origin,
    read_output_map,
    read_unknown,
)
from axon.psbt.stream import (
    PsbtFault,
    PsbtStream,
    fault,
    read_number,
    read_output,
    read_plain_transaction,
)

MAGIC: Final = b"psbt\xff"

_XPUB_SIZE = 78
_KEPT_WHEN_FINAL: Final = frozenset((0x00, 0x01, 0x07, 0x08))
_KNOWN: Final = frozenset((*range(0x09), *range(0x0A, 0x0E), *range(0x13, 0x19), 0x1A, 0x1B, 0x1C))


@dataclass(slots=True)
class PartialTransaction:
    """A partially signed transaction.

    The functions of this room fill its maps in place.

    Args:
        transaction: unsigned.
        general: what is said of the whole: xpubs, proprietary and unknown fields.
        inputs, outputs: what is said of each, in order.
    """

    transaction: Transaction
    general: Entries = field(default_factory=dict)
    inputs: list[Entries] = field(default_factory=list)
    outputs: list[Entries] = field(default_factory=list)

    @classmethod
    def blank(cls, transaction: Transaction) -> PartialTransaction:
        """That of a transaction of which nothing is said yet."""
        inputs: list[Entries] = [{} for _ in transaction.inputs]
        return cls(transaction, {}, inputs, [{} for _ in transaction.outputs])

    @classmethod
    def decode(cls, raw: bytes) -> PartialTransaction:
        """A PSBT from exactly these bytes.

        Raises:
            PsbtFault: they are none.
        """
        stream = PsbtStream(raw)
        if stream.take(len(MAGIC)) != MAGIC:
            raise fault("Invalid PSBT magic bytes")
        transaction, general = _read_general(stream)
        made = cls(transaction, general)
        for item in transaction.inputs:
            if stream.is_empty:
                raise fault("Inputs provided does not match the number of inputs in transaction.")
            entries = read_input(stream)
            _check_parent(entries, item.prevout)
            made.inputs.append(entries)
        for _ in transaction.outputs:
            if stream.is_empty:
                raise fault("Outputs provided does not match the number of outputs in transaction.")
            made.outputs.append(read_output_map(stream))
        if not stream.is_empty:
            raise PsbtFault("extra data after PSBT")
        return made

    @classmethod
    def from_base64(cls, text: str) -> PartialTransaction:
        """A PSBT from its text.

        Raises:
            PsbtFault: it is none.
        """
        raw = decode_base64(text)
        if raw is None:
            raise PsbtFault("invalid base64")
        return cls.decode(raw)

    def copy(self) -> PartialTransaction:
        """One like it, whose maps may be filled without filling these."""
        inputs, outputs = list(map(dict, self.inputs)), list(map(dict, self.outputs))
        return PartialTransaction(self.transaction, dict(self.general), inputs, outputs)

    def encode(self) -> bytes:
        """As bytes."""
        parts = [MAGIC, b"\x01\x00", var_bytes(self.transaction.raw)]
        for key, value in sorted(self.general.items(), key=_general_place):
            parts += (var_bytes(key), var_bytes(value))
        parts.append(b"\x00")
        for entries in self.inputs:
            final = is_signed(entries)
            for key, value in ordered_input(entries):
                if final and key[0] in _KNOWN and key[0] not in _KEPT_WHEN_FINAL:
                    continue
                if key == NON_WITNESS_UTXO:
                    value = Transaction.decode(value).stripped
                parts += (var_bytes(key), var_bytes(value))
            parts.append(b"\x00")
        for entries in self.outputs:
            for key, value in ordered_output(entries):
                parts += (var_bytes(key), var_bytes(value))
            parts.append(b"\x00")
        return b"".join(parts)

    def to_base64(self) -> str:
        """As text."""
        return b2a_base64(self.encode(), newline=False).decode()

    def spent_output(self, index: int) -> TxOut | None:
        """What an input spends, as far as is said."""
        entries = self.inputs[index]
        parent = entries.get(NON_WITNESS_UTXO)
        if parent is not None:
            outputs = Transaction.decode(parent).outputs
            return outputs[outpoint_index(self.transaction.inputs[index].prevout)]
        output = entries.get(WITNESS_UTXO)
        return None if output is None else read_output(PsbtStream(output))

    def combine(self, other: PartialTransaction) -> bool:
        """Take over what another one says of the same transaction; False if it is of another."""
        if self.transaction.txid != other.transaction.txid:
            return False
        for mine, theirs in zip(self.inputs, other.inputs, strict=True):
            _fill_in(mine, {key: theirs[key] for key in theirs if key != SIGHASH})
        for mine, theirs in zip(self.outputs, other.outputs, strict=True):
            _fill_in(mine, theirs)
        for key, value in other.general.items():
            if key[0] != PROPRIETARY:
                self.general.setdefault(key, value)
        return True


def is_signed(entries: Entries) -> bool:
    """Whether an input is final."""
    return FINAL_SCRIPT_SIG in entries or FINAL_WITNESS in entries


def _fill_in(mine: Entries, theirs: Entries) -> None:
    for key, value in theirs.items():
        if key[0] != PROPRIETARY:
            mine.setdefault(key, value)


def join(
    psbts: Sequence[PartialTransaction], inputs: Sequence[int], outputs: Sequence[int]
) -> PartialTransaction:
    """One PSBT with the inputs and outputs of several; signatures are left out.

    Args:
        inputs: in which order they come; all numbers from 0, each once.
        outputs: likewise.

    Raises:
        JoinFault: an input is in two of them.
    """
    seen: dict[TxIn, OutPoint] = {}
    all_inputs: list[tuple[TxIn, Entries]] = []
    all_outputs: list[tuple[TxOut, Entries]] = []
    general: Entries = {}
    for psbt in psbts:
        for item, entries in zip(psbt.transaction.inputs, psbt.inputs, strict=True):
            if item in seen:
                raise JoinFault(item.prevout)
            seen[item] = item.prevout
            all_inputs.append((item, _unsigned(entries)))
        all_outputs += zip(psbt.transaction.outputs, psbt.outputs, strict=True)
        for key, value in psbt.general.items():
            if key[0] not in (XPUB, PROPRIETARY):
                general.setdefault(key, value)
    transaction = Transaction.build(
        max([1, *[psbt.transaction.version for psbt in psbts]]),
        [all_inputs[place][0] for place in inputs],
        [all_outputs[place][0] for place in outputs],
        min([psbt.transaction.locktime for psbt in psbts]),
    )
    return PartialTransaction(
        transaction,
        general,
        [all_inputs[place][1] for place in inputs],
        [all_outputs[place][1] for place in outputs],
    )


class JoinFault(DecodeError):
    """An input is in two PSBTs that are to be joined.

    Args:
        prevout: what it spends.
    """

    def __init__(self, prevout: OutPoint) -> None:
        super().__init__("inputs that are in one of the PSBTs each")
        self.prevout = prevout


def _unsigned(entries: Entries) -> Entries:
    gone = (PARTIAL_SIG, FINAL_SCRIPT_SIG[0], FINAL_WITNESS[0])
    return {key: value for key, value in entries.items() if key[0] not in gone}


def _check_parent(entries: Entries, prevout: OutPoint) -> None:
    parent = entries.get(NON_WITNESS_UTXO)
    if parent is None:
        return
    transaction = Transaction.decode(parent)
    if transaction.txid != outpoint_txid(prevout):
        raise fault("Non-witness UTXO does not match outpoint hash")
    if outpoint_index(prevout) >= len(transaction.outputs):
        raise fault("Input specifies output index that does not exist")


def _read_general(stream: PsbtStream) -> tuple[Transaction, Entries]:
    """The unsigned transaction, and what else is said of the whole."""
    transaction: Transaction | None = None
    has_version = False
    entries: Entries = {}
    while True:
        if stream.is_empty:
            raise fault("Separator is missing at the end of the global map")
        key = stream.var_bytes()
        if not key:
            break
        match key_type(key):
            case 0x00:
                if transaction is not None and key == b"\x00":
                    raise fault("Duplicate Key, unsigned tx already provided")
                _check_lone(key, "Global unsigned tx key")
                found, _ = stream.sized(read_plain_transaction)
                transaction = found
                if any(item.script_sig for item in found.inputs):
                    raise fault("Unsigned tx does not have empty scriptSigs and scriptWitnesses.")
            case 0x01:
                entries[key] = _read_xpub(stream, key, entries)
            case 0xFB:
                if has_version:
                    raise fault("Duplicate Key, version already provided")
                _check_lone(key, "Global version key")
                number, _ = stream.sized(read_number)
                if number:
                    raise fault("Unsupported version number")
                has_version = True
            case _:
                entries[key] = read_unknown(stream, key, entries)
    if transaction is None:
        raise fault("No unsigned transaction was provided")
    return transaction, entries


def _check_lone(key: bytes, label: str) -> None:
    if len(key) != 1:
        raise fault(f"{label} is more than one byte type")


def _read_xpub(stream: PsbtStream, key: bytes, entries: Entries) -> bytes:
    if len(key) != _XPUB_SIZE + 1:
        raise fault("Size of key was not the expected size for the type global xpub")
    if not is_public_key(key[-33:]):
        raise fault("Invalid pubkey")
    if key in entries:
        raise fault("Duplicate key, global xpub already provided")
    return read_origin(stream)


def _general_place(item: tuple[bytes, bytes]) -> tuple[object, ...]:
    key, value = item
    if key[0] == XPUB:
        return xpub_place(key, value)
    return (2, key) if key[0] == PROPRIETARY else (3, key)


def xpub_place(key: bytes, value: bytes) -> tuple[object, ...]:
    """Where an xpub stands among the others: by its origin, then by the key itself."""
    path = tuple([int.from_bytes(value[at : at + 4], "little") for at in range(4, len(value), 4)])
    return 1, value[:4], len(path), path, key[-33:], key[14:46]


def decode_base64(text: str) -> bytes | None:
    """Bytes from base64 with its padding; None if it is none, or not in its one form."""
    try:
        raw = a2b_base64(text)
    except (Base64Error, ValueError):
        return None
    return raw if b2a_base64(raw, newline=False).decode() == text else None


__all__ = ["JoinFault", "PartialTransaction", "PsbtFault", "decode_base64", "is_signed", "join"]
