"""The rules a header must obey, given the headers before it and the time of day.

Proof of work, target adjustment, times and versions; with the exceptions of the test chains: blocks
of least difficulty after twenty minutes without one, BIP 94 (testnet4), and no adjustment at all
(regtest). A signet header obeys the rules of the main chain here; its signature is in the block.
Reasons have Bitcoin Core's spelling, and the checks its order.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Final

from axon.chain.headerentry import MEDIAN_TIME_SPAN, HeaderEntry, TargetRun
from axon.machine import SECOND
from axon.primitives.hashes import BlockHash
from axon.primitives.header import Header
from axon.primitives.network import (
    TARGET_SPACING_S,
    TARGET_TIMESPAN_S,
    Network,
)
from axon.primitives.target import bits_to_target, target_to_bits
from axon.primitives.verdict import Rejected

MAX_FUTURE_S: Final = 2 * 60 * 60
"""How many seconds a header's time may lie ahead of ours."""

MAX_TIMEWARP_S: Final = 600
"""How many seconds the time of a period's first header may go back where BIP 94 holds."""

_MAX_FUTURE_US = MAX_FUTURE_S * SECOND
# Looked up once: hundreds of thousands of headers come in a row.
_fields = Struct("<i64xII").unpack_from  # Version, time and bits of a header.
_linked_fields = Struct("<i32s32xII").unpack_from  # The same with prev behind the version.
_time = Struct("<68xI").unpack_from

_HIGH_HASH = Rejected("high-hash", "proof of work failed")


class HeaderRules:
    """The header rules of one network."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._interval = network.difficulty_interval
        self._limit_bits = target_to_bits(network.pow_limit)
        self.is_varying = network.min_difficulty_blocks
        """Bits may differ within a period, so that no header is plain."""

    def check(
        self, raw: bytes, block_hash: BlockHash, parent: HeaderEntry, now: int
    ) -> Rejected | None:
        """What is wrong with the header after `parent`; None if nothing is.

        Args:
            raw: 80 bytes.
            block_hash: their hash.
            parent: of a chain that obeys the rules itself.
            now: microseconds since 1970.
        """
        version, time, bits = _fields(raw)
        target_run = parent.target_run
        # Most headers have their parent's target, which is known to be a possible one.
        target = target_run.target if bits == target_run.bits else self._possible_target(bits)
        if int.from_bytes(block_hash, "little") > target:
            return _HIGH_HASH
        height = parent.height + 1
        adjusts = height % self._interval == 0
        expected = self.next_bits(parent, time) if adjusts or self.is_varying else target_run.bits
        if bits != expected:
            return Rejected("bad-diffbits", "incorrect proof of work")
        # The median never exceeds the parent's own time: that was later than the median before it,
        # and one step moves the median up to the next time at most. So it is seldom needed.
        if time <= _time(parent.raw)[0] and self._too_old(parent, time):
            return Rejected("time-too-old", "block's timestamp is too early")
        if adjusts and self._network.bip94 and time < parent.time - MAX_TIMEWARP_S:
            return Rejected(
                "time-timewarp-attack", "block's timestamp is too early on diff adjustment block"
            )
        if time * SECOND > now + _MAX_FUTURE_US:
            return Rejected("time-too-new", "block timestamp too far in the future")
        if version < 4 and version < self._least_version(height):
            text = f"0x{version & 0xFFFF_FFFF:08x}"
            return Rejected(f"bad-version({text})", f"rejected nVersion={text} block")
        return None

    def count_plain(
        self, headers: Sequence[Header], start: int, parent: HeaderEntry, now: int
    ) -> int:
        """How many headers obey the rules in the plainest way, each after the one before it.

        That is, with the parent's target within a period, later than the parent, and of today's
        version: nearly all headers there are. Where the count ends, `check` says what is what.

        Args:
            headers: those to look at begin at `start`.
            start: see there.
            parent: what the first is to be built on; of a chain that obeys the rules itself.
            now: microseconds since 1970.
        """
        if self.is_varying:
            return 0
        target_run, from_bytes = parent.target_run, int.from_bytes
        expected, target = target_run.bits, target_run.target
        latest = (now + _MAX_FUTURE_US) // SECOND
        before, last_time, count = parent.hash, parent.time, 0
        left = self._interval - 1 - parent.height % self._interval
        for position in range(start, min(len(headers), start + left)):
            header = headers[position]
            version, prev, time, bits = _linked_fields(header.raw)
            block_hash = header.hash
            if (
                prev != before
                or bits != expected
                or from_bytes(block_hash, "little") > target
                or not last_time < time <= latest
                or version < 4
            ):
                break
            before, last_time = block_hash, time
            count += 1
        return count

    def check_work(
        self, raw: bytes, block_hash: BlockHash, target_run: TargetRun | None = None
    ) -> Rejected | None:
        """Whether a header proves the work that it states itself; None if it does.

        Args:
            raw: 80 bytes.
            block_hash: their hash.
            target_run: of its parent, if that is known: it spares a computation.
        """
        bits = _fields(raw)[2]
        if target_run is not None and target_run.bits == bits:
            target = target_run.target
        else:
            target = self._possible_target(bits)
        return _HIGH_HASH if int.from_bytes(block_hash, "little") > target else None

    def next_bits(self, parent: HeaderEntry, time: int) -> int:
        """The target that the header after `parent` must state, in compact form.

        Args:
            parent: the header before.
            time: of the new header, in seconds since 1970; it matters on test chains only.
        """
        if (parent.height + 1) % self._interval == 0:
            return self._adjusted_bits(parent)
        if not self.is_varying:
            return parent.bits
        if time > parent.time + 2 * TARGET_SPACING_S:
            return self._limit_bits
        return self._last_regular_bits(parent)

    def _possible_target(self, bits: int) -> int:
        """The target of a compact form; 0, which no hash meets, if it is easier than allowed."""
        target = bits_to_target(bits)
        return target if target <= self._network.pow_limit else 0

    def _adjusted_bits(self, parent: HeaderEntry) -> int:
        if self._network.no_retargeting:
            return parent.bits
        first = parent.ancestor(parent.height - (self._interval - 1))
        assert first is not None, "a tree grows from the first header of a period"
        # BIP 94: a last block of least difficulty must not carry that into the next period.
        old = bits_to_target(first.bits if self._network.bip94 else parent.bits)
        took = min(max(parent.time - first.time, TARGET_TIMESPAN_S // 4), TARGET_TIMESPAN_S * 4)
        return target_to_bits(min(old * took // TARGET_TIMESPAN_S, self._network.pow_limit))

    def _last_regular_bits(self, parent: HeaderEntry) -> int:
        """The bits of the last header in this period that was not one of least difficulty.

        Those of the period's first header if all were; it counts as regular in any case.
        """
        period_start = parent.height - parent.height % self._interval
        target_run = parent.target_run
        if target_run.bits != self._limit_bits or target_run.base_height <= period_start:
            return target_run.bits
        regular = parent.ancestor(target_run.base_height - 1)
        assert regular is not None, "a run that begins within a period has a header before it"
        return regular.bits

    def _too_old(self, parent: HeaderEntry, time: int) -> bool:
        if time > parent.median_time_past():
            return False
        # Near a root that is not the genesis block the true median is not known.
        known = parent.ancestor(parent.height - (MEDIAN_TIME_SPAN - 1))
        return known is not None or parent.height < MEDIAN_TIME_SPAN

    def _least_version(self, height: int) -> int:
        network = self._network
        if height >= network.bip65_height:
            return 4
        if height >= network.bip66_height:
            return 3
        return 2 if height >= network.bip34_height else -(2**31)
