"""Calls of a node's methods, of a node with a short chain."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from axon.drivers.aio.clock import Clock
from axon.machine import NoCommand
from axon.node.work import perform
from axon.rpc.amounts import Json
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Registry
from axon.rpc.methods import MODULES
from fuzz.calls import Calls
from tests.node.rig import NOW, Rig

_LEFT_OUT: Final = frozenset(
    ("generatetoaddress", "generatetodescriptor", "generateblock", "stop", "scantxoutset")
)
"""They mine for as long as they are told to, or need a node that goes on by itself."""

_REGISTRY: Final = Registry(MODULES)

_EXAMPLES: Final[dict[str, Json]] = {
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
_T = TypeVar("_T")
CALL_S: Final = 10.0

CALLS_A_NODE: Final = 500
"""Calls change a node; after so many there is a new one, and none is far from its start."""


class _Switches:
    """A log that has no categories."""

    def categories(self) -> Mapping[str, bool]:
        return {}

    def enable(self, category: str) -> bool:
        return category == "all"

    def disable(self, category: str) -> bool:
        return category == "all"


class HeldNode:
    """A node in memory, and the context of its methods."""

    def __init__(self) -> None:
        self._rig = rig = Rig()
        self._runner = asyncio.Runner()
        clock = Clock()
        clock.set_mock(NOW)
        self.calls = 0

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
            blocks_folder=Path("blocks"),
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
        self.daemon.calls = _REGISTRY.active

    def call(self, name: str, params: object) -> Json:
        """The result of a method.

        Raises:
            RpcError: it refuses.
        """
        return self.run(_REGISTRY.execute(self.daemon, name, params))

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """The outcome of some work on the node's loop, which ends within `CALL_S`."""
        return self._runner.run(asyncio.wait_for(work, CALL_S))

    def close(self) -> None:
        self.daemon.close()
        self._runner.close()


_nodes: Final[list[HeldNode]] = []


def held_node() -> HeldNode:
    """The node of this process, or a new one in its place."""
    if _nodes and _nodes[0].calls >= CALLS_A_NODE:
        _nodes.pop().close()
    if not _nodes:
        _nodes.append(HeldNode())
    _nodes[0].calls += 1
    return _nodes[0]


CALLS: Final = Calls(
    _REGISTRY, _LEFT_OUT, _EXAMPLES, lambda name, params: held_node().call(name, params)
)

TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "node-calls": CALLS.read,
    "node-arguments": CALLS.drawn,
}
