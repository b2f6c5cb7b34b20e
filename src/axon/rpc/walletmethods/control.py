"""The program itself: how long it runs, its end."""

from __future__ import annotations

from axon.machine import SECOND
from axon.rpc.amounts import Json
from axon.rpc.dispatch import method
from axon.rpc.walletdaemon import WalletDaemon


@method("control")
def uptime(daemon: WalletDaemon) -> Json:
    """Returns for how long this wallet has been running.

    Returns:
        n    (numeric) The number of seconds
    """
    return max(0, daemon.clock.now() - daemon.started_at) // SECOND


@method("control")
def stop(daemon: WalletDaemon) -> Json:
    """Request that this wallet is closed in order.

    Returns:
        "str"    (string) A string with the content 'axon wallet stopping'
    """
    daemon.stop()
    return "axon wallet stopping"


@method("control")
def getrpcinfo(daemon: WalletDaemon) -> Json:
    """Returns details of the RPC server.

    Returns:
        {                          (json object)
          "active_commands" : [    (json array) All active commands
            {                      (json object)
              "method" : "str",    (string) The name of the RPC command
              "duration" : n       (numeric) The running time in microseconds
            },
            ...
          ],
          "logpath" : "str"        (string) Where the log is written, with -debug
        }
    """
    return {
        "active_commands": [
            {"method": name, "duration": duration_us} for name, duration_us in daemon.calls()
        ],
        "logpath": str(daemon.folder / "debug.log"),
    }
