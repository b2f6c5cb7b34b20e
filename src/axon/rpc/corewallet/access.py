"""What methods are given of wallets: those that are loaded, and the ways to ask one.

The wallet itself is in its own lane, and nothing of its room is loaded here. Methods hand it
commands: values that say what is wanted, with a `run` that is called there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from axon.primitives.hashes import to_hex
from axon.rpc.amounts import Json
from axon.rpc.corewallet.settings import NodeWalletSettings
from axon.rpc.errors import Code, RpcError

if TYPE_CHECKING:
    from axon.wallet.descriptordesk import DescriptorDesk

_Outcome_co = TypeVar("_Outcome_co", covariant=True)
_T = TypeVar("_T")

NOT_LOADED: Final = "Requested wallet does not exist or is not loaded"


class DeskCommand(Protocol[_Outcome_co]):
    """What is wanted of a wallet; a frozen dataclass."""

    def run(self, desk: DescriptorDesk, /) -> _Outcome_co:
        """Do it; called in the wallet's lane. What it raises comes back to who asked."""


class LoadedWallet(Protocol):
    """A wallet that is loaded."""

    @property
    def name(self) -> str:
        """Its own."""

    @property
    def paying(self) -> asyncio.Lock:
        """Held from when it is looked what a payment may spend until the pool has it."""

    @property
    def scanning(self) -> tuple[int, float] | None:
        """While it looks through blocks for a caller: seconds since, and what part is done."""

    async def ask(self, command: DeskCommand[_T]) -> _T:
        """Have it carry out a command, behind all others.

        Raises:
            RpcError: it refuses.
        """

    async def synced(self) -> None:
        """Wait until it has seen the present tip, and all that entered the pool before."""

    async def rescan(self, start_height: int, stop_height: int | None) -> tuple[int, int]:
        """Look through blocks once more; from and to which height it was done.

        Raises:
            RpcError: it does that already, it was broken off, or blocks are gone.
        """

    def abort_rescan(self) -> bool:
        """Break that off; whether there was anything."""

    def unlocked_for(self, seconds: int) -> int:
        """It was just unlocked: lock it after so many seconds; until when, seconds since 1970."""

    @property
    def unlocked_until(self) -> int:
        """When it is locked again, seconds since 1970; 0 if it is locked."""

    def locked(self) -> None:
        """It was just locked."""

    async def forget_deleted(self) -> None:
        """Write its file anew: nothing of what was deleted is left in it."""

    async def back_up(self, path: Path) -> None:
        """Copy its file.

        Raises:
            RpcError: that cannot be done.
        """


class Wallets(Protocol):
    """The wallets of a node."""

    @property
    def settings(self) -> NodeWalletSettings:
        """What it was told."""

    @property
    def loaded(self) -> Mapping[str, LoadedWallet]:
        """By name, in the order in which they were loaded."""

    def on_disk(self) -> Sequence[str]:
        """The names of those that there are."""

    def path(self, name: str) -> Path:
        """Where a wallet lies, or would."""

    async def create(
        self, name: str, *, private_keys: bool, blank: bool, passphrase: str
    ) -> LoadedWallet:
        """Make one and load it.

        Raises:
            RpcError: there is one of this name.
        """

    async def load(self, name: str) -> LoadedWallet:
        """Load one, and look through all blocks that it has not seen.

        Raises:
            RpcError: it is not there, or cannot be opened.
        """

    async def unload(self, wallet: LoadedWallet) -> None:
        """Close one."""

    async def restore(self, name: str, backup: Path) -> LoadedWallet:
        """Make one of a copy and load it.

        Raises:
            RpcError: there is one of this name, or no copy.
        """

    async def load_at_start(self, name: str, yes: bool) -> bool:
        """Load it at each start from now on, or not any more; False where that is not kept."""


def require_unlocked(desk: DescriptorDesk) -> None:
    """Raises RpcError -13 while the passphrase is needed."""
    if desk.wallet.keyring.is_locked:
        raise RpcError(
            Code.UNLOCK_NEEDED,
            "Error: Please enter the wallet passphrase with walletpassphrase first.",
        )


def require_private_keys(desk: DescriptorDesk) -> None:
    """Raises RpcError -4 of a wallet that may hold none."""
    if not desk.wallet.flags.private_keys:
        raise RpcError(Code.WALLET, "Error: Private keys are disabled for this wallet")


def label_from(label: Json) -> str:
    """A label that somebody gives.

    Raises:
        RpcError: -11, it is the one that stands for all.
    """
    if label == "*":
        raise RpcError(Code.INVALID_LABEL, "Invalid label name")
    return str(label or "")


def last_block(desk: DescriptorDesk) -> dict[str, Json]:
    """Up to which block the wallet has seen all."""
    tip = desk.wallet.ledger.tip
    return {"hash": to_hex(tip.hash), "height": tip.height}
