"""Private broadcasts: what is under way, and how to end it (`-privatebroadcast`)."""

from __future__ import annotations

from typing import Final

from axon.machine import SECOND
from axon.mempool.outcome import Refused
from axon.mempool.packageacceptance import PackageResult
from axon.mempool.policy import fee_at
from axon.node.commands import AbortPrivately, SendPrivately, SubmitPackage
from axon.p2p.privatebroadcast import PrivateTransaction, Sending
from axon.primitives.hashes import to_hex
from axon.primitives.transaction import Transaction
from axon.rpc.amounts import Json
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.parameters import parse_hash

MAX_FEE_EXCEEDED: Final = "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)"


async def send_privately(
    daemon: Daemon, transaction: Transaction, max_feerate_sat_kvb: int
) -> Refused | None:
    """Bring a transaction out privately, if the pool would take it.

    Args:
        max_feerate_sat_kvb: what pays more is refused; 0 for no such bound.

    Returns:
        Why the pool would not take it; None if it goes out.

    Raises:
        RpcError: no network is reached on which that is possible, or it pays too much.
    """
    node = daemon.node
    if not node.links.connections.private.is_possible:
        raise RpcError(
            Code.MISC,
            "-privatebroadcast is enabled, but none of the Tor or I2P networks is reachable. Maybe "
            "the location of the Tor proxy couldn't be retrieved from the Tor daemon at startup. "
            "Check whether the Tor daemon is running and that -torcontrol, -torpassword and "
            "-i2psam are configured properly.",
        )
    if transaction.txid not in node.pool:  # Else the pool knows that it is good.
        command = SubmitPackage((transaction,), test_only=True)
        result: PackageResult = await daemon.command(command)
        member = result.members.get(transaction.wtxid)
        if member is None:
            raise RpcError(Code.VERIFY_REJECTED, str(result.error))
        if member.refused is not None:
            return member.refused
        most_sat = fee_at(max_feerate_sat_kvb, transaction.vsize)
        if max_feerate_sat_kvb and (member.fee_sat or 0) > most_sat:
            raise RpcError(Code.VERIFY, MAX_FEE_EXCEEDED)
    await daemon.command(SendPrivately(transaction))
    return None


@method("rawtransactions")
def getprivatebroadcastinfo(daemon: Daemon) -> Json:
    """Returns information about transactions that are currently being privately broadcast.

    Returns:
        {                                (json object)
          "transactions" : [             (json array)
            {                            (json object)
              "txid" : "hex",            (string) The transaction hash in hex
              "wtxid" : "hex",           (string) The transaction witness hash in hex
              "hex" : "hex",             (string) The serialized transaction
              "time_added" : xxx,        (numeric) UNIX time since when it is brought out
              "peers" : [                (json array) to whom it was sent, the last 100
                {                        (json object)
                  "address" : "str",     (string) where the peer is
                  "sent" : xxx,          (numeric) UNIX time at which it was picked for this peer
                  "received" : xxx       (numeric, optional) at which the peer confirmed it
                },
                ...
              ]
            },
            ...
          ]
        }
    """
    return {"transactions": [_entry(entry) for entry in daemon.node.private.book.entries()]}


def _entry(entry: PrivateTransaction) -> dict[str, Json]:
    return {
        **_named(entry.transaction),
        "time_added": entry.added_at // SECOND,
        "peers": [_sending(sending) for sending in entry.sendings],
    }


def _named(transaction: Transaction) -> dict[str, Json]:
    return {
        "txid": to_hex(transaction.txid),
        "wtxid": to_hex(transaction.wtxid),
        "hex": transaction.raw.hex(),
    }


def _sending(sending: Sending) -> dict[str, Json]:
    shown: dict[str, Json] = {
        "address": str(sending.address),
        "sent": sending.sent_at // SECOND,
    }
    if sending.confirmed_at is not None:
        shown["received"] = sending.confirmed_at // SECOND
    return shown


@method("rawtransactions")
async def abortprivatebroadcast(daemon: Daemon, id: str) -> Json:
    """Abort private broadcast attempts for a transaction currently being privately broadcast.

    Args:
        id: A txid or wtxid. All transactions that have it are ended.

    Returns:
        {                                 (json object)
          "removed_transactions" : [      (json array)
            {                             (json object)
              "txid" : "hex",             (string) The transaction hash in hex
              "wtxid" : "hex",            (string) The transaction witness hash in hex
              "hex" : "hex"               (string) The serialized transaction
            },
            ...
          ]
        }
    """
    removed: list[Transaction] = await daemon.command(AbortPrivately(parse_hash("id", id)))
    if not removed:
        raise RpcError(
            Code.NOT_FOUND,
            "Transaction not in private broadcast queue. Check getprivatebroadcastinfo.",
        )
    return {"removed_transactions": [_named(transaction) for transaction in removed]}
