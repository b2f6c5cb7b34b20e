"""What a wallet holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from axon.rpc.amounts import Amount, Json
from axon.rpc.corewallet.access import last_block
from axon.rpc.corewallet.reach import seen_by
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Call, method
from axon.rpc.errors import Code, RpcError
from axon.rpc.parameters import Int32

if TYPE_CHECKING:
    from axon.wallet.descriptordesk import DescriptorDesk


@method("wallet")
async def getbalance(
    daemon: Daemon,
    call: Call,
    dummy: str | None = None,
    minconf: Int32 = 0,
    include_watchonly: bool = False,
    avoid_reuse: bool | None = None,
) -> Json:
    """Returns the total available balance: what getbalances calls trusted.

    Args:
        dummy: Must be "*" if it is given
        minconf: Only include transactions confirmed at least this many times.
        include_watchonly: No longer used
        avoid_reuse: Not supported

    Returns:
        n    (numeric) The total amount in BTC
    """
    del include_watchonly
    wallet = await seen_by(daemon, call)
    if dummy not in (None, "*"):
        message = 'dummy first argument must be excluded or set to "*".'
        raise RpcError(Code.METHOD_DEPRECATED, message)
    refuse_avoid_reuse(avoid_reuse)
    return await wallet.ask(_Trusted(minconf))


def refuse_avoid_reuse(wanted: bool | None) -> None:
    """Raises RpcError -4 where somebody wants what no wallet here has."""
    if wanted:
        message = 'wallet does not have the "avoid reuse" feature enabled'
        raise RpcError(Code.WALLET, message)


@dataclass(frozen=True, slots=True)
class _Trusted:
    min_depth: int

    def run(self, desk: DescriptorDesk) -> Amount:
        return Amount(desk.wallet.holdings.sums(self.min_depth).trusted_sat)


@method("wallet")
async def getbalances(daemon: Daemon, call: Call) -> Json:
    """Returns an object with all balances in BTC.

    Returns:
        {                               (json object)
          "mine" : {                    (json object) balances from outputs that the wallet can sign
            "trusted" : n,              (numeric) trusted balance (outputs created by the wallet or
                                        confirmed outputs)
            "untrusted_pending" : n,    (numeric) untrusted pending balance (outputs created by
                                        others that are in the mempool)
            "immature" : n,             (numeric) balance from immature coinbase outputs
            "nonmempool" : n            (numeric) sum of coins that are spent by transactions not in
                                        the mempool
          },
          "lastprocessedblock" : {      (json object) as in getwalletinfo
            "hash" : "hex",             (string) its hash
            "height" : n                (numeric) its height
          }
        }
    """
    return await (await seen_by(daemon, call)).ask(_Balances())


@dataclass(frozen=True, slots=True)
class _Balances:
    def run(self, desk: DescriptorDesk) -> Json:
        found = desk.wallet.holdings.sums(nonmempool=True)
        return {
            "mine": {
                "trusted": Amount(found.trusted_sat),
                "untrusted_pending": Amount(found.untrusted_pending_sat),
                "immature": Amount(found.immature_sat),
                "nonmempool": Amount(found.nonmempool_sat),
            },
            "lastprocessedblock": last_block(desk),
        }
