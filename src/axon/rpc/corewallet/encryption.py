"""The lock of a wallet: its passphrase, given for a time, changed, or set for the first time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from axon.rpc.amounts import Json
from axon.rpc.corewallet.reach import wallet_of
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Call, method
from axon.rpc.errors import Code, RpcError

if TYPE_CHECKING:
    from axon.wallet.descriptordesk import DescriptorDesk

LONGEST_S: Final = 100_000_000
"""For no longer a wallet stays unlocked: three years."""

_EMPTY: Final = "passphrase cannot be empty"


@method("wallet")
async def walletpassphrase(daemon: Daemon, call: Call, passphrase: str, timeout: int) -> Json:
    """Opens the wallet's keys for 'timeout' seconds. Until then payments can be signed.

    Args:
        passphrase: The wallet passphrase
        timeout: The time to keep the decryption key in seconds; capped at 100000000

    Returns:
        null    (json null)
    """
    wallet = wallet_of(daemon, call)
    await wallet.ask(_RequireEncrypted("walletpassphrase"))
    if timeout < 0:
        raise RpcError(Code.PARAMETER, "Timeout cannot be negative.")
    if not passphrase:
        raise RpcError(Code.PARAMETER, _EMPTY)
    await wallet.ask(_Unlock(passphrase))
    wallet.unlocked_for(min(timeout, LONGEST_S))


@dataclass(frozen=True, slots=True)
class _RequireEncrypted:
    method: str

    def run(self, desk: DescriptorDesk) -> None:
        if not desk.wallet.keyring.is_encrypted:
            raise RpcError(
                Code.WRONG_ENCRYPTION_STATE,
                f"Error: running with an unencrypted wallet, but {self.method} was called.",
            )


@dataclass(frozen=True, slots=True)
class _Unlock:
    passphrase: str = field(repr=False)

    def run(self, desk: DescriptorDesk) -> None:
        desk.wallet.keyring.unlock(self.passphrase)


@method("wallet")
async def walletlock(daemon: Daemon, call: Call) -> Json:
    """Removes the wallet encryption key from memory, locking the wallet.

    Returns:
        null    (json null)
    """
    wallet = wallet_of(daemon, call)
    await wallet.ask(_RequireEncrypted("walletlock"))
    await wallet.ask(_Lock())
    wallet.locked()


@dataclass(frozen=True, slots=True)
class _Lock:
    def run(self, desk: DescriptorDesk) -> None:
        desk.wallet.keyring.lock()


@method("wallet")
async def walletpassphrasechange(
    daemon: Daemon, call: Call, oldpassphrase: str, newpassphrase: str
) -> Json:
    """Changes the wallet passphrase from 'oldpassphrase' to 'newpassphrase'.

    Args:
        oldpassphrase: The current passphrase
        newpassphrase: The new passphrase

    Returns:
        null    (json null)
    """
    wallet = wallet_of(daemon, call)
    await wallet.ask(_RequireEncrypted("walletpassphrasechange"))
    if not oldpassphrase or not newpassphrase:
        raise RpcError(Code.PARAMETER, _EMPTY)
    await wallet.ask(_Change(oldpassphrase, newpassphrase))


@dataclass(frozen=True, slots=True)
class _Change:
    old: str = field(repr=False)
    new: str = field(repr=False)

    def run(self, desk: DescriptorDesk) -> None:
        desk.wallet.change_passphrase(self.old, self.new)


@method("wallet")
async def encryptwallet(daemon: Daemon, call: Call, passphrase: str) -> Json:
    """Encrypts the wallet with 'passphrase', for the first time. New keys are made, for the old
    ones stood open: make a new backup.

    Args:
        passphrase: The pass phrase to encrypt the wallet with

    Returns:
        "str"    (string) What was done
    """
    wallet = wallet_of(daemon, call)
    await wallet.ask(_Encrypt(passphrase, daemon.now_s))
    await wallet.forget_deleted()
    return (
        "wallet encrypted; The keypool has been flushed and a new HD seed was generated. You need"
        " to make a new backup with the backupwallet RPC."
    )


@dataclass(frozen=True, slots=True)
class _Encrypt:
    passphrase: str = field(repr=False)
    now_s: int = 0

    def run(self, desk: DescriptorDesk) -> None:
        wallet = desk.wallet
        if not wallet.flags.private_keys:
            raise RpcError(
                Code.ENCRYPTION_FAILED,
                "Error: wallet does not contain private keys, nothing to encrypt.",
            )
        if wallet.keyring.is_encrypted:
            raise RpcError(
                Code.WRONG_ENCRYPTION_STATE,
                "Error: running with an encrypted wallet, but encryptwallet was called.",
            )
        if not self.passphrase:
            raise RpcError(Code.PARAMETER, _EMPTY)
        wallet.encrypt(self.passphrase, self.now_s, desk.ahead)
