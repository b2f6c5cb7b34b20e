"""Nodes, wallets and networks for tests of programs that use Bitcoin: real processes on regtest.

    with node(blocks=101) as n1, wallet(n1, funded="2.5") as alice:
        n1.mine(1)
        assert alice.balance() == Decimal("2.5")

Each has free ports and a temporary folder and is ended whatever happens. What fails inside the
block comes out with the last lines of the log in its notes. `axon.testing.plugin` makes pytest
fixtures of these. A `bitcoind` can stand in a node's place: `node("bitcoind")`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # The plugin lies below, and a run that uses none of this does not pay for it.
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

_HOMES: Final = {
    "MissingProgram": "nodes",
    "RegtestNode": "nodes",
    "RegtestWallet": "wallets",
    "Snapshots": "snapshots",
    "Topology": "networks",
    "network": "networks",
    "node": "nodes",
    "wallet": "wallets",
}
"""The module of each name."""


def __getattr__(name: str) -> object:
    """Load a name when it is first used."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'axon.testing' has no attribute {name!r}")
    found: object = getattr(import_module(f"axon.testing.{home}"), name)
    globals()[name] = found
    return found
