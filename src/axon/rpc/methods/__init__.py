"""The RPC methods, a module for each group of questions."""

from __future__ import annotations

from types import ModuleType
from typing import Final

from axon.rpc import commonmethods
from axon.rpc.methods import (
    addresses,
    bans,
    blocks,
    blocktemplate,
    chain,
    coins,
    coinsums,
    control,
    fees,
    generating,
    indexed,
    keys,
    mempool,
    mining,
    network,
    peers,
    privatebroadcast,
    psbts,
    psbtupdates,
    rawtransactions,
    rearranging,
    storedblocks,
    submission,
    timelines,
    util,
    waiting,
)

MODULES: Final[tuple[ModuleType, ...]] = (
    addresses,
    bans,
    blocks,
    blocktemplate,
    chain,
    coins,
    coinsums,
    control,
    fees,
    generating,
    indexed,
    keys,
    mempool,
    mining,
    network,
    peers,
    privatebroadcast,
    psbts,
    psbtupdates,
    rawtransactions,
    rearranging,
    storedblocks,
    submission,
    timelines,
    util,
    waiting,
    commonmethods,
)
"""Where a server finds its methods."""
