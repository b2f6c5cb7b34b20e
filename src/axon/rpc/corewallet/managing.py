"""Wallets of a node: made, loaded, listed, copied, closed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from axon.rpc.amounts import Json
from axon.rpc.corewallet.access import NOT_LOADED, LoadedWallet, last_block
from axon.rpc.corewallet.reach import seen_by, wallet_of, wallets_of
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Call, method
from axon.rpc.errors import Code, RpcError

if TYPE_CHECKING:
    from axon.wallet.descriptordesk import DescriptorDesk


@method("wallet")
async def createwallet(
    daemon: Daemon,
    wallet_name: str,
    disable_private_keys: bool = False,
    blank: bool = False,
    passphrase: str | None = None,
    avoid_reuse: bool = False,
    descriptors: bool = True,
    load_on_startup: bool | None = None,
    external_signer: bool = False,
) -> Json:
    """Creates and loads a new wallet.

    Args:
        wallet_name: The name for the new wallet: that of its folder, or of folders in folders
        disable_private_keys: The wallet only watches
        blank: The wallet has no keys yet
        passphrase: Encrypts the keys
        avoid_reuse: Not supported
        descriptors: Must be true
        load_on_startup: Load it at each start from now on, or not any more
        external_signer: Not supported

    Returns:
        {                             (json object)
          "name" : "str",             (string) The wallet name
          "warnings" : [ "str", ... ] (json array, optional) Warning messages
        }
    """
    warnings: list[Json] = []
    if passphrase == "":
        warnings.append("Empty string given as passphrase, wallet will not be encrypted.")
    if not descriptors:
        raise RpcError(
            Code.WALLET,
            'descriptors argument must be set to "true"; it is no longer possible to create a'
            " legacy wallet.",
        )
    if external_signer:
        if not disable_private_keys:
            message = "Private keys must be disabled when using an external signer"
            raise RpcError(Code.WALLET, message)
        raise RpcError(Code.WALLET, "External signers are not supported")
    if avoid_reuse:
        raise RpcError(Code.WALLET, "avoid_reuse is not supported: no coin is told from another")
    if not wallet_name:
        raise RpcError(Code.PARAMETER, "Wallet name cannot be empty")
    if passphrase and disable_private_keys:
        raise RpcError(
            Code.WALLET,
            "Passphrase provided but private keys are disabled. A passphrase is only used to"
            " encrypt private keys, so cannot be used for wallets with private keys disabled.",
        )
    made = await wallets_of(daemon).create(
        wallet_name,
        private_keys=not disable_private_keys,
        blank=blank,
        passphrase=passphrase or "",
    )
    return await _told(daemon, made, load_on_startup, warnings)


async def _told(
    daemon: Daemon, wallet: LoadedWallet, at_start: bool | None, warnings: list[Json]
) -> Json:
    warnings += await _kept(daemon, wallet.name, at_start)
    return {"name": wallet.name, **({"warnings": warnings} if warnings else {})}


async def _kept(daemon: Daemon, name: str, at_start: bool | None) -> list[Json]:
    """Keep whether a wallet is loaded at each start; a warning where that cannot be."""
    if at_start is None or await wallets_of(daemon).load_at_start(name, at_start):
        return []
    return [
        "Wallet load on startup setting could not be updated, so wallet may not be loaded next"
        " node startup."
    ]


@method("wallet")
async def loadwallet(daemon: Daemon, filename: str, load_on_startup: bool | None = None) -> Json:
    """Loads a wallet from its folder. Blocks that it has not seen are looked through first.

    Args:
        filename: The name of the wallet
        load_on_startup: Load it at each start from now on, or not any more

    Returns:
        {                 (json object)
          "name" : "str"  (string) The wallet name
        }
    """
    return await _told(daemon, await wallets_of(daemon).load(filename), load_on_startup, [])


@method("wallet")
async def unloadwallet(
    daemon: Daemon, call: Call, wallet_name: str | None = None, load_on_startup: bool | None = None
) -> Json:
    """Unloads the wallet of the path, or the one of this name.

    Args:
        wallet_name: The name of the wallet
        load_on_startup: Load it at each start from now on, or not any more

    Returns:
        {}    (empty JSON object)
    """
    if call.wallet is not None and wallet_name not in (None, call.wallet):
        raise RpcError(
            Code.PARAMETER,
            "The RPC endpoint wallet and the wallet name parameter specify different wallets",
        )
    name = call.wallet if call.wallet is not None else wallet_name
    if name is None:
        raise RpcError(
            Code.PARAMETER,
            "Either the RPC endpoint wallet or the wallet name parameter must be provided",
        )
    wallets = wallets_of(daemon)
    found = wallets.loaded.get(name)
    if found is None:
        raise RpcError(Code.WALLET_NOT_FOUND, NOT_LOADED)
    if found.scanning is not None:
        message = "Wallet is currently rescanning. Abort existing rescan or wait."
        raise RpcError(Code.WALLET, message)
    await wallets.unload(found)
    warnings = await _kept(daemon, name, load_on_startup)
    return {"warnings": warnings} if warnings else {}


@method("wallet")
def listwallets(daemon: Daemon) -> Json:
    """Returns a list of currently loaded wallets.

    Returns:
        [ "str", ... ]    (json array) the wallet names
    """
    return list(wallets_of(daemon).loaded)


@method("wallet")
async def listwalletdir(daemon: Daemon) -> Json:
    """Returns a list of wallets in the wallet directory.

    Returns:
        {                                   (json object)
          "wallets" : [                     (json array)
            {                               (json object)
              "name" : "str",               (string) The wallet name
              "warnings" : [ "str", ... ]   (json array) None
            },
            ...
          ]
        }
    """
    names = await daemon.off_loop(wallets_of(daemon).on_disk)
    return {"wallets": [{"name": name, "warnings": []} for name in names]}


@method("wallet")
async def getwalletinfo(daemon: Daemon, call: Call) -> Json:
    """Returns an object containing various wallet state info.

    Returns:
        {                                     (json object)
          "walletname" : "str",               (string) the wallet name
          "walletversion" : n,                (numeric) the version of Bitcoin Core's wallets
          "format" : "str",                   (string) the database format (only sqlite)
          "txcount" : n,                      (numeric) the total number of transactions
          "keypoolsize" : n,                  (numeric) how many addresses are watched ahead
          "keypoolsize_hd_internal" : n,      (numeric) likewise, for change
          "unlocked_until" : xxx,             (numeric, optional) until when it is unlocked, 0 if it
                                              is locked; only of encrypted wallets
          "private_keys_enabled" : true|false,  (boolean) false if it only watches
          "avoid_reuse" : true|false,         (boolean) always false
          "scanning" : {                      (json object or false) the scan that is under way
            "duration" : n,                   (numeric) seconds since it began
            "progress" : n                    (numeric) how much is done, from 0 to 1
          },
          "descriptors" : true|false,         (boolean) always true
          "external_signer" : true|false,     (boolean) always false
          "blank" : true|false,               (boolean) whether it has no keys yet
          "birthtime" : xxx,                  (numeric, optional) nothing was paid to it before
          "flags" : [ "str", ... ],           (json array) what it was made for
          "lastprocessedblock" : {            (json object) up to it all blocks were looked through
            "hash" : "hex",                   (string) its hash
            "height" : n                      (numeric) its height
          }
        }
    """
    wallet = await seen_by(daemon, call)
    told = wallet.scanning
    info = await wallet.ask(_Info(wallet.unlocked_until))
    if told is not None:
        info["scanning"] = {"duration": told[0], "progress": told[1]}
    return {"walletname": wallet.name, **info}


@dataclass(frozen=True, slots=True)
class _Info:
    unlocked_until: int

    def run(self, desk: DescriptorDesk) -> dict[str, Json]:
        wallet = desk.wallet
        book, flags = wallet.ledger.book, wallet.flags
        held = [book.held(keychain) for keychain in book.keychains]
        sizes = [0, 0]
        for keychain, each in zip(book.keychains, held, strict=True):
            if each.active and book.is_range(keychain):
                sizes[each.internal] += book.range_end(keychain) - each.next_index
        info: dict[str, Json] = {
            "walletversion": 169_900,
            "format": "sqlite",
            "txcount": len(wallet.ledger.notes),
            "keypoolsize": sizes[0],
            "keypoolsize_hd_internal": sizes[1],
        }
        if wallet.keyring.is_encrypted:
            info["unlocked_until"] = 0 if wallet.keyring.is_locked else self.unlocked_until
        info |= {
            "private_keys_enabled": flags.private_keys,
            "avoid_reuse": False,
            "scanning": False,
            "descriptors": True,
            "external_signer": False,
            "blank": flags.blank,
        }
        if held:
            info["birthtime"] = min(each.timestamp_s for each in held)
        names = ["last_hardened_xpub_cached"]
        names += ["disable_private_keys"] if not flags.private_keys else []
        names += ["blank"] if flags.blank else []
        info["flags"] = [*names, "descriptor_wallet"]
        info["lastprocessedblock"] = last_block(desk)
        return info


@method("wallet")
async def backupwallet(daemon: Daemon, call: Call, destination: str) -> Json:
    """Safely copies the wallet's file to a destination: a file, or a folder.

    Args:
        destination: The destination directory or file

    Returns:
        null    (json null)
    """
    wallet = await seen_by(daemon, call)
    await wallet.back_up(Path(destination))


@method("wallet")
async def restorewallet(
    daemon: Daemon, wallet_name: str, backup_file: str, load_on_startup: bool | None = None
) -> Json:
    """Restores and loads a wallet from a copy that backupwallet has made.

    Args:
        wallet_name: The name that will be applied to the restored wallet
        backup_file: The copy
        load_on_startup: Load it at each start from now on, or not any more

    Returns:
        {                 (json object)
          "name" : "str"  (string) The wallet name
        }
    """
    made = await wallets_of(daemon).restore(wallet_name, Path(backup_file))
    return await _told(daemon, made, load_on_startup, [])


@method("wallet")
async def setwalletflag(daemon: Daemon, call: Call, flag: str, value: bool = True) -> Json:
    """Changes a flag of a wallet; there is none that can be changed.

    Args:
        flag: The name of the flag
        value: The new state

    Returns:
        {}    (json object) never
    """
    del value
    wallet_of(daemon, call)
    if flag == "avoid_reuse":
        raise RpcError(Code.WALLET, "avoid_reuse is not supported: no coin is told from another")
    known = ("last_hardened_xpub_cached", "disable_private_keys", "blank", "descriptor_wallet")
    if flag in (*known, "external_signer", "key_origin_metadata"):
        raise RpcError(Code.PARAMETER, f"Wallet flag is immutable: {flag}")
    raise RpcError(Code.PARAMETER, f"Unknown wallet flag: {flag}")


@method("wallet")
async def migratewallet(
    daemon: Daemon,
    call: Call,
    wallet_name: str | None = None,
    passphrase: str = "",
) -> Json:
    """Would migrate a wallet of an older kind to one of descriptors; there are no others here.

    Args:
        wallet_name: The name of the wallet; of the endpoint if none is named
        passphrase: The wallet passphrase

    Returns:
        {}    (json object) never
    """
    del passphrase
    name = call.wallet if wallet_name is None else wallet_name
    if name is None:
        raise RpcError(
            Code.PARAMETER,
            "Either the RPC endpoint wallet or the wallet name parameter must be provided",
        )
    if call.wallet not in (None, name):
        raise RpcError(
            Code.PARAMETER,
            "The RPC endpoint wallet and the wallet name parameter specify different wallets",
        )
    wallets = wallets_of(daemon)
    if name and name not in wallets.loaded and name not in wallets.on_disk():
        raise RpcError(Code.WALLET, "Error: Wallet does not exist")
    raise RpcError(Code.WALLET, "Error: This wallet is already a descriptor wallet")
