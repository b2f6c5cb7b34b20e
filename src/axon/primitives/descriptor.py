"""Output descriptors: texts that say which scripts to pay to or to look for (BIP 380 to 386, 389).

`parse_descriptor` reads one, `Descriptor.scripts` gives the scripts it stands for, its text is the
canonical one without private keys, and `infer_descriptor` finds a descriptor for a bare script.
Functions: pk pkh wpkh combo multi sortedmulti sh wsh tr rawtr addr raw, and inside `tr` pk, multi_a
and sortedmulti_a.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from axon.errors import DecodeError
from axon.primitives.address import decode_address, encode_address
from axon.primitives.descriptorchecksum import descriptor_checksum, with_checksum
from axon.primitives.descriptortree import Descriptor, Tree
from axon.primitives.hashes import sha256
from axon.primitives.keyexpression import DescriptorError, KeyExpression, parse_key
from axon.primitives.keys import is_x_only_key
from axon.primitives.network import Network
from axon.primitives.solver import MULTISIG, PUBKEY, WITNESS_V1_TAPROOT, Solved, solve

__all__ = [
    "Descriptor",
    "DescriptorError",
    "descriptor_checksum",
    "infer_descriptor",
    "parse_descriptor",
    "with_checksum",
]

MAX_TREE_DEPTH: Final = 128
"""Of the scripts of a taproot output (BIP 341)."""

MAX_MULTI_KEYS: Final = 20
MAX_MULTI_A_KEYS: Final = 999
MAX_BARE_MULTI_KEYS: Final = 3
MAX_P2SH_SCRIPT: Final = 520
"""Bytes: a redeem script is pushed in one element."""

MAX_MULTIPATH_SIZE: Final = 4_000_000
"""Characters of all texts together that a text with multipath keys stands for."""

_FUNCTION = re.compile(r"([a-z_]+)\((.*)\)", re.DOTALL)
_MULTIPATH = re.compile(r"<([^<>]*)>")


def parse_descriptor(
    text: str, network: Network, *, checksum: bool = False
) -> tuple[Descriptor, ...]:
    """Read a descriptor; several come of a text with multipath keys (`/<0;1>/`, BIP 389).

    Args:
        checksum: whether it must have one; one that is there must fit in any case.

    Raises:
        DescriptorError: it is none, in Bitcoin Core's words.
    """
    body = _checked(text, checksum)
    return tuple([_Parser(network).parse(each) for each in _paths(body)])


def _checked(text: str, required: bool) -> str:
    """The text without its checksum."""
    body, *rest = text.split("#")
    if len(rest) > 1:
        raise DescriptorError("Multiple '#' symbols")
    if not rest and required:
        raise DescriptorError("Missing checksum")
    if rest and len(rest[0]) != 8:
        raise DescriptorError(f"Expected 8 character checksum, not {len(rest[0])} characters")
    computed = descriptor_checksum(body)
    if rest and rest[0] != computed:
        raise DescriptorError(
            f"Provided checksum '{rest[0]}' does not match computed checksum '{computed}'"
        )
    return body


def _paths(text: str) -> list[str]:
    """The texts that a text with multipath keys stands for."""
    found = _MULTIPATH.findall(text)
    if not found:
        return [text]
    most = max([each.count(";") for each in found]) + 1
    if most * len(text) > MAX_MULTIPATH_SIZE:
        raise DescriptorError("Multipath key path specifiers have too many items for this length")
    choices = [each.split(";") for each in found]
    if any(part.count("<") > 1 for part in re.split(r"[,(){}]", text)):
        raise DescriptorError("Multiple multipath key path specifiers found")
    for values in choices:
        if len(values) < 2:
            raise DescriptorError("Multipath key path specifiers must have at least two items")
        seen: set[str] = set()
        for value in values:
            if value in seen:
                raise DescriptorError(f"Duplicated key path value {value} in multipath specifier")
            seen.add(value)
        if len(values) != len(choices[0]):
            raise DescriptorError("Multipath key path specifiers have mismatched lengths")
    texts: list[str] = []
    for place in range(len(choices[0])):
        picks = iter([values[place] for values in choices])
        texts.append(_MULTIPATH.sub(lambda _, picks=picks: next(picks), text))  # type: ignore[misc]
    return texts


_TOP, _SH, _WSH, _TR = "top", "sh", "wsh", "tr"


class _Parser:
    """Reads the functions of one descriptor."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def parse(self, text: str, place: str = _TOP) -> Descriptor:
        match = _FUNCTION.fullmatch(text)
        name, body = (match[1], match[2]) if match else ("", text)
        arguments = _split(body)
        if name in ("pk", "pkh", "wpkh", "combo", "rawtr"):
            return self._single(name, arguments, place)
        if name in ("multi", "sortedmulti", "multi_a", "sortedmulti_a"):
            return self._multi(name, arguments, place)
        if name in ("sh", "wsh"):
            return self._wrapped(name, arguments, place)
        if name == "tr":
            return self._taproot(arguments, place)
        if name == "addr":
            _only(name, place == _TOP)
            try:
                return Descriptor(self._network, name, script=decode_address(body, self._network))
            except DecodeError:
                raise DescriptorError("Address is not valid") from None
        if name == "raw":
            _only(name, place == _TOP)
            try:
                return Descriptor(self._network, name, script=_unhex(body))
            except ValueError:
                raise DescriptorError("Raw script is not hex") from None
        if place in (_SH, _WSH):
            raise DescriptorError(f"A function is needed within P2{place.upper()}")
        raise DescriptorError(f"'{text}' is not a valid descriptor function")

    def _key(self, name: str, text: str, place: str) -> KeyExpression:
        loose = place in (_TOP, _SH) and name in ("pk", "pkh", "combo", "multi", "sortedmulti")
        try:
            return parse_key(text, self._network, x_only=place == _TR, uncompressed=loose)
        except DescriptorError as error:
            label = "Multi" if "multi" in name else f"{name}()"
            raise DescriptorError(f"{label}: {error}") from None

    def _single(self, name: str, arguments: Sequence[str], place: str) -> Descriptor:
        allowed = {
            "pk": (_TOP, _SH, _WSH, _TR),
            "pkh": (_TOP, _SH, _WSH),
            "wpkh": (_TOP, _SH),
            "combo": (_TOP,),
            "rawtr": (_TOP,),
        }
        _only(name, place in allowed[name])
        if len(arguments) != 1:
            raise DescriptorError(f"{name}(): only one key expected.")
        x_only = place == _TR or name == "rawtr"
        key = self._key(name, arguments[0], _TR if x_only else place)
        return Descriptor(self._network, name, (key,), x_only=x_only)

    def _multi(self, name: str, arguments: Sequence[str], place: str) -> Descriptor:
        _only(name, (place == _TR) == name.endswith("_a"))
        threshold, *texts = arguments
        if not threshold.isascii() or not threshold.isdigit():
            raise DescriptorError(f"Multi threshold '{threshold}' is not valid")
        keys = tuple([self._key(name, each, place) for each in texts])
        required, most = int(threshold), MAX_MULTI_A_KEYS if place == _TR else MAX_MULTI_KEYS
        if not 1 <= len(keys) <= most:
            raise DescriptorError(
                f"Cannot have {len(keys)} keys in multisig;"
                f" must have between 1 and {most} keys, inclusive"
            )
        if required < 1:
            raise DescriptorError(f"Multisig threshold cannot be {required}, must be at least 1")
        if required > len(keys):
            raise DescriptorError(
                "Multisig threshold cannot be larger than the number of keys;"
                f" threshold is {required} but only {len(keys)} keys specified"
            )
        if place == _TOP and len(keys) > MAX_BARE_MULTI_KEYS:
            raise DescriptorError(
                f"Cannot have {len(keys)} pubkeys in bare multisig;"
                f" only at most {MAX_BARE_MULTI_KEYS} pubkeys"
            )
        size = 3 + sum(34 if key.is_compressed else 66 for key in keys)
        if place == _SH and size > MAX_P2SH_SCRIPT:
            raise DescriptorError(
                f"P2SH script is too large, {size} bytes is larger than {MAX_P2SH_SCRIPT} bytes"
            )
        return Descriptor(self._network, name, keys, required, x_only=place == _TR)

    def _wrapped(self, name: str, arguments: Sequence[str], place: str) -> Descriptor:
        _only(name, place == _TOP or (name == "wsh" and place == _SH))
        inner = self.parse(",".join(arguments), _SH if name == "sh" else _WSH)
        return Descriptor(self._network, name, inner=inner)

    def _taproot(self, arguments: Sequence[str], place: str) -> Descriptor:
        _only("tr", place == _TOP)
        if len(arguments) > 2:
            raise DescriptorError(f"tr: expected ',' or ')', got '{arguments[2]}'")
        key = self._key("tr", arguments[0], _TR)
        tree = self._tree(arguments[1], 0) if len(arguments) == 2 else None
        return Descriptor(self._network, "tr", (key,), tree=tree, x_only=True)

    def _tree(self, text: str, depth: int) -> Tree:
        if depth > MAX_TREE_DEPTH:
            raise DescriptorError(f"tr() supports at most {MAX_TREE_DEPTH} nesting levels")
        if not text.startswith("{"):
            return self.parse(text, _TR)
        halves = _split(text[1:-1])
        if not text.endswith("}") or len(halves) != 2:
            raise DescriptorError("tr(): expected a pair of scripts in braces")
        return self._tree(halves[0], depth + 1), self._tree(halves[1], depth + 1)


