"""`serve`: keeps a wallet open and connected, for commands, screens and programs that ask it."""

from __future__ import annotations

from axon.cli.walletaccess import logged
from axon.cli.walletoptions import AddCommand, WalletOptions
from axon.cli.walletview import say
from axon.drivers.aio.loop import run_forgetful_loop
from axon.errors import ConfigError
from axon.host.datadir import locked
from axon.host.lightwallet import RunningWallet, find_wallet
from axon.host.secretmemory import lock_memory
from axon.host.walletclient import find_served, when_free
from axon.host.walletprogram import run_wallet


def add_commands(add: AddCommand) -> None:
    """Add the commands."""
    serve = add(
        "serve",
        _serve,
        "keep it running until ctrl-C, and let other commands ask it",
        more="Keep the wallet open and connected until ctrl-C. Meanwhile all other commands go to "
        "it. It takes JSON-RPC calls on a port of this machine; rpc.json in the wallet's folder "
        "says on which, and .cookie holds the password.",
    )
    serve.add_argument(
        "-rpcport", "--rpcport", type=int, default=0, metavar="PORT", help="default: any free one"
    )


def _serve(options: WalletOptions) -> int:
    folder = find_wallet(options.light, options.name).parent

    def started(wallet: RunningWallet) -> None:
        assert wallet.rpc is not None, "it is served"
        say(
            f"axon wallet {options.name} on {options.light.network.name}, RPC at"
            f" {wallet.rpc.endpoints[0]}; ctrl-C stops it"
        )

    def run() -> None:
        with locked(folder), logged(options):
            run_forgetful_loop(
                run_wallet(options.light, options.name, options.arguments.rpcport, on_start=started)
            )

    lock_memory()
    served = find_served(folder)
    if served is not None:
        served.close()
        raise ConfigError(
            f"wallet {options.name} is open already, by axon wallet serve or open: other commands"
            " go there"
        )
    when_free(run)
    return 0
