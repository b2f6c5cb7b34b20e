"""The chain, its rules, the pool and single transactions over REST."""

from __future__ import annotations

from axon.chain.txindex import TxIndex
from axon.primitives.hashes import Txid, to_hex
from axon.rpc.amounts import Json
from axon.rpc.indexes import find_confirmed, is_ready
from axon.rpc.methods.chain import getblockchaininfo, getdeploymentinfo
from axon.rpc.methods.mempool import getmempoolinfo, getrawmempool
from axon.rpc.rest.answers import BAD_REQUEST, RestAnswer, RestRefusal, Value
from axon.rpc.rest.question import Question, not_found, read_hash
from axon.rpc.shapes.transactions import transaction_json


async def chain_info(asked: Question) -> RestAnswer:
    """`/rest/chaininfo`: as `getblockchaininfo`."""
    asked.require_json()
    return Value(await getblockchaininfo(asked.daemon))


async def deployment_info(asked: Question) -> RestAnswer:
    """`/rest/deploymentinfo` and `/rest/deploymentinfo/<hash>`: as `getdeploymentinfo`."""
    asked.require_json()
    name = asked.param
    if not name:
        return Value(getdeploymentinfo(asked.daemon))
    entry = asked.entry(name)
    if entry is None:
        raise RestRefusal(BAD_REQUEST, "Block not found")
    return Value(getdeploymentinfo(asked.daemon, entry.hash))


async def pool(asked: Question) -> RestAnswer:
    """`/rest/mempool/info` and `/rest/mempool/contents?verbose=&mempool_sequence=`."""
    if asked.param not in ("info", "contents"):
        text = "Invalid URI format. Expected /rest/mempool/<info|contents>.json"
        raise RestRefusal(BAD_REQUEST, text)
    asked.require_json()
    if asked.param == "info":
        return Value(getmempoolinfo(asked.daemon))
    verbose = _truth(asked, "verbose", "true")
    sequence = _truth(asked, "mempool_sequence", "false")
    if verbose and sequence:
        raise RestRefusal(
            BAD_REQUEST,
            'Verbose results cannot contain mempool sequence values. (hint: set "verbose=false")',
        )
    return Value(await getrawmempool(asked.daemon, verbose, sequence))


def _truth(asked: Question, name: str, default: str) -> bool:
    text = asked.query(name, default)
    if text not in ("true", "false"):
        raise RestRefusal(
            BAD_REQUEST, f'The "{name}" query parameter must be either "true" or "false".'
        )
    return text == "true"


async def transaction(asked: Question) -> RestAnswer:
    """`/rest/tx/<txid>`: of the pool, or of any block where there is `-txindex`."""
    txid, daemon = Txid(read_hash(asked.param)), asked.daemon
    waiting = daemon.node.pool.get(txid)
    if waiting is not None:
        found, block_hash = waiting.transaction, None
    else:
        await is_ready(daemon, TxIndex.name)
        confirmed = await find_confirmed(daemon, txid)
        if confirmed is None:
            raise not_found(asked.param)
        found, block_hash = confirmed.transaction, confirmed.block_hash
    if not asked.wants_json:
        return asked.octets(found.raw)
    shown: dict[str, Json] = await daemon.off_loop(transaction_json, found, daemon.node.network)
    if block_hash is not None:
        shown["blockhash"] = to_hex(block_hash)
    return Value(shown)
