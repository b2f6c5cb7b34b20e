"""Every method of the protocol, in which versions it is there, and what it costs."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from axon.electrum.client import Client
from axon.electrum.errors import ElectrumCode, ElectrumError
from axon.electrum.methods import fees, headers, scripts, server, transactions
from axon.electrum.service import ElectrumService
from axon.electrum.session import ElectrumCall
from axon.electrum.versions import PROTOCOL_MIN, ProtocolVersion

_NEVER: Final[ProtocolVersion] = (1 << 30,)


@dataclass(frozen=True, slots=True)
class ElectrumMethod:
    """One method.

    Args:
        function: what it does; it is given the service, the client, and what was asked.
        units: what it costs at least, in about a millisecond of the node's work; what it turns out
            to cost beyond that is counted by what is read, and by the length of the answer.
        since: the first version that has it.
        until: the first that has it no more.
    """

    function: Callable[..., Awaitable[object]]
    units: float = 1.0
    since: ProtocolVersion = PROTOCOL_MIN
    until: ProtocolVersion = _NEVER
    signature: inspect.Signature = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "signature", inspect.signature(self.function))

    def is_in(self, version: ProtocolVersion) -> bool:
        """Whether a version has it."""
        return self.since <= version < self.until


METHODS: Final[dict[str, ElectrumMethod]] = {
    "blockchain.block.header": ElectrumMethod(headers.block_header),
    "blockchain.block.headers": ElectrumMethod(headers.block_headers, 3),
    "blockchain.estimatefee": ElectrumMethod(fees.estimatefee),
    "blockchain.headers.subscribe": ElectrumMethod(headers.headers_subscribe, 0.3),
    "blockchain.relayfee": ElectrumMethod(fees.relayfee, 0.2, until=(1, 6)),
    "blockchain.scripthash.get_balance": ElectrumMethod(scripts.get_balance),
    "blockchain.scripthash.get_history": ElectrumMethod(scripts.get_history),
    "blockchain.scripthash.get_mempool": ElectrumMethod(scripts.get_mempool),
    "blockchain.scripthash.listunspent": ElectrumMethod(scripts.listunspent),
    "blockchain.scripthash.subscribe": ElectrumMethod(scripts.subscribe),
    "blockchain.scripthash.unsubscribe": ElectrumMethod(scripts.unsubscribe, 0.2),
    "blockchain.transaction.broadcast": ElectrumMethod(transactions.broadcast, 20),
    "blockchain.transaction.broadcast_package": ElectrumMethod(
        transactions.broadcast_package, 50, since=(1, 6)
    ),
    "blockchain.transaction.get": ElectrumMethod(transactions.get, 2),
    "blockchain.transaction.get_merkle": ElectrumMethod(transactions.get_merkle),
    "blockchain.transaction.id_from_pos": ElectrumMethod(transactions.id_from_pos),
    "mempool.get_fee_histogram": ElectrumMethod(fees.get_fee_histogram, 2),
    "mempool.get_info": ElectrumMethod(fees.get_info, 0.2, since=(1, 6)),
    "server.add_peer": ElectrumMethod(server.add_peer, 0.2),
    "server.banner": ElectrumMethod(server.banner, 0.2),
    "server.donation_address": ElectrumMethod(server.donation_address, 0.2),
    "server.features": ElectrumMethod(server.features, 0.2),
    "server.peers.subscribe": ElectrumMethod(server.peers_subscribe, 0.2),
    "server.ping": ElectrumMethod(server.ping, 0.2),
    "server.version": ElectrumMethod(server.version, 0.2),
}
"""By name. That one may unsubscribe is of 1.4.2, but clients of 1.4 do."""


def find(call: ElectrumCall, version: ProtocolVersion) -> ElectrumMethod:
    """The method that is called.

    Raises:
        ElectrumError: this version has none of that name.
    """
    found = METHODS.get(call.method)
    if found is None or not found.is_in(version):
        shown = call.method[:80]
        raise ElectrumError(f'unknown method "{shown}"', ElectrumCode.METHOD_NOT_FOUND)
    return found


async def run(
    method: ElectrumMethod, service: ElectrumService, client: Client, call: ElectrumCall
) -> object:
    """Do what is asked.

    Raises:
        ElectrumError: the parameters do not fit, or the method refuses.
    """
    named = call.params if isinstance(call.params, dict) else {}
    ordered = call.params if isinstance(call.params, list) else []
    try:
        bound = method.signature.bind(service, client, *ordered, **named)
    except TypeError as error:
        raise ElectrumError(f"{call.method}: {error}"[:200], ElectrumCode.INVALID_PARAMS) from None
    return await method.function(*bound.args, **bound.kwargs)
