"""An AS map as large as that of the whole Internet: how long it takes to read, and to look into.

    python -m bench.asmaps [--prefixes N]

The table is made up: four in five prefixes are IPv4's, sized as those that are announced mostly
are, and belong to some twenty thousand autonomous systems of which few have most. Counted are the
bytes of the map in Bitcoin Core's format, how long the check at the start takes in its thread and
what it adds to the memory, how long a loop beside it is held at most, and how long it takes to find
the system of one address.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

from axon.host.asmapfile import read_asmap
from axon.p2p.asmap import AsMap
from bench.reaching import resident_mb
from bench.table import Row
from tests.p2p.asmaps import MAX_SYSTEM, default, match, number, packed, returned

PREFIXES: Final = 500_000
LOOKED_UP: Final = 20_000

HELD_LIMIT_S: Final = 0.05
"""So long the loop may be held at most."""
LOOK_S: Final = 0.002

_IPV4: Final = "0" * 80 + "1" * 16
_IPV4_SIZES: Final = (24,) * 12 + (23, 23, 22, 22, 22, 21, 20, 19, 16)
_IPV6_SIZES: Final = (48, 48, 48, 44, 40, 36, 32, 32)

Rope = str | tuple["Rope", ...]
"""Instructions in bits, joined at the end alone."""


def drawn_table(rng: Random, count: int) -> dict[str, int]:
    """Prefixes in bits, those of IPv4 mapped into IPv6, and which system has them."""
    table: dict[str, int] = {}
    while len(table) < count:
        if rng.random() < 0.8:
            bits = _IPV4 + f"{rng.randrange(1 << 24, 224 << 24):032b}"
            prefix = bits[: 96 + rng.choice(_IPV4_SIZES)]
        else:
            bits = f"{rng.randrange(0x2400, 0x2C00):016b}{rng.getrandbits(112):0112b}"
            prefix = bits[: rng.choice(_IPV6_SIZES)]
        table[prefix] = min(int(rng.paretovariate(0.35)), MAX_SYSTEM)
    return table


class _Node:
    """The halves behind a 0 and behind a 1: an autonomous system, 0 for none, or halves again."""

    __slots__ = ("halves", "is_full")

    def __init__(self, system: int) -> None:
        self.halves: list[int | _Node] = [system, system]
        self.is_full = False
        """Every address is mapped."""

    def put(self, prefix: str, system: int) -> None:
        """All addresses that begin so belong to a system."""
        node = self
        for bit in prefix[:-1]:
            half = node.halves[int(bit)]
            if isinstance(half, int):
                half = node.halves[int(bit)] = _Node(half)
            node = half
        node.halves[int(prefix[-1])] = system

    def settle(self) -> None:
        """Take two halves that are the same for one, and see what is mapped."""
        for side, half in enumerate(self.halves):
            if isinstance(half, _Node):
                half.settle()
                low, high = half.halves
                if isinstance(low, int) and low == high:
                    self.halves[side] = low
        self.is_full = all(
            half.is_full if isinstance(half, _Node) else half != 0 for half in self.halves
        )


def encoded(table: dict[str, int]) -> bytes:
    """The map of a large table."""
    root = _Node(0)
    for prefix in sorted(table, key=len):
        root.put(prefix, table[prefix])
    root.settle()
    rope, size = _program(root, 0)
    bits = "".join(_flat(rope))
    assert len(bits) == size
    return packed(bits)


def _program(node: int | _Node, otherwise: int) -> tuple[Rope, int]:
    """The instructions of a node, and how many bits they are; as `tests.p2p.asmaps.program`."""
    if isinstance(node, int):
        last = returned(node)
        return last, len(last)
    chain = ""
    rest: int | _Node = node
    while isinstance(rest, _Node) and otherwise in rest.halves:
        side = int(rest.halves[0] == otherwise)
        chain, rest = chain + str(side), rest.halves[side]
    if chain:
        matches = "".join(match(chain[at : at + 8]) for at in range(0, len(chain), 8))
        rope, size = _program(rest, otherwise)
        return (matches, rope), len(matches) + size
    low, high = node.halves
    for leaf, other in ((low, high), (high, low)):
        if isinstance(leaf, int) and isinstance(other, _Node) and other.is_full:
            first = default(leaf)
            rope, size = _program(node, leaf)
            return (first, rope), len(first) + size
    (first_half, first_size), (second_half, second_size) = (
        _program(half, otherwise) for half in node.halves
    )
    head = "10" + number(first_size, 17, range(5, 31))
    return (head, first_half, second_half), len(head) + first_size + second_size


def _flat(rope: Rope) -> Iterator[str]:
    left = [rope]
    while left:
        piece = left.pop()
        if isinstance(piece, str):
            yield piece
        else:
            left += reversed(piece)


# What is measured.


async def held_s(path: Path) -> tuple[AsMap, float, float]:
    """The map read in a thread; how long that took, and how long the loop was held at most."""
    loop, longest = asyncio.get_running_loop(), 0.0
    began = time.perf_counter()
    reading = loop.run_in_executor(None, read_asmap, path)
    while not reading.done():
        looked = time.perf_counter()
        await asyncio.sleep(LOOK_S)
        longest = max(longest, time.perf_counter() - looked - LOOK_S)
    return await reading, time.perf_counter() - began, longest


def measure(prefixes: int = PREFIXES) -> Row:
    """The row."""
    rng = Random(1)
    table = drawn_table(rng, prefixes)
    data, systems = encoded(table), len(frozenset(table.values()))
    known = [int(prefix.ljust(128, "0"), 2).to_bytes(16, "big") for prefix in table]
    wanted = rng.sample(known, min(LOOKED_UP, len(known)))
    del table, known
    with TemporaryDirectory() as folder:
        path = Path(folder) / "asmap.dat"
        path.write_bytes(data)
        before = resident_mb(os.getpid())
        made, took, longest = asyncio.run(held_s(path))
        grown = resident_mb(os.getpid()) - before
    began = time.perf_counter()
    found = sum(made.find(address) > 0 for address in wanted)
    each_us = (time.perf_counter() - began) / len(wanted) * 1e6
    assert found == len(wanted), "each prefix is mapped"
    return Row(
        f"an AS map of {prefixes:,} prefixes is read, and looked into",
        f"{took:.1f} s, loop held {longest * 1e3:.0f} ms",
        f"<= {HELD_LIMIT_S * 1e3:.0f} ms",
        longest <= HELD_LIMIT_S,
        [
            f"{len(data):,} bytes, {systems:,} systems; {grown:.1f} MB more; one address is found "
            f"in {each_us:.0f} us",
        ],
    )


def main(arguments: list[str]) -> int:
    """Measure, print, and say by the exit code whether the limit holds."""
    parser = argparse.ArgumentParser(prog="python -m bench.asmaps")
    parser.add_argument("--prefixes", type=int, default=PREFIXES, metavar="N")
    row = measure(parser.parse_args(arguments).prefixes)
    print(f"{row.what}: {row.found}", *row.notes, sep="\n")
    return 0 if row.holds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
