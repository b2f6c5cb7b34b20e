"""Fees: what a feerate is worth, and what the operator adds to a transaction's fee."""

from __future__ import annotations

from typing import Final

from axon.mempool.feehistory import NO_END, FeeRange, Horizon, RawEstimate
from axon.mempool.fees import HORIZONS, MAX_TARGET
from axon.mempool.standard import dust_outputs
from axon.node.commands import Prioritise
from axon.primitives.hashes import Txid, to_hex
from axon.rpc.amounts import Amount, Json
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.parameters import Int32, type_name

NOT_FOUND: Final = "Insufficient data or no feerate found which meets threshold"

_MODES: Final = ("unset", "economical", "conservative")


@method("util")
def estimatesmartfee(daemon: Daemon, conf_target: Int32, estimate_mode: str = "economical") -> Json:
    """Estimates the approximate fee per kilobyte needed for a transaction to begin confirmation
    within conf_target blocks if possible and return the number of blocks for which the estimate is
    valid. Uses virtual transaction size as defined in BIP 141 (witness data is discounted).

    Args:
        conf_target: Confirmation target in blocks (1 - 1008)
        estimate_mode: The fee estimate mode: unset, economical or conservative

    Returns:
        {                             (json object)
          "feerate" : n,              (numeric, optional) estimate fee rate in BTC/kvB (only present
                                      if no errors were encountered)
          "errors" : [ "str", ... ],  (json array, optional) Errors encountered during processing
          "blocks" : n                (numeric) block number where estimate was found
        }
    """
    _check_target(conf_target)
    mode = estimate_mode.lower()
    if mode not in _MODES:
        names = ", ".join(f'"{name}"' for name in _MODES)
        message = f"Invalid estimate_mode parameter, must be one of: {names}"
        raise RpcError(Code.PARAMETER, message)
    node = daemon.node
    estimate = node.transactions.fees.estimate(conf_target, mode == "conservative")
    if estimate.feerate_sat_kvb is None:
        return {"errors": list(estimate.errors), "blocks": estimate.blocks}
    minimum = node.pool.min_feerate(daemon.clock.now())
    policy = node.pool.policy
    feerate = max(estimate.feerate_sat_kvb, minimum, policy.min_relay_feerate_sat_kvb)
    return {"feerate": Amount(feerate), "blocks": estimate.blocks}


def _check_target(target: int) -> None:
    if not 1 <= target <= MAX_TARGET:
        message = f"Invalid conf_target, must be between 1 and {MAX_TARGET}"
        raise RpcError(Code.PARAMETER, message)


@method("hidden")
def estimaterawfee(daemon: Daemon, conf_target: int, threshold: float = 0.95) -> Json:
    """Estimates the approximate fee per kilobyte needed for a transaction to begin confirmation
    within conf_target blocks, as each horizon sees it that reaches so far, with its examples.

    Uses virtual transaction size as defined in BIP 141 (witness data is discounted).

    Args:
        conf_target: Confirmation target in blocks (1 - 1008)
        threshold: The proportion of transactions in a given feerate range that must have been
            confirmed within conf_target in order to consider those feerates as high enough and
            proceed to check lower buckets.

    Returns:
        {                              (json object) of up to three horizons
          "short" : {                  (json object, optional) estimate for short time horizon
            "feerate" : n,             (numeric, optional) estimate fee rate in BTC/kvB
            "decay" : n,               (numeric) what is left of an example after a block
            "scale" : n,               (numeric) The resolution of confirmation targets
            "pass" : {                 (json object, optional) the lowest range of feerates to meet
                                       the threshold
              "startrange" : n,        (numeric) start of feerate range
              "endrange" : n,          (numeric) end of feerate range
              "withintarget" : n,      (numeric) transactions confirmed within target
              "totalconfirmed" : n,    (numeric) transactions confirmed at any point
              "inmempool" : n,         (numeric) unconfirmed for at least target blocks
              "leftmempool" : n        (numeric) left mempool unconfirmed after target
            },
            "fail" : { ... },          (json object, optional) the highest range of feerates to fail
            "errors" : [ "str", ... ]  (json array, optional) Errors encountered
          },
          "medium" : { ... },          (json object, optional) the same for medium time horizon
          "long" : { ... }             (json object, optional) the same for long time horizon
        }
    """
    _check_target(conf_target)
    if not 0 <= threshold <= 1:
        raise RpcError(Code.PARAMETER, "Invalid threshold")
    fees = daemon.node.transactions.fees
    return {
        horizon.name: _raw_json(horizon, fees.raw(conf_target, threshold, horizon))
        for horizon in HORIZONS
        if conf_target <= horizon.max_target
    }