_PLACES: Final = {
    "pkh": "at top level, in sh(), or in wsh()",
    "wpkh": "at top level or inside sh()",
    "wsh": "at top level or inside sh()",
    "multi": "at top level, in sh(), or in wsh()",
    "multi_a": "inside tr()",
}


def _only(name: str, allowed: bool) -> None:
    if not allowed:
        where = _PLACES.get(name.removeprefix("sorted"), "at top level")
        raise DescriptorError(f"Can only have {name}() {where}")


def _split(text: str) -> list[str]:
    """The arguments of a function: cut at the commas outside of all brackets."""
    parts: list[str] = []
    depth = start = 0
    for position, sign in enumerate(text):
        if sign in "({":
            depth += 1
        elif sign in ")}":
            depth -= 1
        elif sign == "," and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]]


def _unhex(text: str) -> bytes:
    if text != text.strip() or " " in text:
        raise ValueError("hex has no spaces")
    return bytes.fromhex(text)


def infer_descriptor(
    script: bytes,
    network: Network,
    *,
    solved: Solved | None = None,
    address: str | None = None,
    witness_script: bytes | None = None,
) -> str:
    """A descriptor, with checksum, of a script about which nothing else is known.

    Args:
        solved: what kind of script it is, if that is known already.
        address: its address, likewise.
        witness_script: what a P2WSH output is known to commit to.
    """
    if witness_script is not None and script == b"\x00\x20" + sha256(witness_script):
        inner = _keys_of(solve(witness_script), compressed=True)
        if inner is not None:
            return with_checksum(f"wsh({inner})")
    solved = solved or solve(script)
    text = _keys_of(solved, compressed=False)
    if text is None and solved.kind == WITNESS_V1_TAPROOT and is_x_only_key(solved.parts[0]):
        text = f"rawtr({solved.parts[0].hex()})"
    if text is None:
        address = address or encode_address(script, network)
        text = f"raw({script.hex()})" if address is None else f"addr({address})"
    return with_checksum(text)


def _keys_of(solved: Solved, *, compressed: bool) -> str | None:
    """`pk` or `multi` where a script shows its keys; None where it does not."""
    if solved.kind not in (PUBKEY, MULTISIG):
        return None
    sizes = (33,) if compressed else (33, 65)
    if not all(len(key) in sizes and key[0] in (2, 3, 4) for key in solved.parts):
        return None
    keys = ",".join(key.hex() for key in solved.parts)
    return f"pk({keys})" if solved.kind == PUBKEY else f"multi({solved.required},{keys})"
