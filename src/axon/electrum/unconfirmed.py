"""The unconfirmed transactions as scripts see them.

The pool knows transactions and what they spend; wallets ask what happens to a script. This keeps,
for each script that an unconfirmed transaction spends from or pays to, which ones they are and
which of their outputs are the script's. It is told of what comes and goes, and goes through neither
the pool nor the outputs of others. It is as large as the pool is, whose bound is the operator's
(`-maxmempool`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from axon.electrum.feehistogram import FeeHistogram
from axon.primitives.hashes import Txid
from axon.primitives.transaction import OutPoint, outpoint

UNCONFIRMED_PARENT = -1
"""The height of an unconfirmed transaction that spends another."""

NO_HEIGHT = 0
"""The height of any other unconfirmed transaction."""

_SINGLE: Final = {places: places for places in [(), *[(index,) for index in range(64)]]}
"""Nearly all positions are one of these, so they take no memory."""


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


class _ScriptView:
    """What unconfirmed transactions do to one script.

    Attributes:
        pays: for each of them the positions of its outputs that pay the script.
        outputs: how many of these there are.
        change_sat: by how much all of them change what the script has.
    """

    __slots__ = ("change_sat", "outputs", "pays")

    def __init__(self) -> None:
        self.pays: dict[Txid, tuple[int, ...]] = {}
        self.outputs = 0
        self.change_sat = 0


class UnconfirmedView:
    """All of them, by the scripts they touch."""

    def __init__(self) -> None:
        self.histogram = FeeHistogram()
        self._entries: dict[Txid, Unconfirmed] = {}
        self._scripts: dict[bytes, _ScriptView] = {}
        self._spenders: dict[OutPoint, Txid] = {}
        self._parents: Counter[Txid] = Counter()  # How many unconfirmed outputs one spends.

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
        spent = 0
        for point, _, _ in entry.spends:
            self._spenders[point] = entry.txid
            spent += point[:32] in self._entries
        if spent:
            self._parents[entry.txid] = spent
        touched = entry.scripts()
        for script, positions in _pays(entry).items():
            there = self._scripts.setdefault(script, _ScriptView())
            there.pays[entry.txid] = positions
            there.outputs += len(positions)
        self._change(entry, 1)
        for child in self._children(entry):
            self._parents[child.txid] += 1
            touched.update(child.scripts())
        return touched

    def remove(self, txids: Iterable[Txid]) -> dict[bytes, None]:
        """Some have left the pool, in whatever way; the scripts for which something changes."""
        touched: dict[bytes, None] = {}
        for txid in txids:
            entry = self._entries.pop(txid, None)
            if entry is None:
                continue
            self.histogram.remove(entry.fee_sat, entry.vsize)
            self._parents.pop(txid, None)
            for point, _, _ in entry.spends:
                if self._spenders.get(point) == txid:
                    del self._spenders[point]
            self._change(entry, -1)
            scripts = entry.scripts()
            for script in scripts:
                there = self._scripts[script]
                there.outputs -= len(there.pays.pop(txid))
                if not there.pays:
                    del self._scripts[script]
            touched.update(scripts)
            for child in self._children(entry):
                self._parents[child.txid] -= 1
                if not self._parents[child.txid]:
                    del self._parents[child.txid]
                touched.update(child.scripts())
        return touched

    def _change(self, entry: Unconfirmed, sign: int) -> None:
        for script, amount_sat in entry.makes:
            self._scripts[script].change_sat += sign * amount_sat
        for _, script, amount_sat in entry.spends:
            self._scripts[script].change_sat -= sign * amount_sat

    def _children(self, entry: Unconfirmed) -> Iterator[Unconfirmed]:
        """Who spends its outputs, once for each output: their heights change with it."""
        for index in range(len(entry.makes)):
            child = self._spenders.get(outpoint(entry.txid, index))
            if child is not None:
                yield self._entries[child]

    def count(self, script: bytes) -> int:
        """How many touch a script."""
        there = self._scripts.get(script)
        return 0 if there is None else len(there.pays)

    def touching(self, script: bytes) -> list[tuple[int, Txid, int]]:
        """Height, txid and fee of those that touch a script, in no order.

        The height is -1 if it spends an unconfirmed output, else 0.
        """
        there = self._scripts.get(script)
        if there is None:
            return []
        entries, parents = self._entries, self._parents
        return [
            (UNCONFIRMED_PARENT if txid in parents else NO_HEIGHT, txid, entries[txid].fee_sat)
            for txid in there.pays
        ]

    def spender(self, point: OutPoint) -> Txid | None:
        """Which one spends an output, if any does."""
        return self._spenders.get(point)

    def outputs(self, script: bytes) -> int:
        """How many outputs they pay to a script, spent or not."""
        there = self._scripts.get(script)
        return 0 if there is None else there.outputs

    def unspent(self, script: bytes) -> list[tuple[OutPoint, int]]:
        """Outputs and amounts that they pay to a script, and none of them spends."""
        found: list[tuple[OutPoint, int]] = []
        there = self._scripts.get(script)
        for txid, positions in () if there is None else there.pays.items():
            makes = self._entries[txid].makes
            for index in positions:
                point = outpoint(txid, index)
                if point not in self._spenders:
                    found.append((point, makes[index][1]))
        return found

    def change_sat(self, script: bytes) -> int:
        """By how much they change what a script has; negative if they spend more than they pay."""
        there = self._scripts.get(script)
        return 0 if there is None else there.change_sat


def _pays(entry: Unconfirmed) -> dict[bytes, tuple[int, ...]]:
    """For each script that a transaction touches the positions of the outputs that pay it."""
    found: dict[bytes, list[int]] = {script: [] for _, script, _ in entry.spends}
    for index, (script, _) in enumerate(entry.makes):
        found.setdefault(script, []).append(index)
    return {script: _SINGLE.get(tuple(places), tuple(places)) for script, places in found.items()}


def in_order(unconfirmed: Iterable[tuple[int, Txid, int]]) -> list[tuple[int, Txid, int]]:
    """Heights, txids and fees in the protocol's order; from any thread.

    First those with height 0, then those with -1; among equals by txid as people read it.
    """
    return sorted(unconfirmed, key=lambda item: (-item[0], item[1][::-1]))
