"""axon: Bitcoin's peer-to-peer network in Python.

What stands in `__all__` is the library. `docs/library.md` shows each and says what is promised.
Each is loaded when it is first used, so `import axon` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

import axon.compiled  # noqa: F401  # Before any module that may be compiled.

if TYPE_CHECKING:
    from axon.drivers.aio.driver import AsyncioDriver
    from axon.drivers.sim.driver import Simulation
    from axon.errors import AxonError
    from axon.host.fullnode import full_node
    from axon.host.lightclient import light_client
    from axon.host.lightwallet import light_wallet
    from axon.host.newwallet import create_wallet
    from axon.host.rpcsettings import RpcSettings
    from axon.host.settings import (
        Bind,
        FullNodeSettings,
        LightSettings,
        PeerSettings,
    )
    from axon.host.version import VERSION as __version__
    from axon.machine import Endpoint
    from axon.node.full import FullNode
    from axon.node.spv import SpvNode
    from axon.primitives.address import decode_address, encode_address
    from axon.primitives.block import Block
    from axon.primitives.header import Header
    from axon.primitives.network import MAINNET, REGTEST, SIGNET, TESTNET4, Network
    from axon.primitives.transaction import Transaction
    from axon.rpc.asyncclient import AsyncRpcClient
    from axon.rpc.client import RpcClient
    from axon.rpc.errors import RpcError
    from axon.swarm.sim.simulation import SimNetwork

__all__ = [
    "MAINNET",
    "REGTEST",
    "SIGNET",
    "TESTNET4",
    "AsyncRpcClient",
    "AsyncioDriver",
    "AxonError",
    "Bind",
    "Block",
    "Endpoint",
    "FullNode",
    "FullNodeSettings",
    "Header",
    "LightSettings",
    "Network",
    "PeerSettings",
    "RpcClient",
    "RpcError",
    "RpcSettings",
    "SimNetwork",
    "Simulation",
    "SpvNode",
    "Transaction",
    "__version__",
    "create_wallet",
    "decode_address",
    "encode_address",
    "full_node",
    "light_client",
    "light_wallet",
]

_HOMES: Final = {
    "AsyncRpcClient": "rpc.asyncclient",
    "AsyncioDriver": "drivers.aio.driver",
    "AxonError": "errors",
    "Bind": "host.settings",
    "Block": "primitives.block",
    "Endpoint": "machine",
    "FullNode": "node.full",
    "FullNodeSettings": "host.settings",
    "Header": "primitives.header",
    "LightSettings": "host.settings",
    "MAINNET": "primitives.network",
    "Network": "primitives.network",
    "PeerSettings": "host.settings",
    "REGTEST": "primitives.network",
    "RpcClient": "rpc.client",
    "RpcError": "rpc.errors",
    "RpcSettings": "host.rpcsettings",
    "SIGNET": "primitives.network",
    "SimNetwork": "swarm.sim.simulation",
    "Simulation": "drivers.sim.driver",
    "SpvNode": "node.spv",
    "TESTNET4": "primitives.network",
    "Transaction": "primitives.transaction",
    "create_wallet": "host.newwallet",
    "decode_address": "primitives.address",
    "encode_address": "primitives.address",
    "full_node": "host.fullnode",
    "light_client": "host.lightclient",
    "light_wallet": "host.lightwallet",
}
"""The module of each name, below `axon`."""


def __getattr__(name: str) -> object:
    """Load a name of the library."""
    if name == "__version__":
        from axon.host.version import VERSION

        return VERSION
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'axon' has no attribute {name!r}")
    found: object = getattr(import_module(f"axon.{home}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