def _raw_json(horizon: Horizon, found: RawEstimate) -> dict[str, Json]:
    known: dict[str, Json] = {"decay": horizon.decay, "scale": horizon.scale}
    if found.feerate_sat_kvb is None:
        return known | {"fail": _range_json(found.failed), "errors": [NOT_FOUND]}
    shown = {
        "feerate": Amount(found.feerate_sat_kvb),
        **known,
        "pass": _range_json(found.passed),
    }
    if found.failed.start >= 0:
        shown["fail"] = _range_json(found.failed)
    return shown


def _range_json(found: FeeRange) -> dict[str, Json]:
    return {
        "startrange": float(_rounded(found.start)),
        "endrange": found.end if found.end == NO_END else float(_rounded(found.end)),
        "withintarget": _rounded(found.within_target * 100) / 100,
        "totalconfirmed": _rounded(found.confirmed * 100) / 100,
        "inmempool": float(found.waiting),
        "leftmempool": _rounded(found.left * 100) / 100,
    }


def _rounded(value: float) -> int:
    """To the nearest whole number; halves away from zero."""
    return int(value + 0.5) if value >= 0 else -int(0.5 - value)


@method("mining", shown={"dummy": "( dummy )"})
async def prioritisetransaction(daemon: Daemon, txid: Txid, dummy: Json, fee_delta: int) -> Json:
    """Accepts the transaction into mined blocks at a higher (or lower) priority.

    Args:
        txid: The transaction id.
        dummy: API-Compatibility for previous API. Must be zero or null.
        fee_delta: The fee value (in satoshis) to add (or subtract, if negative). The fee is not
            actually paid, only the algorithm for selecting transactions into a block considers the
            transaction as it would have paid a higher (or lower) fee.

    Returns:
        true    (boolean) Returns true
    """
    if dummy is not None and type_name(dummy) != "number":
        given = type_name(dummy)
        raise RpcError(Code.TYPE, f"JSON value of type {given} is not of expected type number")
    if dummy:
        raise RpcError(
            Code.PARAMETER,
            "Priority is no longer supported, dummy argument to prioritisetransaction must be 0.",
        )
    pool = daemon.node.pool
    entry = pool.get(txid)
    # Dust may come in only without a fee, and must not be mined for one that was promised later.
    if entry is not None and pool.policy.require_standard:
        if dust_outputs(entry.transaction, pool.policy):
            message = "Priority is not supported for transactions with dust outputs."
            raise RpcError(Code.PARAMETER, message)
    await daemon.command(Prioritise(txid, fee_delta))
    return True


@method("mining")
def getprioritisedtransactions(daemon: Daemon) -> Json:
    """Returns a map of all user-created (see prioritisetransaction) fee deltas by txid, and whether
    the tx is present in mempool.

    Returns:
        {                                (json object)
          "transactionid" : {            (json object)
            "fee_delta" : n,             (numeric) transaction fee delta in satoshis
            "in_mempool" : true|false,   (boolean) whether this transaction is in the mempool
            "modified_fee" : n           (numeric, optional) its modified fee in satoshis, if it is
          },
          ...
        }
    """
    pool = daemon.node.pool
    shown: dict[str, Json] = {}
    for txid, delta_sat in sorted(pool.deltas.items()):
        entry = pool.get(txid)
        found: dict[str, Json] = {"fee_delta": delta_sat, "in_mempool": entry is not None}
        if entry is not None:
            found["modified_fee"] = entry.modified_fee_sat
        shown[to_hex(txid)] = found
    return shown
