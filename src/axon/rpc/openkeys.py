"""The keys of a wallet that is served, while its owner lets them be open."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from axon.wallet.keys import Mnemonic


class OpenKeys:
    """A mnemonic for a time; on the loop only."""

    def __init__(self) -> None:
        self.mnemonic: Mnemonic | None = None
        self._timer: asyncio.TimerHandle | None = None

    def open(self, mnemonic: Mnemonic, seconds: int) -> None:
        """Hold it for so long; what was held before is let go."""
        self.lock()
        self.mnemonic = mnemonic
        self._timer = asyncio.get_running_loop().call_later(seconds, self.lock)

    def lock(self) -> None:
        """Let it go."""
        if self._timer is not None:
            self._timer.cancel()
        self.mnemonic, self._timer = None, None
