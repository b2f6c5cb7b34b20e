"""Headers, and proofs that they lead to a checkpoint."""

from __future__ import annotations

from typing import Final

from axon.chain.headertree import HeaderEntry
from axon.electrum.budget import TXIDS_A_UNIT
from axon.electrum.client import Client
from axon.electrum.errors import ElectrumError
from axon.electrum.methods.arguments import whole_number
from axon.electrum.service import ElectrumService
from axon.primitives.hashes import to_hex

MAX_HEADERS: Final = 2016
"""One period of the target, as everywhere."""

HEADERS_AS_LIST: Final = (1, 6)
"""From this version on headers come one by one."""


async def block_header(
    service: ElectrumService, client: Client, height: object, cp_height: object = 0
) -> object:
    """The header at a height in hex; with a checkpoint also its proof."""
    place, checkpoint = whole_number(height), whole_number(cp_height)
    await service.calm()
    entry = service.tip.ancestor(place)
    if entry is None:
        raise ElectrumError(f"height {place:,d} out of range")
    raw = entry.raw.hex()
    if not checkpoint:
        return raw
    return {"header": raw, **await _proof(service, client, place, checkpoint)}


async def block_headers(
    service: ElectrumService,
    client: Client,
    start_height: object,
    count: object,
    cp_height: object = 0,
) -> object:
    """Headers in order, `MAX_HEADERS` at most; with a checkpoint a proof of the last."""
    start, checkpoint = whole_number(start_height), whole_number(cp_height)
    wanted = min(whole_number(count), MAX_HEADERS)
    await service.calm()
    raws = _raws(service, start, wanted)
    shown: dict[str, object] = {"count": len(raws), "max": MAX_HEADERS}
    if client.session.protocol >= HEADERS_AS_LIST:
        shown["headers"] = [raw.hex() for raw in raws]
    else:
        shown["hex"] = b"".join(raws).hex()
    if raws and checkpoint:
        shown.update(await _proof(service, client, start + len(raws) - 1, checkpoint))
    return shown


async def headers_subscribe(service: ElectrumService, client: Client) -> object:
    """The tip; the client is told of each further one."""
    await service.calm()
    service.header_clients[client.number] = None
    return shown_tip(service.tip)


def shown_tip(tip: HeaderEntry) -> dict[str, object]:
    """A tip, as clients are told of it."""
    return {"hex": tip.raw.hex(), "height": tip.height}


def _raws(service: ElectrumService, start: int, count: int) -> list[bytes]:
    """So many headers of the chain that clients know of, or as many as there are."""
    top = service.tip.ancestor(min(start + count - 1, service.tip.height))
    raws: list[bytes] = []
    while top is not None and top.height >= start:
        raws.append(top.raw)
        top = top.parent
    return raws[::-1]


async def _proof(
    service: ElectrumService, client: Client, height: int, checkpoint: int
) -> dict[str, object]:
    tip = service.tip.height
    if not height <= checkpoint <= tip:
        raise ElectrumError(
            f"require header height {height:,d} <= cp_height {checkpoint:,d}"
            f" <= chain height {tip:,d}"
        )
    branch, root, hashed = await service.proofs.proof(service.tip, height, checkpoint)
    client.caused(hashed, TXIDS_A_UNIT)
    return {"branch": [to_hex(each) for each in branch], "root": to_hex(root)}
