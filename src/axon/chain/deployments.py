"""Changes of the consensus rules that are decided by signals in block versions (BIP 9).

In periods of some blocks each, a period with enough signals locks a change in; its rules hold from
the period after that, or from a minimum height (as BIP 341 was activated).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from axon.chain.headertree import HeaderEntry
from axon.primitives.network import Network

ALWAYS_ACTIVE: Final = -1
"""A start time that means: the rules hold for every block."""

NEVER_ACTIVE: Final = -2
"""A start time that means: there is no such change."""

BLOCK_VERSION: Final = 0x2000_0000
"""The version of a block that signals nothing; those whose top bits are these may signal."""

DEFINED, STARTED, LOCKED_IN = "defined", "started", "locked_in"
ACTIVE, FAILED = "active", "failed"

_TOP_BITS = 0xE000_0000
_PERIOD, _THRESHOLD = 144, 108  # Of regtest; nothing is being decided elsewhere.


@dataclass(frozen=True, slots=True)
class Deployment:
    """A change that is decided by signals.

    Args:
        bit: of the version, which signals it.
        start_time: the median time from which signals count, seconds since 1970.
        timeout: the median time from which it has failed.
        min_height: from which its rules may hold.
        period: blocks over which signals are counted.
        threshold: signals that lock it in.
    """

    bit: int
    start_time: int
    timeout: int
    min_height: int
    period: int
    threshold: int

    def signals(self, entry: HeaderEntry) -> bool:
        """Whether a block signals it."""
        version = entry.header.version & 0xFFFF_FFFF
        return version & _TOP_BITS == BLOCK_VERSION and bool(version >> self.bit & 1)

    def history(self, entry: HeaderEntry | None) -> list[tuple[int, str]]:
        """The states of the blocks up to the one after `entry`: from which height, which."""
        if self.start_time == ALWAYS_ACTIVE:
            return [(0, ACTIVE)]
        states = [(0, DEFINED)]
        next_height = 0 if entry is None else entry.height + 1
        for height in range(self.period, next_height + 1, self.period):
            assert entry is not None, "a height above 0 has a block below"
            last = entry.ancestor(height - 1)
            assert last is not None, "heights from the genesis block on have an ancestor"
            state = self._next_state(states[-1][1], last)
            if state != states[-1][1]:
                states.append((height, state))
            if state in (ACTIVE, FAILED):
                break
        return states

    def _next_state(self, state: str, last: HeaderEntry) -> str:
        """The state of the period behind the block `last`."""
        if state == DEFINED and last.median_time_past() >= self.start_time:
            return STARTED
        if state == STARTED:
            if sum(map(self.signals, run_down(last, self.period))) >= self.threshold:
                return LOCKED_IN
            if last.median_time_past() >= self.timeout:
                return FAILED
        if state == LOCKED_IN and last.height + 1 >= self.min_height:
            return ACTIVE
        return state

    def state_after(self, entry: HeaderEntry | None) -> str:
        """The state of the block after an entry."""
        return self.history(entry)[-1][1]


def run_down(last: HeaderEntry, count: int) -> Iterator[HeaderEntry]:
    """So many entries, backwards from `last`."""
    entry: HeaderEntry | None = last
    while entry is not None and count > 0:
        yield entry
        entry = entry.parent
        count -= 1


def deployments(network: Network) -> dict[str, Deployment]:
    """What is being decided on a network, by Bitcoin Core's names."""
    if network.testdummy is None:
        return {}
    return {"testdummy": Deployment(28, *network.testdummy, _PERIOD, _THRESHOLD)}


def block_version(network: Network, parent: HeaderEntry) -> int:
    """The version of a block on `parent`, which signals all that is not decided yet."""
    version = BLOCK_VERSION
    for deployment in deployments(network).values():
        if deployment.state_after(parent) in (STARTED, LOCKED_IN):
            version |= 1 << deployment.bit
    return version
