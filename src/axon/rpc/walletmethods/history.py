"""What came, what went, what became of it, and the proof."""

from __future__ import annotations

from dataclasses import dataclass

from axon.primitives.hashes import Txid
from axon.rpc.amounts import Json
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.shapes.transactions import transaction_json
from axon.rpc.walletdaemon import WalletDaemon
from axon.rpc.walletmethods.delivery import delivery_json, waiting_deliveries
from axon.rpc.walletmethods.shapes import entry_json
from axon.wallet.wallet import Wallet


@method("wallet")
async def listtransactions(
    daemon: WalletDaemon,
    label: int | str | None = None,
    count: int | None = None,
    skip: int = 0,
    include_watchonly: bool = True,  # noqa: ARG001
) -> Json:
    """Returns the transactions of this wallet, one entry for each: those that wait for a block,
    then all others, each part the latest first. What was replaced stands below what took its place.

    Args:
        label: Only transactions of this label, "*" for all; they come as from Core then, the latest
            last. Or, in its place, the two numbers that follow
        count: The number of transactions to return, 10 if not given
        skip: The number of transactions to skip
        include_watchonly: Changes nothing: all coins of a wallet are alike

    Returns:
        [                             (json array)
          {                           (json object)
            "txid" : "hex",           (string) The transaction id
            "category" : "str",       (string) send, receive, self (all of it to ourselves),
                                      generate (mined), immature (mined less than 100 blocks ago) or
                                      orphan (mined, and its block left the chain)
            "state" : "str",          (string) unconfirmed, confirmed or replaced (by another one
                                      that spends the same: it counts for nothing)
            "disputed" : true,        (boolean, optional) Somebody else was seen to spend the same
                                      once more, or what it builds on: a block decides
            "delivery" : "str",       (string, optional) Of a payment of this wallet that is in no
                                      block: as in waitfordelivery
            "amount" : n,             (numeric) What it adds to the balance in BTC; negative for a
                                      payment, with its fee
            "fee" : n,                (numeric, optional) The fee in BTC, for our own payments
            "confirmations" : n,      (numeric) The number of confirmations
            "blockheight" : n,        (numeric, optional) The height of its block
            "blockhash" : "hex",      (string, optional) The hash of its block
            "time" : xxx,             (numeric) The time of its block, or when it was first seen
                                      (UNIX epoch time)
            "label" : "str",          (string) Its own label, or the address's
            "addresses" : [ "str", ... ]  (json array) Whom a payment went to; of what was received,
                                      the addresses it came to
          },
          ...
        ]
    """
    if isinstance(label, int):
        label, count, skip = None, label, count or 0
    count = 10 if count is None else count
    if count < 0 or skip < 0:
        raise RpcError(Code.PARAMETER, "Negative count" if count < 0 else "Negative from")
    if label == "":
        raise RpcError(Code.PARAMETER, 'Label argument must be a valid label name or "*".')
    entries = await daemon.ask(_ListTransactions(skip, count, None if label == "*" else label))
    if label is not None:
        entries.reverse()
    words = await waiting_deliveries(daemon)
    return [
        entry if word is None else {**entry, "delivery": word}
        for entry, word in ((entry, words.get(str(entry["txid"]))) for entry in entries)
    ]


@dataclass(frozen=True, slots=True)
class _ListTransactions:
    skip: int
    count: int
    label: str | None

    def run(self, wallet: Wallet) -> list[dict[str, Json]]:
        end = self.skip + self.count
        if self.label is None:
            return [entry_json(wallet, entry) for entry in wallet.history()[self.skip : end]]
        shown = [entry_json(wallet, entry) for entry in wallet.history()]
        return [each for each in shown if each["label"] == self.label][self.skip : end]


@method("wallet")
async def gettransaction(
    daemon: WalletDaemon,
    txid: Txid,
    include_watchonly: bool = True,  # noqa: ARG001
    verbose: bool = False,
) -> Json:
    """Get detailed information about a transaction of this wallet.

    Args:
        txid: The transaction id
        include_watchonly: Changes nothing: all coins of a wallet are alike
        verbose: Whether to include a decoded field, as decoderawtransaction shows it

    Returns:
        {                    (json object)
          ...                The same as in listtransactions
          "hex" : "hex",     (string) The transaction itself
          "delivery" : "str",  (string) As in sendpayment; confirmed also where it is no payment of
                             this wallet
          "spread" : {...},  (json object) How far a payment has come in this run, until it is in a
                             block, as in sendpayment; null for others
          "decoded" : {...},  (json object, optional) The decoded transaction, with verbose
          "refusals" : [...]  (json array) As in waitfordelivery
        }
    """
    shown = await daemon.ask(_ShowTransaction(txid, verbose))
    return {**shown, **await delivery_json(daemon, txid)}


@dataclass(frozen=True, slots=True)
class _ShowTransaction:
    txid: Txid
    verbose: bool

    def run(self, wallet: Wallet) -> dict[str, Json]:
        found = wallet.transaction(self.txid)
        entry = next(entry for entry in wallet.history() if entry.txid == self.txid)
        shown = {**entry_json(wallet, entry), "hex": found.raw.hex()}
        if self.verbose:
            shown["decoded"] = transaction_json(found, wallet.network, with_hex=False)
        return shown


@method("wallet")
async def gettxoutproof(daemon: WalletDaemon, txid: Txid) -> Json:
    """Returns a hex-encoded proof that a transaction of this wallet was included in a block.

    It was made when the block was read, and proves the block's coinbase as well, so that no inner
    node of the tree can pass for a transaction. A full node checks it with verifytxoutproof.

    Args:
        txid: The transaction id

    Returns:
        "hex"    (string) The serialized, hex-encoded data of the proof
    """
    return (await daemon.ask(_FindProof(txid))).hex()


@dataclass(frozen=True, slots=True)
class _FindProof:
    txid: Txid

    def run(self, wallet: Wallet) -> bytes:
        return wallet.proof(self.txid)
