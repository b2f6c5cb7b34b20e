"""Attacks on a real node, in short: `make attack` has all of them, and longer.

Real time, because a flood is one: each runs for a second or two, and what is demanded of latency is
demanded of the half of all pings, for other tests may keep the machine busy.
"""

from __future__ import annotations

from typing import Final

import pytest

from attacks.__main__ import ATTACKS, raise_limit
from attacks.attack import Attack, measure
from axon.swarm.lab.nodeprocess import NodeProcess

pytestmark = pytest.mark.process

SECONDS: Final = 1.5

SHORT: Final = (
    "inv-30",
    "addr-30",
    "getblocks-30",
    "headers-low-work-30",
    "orphans-30",
    "unknown-messages",
    "newest-block",
    "one-transaction",
    "old-blocks",
    "filters",
    "silence",
    "seat-hogs",
    "bursts",
    "come-and-go",
    "keys",
    "decoys",
    "changed-bodies",
    "malformed",
    "withheld-blocks",
    "compact-blocks",
    "invalid-blocks",
    "unwanted-blocks",
    "single-headers",
    "idle-callers",
    "long-transactions",
    "batches",
    "greedy-wallets",
    "half-done-wallets",
)


@pytest.mark.parametrize("name", SHORT)
def test_an_attack_costs_no_more_than_is_bounded(name: str) -> None:
    raise_limit()
    outcome = measure(ATTACKS[name], SECONDS, share=0.5)
    assert not outcome.faults, (outcome.faults, outcome.figures.memory_mb)


def test_what_is_beyond_a_bound_is_said() -> None:
    def kill(node: NodeProcess, seconds: float) -> None:
        del seconds
        node.kill()

    assert measure(Attack("killed", kill), 0.1).faults
    strict = Attack("nothing", lambda _node, _seconds: None, memory_mb=-1, ping_s=0.0, call_s=0.0)
    said = " ".join(measure(strict, 0.1).faults)
    assert "MB of memory, at most -1" in said
    assert "pings take" in said
    assert "calls take" in said
