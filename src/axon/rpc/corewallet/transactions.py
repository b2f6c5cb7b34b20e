"""The transactions of a wallet, listed and looked up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash, Txid, to_hex
from axon.primitives.network import Network
from axon.primitives.transaction import Transaction
from axon.rpc.amounts import Amount, Json, whole
from axon.rpc.corewallet.access import LoadedWallet, label_from, last_block
from axon.rpc.corewallet.entries import (
    Listing,
    any_depth,
    description,
    entries_of,
    in_order,
)
from axon.rpc.corewallet.reach import seen_by, wallet_of
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Call, method
from axon.rpc.errors import Code, RpcError
from axon.rpc.parameters import Int32, parse_hash
from axon.rpc.shapes.transactions import transaction_json

if TYPE_CHECKING:
    from axon.wallet.descriptordesk import DescriptorDesk

NO_SUCH: str = "Invalid or non-wallet transaction id"


@method("wallet")
async def listtransactions(
    daemon: Daemon,
    call: Call,
    label: str | None = None,
    count: Int32 = 10,
    skip: Int32 = 0,
    include_watchonly: bool = False,
) -> Json:
    """Returns up to 'count' most recent transactions, ordered from oldest to newest, skipping the
    first 'skip' ones. A transaction can have several entries: one for each output.

    Args:
        label: If set, only incoming transactions to addresses with this label; "*" for all.
        count: The number of transactions to return
        skip: The number of transactions to skip
        include_watchonly: No longer used

    Returns:
        [                                  (json array)
          {                                (json object)
            "address" : "str",             (string, optional) The address of the output
            "parent_descs" : [ "str" ],    (json array, optional) Where the output's script is from
            "category" : "str",            (string) send, receive, generate, immature or orphan
            "amount" : n,                  (numeric) The amount in BTC; negative for send
            "label" : "str",               (string, optional) The label of the address
            "vout" : n,                    (numeric) the place of the output
            "fee" : n,                     (numeric, optional) The fee in BTC, negative; for send
            "abandoned" : true|false,      (boolean) whether it is not waited for any more
            ...                            what gettransaction says of the transaction
          },
          ...
        ]
    """
    del include_watchonly
    wallet = await seen_by(daemon, call)
    wanted = None if label in (None, "*") else label_from(label)
    if wanted == "":
        raise RpcError(Code.PARAMETER, 'Label argument must be a valid label name or "*".')
    if count < 0:
        raise RpcError(Code.PARAMETER, "Negative count")
    if skip < 0:
        raise RpcError(Code.PARAMETER, "Negative from")
    return await wallet.ask(_List(Listing(wanted), count, skip))


@dataclass(frozen=True, slots=True)
class _List:
    listing: Listing
    count: int
    skip: int

    def run(self, desk: DescriptorDesk) -> Json:
        newest_first: list[Json] = []
        for txid in reversed(in_order(desk)):
            if len(newest_first) >= self.count + self.skip:
                break
            newest_first += entries_of(desk, txid, self.listing)
        wanted = newest_first[self.skip : self.skip + self.count]
        return wanted[::-1]


@method("wallet")
async def listsinceblock(
    daemon: Daemon,
    call: Call,
    blockhash: str | None = None,
    target_confirmations: Int32 = 1,
    include_watchonly: bool = False,
    include_removed: bool = True,
    include_change: bool = False,
    label: str | None = None,
) -> Json:
    """Get all transactions in blocks since block [blockhash], or all transactions if omitted. If
    that block is no longer a part of the main chain, transactions from the fork point onward are
    included.

    Args:
        blockhash: If set, the block hash to list transactions since
        target_confirmations: Return the nth block hash from the main chain as lastblock
        include_watchonly: No longer used
        include_removed: Show transactions that were removed due to a reorg
        include_change: Also add entries for change outputs.
        label: Return only incoming transactions paying to addresses with the specified label.

    Returns:
        {                                 (json object)
          "transactions" : [ {...}, ... ],  (json array) as listtransactions has them
          "removed" : [ {...}, ... ],     (json array) of blocks that have left the main chain
          "lastblock" : "hex"             (string) The block target_confirmations-1 below the best
        }
    """
    del include_watchonly
    wallet = await seen_by(daemon, call)
    node = daemon.node
    height: int | None = None
    lost: tuple[BlockHash, ...] = ()
    if blockhash:
        entry = node.headers.get(_block_hash(blockhash))
        if entry is None:
            raise RpcError(Code.NOT_FOUND, "Block not found")
        fork = node.active.fork_of(entry)
        height = fork.height
        hashes = []
        while entry is not None and entry is not fork:
            hashes.append(entry.hash)
            entry = entry.parent
        lost = tuple(hashes)
    if target_confirmations < 1:
        raise RpcError(Code.PARAMETER, "Invalid parameter")
    listing = Listing(None if label is None else label_from(label), change=include_change)
    found = await wallet.ask(_ListSince(listing, height))
    removed: list[Json] = []
    if include_removed:
        for each in lost:
            removed += await _removed(daemon, wallet, each, listing)
    tip_height = node.active.height
    last = node.active.at(tip_height + 1 - min(target_confirmations, tip_height + 1))
    assert last is not None, "not above the tip"
    shown: dict[str, Json] = {"transactions": found}
    if include_removed:
        shown["removed"] = removed
    return {**shown, "lastblock": to_hex(last.hash)}


def _block_hash(text: str) -> BlockHash:
    return BlockHash(parse_hash("blockhash", text))


async def _removed(
    daemon: Daemon, wallet: LoadedWallet, block_hash: BlockHash, listing: Listing
) -> list[Json]:
    """What a lost block had of ours."""
    raw = await daemon.read_block(block_hash)
    if raw is None:
        raise RpcError(Code.INTERNAL_ERROR, "Can't read block from disk")
    block = await daemon.off_loop(Block.decode, raw)
    return await wallet.ask(
        _ListThese(any_depth(listing), tuple([item.txid for item in block.transactions]))
    )


@dataclass(frozen=True, slots=True)
class _ListThese:
    listing: Listing
    txids: tuple[Txid, ...]

    def run(self, desk: DescriptorDesk) -> list[Json]:
        known = [txid for txid in self.txids if txid in desk.wallet.ledger.notes]
        return [entry for txid in known for entry in entries_of(desk, txid, self.listing)]


@dataclass(frozen=True, slots=True)
class _ListSince:
    listing: Listing
    height: int | None

    def run(self, desk: DescriptorDesk) -> list[Json]:
        ledger, holdings = desk.wallet.ledger, desk.wallet.holdings
        depth = None if self.height is None else ledger.tip.height + 1 - self.height
        found: list[Json] = []
        for txid in in_order(desk):
            if depth is None or abs(holdings.depth(txid)) < depth:
                found += entries_of(desk, txid, self.listing)
        return found


@method("wallet")
async def gettransaction(
    daemon: Daemon,
    call: Call,
    txid: Txid,
    include_watchonly: bool = False,
    verbose: bool = False,
) -> Json:
    """Get detailed information about in-wallet transaction <txid>

    Args:
        txid: The transaction id
        include_watchonly: No longer used
        verbose: Whether to include a `decoded` field containing the decoded transaction

    Returns:
        {                                  (json object)
          "amount" : n,                    (numeric) The amount in BTC
          "fee" : n,                       (numeric, optional) The fee in BTC, negative
          "confirmations" : n,             (numeric) Negative if it conflicted so many blocks ago
          "generated" : true|false,        (boolean, optional) Only of a coinbase
          "trusted" : true|false,          (boolean, optional) Whether we consider it safe to spend
                                           from; only if it is in no block
          "blockhash" : "hex",             (string, optional) The block that holds it
          "blockheight" : n,               (numeric, optional) Its height
          "blockindex" : n,                (numeric, optional) The place in it
          "blocktime" : xxx,               (numeric, optional) Its time
          "txid" : "hex",                  (string) The transaction id
          "wtxid" : "hex",                 (string) The hash with witness data
          "walletconflicts" : [ "hex" ],   (json array) Those of the wallet that spend the same
          "replaced_by_txid" : "hex",      (string, optional) What it was replaced by
          "replaces_txid" : "hex",         (string, optional) What it replaces
          "mempoolconflicts" : [ "hex" ],  (json array) Transactions of the mempool that do
          "to" : "str",                    (string, optional) Whom it is for
          "time" : xxx,                    (numeric) The transaction time
          "timereceived" : xxx,            (numeric) When it was met
          "comment" : "str",               (string, optional) What it is for
          "bip125-replaceable" : "str",    (string) yes, no or unknown
          "details" : [ {...}, ... ],      (json array) An entry for each output that matters
          "hex" : "hex",                   (string) Raw data for transaction
          "decoded" : {...},               (json object, optional) As decoderawtransaction shows it
          "lastprocessedblock" : {...}     (json object) as in getwalletinfo
        }
    """
    del include_watchonly
    wallet = await seen_by(daemon, call)
    return await wallet.ask(_Get(txid, verbose, daemon.node.network))


@dataclass(frozen=True, slots=True)
class _Get:
    txid: Txid
    verbose: bool
    network: Network

    def run(self, desk: DescriptorDesk) -> Json:
        ledger = desk.wallet.ledger
        if self.txid not in ledger.notes:
            raise RpcError(Code.NOT_FOUND, NO_SUCH)
        item = ledger.transactions[self.txid]
        sent_sat, received_sat = ledger.sent_sat(item), ledger.received_sat(item)
        fee_sat = 0
        shown: dict[str, Json] = {}
        if sent_sat:
            fee_sat = sum(output.amount_sat for output in item.outputs) - sent_sat
        shown["amount"] = Amount(received_sat - sent_sat - fee_sat)
        if sent_sat:
            shown["fee"] = Amount(fee_sat)
        shown |= description(desk, self.txid)
        shown["details"] = entries_of(desk, self.txid, Listing(long=False))
        shown["hex"] = item.raw.hex()
        if self.verbose:
            shown["decoded"] = self._decoded(desk, item)
        shown["lastprocessedblock"] = last_block(desk)
        return shown

    def _decoded(self, desk: DescriptorDesk, item: Transaction) -> Json:
        shown = dict(transaction_json(item, self.network))
        shown.pop("hex", None)
        outputs = []
        for output, each in zip(item.outputs, whole(shown["vout"]), strict=True):
            is_change = desk.wallet.holdings.is_change(output.script_pubkey)
            outputs.append({**each, "ischange": True} if is_change else each)
        shown["vout"] = outputs
        return shown


@method("wallet")
async def abandontransaction(daemon: Daemon, call: Call, txid: Txid) -> Json:
    """Mark in-wallet transaction <txid> as abandoned. It and what builds on it is not waited for
    any more, and its inputs can be spent again. It only works on transactions which are not
    included in a block and are not currently in the mempool.

    Args:
        txid: The transaction id

    Returns:
        null    (json null)
    """
    wallet = await seen_by(daemon, call)
    await wallet.ask(_Abandon(txid))


@dataclass(frozen=True, slots=True)
class _Abandon:
    txid: Txid

    def run(self, desk: DescriptorDesk) -> None:
        if self.txid not in desk.wallet.ledger.notes:
            raise RpcError(Code.NOT_FOUND, NO_SUCH)
        if not desk.wallet.abandon(self.txid):
            raise RpcError(Code.NOT_FOUND, "Transaction not eligible for abandonment")


@method("wallet")
async def rescanblockchain(
    daemon: Daemon, call: Call, start_height: Int32 = 0, stop_height: Int32 | None = None
) -> Json:
    """Looks through blocks once more for what concerns the wallet; the call returns when that is
    done.

    Args:
        start_height: block height where the rescan should start
        stop_height: the last block height that should be scanned. If none is provided it will
            rescan up to the tip

    Returns:
        {                       (json object)
          "start_height" : n,   (numeric) The block height where the rescan started
          "stop_height" : n     (numeric) The height of the last rescanned block
        }
    """
    wallet = await seen_by(daemon, call)
    tip_height = daemon.node.active.height
    if wallet.scanning is not None:
        message = "Wallet is currently rescanning. Abort existing rescan or wait."
        raise RpcError(Code.WALLET, message)
    if not 0 <= start_height <= tip_height:
        raise RpcError(Code.PARAMETER, "Invalid start_height")
    if stop_height is not None:
        if not 0 <= stop_height <= tip_height:
            raise RpcError(Code.PARAMETER, "Invalid stop_height")
        if stop_height < start_height:
            raise RpcError(Code.PARAMETER, "stop_height must be greater than start_height")
    first, last = await wallet.rescan(start_height, stop_height)
    return {"start_height": first, "stop_height": last}


@method("wallet")
def abortrescan(daemon: Daemon, call: Call) -> Json:
    """Stops current wallet rescan triggered by an RPC call, e.g. by a rescanblockchain call.

    Returns:
        true|false    (boolean) Whether the abort was successful
    """
    return wallet_of(daemon, call).abort_rescan()
