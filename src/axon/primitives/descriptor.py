"""Output descriptors: texts that say which scripts to pay to or to look for (BIP 380 to 386, 389).

`parse_descriptor` reads one, `Descriptor.scripts` gives the scripts it stands for, its text is the
canonical one without private keys, and `infer_descriptor` finds a descriptor for a bare script.
Functions: pk pkh wpkh combo multi sortedmulti sh wsh tr rawtr addr raw, and inside `tr` pk, multi_a
and sortedmulti_a; miniscript inside `wsh` and `tr` (BIP 379); keys of several signers inside `tr`
and `rawtr` (BIP 390).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from axon.errors import DecodeError
from axon.primitives.address import decode_address
from axon.primitives.descriptorchecksum import descriptor_checksum, with_checksum
from axon.primitives.descriptorexpression import (
    IN_SH,
    IN_TR,
    IN_WPKH,
    IN_WSH,
    ON_TOP,
    parse_expression,
    parse_place_key,
)
from axon.primitives.descriptorinference import infer_descriptor
from axon.primitives.descriptortree import Descriptor, DescriptorKey, Tree, leaves_of
from axon.primitives.keyexpression import DescriptorError
from axon.primitives.miniscript.fragments import MAX_MULTI_A_KEYS
from axon.primitives.network import Network
from axon.primitives.solver import MAX_MULTISIG_KEYS
from axon.primitives.taptree import MAX_TREE_DEPTH

__all__ = [
    "Descriptor",
    "DescriptorError",
    "descriptor_checksum",
    "infer_descriptor",
    "parse_descriptor",
    "with_checksum",
]

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
    parser = _Parser(network)
    first = parser.parse(body)
    count = max([key.alternatives for key in first.all_keys()], default=1)
    if count == 1:
        return (first,)
    if count * len(body) > MAX_MULTIPATH_SIZE:
        raise DescriptorError("Multipath key path specifiers have too many items for this length")
    others = [parser.parse(_MULTIPATH.sub(_Pick(place), body)) for place in range(count)]
    return tuple(others)


class _Pick:
    """Puts one of its values in the place of a step that has several."""

    def __init__(self, place: int) -> None:
        self._place = place

    def __call__(self, match: re.Match[str]) -> str:
        return match[1].split(";")[self._place]


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


class _Parser:
    """Reads the functions of one descriptor."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def parse(self, text: str, place: str = ON_TOP) -> Descriptor:
        match = _FUNCTION.fullmatch(text)
        name, body = (match[1], match[2]) if match else ("", text)
        if name in ("pk", "combo", "rawtr") or (name == "pkh" and place != IN_TR):
            return self._single(name, body, place)
        if name == "wpkh":
            _only(place in (ON_TOP, IN_SH), "wpkh() at top level or inside sh()")
            return self._single(name, body, place)
        if name in ("multi", "sortedmulti", "multi_a", "sortedmulti_a"):
            return self._multi(name, _split(body), place)
        if name in ("sh", "wsh"):
            return self._wrapped(name, body, place)
        if name == "tr":
            return self._taproot(body, place)
        if name == "addr":
            _only(place == ON_TOP, "addr() at top level")
            try:
                return Descriptor(self._network, name, script=decode_address(body, self._network))
            except DecodeError:
                raise DescriptorError("Address is not valid") from None
        if name == "raw":
            _only(place == ON_TOP, "raw() at top level")
            try:
                return Descriptor(self._network, name, script=_unhex(body))
            except ValueError:
                raise DescriptorError("Raw script is not hex") from None
        found = parse_expression(text, self._network, place)
        if found is not None:
            return found
        if place in (IN_SH, IN_WSH):
            raise DescriptorError(f"A function is needed within P2{place.upper()}")
        raise DescriptorError(f"'{text}' is not a valid descriptor function")

    def _key(self, name: str, text: str, place: str) -> DescriptorKey:
        try:
            return parse_place_key(text, self._network, IN_WPKH if name == "wpkh" else place)
        except DescriptorError as error:
            label = "Multi" if "multi" in name else f"{name}()"
            raise DescriptorError(f"{label}: {error}") from None

    def _single(self, name: str, body: str, place: str) -> Descriptor:
        if name == "combo":
            _only(place == ON_TOP, "combo() at top level")
        if name == "rawtr":
            _only(place == ON_TOP, "rawtr at top level")
            if len(_split(body)) != 1:
                raise DescriptorError("rawtr(): only one key expected.")
        x_only = place == IN_TR or name == "rawtr"
        key = self._key(name, body, IN_TR if x_only else place)
        return Descriptor(self._network, name, (key,), x_only=x_only)

    def _multi(self, name: str, arguments: Sequence[str], place: str) -> Descriptor:
        if name.endswith("_a"):
            _only(place == IN_TR, "multi_a/sortedmulti_a inside tr()")
        else:
            _only(place != IN_TR, "multi/sortedmulti at top level, in sh(), or in wsh()")
        threshold, *texts = arguments
        if not threshold.isascii() or not threshold.isdigit() or int(threshold) >= 1 << 32:
            raise DescriptorError(f"Multi threshold '{threshold}' is not valid")
        keys = tuple([self._key(name, each, place) for each in texts])
        required, most = int(threshold), MAX_MULTI_A_KEYS if place == IN_TR else MAX_MULTISIG_KEYS
        if not 1 <= len(keys) <= most:
            raise DescriptorError(
                f"Cannot have {len(keys)} keys in {'multi_a' if place == IN_TR else 'multisig'};"
                f" must have between 1 and {most} keys, inclusive"
            )
        if required < 1:
            raise DescriptorError(f"Multisig threshold cannot be {required}, must be at least 1")
        if required > len(keys):
            raise DescriptorError(
                "Multisig threshold cannot be larger than the number of keys;"
                f" threshold is {required} but only {len(keys)} keys specified"
            )
        if place == ON_TOP and len(keys) > MAX_BARE_MULTI_KEYS:
            raise DescriptorError(
                f"Cannot have {len(keys)} pubkeys in bare multisig;"
                f" only at most {MAX_BARE_MULTI_KEYS} pubkeys"
            )
        size = 3 + sum(34 if key.is_compressed else 66 for key in keys)
        if place == IN_SH and size > MAX_P2SH_SCRIPT:
            raise DescriptorError(
                f"P2SH script is too large, {size} bytes is larger than {MAX_P2SH_SCRIPT} bytes"
            )
        if len({key.alternatives for key in keys} - {1}) > 1:
            raise DescriptorError("multi(): Multipath derivation paths have mismatched lengths")
        return Descriptor(self._network, name, keys, required, x_only=place == IN_TR)

    def _wrapped(self, name: str, body: str, place: str) -> Descriptor:
        if name == "sh":
            _only(place == ON_TOP, "sh() at top level")
        else:
            _only(place in (ON_TOP, IN_SH), "wsh() at top level or inside sh()")
        inner = self.parse(body, IN_SH if name == "sh" else IN_WSH)
        return Descriptor(self._network, name, inner=inner)

    def _taproot(self, body: str, place: str) -> Descriptor:
        _only(place == ON_TOP, "tr at top level")
        arguments = _split(body)
        key = self._key("tr", arguments[0], IN_TR)
        if len(arguments) > 2:
            raise DescriptorError("tr(): expected ')' after script expression")
        tree = self._tree(arguments[1], 0) if len(arguments) == 2 else None
        lengths = [
            max([each.alternatives for each in leaf.all_keys()], default=1)
            for leaf in leaves_of(tree)
        ]
        most = max([key.alternatives, *lengths])
        if any(length not in (1, most) for length in lengths):
            raise DescriptorError("tr(): Multipath subscripts have mismatched lengths")
        if key.alternatives not in (1, most):
            raise DescriptorError(
                "tr(): Multipath internal key mismatches multipath subscripts lengths"
            )
        return Descriptor(self._network, "tr", (key,), tree=tree, x_only=True)

    def _tree(self, text: str, depth: int) -> Tree:
        opened = len(text) - len(text.lstrip("{"))
        if depth + opened > MAX_TREE_DEPTH:
            raise DescriptorError(f"tr() supports at most {MAX_TREE_DEPTH} nesting levels")
        if not text.startswith("{"):
            return self.parse(text, IN_TR)
        is_closed = text.endswith("}")
        halves = _split(text[1:-1] if is_closed else text[1:])
        if len(halves) != 2:
            raise DescriptorError("tr(): expected ',' after script expression")
        left, right = self._tree(halves[0], depth + 1), self._tree(halves[1], depth + 1)
        if not is_closed:
            raise DescriptorError("tr(): expected '}' after script expression")
        return left, right


def _only(allowed: bool, what: str) -> None:
    if not allowed:
        raise DescriptorError(f"Can only have {what}")


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
    if not text or text != text.strip() or " " in text:
        raise ValueError("hex has digits and no spaces")
    return bytes.fromhex(text)
