"""The single coins behind the balance, and those that are set aside."""

from __future__ import annotations

from dataclasses import dataclass

from axon.primitives.hashes import to_hex
from axon.primitives.transaction import OutPoint, outpoint_index, outpoint_txid
from axon.rpc.amounts import Json
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.walletdaemon import WalletDaemon
from axon.rpc.walletmethods.named import parse_coin
from axon.rpc.walletmethods.shapes import coin_json
from axon.wallet.wallet import Wallet


@method("wallet")
async def listunspent(daemon: WalletDaemon) -> Json:
    """Returns all unspent coins, the oldest first, those in no block last.

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
    return await daemon.ask(_ListCoins())


@dataclass(frozen=True, slots=True)
class _ListCoins:
    def run(self, wallet: Wallet) -> Json:
        return [coin_json(wallet, coin) for coin in wallet.coins()]


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
