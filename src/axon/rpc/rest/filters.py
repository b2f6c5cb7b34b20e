"""Block filters over REST (BIP 157, 158)."""

from __future__ import annotations

from typing import Final

from axon.chain.filterindex import FilterIndex
from axon.chain.headertree import HeaderEntry
from axon.primitives.encoding import var_bytes
from axon.primitives.hashes import to_hex
from axon.rpc.daemon import Daemon
from axon.rpc.rest.answers import BAD_REQUEST, NOT_FOUND, RestAnswer, RestRefusal, Value
from axon.rpc.rest.question import Question, not_found, read_count, read_hash, run_from

BASIC: Final = 0
"""The type of filter that there is (BIP 158)."""

_NOT_YET: Final = "Filter not found. Block filters are still in the process of being indexed."
_NEVER: Final = "Filter not found. Block was not connected to active chain."


async def block_filter(asked: Question) -> RestAnswer:
    """`/rest/blockfilter/<type>/<hash>`: as bytes behind its type and the block's hash."""
    match asked.param.split("/"):
        case [kind, name]:
            block_hash = read_hash(name)
        case _:
            text = "Invalid URI format. Expected /rest/blockfilter/<filtertype>/<blockhash>"
            raise RestRefusal(BAD_REQUEST, text)
    filters = _index(asked.daemon, kind)
    entry = asked.daemon.node.headers.get(block_hash)
    if entry is None:
        raise not_found(name)
    (data,) = await asked.daemon.off_loop(filters.filters, [block_hash])
    if data is None:
        raise RestRefusal(NOT_FOUND, _NOT_YET if _was_active(asked.daemon, entry) else _NEVER)
    if asked.wants_json:
        return Value({"filter": data.hex()})
    return asked.octets(bytes((BASIC,)) + block_hash + var_bytes(data))


async def filter_headers(asked: Question) -> RestAnswer:
    """`/rest/blockfilterheaders/<type>/<hash>?count=`, and `<type>/<count>/<hash>` as of old."""
    match asked.param.split("/"):
        case [kind, count, name]:
            pass
        case [kind, name]:
            count = asked.query("count", "5")
        case _:
            raise RestRefusal(
                BAD_REQUEST,
                "Invalid URI format. Expected"
                " /rest/blockfilterheaders/<filtertype>/<blockhash>.<ext>?count=<count>",
            )
    wanted, block_hash = read_count(count), read_hash(name)
    filters = _index(asked.daemon, kind)
    entries = run_from(asked.daemon, asked.daemon.node.headers.get(block_hash), wanted)
    found: list[bytes] = []
    for header in await asked.daemon.off_loop(filters.headers, [entry.hash for entry in entries]):
        if header is None:
            raise RestRefusal(NOT_FOUND, _NOT_YET)
        found.append(header)
    if asked.wants_json:
        return Value([to_hex(header) for header in found])
    return asked.octets(b"".join(found))


def _index(daemon: Daemon, kind: str) -> FilterIndex:
    if kind != "basic":
        raise RestRefusal(BAD_REQUEST, f"Unknown filtertype {kind}")
    filters = daemon.node.filters
    if filters is None:
        raise RestRefusal(BAD_REQUEST, f"Index is not enabled for filtertype {kind}")
    return filters


def _was_active(daemon: Daemon, entry: HeaderEntry) -> bool:
    return daemon.node.chain.status(entry) in ("active", "valid-fork")
