"""What the methods of a wallet are given: the light client that runs, and the wallet it serves.

The node is read on its own thread, the event loop; the wallet is never touched there. Whatever is
asked of it is a command, a value that runs in the wallet's lane, between the jobs of the scan, so a
wallet does one thing at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar, cast

from axon.chain.blockfees import BLOCKS
from axon.drivers.aio.routes import Routes
from axon.errors import WalletError
from axon.machine import Endpoint
from axon.node.commands import Feerates, RecentFeerates
from axon.node.facts import DialMissed, LookupMissed, PeerConnected, PeerDisconnected
from axon.node.spendfacts import SpendsSearched
from axon.node.spends import ClaimedCoin, FindSpends, SpendsUnknown, Spent, Unspent
from axon.node.spv import SpvNode
from axon.node.walletjobs import AskWallet, WalletCommand
from axon.p2p.txbroadcast import Spread
from axon.primitives.hashes import BlockHash, Txid
from axon.primitives.transaction import OutPoint
from axon.rpc.context import Context
from axon.rpc.dealnews import DealNews
from axon.rpc.errors import Code, RpcError
from axon.rpc.openkeys import OpenKeys
from axon.wallet import errors as refusals
from axon.wallet.records import Mark
from axon.wallet.wallet import Wallet

FEES_LIMIT_S: Final = 20.0
"""How long the last blocks are waited for; with them come 10 MB on the main network."""

SEARCHES_KEPT: Final = 64
"""Of so many searches it is known how far they are; eight are made at a time (`spendwatch`)."""

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
    refusals.BadGap: Code.PARAMETER,
    refusals.InsufficientFunds: Code.INSUFFICIENT_FUNDS,
}
"""Bitcoin Core's numbers for what a wallet refuses; all else is its general `WALLET`."""

_T = TypeVar("_T")

FoundSpends = Unspent | Spent | SpendsUnknown
"""What a search for spends says."""


def refusal(error: WalletError) -> RpcError:
    """What a wallet refuses, as a caller sees it."""
    return RpcError(_CODES.get(type(error), Code.WALLET), str(error))


class WalletCopies(Protocol):
    """The file of the wallet, in its lane."""

    def back_up(self, target: Path) -> Path:
        """Write a copy into a file that is not there yet, or into a folder; where it is.

        Raises:
            WalletError: it cannot be written there.
        """

    def forget_deleted(self) -> None:
        """Leave nothing in the file of what was deleted.

        Raises:
            StorageError: the disk refuses.
        """


@dataclass(frozen=True, slots=True)
class _Scanned:
    def run(self, wallet: Wallet) -> Mark | None:
        return wallet.scanned


@dataclass(eq=False, kw_only=True)
class WalletDaemon(Context):
    """The context of every method of a wallet; see `Context` for the rest.

    Args:
        name: of the wallet.
        file: it is kept in.
        listen: accepts other wallets' connections at an endpoint; where it really is.
        listen_onion: the same by an onion service.
        listen_payjoin: takes offers of payjoins over HTTP at an endpoint; where it really is.
        routes: the ways by which the wallet reaches others.
        deal_news: of payments between wallets.
        listening: where that is, the latest first.
    """

    node: SpvNode
    name: str
    file: WalletCopies
    listen: Callable[[Endpoint], Awaitable[Endpoint]]
    listen_onion: Callable[[], Awaitable[Endpoint]]
    listen_payjoin: Callable[[Endpoint], Awaitable[Endpoint]]
    routes: Routes
    deal_news: DealNews
    listening: list[Endpoint] = field(default_factory=list)
    payjoin_http: Endpoint | None = None
    """Where offers of payjoins are listened for; None for nowhere."""
    payjoin_url: str = ""
    """How others reach that, without the invoice."""
    missed: dict[str, str] = field(default_factory=dict)
    """Why the nodes that were named are not reached, by their address; names of seeds likewise.
    Bounded by how many were named."""
    searched: dict[OutPoint, int] = field(default_factory=dict)
    """Up to which block coins that others showed were looked up, of the last such searches."""
    keys: OpenKeys = field(default_factory=OpenKeys)
    """Open while `walletpassphrase` says so."""
    _searches: dict[tuple[ClaimedCoin, ...], asyncio.Task[FoundSpends]] = field(
        default_factory=dict
    )
    _feerates: tuple[BlockHash, Feerates] | None = None  # As of a tip.

    def reported(self, fact: object) -> None:
        """Take in a fact; remember why nodes that somebody named are not reached, and how far
        searches for spent coins have come."""
        match fact:
            case DialMissed(address, reason) if address in self._named():
                self.missed[address] = reason
            case PeerDisconnected(address=address, reason=reason) if address in self._named():
                self.missed[address] = reason
            case LookupMissed(name):
                self.missed[name] = "no address was found under this name"
            case PeerConnected(address=address):
                self.missed.pop(address, None)
            case SpendsSearched(point, height):
                self.searched.pop(point, None)
                while len(self.searched) >= SEARCHES_KEPT:
                    del self.searched[next(iter(self.searched))]
                self.searched[point] = height
        super().reported(fact)

    def _named(self) -> list[str]:
        config = self.node.settings.connections
        return [str(target.endpoint) for target in (*(config.connect or ()), *config.added)]

    async def ask(self, command: WalletCommand[_T]) -> _T:
        """Have the wallet carry out a command in its lane; what it answers.

        Raises:
            RpcError: it refuses.
        """
        answer = await self.command(AskWallet(command))
        if isinstance(answer, WalletError):
            raise refusal(answer) from answer
        return cast(_T, answer)

    async def find_spends(
        self, coins: tuple[ClaimedCoin, ...], limit_s: float | None
    ) -> FoundSpends | None:
        """Find out whether coins of others are spent; None if that takes longer than `limit_s`: it
        goes on then, and the next to ask for the same coins waits for the same search."""
        search = self._searches.get(coins)
        if search is None:
            search = asyncio.ensure_future(self.command(FindSpends(coins)))
            self._searches[coins] = search
            search.add_done_callback(lambda ended: self._search_ended(coins, ended))
        await asyncio.wait((search,), timeout=limit_s)
        return search.result() if search.done() else None

    def _search_ended(self, coins: tuple[ClaimedCoin, ...], search: asyncio.Task[Any]) -> None:
        del self._searches[coins]
        if not search.cancelled():
            search.exception()  # Whoever still waits gets it; if nobody does, it is no news.

    def searched_to(self, points: Iterable[OutPoint]) -> int | None:
        """Up to which block a search for spends of these coins has come; None before it told."""
        return min([self.searched[each] for each in points if each in self.searched], default=None)

    async def scanned(self) -> Mark | None:
        """The block up to which the wallet has looked through all; None before the first."""
        return await self.ask(_Scanned())

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
                    found = await self.command(RecentFeerates(BLOCKS))
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

    def spreads(self) -> dict[Txid, Spread]:
        """How far each payment of our own has come that is on its way."""
        return self.node.transactions.broadcast.statuses()

    def interrupt(self) -> None:
        """The wallet is closed: waiting callers get `Stopped`."""
        self.deal_news.close()
        self.keys.lock()
        super().interrupt()

    async def synced(self, timeout_s: float | None) -> bool:
        """Wait until the wallet has seen all that the nodes reached have; whether it has."""
        return await self.wait_for(lambda: self.node.is_synced, timeout_s)
