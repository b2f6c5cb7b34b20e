"""Blocks over REST: whole, in part, their headers, what they spend, and their hash by height."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from axon.chain.coins import Coin
from axon.chain.headertree import HeaderEntry
from axon.primitives.encoding import compact_size, var_bytes
from axon.primitives.hashes import to_hex
from axon.primitives.network import Network
from axon.rpc.amounts import Amount, Json, made_list
from axon.rpc.methods.blocks import shown_block
from axon.rpc.rest.answers import BAD_REQUEST, NOT_FOUND, RestAnswer, RestRefusal, TextLine, Value
from axon.rpc.rest.question import (
    MAX_SIZE_T,
    Question,
    not_found,
    read_count,
    run_from,
)
from axon.rpc.rest.uris import DataFormat, parse_integer
from axon.rpc.shapes.blocks import header_json
from axon.rpc.shapes.transactions import script_json

MAX_INT32: Final = (1 << 31) - 1

_IDS_ONLY, _WITH_PREVOUTS = 1, 3
_SAFE: Final = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!*'();:@&=+$,/?#[]-_.~%"
)


async def block(asked: Question) -> RestAnswer:
    """`/rest/block/<hash>`: with all transactions and what they spend."""
    return await _block(asked, _WITH_PREVOUTS)


async def block_without_details(asked: Question) -> RestAnswer:
    """`/rest/block/notxdetails/<hash>`: JSON names the transactions only."""
    return await _block(asked, _IDS_ONLY)


async def _block(asked: Question, verbosity: int) -> RestAnswer:
    entry, raw = await _read(asked)
    if asked.wants_json:
        return Value(await shown_block(asked.daemon, entry, raw, verbosity))
    return asked.octets(raw)


async def block_part(asked: Question) -> RestAnswer:
    """`/rest/blockpart/<hash>?offset=&size=`: some bytes of it."""
    offset, size = [parse_integer(asked.query(name), MAX_SIZE_T) for name in ("offset", "size")]
    for value, name in ((offset, "offset"), (size, "size")):
        if value is None:
            raise RestRefusal(BAD_REQUEST, f"Block part {name} missing or invalid")
    assert offset is not None
    assert size is not None
    _, raw = await _read(asked)
    if not size or offset + size > len(raw):
        text = f"Bad block part offset/size {offset}/{size} for {asked.param}"
        raise RestRefusal(BAD_REQUEST, text)
    if asked.wants_json:
        text = "JSON output is not supported for this request type"
        raise RestRefusal(BAD_REQUEST, text)
    return asked.octets(raw[offset : offset + size])


async def _read(asked: Question) -> tuple[HeaderEntry, bytes]:
    """The block that is named, with its bytes."""
    entry = asked.entry(asked.param)
    if entry is None:
        raise not_found(asked.param)
    chain = asked.daemon.node.chain
    raw = await asked.daemon.read_block(entry.hash) if chain.is_stored(entry.hash) else None
    if raw is None:
        why = "pruned data" if chain.is_pruned(entry.hash) else "not fully downloaded"
        raise RestRefusal(NOT_FOUND, f"{asked.param} not available ({why})")
    return entry, raw


async def headers(asked: Question) -> RestAnswer:
    """`/rest/headers/<hash>?count=`, and `<count>/<hash>` as of old: from that one on."""
    match asked.param.split("/"):
        case [count, name]:
            pass
        case [name]:
            count = asked.query("count", "5")
        case _:
            text = "Invalid URI format. Expected /rest/headers/<hash>.<ext>?count=<count>"
            raise RestRefusal(BAD_REQUEST, text)
    wanted = read_count(count)
    daemon = asked.daemon
    found = run_from(daemon, asked.entry(name), wanted)
    if not asked.wants_json:
        return asked.octets(b"".join([entry.raw for entry in found]))
    shown: list[Json] = []
    async for entry in daemon.in_turns(found):
        count_ = await daemon.transaction_count(entry.hash)
        shown.append(header_json(entry, daemon.node.active, count_))
    return Value(shown)


async def hash_by_height(asked: Question) -> RestAnswer:
    """`/rest/blockhashbyheight/<height>`."""
    height = parse_integer(asked.param, MAX_INT32)
    if height is None:
        shown = "".join([character for character in asked.param if character in _SAFE])
        raise RestRefusal(BAD_REQUEST, f"Invalid height: {shown}")
    entry = asked.daemon.node.active.at(height)
    if entry is None:
        raise RestRefusal(NOT_FOUND, "Block height out of range")
    if asked.wants_json:
        return Value({"blockhash": to_hex(entry.hash)})
    if asked.format is DataFormat.HEX:
        return TextLine(to_hex(entry.hash))
    return asked.octets(entry.hash)


async def spent_outputs(asked: Question) -> RestAnswer:
    """`/rest/spenttxouts/<hash>`: the outputs that a block spends, a list for each transaction."""
    if "/" in asked.param:
        text = "Invalid URI format. Expected /rest/spenttxouts/<hash>.<ext>"
        raise RestRefusal(BAD_REQUEST, text)
    entry = asked.entry(asked.param)
    if entry is None:
        raise not_found(asked.param)
    spent: Sequence[Sequence[Coin]] | None = [[]]
    if entry.height:
        spent = await asked.daemon.read_spent(entry.hash)
    if spent is None:
        raise RestRefusal(NOT_FOUND, f"{asked.param} undo not available")
    if not asked.wants_json:
        return asked.octets(lambda: _encode_spent(spent))
    network = asked.daemon.node.network
    return Value(
        made_list(
            lambda coins: made_list(lambda coin: output_json(coin, network), coins),
            spent,
        )
    )


def _encode_spent(spent: Sequence[Sequence[Coin]]) -> bytes:
    return compact_size(len(spent)) + b"".join(
        [compact_size(len(coins)) + b"".join(map(encode_output, coins)) for coins in spent]
    )


def encode_output(coin: Coin) -> bytes:
    """An output as a transaction has it: 8 bytes of satoshis, and the script."""
    return coin.amount_sat.to_bytes(8, "little") + var_bytes(coin.script_pubkey)


def output_json(coin: Coin, network: Network) -> dict[str, Json]:
    """Its value and script."""
    return {
        "value": Amount(coin.amount_sat),
        "scriptPubKey": script_json(coin.script_pubkey, network),
    }
