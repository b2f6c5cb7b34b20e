"""Partially signed transactions (BIP 174): how a payment travels between those who sign it.

A `Psbt` is its bytes, checked by BDK when it is read. Files hold them as they are, people copy them
as base64 or hex; all are read. One of version 2 (BIP 370) is given back as such.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from binascii import unhexlify
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Final

import bdkpython as bdk

from axon.errors import DecodeError
from axon.primitives.transaction import Transaction, TxOut
from axon.wallet.bdkwallet import from_bdk_transaction
from axon.wallet.errors import BadPsbt
from axon.wallet.psbtmaps import MAGIC, PAYS_ALL, PsbtMaps, as_version_0, as_version_2, spent_output

MAX_PSBT_BYTES: Final = 16 << 20
"""It carries the whole transactions that it spends from; forty of the largest."""

_HEX_MAGIC: Final = MAGIC.hex().encode()
_BASE64_MAGIC: Final = "cHNidP8"


@dataclass(frozen=True, slots=True)
class Psbt:
    """A partially signed transaction; from `read_psbt`.

    Args:
        raw: its bytes in version 0 (BIP 174).
        transaction: with the signatures that are final, without the others.
        spent: what each input spends, as far as the PSBT says; None where it says nothing that
            fits.
        version_2: as it came, if it came in version 2 (BIP 370).
    """

    raw: bytes = field(repr=False)
    transaction: Transaction
    spent: tuple[TxOut | None, ...] = field(repr=False)
    version_2: PsbtMaps | None = field(default=None, repr=False)

    @property
    def base64(self) -> str:
        """As it is copied from screen to screen, in the version in which it came."""
        raw = self.raw
        if self.version_2 is not None:
            raw = as_version_2(PsbtMaps.decode(raw), self.version_2).encode()
        return b64encode(raw).decode()

    @property
    def pays_all_to(self) -> bytes | None:
        """The script of who gets all that is left, as the payment was asked for; None if nobody."""
        return PsbtMaps.decode(self.raw).general.get(PAYS_ALL)

    def paying_all_to(self, script: bytes) -> Psbt:
        """The same with a note of who gets all that is left."""
        maps = PsbtMaps.decode(self.raw)
        noted = replace(maps, general=maps.general | {PAYS_ALL: script})
        return replace(self, raw=noted.encode())


def read_psbt(data: bytes | str) -> Psbt:
    """A PSBT from its bytes, or from base64 or hex.

    Raises:
        BadPsbt: it is none.
    """
    raw = data.encode(errors="replace") if isinstance(data, str) else data
    if len(raw) > 2 * MAX_PSBT_BYTES:
        raise BadPsbt(f"expected a PSBT of at most {MAX_PSBT_BYTES >> 20} MiB")
    if not raw.startswith(MAGIC):
        raw = _from_text(b"".join(raw.split()))
    if not raw.startswith(MAGIC):
        raise BadPsbt("expected a PSBT: a file that begins with 'psbt', or its base64 or hex text")
    try:
        maps = PsbtMaps.decode(raw)
        if maps.version == 0:
            return from_bdk(bdk.Psbt(b64encode(raw).decode()))
        return from_bdk(bdk.Psbt(b64encode(as_version_0(maps).encode()).decode()), maps)
    except (bdk.PsbtParseError, DecodeError):
        raise BadPsbt("this PSBT is damaged or cut short: ask for it again") from None


def is_psbt_text(text: str) -> bool:
    """Whether a text begins as a PSBT in base64 or hex does."""
    begin = text[: len(_HEX_MAGIC)]
    return text.startswith(_BASE64_MAGIC) or begin.lower().encode(errors="replace") == _HEX_MAGIC


def _from_text(text: bytes) -> bytes:
    """The bytes of base64 or hex; none of them if it is neither."""
    try:
        if text[: len(_HEX_MAGIC)].lower() == _HEX_MAGIC:
            return unhexlify(text)
        return b64decode(text, validate=True)
    except binascii.Error:
        return b""


def combine(psbts: Sequence[Psbt]) -> Psbt:
    """The signatures of several copies of one PSBT in one.

    Raises:
        BadPsbt: they are not of the same transaction.
    """
    if not psbts:
        raise BadPsbt("expected at least one PSBT to combine")
    try:
        combined = reduce(lambda left, right: left.combine(right), map(to_bdk, psbts))
    except bdk.PsbtError:
        raise BadPsbt("these PSBTs are not of the same transaction") from None
    return from_bdk(combined, psbts[0].version_2)


def finalize(psbt: Psbt) -> Transaction:
    """The transaction, ready to be sent.

    Raises:
        BadPsbt: signatures are missing or wrong.
    """
    outcome = to_bdk(psbt).finalize()
    if not outcome.could_finalize:
        raise BadPsbt("this PSBT is not signed by all who must: signatures are missing or wrong")
    return from_bdk_transaction(outcome.psbt.extract_tx_unchecked_fee_rate())


def from_bdk(psbt: bdk.Psbt, version_2: PsbtMaps | None = None) -> Psbt:
    """A PSBT that BDK made or read.

    Args:
        version_2: as it came, if it came in version 2.

    Raises:
        DecodeError: a transaction in it has no valid form; never in one that BDK made.
    """
    raw = b64decode(psbt.serialize())
    transaction = from_bdk_transaction(psbt.extract_tx_unchecked_fee_rate())
    maps = PsbtMaps.decode(raw).inputs
    spent = [spent_output(*each) for each in zip(transaction.prevouts, maps, strict=True)]
    return Psbt(raw, transaction, tuple(spent), version_2)


def to_bdk(psbt: Psbt) -> bdk.Psbt:
    """A new PSBT of BDK's with the same bytes, which BDK may change."""
    return bdk.Psbt(b64encode(psbt.raw).decode())
