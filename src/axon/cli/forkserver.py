"""The programs of a lab, each loaded once and ready to be forked (`axon.swarm.lab.forkserver`)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from axon.swarm.lab.forkserver import Loader, Program, serve

# Each loads what no other needs, so that nobody waits for what nobody asked for.


def _node() -> Program:
    from axon.cli.node import main as run

    return run


def _miner() -> Program:
    from axon.swarm.lab.minerloop import main as run

    return run


def _wallet() -> Program:
    # The server is among what a served wallet loads when it begins.
    import axon.rpc.server  # noqa: F401
    from axon.cli.wallet import main as run
    from axon.host.lightwallet import WALLET_FILE
    from axon.swarm.lab.walletkeys import make_wallet

    def make_and_serve(arguments: Sequence[str]) -> int:
        """Serve a wallet; one that is not there is first made from its words.

        Args:
            arguments: the wallet's folder, the files with its words and its passphrase, and what
                stands behind `axon wallet serve`.
        """
        folder, words, passphrase, *rest = arguments
        make_wallet(Path(folder) / WALLET_FILE, Path(words), Path(passphrase))
        return run(["serve", *rest])

    return make_and_serve


LOADERS: Final[dict[str, Loader]] = {"node": _node, "miner": _miner, "wallet": _wallet}


def main(lock: int) -> int:
    """Spawn what is asked for on standard input until it ends; the exit code.

    Args:
        lock: the descriptor of the locked file of the run.
    """
    return serve(LOADERS, lock, sys.stdin.buffer, sys.stdout.buffer)
