"""Three nodes under a trickle of payments and blocks, for as long as wanted.

    python -m tests.process.soak --minutes 10

Nothing may be worth a warning in their logs, no connection may end, memory may not grow beyond a
bound, and at the end all three must say the same of chain, coins and pool.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

from axon.swarm.lab.nodeprocess import NodeProcess, equal_pools, equal_tips
from axon.swarm.lab.processes import TooLate, wait_until
from axon.swarm.signer import Signer
from tests.process.conftest import NodeFactory, ledger_of
from tests.process.market import Market

NAMES: Final = ("alice", "bob", "carol")
PAYMENT_S: Final = 1.0
BLOCK_S: Final = 8.0
"""Between two payments and between two blocks, on the average."""

LOOK_S: Final = 5.0
WARM_UP_S: Final = 60.0
"""After so long a node has loaded what it needs; from then on memory is watched."""

GROWTH_LIMIT_KB: Final = 16_000
"""Of one node, above what it had when warm, for each ten minutes begun: at this trickle some 75
blocks and 600 transactions, held in index, pool, filters and the caches of the databases."""

SETTLE_S: Final = 30.0

_SUSPICIOUS: Final = re.compile(
    r"\[(?:[a-z]+:)?(?:warning|error)\]|Traceback|ERROR|Misbehaving|disconnecting peer|lost peer"
)


@dataclass
class Figures:
    """What a run showed.

    Args:
        resident_kb: of each node, one number for each look.
        complaints: what must not be; empty if all is well.
    """

    seconds: float = 0.0
    payments: int = 0
    blocks: int = 0
    spread_s: list[float] = field(default_factory=list)
    resident_kb: dict[str, list[int]] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    def text(self) -> str:
        """A few lines for a person."""
        spread = sorted(self.spread_s) or [0.0]
        lines = [
            f"{self.seconds:.0f} s, {self.payments} payments, {self.blocks} blocks; a block was "
            f"everywhere after {spread[len(spread) // 2]:.3f} s (median), {spread[-1]:.3f} s (all)"
        ]
        for name, seen in self.resident_kb.items():
            warm = seen[_warm(len(seen))]
            lines.append(
                f"{name}: {seen[0] / 1000:.1f} MB at first, {warm / 1000:.1f} MB when warm, "
                f"{max(seen) / 1000:.1f} MB at most, {seen[-1] / 1000:.1f} MB at the end"
            )
        lines += [f"FAULT: {complaint}" for complaint in self.complaints]
        return "\n".join(lines)


def _warm(looks: int) -> int:
    """The first look that counts."""
    return min(int(WARM_UP_S / LOOK_S), looks - 1)


class Soak:
    """One run.

    Args:
        nodes: running and connected.
        seed: of all chance.
        say: is told now and then how it goes.
    """

    def __init__(self, nodes: Sequence[NodeProcess], seed: int, say: Callable[[str], None]) -> None:
        self._nodes = nodes
        self._rng = Random(seed)
        self._say = say
        self._markets = [Market(Signer(node.name)) for node in nodes]
        self.figures = Figures(resident_kb={node.name: [] for node in nodes})

    def run(self, duration_s: float) -> Figures:
        """Let payments and blocks trickle for so long, then look back."""
        for node, market in zip(self._nodes, self._markets, strict=True):
            market.mine(node, 105)
            self._settle()
        self._trickle(duration_s)
        self._look_back()
        return self.figures

    def _trickle(self, duration_s: float) -> None:
        start = next_look = time.monotonic()
        next_payment, next_block = start, start + BLOCK_S
        while (now := time.monotonic()) < start + duration_s:
            if now >= next_payment:
                next_payment = now + self._rng.expovariate(1 / PAYMENT_S)
                node, market = self._somebody()
                self.figures.payments += len(market.pay(node))
            if now >= next_block:
                next_block = now + self._rng.expovariate(1 / BLOCK_S)
                node, market = self._somebody()
                self.figures.blocks += len(market.mine(node))
                self.figures.spread_s.append(self._settle())
            if now >= next_look:
                next_look += LOOK_S
                self._look()
            moments = (next_payment, next_block, next_look, start + duration_s)
            time.sleep(max(0.0, min(moments) - time.monotonic()))  # Real nodes, real time.
        self.figures.seconds = time.monotonic() - start

    def _somebody(self) -> tuple[NodeProcess, Market]:
        return self._rng.choice(list(zip(self._nodes, self._markets, strict=True)))

    def _settle(self) -> float:
        return wait_until(lambda: equal_tips(self._nodes), SETTLE_S, "all have the block")

    def _look(self) -> None:
        for node in self._nodes:
            self.figures.resident_kb[node.name].append(resident_kb(node))
        looks = len(self.figures.resident_kb[NAMES[0]])
        if looks % 12 == 0:
            memory = ", ".join(
                f"{seen[-1] / 1000:.1f}" for seen in self.figures.resident_kb.values()
            )
            self._say(f"{looks * LOOK_S:.0f} s: height {self._nodes[0].height()}, {memory} MB")

    def _look_back(self) -> None:
        complaints = self.figures.complaints
        try:
            self._settle()
            wait_until(lambda: equal_pools(self._nodes), SETTLE_S, "all have the same pool")
        except TooLate as late:
            complaints.append(str(late))
        self._look()
        ledgers = [ledger_of(node) for node in self._nodes]
        if any(ledger != ledgers[0] for ledger in ledgers):
            complaints.append("coins or filters differ")
        for node in self._nodes:
            if node.errors():
                complaints.append(f"{node.name} wrote to standard error: {node.errors()}")
            log = (node.network_folder / "debug.log").read_text()
            bad = [line for line in log.splitlines() if _SUSPICIOUS.search(line)]
            complaints += [f"{node.name}: {line}" for line in bad[:20]]
            seen = self.figures.resident_kb[node.name]
            limit_kb = GROWTH_LIMIT_KB * (1 + int(self.figures.seconds // 600))
            if seen[-1] - seen[_warm(len(seen))] > limit_kb:
                complaints.append(f"{node.name} has grown by more than {limit_kb // 1000} MB")


def resident_kb(node: NodeProcess) -> int:
    """The memory that a node takes up now (Linux)."""
    status = Path(f"/proc/{node.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def soak(
    folder: Path, duration_s: float, seed: int = 1, say: Callable[[str], None] = print
) -> Figures:
    """Raise three nodes, each connected to each, and let payments and blocks trickle."""
    with NodeFactory(folder) as make:
        nodes = [make(name).start() for name in NAMES]
        for one, other in combinations(nodes, 2):
            one.connect(other)
        figures = Soak(nodes, seed, say).run(duration_s)
        for node in nodes:
            code = node.stop()
            if code or node.errors():
                figures.complaints.append(f"{node.name} left with {code}: {node.errors()}")
    return figures


def main() -> int:
    """Run it from the command line."""
    parser = argparse.ArgumentParser(description="Three nodes under a trickle of payments.")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with TemporaryDirectory(prefix="axon-soak-") as folder:
        figures = soak(
            Path(folder), given.minutes * 60, given.seed, lambda text: print(text, flush=True)
        )
    print(figures.text())
    return 1 if figures.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
