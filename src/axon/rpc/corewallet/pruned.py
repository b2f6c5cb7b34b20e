"""Transactions of blocks that are not here: brought along with a proof, and forgotten again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from axon.errors import DecodeError
from axon.primitives.encoding import Reader
from axon.primitives.hashes import BlockHash, Txid, to_hex
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.merkle import PartialMerkleTree
from axon.primitives.transaction import Transaction
from axon.rpc.amounts import Json
from axon.rpc.corewallet.reach import seen_by
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Call, method
from axon.rpc.errors import Code, RpcError
from axon.rpc.parameters import parse_hash, parse_hex, unhex
from axon.rpc.shapes.transactions import DECODE_FAILED, decode_transaction

if TYPE_CHECKING:
    from axon.wallet.descriptordesk import DescriptorDesk


@method("wallet")
async def importprunedfunds(
    daemon: Daemon, call: Call, rawtransaction: str, txoutproof: str
) -> Json:
    """Imports funds without rescan. Whoever calls has to import transactions that spend these
    outputs as well, or to look through the blocks from there on.

    Args:
        rawtransaction: A raw transaction in hex that pays an address of the wallet
        txoutproof: What gettxoutproof says of it, in hex

    Returns:
        null    (json null)
    """
    wallet = await seen_by(daemon, call)
    transaction = await daemon.off_loop(_read_transaction, rawtransaction)
    proof = await daemon.off_loop(_read_proof, txoutproof)
    entry = daemon.node.headers.get(proof.header.hash)
    if entry is None or not daemon.node.active.contains(entry):
        raise RpcError(Code.NOT_FOUND, "Block not found in chain")
    position = proof.places.get(transaction.txid)
    if position is None:
        raise RpcError(Code.NOT_FOUND, "Transaction given doesn't exist in proof")
    command = _Import(transaction, entry.height, entry.hash, entry.time, position, daemon.now_s)
    if not await wallet.ask(command):
        raise RpcError(Code.NOT_FOUND, "No addresses in wallet correspond to included transaction")
    return None


@method("wallet")
async def removeprunedfunds(daemon: Daemon, call: Call, txid: str) -> Json:
    """Deletes a transaction from the wallet, which changes its balance.

    Args:
        txid: Of the transaction to delete

    Returns:
        null    (json null)
    """
    wallet = await seen_by(daemon, call)
    name = Txid(parse_hash("txid", txid))
    if not await wallet.ask(_Remove(name)):
        message = f"Transaction {to_hex(name)} does not belong to this wallet"
        raise RpcError(Code.WALLET, message)
    return None


@dataclass(frozen=True, slots=True)
class _Proof:
    """A header, and where in its block the transactions are that are proved."""

    header: Header
    places: dict[Txid, int]


def _read_transaction(text: str) -> Transaction:
    raw = unhex(text)
    try:
        if raw:
            return decode_transaction(raw)
    except DecodeError:
        pass
    raise RpcError(Code.DESERIALIZATION, DECODE_FAILED)


def _read_proof(text: str) -> _Proof:
    data = parse_hex(text, "proof")
    try:
        header = Header.decode(data[:HEADER_SIZE])
        tree = PartialMerkleTree.decode(Reader(data, HEADER_SIZE))
    except DecodeError as error:
        message = "SpanReader::read(): end of data: iostream error"
        raise RpcError(Code.MISC, message) from error
    try:
        root, matches = tree.extract()
    except DecodeError:
        root, matches = bytes(32), []
    if root != header.merkle_root:
        raise RpcError(Code.NOT_FOUND, "Something wrong with merkleblock")
    return _Proof(header, {Txid(txid): place for place, txid in matches})


@dataclass(frozen=True, slots=True)
class _Import:
    transaction: Transaction
    height: int
    block_hash: BlockHash
    time_s: int
    position: int
    now_s: int

    def run(self, desk: DescriptorDesk) -> bool:
        return desk.wallet.take_proved(
            self.transaction,
            self.now_s,
            height=self.height,
            block_hash=self.block_hash,
            time_s=self.time_s,
            position=self.position,
        )


@dataclass(frozen=True, slots=True)
class _Remove:
    txid: Txid

    def run(self, desk: DescriptorDesk) -> bool:
        return desk.wallet.forget(self.txid)
