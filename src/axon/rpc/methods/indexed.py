"""Transactions and who spends them, also in blocks where there is an index; and how far that is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, cast

from axon.chain.txindex import TxIndex
from axon.chain.txospenderindex import TxoSpenderIndex
from axon.consensus.indexing import ConfirmedTransaction
from axon.node.jobs import FindSpenders, FindTransaction, ReadSpentAt
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash, Txid, to_hex
from axon.primitives.network import Network
from axon.primitives.transaction import OutPoint, Transaction, outpoint
from axon.rpc.amounts import Json, made_list
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.indexes import find_confirmed, is_ready
from axon.rpc.methods.finding import decode_block
from axon.rpc.parameters import Int32, parse_hash, type_name
from axon.rpc.shapes.transactions import transaction_json

FILTER_INDEX: Final = "basic block filter index"

SOUGHT_AT_ONCE: Final = 1_000
"""Outputs whose spenders are looked for in one go: some tens of milliseconds in a thread."""

_OUTPUT_TYPES: Final = {"txid": "string", "vout": "number"}


_PLACES: Final = {"txid": "parameter 1", "blockhash": "parameter 3"}


@method("rawtransactions", aliases={"verbosity": "verbose"}, labels=_PLACES)
async def getrawtransaction(
    daemon: Daemon,
    txid: Txid,
    verbosity: bool | Int32 = 0,
    blockhash: BlockHash | None = None,
) -> Json:
    """By default, this call only returns a transaction if it is in the mempool. If -txindex is
    enabled and no blockhash argument is passed, it will return the transaction if it is in the
    mempool or any block. If a blockhash argument is passed, it will return the transaction if the
    specified block is available and the transaction is in that block.

    Args:
        txid: The transaction id
        verbosity: 0 for hex-encoded data, 1 for a JSON object, and 2 for JSON object with fee and
            prevout
        blockhash: The block in which to look for the transaction

    Returns:
        {                              (json object)
          "in_active_chain" : bool,    (boolean, optional) Whether specified block is in the chain
          ...,                         The fields of decoderawtransaction
          "fee" : n,                   (numeric, optional) transaction fee in BTC (verbosity 2)
          "hex" : "hex",               (string) The serialized, hex-encoded data for 'txid'
          "blockhash" : "hex",         (string, optional) the block hash
          "confirmations" : n,         (numeric, optional) The confirmations
          "time" : xxx,                (numeric, optional) Same as "blocktime"
          "blocktime" : xxx            (numeric, optional) The block time, in seconds since 1970
        }
    """
    node, level = daemon.node, int(verbosity)
    if txid == node.network.genesis.header.merkle_root:
        raise RpcError(
            Code.NOT_FOUND,
            "The genesis block coinbase is not considered an ordinary transaction and cannot be"
            " retrieved",
        )
    if blockhash is not None:
        found = await _in_block(daemon, txid, blockhash)
        entry = node.headers.get(blockhash)
        assert entry is not None, "it was found there"
        named = await daemon.off_loop(_shown, found, level, node.network, daemon.perform)
        if isinstance(named, str):
            return named
        before = {"in_active_chain": node.active.contains(entry)}
        return _placed(daemon, {**before, **named}, blockhash)
    waiting = node.pool.get(txid)
    if waiting is not None:
        if level <= 0:
            return waiting.transaction.raw.hex()
        return await daemon.off_loop(transaction_json, waiting.transaction, node.network)
    ready = await is_ready(daemon, TxIndex.name)
    if TxIndex.name not in node.indexes:
        raise RpcError(Code.NOT_FOUND, _why_not(daemon, ready=ready))
    sought = await daemon.off_loop(_sought, daemon.perform, txid, level, node.network)
    if sought is None:
        raise RpcError(Code.NOT_FOUND, _why_not(daemon, ready=ready))
    block_hash, shown = sought
    return shown if isinstance(shown, str) else _placed(daemon, shown, block_hash)


def _sought(
    perform: Callable[[object], object], txid: Txid, level: int, network: Network
) -> tuple[BlockHash, str | dict[str, Json]] | None:
    """The block of a confirmed transaction, and what is shown of it; None if none is known."""
    found = perform(FindTransaction(txid))
    if found is None:
        return None
    assert isinstance(found, ConfirmedTransaction)
    return found.block_hash, _shown(found, level, network, perform)


def _why_not(daemon: Daemon, *, ready: bool) -> str:
    if TxIndex.name not in daemon.node.indexes:
        what = (
            "No such mempool transaction. Use -txindex or provide a block hash to enable blockchain"
            " transaction queries"
        )
    elif ready:
        what = "No such mempool or blockchain transaction"
    else:
        what = (
            "No such mempool transaction. Blockchain transactions are still in the process of being"
            " indexed"
        )
    return f"{what}. Use gettransaction for wallet transactions."


async def _in_block(daemon: Daemon, txid: Txid, block_hash: BlockHash) -> ConfirmedTransaction:
    """A transaction of a block that the caller names.

    Raises:
        RpcError: -5 or -1, it is not there.
    """
    node = daemon.node
    entry = node.headers.get(block_hash)
    if entry is None:
        raise RpcError(Code.NOT_FOUND, "Block hash not found")
    indexed = await find_confirmed(daemon, txid)
    if indexed is not None and indexed.block_hash == block_hash:
        return indexed
    if not node.chain.is_stored(block_hash):
        raise RpcError(Code.MISC, "Block not available")
    block = await decode_block(daemon, entry)
    found = await daemon.off_loop(_searched, block, txid)
    if found is None:
        raise RpcError(
            Code.NOT_FOUND,
            "No such transaction found in the provided block."
            " Use gettransaction for wallet transactions.",
        )
    return found


def _searched(block: Block, txid: Txid) -> ConfirmedTransaction | None:
    for place, transaction in enumerate(block.transactions):
        if transaction.txid == txid:
            return ConfirmedTransaction(block.hash, place, transaction)
    return None


def _shown(
    found: ConfirmedTransaction,
    level: int,
    network: Network,
    perform: Callable[[object], object],
) -> str | dict[str, Json]:
    """A transaction of a block in hex, or its fields."""
    if level <= 0:
        return found.transaction.raw.hex()
    spent = perform(ReadSpentAt(found.block_hash, found.place)) if level >= 2 else None
    if spent is None:
        return transaction_json(found.transaction, network)
    assert isinstance(spent, list)
    spent_sat = sum(coin.amount_sat for coin in spent)
    return transaction_json(found.transaction, network, spent_sat=spent_sat, prevouts=spent)


def _placed(daemon: Daemon, shown: dict[str, Json], block_hash: BlockHash) -> dict[str, Json]:
    """The fields of a transaction with those of its block."""
    active, entry = daemon.node.active, daemon.node.headers.get(block_hash)
    placed = {**shown, "blockhash": to_hex(block_hash)}
    if entry is None or not active.contains(entry):
        return {**placed, "confirmations": 0}
    return {
        **placed,
        "confirmations": active.height - entry.height + 1,
        "time": entry.time,
        "blocktime": entry.time,
    }


@method(
    "blockchain",
    shown={
        "outputs": '[{"txid":"hex","vout":n},...]',
        "options": '{"mempool_only":bool,"return_spending_tx":bool,...}',
    },
    strict=True,
)
async def gettxspendingprevout(
    daemon: Daemon,
    outputs: list[Json],
    *,
    mempool_only: bool | None = None,
    return_spending_tx: bool = False,
) -> Json:
    """Scans the mempool (and the txospenderindex, if available) to find transactions spending any
    of the given outputs.

    Args:
        outputs: The transaction outputs that we want to check: objects with txid and vout
        mempool_only: If false and mempool lacks a relevant spend, use txospenderindex (default:
            true if there is none, otherwise false)
        return_spending_tx: If true, return the full spending tx

    Returns:
        [                             (json array)
          {                           (json object)
            "txid" : "hex",           (string) the transaction id of the checked output
            "vout" : n,               (numeric) the vout value of the checked output
            "spendingtxid" : "hex",   (string, optional) the transaction that spends it, if any
            "spendingtx" : "hex",     (string, optional) all of it
            "blockhash" : "hex"       (string, optional) the block in which it is, if it is in one
          },
          ...
        ]
    """
    if not outputs:
        raise RpcError(Code.PARAMETER, "Invalid parameter, outputs are missing")
    if mempool_only is None:
        mempool_only = TxoSpenderIndex.name not in daemon.node.indexes
    points = await daemon.off_loop(lambda: [_read_output(output) for output in outputs])
    found: list[_Spend] = []
    left: list[tuple[Json, OutPoint]] = []
    async for output, point in daemon.in_turns(zip(outputs, points, strict=True)):
        spender = daemon.node.pool.spender(point)
        if spender is not None:
            found.append(_Spend(output, spender.transaction))
        elif mempool_only:
            found.append(_Spend(output))
        else:
            left.append((output, point))
    if left:
        if not await is_ready(daemon, TxoSpenderIndex.name):
            raise RpcError(
                Code.MISC, "Mempool lacks a relevant spend, and txospenderindex is unavailable."
            )
        for begin in range(0, len(left), SOUGHT_AT_ONCE):
            daemon.go_on()
            found += await _confirmed_spends(daemon, left[begin : begin + SOUGHT_AT_ONCE])

    def shown(spend: _Spend) -> dict[str, Json]:
        return spend.shown(whole=return_spending_tx)

    return made_list(shown, found)


async def _confirmed_spends(daemon: Daemon, left: list[tuple[Json, OutPoint]]) -> list[_Spend]:
    """What blocks spend of some outputs, as the index tells."""
    spenders = await daemon.run(FindSpenders(tuple([point for _, point in left])))
    return [
        _Spend(output)
        if confirmed is None
        else _Spend(output, confirmed.transaction, confirmed.block_hash)
        for (output, _), confirmed in zip(left, spenders, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Spend:
    """What is found about one output.

    Args:
        output: as the caller named it.
        spender: None if nobody spends it.
        block_hash: of the spender's block; None if it is in none.
    """

    output: dict[str, Json]
    spender: Transaction | None = None
    block_hash: BlockHash | None = None

    def shown(self, *, whole: bool) -> dict[str, Json]:
        fields = dict(self.output)
        if self.spender is not None:
            fields["spendingtxid"] = to_hex(self.spender.txid)
            if whole:
                fields["spendingtx"] = self.spender.raw.hex()
        if self.block_hash is not None:
            fields["blockhash"] = to_hex(self.block_hash)
        return fields


def _read_output(output: object) -> OutPoint:
    """One `{"txid": ..., "vout": ...}`.

    Raises:
        RpcError: -3 or -8, it is none.
    """
    if not isinstance(output, dict):
        given = type_name(output)
        message = f"JSON value of type {given} is not of expected type object"
        raise RpcError(Code.TYPE, message)
    for name, expected in _OUTPUT_TYPES.items():
        value = output.get(name)
        if value is None:
            raise RpcError(Code.TYPE, f"Missing {name}")
        if type_name(value) != expected:
            raise RpcError(
                Code.TYPE,
                f"JSON value of type {type_name(value)} for field {name} "
                f"is not of expected type {expected}",
            )
    for name in output:
        if name not in _OUTPUT_TYPES:
            raise RpcError(Code.TYPE, f"Unexpected key {name}")
    txid, index = Txid(parse_hash("txid", cast("str", output["txid"]))), output["vout"]
    if not isinstance(index, int) or not -(1 << 31) <= index < 1 << 31:
        raise RpcError(Code.MISC, "JSON integer out of range")
    if index < 0:
        raise RpcError(Code.PARAMETER, "Invalid parameter, vout cannot be negative")
    return outpoint(txid, index)


@method("util")
def getindexinfo(daemon: Daemon, index_name: str = "") -> Json:
    """Returns the status of one or all available indices currently running in the node.

    Args:
        index_name: Filter results for an index with a specific name.

    Returns:
        {                               (json object)
          "name" : {                    (json object) The name of the index
            "synced" : true|false,      (boolean) Whether the index is synced or not
            "best_block_height" : n     (numeric) The block height to which the index is synced
          }
        }
    """
    node = daemon.node
    flow = node.blocks.followers.indexes
    shown = {
        name: {"synced": flow.is_synced(name), "best_block_height": max(0, index.height)}
        for name, index in node.indexes.items()
    }
    if node.filters is not None:
        height = node.filters.height
        shown[FILTER_INDEX] = {
            "synced": height >= node.active.height,
            "best_block_height": height,
        }
    return {name: told for name, told in shown.items() if index_name in ("", name)}
