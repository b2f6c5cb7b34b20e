"""A block now and then while a network with Bitcoin Core comes together.

In its first sync a bitcoind asks one peer for headers. If that peer has none either, it asks the
others only when they announce a block, or after a quarter of an hour. In any network a block comes
sooner; where nobody mines, whoever waits here has one found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from axon.drivers.aio.clock import Clock
from axon.machine import SECOND
from axon.rpc.client import Unauthorized, Unreachable
from axon.rpc.errors import RpcError
from axon.swarm.lab.faucet import mine
from axon.swarm.lab.manifest import Manifest, NodeProgram
from axon.swarm.lab.members import node_of
from axon.swarm.lab.nodeprocess import NodeView

BLOCK_EVERY_S: Final = 10.0
"""About as often as the miners of a run."""


class BlockPrompt:
    """Has the node with most work find a block whenever others have been behind for long.

    Args:
        manifest: of the run; nothing is done while it is cut, or if no node is a bitcoind.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._clock = Clock()
        self._last = self._clock.now()
        self._needed = any(item.program is NodeProgram.BITCOIND for item in manifest.nodes)

    def look(self, seen: Sequence[NodeView]) -> None:
        """Have one found if it is time.

        Args:
            seen: what the living nodes say.
        """
        answering = [item for item in seen if item.answers]
        now = self._clock.now()
        if not self._needed or self._manifest.sides or len({item.tip for item in answering}) < 2:
            return
        if now < self._last + int(BLOCK_EVERY_S * SECOND):
            return
        self._last = now
        best = max(answering, key=lambda item: item.work)
        try:
            mine(node_of(self._manifest, best.name))
        except (RpcError, Unreachable, Unauthorized):
            return  # It may have ended just now; there is a next time.
