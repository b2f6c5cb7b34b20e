"""Calls of a whole node's RPC: any parameters, on a node with a short chain."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from axon.drivers.aio.clock import Clock
from axon.machine import NoCommand
from axon.node.work import perform
from axon.rpc.amounts import Json, decode_json, encode_json
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Registry
from axon.rpc.errors import RpcError
from axon.rpc.jsonrpc import Request, parse_request, reply
from axon.rpc.methods import MODULES
from fuzz.source import Source
from tests.node.rig import NOW, Rig

_LEFT_OUT: Final = frozenset(
    ("generatetoaddress", "generatetodescriptor", "generateblock", "stop", "scantxoutset")
)
"""They mine for as long as they are told to, or need a node that goes on by itself."""

REGISTRY: Final = Registry(MODULES)

METHODS: Final = tuple(
    name for name, method in REGISTRY.methods.items() if not method.waits and name not in _LEFT_OUT
)
"""Those that are called."""

EXAMPLES: Final[dict[str, Json]] = {
    "address": "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
    "addresses": ["bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"],
    "blockhash": "00" * 32,
    "command": "help",
    "descriptor": "addr(bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080)",
    "dummy": "",
    "hash_or_height": 3,
    "hexdata": "00" * 80,
    "hexstring": "0200000000010100000000000000",
    "inputs": [{"txid": "11" * 32, "vout": 0}],
    "node": "1.2.3.4:8333",
    "outputs": {"bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080": 0.01},
    "package": ["00", "00"],
    "proof": "00" * 84,
    "rawtxs": ["00"],
    "stats": ["height", "txs"],
    "subnet": "1.2.3.0/24",
    "template_request": {"rules": ["segwit"]},
    "txid": "11" * 32,
    "txids": ["11" * 32],
}
"""Of parameters by name, to begin with; of others a one."""

CALL_S: Final = 10.0

INPUTS_A_NODE: Final = 500
"""Calls change a node; after so many inputs there is a new one, and none is far from its start."""


def examples() -> list[bytes]:
    """A call of each method with all its parameters."""
    return [
        json.dumps(
            {
                "method": name,
                "params": {
                    each.spelling: EXAMPLES.get(each.spelling, 1)
                    for each in (
                        *REGISTRY.methods[name].parameters,
                        *REGISTRY.methods[name].options,
                    )
                    if each.spelling != "options"
                },
            }
        ).encode()
        for name in METHODS
    ]


class _Switches:
    """A log that has no categories."""

    def categories(self) -> Mapping[str, bool]:
        return {}

    def enable(self, category: str) -> bool:
        return category == "all"

    def disable(self, category: str) -> bool:
        return category == "all"


class _Node:
    """A node in memory, and the context of its methods."""

    def __init__(self) -> None:
        self._rig = rig = Rig()
        self._runner = asyncio.Runner()
        clock = Clock()
        clock.set_mock(NOW)
        self.inputs = 0

        async def command(asked: object) -> object:
            answer = rig.command(asked)
            assert not isinstance(answer, NoCommand), "a method asks what the node does not know"
            return answer

        async def save_mempool() -> Path:
            return Path("mempool.dat")

        async def save_peers() -> None:
            return None

        self.daemon = Daemon(
            node=rig.node,
            clock=clock,
            folder=Path(),
            command=command,
            stop=lambda: None,
            traffic=lambda: (0, 0),
            started_at=NOW,
            perform=lambda job: perform(rig.ledger, job),
            save_mempool=save_mempool,
            save_peers=save_peers,
            logs=_Switches(),
        )
        self.daemon.pool_loaded = True
        self.daemon.calls = REGISTRY.active

    def call(self, name: str, params: object) -> Json:
        """The result of a method.

        Raises:
            RpcError: it refuses.
        """
        work = asyncio.wait_for(REGISTRY.execute(self.daemon, name, params), CALL_S)
        return self._runner.run(work)

    def close(self) -> None:
        self.daemon.close()
        self._runner.close()


_nodes: Final[list[_Node]] = []


def _node() -> _Node:
    if _nodes and _nodes[0].inputs >= INPUTS_A_NODE:
        _nodes.pop().close()
    if not _nodes:
        _nodes.append(_Node())
    _nodes[0].inputs += 1
    return _nodes[0]


def node_calls(data: bytes) -> None:
    """A call in JSON: it has a result that JSON can say, or is refused."""
    try:
        asked = decode_json(data)
    except ValueError:
        return
    if not isinstance(asked, dict):
        return
    request, error = parse_request(asked)
    if error is not None or request.method not in METHODS:
        return
    with suppress(RpcError):
        result = _node().call(request.method, request.params)
        encode_json(reply(request, result, None))


_NUMBERS: Final = (0, 1, -1, 2, 3, 112, 113, 2**31 - 1, 2**31, 2**32, 2**63, 2**64, 10**30)
_TEXTS: Final = (
    "",
    "00" * 32,
    "11" * 32,
    "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
    "1.2.3.4",
    "height",
    "all",
    "\ud800",
    "\x00",
    "é",
)


def _value(source: Source, depth: int = 0) -> Json:
    """Any value of JSON, with a liking for those that mean something."""
    match source.below(10 if depth < 3 else 7):
        case 0:
            return None
        case 1:
            return source.flag()
        case 2:
            return source.choose(_NUMBERS)
        case 3:
            return source.number(1) / 100
        case 4:
            return source.choose(_TEXTS)
        case 5:
            return source.piece().hex()
        case 6:
            return source.choose(list(EXAMPLES.values()))
        case 7:
            return [_value(source, depth + 1) for _ in range(source.below(4))]
        case _:
            names = [*EXAMPLES, "desc", "range", "txid", "vout", "mode", "data", "rules", "amount"]
            return {source.choose(names): _value(source, depth + 1) for _ in range(source.below(4))}


def node_arguments(data: bytes) -> None:
    """Calls one after the other, with values drawn from the input in the parameters' places."""
    source = Source(data)
    while not source.is_empty:
        name = source.choose(METHODS)
        count = source.below(len(REGISTRY.methods[name].parameters) + 2)
        params: list[Json] = [_value(source) for _ in range(count)]
        with suppress(RpcError):
            result = _node().call(name, params)
            encode_json(reply(Request(name, params), result, None))


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "node-calls": node_calls,
    "node-arguments": node_arguments,
}
