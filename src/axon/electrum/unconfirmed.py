"""The unconfirmed transactions as scripts see them.

The pool knows transactions and what they spend; wallets ask what happens to a script. This keeps,
for each script that an unconfirmed transaction spends from or pays to, which ones they are. It is
told of what comes and goes, and never goes through the pool. It is as large as the pool is, whose
bound is the operator's (`-maxmempool`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from axon.electrum.feehistogram import FeeHistogram
from axon.primitives.hashes import Txid
from axon.primitives.transaction import OutPoint, outpoint

UNCONFIRMED_PARENT = -1
"""The height of an unconfirmed transaction that spends another."""

NO_HEIGHT = 0
"""The height of any other unconfirmed transaction."""


@dataclass(frozen=True, slots=True)
class Unconfirmed:
    """One unconfirmed transaction.

    Args:
        txid: its name.
        fee_sat: what it pays.
        vsize: its size, as the pool counts it.
        spends: the outputs it spends, each with the hash of its script and its amount.
        makes: for each of its outputs the same.
    """

    txid: Txid
    fee_sat: int
    vsize: int
    spends: tuple[tuple[OutPoint, bytes, int], ...]
    makes: tuple[tuple[bytes, int], ...]

    def scripts(self) -> dict[bytes, None]:
        """The scripts it touches, in order."""
        touched = dict.fromkeys([script for _, script, _ in self.spends])
        touched.update(dict.fromkeys([script for script, _ in self.makes]))
        return touched


class UnconfirmedView:
    """All of them, by the scripts they touch."""

    def __init__(self) -> None:
        self.histogram = FeeHistogram()
        self._entries: dict[Txid, Unconfirmed] = {}
        self._by_script: dict[bytes, dict[Txid, None]] = {}
        self._spenders: dict[OutPoint, Txid] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, txid: Txid) -> bool:
        return txid in self._entries

    def add(self, entry: Unconfirmed) -> dict[bytes, None]:
        """One came into the pool; the scripts for which something changes."""
        if entry.txid in self._entries:
            return {}
        self._entries[entry.txid] = entry
        self.histogram.add(entry.fee_sat, entry.vsize)
        for point, _, _ in entry.spends:
            self._spenders[point] = entry.txid
        touched = entry.scripts()
        for script in touched:
            self._by_script.setdefault(script, {})[entry.txid] = None
        touched.update(self._children_scripts(entry))
        return touched

    def remove(self, txids: Iterable[Txid]) -> dict[bytes, None]:
        """Some have left the pool, in whatever way; the scripts for which something changes."""
        touched: dict[bytes, None] = {}
        for txid in txids:
            entry = self._entries.pop(txid, None)
            if entry is None:
                continue
            self.histogram.remove(entry.fee_sat, entry.vsize)
            for point, _, _ in entry.spends:
                if self._spenders.get(point) == txid:
                    del self._spenders[point]
            scripts = entry.scripts()
            for script in scripts:
                there = self._by_script[script]
                del there[txid]
                if not there:
                    del self._by_script[script]
            touched.update(scripts)
            touched.update(self._children_scripts(entry))
        return touched

    def _children_scripts(self, entry: Unconfirmed) -> dict[bytes, None]:
        """The scripts of those that spend it: their heights change with it."""
        touched: dict[bytes, None] = {}
        for index in range(len(entry.makes)):
            child = self._spenders.get(outpoint(entry.txid, index))
            if child is not None:
                touched.update(self._entries[child].scripts())
        return touched

    def height(self, entry: Unconfirmed) -> int:
        """-1 if it spends an unconfirmed output, else 0."""
        entries = self._entries
        if any(point[:32] in entries for point, _, _ in entry.spends):
            return UNCONFIRMED_PARENT
        return NO_HEIGHT

    def count(self, script: bytes) -> int:
        """How many touch a script."""
        return len(self._by_script.get(script, ()))

    def touching(self, script: bytes) -> list[Unconfirmed]:
        """Those that touch a script."""
        return [self._entries[txid] for txid in self._by_script.get(script, ())]

    def history(self, entries: Iterable[Unconfirmed]) -> list[tuple[int, Txid, int]]:
        """Height, txid and fee of some, in the protocol's order; from any thread.

        First those with height 0, then those with -1; among equals by txid as people read it.
        """
        found = [(self.height(entry), entry.txid, entry.fee_sat) for entry in entries]
        return sorted(found, key=lambda item: (-item[0], item[1][::-1]))

    def spender(self, point: OutPoint) -> Txid | None:
        """Which one spends an output, if any does."""
        return self._spenders.get(point)

    def unspent(self, script: bytes) -> list[tuple[OutPoint, int]]:
        """Outputs and amounts that they pay to a script, and none of them spends."""
        found: list[tuple[OutPoint, int]] = []
        for txid in self._by_script.get(script, ()):
            for index, (paid, amount_sat) in enumerate(self._entries[txid].makes):
                point = outpoint(txid, index)
                if paid == script and point not in self._spenders:
                    found.append((point, amount_sat))
        return found

    def change_sat(self, script: bytes) -> int:
        """By how much they change what a script has; negative if they spend more than they pay."""
        change = 0
        for txid in self._by_script.get(script, ()):
            entry = self._entries[txid]
            change += sum(amount for paid, amount in entry.makes if paid == script)
            change -= sum(amount for _, spent, amount in entry.spends if spent == script)
        return change
