"""Mining: what the network is worth, blocks and headers handed in."""

from __future__ import annotations

import asyncio
from typing import Final

from axon.consensus.proposal import check_alone
from axon.errors import DecodeError
from axon.node.commands import SubmitBlock, SubmitHeader, Submitted
from axon.primitives.block import Block, witness_commitment
from axon.primitives.hashes import ZERO_HASH, to_hex
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.target import meets_target
from axon.primitives.transaction import Transaction, TxIn
from axon.primitives.verdict import Rejected
from axon.rpc.amounts import Amount, Json
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.parameters import Int32, unhex
from axon.rpc.shapes.blocks import target_json

USUAL_LOOKUP: Final = 120
"""Blocks from which `getnetworkhashps` estimates."""

HEADERS_AT_ONCE: Final = 2_000
"""Looked at before others have a turn: a millisecond."""


@method("mining")
async def getnetworkhashps(
    daemon: Daemon, nblocks: Int32 = USUAL_LOOKUP, height: Int32 = -1
) -> Json:
    """Returns the estimated network hashes per second based on the last n blocks.

    Pass in [blocks] to override # of blocks, -1 specifies since last difficulty change.
    Pass in [height] to estimate the network speed at the time when a certain block was found.

    Args:
        nblocks: The number of previous blocks to calculate estimate from, or -1 for blocks since
            last difficulty change.
        height: To estimate at the time of the given height.

    Returns:
        n    (numeric) Hashes per second estimated
    """
    active = daemon.node.active
    if nblocks < -1 or nblocks == 0:
        message = "Invalid nblocks. Must be a positive number or -1."
        raise RpcError(Code.PARAMETER, message)
    if height < -1 or height > active.height:
        raise RpcError(Code.PARAMETER, "Block does not exist at specified height")
    last = active.tip if height < 0 else active.at(height)
    assert last is not None, "heights up to the tip are active"
    if nblocks == -1:
        nblocks = last.height % daemon.node.network.difficulty_interval + 1
    first = last
    earliest = latest = last.time
    for place in range(min(nblocks, last.height)):
        assert first.parent is not None, "blocks above the lowest have one before them"
        first = first.parent
        earliest, latest = min(earliest, first.time), max(latest, first.time)
        if place % HEADERS_AT_ONCE == HEADERS_AT_ONCE - 1:
            await asyncio.sleep(0)
    if earliest == latest:
        return 0
    return (last.chainwork - first.chainwork) / (latest - earliest)


@method("mining")
async def getmininginfo(daemon: Daemon) -> Json:
    """Returns a json object containing mining-related information.

    Returns:
        {                              (json object)
          "blocks" : n,                (numeric) The current block
          "currentblockweight" : n,    (numeric, optional) The block weight of the last template,
                                       with what is reserved for header and coinbase
          "currentblocktx" : n,        (numeric, optional) The number of its transactions without
                                       the coinbase
          "bits" : "hex",              (string) The current target in compact form
          "difficulty" : n,            (numeric) The current difficulty
          "target" : "hex",            (string) The current target
          "networkhashps" : n,         (numeric) The network hashes per second
          "pooledtx" : n,              (numeric) The size of the mempool
          "blockmintxfee" : n,         (numeric) Minimum feerate of mined transactions in BTC/kvB
          "chain" : "str",             (string) current network name
          "next" : {                   (json object) The next block
            "height" : n,              (numeric) Its height
            "bits" : "hex",            (string) Its target in compact form
            "difficulty" : n,          (numeric) Its difficulty
            "target" : "hex"           (string) Its target
          },
          "signet_challenge" : "hex",  (string, optional) The block challenge (signet)
          "warnings" : [ "str", ... ]  (json array) any network and blockchain warnings
        }
    """
    node = daemon.node
    tip = node.active.tip
    last = daemon.templates.last
    shown: dict[str, Json] = {"blocks": tip.height}
    if last is not None:
        shown["currentblockweight"] = last.weight_wu
        shown["currentblocktx"] = len(last.entries)
    next_time = max(tip.median_time_past() + 1, daemon.now_s)
    shown |= {
        **_target_json(tip.bits),
        "networkhashps": await getnetworkhashps(daemon),
        "pooledtx": len(node.pool),
        "blockmintxfee": Amount(node.settings.limits.min_feerate_sat_kvb),
        "chain": node.network.name,
        "next": {
            "height": tip.height + 1,
            **_target_json(node.headers.next_bits(tip, next_time)),
        },
    }
    if node.network.signet_challenge is not None:
        shown["signet_challenge"] = node.network.signet_challenge.hex()
    return {**shown, "warnings": daemon.warnings.to_json()}


