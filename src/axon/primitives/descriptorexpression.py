"""What stands inside descriptors: keys, by the place where they stand, and miniscript."""

from __future__ import annotations

from typing import Final

from axon.errors import DecodeError
from axon.primitives.descriptortree import MINISCRIPT, Descriptor, DescriptorKey, as_key
from axon.primitives.keyexpression import DescriptorError, parse_key
from axon.primitives.miniscript.fragments import Key, Node, ScriptContext, keys_of
from axon.primitives.miniscript.parsing import parse_miniscript
from axon.primitives.miniscript.sanity import has_duplicate_keys, insane_part, is_sane
from axon.primitives.miniscript.types import has
from axon.primitives.miniscript.writing import to_text
from axon.primitives.musigkey import START, parse_musig
from axon.primitives.network import Network

ON_TOP: Final = "top"
IN_SH: Final = "sh"
IN_WSH: Final = "wsh"
IN_WPKH: Final = "wpkh"
IN_TR: Final = "tr"
"""Places in a descriptor."""


def parse_place_key(text: str, network: Network, place: str) -> DescriptorKey:
    """A key from its text.

    Raises:
        DescriptorError: it is none, or none for this place.
    """
    if text.startswith(START):
        if place != IN_TR:
            raise DescriptorError("musig() is only allowed in tr() and rawtr()")
        return parse_musig(text, network)
    loose = place in (ON_TOP, IN_SH)
    return parse_key(text, network, x_only=place == IN_TR, uncompressed=loose)


def parse_expression(text: str, network: Network, place: str) -> Descriptor | None:
    """Miniscript from its text; None if it is none.

    Raises:
        DescriptorError: a key in it is none, it is not safe, or it may not stand in this place.
    """
    context = ScriptContext.P2WSH if place == IN_WSH else ScriptContext.TAPSCRIPT
    faults: list[DescriptorError] = []

    def key_from(each: str) -> Key | None:
        try:
            return parse_place_key(each, network, IN_WSH if place == IN_WSH else IN_TR)
        except DescriptorError as fault:
            faults.append(fault)
            return None

    node = parse_miniscript(text, context, key_from)
    if faults:
        raise faults[0]
    if node is None:
        return None
    if place not in (IN_WSH, IN_TR):
        raise DescriptorError("Miniscript expressions can only be used in wsh or tr.")
    duplicates = has_duplicate_keys(node, _name)
    sane = is_sane(node, duplicates)
    if not sane or node.stack_total is None:
        raise DescriptorError(_complaint(node, sane=sane))
    if len({as_key(key).alternatives for key in keys_of(node)} - {1}) > 1:
        raise DescriptorError("Miniscript: Multipath derivation paths have mismatched lengths")
    return Descriptor(network, MINISCRIPT, expression=node, x_only=place == IN_TR)


def _name(key: Key) -> object:
    """The same for the same key: that of the first index, where it stands for a family."""
    try:
        return as_key(key).public_key(0)
    except DecodeError:
        return str(key)


def _complaint(root: Node, *, sane: bool) -> str:
    """What is wrong with an expression, as far inside as can be told."""
    part = insane_part(root, _name) or root
    text = to_text(part, str)
    if not part.is_valid:
        return f"{text} is invalid"
    if sane:
        return f"{text} is not satisfiable"
    text += " is not sane"
    if not has(part.type, "m"):
        return f"{text}: malleable witnesses exist"
    if part is root and not has(part.type, "s"):
        return f"{text}: witnesses without signature exist"
    if not has(part.type, "k"):
        return f"{text}: contains mixes of timelocks expressed in blocks and seconds"
    if has_duplicate_keys(part, _name):
        return f"{text}: contains duplicate public keys"
    if not (part.within_ops and part.within_stack):
        return f"{text}: needs witnesses that may exceed resource limits"
    return text
