"""What a payment takes: virtual bytes when it is signed, and what change costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from axon.primitives.encoding import compact_size, var_bytes
from axon.primitives.script import ops
from axon.primitives.transaction import TxIn, TxOut
from axon.wallet.descriptorbook import AddressType

_LONGEST_DER: Final = 72
"""Bytes of a signature with its hash type, as wallets make them."""


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


def largest_input_wu(spender: TxIn) -> int:
    """What an input of somebody else weighs at most, once it is signed anew: as it is now, but with
    the longest signatures, and with how many items its witness has.
    """
    proof = [item for item in spender.witness if _is_ecdsa(item)]
    pushed = [data for _, data in ops(spender.script_sig) if data and _is_ecdsa(data)]
    longer = sum(_LONGEST_DER - len(item) for item in proof)
    longer += 4 * sum(_LONGEST_DER - len(item) for item in pushed)
    witness = len(compact_size(len(spender.witness)))
    witness += sum(len(compact_size(len(item))) + len(item) for item in spender.witness)
    return 4 * (40 + len(var_bytes(spender.script_sig))) + witness + longer


def _is_ecdsa(item: bytes) -> bool:
    """Whether it has the form of a signature in DER with its hash type."""
    return 9 <= len(item) <= _LONGEST_DER + 1 and item[0] == 0x30 and item[1] == len(item) - 3


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
