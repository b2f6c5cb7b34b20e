"""Looking through all coins, in a thread beside the node."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

from axon.chain.coins import Coin
from axon.primitives.hashes import BlockHash
from axon.primitives.transaction import OutPoint

LOOK_UP_EACH: Final = 256
"""Coins between two looks at whether to go on."""


@dataclass(frozen=True, slots=True)
class CoinSnapshot:
    """All coins as they were at one block; they can be gone through once.

    Args:
        best: the block.
        height: its height.
        first: the first coin; None if there is none.
        rest: the others.
    """

    best: BlockHash
    height: int
    first: tuple[OutPoint, Coin] | None
    rest: Iterator[tuple[OutPoint, Coin]]

    def items(self) -> Iterator[tuple[OutPoint, Coin]]:
        """All coins in the order of their outpoints; to be read once."""
        return iter(()) if self.first is None else chain((self.first,), self.rest)


class CoinScan:
    """The search for coins with certain scripts; may be watched and broken off meanwhile.

    Args:
        scripts: those that are looked for.
    """

    def __init__(self, scripts: Collection[bytes]) -> None:
        self._scripts = scripts
        self._aborted = False
        self.progress = 0
        """Percent of all coins, estimated by their txids, which are spread evenly."""
        self.seen = 0
        """Coins looked at."""
        self.found: list[tuple[OutPoint, Coin]] = []

    def abort(self) -> None:
        """Make `run` end at its next look, after at most `LOOK_UP_EACH` coins."""
        self._aborted = True

    def run(self, snapshot: CoinSnapshot) -> bool:
        """Look through all coins; whether the end was reached."""
        scripts, found = self._scripts, self.found
        for outpoint, coin in snapshot.items():
            self.seen += 1
            if self.seen % LOOK_UP_EACH == 0:
                if self._aborted:
                    return False
                self.progress = round(int.from_bytes(outpoint[:2], "big") * 100 / 0x1_0000)
            if coin.script_pubkey in scripts:
                found.append((outpoint, coin))
        self.progress = 100
        return True
