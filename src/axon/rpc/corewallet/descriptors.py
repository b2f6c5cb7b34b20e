"""The descriptors of a wallet: listed, and made for a further type of address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from axon.errors import DecodeError
from axon.primitives.bip32 import ExtendedKey
from axon.primitives.descriptor import with_checksum
from axon.rpc.amounts import Json
from axon.rpc.corewallet.access import require_unlocked
from axon.rpc.corewallet.reach import seen_by, wallet_of
from axon.rpc.corewallet.scripts import script_from
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Call, method
from axon.rpc.errors import Code, RpcError

if TYPE_CHECKING:
    from axon.wallet.descriptordesk import DescriptorDesk


@method("wallet")
async def listdescriptors(daemon: Daemon, call: Call, private: bool = False) -> Json:
    """List all descriptors present in a wallet.

    Args:
        private: Show private descriptors.

    Returns:
        {                                 (json object)
          "wallet_name" : "str",          (string) Name of wallet this operation was performed on
          "descriptors" : [               (json array) Array of descriptor objects, sorted
            {                             (json object)
              "desc" : "str",             (string) Descriptor string representation
              "timestamp" : n,            (numeric) The creation time of the descriptor
              "active" : true|false,      (boolean) Whether it gives out addresses
              "internal" : true|false,    (boolean, optional) True if they are for change
              "range" : [ n, n ],         (json array, optional) First and last index watched
              "next" : n,                 (numeric, optional) The same as next_index
              "next_index" : n            (numeric, optional) The next index to give out
            },
            ...
          ]
        }
    """
    wallet = wallet_of(daemon, call)
    return {"wallet_name": wallet.name, "descriptors": await wallet.ask(_List(private))}


@dataclass(frozen=True, slots=True)
class _List:
    private: bool

    def run(self, desk: DescriptorDesk) -> Json:
        wallet, book = desk.wallet, desk.wallet.ledger.book
        if self.private:
            if not wallet.flags.private_keys:
                raise RpcError(
                    Code.WALLET, "Can't get private descriptor string for watch-only wallets"
                )
            require_unlocked(desk)
        listed: list[dict[str, Json]] = []
        for keychain in book.keychains:
            held = book.held(keychain)
            text = held.text
            if self.private and held.private:
                text = with_checksum(wallet.keyring.private_text(keychain).partition("#")[0])
            shown: dict[str, Json] = {
                "desc": text,
                "timestamp": held.timestamp_s,
                "active": held.active,
            }
            if held.active:
                shown["internal"] = held.internal
            if book.is_range(keychain):
                shown["range"] = [held.start, book.range_end(keychain) - 1]
                shown["next"] = shown["next_index"] = held.next_index
            listed.append(shown)
        return sorted(listed, key=lambda each: str(each["desc"]))


@method("wallet", shown={"options": '{"active_only":bool,"private":bool,...}'})
async def gethdkeys(
    daemon: Daemon, call: Call, *, active_only: bool = False, private: bool = False
) -> Json:
    """List all BIP 32 HD keys in the wallet and which descriptors use them.

    Args:
        active_only: Show the keys for only active descriptors
        private: Show private keys

    Returns:
        [                                  (json array)
          {                                (json object)
            "xpub" : "str",                (string) The extended public key
            "has_private" : true|false,    (boolean) Whether the wallet has the private key
            "xprv" : "str",                (string, optional) The extended private key
            "descriptors" : [ {...} ]      (json array) desc and active of each that uses it
          },
          ...
        ]
    """
    return await wallet_of(daemon, call).ask(_HdKeys(active_only, private))


@dataclass(frozen=True, slots=True)
class _HdKeys:
    active_only: bool
    private: bool

    def run(self, desk: DescriptorDesk) -> Json:
        if self.private:
            require_unlocked(desk)
        book = desk.wallet.ledger.book
        found: dict[str, dict[str, Json]] = {}
        for keychain in sorted(book.keychains, key=book.text):
            held = book.held(keychain)
            if self.active_only and not held.active:
                continue
            for xpub, xprv in desk.extended_keys(keychain, private=self.private):
                shown = found.setdefault(
                    xpub, {"xpub": xpub, "has_private": held.private, "descriptors": []}
                )
                if xprv is not None:
                    shown["xprv"] = xprv
                used = {"desc": held.text, "active": held.active}
                if used not in shown["descriptors"]:  # It may stand there more than once.
                    shown["descriptors"].append(used)
        return list(found.values())


@method("wallet", nulls=True, shown={"options": '{"internal":bool,"hdkey":"str",...}'})
async def createwalletdescriptor(
    daemon: Daemon,
    call: Call,
    type: str,
    *,
    internal: bool | None = None,
    hdkey: str | None = None,
) -> Json:
    """Creates the wallet's descriptor for the given address type. The address type must be one that
    the wallet does not already have a descriptor for.

    Args:
        type: The address type the descriptor will produce: legacy, p2sh-segwit, bech32, bech32m
        internal: Whether to only make one for change (true) or for receiving (false)
        hdkey: The HD key that the wallet knows the private key of, as its xpub

    Returns:
        {                            (json object)
          "descs" : [ "str", ... ]   (json array) The public descriptors that were added
        }
    """
    wallet = await seen_by(daemon, call)
    return await wallet.ask(_Create(type, internal, hdkey, daemon.now_s))


@dataclass(frozen=True, slots=True)
class _Create:
    kind: str
    internal: bool | None
    hdkey: str | None
    now_s: int

    def run(self, desk: DescriptorDesk) -> Json:
        if self.kind not in ("legacy", "p2sh-segwit", "bech32", "bech32m"):
            raise RpcError(Code.NOT_FOUND, f"Unknown address type '{self.kind}'")
        require_unlocked(desk)
        roots = desk.roots()
        if self.hdkey is None:
            if len(roots) != 1:
                raise RpcError(
                    Code.NOT_FOUND,
                    "Unable to determine which HD key to use from active descriptors. Please"
                    " specify with 'hdkey'",
                )
            root = next(iter(roots.values()))
        elif not self._is_key(desk):
            raise RpcError(Code.NOT_FOUND, "Unable to parse HD key. Please provide a valid xpub")
        elif self.hdkey in roots:
            root = roots[self.hdkey]
        else:
            raise RpcError(Code.NOT_FOUND, f"Private key for {self.hdkey} is not known")
        wanted = (False, True) if self.internal is None else (self.internal,)
        made = desk.add_type(root, self.kind, wanted, self.now_s)
        if not made:
            raise RpcError(Code.WALLET, "Descriptor already exists")
        return {"descs": made}

    def _is_key(self, desk: DescriptorDesk) -> bool:
        try:
            return not ExtendedKey.decode(self.hdkey or "", desk.wallet.network).is_private
        except DecodeError:
            return False


@method("signer")
async def enumeratesigners(daemon: Daemon) -> Json:  # noqa: ARG001
    """Would list external signers; none is asked here.

    Returns:
        {}    (json object) never
    """
    raise RpcError(Code.MISC, "Error: restart bitcoind with -signer=<cmd>")


@method("wallet")
async def walletdisplayaddress(daemon: Daemon, call: Call, address: str) -> Json:
    """Would display address on an external signer for verification; none is asked here.

    Args:
        address: bitcoin address to display

    Returns:
        {}    (json object) never
    """
    script_from(address, daemon.node.network, "Invalid address")
    wallet_of(daemon, call)
    raise RpcError(Code.MISC, "There is no ScriptPubKeyManager for this address")
