"""How long a block takes from the node that found it to all others, around a pretend planet.

    python -m bench.blockspread [--nodes N] [--seeds A..B] [--blocks N]

Simulated nodes of real code, linked as they link themselves, with delays and rates as between hosts
around the world (`bench/planet`). Blocks are found by one node after the other: first small ones,
then such as have a megabyte of transactions that all nodes have in their pools. Timed is from the
moment in which a block is the tip of the node that found it until it is the tip of each other.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from axon.cli.arguments import positive, seed_range
from axon.drivers.sim.driver import START
from axon.machine import MINUTE, SECOND, Instant
from axon.node.commands import SendTransaction
from axon.node.facts import Fact, TipChanged
from axon.primitives.transaction import TxOut
from axon.swarm.invariants import counted
from axon.swarm.sim.simulation import SimNetwork
from axon.swarm.sim.workload import PAYERS, history, spendable
from axon.swarm.spof.spread import Arrivals, arrivals_of
from bench.planet import shape_as_planet
from bench.table import Row

NODES: Final = 200
BLOCKS: Final = 20
FULL_BLOCKS: Final = 8

MEDIAN_S: Final = 0.4
LAST_S: Final = 2.0

LINKING: Final = 3 * MINUTE
PAUSE: Final = 20 * SECOND
PATIENCE: Final = 3 * MINUTE

TRANSACTION_BYTES: Final = 90_000
TRANSACTIONS: Final = 11
"""In a full block: together about a megabyte."""

_FEE_SAT: Final = 500_000


@dataclass(slots=True)
class Spread:
    """How the blocks of one kind spread.

    Args:
        kind: of which they are.
        size_bytes: of the last of them.
        delays_us: of all arrivals at other nodes.
        lasts_us: of each block, the last arrival.
    """

    kind: str
    size_bytes: int = 0
    delays_us: list[int] = field(default_factory=list)
    lasts_us: list[int] = field(default_factory=list)

    @property
    def arrivals(self) -> Arrivals:
        """All of them."""
        return arrivals_of(self.delays_us)

    @property
    def holds(self) -> bool:
        """Whether blocks spread as fast as is demanded."""
        found = self.arrivals
        return found.after_s(0.5) <= MEDIAN_S and found.after_s(1.0) <= LAST_S

    def __str__(self) -> str:
        found, blocks = self.arrivals, counted(len(self.lasts_us), f"{self.kind} block")
        return (
            f"{blocks} ({self.size_bytes:,} bytes): median "
            f"{found.after_s(0.5):.3f} s, 90 % {found.after_s(0.9):.3f} s, last "
            f"{found.after_s(1.0):.3f} s"
        )


class Planet:
    """A network around the world whose nodes are told to find blocks.

    Args:
        seed: of all chance.
        nodes: how many.
    """

    def __init__(self, seed: int, nodes: int) -> None:
        self._nodes = nodes
        self._height = 0
        self._had_at: dict[int, Instant] = {}
        self.net = SimNetwork(seed, nodes, history=history(START), on_fact=self._told)
        shape_as_planet(self.net.simulation, nodes)
        self._rng = self.net.simulation.random("finders")
        self.net.run(LINKING)

    def _told(self, number: int, fact: Fact, _now: Instant) -> None:
        if isinstance(fact, TipChanged) and fact.height >= self._height:
            self._had_at.setdefault(number, self.net.now)

    def spread(self, kind: str, blocks: int, transactions: int = 0) -> Spread:
        """Have so many blocks found, each with so many large transactions."""
        found = Spread(kind)
        for _ in range(blocks):
            self._fill_pools(transactions)
            self._find(found)
            self.net.run(PAUSE)
        return found

    def _find(self, found: Spread) -> None:
        net, finder = self.net, int(self._rng.random() * self._nodes)
        self._height, self._had_at = net.machine(finder).active.height + 1, {}
        block = net.mine(finder, PAYERS[0].script)
        met = net.simulation.run_until(
            lambda: len(self._had_at) == self._nodes, net.now + PATIENCE, every_us=SECOND
        )
        assert met, f"a block has come to {len(self._had_at)} of {self._nodes} nodes"
        began = self._had_at.pop(finder)
        delays = [at - began for at in self._had_at.values()]
        found.size_bytes = len(block.raw)
        found.delays_us += delays
        found.lasts_us.append(max(delays))

    def _fill_pools(self, count: int) -> None:
        """Have large transactions come to all pools."""
        net = self.net
        coins = [(payer, coin) for payer in PAYERS for coin in spendable(net, 0, payer)]
        for number, (payer, coin) in enumerate(coins[:count]):
            data = b"\x6a\x4e" + TRANSACTION_BYTES.to_bytes(4, "little") + bytes(TRANSACTION_BYTES)
            outputs = [TxOut(0, data), TxOut(coin.amount_sat - _FEE_SAT, payer.script)]
            asked = SendTransaction(payer.pay([coin], outputs))
            net.simulation.command(number % self._nodes, asked)
        assert len(coins) >= count, "there are coins for all of them"
        if count:
            met = net.simulation.run_until(
                lambda: all(len(net.machine(n).pool) >= count for n in net.running()),
                net.now + PATIENCE,
                every_us=SECOND,
            )
            assert met, "not all have all transactions"


def run_spread(
    seed: int, nodes: int = NODES, blocks: int = BLOCKS, full: int = FULL_BLOCKS
) -> tuple[Spread, Spread]:
    """Small blocks and full ones in one network."""
    planet = Planet(seed, nodes)
    return planet.spread("small", blocks), planet.spread("full", full, TRANSACTIONS)


def _lines(found: Sequence[Spread]) -> Iterator[str]:
    yield from map(str, found)


def measure(seed: int = 0, nodes: int = NODES) -> Row:
    """The row."""
    small, full = run_spread(seed, nodes)
    return Row(
        f"block spread: {nodes} simulated nodes, delays as around the world",
        f"median {full.arrivals.after_s(0.5):.2f} s, last {full.arrivals.after_s(1.0):.2f} s",
        f"<= {MEDIAN_S} s, <= {LAST_S} s",
        small.holds and full.holds,
        list(_lines((small, full))),
    )


def main(arguments: list[str]) -> int:
    """Run, print, and say by the exit code whether all is as fast as demanded."""
    parser = argparse.ArgumentParser(prog="python -m bench.blockspread")
    parser.add_argument("--nodes", type=positive, default=NODES, metavar="N")
    parser.add_argument("--blocks", type=positive, default=BLOCKS, metavar="N")
    parser.add_argument("--full", type=positive, default=FULL_BLOCKS, metavar="N")
    parser.add_argument("--seeds", type=seed_range, default=range(1), metavar="A..B")
    options = parser.parse_args(arguments)
    holds = True
    for seed in options.seeds:
        found = run_spread(seed, options.nodes, options.blocks, options.full)
        holds = holds and all(each.holds for each in found)
        print(f"seed {seed}", *_lines(found), sep="\n  ", flush=True)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
