"""The end of the program."""

from __future__ import annotations

from axon.rpc.amounts import Json
from axon.rpc.dispatch import method
from axon.rpc.walletdaemon import WalletDaemon


@method("control")
def stop(daemon: WalletDaemon) -> Json:
    """Request that this wallet is closed in order.

    Returns:
        "str"    (string) A string with the content 'axon wallet stopping'
    """
    daemon.stop()
    return "axon wallet stopping"
