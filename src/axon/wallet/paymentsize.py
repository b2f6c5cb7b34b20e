"""What a payment takes: virtual bytes when it is signed, and change of each type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from axon.primitives.dust import dust_limit_sat
from axon.primitives.encoding import compact_size
from axon.primitives.transaction import TxOut
from axon.wallet.descriptorbook import AddressType


def fee_sat(feerate_sat_kvb: int, vsize: int) -> int:
    """What so many virtual bytes cost, rounded up."""
    return -(-feerate_sat_kvb * vsize // 1_000)


@dataclass(frozen=True, slots=True)
class ChangeSize:
    """What change of a kind takes.

    Args:
        output_bytes: of the output.
        spend_vsize: virtual bytes to spend it.
        dust_sat: less than this is dust of its kind.
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


SIZES: Final = {
    AddressType.LEGACY: (34, 148),
    AddressType.P2SH_SEGWIT: (32, 91),
    AddressType.BECH32: (31, 68),
    AddressType.BECH32M: (43, 58),
}
"""Bytes of an output, and virtual bytes of an input that spends it."""

_SAMPLES: Final = {
    AddressType.LEGACY: b"\x76\xa9\x14" + bytes(20) + b"\x88\xac",
    AddressType.P2SH_SEGWIT: b"\xa9\x14" + bytes(20) + b"\x87",
    AddressType.BECH32: b"\x00\x14" + bytes(20),
    AddressType.BECH32M: b"\x51\x20" + bytes(32),
}


def dust_of(kind: AddressType, feerate_sat_kvb: int) -> int:
    """Satoshi below which an output of a type is dust."""
    return dust_limit_sat(_SAMPLES[kind], feerate_sat_kvb)


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


def signed_vsize(
    weights_wu: Sequence[int], scripts: Sequence[bytes], outputs: Sequence[TxOut]
) -> int:
    """Virtual bytes of a transaction when it is signed.

    Args:
        weights_wu: of each input, as `signed_input_wu` says it.
        scripts: of what each spends.
        outputs: all of them.
    """
    weight = 4 * (8 + len(compact_size(len(weights_wu))) + len(compact_size(len(outputs))))
    weight += 4 * sum(len(output.encode()) for output in outputs)
    weight += sum(weights_wu)
    if any(_has_witness(script, each) for script, each in zip(scripts, weights_wu, strict=True)):
        weight += 2 + len(weights_wu)  # Marker, flag, and how many items each input has.
    return -(-weight // 4)


def _has_witness(script: bytes, weight_wu: int) -> bool:
    """Whether an input has a witness: its weight is no multiple of four, or the script says so."""
    return bool(weight_wu % 4) or script[:1] in (b"\x00", b"\x51")
