"""Where the server of a node that may have wallets finds their methods."""

from __future__ import annotations

from types import ModuleType
from typing import Final

from axon.rpc.corewallet import (
    addresses,
    balance,
    bumping,
    coins,
    descriptors,
    drafting,
    encryption,
    importing,
    labels,
    managing,
    messages,
    pruned,
    received,
    sending,
    signing,
    sweeping,
    transactions,
)

CORE_WALLET_MODULES: Final[tuple[ModuleType, ...]] = (
    addresses,
    balance,
    bumping,
    coins,
    descriptors,
    drafting,
    encryption,
    importing,
    labels,
    managing,
    messages,
    pruned,
    received,
    sending,
    signing,
    sweeping,
    transactions,
)
"""Left out with `-disablewallet`."""
