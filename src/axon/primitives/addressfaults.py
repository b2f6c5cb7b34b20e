"""What is wrong with a text that should be an address, in words for whoever typed it.

Places are counted from 1, as people count. A mistake is located, never corrected (BIP 173).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from axon.errors import DecodeError
from axon.primitives.address import (
    MAX_ADDRESS_SIZE,
    address_forms,
    base58check_decode,
    decode_address,
)
from axon.primitives.bech32 import VALUES, find_substitutions
from axon.primitives.network import NETWORKS, Network


def address_fault(text: str, network: Network) -> str:
    """Why a text that `decode_address` refuses is no address of a network, as `expected ...`."""
    if len(text) > MAX_ADDRESS_SIZE:
        return (
            f"expected {address_forms(network)}: at most {MAX_ADDRESS_SIZE} characters, this text"
            f" has {len(text)}"
        )
    lower = text.lower()
    for prefix in {each.bech32_hrp: None for each in NETWORKS.values()}:
        if lower.startswith(f"{prefix}1"):
            if prefix != network.bech32_hrp:
                return _of_another(network, lambda other: other.bech32_hrp == prefix)  # noqa: B023
            return _witness_fault(text, network)
    if _is_only_begun_wrong(text, network):
        return (
            f"expected an address of {network.name}, which begins with {network.bech32_hrp}1: check"
            " its beginning"
        )
    return _base58_fault(text, network)


def _of_another(network: Network, owns: Callable[[Network], bool]) -> str:
    names = [other.name for other in NETWORKS.values() if owns(other)]
    return f"expected an address of {network.name}, not of {_joined(names, 'or')}"


def _witness_fault(text: str, network: Network) -> str:
    prefix = network.bech32_hrp
    if text.lower() != text and text.upper() != text:
        return "expected an address in one case, not mixed: type it in small letters"
    first = len(prefix) + 1
    strange = [place for place in range(first, len(text)) if text[place].lower() not in VALUES]
    if strange:
        return f"expected an address without {_named(text, strange)}: no address holds such a sign"
    try:
        decode_address(text, network)
    except DecodeError as error:
        if error.expected != "a valid bech32 checksum":
            return str(error)
    sizes = [first + 39, first + 59]  # Of a key or a script hash; of those for taproot.
    if len(text) not in sizes:
        return (
            f"expected an address of {sizes[0]} or {sizes[1]} characters, this one has {len(text)}:"
            " look for what is missing or too much"
        )
    wrong = find_substitutions(text.lower(), prefix)
    if wrong:
        return f"expected an address without mistakes in typing: check {_named(text, wrong)}"
    return "expected an address without mistakes in typing, this one has several: copy it anew"


def _is_only_begun_wrong(text: str, network: Network) -> bool:
    start = f"{network.bech32_hrp}1"
    try:
        decode_address(start + text[len(start) :].lower(), network)
    except DecodeError:
        return False
    return True


def _base58_fault(text: str, network: Network) -> str:
    expected = f"expected {address_forms(network)}"
    try:
        payload = base58check_decode(text)
    except DecodeError as error:
        if error.offset is not None:
            return f"{expected}, without {_named(text, [error.offset])}"
        return f"{expected} with a valid checksum: a character is wrong, missing or too much"
    if len(payload) == 21:
        version = payload[0]
        if any(version in (each.p2pkh_prefix, each.p2sh_prefix) for each in NETWORKS.values()):
            return _of_another(
                network, lambda other: version in (other.p2pkh_prefix, other.p2sh_prefix)
            )
    return expected


def _named(text: str, places: Sequence[int]) -> str:
    noun = "character" if len(places) == 1 else "characters"
    return f"{noun} {_joined([f'{place + 1} ({text[place]!r})' for place in places], 'and')}"


def _joined(texts: Sequence[str], word: str) -> str:
    *most, last = texts
    return f"{', '.join(most)} {word} {last}" if most else last
