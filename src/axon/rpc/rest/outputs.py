"""Unspent outputs by name over REST (BIP 64)."""

from __future__ import annotations

from typing import Final

from axon.chain.coins import Coin
from axon.errors import DecodeError
from axon.primitives.encoding import Reader, compact_size, var_bytes
from axon.primitives.hashes import Txid, to_hex
from axon.primitives.transaction import OutPoint, outpoint
from axon.rpc.amounts import Json
from axon.rpc.rest.answers import BAD_REQUEST, RestAnswer, RestRefusal, Value, refuse_format
from axon.rpc.rest.blocks import encode_output, output_json
from axon.rpc.rest.question import Question
from axon.rpc.rest.uris import DataFormat, parse_hash, parse_integer

MAX_OUTPOINTS: Final = 15
"""Outputs in one question."""

POOL_HEIGHT: Final = (1 << 31) - 1
"""The height of what is in no block, as Bitcoin Core shows it."""

_MAX_UINT32: Final = (1 << 32) - 1
_OUTPOINT_SIZE: Final = 36
_EMPTY: Final = "Error: empty request"
_UNREADABLE: Final = "Parse error"


async def unspent_outputs(asked: Question) -> RestAnswer:
    """`/rest/getutxos[/checkmempool]/<txid>-<n>/...`, or the same as bytes in the body."""
    with_pool, points = _read(asked)
    if len(points) > MAX_OUTPOINTS:
        raise RestRefusal(
            BAD_REQUEST,
            f"Error: max outpoints exceeded (max: {MAX_OUTPOINTS}, tried: {len(points)})",
        )
    daemon = asked.daemon
    tip, coins = await daemon.read_coins(points)
    found = [
        _with_pool(asked, point, coins[point]) if with_pool else coins[point] for point in points
    ]
    unspent = [coin for coin in found if coin is not None]
    if asked.wants_json:
        shown: dict[str, Json] = {
            "chainHeight": tip.height,
            "chaintipHash": to_hex(tip.hash),
            "bitmap": "".join(["0" if coin is None else "1" for coin in found]),
            "utxos": [
                {"height": coin.height, **output_json(coin, daemon.node.network)}
                for coin in unspent
            ],
        }
        return Value(shown)
    bits = sum([1 << place for place, coin in enumerate(found) if coin is not None])
    bitmap = bits.to_bytes((len(found) + 7) // 8, "little")
    parts = (
        tip.height.to_bytes(4, "little"),
        tip.hash,
        var_bytes(bitmap),
        compact_size(len(unspent)),
        *map(_encode_coin, unspent),
    )
    return asked.octets(b"".join(parts))


def _with_pool(asked: Question, point: OutPoint, coin: Coin | None) -> Coin | None:
    """What the pool makes of an output: it may have it, or spend it."""
    pool = asked.daemon.node.pool
    if pool.spender(point) is not None:
        return None
    output = pool.output(point)
    if output is None:
        return coin
    return Coin(POOL_HEIGHT, False, output.amount_sat, output.script_pubkey)


def _encode_coin(coin: Coin) -> bytes:
    """Four empty bytes where the transaction's version was once, the height, the output."""
    return bytes(4) + coin.height.to_bytes(4, "little") + encode_output(coin)


def _read(asked: Question) -> tuple[bool, list[OutPoint]]:
    """Whether the pool counts, and the outputs: of the path, or of the body."""
    named = asked.param[1:].split("/") if len(asked.param) > 1 else []
    body = asked.body
    if not named and not body:
        raise RestRefusal(BAD_REQUEST, _EMPTY)
    with_pool = named[:1] == ["checkmempool"]
    points = [_read_name(text) for text in named[with_pool:]]
    if named and not points:
        raise RestRefusal(BAD_REQUEST, _EMPTY)
    match asked.format:
        case DataFormat.UNKNOWN:
            raise refuse_format()
        case DataFormat.JSON:
            if not points:
                raise RestRefusal(BAD_REQUEST, _EMPTY)
            return with_pool, points
        case DataFormat.HEX:
            body = _from_hex(body)
    if not body:
        return with_pool, points
    if points:
        text = "Combination of URI scheme inputs and raw post data is not allowed"
        raise RestRefusal(BAD_REQUEST, text)
    return _decode(body)


def _read_name(text: str) -> OutPoint:
    txid_hex, _, index_text = text.partition("-")
    txid, index = parse_hash(txid_hex), parse_integer(index_text, _MAX_UINT32)
    if txid is None or index is None:
        raise RestRefusal(BAD_REQUEST, _UNREADABLE)
    return outpoint(Txid(txid), index)


def _from_hex(body: bytes) -> bytes:
    """What the hex says, which may have spaces between its bytes; nothing if it is none."""
    try:
        return bytes.fromhex(body.decode("ascii"))
    except ValueError:
        return b""


def _decode(body: bytes) -> tuple[bool, list[OutPoint]]:
    """What a body asks: as BIP 64 has it, or as bitcoind happens to read it.

    bitcoind takes the length of the body for the first byte of it: what it finds the outputs of is
    a list without the byte before it, and the pool always counts.
    """
    try:
        return _by_bip64(Reader(body))
    except DecodeError:
        pass
    reader = Reader(compact_size(len(body)) + body)
    try:
        return reader.boolean(), _read_list(reader)
    except DecodeError as error:
        raise RestRefusal(BAD_REQUEST, _UNREADABLE) from error


def _by_bip64(reader: Reader) -> tuple[bool, list[OutPoint]]:
    flag, points = reader.u8(), _read_list(reader)
    reader.finish()
    if flag > 1 or not points:
        raise DecodeError("a question of BIP 64", 0)
    return flag == 1, points


def _read_list(reader: Reader) -> list[OutPoint]:
    return [OutPoint(reader.take(_OUTPOINT_SIZE)) for _ in range(reader.compact_size())]
