"""The key-value maps of a PSBT, and its second version (BIP 174, BIP 370).

BDK reads version 0. Version 2 says in its maps what version 0 says in an unsigned transaction; it
is rewritten as version 0 to be worked on, and back with what was added, for whoever sent it.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from struct import error as StructError
from typing import Final, NamedTuple

from axon.errors import DecodeError
from axon.primitives.encoding import var_bytes
from axon.primitives.hashes import Txid
from axon.primitives.transaction import (
    MAX_MONEY_SAT,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
    outpoint,
    outpoint_index,
    outpoint_txid,
)
from axon.psbt.fields import (
    DERIVATION,
    FINAL_SCRIPT_SIG,
    FINAL_WITNESS,
    NON_WITNESS_UTXO,
    REDEEM_SCRIPT,
    TAP_DERIVATION,
    UNSIGNED_TX,
    VERSION,
    WITNESS_SCRIPT,
    WITNESS_UTXO,
    XPUB,
    Entries,
)
from axon.psbt.gathered import split_tap_origin
from axon.psbt.partial import MAGIC
from axon.psbt.stream import PsbtStream, read_entries, read_output
from axon.wallet.errors import BadPsbt

__all__ = [
    "DERIVATION",
    "FINAL_SCRIPT_SIG",
    "FINAL_WITNESS",
    "MAGIC",
    "NON_WITNESS_UTXO",
    "REDEEM_SCRIPT",
    "TAP_DERIVATION",
    "UNSIGNED_TX",
    "VERSION",
    "WITNESS_SCRIPT",
    "WITNESS_UTXO",
    "XPUB",
    "Derivation",
    "Entries",
    "PsbtMaps",
    "as_version_0",
    "as_version_2",
    "lock_time",
    "named_derivations",
    "spent_output",
]

TX_VERSION: Final = b"\x02"
FALLBACK_LOCKTIME: Final = b"\x03"
INPUT_COUNT: Final = b"\x04"
OUTPUT_COUNT: Final = b"\x05"
TX_MODIFIABLE: Final = b"\x06"
PAYS_ALL: Final = b"\xfc\x04axon\x00"
"""Of the whole, in version 2. The last is our own: the script of who gets all that is left."""

PREVIOUS_TXID: Final = b"\x0e"
OUTPUT_INDEX: Final = b"\x0f"
SEQUENCE: Final = b"\x10"
REQUIRED_TIME: Final = b"\x11"
REQUIRED_HEIGHT: Final = b"\x12"
"""Of an input, in version 2."""

AMOUNT: Final = b"\x03"
SCRIPT: Final = b"\x04"
"""Of an output, in version 2."""

_GLOBAL_2: Final = (TX_VERSION, FALLBACK_LOCKTIME, INPUT_COUNT, OUTPUT_COUNT, TX_MODIFIABLE)
_INPUT_2: Final = (PREVIOUS_TXID, OUTPUT_INDEX, SEQUENCE, REQUIRED_TIME, REQUIRED_HEIGHT)
_OUTPUT_2: Final = (AMOUNT, SCRIPT)

_SIGNATURES: Final = frozenset(b"\x02\x07\x08\x13\x14")
"""Types of an input's entries that hold one."""

_MODIFIABLE: Final = 0x03  # Inputs and outputs may be added; a signature of all rules that out.
_TIME_FLOOR: Final = 500_000_000
_FINAL_SEQUENCE: Final = 0xFFFF_FFFF
_U32 = Struct("<I")
_I64 = Struct("<q")


