"""Questions about unspent outputs, and proofs that transactions are in blocks."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from axon.chain.coins import Coin
from axon.chain.headertree import HeaderEntry
from axon.chain.txindex import TxIndex
from axon.errors import DecodeError
from axon.primitives.block import MAX_BLOCK_WEIGHT, Block
from axon.primitives.encoding import Reader
from axon.primitives.hashes import BlockHash, Txid, to_hex
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.merkle import PartialMerkleTree
from axon.primitives.network import Network
from axon.primitives.transaction import (
    WITNESS_SCALE_FACTOR,
    OutPoint,
    outpoint,
    outpoint_index,
    outpoint_txid,
)
from axon.rpc.amounts import Amount, Json, made_list
from axon.rpc.coinscan import CoinScan
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.indexes import find_confirmed, is_ready
from axon.rpc.methods.finding import decode_block, find_block
from axon.rpc.methods.scanobjects import Needle, needles
from axon.rpc.parameters import UInt32, expect_texts, parse_hash, parse_hex
from axon.rpc.shapes.transactions import script_json

MAX_TXIDS: Final = MAX_BLOCK_WEIGHT // (60 * WITNESS_SCALE_FACTOR)
"""Transactions in a block: the smallest has 60 bytes. So many can be proved at once."""

OUTPUTS_LOOKED_UP: Final = 2_000
"""Of a transaction whose block is not named: one of so many must be unspent to lead to it."""

LOOKED_UP_AT_ONCE: Final = 2_000
"""Coins that are read in one go: some milliseconds in a thread."""

LOOKED_UP: Final = 20_000
"""Of many transactions that are proved together, so many outputs are looked up in all."""

_NOT_ALL: Final = "Not all transactions found in specified or retrieved block"


@method("blockchain")
async def gettxout(daemon: Daemon, txid: Txid, n: UInt32, include_mempool: bool = True) -> Json:
    """Returns details about an unspent transaction output.

    Args:
        txid: The transaction id
        n: vout number
        include_mempool: Whether to include the mempool. Note that an unspent output that is spent
            in the mempool won't appear.

    Returns:
        {                             (json object)
          "bestblock" : "hex",        (string) The hash of the block at the tip of the chain
          "confirmations" : n,        (numeric) The number of confirmations
          "value" : n,                (numeric) The transaction value in BTC
          "scriptPubKey" : { ... },   (json object) its script: asm, desc, hex, address, type
          "coinbase" : true|false     (boolean) Coinbase or not
        }
    """
    node = daemon.node
    if not 0 <= n < 1 << 32:
        return None
    point = outpoint(txid, n)
    tip, coins = await daemon.read_coins((point,))
    coin = coins[point]
    confirmations, coinbase = 0, False
    amount_sat, script = 0, b""
    if coin is not None:
        amount_sat, script, coinbase = coin.amount_sat, coin.script_pubkey, coin.coinbase
        confirmations = tip.height - coin.height + 1
    if include_mempool:
        if node.pool.spender(point) is not None:
            return None
        output = node.pool.output(point)
        if output is not None:
            amount_sat, script, confirmations, coinbase = (
                output.amount_sat,
                output.script_pubkey,
                0,
                False,
            )
        elif coin is None:
            return None
    elif coin is None:
        return None
    return {
        "bestblock": to_hex(tip.hash),
        "confirmations": confirmations,
        "value": Amount(amount_sat),
        "scriptPubKey": script_json(script, node.network),
        "coinbase": coinbase,
    }


@method("blockchain", shown={"scanobjects": "[scanobjects,...]"})
async def scantxoutset(daemon: Daemon, action: str, scanobjects: list[Json] | None = None) -> Json:
    """Scans the unspent transaction output set for entries that match certain output descriptors.

    Examples of output descriptors are:
        addr(<address>)                      Outputs whose script corresponds to the address
        raw(<hex script>)                    Outputs whose script equals the given bytes
        combo(<pubkey>)                      P2PK, P2PKH, P2WPKH, and P2SH-P2WPKH outputs
        pkh(<pubkey>)                        P2PKH outputs for the given pubkey
        sh(multi(<n>,<pubkey>,<pubkey>,...)) P2SH-multisig outputs for the given keys
        tr(<pubkey>)                         P2TR
        tr(<pubkey>,{pk(<pubkey>)})          P2TR with single fallback pubkey in tapscript
        rawtr(<pubkey>)                      P2TR with the key as output key
    A pubkey is fixed, or an xpub/xprv followed by a path, which may end in "/*" or "/*h" for all
    children; then a range is to be given if it is not 1000.

    Args:
        action: "start" for starting a scan, "abort" for aborting the current one (returns true when
            abort was successful), "status" for a progress report (in %) of the current one
        scanobjects: Array of scan objects, each a descriptor or {"desc":"...","range":n or [n,n]}.
            Required for "start" action

    Returns:
        {                              (json object, when action=='start')
          "success" : true|false,      (boolean) Whether the scan was completed
          "txouts" : n,                (numeric) The number of outputs scanned
          "height" : n,                (numeric) The block height at which the scan was done
          "bestblock" : "hex",         (string) The hash of the block at the tip of the chain
          "unspents" : [               (json array)
            {                          (json object)
              "txid" : "hex",          (string) The transaction id
              "vout" : n,              (numeric) The vout value
              "scriptPubKey" : "hex",  (string) The output script
              "desc" : "str",          (string) A specialized descriptor for the script
              "amount" : n,            (numeric) The amount in BTC
              "coinbase" : true|false, (boolean) Whether this is a coinbase output
              "height" : n,            (numeric) Height of the output
              "blockhash" : "hex",     (string) Blockhash of the output
              "confirmations" : n      (numeric) Its confirmations when the scan was done
            },
            ...
          ],
          "total_amount" : n           (numeric) The total amount of all found outputs in BTC
        }
    """
    scan = daemon.scan
    if action == "status":
        return None if scan is None else {"progress": scan.progress}
    if action == "abort":
        if scan is not None:
            scan.abort()
        return scan is not None
    if action != "start":
        raise RpcError(Code.PARAMETER, f"Invalid action '{action}'")
    if scan is not None:
        raise RpcError(Code.PARAMETER, 'Scan already in progress, use action "abort" or "status"')
    if scanobjects is None:
        raise RpcError(Code.MISC, "scanobjects argument is required for the start action")
    wanted: dict[bytes, Needle] = {}
    daemon.scan = scan = CoinScan(wanted)
    try:
        await daemon.off_loop(_look_for, wanted, scanobjects, daemon)
        snapshot = await daemon.coin_snapshot()
        success = await daemon.off_loop(scan.run, snapshot)
    finally:
        daemon.scan = None
    tip = daemon.node.headers.get(snapshot.best)
    assert tip is not None, "coins belong to a known block"
    return await daemon.off_loop(
        _scan_json, scan, tip, wanted, daemon.node.network, success=success
    )


def _look_for(wanted: dict[bytes, Needle], scanobjects: list[Json], daemon: Daemon) -> None:
    for each in scanobjects:
        wanted.update(needles(each, daemon.node.network, daemon.go_on))


def _scan_json(
    scan: CoinScan,
    tip: HeaderEntry,
    wanted: dict[bytes, Needle],
    network: Network,
    *,
    success: bool,
) -> Json:
    ordered = sorted(scan.found, key=lambda item: (item[0][:32], outpoint_index(item[0])))

    def unspent(found: tuple[OutPoint, Coin]) -> dict[str, Json]:
        point, coin = found
        block = tip.ancestor(coin.height)
        assert block is not None, "a coin is no younger than the tip"
        return {
            "txid": to_hex(outpoint_txid(point)),
            "vout": outpoint_index(point),
            "scriptPubKey": coin.script_pubkey.hex(),
            "desc": _found_text(wanted[coin.script_pubkey], coin.script_pubkey, network),
            "amount": Amount(coin.amount_sat),
            "coinbase": coin.coinbase,
            "height": coin.height,
            "blockhash": to_hex(block.hash),
            "confirmations": tip.height - coin.height + 1,
        }

    return {
        "success": success,
        "txouts": scan.seen,
        "height": tip.height,
        "bestblock": to_hex(tip.hash),
        "unspents": made_list(unspent, ordered),
        "total_amount": Amount(sum([coin.amount_sat for _, coin in ordered])),
    }


def _found_text(needle: Needle, script: bytes, network: Network) -> str:
    """How a found output is described: by its key, or, where none was given, as a bare script."""
    if needle.descriptor.is_solvable:
        return needle.to_text()
    text: str = script_json(script, network)["desc"]
    return text


@method("blockchain")
async def gettxoutproof(
    daemon: Daemon, txids: list[str], blockhash: BlockHash | None = None
) -> Json:
    """Returns a hex-encoded proof that "txid" was included in a block.

    NOTE: Without the block's hash this only works while an output of the transaction is unspent, or
    with -txindex.

    Args:
        txids: The txids to filter
        blockhash: If specified, looks for txid in the block with this hash

    Returns:
        "str"    (string) A string that is a serialized, hex-encoded data for the proof.
    """
    if len(txids) > MAX_TXIDS:
        raise RpcError(Code.NOT_FOUND, _NOT_ALL)
    wanted = await daemon.off_loop(_read_txids, txids)
    if blockhash is not None:
        entry = find_block(daemon, blockhash)
    else:
        entry = await _block_of(daemon, list(wanted))
    return await daemon.off_loop(_proof, await decode_block(daemon, entry), wanted)


def _read_txids(texts: list[str]) -> dict[Txid, None]:
    txids: dict[Txid, None] = {}
    for text in expect_texts(texts):
        txid = Txid(parse_hash("txid", text))
        if txid in txids:
            raise RpcError(Code.PARAMETER, f"Invalid parameter, duplicated txid: {text}")
        txids[txid] = None
    if not txids:
        raise RpcError(Code.PARAMETER, "Parameter 'txids' cannot be empty")
    return txids


def _proof(block: Block, wanted: Collection[Txid]) -> str:
    names = [transaction.txid for transaction in block.transactions]
    matches = [name in wanted for name in names]
    if sum(matches) != len(wanted):
        raise RpcError(Code.NOT_FOUND, _NOT_ALL)
    return (block.header.raw + PartialMerkleTree.build(names, matches).encode()).hex()


async def _block_of(daemon: Daemon, txids: list[Txid]) -> HeaderEntry:
    """The block of the first of these transactions that has an unspent output, or is indexed.

    Raises:
        RpcError: -5, none has.
    """
    node = daemon.node
    each = max(1, min(OUTPUTS_LOOKED_UP, LOOKED_UP // len(txids)))
    points = [outpoint(txid, index) for txid in txids for index in range(each)]
    for begin in range(0, len(points), LOOKED_UP_AT_ONCE):
        _, coins = await daemon.read_coins(points[begin : begin + LOOKED_UP_AT_ONCE])
        for coin in coins.values():
            entry = None if coin is None else node.active.at(coin.height)
            if entry is not None:
                return entry
    await is_ready(daemon, TxIndex.name)
    indexed = await find_confirmed(daemon, min(txids))
    entry = None if indexed is None else node.headers.get(indexed.block_hash)
    if entry is None:
        raise RpcError(Code.NOT_FOUND, "Transaction not yet in block")
    return entry


@method("blockchain")
async def verifytxoutproof(daemon: Daemon, proof: str) -> Json:
    """Verifies that a proof points to a transaction in a block, returning the transaction it
    commits to and throwing an RPC error if the block is not in our best chain

    Args:
        proof: The hex-encoded proof generated by gettxoutproof

    Returns:
        [           (json array)
          "hex",    (string) The txid(s) which the proof commits to, or empty array if the proof
                    cannot be validated.
          ...
        ]
    """
    proved = await daemon.off_loop(_read_proof, proof)
    if proved is None:
        return []
    header, total, txids = proved
    entry = daemon.node.headers.get(header.hash)
    if entry is None or not txids or not daemon.node.active.contains(entry):
        raise RpcError(Code.NOT_FOUND, "Block not found in chain")
    # A shorter list of leaves could have the same root with inner nodes as leaves.
    if await daemon.transaction_count(entry.hash) != total:
        return []
    return txids


def _read_proof(text: str) -> tuple[Header, int, list[str]] | None:
    """Header, transactions of its block and proved txids; None if it proves nothing."""
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
        return None
    if root != header.merkle_root:
        return None
    return header, tree.total, [to_hex(txid) for _, txid in matches]