def _target_json(bits: int) -> dict[str, Json]:
    """The three ways in which a target is shown, in the order of this call."""
    shown = target_json(bits)
    return {name: shown[name] for name in ("bits", "difficulty", "target")}


def decode_block_hex(text: str) -> Block:
    """A block that a caller hands in; what follows it is left aside, as Core does.

    Raises:
        RpcError: -22, it is none.
    """
    raw = unhex(text)
    try:
        return Block.decode(raw or b"", exact=False)
    except DecodeError:
        raise RpcError(Code.DESERIALIZATION, "Block decode failed") from None


def with_witness_nonce(block: Block) -> Block:
    """The block as it is meant: a coinbase that commits to witnesses has one itself (BIP 141).

    Miners may hand it in without, because it is always the same.
    """
    first = block.transactions[0] if block.transactions else None
    if first is None or not first.is_coinbase or first.has_witness:
        return block
    if witness_commitment(block) is None:
        return block
    spends = first.inputs[0]
    inputs = [TxIn(spends.prevout, spends.script_sig, spends.sequence, (ZERO_HASH,))]
    whole = Transaction.build(first.version, inputs, first.outputs, first.locktime)
    return Block.build(block.header, [whole, *block.transactions[1:]])


def _fault_of_itself(block: Block) -> str | None:
    """What is wrong with a block whatever is before it; it is not told to the node then.

    Nothing is known of its header but that its work was done: it shall not stay for nothing.
    """
    if not meets_target(block.hash, block.header.bits):
        return None  # Which is what is wrong with it.
    rejected = check_alone(block)
    return None if rejected is None else rejected.reason


@method("mining", shown={"dummy": '"dummy"'})
async def submitblock(daemon: Daemon, hexdata: str, dummy: str | None = None) -> Json:  # noqa: ARG001
    """Attempts to submit new block to network.
    See https://en.bitcoin.it/wiki/BIP_0022 for full specification.

    Args:
        hexdata: the hex-encoded block data to submit
        dummy: dummy value, for compatibility with BIP22. This value is ignored.

    Returns:
        null | "str"    Null if the block was accepted, else the reason why not, as in BIP22
    """
    block = await daemon.off_loop(decode_block_hex, hexdata)
    parent = daemon.node.headers.get(block.header.prev)
    if parent is not None and daemon.node.network.has_segwit(parent.height + 1):
        block = await daemon.off_loop(with_witness_nonce, block)
    fault = await daemon.off_loop(_fault_of_itself, block)
    if fault is not None:
        return fault
    submitted = await daemon.command(SubmitBlock(block))
    assert isinstance(submitted, Submitted)
    return submitted.reason


@method("mining")
async def submitheader(daemon: Daemon, hexdata: str) -> Json:
    """Decode the given hexdata as a header and submit it as a candidate chain tip if valid.
    Throws when the header is invalid.

    Args:
        hexdata: the hex-encoded block header data

    Returns:
        null    (json null) None if successful
    """
    raw = unhex(hexdata)
    if raw is None or len(raw) < HEADER_SIZE:
        raise RpcError(Code.DESERIALIZATION, "Block header decode failed")
    header = Header(raw[:HEADER_SIZE])
    if daemon.node.headers.get(header.prev) is None:
        message = f"Must submit previous header ({to_hex(header.prev)}) first"
        raise RpcError(Code.VERIFY, message)
    verdict = await daemon.command(SubmitHeader(header))
    if isinstance(verdict, Rejected):
        raise RpcError(Code.VERIFY, verdict.reason)
    return None
