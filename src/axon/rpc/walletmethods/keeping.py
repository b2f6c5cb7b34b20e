"""What keeps a wallet safe: its words, its passphrase, copies of its file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from random import SystemRandom

from axon.rpc.amounts import Json
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.walletdaemon import WalletCopies, WalletDaemon
from axon.wallet.keys import Mnemonic
from axon.wallet.passphrase import change_passphrase
from axon.wallet.seal import NONCE_SIZE, SALT_SIZE
from axon.wallet.signing import reveal_words
from axon.wallet.wallet import Wallet


@method("wallet")
async def revealwords(daemon: WalletDaemon, passphrase: str) -> Json:
    """Returns the words that restore this wallet: whoever has them can spend from it.

    Args:
        passphrase: The wallet passphrase

    Returns:
        {                              (json object)
          "words" : "str",             (string) The mnemonic (BIP 39)
          "bip39_passphrase" : "str",  (string) The passphrase of BIP 39, the 25th word; empty for
                                       none
          "kind" : "str",              (string) Which addresses are made of them, by their BIP
          "birthtime" : xxx            (numeric) Nothing was paid to it before, seconds since 1970
        }
    """
    mnemonic, kind, birthday_s = await daemon.ask(_RevealWords(passphrase))
    return {
        "words": mnemonic.words,
        "bip39_passphrase": mnemonic.bip39_passphrase,
        "kind": kind,
        "birthtime": birthday_s,
    }


@dataclass(frozen=True, slots=True)
class _RevealWords:
    passphrase: str = field(repr=False)

    def run(self, wallet: Wallet) -> tuple[Mnemonic, str, int]:
        return reveal_words(wallet, self.passphrase), str(wallet.source.kind), wallet.birthday_s


@method("wallet")
async def walletpassphrasechange(
    daemon: WalletDaemon, oldpassphrase: str, newpassphrase: str
) -> Json:
    """Changes the wallet passphrase from 'oldpassphrase' to 'newpassphrase'. Copies of the wallet's
    file that were made before still open with the old one.

    Args:
        oldpassphrase: The current passphrase
        newpassphrase: The new passphrase

    Returns:
        null    (json null)
    """
    if not oldpassphrase or not newpassphrase:
        raise RpcError(Code.PARAMETER, "passphrase cannot be empty")
    await daemon.ask(_ChangePassphrase(oldpassphrase, newpassphrase, daemon.file))


@dataclass(frozen=True, slots=True)
class _ChangePassphrase:
    old: str = field(repr=False)
    new: str = field(repr=False)
    file: WalletCopies

    def run(self, wallet: Wallet) -> None:
        rng = SystemRandom()
        salt, nonce = rng.randbytes(SALT_SIZE), rng.randbytes(NONCE_SIZE)
        change_passphrase(wallet, self.old, self.new, salt, nonce)
        self.file.forget_deleted()


@method("wallet")
async def backupwallet(daemon: WalletDaemon, destination: str) -> Json:
    """Safely copies the wallet's file to a destination, as it is now.

    Args:
        destination: A file that is not there yet, or a folder

    Returns:
        "str"    (string) Where the copy is
    """
    return str(await daemon.ask(_BackUp(daemon.file, Path(destination))))


@dataclass(frozen=True, slots=True)
class _BackUp:
    file: WalletCopies
    target: Path

    def run(self, wallet: Wallet) -> Path:  # noqa: ARG002
        return self.file.back_up(self.target)
