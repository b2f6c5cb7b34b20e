"""Payments on their way out: written down first, then brought to the network.

Whatever instant the program dies at, a payment that was announced to anybody is in the wallet's
file, and is brought to the network again at the next start.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from axon.drivers.aio.driver import Stopped
from axon.node.commands import SendTransaction
from axon.p2p.txbroadcast import Delivery
from axon.primitives.hashes import Txid
from axon.primitives.transaction import Transaction
from axon.rpc.amounts import Json
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.walletdaemon import WalletDaemon
from axon.rpc.walletmethods.delivery import delivery_json, relaying
from axon.rpc.walletmethods.named import parse_payment, parse_transaction
from axon.wallet.finished import record_finished
from axon.wallet.payment import record_payment
from axon.wallet.psbt import Psbt
from axon.wallet.signing import sign_fully
from axon.wallet.wallet import Wallet


@method("wallet", strict=True, nulls=True)
async def sendpayment(
    daemon: WalletDaemon,
    psbt: str,
    passphrase: str | None = None,
    *,
    wait: int = 0,
    allow_high_fee: bool = False,
) -> Json:
    """Signs a payment, writes it down, and brings it to the network.

    Args:
        psbt: A PSBT in base64 or hex; or the hex string of the finished transaction
        passphrase: Opens the keys, for this call only; left out where all have signed already
        wait: Wait so many milliseconds at most until a peer keeps it or all have refused it and,
            with several peers, until one announced it that has it from somebody else
        allow_high_fee: An absurd fee is meant

    Returns:
        {                    (json object)
          "txid" : "hex",      (string) The transaction id
          "delivery" : "str",  (string) As in waitfordelivery; or confirmed, or replaced
          "peers" : n,         (numeric) Peers that take transactions
          "spread" : {         (json object) How far it has come; null if it is in a block already
            "offered" : n,     (numeric) Peers that it was announced to
            "given" : n,       (numeric) Peers that have fetched it
            "echoed" : n,      (numeric) Peers that announced it to us without having it from us
            "held" : n,        (numeric) Peers that gave it back when they were asked for it
            "refused" : n      (numeric) Peers that have fetched it and do not keep it
          },
          "refusals" : [...]   (json array) As in waitfordelivery
        }
    """
    now_s = daemon.now_s
    read = parse_payment(psbt)
    if isinstance(read, Psbt):
        sent = await daemon.ask(_SignAndRecord(read, passphrase, allow_high_fee, now_s))
    else:
        sent = await daemon.ask(_RecordFinished(read, allow_high_fee, now_s))
    return await bring_out(daemon, sent, wait)


@dataclass(frozen=True, slots=True)
class _SignAndRecord:
    psbt: Psbt
    passphrase: str | None = field(repr=False)
    allow_high_fee: bool
    now_s: int

    def run(self, wallet: Wallet) -> Transaction:
        signed = sign_fully(wallet, self.psbt, self.passphrase, allow_high_fee=self.allow_high_fee)
        return record_payment(wallet, signed, self.now_s, all_to=self.psbt.pays_all_to)


@dataclass(frozen=True, slots=True)
class _RecordFinished:
    transaction: Transaction
    allow_high_fee: bool
    now_s: int

    def run(self, wallet: Wallet) -> Transaction:
        return record_finished(
            wallet, self.transaction, self.now_s, allow_high_fee=self.allow_high_fee
        )


@method("wallet")
async def sendrawtransaction(daemon: WalletDaemon, hexstring: str) -> Json:
    """Writes a payment of this wallet down, and brings it to the network.

    Args:
        hexstring: The hex string of the raw transaction, which spends a coin of this wallet

    Returns:
        "hex"    (string) The transaction hash in hex
    """
    transaction, now_s = parse_transaction(hexstring), daemon.now_s
    await daemon.ask(_RecordFinished(transaction, False, now_s))
    return (await bring_out(daemon, transaction, 0))["txid"]


async def bring_out(
    daemon: WalletDaemon, transaction: Transaction, wait_ms: int
) -> dict[str, Json]:
    """Bring a payment that is written down to the network, and see it spread; as in sendpayment."""
    if wait_ms < 0:
        raise RpcError(Code.PARAMETER, "Negative wait")
    await daemon.command(SendTransaction(transaction))
    txid = transaction.txid
    if wait_ms and not daemon.node.is_alone:
        with suppress(Stopped):  # It is written down, and goes out again at the next start.
            await daemon.wait_for(partial(_has_spread, daemon, txid), wait_ms / 1_000)
    return await delivery_json(daemon, txid)


def _has_spread(daemon: WalletDaemon, txid: Txid) -> bool:
    """Somebody has it and, where that can be seen, handed it on; or it is in a block."""
    spread = daemon.spread(txid)
    if spread is None or spread.echoed:
        return True
    if spread.delivery is Delivery.REFUSED:
        return True
    alone = relaying(daemon, level=True) < 2  # Then nobody is left who could send it back.
    unkept = len(spread.refused) + len(spread.behind)
    return (alone and bool(spread.held)) or unkept >= max(1, relaying(daemon))
