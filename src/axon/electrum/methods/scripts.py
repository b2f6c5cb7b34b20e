"""What happened to a script, what it has, and who is told when that changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from axon.chain.scriptindex import ScriptCoin
from axon.electrum.client import Client
from axon.electrum.errors import HISTORY_TOO_LARGE, ElectrumCode, ElectrumError
from axon.electrum.indexreading import MAX_HISTORY, read_worth
from axon.electrum.methods.arguments import script_hash
from axon.electrum.service import ElectrumService
from axon.primitives.hashes import Txid, to_hex
from axon.primitives.transaction import OutPoint, outpoint_index, outpoint_txid

MAX_SUBSCRIPTIONS: Final = 20_000
"""Scripts that one client may be subscribed to: a large wallet's."""


async def get_balance(service: ElectrumService, client: Client, scripthash: object) -> object:
    """Satoshis in blocks, and by how much the unconfirmed change that."""
    script = script_hash(scripthash)
    worth = await service.at_tip(lambda index: read_worth(index, script))
    client.caused(MAX_HISTORY if worth is None else worth[1])
    if worth is None or service.pool.view.count(script) > MAX_HISTORY:
        raise ElectrumError(HISTORY_TOO_LARGE)
    return {"confirmed": worth[0], "unconfirmed": service.pool.view.change_sat(script)}


async def get_history(service: ElectrumService, client: Client, scripthash: object) -> object:
    """All transactions that touch a script, in the order of the chain, the unconfirmed last."""
    script = script_hash(scripthash)
    confirmed = await service.confirmed_history(client, script)
    unconfirmed = await service.unconfirmed_history(client, script)
    return await service.off_loop_if_long(
        len(confirmed) + len(unconfirmed), _history, confirmed, unconfirmed
    )


async def get_mempool(service: ElectrumService, client: Client, scripthash: object) -> object:
    """The unconfirmed transactions that touch a script."""
    unconfirmed = await service.unconfirmed_history(client, script_hash(scripthash))
    return await service.off_loop_if_long(len(unconfirmed), _history, (), unconfirmed)


def _history(
    confirmed: Sequence[tuple[int, Txid]], unconfirmed: Sequence[tuple[int, Txid, int]]
) -> list[dict[str, object]]:
    shown: list[dict[str, object]] = [
        {"tx_hash": to_hex(txid), "height": height} for height, txid in confirmed
    ]
    for height, txid, fee_sat in unconfirmed:
        shown.append({"tx_hash": to_hex(txid), "height": height, "fee": fee_sat})
    return shown


async def listunspent(service: ElectrumService, client: Client, scripthash: object) -> object:
    """The outputs that a script can spend, in the order of the chain, the unconfirmed last."""
    script = script_hash(scripthash)
    outputs = await service.at_tip(lambda index: index.unspent(script, MAX_HISTORY))
    view = service.pool.view
    client.caused(MAX_HISTORY if outputs is None else len(outputs))
    if outputs is None or max(view.count(script), view.outputs(script)) > MAX_HISTORY:
        raise ElectrumError(HISTORY_TOO_LARGE)
    left = [output for output in outputs if view.spender(output.outpoint) is None]
    unconfirmed = view.unspent(script)
    client.caused(view.outputs(script))
    return await service.off_loop_if_long(len(left) + len(unconfirmed), _outputs, left, unconfirmed)


def _outputs(
    confirmed: Sequence[ScriptCoin], unconfirmed: Sequence[tuple[OutPoint, int]]
) -> list[dict[str, object]]:
    shown = [_output(each.outpoint, each.height, each.amount_sat) for each in confirmed]
    return shown + [_output(point, 0, amount_sat) for point, amount_sat in unconfirmed]


def _output(point: OutPoint, height: int, amount_sat: int) -> dict[str, object]:
    return {
        "tx_hash": to_hex(outpoint_txid(point)),
        "tx_pos": outpoint_index(point),
        "height": height,
        "value": amount_sat,
    }


async def subscribe(service: ElectrumService, client: Client, scripthash: object) -> object:
    """The status of a script; the client is told when it changes."""
    script = script_hash(scripthash)
    if len(client.scripts) >= MAX_SUBSCRIPTIONS and script not in client.scripts:
        raise ElectrumError("too many subscriptions", ElectrumCode.EXCESSIVE_USE)
    return await service.subscribe(client, script)


async def unsubscribe(service: ElectrumService, client: Client, scripthash: object) -> object:
    """Whether the client was subscribed; it is told no more."""
    return service.unsubscribe(client, script_hash(scripthash))
