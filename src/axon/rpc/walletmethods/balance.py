"""What the wallet holds, and what kind of wallet it is."""

from __future__ import annotations

from dataclasses import dataclass

from axon.primitives.hashes import to_hex
from axon.primitives.transaction import outpoint_txid
from axon.rpc.amounts import Amount, Json
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.walletdaemon import WalletDaemon
from axon.rpc.walletmethods.asof import as_of
from axon.wallet.coins import WalletCoin
from axon.wallet.disputes import disputed_sums, is_disputed
from axon.wallet.lookahead import has_past, unsearched_height
from axon.wallet.wallet import Wallet


@method("wallet")
async def getbalances(daemon: WalletDaemon) -> Json:
    """Returns an object with all balances in BTC.

    Returns:
        {                               (json object)
          "mine" : {                    (json object)
            "trusted" : n,              (numeric) in blocks, and change of own payments that are not
            "untrusted_pending" : n,    (numeric) promised by others, in no block yet; may never
                                        come
            "disputed" : n,             (numeric) promised, and somebody was seen to spend the same
                                        once more: a block decides; of rivals the one that counts,
                                        or the greatest; in none of the others
            "immature" : n,             (numeric) mined, and to be spent after 100 blocks
            "frozen" : n                (numeric) part of the others that was set aside by hand
          },
          "lastprocessedblock" : {      (json object) the block up to which all were looked through
            "hash" : "hex",             (string) its hash
            "height" : n                (numeric) its height
          },
          "asof" : {                    (json object) how sure that is
            "height" : n,               (numeric) all blocks up to it were looked through; -1 before
                                        the first
            "hash" : "hex",             (string) its hash; null before the first
            "time" : xxx,               (numeric) its UNIX epoch time; null if it is not known
            "age" : n,                  (numeric) seconds since then; below 0 if the clock here is
                                        behind it
            "synced" : true|false,      (boolean) whether that is all that the nodes reached have
            "nodes_asked" : n,          (numeric) nodes that were reached; 0 if none was
            "nodes_agree" : n           (numeric) how many of them have the same chain and filters
          }
        }
    """
    return await _with_as_of(daemon, await daemon.ask(_Balances()))


@method("wallet")
async def getbalance(
    daemon: WalletDaemon,
    dummy: str | None = None,
    minconf: int = 0,
    include_watchonly: bool = True,  # noqa: ARG001
    avoid_reuse: bool = False,
) -> Json:
    """Returns the total available balance: what getbalances calls trusted.

    Args:
        dummy: Remains for backward compatibility. Must be excluded or set to "*".
        minconf: Only include transactions confirmed at least this many times.
        include_watchonly: Changes nothing: all coins of a wallet are alike
        avoid_reuse: Not supported

    Returns:
        n    (numeric) The total amount in BTC
    """
    if dummy not in (None, "*"):
        raise RpcError(
            Code.METHOD_DEPRECATED, 'dummy first argument must be excluded or set to "*".'
        )
    if avoid_reuse:
        raise RpcError(Code.WALLET, "wallet does not have the 'avoid reuse' feature enabled")
    if minconf > 0:
        return await daemon.ask(_Confirmed(minconf))
    return (await daemon.ask(_Balances()))["mine"]["trusted"]


@method("wallet")
async def getwalletinfo(daemon: WalletDaemon) -> Json:
    """Returns an object containing various wallet state info.

    Returns:
        {                                   (json object)
          "walletname" : "str",             (string) its name
          "chain" : "str",                  (string) whose coins it holds: main, signet, ...
          "kind" : "str",                   (string) bip84, bip86, bip49 or bip44; descriptor
                                            for one that only watches
          "private_keys_enabled" : true|false,  (boolean) false if it only watches
          "birthtime" : xxx,                (numeric) UNIX epoch time; nothing was paid to it before
          "has_past" : true|false,          (boolean) Whether its addresses may have been used
                                            elsewhere before
          "gap" : n,                        (numeric) How many addresses it looks for beyond the
                                            last one that was given out or paid
          "unsearched" : n,                 (numeric) Blocks up to this height were not searched
                                            for an address that was given out or paid: a rescan does
                                            it; -1 for none
          "txcount" : n,                    (numeric) the number of its transactions
          "addresses" : n,                  (numeric) how many addresses were given out
          "lastprocessedblock" : {...},     (json object) as in getbalances
          "asof" : {...}                    (json object) as in getbalances
        }
    """
    info = await daemon.ask(_WalletInfo())
    return {"walletname": daemon.name, **await _with_as_of(daemon, info)}


async def _with_as_of(daemon: WalletDaemon, info: dict[str, Json]) -> dict[str, Json]:
    return {**info, "asof": as_of(daemon, await daemon.scanned())}


@dataclass(frozen=True, slots=True)
class _Confirmed:
    count: int

    def run(self, wallet: Wallet) -> Json:
        deep = [
            coin
            for coin in wallet.coins()
            if coin.trusted and not coin.immature and coin.confirmations >= self.count
        ]
        return Amount(sum(coin.amount_sat for coin in deep))


@dataclass(frozen=True, slots=True)
class _Balances:
    def run(self, wallet: Wallet) -> dict[str, Json]:
        found = wallet.balance()
        disputed = disputed_sums(wallet.ledger, wallet.counted(), wallet.reckoning().unspent())
        coins = wallet.coins()
        shared_sat = sum(coin.amount_sat for coin in coins if _is_shared_change(wallet, coin))
        trusted_pending_sat = found.trusted_pending_sat - disputed.trusted_sat - shared_sat
        untrusted_pending_sat = found.untrusted_pending_sat - disputed.untrusted_sat + shared_sat
        frozen_sat = sum(coin.amount_sat for coin in coins if coin.frozen)
        return {
            "mine": {
                "trusted": Amount(found.confirmed_sat + trusted_pending_sat),
                "untrusted_pending": Amount(untrusted_pending_sat),
                "disputed": Amount(disputed.total_sat),
                "immature": Amount(found.immature_sat),
                "frozen": Amount(frozen_sat),
            },
            "lastprocessedblock": _last_block(wallet),
        }


def _is_shared_change(wallet: Wallet, coin: WalletCoin) -> bool:
    """Change that others can take back, of a payment that they made with us, before any block."""
    if not coin.change or coin.trusted:
        return False
    transaction = wallet.ledger.transactions[outpoint_txid(coin.outpoint)]
    return not is_disputed(wallet.ledger, transaction)


@dataclass(frozen=True, slots=True)
class _WalletInfo:
    def run(self, wallet: Wallet) -> dict[str, Json]:
        kind = wallet.source.kind
        return {
            "chain": wallet.network.name,
            "kind": "descriptor" if kind is None else str(kind),
            "private_keys_enabled": not wallet.is_watch_only,
            "birthtime": wallet.birthday_s,
            "has_past": has_past(wallet.ledger),
            "gap": wallet.ledger.book.gap,
            "unsearched": unsearched_height(wallet.ledger),
            "txcount": len(wallet.ledger.transactions),
            "addresses": len(wallet.addresses()),
            "lastprocessedblock": _last_block(wallet),
        }


def _last_block(wallet: Wallet) -> Json:
    mark = wallet.scanned
    return None if mark is None else {"hash": to_hex(mark.hash), "height": mark.height}
