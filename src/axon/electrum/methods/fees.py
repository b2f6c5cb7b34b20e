"""What the network asks for."""

from __future__ import annotations

from axon.electrum.client import Client
from axon.electrum.errors import ElectrumCode, ElectrumError
from axon.electrum.methods.arguments import whole_number
from axon.electrum.service import ElectrumService
from axon.mempool.fees import MAX_TARGET
from axon.rpc.amounts import Amount, whole
from axon.rpc.errors import RpcError

_MODES = (None, "ECONOMICAL", "CONSERVATIVE", "UNSET")


async def estimatefee(
    service: ElectrumService, _: Client, number: object, mode: object = None
) -> object:
    """A feerate in BTC/kvB for a transaction to be confirmed within so many blocks; -1 if unknown.

    A target that Core knows none for is moved to the nearest.
    """
    target = max(1, min(whole_number(number), MAX_TARGET))
    asked = mode.upper() if isinstance(mode, str) else mode
    if asked not in _MODES:
        raise ElectrumError(f"unknown estimatefee mode: {str(mode)[:40]}")
    params: list[object] = [target] if asked is None else [target, asked]
    try:
        answer = whole(await service.registry.execute(service.daemon, "estimatesmartfee", params))
    except RpcError as error:
        raise ElectrumError(error.message, ElectrumCode.DAEMON_ERROR) from error
    return answer.get("feerate", -1)


async def relayfee(service: ElectrumService, _: Client) -> object:
    """The lowest feerate that is relayed, in BTC/kvB."""
    return Amount(service.daemon.node.pool.policy.min_relay_feerate_sat_kvb)


async def get_info(service: ElectrumService, _: Client) -> object:
    """The feerates that decide what comes into the pool, in BTC/kvB."""
    pool = service.daemon.node.pool
    policy = pool.policy
    lowest = policy.min_relay_feerate_sat_kvb
    now = service.daemon.clock.now()
    return {
        "mempoolminfee": Amount(max(lowest, pool.min_feerate(now))),
        "minrelaytxfee": Amount(lowest),
        "incrementalrelayfee": Amount(policy.incremental_feerate_sat_kvb),
    }


async def get_fee_histogram(service: ElectrumService, _: Client) -> object:
    """How much waits in the pool at which feerate."""
    return [list(pair) for pair in service.pool.view.histogram.told()]
