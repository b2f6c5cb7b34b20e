"""Where other wallets ask this one to join their payments (BIP 78), for as long as it is open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

from axon.machine import Endpoint
from axon.payments.httpjoin import JoinOffer
from axon.payments.payjoin import Declined, Offer, Proposal, Trouble


class PayjoinPort:
    """Listens where it is told to, inside `async with`.

    Args:
        ask: puts a command to the wallet.
    """

    def __init__(self, ask: Callable[[object], Awaitable[Any]]) -> None:
        self._ask = ask
        self._servers = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close all connections."""
        await self._servers.aclose()

    async def listen(self, endpoint: Endpoint) -> Endpoint:
        """Listen; where it really is.

        Raises:
            ConfigError: the endpoint cannot be bound.
        """
        # Few wallets join payments of others, and an HTTP server takes memory.
        from axon.rpc.payjoinserver import PayjoinServer

        server = await self._servers.enter_async_context(PayjoinServer(endpoint, self._join))
        return server.endpoint

    async def _join(self, name: str, offer: Offer) -> Proposal | Declined:
        try:
            invoice_id = bytes.fromhex(name)
        except ValueError:
            return Declined(Trouble.UNAVAILABLE, "there is no such invoice")
        answered = await self._ask(JoinOffer(invoice_id, offer))
        said: Proposal | Declined = answered.said
        return said
