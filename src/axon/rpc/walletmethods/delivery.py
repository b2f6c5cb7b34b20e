"""What may be said of payments of this wallet that are in no block yet: who has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from axon.p2p.txbroadcast import Delivery, Spread
from axon.primitives.hashes import Txid, to_hex
from axon.rpc.amounts import Json
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.walletdaemon import WalletDaemon
from axon.wallet import records
from axon.wallet.wallet import Wallet


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A payment of ours that is in no block.

    Args:
        counts: no other one that spends the same outdoes it.
        feerate_sat_kvb: None where an input is not known here.
        before: what earlier runs know of it, and this one up to now.
    """

    txid: Txid
    counts: bool
    feerate_sat_kvb: int | None
    before: Delivery


_DELIVERIES: Final = {
    b"": Delivery.KEPT,
    records.HANDED_OVER: Delivery.HANDED_OVER,
    records.SHOWN: Delivery.ACCEPTED,
}


@dataclass(frozen=True, slots=True)
class _FindWaiting:
    """The payments of ours that are in no block; with a txid, that one if it is."""

    txid: Txid | None = None

    def run(self, wallet: Wallet) -> tuple[_Waiting, ...]:
        ledger = wallet.ledger
        own = [
            item
            for txid, item in ledger.transactions.items()
            if txid not in ledger.confirmed
            and self.txid in (None, txid)
            and ledger.spends_ours(item)
        ]
        counted = wallet.counted() if own else {}
        found: list[_Waiting] = []
        for item in own:
            fee_sat = ledger.fee_sat(item)
            feerate = None if fee_sat is None else fee_sat * 1_000 // item.vsize
            before = _DELIVERIES[ledger.deliveries.get(item.txid, b"")]
            if ledger.seen[item.txid].mined:
                before = Delivery.ACCEPTED  # Nodes had it in a block, and keep what leaves one.
            found.append(_Waiting(item.txid, item.txid in counted, feerate, before))
        return tuple(found)


@method("wallet", waits=True)
async def waitfordelivery(daemon: WalletDaemon, timeout: int = 0) -> Json:
    """Waits until a node has fetched each payment of this wallet that is in no block, or has it
    already, and says what is known of them.

    Args:
        timeout: Time in milliseconds to wait at most. 0 to wait for nothing.

    Returns:
        [                         (json array) Of payments that count and are in no block
          {                       (json object)
            "txid" : "hex",       (string) The transaction id
            "delivery" : "str",   (string) kept (nobody was handed it yet), handed over (a node has
                                  fetched it, and nobody shows it), refused (whoever has fetched it
                                  does not keep it, and no other node is left that might),
                                  accepted (a node has shown that it has it) or
                                  spreading (a node has it from somebody else); in this run or an
                                  earlier one
            "peers" : n,          (numeric) Peers that take transactions
            "spread" : {...},     (json object) As in sendpayment
            "refusals" : [        (json array) Who has fetched it and does not keep it
              {                   (json object)
                "addr" : "str",   (string) (host:port) The node
                "reason" : "str"  (string) Why, as far as that can be known; nodes do not say it
              },
              ...
            ]
          },
          ...
        ]
    """
    if timeout < 0:
        raise RpcError(Code.MISC, "Negative timeout")
    waiting = [item for item in await daemon.ask(_FindWaiting()) if item.counts]
    if timeout and waiting:
        await daemon.wait_for(partial(_are_out, daemon, waiting), timeout / 1_000)
    return [_json(daemon, item, spread) for item, spread in await _find(daemon) if item.counts]


async def waiting_deliveries(daemon: WalletDaemon) -> dict[str, str]:
    """The `delivery` of each payment that counts and is in no block, by its txid in hex."""
    found = await _find(daemon)
    return {to_hex(item.txid): _delivery(item, spread) for item, spread in found if item.counts}


