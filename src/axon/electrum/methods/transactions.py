"""Transactions: sent, found, and proved to be in a block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from axon.electrum.budget import (
    BLOCK_BYTES_A_UNIT,
    SENT_HEX_A_UNIT,
    SHOWN_BYTES_A_UNIT,
    TXIDS_A_UNIT,
)
from axon.electrum.client import Client
from axon.electrum.errors import ElectrumCode, ElectrumError
from axon.electrum.methods.arguments import flag, hex_text, transaction_id, whole_number
from axon.electrum.service import ElectrumService
from axon.errors import DecodeError
from axon.node.jobs import ReadBlock
from axon.primitives.hashes import BlockHash, Txid, from_hex, to_hex
from axon.primitives.merkle import merkle_branch
from axon.primitives.transaction import scan_transaction
from axon.rpc.amounts import Json, whole
from axon.rpc.errors import RpcError

_NOT_FOUND: Final = "No such mempool or blockchain transaction."


async def broadcast(service: ElectrumService, client: Client, raw_tx: object) -> object:
    """Put a transaction into the pool and announce it; its txid."""
    text = hex_text(raw_tx)
    client.caused(len(text), SENT_HEX_A_UNIT)
    try:
        txid = await service.registry.execute(service.daemon, "sendrawtransaction", [text])
    except RpcError as error:
        raise ElectrumError(
            f"the transaction was rejected by network rules.\n\n{error.message}\n[{text}]"
        ) from error
    await service.pool.settled([Txid(from_hex(txid))])
    return txid


async def broadcast_package(
    service: ElectrumService, client: Client, raw_txs: object, verbose: object = False
) -> object:
    """Put transactions into the pool together, a child last; whether all of them are there."""
    in_full = flag(verbose, "verbose")
    if not isinstance(raw_txs, list):
        raise ElectrumError("raw_txs should be a list")
    texts = [hex_text(each) for each in raw_txs]
    client.caused(sum(map(len, texts)), SENT_HEX_A_UNIT)
    try:
        answer = whole(await service.registry.execute(service.daemon, "submitpackage", [texts]))
    except RpcError as error:
        raise ElectrumError(
            f"the tx package was rejected by network rules.\n\n{error.message}."
        ) from error
    results = answer["tx-results"].values()
    await service.pool.settled([Txid(from_hex(result["txid"])) for result in results])
    if in_full:
        return answer
    shown: dict[str, object] = {"success": answer["package_msg"] == "success"}
    errors = [
        {"txid": result["txid"], "error": result["error"]}
        for result in results
        if result.get("error")
    ]
    return {**shown, "errors": errors} if errors else shown


async def get(
    service: ElectrumService, client: Client, tx_hash: object, verbose: object = False
) -> object:
    """A transaction in hex, or as `getrawtransaction` shows it."""
    txid, in_full = transaction_id(tx_hash), flag(verbose, "verbose")
    entry = service.daemon.node.pool.get(txid)
    if entry is not None and not in_full:
        return entry.transaction.raw.hex()
    if entry is not None:
        return await _shown(service, [to_hex(txid), 1])
    found = await service.at_tip(lambda index: index.place_of(txid))
    if found is None:
        raise ElectrumError(_NOT_FOUND, ElectrumCode.DAEMON_ERROR)
    place, offset = found
    block = service.tip.ancestor(place.height)
    assert block is not None, "the index stands at the tip"
    if in_full:
        raw = await service.off_loop(service.daemon.perform, ReadBlock(block.hash))
        client.caused(len(raw) if isinstance(raw, bytes) else 0, SHOWN_BYTES_A_UNIT)
        shown = await _shown(service, [to_hex(txid), 1, to_hex(block.hash)])
        shown.pop("in_active_chain", None)  # It is told only of a block that the caller names.
        return shown
    read = partial(_read, service.daemon.perform, block.hash, offset, txid)
    found_raw, size_bytes = await service.off_loop(read)
    client.caused(size_bytes, BLOCK_BYTES_A_UNIT)
    if found_raw is None:
        raise ElectrumError(_NOT_FOUND, ElectrumCode.DAEMON_ERROR)
    return found_raw.hex()


def _read(
    perform: Callable[[object], object], block_hash: BlockHash, offset: int, txid: Txid
) -> tuple[bytes | None, int]:
    """A transaction out of its block, None if it is not there; and how long the block is."""
    raw = perform(ReadBlock(block_hash))
    if not isinstance(raw, bytes):
        return None, 0
    try:
        transaction = scan_transaction(raw, offset)[0]
    except DecodeError:
        return None, len(raw)
    return transaction.raw if transaction.txid == txid else None, len(raw)


async def _shown(service: ElectrumService, params: list[object]) -> Json:
    try:
        return await service.registry.execute(service.daemon, "getrawtransaction", params)
    except RpcError as error:
        raise ElectrumError(error.message, ElectrumCode.DAEMON_ERROR) from error


async def get_merkle(
    service: ElectrumService, client: Client, tx_hash: object, height: object
) -> object:
    """Where in its block a transaction is, and the branch that proves it."""
    txid, at = transaction_id(tx_hash), whole_number(height)
    txids = await _txids(service, client, at)
    try:
        position = txids.index(txid)
    except ValueError:
        raise ElectrumError(f"tx {to_hex(txid)} not in block at height {at:,d}") from None
    branch = await _branch(service, txids, position)
    return {"block_height": at, "merkle": branch, "pos": position}


async def id_from_pos(
    service: ElectrumService, client: Client, height: object, tx_pos: object, merkle: object = False
) -> object:
    """The txid at a place; with its branch if that is wanted."""
    at, position, proved = whole_number(height), whole_number(tx_pos), flag(merkle, "merkle")
    txids = await _txids(service, client, at)
    if position >= len(txids):
        raise ElectrumError(f"no tx at position {position:,d} in block at height {at:,d}")
    txid = to_hex(txids[position])
    if not proved:
        return txid
    return {"tx_hash": txid, "merkle": await _branch(service, txids, position)}


async def _txids(service: ElectrumService, client: Client, height: int) -> Sequence[Txid]:
    await service.calm()
    if height > service.tip.height:
        raise ElectrumError(f"height {height:,d} out of range")
    txids = await service.at_tip(lambda index: index.txids_at(height))
    client.caused(len(txids), TXIDS_A_UNIT)
    return txids


async def _branch(service: ElectrumService, txids: Sequence[Txid], position: int) -> list[str]:
    branch = await service.off_loop(merkle_branch, txids, position)
    return [to_hex(each) for each in branch]