@dataclass(frozen=True, slots=True)
class PsbtMaps:
    """A PSBT as its maps.

    Args:
        version: 0 or 2.
        general: what is said of the whole.
        inputs, outputs: what is said of each.
    """

    version: int
    general: Entries
    inputs: tuple[Entries, ...]
    outputs: tuple[Entries, ...]

    @classmethod
    def decode(cls, raw: bytes) -> PsbtMaps:
        """The maps of a PSBT of either version.

        Raises:
            DecodeError: they are malformed.
            BadPsbt: it has another version, or fields that its version has not.
        """
        if not raw.startswith(MAGIC):
            raise DecodeError("a PSBT, which begins with its magic bytes", 0)
        stream = PsbtStream(raw, len(MAGIC))
        general = read_entries(stream)
        version = _number(_U32, general[VERSION]) if VERSION in general else 0
        if version not in (0, 2):
            raise BadPsbt(f"this PSBT has version {version}: axon reads versions 0 and 2")
        if version == 0:
            counts = _counts(general)
        else:
            counts = _count(general, INPUT_COUNT), _count(general, OUTPUT_COUNT)
        if not counts[0]:
            raise BadPsbt("this PSBT spends nothing yet: there is nothing to look at or to sign")
        inputs = tuple([read_entries(stream) for _ in range(counts[0])])
        outputs = tuple([read_entries(stream) for _ in range(counts[1])])
        if not stream.is_empty:
            raise DecodeError("the end of a PSBT", stream.offset)
        made = cls(version, general, inputs, outputs)
        made._check_fields()
        return made

    def encode(self) -> bytes:
        """As bytes."""
        parts = [MAGIC]
        for entries in (self.general, *self.inputs, *self.outputs):
            parts += [var_bytes(key) + var_bytes(entries[key]) for key in sorted(entries)]
            parts.append(b"\x00")
        return b"".join(parts)

    def _check_fields(self) -> None:
        """Raises BadPsbt where a field of one version stands in the other."""
        if self.version == 2:
            if UNSIGNED_TX in self.general:
                raise BadPsbt("a PSBT of version 2 holds no unsigned transaction: ask for another")
            return
        for entries, foreign in (
            (self.general, _GLOBAL_2),
            *[(each, _INPUT_2) for each in self.inputs],
            *[(each, _OUTPUT_2) for each in self.outputs],
        ):
            if any(key in entries for key in foreign):
                raise BadPsbt("a PSBT of version 0 holds a field of version 2: ask for another")


def as_version_0(maps: PsbtMaps) -> PsbtMaps:
    """A PSBT of version 2 as one of version 0.

    Raises:
        DecodeError: a field is missing or malformed.
        BadPsbt: its inputs need lock times that exclude each other.
    """
    inputs = [
        TxIn(
            outpoint(
                Txid(_sized(_needed(each, PREVIOUS_TXID), 32)),
                _number(_U32, _needed(each, OUTPUT_INDEX)),
            ),
            sequence=_number(_U32, each[SEQUENCE]) if SEQUENCE in each else _FINAL_SEQUENCE,
        )
        for each in maps.inputs
    ]
    outputs = [
        TxOut(_amount_sat(_needed(each, AMOUNT)), _needed(each, SCRIPT)) for each in maps.outputs
    ]
    version = _number(_U32, _needed(maps.general, TX_VERSION))
    unsigned = Transaction.build(version, inputs, outputs, lock_time(maps))
    general = _without(maps.general, (*_GLOBAL_2, VERSION))
    return PsbtMaps(
        0,
        general | {UNSIGNED_TX: unsigned.raw},
        tuple([_without(each, _INPUT_2) for each in maps.inputs]),
        tuple([_without(each, _OUTPUT_2) for each in maps.outputs]),
    )


def as_version_2(maps: PsbtMaps, before: PsbtMaps) -> PsbtMaps:
    """What became of a PSBT of version 2 that was worked on as version 0.

    Args:
        maps: version 0, of the same transaction.
        before: version 2, as it came.
    """
    inputs = tuple(
        [each | _only(old, _INPUT_2) for each, old in zip(maps.inputs, before.inputs, strict=True)]
    )
    outputs = tuple(
        [
            each | _only(old, _OUTPUT_2)
            for each, old in zip(maps.outputs, before.outputs, strict=True)
        ]
    )
    general = _without(maps.general, (UNSIGNED_TX,))
    general |= _only(before.general, (*_GLOBAL_2, VERSION))
    signed = any(key[0] in _SIGNATURES for each in inputs for key in each)
    if signed and TX_MODIFIABLE in general:
        flags = general[TX_MODIFIABLE][0] & ~_MODIFIABLE
        general[TX_MODIFIABLE] = bytes((flags,))
    return PsbtMaps(2, general, inputs, outputs)


