"""A wallet as a command of `axon wallet` gets it, with the log that the command line asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

from axon.cli.walletoptions import WalletOptions
from axon.host import walletclient
from axon.host.logfile import Log
from axon.host.walletclient import WalletClient


def opened(
    options: WalletOptions, *, dials: bool = True, serves: bool = False
) -> AbstractContextManager[WalletClient]:
    """A wallet, until the block is left.

    Args:
        options: which one, and how it meets its nodes.
        dials: whether nodes are dialled if it is opened here.
        serves: whether other commands may ask it meanwhile.

    Raises:
        ConfigError: there is no wallet of this name.
        StorageError: it is open in another program, damaged, or the disk refuses.
    """
    settings = options.light if dials else replace(options.light, offline=True)
    return walletclient.opened(settings, options.name, serves=serves, log=lambda: logged(options))


@contextmanager
def logged(options: WalletOptions) -> Iterator[None]:
    """Write the log of this run, if one is wanted and the wallet is there."""
    if options.log is None or not options.light.wallet_folder(options.name).is_dir():
        yield
        return
    log = Log(options.log)
    log.open()
    try:
        yield
    finally:
        log.close()
