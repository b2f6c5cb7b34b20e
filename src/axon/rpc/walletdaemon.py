"""What the methods of a wallet are given: the light client that runs, and the wallet it serves.

The node is read on its own thread, the event loop; the wallet is never touched there. Whatever is
asked of it is a command, a value that runs in the wallet's lane, between the jobs of the scan, so a
wallet does one thing at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from axon.chain.blockfees import BLOCKS
from axon.drivers.aio.clock import Clock
from axon.errors import WalletError
from axon.machine import SECOND, Instant
from axon.node.commands import Feerates, RecentFeerates
from axon.node.spv import SpvNode
from axon.node.walletjobs import AskWallet, WalletCommand
from axon.p2p.txbroadcast import Spread
from axon.primitives.hashes import BlockHash, Txid
from axon.rpc.errors import Code, RpcError
from axon.rpc.waiters import Waiters
from axon.wallet import errors as refusals

FEES_LIMIT_S: Final = 20.0
"""How long the last blocks are waited for; with them come 10 MB on the main network."""

_CODES: Final[dict[type[WalletError], Code]] = {
    refusals.NoWallet: Code.WALLET_NOT_FOUND,
    refusals.WrongPassphrase: Code.PASSPHRASE_INCORRECT,
    refusals.BadDescriptor: Code.NOT_FOUND,
    refusals.BadAddress: Code.NOT_FOUND,
    refusals.UnknownTransaction: Code.NOT_FOUND,
    refusals.BadAmount: Code.TYPE,
    refusals.BadFee: Code.PARAMETER,
    refusals.CoinUnavailable: Code.PARAMETER,
    refusals.BadLabel: Code.INVALID_LABEL,
    refusals.BadPsbt: Code.DESERIALIZATION,
    refusals.AddressGap: Code.KEYPOOL_RAN_OUT,
    refusals.InsufficientFunds: Code.INSUFFICIENT_FUNDS,
}
"""Bitcoin Core's numbers for what a wallet refuses; all else is its general `WALLET`."""

_T = TypeVar("_T")


def refusal(error: WalletError) -> RpcError:
    """What a wallet refuses, as a caller sees it."""
    return RpcError(_CODES.get(type(error), Code.WALLET), str(error))


@dataclass(eq=False)
class WalletDaemon:
    """The context of every method of a wallet.

    Args:
        node: read on the loop only.
        name: of the wallet.
        folder: of the wallet.
        clock: the node's.
        put: puts a command to the machine; its answer.
        stop: begins an orderly stop.
        traffic: bytes received and sent since the start.
        started_at: by the clock.
        calls: the calls under way: their methods, and microseconds since they began.
    """

    node: SpvNode
    name: str
    folder: Path
    clock: Clock
    put: Callable[[object], Awaitable[object]]
    stop: Callable[[], None]
    traffic: Callable[[], tuple[int, int]]
    started_at: Instant = 0
    calls: Callable[[], Sequence[tuple[str, int]]] = tuple
    _waiters: Waiters = field(default_factory=Waiters)
    _feerates: tuple[BlockHash, Feerates] | None = None  # As of a tip.

    @property
    def now_s(self) -> int:
        """The time of day in seconds since 1970, as the node is told it."""
        return self.clock.now() // SECOND

    async def command(self, command: object) -> Any:
        """Put one of `node.commands` to the node; its answer."""
        return await self.put(command)

    async def ask(self, command: WalletCommand[_T]) -> _T:
        """Have the wallet carry out a command in its lane; what it answers.

        Raises:
            RpcError: it refuses.
        """
        answer = await self.put(AskWallet(command))
        if isinstance(answer, WalletError):
            raise refusal(answer) from answer
        return cast(_T, answer)

    async def feerates(self) -> Feerates:
        """What the last blocks charged, and what peers ask for; read once for each tip.

        Raises:
            RpcError: the blocks do not come, because no peer is there.
        """
        tip = self.node.headers.best.hash
        if self._feerates is not None and self._feerates[0] == tip:
            return self._feerates[1]
        found = None
        if self.node.sessions:
            with suppress(TimeoutError):
                async with asyncio.timeout(FEES_LIMIT_S):
                    found = await self.put(RecentFeerates(BLOCKS))
        if found is None:
            raise RpcError(
                Code.WALLET,
                "Fee estimation failed: no node gave the last blocks; name a fee_rate in sat/vB",
            )
        assert isinstance(found, Feerates)
        self._feerates = (tip, found)
        return found

    def spread(self, txid: Txid) -> Spread | None:
        """How far a payment of our own has come; None if it is not on its way."""
        return self.node.transactions.broadcast.status(txid)

    def reported(self, fact: object) -> None:  # noqa: ARG002
        """Take in a fact that the node reported; those who wait look again."""
        self._waiters.wake()

    async def wait_for(self, predicate: Callable[[], bool], timeout_s: float | None) -> bool:
        """Wait until something holds; it is looked at after each fact that the node reports.

        Args:
            predicate: quick, without effects.
            timeout_s: None for no limit.

        Returns:
            Whether it holds now.

        Raises:
            Stopped: the program stops before it holds.
        """
        return await self._waiters.wait_for(predicate, timeout_s)

    async def synced(self, timeout_s: float | None) -> bool:
        """Wait until the wallet has seen all that peers have shown; whether it has."""
        return await self.wait_for(lambda: self.node.is_synced, timeout_s)

    def interrupt(self) -> None:
        """The program stops: those who wait are told."""
        self._waiters.close()
