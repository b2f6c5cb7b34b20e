"""Calls of a wallet's methods, of a wallet with some coins and no node."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from axon.drivers.aio.walletfile import SqliteStore
from axon.host.lightwallet import WALLET_FILE, light_wallet
from axon.host.settings import LightSettings
from axon.primitives.network import REGTEST
from axon.primitives.transaction import COIN
from axon.rpc.amounts import Json, whole
from axon.rpc.dispatch import Registry
from axon.rpc.walletmethods import WALLET_MODULES
from fuzz.calls import Calls
from tests.wallet.scene import PASSPHRASE, Scene, new_wallet

_LEFT_OUT: Final = frozenset(("stop", "addnode", "backupwallet", "walletpassphrasechange"))
"""They end it, dial, write a file anywhere, or have the other calls refused."""

_PSBT: Final = (
    "cHNidP8BAHECAAAAAS8M4Q08Vh9XbkZqgfGOjkdVtQuRht3vfT+q2OtENwhMAAAAAAD9////AoDw+gIAAAAAFgAU"
    "PXAPxWuLkiqom228C9+DR10HIuNn7/oCAAAAABYAFD8abClZhKSkG3ySuVwkqXU4mEjWAwAAAAABAN8CAAAAAAEB"
    "X+zrZv/IbzjZUnhsbWlsecLbwjndTpG0ZynXOif7V+kAAAAAAP3///8CAOH1BQAAAAAWABRWM4UjNuDxaF+kDgLr"
    "ftGiV0g9JRj/FU4CAAAAFgAUPXAPxWuLkiqom228C9+DR10HIuMCSDBFAiEA3FyekVNzZp9zmVVMyGMBliopDRKI"
    "P2oa2Zqb5Ekf4LwCICYrEql0h18V6fuMVltDJP+lKBU7gTqJm46htQGYw/ehASECeaLvOs2SezMnxdoV6/upwYs0"
    "Dnzuw1Fqzyk3HP6RiZcAAAAAAQEfAOH1BQAAAAAWABRWM4UjNuDxaF+kDgLrftGiV0g9JSIGA6xCS3ZPjQg7Le0A"
    "YHeSMDFIUtKb7Xz+zMvIFG16x+3nGAXQJ6VUAACAAQAAgAAAAIAAAAAAAAAAAAAAIgIDfgSu/Oz+sHwjxC6K7ifb"
    "qbYPsijmNP6TDD9V6gQyxzUYBdAnpVQAAIABAACAAAAAgAEAAAAAAAAAAA=="
)
"""A payment of the wallet's first coin, unsigned."""

_EXAMPLES: Final[dict[str, Json]] = {
    "address": "1.2.3.4:18444",
    "coins": ["11" * 32 + ":0"],
    "command": "help",
    "hexstring": "0200000000010100000000000000",
    "label": "rent",
    "labels": ['{"type": "tx", "ref": "' + "11" * 32 + '", "label": "rent"}'],
    "passphrase": PASSPHRASE,
    "psbt": _PSBT,
    "recipients": {"bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080": 0.01},
    "target": "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
    "transactions": [{"txid": "11" * 32, "vout": 0}],
    "txid": "11" * 32,
    "txs": [_PSBT],
    "wait": 0,
}

CALLS_A_WALLET: Final = 500
"""Calls change a wallet; after so many there is a new one, and none is far from its start."""

_COINS: Final = 3
CALL_S: Final = 10.0


class _Wallet:
    """A wallet in a folder of its own."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory()
        settings = LightSettings(REGTEST, Path(self._folder.name), connect=())
        with SqliteStore(settings.wallet_folder("alice") / WALLET_FILE) as store:
            scene = Scene(new_wallet(store))
            for number in range(_COINS):
                scene.receive(COIN, number)
        self._runner = asyncio.Runner()
        self._opening = light_wallet(settings, "alice")
        self._wallet = self._runner.run(self._opening.__aenter__())
        self.calls = 0

    def call(self, name: str, params: object) -> Json:
        """The result of a method.

        Raises:
            RpcError: it refuses.
        """
        self.calls += 1
        work = self._wallet.registry.execute(self._wallet.daemon, name, params)
        return whole(self._runner.run(asyncio.wait_for(work, CALL_S)))

    def close(self) -> None:
        """End it; nothing is left of it."""
        self._runner.run(self._opening.__aexit__(None, None, None))
        self._runner.close()
        self._folder.cleanup()


_wallets: Final[list[_Wallet]] = []


def _execute(name: str, params: object) -> Json:
    if _wallets and _wallets[0].calls >= CALLS_A_WALLET:
        _wallets.pop().close()
    if not _wallets:
        _wallets.append(_Wallet())
    return _wallets[0].call(name, params)


CALLS: Final = Calls(Registry(WALLET_MODULES), _LEFT_OUT, _EXAMPLES, _execute)

TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "wallet-calls": CALLS.read,
    "wallet-arguments": CALLS.drawn,
}
