"""What is run for a transaction of a wallet: new, in the pool, or in a block (`-walletnotify`)."""

from __future__ import annotations

import asyncio
import shlex

from axon.host.notifycommands import NotifyCommands
from axon.primitives.hashes import BlockHash, Txid, to_hex


class Notifier:
    """Runs a command of the operator's; made on the event loop, told in the wallet's lane.

    Args:
        command: `%s` stands for the txid, `%w` for the wallet's name, `%b` for the hash of its
            block and `%h` for the height of that (`unconfirmed` and -1 while it has none); empty
            to run nothing.
        wallet: that name.
    """

    def __init__(self, command: str, wallet: str) -> None:
        self._command = command
        self._wallet = wallet
        self._commands = NotifyCommands()
        self._loop = asyncio.get_running_loop()

    @property
    def is_on(self) -> bool:
        """Whether there is anything to run."""
        return bool(self._command)

    def tell(self, txid: Txid, block: tuple[int, BlockHash] | None = None) -> None:
        """Run it for a transaction.

        Args:
            block: height and hash of the one that has it.
        """
        if self._command:
            height, name = (-1, "unconfirmed") if block is None else (block[0], to_hex(block[1]))
            told = self._command.replace("%s", to_hex(txid))
            told = told.replace("%b", name).replace("%h", str(height))
            told = told.replace("%w", shlex.quote(self._wallet))
            self._loop.call_soon_threadsafe(self._commands.start, told)

    def close(self) -> None:
        """Begin no more commands."""
        self._commands.close()
