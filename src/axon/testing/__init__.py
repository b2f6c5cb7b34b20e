"""Nodes, wallets and networks for tests of programs that use Bitcoin: real processes on regtest.

    with node(blocks=101) as n1, wallet(n1, funded="2.5") as alice:
        n1.mine(1)
        assert alice.balance() == Decimal("2.5")

Each has free ports and a temporary folder and is ended whatever happens. What fails inside the
block comes out with the last lines of the log in its notes. `axon.testing.plugin` makes pytest
fixtures of these. A `bitcoind` can stand in a node's place: `node("bitcoind")`.
"""

from __future__ import annotations

from axon.testing.networks import Topology, network
from axon.testing.nodes import MissingProgram, RegtestNode, node
from axon.testing.snapshots import Snapshots
from axon.testing.wallets import RegtestWallet, wallet

__all__ = [
    "MissingProgram",
    "RegtestNode",
    "RegtestWallet",
    "Snapshots",
    "Topology",
    "network",
    "node",
    "wallet",
]
