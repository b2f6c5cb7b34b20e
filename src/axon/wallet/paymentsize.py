"""What a payment takes: virtual bytes when it is signed, and what change costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from axon.primitives.encoding import compact_size
from axon.primitives.transaction import TxOut
from axon.wallet.descriptorbook import AddressType


def fee_sat(feerate_sat_kvb: int, vsize: int) -> int:
    """What so many virtual bytes cost, rounded up."""
    return -(-feerate_sat_kvb * vsize // 1_000)


@dataclass(frozen=True, slots=True)
class ChangeSize:
    """What change takes.

    Args:
        output_bytes: of the output.
        spend_vsize: virtual bytes to spend it.
        dust_sat: less than this is dust.
        discard_sat_kvb: change that costs more to spend at this rate is left to the miner.
    """

    output_bytes: int
    spend_vsize: int
    dust_sat: int
    discard_sat_kvb: int

    @property
    def least_sat(self) -> int:
        """Change of less is left to the miner."""
        return max(fee_sat(self.discard_sat_kvb, self.spend_vsize) + 1, self.dust_sat)

    def cost_sat(self, feerate_sat_kvb: int) -> int:
        """To make change at this rate, and to spend it one day."""
        made = fee_sat(feerate_sat_kvb, self.output_bytes)
        return made + fee_sat(self.discard_sat_kvb, self.spend_vsize)


def looks_like(script: bytes) -> AddressType | None:
    """The type of address of a script; None of another."""
    if script.startswith(b"\x51\x20") and len(script) == 34:
        return AddressType.BECH32M
    if script.startswith(b"\x00\x14") and len(script) == 22:
        return AddressType.BECH32
    if script.startswith(b"\xa9\x14") and len(script) == 23:
        return AddressType.P2SH_SEGWIT
    if script.startswith(b"\x76\xa9\x14") and len(script) == 25:
        return AddressType.LEGACY
    return None


def signed_vsize(weights_wu: Sequence[int], outputs: Sequence[TxOut], *, witnesses: bool) -> int:
    """Virtual bytes of a transaction when it is signed.

    Args:
        weights_wu: of each input, as `signed_input_wu` says it.
        outputs: all of them.
        witnesses: whether any input has one.
    """
    weight = 4 * (8 + len(compact_size(len(weights_wu))) + len(compact_size(len(outputs))))
    weight += 4 * sum(len(output.encode()) for output in outputs)
    weight += sum(weights_wu)
    if witnesses:
        weight += 2 + len(weights_wu)  # Marker, flag, and how many items each input has.
    return -(-weight // 4)
