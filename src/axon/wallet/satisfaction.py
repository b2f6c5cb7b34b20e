"""How much a signature takes: the weight of an input when it is signed, known before it is."""

from __future__ import annotations

from typing import Final

from axon.primitives.descriptor import Descriptor
from axon.primitives.encoding import compact_size
from axon.primitives.miniscript.witnesssize import witness_size
from axon.primitives.script import push

INPUT_WU: Final = 4 * (36 + 4)
"""Outpoint and sequence."""

_SIGNATURE: Final = 72
"""Bytes of a signature with its push: both halves are short, for whoever signs tries until so."""

_SCHNORR: Final = 65
_KEY: Final = 34


def signed_input_wu(descriptor: Descriptor, index: int, script: bytes = b"") -> int | None:
    """Weight units of an input, with its witness but without the count of an empty one.

    Args:
        descriptor: of the output that it spends.
        index: which of its family.
        script: which of the scripts of a `combo`, where the descriptor is one.

    Returns:
        None where that is not known: of an address alone. Of a taproot output it is that of the
        key alone, as in Bitcoin Core; its scripts may take more.
    """
    match descriptor.name:
        case "pk":
            return _legacy(_SIGNATURE)
        case "pkh":
            return _legacy(_SIGNATURE + _key_size(descriptor))
        case "wpkh":
            return _legacy(0) + _witness([71, 33])
        case "tr" | "rawtr":
            return _legacy(0) + _witness([_SCHNORR])
        case "multi" | "sortedmulti":
            return _legacy(1 + descriptor.threshold * _SIGNATURE)
        case "combo":
            found = [each for each in descriptor.combined() if each.scripts(index)[0] == script]
            return signed_input_wu(found[0], index) if found else None
    inner = descriptor.inner
    if inner is None:
        return None
    if descriptor.name == "sh":
        return _script_hash(inner, index)
    shown = _witness_script(inner, index)
    return None if shown is None else _legacy(0) + shown


def _script_hash(inner: Descriptor, index: int) -> int | None:
    redeem = push(inner.scripts(index)[0])
    if inner.name == "wpkh":
        return _legacy(len(redeem)) + _witness([71, 33])
    if inner.name == "wsh" and inner.inner is not None:
        shown = _witness_script(inner.inner, index)
        return None if shown is None else _legacy(len(redeem)) + shown
    items = _items(inner)
    if items is None:
        return None
    return _legacy(sum(size + 1 if size else 1 for size in items) + len(redeem))


def _witness_script(inner: Descriptor, index: int) -> int | None:
    """A script that is shown whole, behind what satisfies it."""
    script = _witness([len(inner.scripts(index)[0])])
    if inner.expression is not None:
        size = witness_size(inner.expression)
        return None if size is None else size + script
    items = _items(inner)
    return None if items is None else _witness(items) + script


def _items(inner: Descriptor) -> list[int] | None:
    """Sizes of what satisfies a script that is shown whole."""
    match inner.name:
        case "pk":
            return [71]
        case "pkh":
            return [71, 33]
        case "multi" | "sortedmulti":
            return [0, *[71] * inner.threshold]
    return None


def _key_size(descriptor: Descriptor) -> int:
    return _KEY if descriptor.keys[0].is_compressed else 66


def _legacy(script_sig: int) -> int:
    return INPUT_WU + 4 * (len(compact_size(script_sig)) + script_sig)


def _witness(items: list[int]) -> int:
    """A stack of items with their lengths, less the one byte that an empty stack takes too."""
    return sum(len(compact_size(size)) + size for size in items)