def lock_time(maps: PsbtMaps) -> int:
    """The lock time of a PSBT of version 2: a height, or seconds since 1970 from 500,000,000 on.

    Raises:
        DecodeError: a field is malformed.
        BadPsbt: some inputs need a height and others a time.
    """
    heights = [_required(each, REQUIRED_HEIGHT) for each in maps.inputs]
    times = [_required(each, REQUIRED_TIME) for each in maps.inputs]
    asking = [place for place in range(len(heights)) if heights[place] or times[place]]
    if not asking:
        fallback = maps.general.get(FALLBACK_LOCKTIME)
        return 0 if fallback is None else _number(_U32, fallback)
    for kind in (heights, times):
        if all(kind[place] for place in asking):
            return max(kind)
    raise BadPsbt(
        "some inputs of this PSBT wait for a height and others for a time: it can never be sent"
    )


def _required(entries: Entries, key: bytes) -> int:
    """A lock time that an input needs; 0 for none."""
    if key not in entries:
        return 0
    number = _number(_U32, entries[key])
    if number == 0 or (number >= _TIME_FLOOR) is not (key == REQUIRED_TIME):
        raise DecodeError("a height from 1 on, or a time from 500,000,000 on")
    return number


def _counts(general: Entries) -> tuple[int, int]:
    """Inputs and outputs of version 0."""
    raw = _needed(general, UNSIGNED_TX)
    if raw[4:5] == b"\x00":  # No inputs: elsewhere that is how a transaction with witness begins.
        return 0, 0
    unsigned = Transaction.decode(raw)
    return len(unsigned.inputs), len(unsigned.outputs)


def _count(general: Entries, key: bytes) -> int:
    stream = PsbtStream(_needed(general, key))
    number = stream.compact_size()
    if not stream.is_empty:
        raise DecodeError("a compact size and nothing behind it", stream.offset)
    return number


def _needed(entries: Entries, key: bytes) -> bytes:
    if key not in entries:
        raise DecodeError(f"a field of type {key[0]:#04x}")
    return entries[key]


def _sized(value: bytes, size: int) -> bytes:
    if len(value) != size:
        raise DecodeError(f"{size} bytes")
    return value


def _number(form: Struct, value: bytes) -> int:
    try:
        number: int = form.unpack(value)[0]
    except StructError:
        raise DecodeError(f"a number of {form.size} bytes") from None
    return number


def _amount_sat(value: bytes) -> int:
    amount_sat = _number(_I64, value)
    if not 0 <= amount_sat <= MAX_MONEY_SAT:
        raise DecodeError("an amount of money")
    return amount_sat


def _without(entries: Entries, keys: tuple[bytes, ...]) -> Entries:
    return {key: value for key, value in entries.items() if key not in keys}


def _only(entries: Entries, keys: tuple[bytes, ...]) -> Entries:
    return {key: entries[key] for key in keys if key in entries}


class Derivation(NamedTuple):
    """Where a key comes from, as an input or output says.

    Args:
        key: of the entry that says so.
        public_key: 33 or 65 bytes; in taproot 32.
        fingerprint: 4 bytes, of its master key.
        path: from there.
    """

    key: bytes
    public_key: bytes
    fingerprint: bytes
    path: tuple[int, ...]


def named_derivations(entries: Entries) -> list[Derivation]:
    """The keys that an input or output names (BIP 174, BIP 371); what is malformed is left out."""
    found: list[Derivation] = []
    for key, value in entries.items():
        source = value
        if key[0] == TAP_DERIVATION:
            try:
                _, source = split_tap_origin(value)
            except DecodeError:
                continue
        elif key[0] != DERIVATION:
            continue
        if len(source) >= 4 and len(source) % 4 == 0:
            path = tuple([step for (step,) in _U32.iter_unpack(source[4:])])
            found.append(Derivation(key, key[1:], source[:4], path))
    return found


def spent_output(prevout: OutPoint, entries: Entries) -> TxOut | None:
    """What an input spends, as its entries say; None where they say nothing that fits.

    Args:
        prevout: the outpoint.

    Raises:
        DecodeError: they are malformed.
    """
    parent, output = entries.get(NON_WITNESS_UTXO), entries.get(WITNESS_UTXO)
    if parent is not None:
        whole, index = Transaction.decode(parent), outpoint_index(prevout)
        fits = whole.txid == outpoint_txid(prevout) and index < len(whole.outputs)
        return whole.outputs[index] if fits else None
    if output is not None:
        return read_output(PsbtStream(output))
    return None
