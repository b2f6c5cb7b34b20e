"""The methods of a wallet, a module for each noun; their context is a `WalletDaemon`."""

from __future__ import annotations

from types import ModuleType
from typing import Final

from axon.rpc import commonmethods
from axon.rpc.walletmethods import (
    addresses,
    balance,
    chain,
    coins,
    control,
    corenames,
    corepaying,
    delivery,
    direct,
    drafts,
    fees,
    history,
    keeping,
    labels,
    packets,
    partners,
    payjoins,
    payments,
    peers,
)

WALLET_MODULES: Final[tuple[ModuleType, ...]] = (
    addresses,
    balance,
    chain,
    coins,
    control,
    corenames,
    corepaying,
    delivery,
    direct,
    drafts,
    fees,
    history,
    keeping,
    labels,
    packets,
    partners,
    payjoins,
    payments,
    peers,
    commonmethods,
)
"""Where the server of a wallet, or a program that runs one, finds its methods."""
