"""Changes of the consensus rules and how far they are, as `getdeploymentinfo` shows them.

Most are buried: they hold from a height that is written down. The others are decided by signals in
block versions (BIP 9, with the minimum height of BIP 341): in periods of some blocks each, a period
with enough signals locks the change in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from axon.chain.headertree import HeaderEntry
from axon.primitives.hashes import from_hex
from axon.primitives.network import Network
from axon.rpc.amounts import Json

ALWAYS_ACTIVE: Final = -1
"""A start time that means: the rules hold for every block."""

NO_TIMEOUT: Final = (1 << 63) - 1

_TOP_BITS = 0xE000_0000
_SIGNALLING = 0x2000_0000  # Versions whose top bits are these may signal.

DEFINED, STARTED, LOCKED_IN = "defined", "started", "locked_in"
ACTIVE, FAILED = "active", "failed"

_P2SH_EXCEPTIONS = {
    from_hex("00000000000002dc756eebf4f49723ed8d30cc28a5f108eb94b1ba88ac4f9c22"),
    from_hex("00000000dd30457c001f4095d208cc1296b0eed002427aa599874af7a432b105"),
}
_TAPROOT_EXCEPTIONS = {
    from_hex("0000000000000000000f14c35b2d841e986ab5441de8c585d5ffe55ea1e395ad"),
}


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
        return version & _TOP_BITS == _SIGNALLING and bool(version >> self.bit & 1)

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
            if sum(map(self.signals, _run(last, self.period))) >= self.threshold:
                return LOCKED_IN
            if last.median_time_past() >= self.timeout:
                return FAILED
        if state == LOCKED_IN and last.height + 1 >= self.min_height:
            return ACTIVE
        return state

    def to_json(self, entry: HeaderEntry) -> dict[str, Json]:
        """How far it is at a block."""
        since, state = self.history(entry.parent)[-1]
        next_since, next_state = self.history(entry)[-1]
        bip9: dict[str, Json] = {
            "start_time": self.start_time,
            "timeout": self.timeout,
            "min_activation_height": self.min_height,
            "status": state,
            "since": since,
            "status_next": next_state,
        }
        if state in (STARTED, LOCKED_IN):
            bip9 = {"bit": self.bit, **bip9, **self._signals_json(entry, state)}
        shown: dict[str, Json] = {"type": "bip9"}
        if next_state == ACTIVE:
            shown["height"] = next_since
        return {**shown, "active": next_state == ACTIVE, "bip9": bip9}

    def _signals_json(self, entry: HeaderEntry, state: str) -> dict[str, Json]:
        elapsed = entry.height % self.period + 1
        signalled = [self.signals(each) for each in reversed(_run(entry, elapsed))]
        count = sum(signalled)
        statistics: dict[str, Json] = {"period": self.period, "elapsed": elapsed, "count": count}
        if state == STARTED:
            statistics["threshold"] = self.threshold
            statistics["possible"] = self.period - self.threshold >= elapsed - count
        marks = "".join("#" if each else "-" for each in signalled)
        return {"statistics": statistics, "signalling": marks}


def _run(last: HeaderEntry, count: int) -> list[HeaderEntry]:
    """So many entries, backwards from `last`."""
    found: list[HeaderEntry] = []
    entry: HeaderEntry | None = last
    while entry is not None and len(found) < count:
        found.append(entry)
        entry = entry.parent
    return found


def deployments_json(entry: HeaderEntry, network: Network) -> dict[str, Json]:
    """All deployments as they are at a block."""
    buried = {
        "bip34": network.bip34_height,
        "bip66": network.bip66_height,
        "bip65": network.bip65_height,
        "csv": network.csv_height,
        "segwit": network.segwit_height,
    }
    shown: dict[str, Json] = {
        name: {"type": "buried", "active": entry.height + 1 >= height, "height": height}
        for name, height in buried.items()
    }
    if network.name == "regtest":
        shown["testdummy"] = Deployment(28, 0, NO_TIMEOUT, 0, 144, 108).to_json(entry)
    return shown


def script_flags(entry: HeaderEntry, network: Network) -> Sequence[str]:
    """The script rules that hold inside a block, by name."""
    height = entry.height
    if entry.hash in _P2SH_EXCEPTIONS:
        always: tuple[str, ...] = ()
    elif entry.hash in _TAPROOT_EXCEPTIONS:
        always = ("P2SH", "WITNESS")
    else:
        always = ("P2SH", "TAPROOT", "WITNESS")
    later = {
        "CHECKLOCKTIMEVERIFY": network.bip65_height,
        "CHECKSEQUENCEVERIFY": network.csv_height,
        "DERSIG": network.bip66_height,
        "NULLDUMMY": network.segwit_height,
    }
    return sorted([*always, *(name for name, start in later.items() if height >= start)])
