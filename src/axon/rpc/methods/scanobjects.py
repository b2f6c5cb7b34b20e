"""Descriptors with ranges as callers write them, for scans and addresses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from axon.errors import DecodeError
from axon.primitives.descriptor import Descriptor, DescriptorError, parse_descriptor
from axon.primitives.network import Network
from axon.rpc.errors import Code, RpcError
from axon.rpc.parameters import expect_text

DEFAULT_RANGE: Final = 1_000
"""The last index of a family that is looked for, if nothing else is said."""

MAX_RANGE: Final = 1_000_000
"""Scripts of one family in one call; each costs a derivation."""


@dataclass(frozen=True, slots=True)
class Needle:
    """A script that is looked for.

    Args:
        descriptor: whose family it belongs to.
        index: which of the family.
        place: which of the descriptor's scripts.
    """

    descriptor: Descriptor
    index: int
    place: int

    def to_text(self) -> str:
        """The descriptor of this script alone."""
        return self.descriptor.fixed(self.index)[self.place].to_text()


def read_descriptors(text: str, network: Network, *, checksum: bool = False) -> list[Descriptor]:
    """The descriptors that a caller's text stands for.

    Raises:
        RpcError: -5, it is none.
    """
    try:
        return list(parse_descriptor(text, network, checksum=checksum))
    except DescriptorError as error:
        raise RpcError(Code.NOT_FOUND, str(error)) from error


def read_range(value: object) -> tuple[int, int]:
    """The first and last index of a family: an end, or both.

    Raises:
        RpcError: -8, it is neither, or too much.
    """
    if type(value) is int:
        low, high = 0, value
    elif isinstance(value, list) and len(value) == 2 and all(type(each) is int for each in value):
        low, high = value
        if low > high:
            raise RpcError(
                Code.PARAMETER,
                "Range specified as [begin,end] must not have begin after end",
            )
    elif isinstance(value, float):
        raise RpcError(Code.MISC, "JSON integer out of range")
    else:
        raise RpcError(Code.PARAMETER, "Range must be specified as end or as [begin,end]")
    if low < 0:
        raise RpcError(Code.PARAMETER, "Range should be greater or equal than 0")
    if high >> 31:
        raise RpcError(Code.PARAMETER, "End of range is too high")
    if high >= low + MAX_RANGE:
        raise RpcError(Code.PARAMETER, "Range is too large")
    return low, high


def needles(
    scan_object: object, network: Network, go_on: Callable[[], None]
) -> dict[bytes, Needle]:
    """The scripts that one scan object asks for; slow for families.

    Args:
        go_on: called for each script; what it raises ends the work.

    Raises:
        RpcError: it is no scan object.
    """
    text, descriptors, (low, high) = read_scan_object(scan_object, network)
    found: dict[bytes, Needle] = {}
    for descriptor in descriptors:
        for index in range(low, high + 1):
            go_on()
            for place, script in enumerate(expand(descriptor, index, text)):
                found[script] = Needle(descriptor, index, place)
    return found


def read_scan_object(
    scan_object: object, network: Network
) -> tuple[str, list[Descriptor], tuple[int, int]]:
    """The text of a scan object, its descriptors, and the first and last index of their families.

    Raises:
        RpcError: it is no scan object.
    """
    bounds = (0, DEFAULT_RANGE)
    text: object = scan_object
    if isinstance(scan_object, dict):
        text = scan_object.get("desc")
        if text is None:
            raise RpcError(Code.PARAMETER, "Descriptor needs to be provided in scan object")
        if scan_object.get("range") is not None:
            bounds = read_range(scan_object["range"])
        text = expect_text(text)
    if not isinstance(text, str):
        raise RpcError(Code.PARAMETER, "Scan object needs to be either a string or an object")
    descriptors = read_descriptors(text, network)
    return text, descriptors, bounds if descriptors[0].is_range else (0, 0)


def expand(descriptor: Descriptor, index: int, text: str) -> tuple[bytes, ...]:
    """The scripts of a descriptor.

    Raises:
        RpcError: -5, that takes private keys.
    """
    try:
        return descriptor.scripts(index)
    except DecodeError as error:
        raise RpcError(
            Code.NOT_FOUND, f"Cannot derive script without private keys: '{text}'"
        ) from error
