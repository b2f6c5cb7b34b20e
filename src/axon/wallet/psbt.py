"""Partially signed transactions (BIP 174): how a payment travels between those who sign it.

A `Psbt` is its bytes, checked by BDK when it is read. Files hold them as they are, people copy them
as base64; both are read.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Final

import bdkpython as bdk

from axon.errors import DecodeError
from axon.primitives.encoding import Reader
from axon.primitives.transaction import (
    OutPoint,
    Transaction,
    TxOut,
    outpoint_index,
    outpoint_txid,
)
from axon.wallet.bdkwallet import from_bdk_transaction
from axon.wallet.errors import BadPsbt

MAX_PSBT_BYTES: Final = 16 << 20
"""It carries the whole transactions that it spends from; forty of the largest."""

_MAGIC: Final = b"psbt\xff"
_NON_WITNESS_UTXO = b"\x00"
_WITNESS_UTXO = b"\x01"


@dataclass(frozen=True, slots=True)
class Psbt:
    """A partially signed transaction; from `read_psbt`.

    Args:
        raw: its bytes (BIP 174).
        transaction: with the signatures that are final, without the others.
        spent: what each input spends, as far as the PSBT says; None where it says nothing that
            fits.
    """

    raw: bytes = field(repr=False)
    transaction: Transaction
    spent: tuple[TxOut | None, ...] = field(repr=False)

    @property
    def base64(self) -> str:
        """As it is copied from screen to screen."""
        return b64encode(self.raw).decode()


def read_psbt(data: bytes | str) -> Psbt:
    """A PSBT from its bytes, or from base64.

    Raises:
        BadPsbt: it is none.
    """
    raw = data.encode() if isinstance(data, str) else data
    if len(raw) > 2 * MAX_PSBT_BYTES:
        raise BadPsbt(f"expected a PSBT of at most {MAX_PSBT_BYTES >> 20} MiB")
    if not raw.startswith(_MAGIC):
        try:
            raw = b64decode(b"".join(raw.split()), validate=True)
        except binascii.Error:
            raw = b""
    if not raw.startswith(_MAGIC):
        raise BadPsbt("expected a PSBT: a file that begins with 'psbt', or its base64 text")
    try:
        return from_bdk(bdk.Psbt(b64encode(raw).decode()))
    except (bdk.PsbtParseError, DecodeError):
        raise BadPsbt("this PSBT is damaged or cut short: ask for it again") from None


def combine(psbts: Sequence[Psbt]) -> Psbt:
    """The signatures of several copies of one PSBT in one.

    Raises:
        BadPsbt: they are not of the same transaction.
    """
    if not psbts:
        raise BadPsbt("expected at least one PSBT to combine")
    try:
        return from_bdk(reduce(lambda left, right: left.combine(right), map(to_bdk, psbts)))
    except bdk.PsbtError:
        raise BadPsbt("these PSBTs are not of the same transaction") from None


def finalize(psbt: Psbt) -> Transaction:
    """The transaction, ready to be sent.

    Raises:
        BadPsbt: signatures are missing or wrong.
    """
    outcome = to_bdk(psbt).finalize()
    if not outcome.could_finalize:
        raise BadPsbt("this PSBT is not signed by all who must: signatures are missing or wrong")
    return from_bdk_transaction(outcome.psbt.extract_tx_unchecked_fee_rate())


def _spent(prevout: OutPoint, entries: dict[bytes, bytes]) -> TxOut | None:
    parent, output = entries.get(_NON_WITNESS_UTXO), entries.get(_WITNESS_UTXO)
    if parent is not None:
        whole, index = Transaction.decode(parent), outpoint_index(prevout)
        fits = whole.txid == outpoint_txid(prevout) and index < len(whole.outputs)
        return whole.outputs[index] if fits else None
    if output is not None:
        reader = Reader(output)
        return TxOut(reader.i64(), reader.var_bytes())
    return None


def _input_maps(raw: bytes, inputs: int) -> list[dict[bytes, bytes]]:
    """Keys and values of each input. BDK has checked their form, but gives up on foreign keys."""
    reader = Reader(raw, len(_MAGIC))
    _read_map(reader)  # What is said of the whole.
    return [_read_map(reader) for _ in range(inputs)]


def _read_map(reader: Reader) -> dict[bytes, bytes]:
    entries: dict[bytes, bytes] = {}
    while key := reader.var_bytes():
        entries[key] = reader.var_bytes()
    return entries


def from_bdk(psbt: bdk.Psbt) -> Psbt:
    """A PSBT that BDK made or read.

    Raises:
        DecodeError: a transaction in it has no valid form; never in one that BDK made.
    """
    raw = b64decode(psbt.serialize())
    transaction = from_bdk_transaction(psbt.extract_tx_unchecked_fee_rate())
    maps = _input_maps(raw, len(transaction.inputs))
    spent = [_spent(*each) for each in zip(transaction.prevouts, maps, strict=True)]
    return Psbt(raw, transaction, tuple(spent))


def to_bdk(psbt: Psbt) -> bdk.Psbt:
    """A new PSBT of BDK's with the same bytes, which BDK may change."""
    return bdk.Psbt(psbt.base64)
