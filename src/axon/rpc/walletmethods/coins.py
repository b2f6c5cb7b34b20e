"""The single coins behind the balance, and those that are set aside."""

from __future__ import annotations

from dataclasses import dataclass

from axon.primitives.hashes import to_hex
from axon.primitives.transaction import OutPoint, outpoint_index, outpoint_txid
from axon.rpc.amounts import Json, amount_from
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.walletdaemon import WalletDaemon
from axon.rpc.walletmethods.named import parse_coin
from axon.rpc.walletmethods.shapes import coin_json
from axon.wallet.coins import WalletCoin
from axon.wallet.wallet import Wallet


@method("wallet")
async def listunspent(
    daemon: WalletDaemon,
    minconf: int | None = None,
    maxconf: int = 9_999_999,
    addresses: list[Json] | None = None,
    include_unsafe: bool = True,
    query_options: dict[str, Json] | None = None,
) -> Json:
    """Returns all unspent coins, the oldest first, those in no block last.

    Args:
        minconf: The minimum confirmations; then without those that are set aside or immature, as
            Core lists them
        maxconf: The maximum confirmations
        addresses: Only coins of these addresses
        include_unsafe: Include outputs that are not safe to spend
        query_options: minimumAmount, maximumAmount (in BTC), maximumCount

    Returns:
        [                               (json array)
          {                             (json object)
            "txid" : "hex",             (string) The transaction that made it
            "vout" : n,                 (numeric) Which of its outputs it is
            "address" : "str",          (string) The address that was paid
            "label" : "str",            (string) Its own label, or the address's
            "amount" : n,               (numeric) What it holds, in BTC
            "confirmations" : n,        (numeric) The number of confirmations
            "spendable" : true|false,   (boolean) Whether a payment may use it now
            "frozen" : true|false,      (boolean) Whether it was set aside by hand
            "immature" : true|false,    (boolean) Whether it was mined less than 100 blocks ago
            "safe" : true|false,        (boolean) Whether it is in a block, or made by this wallet
            "change" : true|false       (boolean) Whether it came back from an own payment
          },
          ...
        ]
    """
    named = None if addresses is None else frozenset(map(str, addresses))
    sums: dict[str, int | None] = {"minimumAmount": None, "maximumAmount": None}
    count = None
    for name, value in (query_options or {}).items():
        if name in sums:
            sums[name] = amount_from(value).sat
        elif name == "maximumCount" and type(value) is int:
            count = value or None
        else:
            raise RpcError(Code.PARAMETER, f"query option {name} is not supported")
    least, most = sums.values()
    asked = _ListCoins(minconf, maxconf, named or None, include_unsafe, least, most)
    return (await daemon.ask(asked))[:count]


@dataclass(frozen=True, slots=True)
class _ListCoins:
    minconf: int | None
    maxconf: int
    addresses: frozenset[str] | None
    unsafe: bool
    least_sat: int | None
    most_sat: int | None

    def run(self, wallet: Wallet) -> list[dict[str, Json]]:
        return [coin_json(wallet, coin) for coin in wallet.coins() if self._wants(coin)]

    def _wants(self, coin: WalletCoin) -> bool:
        if self.minconf is not None and (coin.frozen or coin.immature):
            return False
        return (
            (self.minconf or 0) <= coin.confirmations <= self.maxconf
            and (self.addresses is None or coin.address in self.addresses)
            and (self.unsafe or coin.trusted)
            and (self.least_sat is None or coin.amount_sat >= self.least_sat)
            and (self.most_sat is None or coin.amount_sat <= self.most_sat)
        )


@method("wallet")
async def lockunspent(
    daemon: WalletDaemon, unlock: bool, transactions: list[Json] | None = None
) -> Json:
    """Sets coins aside so that no payment uses them, or lets payments use them again.

    Unlike in Bitcoin Core this is kept when the wallet is closed.

    Args:
        unlock: Whether to unlock (true) or lock (false) the specified coins
        transactions: The coins: [{"txid":"hex","vout":n}, ...] or ["txid:vout", ...]; if left out,
            all that are locked are unlocked

    Returns:
        true|false    (boolean) Whether the command was successful
    """
    points = None if transactions is None else tuple([parse_coin(each) for each in transactions])
    if points is None and not unlock:
        raise RpcError(Code.PARAMETER, "Invalid parameter, expected the coins to lock")

    await daemon.ask(_LockCoins(unlock, points))
    return True


@dataclass(frozen=True, slots=True)
class _LockCoins:
    unlock: bool
    points: tuple[OutPoint, ...] | None  # None: all that are locked.

    def run(self, wallet: Wallet) -> None:
        if self.unlock:
            for point in tuple(wallet.ledger.frozen) if self.points is None else self.points:
                wallet.unfreeze(point)
        else:
            for point in self.points or ():
                wallet.freeze(point)


@method("wallet")
async def listlockunspent(daemon: WalletDaemon) -> Json:
    """Returns list of coins that are set aside.

    Returns:
        [                      (json array)
          {                    (json object)
            "txid" : "hex",    (string) The transaction that made it
            "vout" : n         (numeric) Which of its outputs it is
          },
          ...
        ]
    """
    return await daemon.ask(_ListLocked())


@dataclass(frozen=True, slots=True)
class _ListLocked:
    def run(self, wallet: Wallet) -> Json:
        return [_point(each) for each in sorted(wallet.ledger.frozen)]


def _point(point: OutPoint) -> dict[str, Json]:
    return {"txid": to_hex(outpoint_txid(point)), "vout": outpoint_index(point)}
