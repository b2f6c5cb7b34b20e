"""What a fee buys, as far as a light client can tell: from the last blocks, read on demand."""

from __future__ import annotations

from typing import Final

from axon.chain.blockfees import feerate_for
from axon.primitives.transaction import COIN
from axon.rpc.amounts import Amount, Json
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.walletdaemon import WalletDaemon

USUAL_TARGET: Final = 6
"""Blocks within which a payment is wanted if nobody says otherwise: an hour."""

MAX_TARGET: Final = 1_008

_MODES: Final = ("unset", "economical", "conservative")


async def feerate_by_target(daemon: WalletDaemon, target: int) -> int:
    """What to pay to be in one of so many blocks, in sat per 1,000 vbytes.

    Raises:
        RpcError: the target is none, or the blocks cannot be had now.
    """
    if not 1 <= target <= MAX_TARGET:
        raise RpcError(Code.PARAMETER, f"Invalid conf_target, must be between 1 and {MAX_TARGET}")
    found = await daemon.feerates()
    return feerate_for(target, found.blocks, found.floor_sat_kvb)


@method("util")
async def estimatesmartfee(
    daemon: WalletDaemon, conf_target: int, estimate_mode: str = "economical"
) -> Json:
    """Estimates the feerate with which a payment is confirmed within so many blocks.

    A light client sees no queue of payments. It reads what the last six blocks charged: the dearest
    counts for targets up to 2 blocks, the middle one up to 24, the cheapest beyond; and never less
    than what peers ask for.

    Args:
        conf_target: Within how many blocks (1 to 1008)
        estimate_mode: unset, economical or conservative; here they are all the same

    Returns:
        {                    (json object)
          "feerate" : n,     (numeric) The feerate in BTC/kvB
          "blocks" : n       (numeric) The target
        }
    """
    if estimate_mode.lower() not in _MODES:
        given = ", ".join(f'"{each}"' for each in _MODES)
        raise RpcError(Code.PARAMETER, f"Invalid estimate_mode parameter, must be one of: {given}")
    feerate_sat_kvb = await feerate_by_target(daemon, conf_target)
    return {"feerate": Amount(min(feerate_sat_kvb, COIN)), "blocks": conf_target}
