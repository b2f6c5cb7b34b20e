"""Templates for miners, and their proposals validated (BIP 22, 23, 145)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from axon.chain.deployments import ACTIVE, LOCKED_IN, STARTED, deployments
from axon.mining.template import BlockTemplate
from axon.primitives.block import MAX_BLOCK_WEIGHT, Block
from axon.primitives.hashes import BlockHash, Txid, to_hex
from axon.primitives.network import Network
from axon.primitives.sigops import MAX_BLOCK_SIGOPS_COST
from axon.primitives.target import bits_to_target
from axon.primitives.transaction import WITNESS_SCALE_FACTOR
from axon.primitives.verdict import Rejected
from axon.rpc.amounts import Json, made_list
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.methods.mining import decode_block_hex
from axon.rpc.parameters import expect_text, parse_hash
from axon.rpc.proposal import check_proposal

FIRST_LOOK_S: Final = 60.0
NEXT_LOOKS_S: Final = 10.0
"""A long poll is answered at once when the tip changes. Whether the pool has changed is looked at
after a minute and then more often: a new template for every transaction helps nobody."""

MAX_BLOCK_SIZE: Final = 4_000_000
_HASH_DIGITS: Final = 64


@method(
    "mining",
    waits=True,
    shown={
        "template_request": '{"mode":"str","capabilities":["str",...],"rules":["segwit","str",...],'
        '"longpollid":"str","data":"hex"}'
    },
)
async def getblocktemplate(daemon: Daemon, template_request: dict[str, Json]) -> Json:
    """If the request parameters include a 'mode' key, that is used to explicitly select between the
    default 'template' request or a 'proposal'.
    It returns data needed to construct a block to work on.
    For full specification, see BIPs 22, 23, 9, and 145.

    Args:
        template_request: Format of the template: mode, capabilities, rules (must contain segwit),
            longpollid, data (proposed block, hex)

    Returns:
        {                                       (json object) or null or a reason for a proposal
          "version" : n,                        (numeric) The preferred block version
          "rules" : [ "str", ... ],             (json array) rules that are to be enforced
          "vbavailable" : {...},                (json object) pending rules that may be signalled
          "vbrequired" : n,                     (numeric) version bits that are required
          "previousblockhash" : "str",          (string) The hash of current highest block
          "transactions" : [ {...}, ... ],      (json array) what to put behind the coinbase
          "coinbaseaux" : {...},                (json object) what to put into the coinbase's script
          "coinbasevalue" : n,                  (numeric) what the coinbase may pay, in satoshis
          "longpollid" : "str",                 (string) identifies this template for a long poll
          "target" : "str",                     (string) The hash target
          "mintime" : xxx,                      (numeric) The minimum time of the block
          "mutable" : [ "str", ... ],           (json array) what may be changed
          "noncerange" : "hex",                 (string) A range of valid nonces
          "sigoplimit" : n,                     (numeric) limit of sigops in blocks
          "sizelimit" : n,                      (numeric) limit of block size
          "weightlimit" : n,                    (numeric) limit of block weight
          "curtime" : xxx,                      (numeric) current timestamp in UNIX epoch time
          "bits" : "str",                       (string) compressed target of next block
          "height" : n,                         (numeric) The height of the next block
          "default_witness_commitment" : "str"  (string) a valid witness commitment
        }
    """
    request = template_request
    mode = request.get("mode", "template")
    if mode == "proposal":
        return await _proposal(daemon, request)
    if mode not in ("template", None):
        raise RpcError(Code.PARAMETER, "Invalid mode")
    rules = request.get("rules")
    named = [expect_text(rule) for rule in rules] if isinstance(rules, list) else []
    _check_readiness(daemon)
    await _long_poll(daemon, request.get("longpollid"))
    _check_rules(daemon, named)
    await daemon.caught_up()
    template = await daemon.current_template()
    poll_id = f"{to_hex(template.parent.hash)}{daemon.templates.version}"
    return await daemon.off_loop(_template_json, daemon.node.network, template, poll_id)


def _check_readiness(daemon: Daemon) -> None:
    """On a real chain, mining alone or on an old tip is a waste.

    Raises:
        RpcError: -9 or -10.
    """
    node = daemon.node
    if node.network.name != "main":
        return
    if not node.sessions:
        raise RpcError(Code.NOT_CONNECTED, "axon is not connected!")
    if node.initial_sync:
        message = "axon is in initial sync and waiting for blocks..."
        raise RpcError(Code.INITIAL_DOWNLOAD, message)


def _check_rules(daemon: Daemon, named: list[str]) -> None:
    """Whether a caller knows the rules of this chain.

    Raises:
        RpcError: -8, it does not say so.
    """
    if daemon.node.network.signet_challenge is not None and "signet" not in named:
        raise RpcError(
            Code.PARAMETER,
            "getblocktemplate must be called with the signet rule set "
            '(call with {"rules": ["segwit", "signet"]})',
        )
    if "segwit" not in named:
        raise RpcError(
            Code.PARAMETER,
            "getblocktemplate must be called with the segwit rule set "
            '(call with {"rules": ["segwit"]})',
        )


async def _proposal(daemon: Daemon, request: dict[str, Json]) -> Json:
    """What is wrong with a proposed block; None if nothing is (BIP 23)."""
    data = request.get("data")
    if not isinstance(data, str):
        raise RpcError(Code.TYPE, "Missing data String key for proposal")
    block = await daemon.off_loop(decode_block_hex, data)
    known = await _known(daemon, block)
    if known is not None:
        return known
    verdict = await check_proposal(daemon, block)
    return verdict.reason if isinstance(verdict, Rejected) else None


async def _known(daemon: Daemon, block: Block) -> str | None:
    """BIP 22's word for a block that is here; None for a new one.

    One that was on the active chain has had its scripts verified: what it spent is kept.
    """
    node = daemon.node
    entry = node.headers.get(block.hash)
    if entry is None:
        return None
    if node.headers.is_invalid(block.hash):
        return "duplicate-invalid"
    if node.active.contains(entry) or await daemon.read_spent(block.hash) is not None:
        return "duplicate"
    return "duplicate-inconclusive"


async def _long_poll(daemon: Daemon, poll_id: object) -> None:
    """Wait until the template that a caller has is an old one."""
    if poll_id is None:
        return
    node = daemon.node
    if isinstance(poll_id, str):
        tip = BlockHash(parse_hash("longpollid", poll_id[:_HASH_DIGITS]))
        digits = poll_id[_HASH_DIGITS:]
        version = int(digits) if digits.isascii() and digits.isdecimal() else 0
    else:
        tip, version = node.active.tip.hash, node.pool.version
    patience_s = FIRST_LOOK_S
    while not await daemon.wait_for(lambda: node.active.tip.hash != tip, patience_s):
        if node.pool.version != version:
            return
        patience_s = NEXT_LOOKS_S


def _template_json(network: Network, template: BlockTemplate, poll_id: str) -> dict[str, Json]:
    states = {
        name: deployment.state_after(template.parent)
        for name, deployment in deployments(network).items()
    }
    rules = ["csv", *(("!segwit", "taproot") if template.segwit else ())]
    rules += [] if network.signet_challenge is None else ["!signet"]
    rules += [name for name, state in states.items() if state == ACTIVE]
    scale = 1 if template.segwit else WITNESS_SCALE_FACTOR
    shown: dict[str, Json] = {
        "capabilities": ["proposal"],
        "version": template.version,
        "rules": rules,
        "vbavailable": {
            name: deployment.bit
            for name, deployment in deployments(network).items()
            if states[name] in (STARTED, LOCKED_IN)
        },
        "vbrequired": 0,
        "previousblockhash": to_hex(template.parent.hash),
        "transactions": _transactions_json(template),
        "coinbaseaux": {},
        "coinbasevalue": template.subsidy_sat + template.fees_sat,
        "longpollid": poll_id,
        "target": f"{bits_to_target(template.bits):064x}",
        "mintime": template.min_time,
        "mutable": ["time", "transactions", "prevblock"],
        "noncerange": "00000000ffffffff",
        "sigoplimit": MAX_BLOCK_SIGOPS_COST // scale,
        "sizelimit": MAX_BLOCK_SIZE // scale,
        **({"weightlimit": MAX_BLOCK_WEIGHT} if template.segwit else {}),
        "curtime": template.time,
        "bits": f"{template.bits:08x}",
        "height": template.height,
    }
    if network.signet_challenge is not None:
        shown["signet_challenge"] = network.signet_challenge.hex()
    return {**shown, "default_witness_commitment": template.commitment().hex()}


def _transactions_json(template: BlockTemplate) -> Sequence[Json]:
    """Each with the places of what its inputs spend, counted from 1 behind the coinbase."""
    entries = template.entries
    places = {entry.txid: place for place, entry in enumerate(entries, 1)}
    scale = 1 if template.segwit else WITNESS_SCALE_FACTOR

    def shown(place: int) -> dict[str, Json]:
        entry = entries[place]
        spent = [Txid(point[:32]) for point in entry.prevouts]
        return {
            "data": entry.transaction.raw.hex(),
            "txid": to_hex(entry.txid),
            "hash": to_hex(entry.wtxid),
            "depends": [places[txid] for txid in spent if txid in places],
            "fee": entry.fee_sat,
            "sigops": entry.sigops_cost // scale,
            "weight": entry.weight_wu,
        }

    return made_list(shown, range(len(entries)))
