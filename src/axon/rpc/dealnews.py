"""Callers that wait for news of payments between wallets."""

from __future__ import annotations

from axon.rpc.waiters import Waiters


class DealNews:
    """Counts what may have moved such payments on, and wakes who waits for the next of it."""

    def __init__(self) -> None:
        self.count = 0
        """How often something has happened; whoever looks at payments reads it before."""
        self._waiters = Waiters()

    def tell(self) -> None:
        """Payments may be at other stages than before."""
        self.count += 1
        self._waiters.wake()

    def close(self) -> None:
        """Nothing will happen any more: whoever waits, now or later, gets `Stopped`."""
        self._waiters.close()

    async def wait(self, known: int, timeout_s: float | None) -> None:
        """Wait until more has happened than is known, or for so long.

        Args:
            known: `count` as it was before the caller looked.
            timeout_s: None for no limit.

        Raises:
            Stopped: the program stops before.
        """
        await self._waiters.wait_for(lambda: self.count != known, timeout_s)
