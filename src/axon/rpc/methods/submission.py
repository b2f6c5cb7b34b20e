"""Transactions for the pool: sent, tested, submitted as a package."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from axon.chain.coins import Coin
from axon.mempool.acceptance import coins_to_find
from axon.mempool.outcome import Admitted, Refusal, Refused
from axon.mempool.packageacceptance import Member, PackageResult, is_child_with_parents_tree
from axon.mempool.policy import MAX_PACKAGE_COUNT, fee_at
from axon.node.commands import SendTransaction, SubmitPackage
from axon.primitives.block import MAX_BLOCK_WEIGHT
from axon.primitives.hashes import to_hex
from axon.primitives.script import is_unspendable
from axon.primitives.transaction import (
    COIN,
    WITNESS_SCALE_FACTOR,
    OutPoint,
    Transaction,
    outpoint,
)
from axon.rpc.amounts import Amount, Json
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.methods.privatebroadcast import MAX_FEE_EXCEEDED, send_privately
from axon.rpc.parameters import expect_text
from axon.rpc.shapes.transactions import decode_hex_transaction, has_valid_ops

DEFAULT_MAX_FEERATE: Final = Amount(COIN // 10)
"""A caller who pays more for 1,000 vbytes has probably made a mistake."""

NO_AMOUNT: Final = Amount(0)


def _max_feerate(amount: Amount) -> int:
    """In satoshi per 1,000 vbytes; 0 for any."""
    if amount.sat >= COIN:
        raise RpcError(
            Code.PARAMETER, "Fee rates larger than or equal to 1BTC/kvB are not accepted"
        )
    return amount.sat


def _check_burnt(transactions: Iterable[Transaction], most: Amount) -> None:
    """No output that nobody can spend may be worth more."""
    for transaction in transactions:
        for output in transaction.outputs:
            script = output.script_pubkey
            lost = is_unspendable(script) or not has_valid_ops(script)
            if lost and output.amount_sat > most.sat:
                raise RpcError(
                    Code.VERIFY,
                    "Unspendable output exceeds maximum configured by user (maxburnamount)",
                )


@method("rawtransactions")
async def sendrawtransaction(
    daemon: Daemon,
    hexstring: str,
    maxfeerate: Amount = DEFAULT_MAX_FEERATE,
    maxburnamount: Amount = NO_AMOUNT,
) -> Json:
    """Submit a raw transaction (serialized, hex-encoded) to local node and network.

    With -privatebroadcast it goes to a few strangers on Tor or I2P alone, over a connection each
    that says nothing of who we are, and is in our own mempool only when it comes back.

    Args:
        hexstring: The hex string of the raw transaction
        maxfeerate: Reject transactions whose fee rate is higher than the specified value, expressed
            in BTC/kvB. Set to 0 to accept any fee rate.
        maxburnamount: Reject transactions with provably unspendable outputs (e.g. 'datacarrier'
            outputs) greater than the specified value, expressed in BTC.

    Returns:
        "hex"    (string) The transaction hash in hex
    """
    transaction = await daemon.off_loop(_decode_handed_in, hexstring, maxburnamount)
    feerate = _max_feerate(maxfeerate)
    await daemon.caught_up()
    node, txid = daemon.node, transaction.txid
    made = await daemon.off_loop(_made, transaction)
    coins = await _read_coins(daemon, transaction, made)
    if any(coins[point] is not None for point in made):
        raise RpcError(Code.ALREADY_KNOWN, "Transaction outputs already in utxo set")
    if node.settings.private_broadcast:
        refused = await send_privately(daemon, transaction, feerate)
        if refused is not None:
            raise _refused(refused)
        return to_hex(txid)
    if txid in node.pool:
        return to_hex(txid)
    if feerate:
        # What is refused here goes no further: its fee is not known, so it could be any.
        prepared = node.pool.prepare(transaction, coins, node.tip_context(), daemon.clock.now())
        if isinstance(prepared, Refused):
            raise _refused(prepared)
        if prepared.fee_sat > fee_at(feerate, transaction.vsize):
            raise await _too_dear(daemon, transaction)
    outcome = await daemon.command(SendTransaction(transaction))
    if isinstance(outcome, Admitted):
        return to_hex(txid)
    assert isinstance(outcome, Refused)
    raise _refused(outcome)


async def _too_dear(daemon: Daemon, transaction: Transaction) -> RpcError:
    """Why a transaction is refused that pays too much, which is said last of all."""
    tested: PackageResult = await daemon.command(SubmitPackage((transaction,), test_only=True))
    refused = tested.members[transaction.wtxid].refused
    return RpcError(Code.VERIFY, MAX_FEE_EXCEEDED) if refused is None else _refused(refused)


def _decode_handed_in(text: str, most_burnt: Amount) -> Transaction:
    """A transaction with outputs that may be what they are; one beyond all bounds goes no further.

    Raises:
        RpcError: it is none, or none that could be in a block.
    """
    transaction = decode_hex_transaction(text)
    _check_burnt([transaction], most_burnt)
    if len(transaction.stripped) * WITNESS_SCALE_FACTOR > MAX_BLOCK_WEIGHT:
        raise RpcError(Code.VERIFY_REJECTED, "bad-txns-oversize")
    return transaction


def _made(transaction: Transaction) -> list[OutPoint]:
    return [outpoint(transaction.txid, index) for index in range(len(transaction.outputs))]


async def _read_coins(
    daemon: Daemon, transaction: Transaction, made: list[OutPoint]
) -> dict[OutPoint, Coin | None]:
    """The coins of the tip that a transaction spends, and those it would make."""
    pool = daemon.node.pool
    while True:
        _, coins = await daemon.read_coins([*made, *coins_to_find(pool, (transaction,))])
        # A parent that was in the pool may have been mined meanwhile: then more are needed.
        if all(point in coins for point in coins_to_find(pool, (transaction,))):
            return coins


def _refused(outcome: Refused) -> RpcError:
    missing = outcome.kind is Refusal.MISSING_INPUTS
    return RpcError(Code.VERIFY if missing else Code.VERIFY_REJECTED, str(outcome))


def _decode_several(texts: list[str]) -> tuple[Transaction, ...]:
    if not 1 <= len(texts) <= MAX_PACKAGE_COUNT:
        raise RpcError(
            Code.PARAMETER, f"Array must contain between 1 and {MAX_PACKAGE_COUNT} transactions."
        )
    return tuple(
        [
            decode_hex_transaction(
                expect_text(text),
                f"TX decode failed: {text} Make sure the tx has at least one input.",
            )
            for text in texts
        ]
    )


@method("rawtransactions", name="testmempoolaccept")
async def try_mempool_accept(
    daemon: Daemon, rawtxs: list[str], maxfeerate: Amount = DEFAULT_MAX_FEERATE
) -> Json:
    """Returns result of mempool acceptance tests indicating if raw transaction(s) (serialized,
    hex-encoded) would be accepted by mempool.

    Args:
        rawtxs: An array of hex strings of raw transactions, parents first.
        maxfeerate: Reject transactions whose fee rate is higher than the specified value, expressed
            in BTC/kvB

    Returns:
        [                                  (json array) one for each raw transaction
          {                                (json object)
            "txid" : "hex",                (string) The transaction hash in hex
            "wtxid" : "hex",               (string) The transaction witness hash in hex
            "package-error" : "str",       (string, optional) Package validation error, if any
            "allowed" : true|false,        (boolean, optional) Whether it would be accepted
            "vsize" : n,                   (numeric, optional) Virtual transaction size
            "fees" : {                     (json object, optional) Transaction fees
              "base" : n,                  (numeric) transaction fee in BTC
              "effective-feerate" : n,     (numeric) the effective feerate in BTC per KvB
              "effective-includes" : [ "hex", ... ]
            },
            "reject-reason" : "str",       (string, optional) Rejection reason
            "reject-details" : "str"       (string, optional) Rejection details
          },
          ...
        ]
    """
    transactions = await daemon.off_loop(_decode_several, rawtxs)
    feerate = _max_feerate(maxfeerate)
    await daemon.caught_up()
    result: PackageResult = await daemon.command(SubmitPackage(transactions, test_only=True))
    shown: list[Json] = []
    over = False
    for transaction in transactions:
        entry: dict[str, Json] = {
            "txid": to_hex(transaction.txid),
            "wtxid": to_hex(transaction.wtxid),
        }
        if result.about_package and result.error is not None:
            entry["package-error"] = str(result.error)
        member = result.members.get(transaction.wtxid)
        if member is not None and not over:
            verdict = _tested(member, feerate)
            over = verdict.get("reject-reason") == "max-fee-exceeded"
            entry.update(verdict)
        shown.append(entry)
    return shown


def _tested(member: Member, max_feerate_sat_kvb: int) -> dict[str, Json]:
    refused = member.refused
    if refused is not None:
        if refused.kind is Refusal.MISSING_INPUTS:
            return {"allowed": False, "reject-reason": "missing-inputs"}
        return {
            "allowed": False,
            "reject-reason": refused.reason,
            "reject-details": str(refused),
        }
    assert member.fee_sat is not None, "whoever may come in has a fee"
    assert member.vsize is not None, "and a size"
    if max_feerate_sat_kvb and member.fee_sat > fee_at(max_feerate_sat_kvb, member.vsize):
        return {"allowed": False, "reject-reason": "max-fee-exceeded"}
    return {"allowed": True, "vsize": member.vsize, "fees": _fees(member)}


def _fees(member: Member) -> dict[str, Json]:
    fees: dict[str, Json] = {"base": Amount(member.fee_sat or 0)}
    if member.effective_feerate_sat_kvb is not None:
        fees["effective-feerate"] = Amount(member.effective_feerate_sat_kvb)
        fees["effective-includes"] = [to_hex(wtxid) for wtxid in member.effective_includes]
    return fees


@method("rawtransactions", shown={"package": '["rawtx",...]'})
async def submitpackage(
    daemon: Daemon,
    package: list[str],
    maxfeerate: Amount = DEFAULT_MAX_FEERATE,
    maxburnamount: Amount = NO_AMOUNT,
) -> Json:
    """Submit a package of raw transactions (serialized, hex-encoded) to local node.
    The package will be validated according to consensus and mempool policy rules. If any
    transaction passes, it will be accepted to mempool.

    Args:
        package: An array of raw transactions, a child with its unconfirmed parents, the child last.
        maxfeerate: Reject transactions whose fee rate is higher than the specified value, expressed
            in BTC/kvB. Set to 0 to accept any fee rate.
        maxburnamount: Reject transactions with provably unspendable outputs greater than the
            specified value, expressed in BTC.

    Returns:
        {                                   (json object)
          "package_msg" : "str",            (string) "success" if all are in the mempool, or why not
          "tx-results" : {                  (json object) by wtxid
            "wtxid" : {                     (json object)
              "txid" : "hex",               (string) The transaction hash in hex
              "other-wtxid" : "hex",        (string, optional) what is in the mempool instead
              "vsize" : n,                  (numeric, optional) Sigops-adjusted virtual size
              "fees" : { ... },             (json object, optional) as in testmempoolaccept
              "error" : "str"               (string, optional) Error string if it was refused
            },
            ...
          },
          "replaced-transactions" : [ "hex", ... ]
        }
    """
    transactions = await daemon.off_loop(_decode_several, package)
    await daemon.off_loop(_check_burnt, transactions, maxburnamount)
    feerate = _max_feerate(maxfeerate)
    if len(transactions) > 1 and not is_child_with_parents_tree(transactions):
        raise RpcError(
            Code.VERIFY,
            "package topology disallowed. not child-with-parents or parents depend on each other.",
        )
    await daemon.caught_up()
    command = SubmitPackage(transactions, max_feerate_sat_kvb=feerate or None)
    result: PackageResult = await daemon.command(command)
    members: dict[str, Json] = {}
    for transaction in transactions:
        member = result.members.get(transaction.wtxid)
        members[to_hex(transaction.wtxid)] = {
            "txid": to_hex(transaction.txid),
            **({"error": "package-not-validated"} if member is None else _submitted(member)),
        }
    replaced = [entry.txid for entry in result.replaced]
    return {
        "package_msg": "success" if result.error is None else str(result.error),
        "tx-results": members,
        "replaced-transactions": [to_hex(txid) for txid in sorted(replaced)],
    }


def _submitted(member: Member) -> dict[str, Json]:
    if member.other_wtxid is not None:
        return {"other-wtxid": to_hex(member.other_wtxid)}
    if member.refused is not None:
        return {"error": str(member.refused)}
    return {"vsize": member.vsize, "fees": _fees(member)}
