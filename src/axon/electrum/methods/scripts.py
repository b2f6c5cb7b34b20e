"""What happened to a script, what it has, and who is told when that changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from axon.chain.scriptindex import ScriptCoin
from axon.electrum.client import Client
from axon.electrum.errors import HISTORY_TOO_LARGE, ElectrumCode, ElectrumError
from axon.electrum.methods.arguments import script_hash
from axon.electrum.service import MAX_HISTORY, ElectrumService
from axon.primitives.hashes import Txid, to_hex
from axon.primitives.transaction import OutPoint, outpoint_index, outpoint_txid

MAX_SUBSCRIPTIONS: Final = 20_000
"""Scripts that one client may be subscribed to: a large wallet's."""


async def get_balance(service: ElectrumService, _: Client, scripthash: object) -> object:
    """Satoshis in blocks, and by how much the unconfirmed change that."""
    script = script_hash(scripthash)
    outputs = await _confirmed_outputs(service, script)
    return {
        "confirmed": sum(output.amount_sat for output in outputs),
        "unconfirmed": service.pool.view.change_sat(script),
    }


async def get_history(service: ElectrumService, _: Client, scripthash: object) -> object:
    """All transactions that touch a script, in the order of the chain, the unconfirmed last."""
    script = script_hash(scripthash)
    history = await service.confirmed_history(script)
    shown: list[dict[str, object]] = [
        {"tx_hash": to_hex(txid), "height": height} for height, txid in history
    ]
    return shown + _shown(await service.unconfirmed_history(script))


async def get_mempool(service: ElectrumService, _: Client, scripthash: object) -> object:
    """The unconfirmed transactions that touch a script."""
    return _shown(await service.unconfirmed_history(script_hash(scripthash)))


def _shown(unconfirmed: Sequence[tuple[int, Txid, int]]) -> list[dict[str, object]]:
    return [
        {"tx_hash": to_hex(txid), "height": height, "fee": fee_sat}
        for height, txid, fee_sat in unconfirmed
    ]


async def listunspent(service: ElectrumService, _: Client, scripthash: object) -> object:
    """The outputs that a script can spend, in the order of the chain, the unconfirmed last."""
    script = script_hash(scripthash)
    outputs = await _confirmed_outputs(service, script)
    view = service.pool.view
    shown = [
        _output(output.outpoint, output.height, output.amount_sat)
        for output in outputs
        if view.spender(output.outpoint) is None
    ]
    return shown + [_output(point, 0, amount_sat) for point, amount_sat in view.unspent(script)]


def _output(point: OutPoint, height: int, amount_sat: int) -> dict[str, object]:
    return {
        "tx_hash": to_hex(outpoint_txid(point)),
        "tx_pos": outpoint_index(point),
        "height": height,
        "value": amount_sat,
    }


async def _confirmed_outputs(service: ElectrumService, script: bytes) -> list[ScriptCoin]:
    outputs = await service.at_tip(lambda index: index.unspent(script, MAX_HISTORY))
    if outputs is None or service.pool.view.count(script) > MAX_HISTORY:
        raise ElectrumError(HISTORY_TOO_LARGE)
    return outputs


async def subscribe(service: ElectrumService, client: Client, scripthash: object) -> object:
    """The status of a script; the client is told when it changes."""
    script = script_hash(scripthash)
    if len(client.scripts) >= MAX_SUBSCRIPTIONS and script not in client.scripts:
        raise ElectrumError("too many subscriptions", ElectrumCode.EXCESSIVE_USE)
    return await service.subscribe(client, script)


async def unsubscribe(service: ElectrumService, client: Client, scripthash: object) -> object:
    """Whether the client was subscribed; it is told no more."""
    return service.unsubscribe(client, script_hash(scripthash))
