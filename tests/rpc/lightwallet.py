"""A wallet with its light client in this process, called as a program would call it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axon.drivers.aio.walletfile import SqliteStore
from axon.host.lightwallet import WALLET_FILE
from axon.host.settings import LightSettings
from axon.host.walletclient import InProcessWallet
from axon.machine import Endpoint
from axon.primitives.network import REGTEST
from axon.rpc.errors import RpcError
from axon.wallet.keys import AccountKind, Source, from_words, new_words
from axon.wallet.wallet import Wallet

PASSPHRASE = "correct horse"
_LOG_N = 2  # Of scrypt: no test guards a secret.


def account(entropy: bytes, kind: AccountKind = AccountKind.BIP84) -> Source:
    """The account of 16 bytes."""
    words = new_words(entropy)
    return from_words(words, REGTEST, kind, PASSPHRASE, bytes(16), bytes(12), log_n=_LOG_N)


def make_wallet(folder: Path, name: str, source: Source) -> None:
    """A wallet, not opened."""
    path = LightSettings(REGTEST, folder).wallet_folder(name) / WALLET_FILE
    with SqliteStore(path) as store:
        Wallet.create(store, REGTEST, source, birthday_s=0)


class LightWallet:
    """An open wallet."""

    def __init__(self, here: InProcessWallet) -> None:
        self.call = here.call

    def sync(self) -> dict[str, Any]:
        """Wait until it is in sync; how far it is."""
        info: dict[str, Any] = self.call("waitforsync", 20_000)
        assert info["synced"], info
        return info

    def refusal(self, name: str, *args: object, **named: object) -> tuple[int, str]:
        """Code and message with which a call is refused."""
        try:
            result = self.call(name, *args, **named)
        except RpcError as error:
            return error.code, error.message
        raise AssertionError(f"{name} was not refused: {result}")


@contextmanager
def open_wallet(folder: Path, name: str, *nodes: Endpoint) -> Iterator[LightWallet]:
    """A wallet that dials these nodes and no other."""
    here = InProcessWallet(LightSettings(REGTEST, folder, connect=nodes), name)
    here.start()
    try:
        yield LightWallet(here)
    finally:
        here.close()
