"""The wallets of the node, and the one that a call means."""

from __future__ import annotations

from axon.rpc.corewallet.access import NOT_LOADED, LoadedWallet, Wallets
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Call
from axon.rpc.errors import Code, RpcError


def wallets_of(daemon: Daemon) -> Wallets:
    """The wallets of the node."""
    assert daemon.wallets is not None, "these methods are there only with wallets"
    return daemon.wallets


def wallet_of(daemon: Daemon, call: Call) -> LoadedWallet:
    """The wallet that a call means: by its path, or the only one.

    Raises:
        RpcError: -18 or -19, there is none or more than one.
    """
    loaded = wallets_of(daemon).loaded
    if call.wallet is not None:
        found = loaded.get(call.wallet)
        if found is None:
            raise RpcError(Code.WALLET_NOT_FOUND, NOT_LOADED)
        return found
    if not loaded:
        raise RpcError(
            Code.WALLET_NOT_FOUND,
            "No wallet is loaded. Load a wallet using loadwallet or create a new one with"
            " createwallet. (Note: A default wallet is no longer automatically created)",
        )
    if len(loaded) > 1:
        raise RpcError(
            Code.WALLET_NOT_SPECIFIED,
            "Multiple wallets are loaded. Please select which wallet to use by requesting the RPC"
            " through the /wallet/<walletname> URI path.",
        )
    return next(iter(loaded.values()))


async def seen_by(daemon: Daemon, call: Call) -> LoadedWallet:
    """The same, when it has seen all that the node has."""
    wallet = wallet_of(daemon, call)
    await wallet.synced()
    return wallet
