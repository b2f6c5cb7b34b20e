"""Blocks that a wallet of a node looks through once more, because somebody wants it to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

from axon.chain.activechain import ActiveChain
from axon.node.walletfollow import LookAt
from axon.rpc.errors import Code, RpcError

_STEP_BLOCKS: Final = 100

UNDER_WAY: Final = "Wallet is currently rescanning. Abort existing rescan or wait."

Look = Callable[[LookAt], Awaitable[int]]
"""Shows blocks to the wallet; how many of them it has seen."""


class WalletRescan:
    """At most one at a time; on the event loop.

    Args:
        active: the node's chain.
        look: shows blocks to the wallet.
    """

    def __init__(self, active: ActiveChain, look: Look) -> None:
        self._active = active
        self._look = look
        self._begun_s: float | None = None
        self._done = 0.0
        self._aborted = False

    @property
    def progress(self) -> tuple[int, float] | None:
        """While it runs: seconds since it began, and what part is done."""
        return None if self._begun_s is None else (int(monotonic() - self._begun_s), self._done)

    def abort(self) -> bool:
        """Break it off; whether there was anything."""
        if self._begun_s is None or self._aborted:
            return False
        self._aborted = True
        return True

    async def run(self, start_height: int, stop_height: int) -> None:
        """Look through blocks, upwards.

        Raises:
            RpcError: it runs already, it was broken off, or the bytes of a block are gone.
        """
        if self._begun_s is not None:
            raise RpcError(Code.WALLET, UNDER_WAY)
        self._aborted, self._begun_s, self._done = False, monotonic(), 0.0
        try:
            height = max(start_height, 1)
            while height <= stop_height:
                step = self._step(height, stop_height)
                if not step.blocks:
                    break
                count = await self._look(step)
                if count == 0:
                    raise RpcError(
                        Code.MISC,
                        "Can't rescan beyond pruned data. Use RPC call getblockchaininfo to"
                        " determine your pruned height.",
                    )
                if self._aborted:
                    raise RpcError(Code.MISC, "Rescan aborted.")
                height += count
                self._done = (height - start_height) / max(stop_height - start_height + 1, 1)
        finally:
            self._begun_s = None

    def _step(self, height: int, stop_height: int) -> LookAt:
        last = min(height + _STEP_BLOCKS - 1, stop_height)
        entries = [self._active.at(each) for each in range(height, last + 1)]
        return LookAt(tuple([(each.height, each.hash) for each in entries if each]))
