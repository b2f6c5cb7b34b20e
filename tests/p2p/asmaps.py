"""AS maps made by hand and from tables of prefixes: the other side of `p2p/asmap`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

MAX_SYSTEM: Final = sum(1 << size for size in range(15, 25))
"""The largest number of an autonomous system that a map can say."""

Trie = int | tuple["Trie", "Trie"]
"""An autonomous system, 0 for none; or the halves behind a 0 and behind a 1."""


def packed(bits: str) -> bytes:
    """A map from its instructions in bits, the first bit the lowest of the first byte."""
    padded = bits + "0" * (-len(bits) % 8)
    return bytes(int(padded[at : at + 8][::-1], 2) for at in range(0, len(padded), 8))


def number(value: int, smallest: int, sizes: range) -> str:
    """A number in its class: a 1 for each class passed, a 0 unless in the last, its place."""
    within = value - smallest
    for size in sizes:
        last = size == sizes[-1]
        if within < 1 << size or last:
            assert within < 1 << size
            return "1" * (size - sizes[0]) + ("" if last else "0") + f"{within:0{size}b}"
        within -= 1 << size
    raise AssertionError


def returned(system: int) -> str:
    """Return an autonomous system."""
    return "0" + number(system, 1, range(15, 25))


def default(system: int) -> str:
    """What a match that fails returns from here on."""
    return "111" + number(system, 1, range(15, 25))


def match(bits: str) -> str:
    """Go on if the next bits of the address are these, eight at most."""
    return "110" + number(int("1" + bits, 2), 2, range(1, 9))


def jump(low: str, high: str) -> str:
    """Go on with one of two programs, by the next bit of the address."""
    return "10" + number(len(low), 17, range(5, 31)) + low + high


def with_prefix(trie: Trie, prefix: str, system: int) -> Trie:
    """The trie with another system for all addresses that begin like this."""
    if not prefix:
        return system
    low, high = (trie, trie) if isinstance(trie, int) else trie
    if prefix[0] == "0":
        low = with_prefix(low, prefix[1:], system)
    else:
        high = with_prefix(high, prefix[1:], system)
    return low if isinstance(low, int) and low == high else (low, high)


def trie_of(table: Mapping[str, int]) -> Trie:
    """The trie of a table of prefixes, in bits, in which the longest counts."""
    trie: Trie = 0
    for prefix in sorted(table, key=len):
        trie = with_prefix(trie, prefix, table[prefix])
    return trie


def program(trie: Trie, otherwise: int = 0) -> str:
    """The instructions of a trie, of which something is mapped.

    Args:
        otherwise: what a match that fails returns now.
    """
    if isinstance(trie, int):
        return returned(trie)
    chain = ""
    rest: Trie = trie
    while isinstance(rest, tuple) and otherwise in rest:
        side = int(rest[0] == otherwise)
        chain, rest = chain + str(side), rest[side]
    if chain:
        pieces = [match(chain[at : at + 8]) for at in range(0, len(chain), 8)]
        return "".join(pieces) + program(rest, otherwise)
    low, high = trie
    for leaf, other in ((low, high), (high, low)):
        if isinstance(leaf, int) and isinstance(other, tuple) and _has_all(other):
            return default(leaf) + program(trie, leaf)
    return jump(program(low, otherwise), program(high, otherwise))


def _has_all(trie: Trie) -> bool:
    """Whether every address is mapped."""
    return trie != 0 if isinstance(trie, int) else all(map(_has_all, trie))


def encoded(table: Mapping[str, int]) -> bytes:
    """The map of a table of prefixes."""
    return packed(program(trie_of(table)))


def ipv4(prefix: str) -> str:
    """The bits of a prefix of IPv4 as `1.2.0.0/16`, mapped into IPv6."""
    host, _, size = prefix.partition("/")
    bits = "".join(f"{int(part):08b}" for part in host.split("."))
    return "0" * 80 + "1" * 16 + bits[: int(size)]
