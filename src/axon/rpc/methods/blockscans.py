"""Which blocks concern some scripts, and what happened to these there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from axon.chain.coins import Coin
from axon.chain.filterindex import FilterIndex
from axon.chain.headertree import HeaderEntry
from axon.mempool.entry import Chunk
from axon.mempool.table import merge
from axon.node.jobs import ReadBlock, ReadSpent
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash, Txid, to_hex
from axon.primitives.network import Network
from axon.primitives.transaction import (
    OutPoint,
    Transaction,
    TxOut,
    outpoint_index,
    outpoint_txid,
)
from axon.rpc.amounts import Amount, Json, made_list
from axon.rpc.blockscan import BlockScan
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.methods.finding import find_block
from axon.rpc.methods.scanobjects import Needle, needles
from axon.rpc.parameters import parse_hash, type_name
from axon.rpc.shapes.transactions import script_json

SCAN_OBJECTS: Final = "[scanobjects,...]"
IN_PROGRESS: Final = 'Scan already in progress, use action "abort" or "status"'


@method("blockchain", shown={"scanobjects": SCAN_OBJECTS})
async def scanblocks(
    daemon: Daemon,
    action: str,
    scanobjects: list[Json] | None = None,
    start_height: int | None = None,
    stop_height: int | None = None,
    filtertype: str = "basic",
    *,
    filter_false_positives: bool = False,
) -> Json:
    """Return relevant blockhashes for given descriptors (requires blockfilterindex).

    This call may take several minutes.

    Args:
        action: "start" for starting a scan, "abort" for aborting the current one (returns true when
            abort was successful), "status" for a progress report (in %) of the current one
        scanobjects: Array of scan objects, each a descriptor or {"desc":"...","range":n or [n,n]}.
            Required for "start" action
        start_height: Height to start to scan from (default: 0)
        stop_height: Height to stop to scan (default: chain tip)
        filtertype: The type name of the filter
        filter_false_positives: Filter false positives (slower and may fail on pruned nodes).
            Otherwise they may occur at a rate of 1/M

    Returns:
        {                                     (json object, when action=='start')
          "from_height" : n,                  (numeric) The height we started the scan from
          "to_height" : n,                    (numeric) The height we ended the scan at
          "relevant_blocks" : [ "hex", ... ], (json array) Blocks that may have matched a scanobject
          "completed" : true|false            (boolean) true if the scan was not aborted
        }
        {                                     (json object, when action=='status' and one is under
                                              way; else null)
          "progress" : n,                     (numeric) Approximate percent complete
          "current_height" : n                (numeric) Height of the block being scanned
        }
    """
    scan = daemon.block_scan
    if action == "status":
        if scan is None:
            return None
        return {"progress": scan.progress, "current_height": scan.height}
    if action == "abort":
        if scan is not None:
            scan.aborted = True
        return scan is not None
    if action != "start":
        raise RpcError(Code.PARAMETER, f"Invalid action '{action}'")
    if scan is not None:
        raise RpcError(Code.PARAMETER, IN_PROGRESS)
    if filtertype != "basic":
        raise RpcError(Code.NOT_FOUND, "Unknown filtertype")
    index = daemon.node.filters
    if index is None:
        raise RpcError(Code.MISC, "Index is not enabled for filtertype basic")
    first, last = _bounds(daemon, start_height, stop_height)
    if scanobjects is None:
        raise RpcError(Code.TYPE, "JSON value of type null is not of expected type array")
    daemon.block_scan = scan = BlockScan(first.height, last.height)
    try:
        scripts = await daemon.off_loop(_scripts, daemon, scanobjects)
        await daemon.caught_up()
        completed = await daemon.off_loop(
            _run, daemon, scan, last, scripts, index, checked=filter_false_positives
        )
    finally:
        daemon.block_scan = None
    return {
        "from_height": scan.first,
        "to_height": scan.height,
        "relevant_blocks": made_list(lambda entry: to_hex(entry.hash), scan.found),
        "completed": completed,
    }


def _bounds(daemon: Daemon, start: int | None, stop: int | None) -> tuple[HeaderEntry, HeaderEntry]:
    """The first and the last block of a scan.

    Raises:
        RpcError: -1, there is none at such a height.
    """
    active = daemon.node.active
    first = active.at(0 if start is None else start)
    if first is None:
        raise RpcError(Code.MISC, "Invalid start_height")
    last = active.tip if stop is None else active.at(stop)
    if last is None or last.height < first.height:
        raise RpcError(Code.MISC, "Invalid stop_height")
    return first, last


def _scripts(daemon: Daemon, scanobjects: list[Json]) -> dict[bytes, Needle]:
    wanted: dict[bytes, Needle] = {}
    for each in scanobjects:
        wanted.update(needles(each, daemon.node.network, daemon.go_on))
    return wanted


def _run(
    daemon: Daemon,
    scan: BlockScan,
    stop: HeaderEntry,
    scripts: Collection[bytes],
    index: FilterIndex,
    *,
    checked: bool,
) -> bool:
    def read(entries: Sequence[HeaderEntry]) -> list[bytes | None]:
        daemon.go_on()
        return index.filters([entry.hash for entry in entries])

    def is_real(entry: HeaderEntry) -> bool:
        return not checked or next(_events(daemon, entry, scripts), None) is not None

    return scan.run(stop, scripts, read, is_real)


@dataclass(frozen=True, slots=True)
class _Event:
    """A script was paid, or what it was paid was spent.

    Args:
        block: where; None in the pool.
        transaction: in which.
        place: of the input or output.
        output: what was paid.
        prevout: what was spent; None if it was paid.
    """

    block: HeaderEntry | None
    transaction: Transaction
    place: int
    output: TxOut
    prevout: OutPoint | None

    def to_json(self, network: Network) -> dict[str, Json]:
        """What `getdescriptoractivity` shows."""
        shown: dict[str, Json] = {
            "type": "receive" if self.prevout is None else "spend",
            "amount": Amount(self.output.amount_sat),
        }
        if self.block is not None:
            shown |= {"blockhash": to_hex(self.block.hash), "height": self.block.height}
        txid, script = (
            to_hex(self.transaction.txid),
            script_json(self.output.script_pubkey, network),
        )
        if self.prevout is None:
            return shown | {"txid": txid, "vout": self.place, "output_spk": script}
        return shown | {
            "spend_txid": txid,
            "spend_vin": self.place,
            "prevout_txid": to_hex(outpoint_txid(self.prevout)),
            "prevout_vout": outpoint_index(self.prevout),
            "prevout_spk": script,
        }


def _events(daemon: Daemon, entry: HeaderEntry, scripts: Collection[bytes]) -> Iterator[_Event]:
    """What happened to scripts in one block, in its order; reads the disk.

    Raises:
        RpcError: -1, the block is not held, or what it spent.
    """
    daemon.go_on()
    raw = daemon.perform(ReadBlock(entry.hash))
    spent = daemon.perform(ReadSpent(entry.hash))
    if not isinstance(raw, bytes):
        raise RpcError(Code.MISC, "Block not available (pruned data)")
    if not isinstance(spent, list):
        raise RpcError(Code.MISC, "Undo data not available (pruned data)")
    for transaction, coins in zip(Block.decode(raw).transactions, spent, strict=True):
        outputs = [TxOut(coin.amount_sat, coin.script_pubkey) for coin in coins]
        yield from _of_transaction(entry, transaction, outputs, scripts)


def _all_events(daemon: Daemon, entry: HeaderEntry, scripts: Collection[bytes]) -> list[_Event]:
    return list(_events(daemon, entry, scripts))


def _of_transaction(
    block: HeaderEntry | None,
    transaction: Transaction,
    spent: Sequence[TxOut],
    scripts: Collection[bytes],
) -> Iterator[_Event]:
    for place, output in enumerate(spent):
        if output.script_pubkey in scripts:
            yield _Event(block, transaction, place, output, transaction.prevouts[place])
    for place, output in enumerate(transaction.outputs):
        if output.script_pubkey in scripts:
            yield _Event(block, transaction, place, output, None)


@method("blockchain", shown={"scanobjects": SCAN_OBJECTS, "blockhashes": '["blockhash",...]'})
async def getdescriptoractivity(
    daemon: Daemon,
    blockhashes: list[Json],
    scanobjects: list[Json],
    include_mempool: bool = True,
) -> Json:
    """Get spend and receive activity associated with a set of descriptors for a set of blocks.

    The blocks may be those that scanblocks found. This call may take several minutes.

    Args:
        blockhashes: The list of blockhashes to examine for activity, in any order. Must be along
            main chain or an error is thrown.
        scanobjects: Array of scan objects, each a descriptor or {"desc":"...","range":n or [n,n]}
        include_mempool: Whether to include unconfirmed activity

    Returns:
        {                                 (json object)
          "activity" : [                  (json array) events
            {                             (json object) something was spent
              "type" : "spend",           (string) always 'spend'
              "amount" : n,               (numeric) The amount in BTC of the spent output
              "blockhash" : "hex",        (string, optional) The block (omitted if unconfirmed)
              "height" : n,               (numeric, optional) Its height (omitted if unconfirmed)
              "spend_txid" : "hex",       (string) The txid of the spending transaction
              "spend_vin" : n,            (numeric) The input index of the spend
              "prevout_txid" : "hex",     (string) The txid of the prevout
              "prevout_vout" : n,         (numeric) The vout of the prevout
              "prevout_spk" : { ... }     (json object) its script
            },
            {                             (json object) something was paid
              "type" : "receive",         (string) always 'receive'
              "amount" : n,               (numeric) The amount in BTC of the new output
              "blockhash" : "hex",        (string, optional) The block (omitted if unconfirmed)
              "height" : n,               (numeric, optional) Its height (omitted if unconfirmed)
              "txid" : "hex",             (string) The txid of the receiving transaction
              "vout" : n,                 (numeric) The vout of the receiving output
              "output_spk" : { ... }      (json object) its script
            },
            ...
          ]
        }
    """
    entries: dict[int, HeaderEntry] = {}
    async for text in daemon.in_turns(blockhashes):
        if not isinstance(text, str):
            kind = type_name(text)
            message = f"JSON value of type {kind} is not of expected type string"
            raise RpcError(Code.TYPE, message)
        entry = find_block(daemon, BlockHash(parse_hash("blockhash", text)))
        if not daemon.node.active.contains(entry):
            raise RpcError(Code.PARAMETER, "Block is not in main chain")
        entries[entry.height] = entry
    scripts = await daemon.off_loop(_scripts, daemon, scanobjects)
    found: list[_Event] = []
    for _, entry in sorted(entries.items()):
        found += await daemon.off_loop(_all_events, daemon, entry, scripts)
    if include_mempool:
        found += await _pooled(daemon, scripts)
    network = daemon.node.network
    return {"activity": made_list(lambda event: event.to_json(network), found)}


async def _pooled(daemon: Daemon, scripts: Collection[bytes]) -> list[_Event]:
    """What happens to scripts in the pool, in the order of mining."""
    clusters = daemon.node.pool.cluster_chunks()
    pooled = await daemon.off_loop(_in_mining_order, clusters)
    points = [point for transaction in pooled.values() for point in transaction.prevouts]
    _, coins = await daemon.read_coins(points)
    return await daemon.off_loop(lambda: list(_pool_events(pooled, coins, scripts)))


def _in_mining_order(clusters: Sequence[tuple[Chunk, ...]]) -> dict[Txid, Transaction]:
    return {entry.txid: entry.transaction for _, chunk in merge(clusters) for entry in chunk}


def _pool_events(
    pooled: Mapping[Txid, Transaction],
    coins: Mapping[OutPoint, Coin | None],
    scripts: Collection[bytes],
) -> Iterator[_Event]:
    for transaction in pooled.values():
        spent: list[TxOut] = []
        for point in transaction.prevouts:
            coin, parent = coins[point], pooled.get(outpoint_txid(point))
            if coin is not None:
                spent.append(TxOut(coin.amount_sat, coin.script_pubkey))
            elif parent is not None:
                spent.append(parent.outputs[outpoint_index(point)])
            else:
                break  # It was confirmed, or replaced, meanwhile.
        else:
            yield from _of_transaction(None, transaction, spent, scripts)