async def delivery_json(daemon: WalletDaemon, txid: Txid) -> dict[str, Json]:
    """What is known of one transaction: `delivery`, `peers`, `spread` and `refusals`.

    Beside the words of `waitfordelivery`: `confirmed`, and `replaced` by another that spends the
    same. What is no payment of ours is said to be confirmed.
    """
    found = await _find(daemon, txid)
    if not found:
        return _said(daemon, txid, "confirmed", daemon.spread(txid), ())
    return _json(daemon, *found[0])


async def _find(
    daemon: WalletDaemon, txid: Txid | None = None
) -> list[tuple[_Waiting, Spread | None]]:
    """The payments that `_FindWaiting` finds, with how far each has come.

    That is read before the wallet is asked: what is said of it has then been written down, and is
    not forgotten if the wallet is closed right after.
    """
    spreads = daemon.spreads()
    return [(item, spreads.get(item.txid)) for item in await daemon.ask(_FindWaiting(txid))]


def _are_out(daemon: WalletDaemon, waiting: Sequence[_Waiting]) -> bool:
    """Whether nobody needs this wallet to stay for these payments; nor if nobody takes any."""
    words = [_delivery(item, daemon.spread(item.txid)) for item in waiting]
    return Delivery.KEPT not in words or not relaying(daemon)


def _delivery(item: _Waiting, spread: Spread | None) -> Delivery:
    """What this run knows; what earlier ones know counts where it knows nothing."""
    if spread is None or spread.delivery is Delivery.KEPT:
        return item.before
    if spread.delivery is Delivery.HANDED_OVER and item.before is Delivery.ACCEPTED:
        return item.before
    return spread.delivery


def _json(daemon: WalletDaemon, item: _Waiting, spread: Spread | None) -> dict[str, Json]:
    """What is known of a payment that is in no block."""
    refusals: list[Json] = []
    for peer in () if spread is None else (*spread.refused, *spread.behind):
        session = daemon.node.sessions.get(peer)
        if session is not None and spread is not None:
            reason = _reason(item.feerate_sat_kvb, daemon.node.floors.get(peer))
            if peer in spread.behind:
                height = daemon.node.height_behind(peer)
                reason = "it was behind" if height is None else f"it is behind, at block {height:,}"
            refusals.append({"addr": str(session.remote), "reason": reason})
    word = str(_delivery(item, spread)) if item.counts else "replaced"
    return _said(daemon, item.txid, word, spread, refusals)


def _said(
    daemon: WalletDaemon,
    txid: Txid,
    word: str,
    spread: Spread | None,
    refusals: Sequence[Json],
) -> dict[str, Json]:
    return {
        "txid": to_hex(txid),
        "delivery": word,
        "peers": relaying(daemon),
        "spread": spread_json(spread),
        "refusals": list(refusals),
    }


def _reason(feerate_sat_kvb: int | None, floor_sat_kvb: int | None) -> str:
    if feerate_sat_kvb is not None and floor_sat_kvb is not None:
        if feerate_sat_kvb < floor_sat_kvb:
            return (
                f"it asks for {floor_sat_kvb / 1_000:.3g} sat/vB, and this pays"
                f" {feerate_sat_kvb / 1_000:.3g}"
            )
    return (
        "not told; often another payment that spends the same coin and pays more is there already"
    )


def spread_json(spread: Spread | None) -> Json:
    """How far a payment has come."""
    if spread is None:
        return None
    return {
        "offered": spread.offered,
        "given": spread.given,
        "echoed": spread.echoed,
        "held": spread.held,
        "refused": len(spread.refused),
    }


def relaying(daemon: WalletDaemon, *, level: bool = False) -> int:
    """Peers that take transactions.

    Args:
        level: only those whose chain is not behind.
    """
    return sum(
        session.negotiated is not None
        and session.negotiated.relay
        and session.kind.relays_transactions
        and not (level and daemon.node.height_behind(session.peer) is not None)
        for session in daemon.node.sessions.values()
    )
