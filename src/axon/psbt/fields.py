"""The fields of a PSBT (BIP 174, BIP 371, BIP 373): their types, what each must be, their order.

A map is kept as it travels: keys, whose first byte is their type, and values. Reading checks every
field as Bitcoin Core 31 does; what says nothing (an empty script) is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from axon.primitives.der import is_strict_signature
from axon.primitives.encoding import compact_size
from axon.primitives.hashes import hash160
from axon.primitives.keys import COMPRESSED_SIZE, UNCOMPRESSED_SIZE, is_public_key
from axon.psbt.stream import (
    PsbtStream,
    fault,
    read_32,
    read_number,
    read_output,
    read_stack,
    read_transaction,
)
from axon.psbt.taptrees import check_tree

Entries = dict[bytes, bytes]
"""The fields of one map: values by key."""

UNSIGNED_TX: Final = b"\x00"
XPUB: Final = 0x01
VERSION: Final = b"\xfb"
PROPRIETARY: Final = 0xFC
"""Types of the whole, as bytes where they are the whole key; the last one in each map."""

NON_WITNESS_UTXO: Final = b"\x00"
WITNESS_UTXO: Final = b"\x01"
PARTIAL_SIG: Final = 0x02
SIGHASH: Final = b"\x03"
REDEEM_SCRIPT: Final = b"\x04"
WITNESS_SCRIPT: Final = b"\x05"
DERIVATION: Final = 0x06
FINAL_SCRIPT_SIG: Final = b"\x07"
FINAL_WITNESS: Final = b"\x08"
RIPEMD160: Final = 0x0A
SHA256: Final = 0x0B
HASH160: Final = 0x0C
HASH256: Final = 0x0D
TAP_KEY_SIG: Final = b"\x13"
TAP_SCRIPT_SIG: Final = 0x14
TAP_LEAF_SCRIPT: Final = 0x15
TAP_DERIVATION: Final = 0x16
TAP_INTERNAL_KEY: Final = b"\x17"
TAP_MERKLE_ROOT: Final = b"\x18"
MUSIG2_PARTICIPANTS: Final = 0x1A
MUSIG2_PUB_NONCE: Final = 0x1B
MUSIG2_PARTIAL_SIG: Final = 0x1C
"""Types of an input, as bytes where they are the whole key."""

OUT_REDEEM_SCRIPT: Final = b"\x00"
OUT_WITNESS_SCRIPT: Final = b"\x01"
OUT_DERIVATION: Final = 0x02
OUT_TAP_INTERNAL_KEY: Final = b"\x05"
OUT_TAP_TREE: Final = b"\x06"
OUT_TAP_DERIVATION: Final = 0x07
OUT_MUSIG2_PARTICIPANTS: Final = 0x08
"""Types of an output."""

INPUT_ORDER: Final = (
    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0A, 0x0B, 0x0C, 0x0D, 0x13, 0x14, 0x15, 0x16, 0x17,
    0x18, 0x1A, 0x1B, 0x1C, 0x07, 0x08, 0xFC,
)  # fmt: skip
OUTPUT_ORDER: Final = (0x00, 0x01, 0x02, 0xFC, 0x05, 0x06, 0x07, 0x08)
"""In which order Core writes types; what it does not know comes last."""

_NONCE_SIZE = 66
_ID_SIZES = (1 + 2 * COMPRESSED_SIZE, 1 + 2 * COMPRESSED_SIZE + 32)
NO_AMOUNT_SAT: Final = -1
"""Of an output that says nothing."""

_Read = Callable[[PsbtStream, bytes, Entries], bytes]
"""Reads a value: of the stream, for a key, in a map. Nothing means that it is left out."""


def key_type(key: bytes) -> int:
    """The type of a key: mostly its first byte.

    Raises:
        PsbtFault: the key is cut short.
    """
    return PsbtStream(key).compact_size()


def _script(stream: PsbtStream, _key: bytes, _entries: Entries) -> bytes:
    return stream.var_bytes()


def _parent(stream: PsbtStream, _key: bytes, _entries: Entries) -> bytes:
    return stream.sized(read_transaction)[1]


def _spent(stream: PsbtStream, _key: bytes, _entries: Entries) -> bytes:
    output, raw = stream.sized(read_output)
    return b"" if output.amount_sat == NO_AMOUNT_SAT else raw


def _number(stream: PsbtStream, _key: bytes, _entries: Entries) -> bytes:
    return stream.sized(read_number)[1]


def _not_zero(stream: PsbtStream, _key: bytes, _entries: Entries) -> bytes:
    raw = stream.sized(read_32)[0]
    return raw if any(raw) else b""


def _stack(stream: PsbtStream, _key: bytes, _entries: Entries) -> bytes:
    stack, raw = stream.sized(read_stack)
    return raw if stack else b""


def _partial_sig(stream: PsbtStream, key: bytes, entries: Entries) -> bytes:
    if len(key) not in (COMPRESSED_SIZE + 1, UNCOMPRESSED_SIZE + 1):
        raise fault("Size of key was not the expected size for the type partial signature pubkey")
    _check_key(key[1:])
    if key in entries:
        raise fault("Duplicate Key, input partial signature for pubkey already provided")
    signature = stream.var_bytes()
    if not is_strict_signature(signature):
        raise fault("Signature is not a valid encoding")
    return signature


def _check_key(key: bytes) -> None:
    if not is_public_key(key):
        raise fault("Invalid pubkey")


def _derivation(stream: PsbtStream, key: bytes, entries: Entries) -> bytes:
    if len(key) not in (COMPRESSED_SIZE + 1, UNCOMPRESSED_SIZE + 1):
        raise fault("Size of key was not the expected size for the type BIP32 keypath")
    _check_key(key[1:])
    if key in entries:
        raise fault("Duplicate Key, pubkey derivation path already provided")
    return read_origin(stream)


def read_origin(stream: PsbtStream) -> bytes:
    """Where a key comes from, behind its size: fingerprint and path.

    Raises:
        PsbtFault: it is malformed.
    """
    return _origin(stream, stream.compact_size())


def _origin(stream: PsbtStream, size: int) -> bytes:
    if size % 4 or not size:
        raise fault("Invalid length for HD key path")
    return stream.take(size)


def _preimage(name: str, size: int) -> _Read:
    def read(stream: PsbtStream, key: bytes, entries: Entries) -> bytes:
        if len(key) != size + 1:
            raise fault(f"Size of key was not the expected size for the type {name} preimage")
        if key in entries:
            raise fault(f"Duplicate Key, input {name} preimage already provided")
        return stream.var_bytes()

    return read


def _schnorr(stream: PsbtStream, what: str) -> bytes:
    signature = stream.var_bytes()
    if len(signature) < 64:
        raise fault(f"Input Taproot {what} path signature is shorter than 64 bytes")
    if len(signature) > 65:
        raise fault(f"Input Taproot {what} path signature is longer than 65 bytes")
    return signature


def _tap_key_sig(stream: PsbtStream, _key: bytes, _entries: Entries) -> bytes:
    return _schnorr(stream, "key")


def _tap_script_sig(stream: PsbtStream, key: bytes, _entries: Entries) -> bytes:
    if len(key) != 65:
        raise fault("Input Taproot script signature key is not 65 bytes")
    return _schnorr(stream, "script")


def _tap_leaf(stream: PsbtStream, key: bytes, _entries: Entries) -> bytes:
    if len(key) < 34:
        raise fault("Taproot leaf script key is not at least 34 bytes")
    if (len(key) - 2) % 32:
        raise fault("Input Taproot leaf script key's control block size is not valid")
    leaf = stream.var_bytes()
    if not leaf:
        raise fault("Input Taproot leaf script must be at least 1 byte")
    return leaf


def _tap_derivation(side: str) -> _Read:
    def read(stream: PsbtStream, key: bytes, _entries: Entries) -> bytes:
        if len(key) != 33:
            raise fault(f"{side} Taproot BIP32 keypath key is not at 33 bytes")
        size = stream.compact_size()
        begin = stream.offset
        hashes = {stream.take(32) for _ in range(stream.compact_size())}
        left = size - (stream.offset - begin)
        if left < 0:
            raise fault(f"{side} Taproot BIP32 keypath has an invalid length")
        origin = _origin(stream, left)
        return compact_size(len(hashes)) + b"".join(sorted(hashes)) + origin

    return read


def _participants(side: str) -> _Read:
    def read(stream: PsbtStream, key: bytes, _entries: Entries) -> bytes:
        if len(key) != COMPRESSED_SIZE + 1:
            raise fault(f"{side} musig2 participants pubkeys aggregate key is not 34 bytes")
        if not is_public_key(key[1:]):
            raise fault(f"{side} musig2 aggregate pubkey is invalid")
        value = stream.var_bytes()
        for begin in range(0, len(value) - COMPRESSED_SIZE + 1, COMPRESSED_SIZE):
            if not is_public_key(value[begin : begin + COMPRESSED_SIZE]):
                raise fault(f"{side} musig2 participant pubkey is invalid")
        if len(value) % COMPRESSED_SIZE:
            raise fault(f"{side} musig2 participants pubkeys value size is not a multiple of 33")
        return value

    return read


def _musig2(name: str) -> _Read:
    def read(stream: PsbtStream, key: bytes, _entries: Entries) -> bytes:
        if len(key) not in _ID_SIZES:
            raise fault(f"Input musig2 {name} key is not expected size of 67 or 99 bytes")
        if not is_public_key(key[34:67]):
            raise fault("musig2 aggregate pubkey is invalid")
        if not is_public_key(key[1:34]):
            raise fault("musig2 participant pubkey is invalid")
        if name == "partial sig":
            return stream.sized(read_32)[0]
        nonce = stream.var_bytes()
        if len(nonce) != _NONCE_SIZE:
            raise fault("Input musig2 pubnonce value is not 66 bytes")
        return nonce

    return read


def _tap_tree(stream: PsbtStream, _key: bytes, _entries: Entries) -> bytes:
    value = stream.var_bytes()
    check_tree(value)
    return value


_Field = tuple[str, str, _Read]
"""What is said of a second one; what is said of a key that is more than its type; its reader."""

_INPUT: Final[dict[int, _Field]] = {
    0x00: ("input non-witness utxo", "Non-witness utxo key", _parent),
    0x01: ("input witness utxo", "Witness utxo key", _spent),
    0x02: ("", "", _partial_sig),
    0x03: ("input sighash type", "Sighash type key", _number),
    0x04: ("input redeemScript", "Input redeemScript key", _script),
    0x05: ("input witnessScript", "Input witnessScript key", _script),
    0x06: ("", "", _derivation),
    0x07: ("input final scriptSig", "Final scriptSig key", _script),
    0x08: ("input final scriptWitness", "Final scriptWitness key", _stack),
    RIPEMD160: ("", "", _preimage("ripemd160", 20)),
    SHA256: ("", "", _preimage("sha256", 32)),
    HASH160: ("", "", _preimage("hash160", 20)),
    HASH256: ("", "", _preimage("hash256", 32)),
    0x13: ("input Taproot key signature", "Input Taproot key signature key", _tap_key_sig),
    TAP_SCRIPT_SIG: ("input Taproot script signature", "", _tap_script_sig),
    TAP_LEAF_SCRIPT: ("input Taproot leaf script", "", _tap_leaf),
    TAP_DERIVATION: ("input Taproot BIP32 keypath", "", _tap_derivation("Input")),
    0x17: ("input Taproot internal key", "Input Taproot internal key key", _not_zero),
    0x18: ("input Taproot merkle root", "Input Taproot merkle root key", _not_zero),
    MUSIG2_PARTICIPANTS: (
        "input participant pubkeys for an aggregate key",
        "",
        _participants("Input"),
    ),
    MUSIG2_PUB_NONCE: ("input musig2 pubnonce", "", _musig2("pubnonce")),
    MUSIG2_PARTIAL_SIG: ("input musig2 partial sig", "", _musig2("partial sig")),
}

_OUTPUT: Final[dict[int, _Field]] = {
    0x00: ("output redeemScript", "Output redeemScript key", _script),
    0x01: ("output witnessScript", "Output witnessScript key", _script),
    OUT_DERIVATION: ("", "", _derivation),
    0x05: ("output Taproot internal key", "Output Taproot internal key key", _not_zero),
    0x06: ("output Taproot tree", "Output Taproot tree key", _tap_tree),
    OUT_TAP_DERIVATION: ("output Taproot BIP32 keypath", "", _tap_derivation("Output")),
    OUT_MUSIG2_PARTICIPANTS: (
        "output participant pubkeys for an aggregate key",
        "",
        _participants("Output"),
    ),
}


def read_input(stream: PsbtStream) -> Entries:
    """The map of an input.

    Raises:
        PsbtFault: something in it is not as it must be.
    """
    return _read_map(stream, _INPUT, "an input")


def read_output_map(stream: PsbtStream) -> Entries:
    """The map of an output.

    Raises:
        PsbtFault: as `read_input`.
    """
    return _read_map(stream, _OUTPUT, "an output")


def _read_map(stream: PsbtStream, table: dict[int, _Field], which: str) -> Entries:
    entries: Entries = {}
    seen: set[bytes] = set()
    while not stream.is_empty:
        key = stream.var_bytes()
        if not key:
            return entries
        field = table.get(key_type(key))
        if field is None:
            entries[key] = read_unknown(stream, key, entries)
            continue
        name, label, read = field
        if name and key in seen:
            raise fault(f"Duplicate Key, {name} already provided")
        if label and len(key) != 1:
            raise fault(f"{label} is more than one byte type")
        seen.add(key)
        value = read(stream, key, entries)
        if value or not label:
            entries[key] = value
    raise fault(f"Separator is missing at the end of {which} map")


def read_unknown(stream: PsbtStream, key: bytes, entries: Entries) -> bytes:
    """The value of a proprietary key, or of one of a type that is not known.

    Raises:
        PsbtFault: it is there twice, or malformed.
    """
    if key_type(key) == PROPRIETARY:
        proprietary_parts(key)
        if key in entries:
            raise fault("Duplicate Key, proprietary key already found")
    elif key in entries:
        raise fault("Duplicate Key, key for unknown value already provided")
    return stream.var_bytes()


def proprietary_parts(key: bytes) -> tuple[bytes, int]:
    """Identifier and subtype of a proprietary key.

    Raises:
        PsbtFault: it is cut short.
    """
    stream = PsbtStream(key, 1)
    return stream.var_bytes(), stream.compact_size()


def ordered_input(entries: Entries) -> list[tuple[bytes, bytes]]:
    """The fields of an input as Core writes them."""
    return sorted(entries.items(), key=lambda field: _place(field, INPUT_ORDER))


def ordered_output(entries: Entries) -> list[tuple[bytes, bytes]]:
    """The fields of an output as Core writes them."""
    return sorted(entries.items(), key=lambda field: _place(field, OUTPUT_ORDER))


def _place(field: tuple[bytes, bytes], order: tuple[int, ...]) -> tuple[object, ...]:
    key, value = field
    kind = key[0]
    if kind not in order:
        return len(order), key
    if order is INPUT_ORDER:
        if kind == PARTIAL_SIG:
            return order.index(kind), hash160(key[1:])
        if kind == TAP_LEAF_SCRIPT:
            return order.index(kind), value[:-1], value[-1], len(key), key
        if kind in (MUSIG2_PUB_NONCE, MUSIG2_PARTIAL_SIG):
            return order.index(kind), key[34:67], key[67:] or bytes(32), key[1:34]
    return order.index(kind), key
