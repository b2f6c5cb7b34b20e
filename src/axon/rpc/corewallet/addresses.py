"""Addresses: new ones, and what is known of any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from axon.primitives.descriptor import Descriptor
from axon.primitives.hashes import hash160
from axon.primitives.network import Network
from axon.primitives.script import witness_program
from axon.rpc.amounts import Json
from axon.rpc.corewallet.access import label_from, require_unlocked
from axon.rpc.corewallet.reach import wallet_of, wallets_of
from axon.rpc.corewallet.scripts import address_of, descriptor_of, script_from, solved_text
from axon.rpc.daemon import Daemon
from axon.rpc.dispatch import Call, method
from axon.rpc.errors import Code, RpcError
from axon.rpc.parameters import Int32
from axon.rpc.shapes.addresses import address_json

if TYPE_CHECKING:
    from axon.wallet.descriptordesk import DescriptorDesk

ADDRESS_TYPES: Final = ("legacy", "p2sh-segwit", "bech32", "bech32m")
NO_KEYS: Final = "Error: This wallet has no available keys"


def checked_type(name: str | None, usual: str) -> str:
    """The name of a type of addresses.

    Raises:
        RpcError: -5, there is none of this name.
    """
    if name is None:
        return usual
    if name not in ADDRESS_TYPES:
        raise RpcError(Code.NOT_FOUND, f"Unknown address type '{name}'")
    return name


@method("wallet")
async def getnewaddress(
    daemon: Daemon, call: Call, label: str = "", address_type: str | None = None
) -> Json:
    """Returns a new Bitcoin address for receiving payments.

    Args:
        label: The label name for the address to be linked to.
        address_type: The address type to use: "legacy", "p2sh-segwit", "bech32", "bech32m"; the
            default is set by -addresstype.

    Returns:
        "str"    (string) The new bitcoin address
    """
    wallet = wallet_of(daemon, call)
    usual = wallets_of(daemon).settings.address_type
    return await wallet.ask(_NewAddress(label, address_type, usual))


@dataclass(frozen=True, slots=True)
class _NewAddress:
    label: str
    kind: str | None
    usual: str

    def run(self, desk: DescriptorDesk) -> str:
        if not desk.wallet.gives_addresses:
            raise RpcError(Code.WALLET, NO_KEYS)
        label = label_from(self.label)
        address = desk.new_address(checked_type(self.kind, self.usual))
        if label:
            desk.wallet.set_label(address, label)
        return address


@method("wallet")
async def getrawchangeaddress(daemon: Daemon, call: Call, address_type: str | None = None) -> Json:
    """Returns a new Bitcoin address, for receiving change. This is for use with raw transactions,
    NOT normal use.

    Args:
        address_type: The address type to use, as for getnewaddress; the default is set by
            -changetype.

    Returns:
        "str"    (string) The address
    """
    settings = wallets_of(daemon).settings
    usual = settings.change_type or settings.address_type
    return await wallet_of(daemon, call).ask(_NewChange(address_type, usual))


@dataclass(frozen=True, slots=True)
class _NewChange:
    kind: str | None
    usual: str

    def run(self, desk: DescriptorDesk) -> str:
        if not desk.wallet.gives_addresses:
            raise RpcError(Code.WALLET, NO_KEYS)
        return desk.new_address(checked_type(self.kind, self.usual), internal=True)


@method("wallet")
async def keypoolrefill(daemon: Daemon, call: Call, newsize: Int32 | None = None) -> Json:
    """Does nothing more: as many addresses as -keypool says are always watched ahead.

    Args:
        newsize: Only checked

    Returns:
        null    (json null)
    """
    if newsize is not None and newsize < 0:
        raise RpcError(Code.PARAMETER, "Invalid parameter, expected valid size.")
    await wallet_of(daemon, call).ask(_Refill())


@dataclass(frozen=True, slots=True)
class _Refill:
    def run(self, desk: DescriptorDesk) -> None:
        require_unlocked(desk)


@method("wallet")
async def getaddressinfo(daemon: Daemon, call: Call, address: str) -> Json:
    """Return information about the given bitcoin address. Some of it is only there for addresses of
    the wallet.

    Args:
        address: The bitcoin address for which to get information.

    Returns:
        {                                   (json object)
          "address" : "str",                (string) The bitcoin address validated.
          "scriptPubKey" : "hex",           (string) Its script
          "ismine" : true|false,            (boolean) If the address is yours.
          "solvable" : true|false,          (boolean) If we know how to spend coins sent to it,
                                            ignoring the lack of private keys.
          "desc" : "str",                   (string, optional) A descriptor for spending them
          "parent_desc" : "str",            (string, optional) The descriptor it is derived from
          "iswatchonly" : true|false,       (boolean) Always false
          "isscript" : true|false,          (boolean, optional) If the key is a script.
          "iswitness" : true|false,         (boolean) If the address is a witness address.
          "witness_version" : n,            (numeric, optional) The witness version
          "witness_program" : "hex",        (string, optional) The witness program
          "script" : "str",                 (string, optional) The kind of the script it pays to
          "hex" : "hex",                    (string, optional) That script
          "pubkeys" : [ "hex", ... ],       (json array, optional) The keys of a multisig
          "sigsrequired" : n,               (numeric, optional) How many of them sign
          "pubkey" : "hex",                 (string, optional) The raw public key
          "embedded" : {...},               (json object, optional) The address inside this one
          "iscompressed" : true|false,      (boolean, optional) If the pubkey is compressed.
          "ischange" : true|false,          (boolean) If nobody was told this address
          "timestamp" : xxx,                (numeric, optional) When its key was made
          "hdkeypath" : "str",              (string, optional) The path of its key
          "hdseedid" : "hex",               (string, optional) Zeros
          "hdmasterfingerprint" : "hex",    (string, optional) The fingerprint of the master key
          "labels" : [ "str", ... ]         (json array) Its label, if it was given out
        }
    """
    network = daemon.node.network
    script = script_from(address, network)
    return await wallet_of(daemon, call).ask(_Info(address, script, network))


@dataclass(frozen=True, slots=True)
class _Info:
    address: str
    script: bytes
    network: Network

    def run(self, desk: DescriptorDesk) -> Json:
        wallet, book = desk.wallet, desk.wallet.ledger.book
        place = book.find(self.script)
        text = solved_text(desk, self.script)
        shown: dict[str, Json] = {
            "address": address_of(self.script, self.network),
            "scriptPubKey": self.script.hex(),
            "ismine": place is not None,
            "solvable": text is not None,
        }
        if text is not None:
            shown["desc"] = text
        if place is not None:
            shown["parent_desc"] = book.text(place.keychain)
        shown["iswatchonly"] = False
        found = descriptor_of(desk, self.script)
        shown |= _detail(self.script, found, self.network)
        label = wallet.holdings.book_label(self.script)
        shown["ischange"] = place is not None and label is None
        if place is not None:
            shown["timestamp"] = book.held(place.keychain).timestamp_s
            path = desk.key_path(place.keychain, place.index)
            origin = desk.key_origin(place.keychain, place.index)
            if path is not None and origin is not None:
                shown["hdkeypath"] = path
                shown["hdseedid"] = bytes(20).hex()
                shown["hdmasterfingerprint"] = origin.hex()
        shown["labels"] = [] if label is None else [label]
        return shown


def _detail(script: bytes, found: Descriptor | None, network: Network) -> dict[str, Json]:
    """What an address says of itself, and what the wallet knows of what is inside."""
    told = address_json(address_of(script, network), network)
    shown: dict[str, Json] = {
        name: told[name]
        for name in ("isscript", "iswitness", "witness_version", "witness_program")
        if name in told
    }
    if found is None:
        return shown
    if found.name in ("pkh", "wpkh"):
        key = found.keys[0].public_key(0)
        shown["pubkey"] = key.hex()
        if found.name == "pkh":
            shown["iscompressed"] = len(key) == 33
    elif found.inner is not None:
        shown |= _inside(found.inner, network)
    return shown


def _inside(inner: Descriptor, network: Network) -> dict[str, Json]:
    """What a script hash commits to."""
    script = inner.scripts(0)[0]
    kinds = {"wpkh": "witness_v0_keyhash", "wsh": "witness_v0_scripthash", "multi": "multisig"}
    kinds |= {"pkh": "pubkeyhash", "pk": "pubkey"}
    shown: dict[str, Json] = {
        "script": kinds.get(inner.name, "nonstandard"),
        "hex": script.hex(),
    }
    if inner.name == "multi":
        shown["sigsrequired"] = inner.threshold
        shown["pubkeys"] = [key.public_key(0).hex() for key in inner.keys]
    if inner.name == "wpkh":
        shown["pubkey"] = inner.keys[0].public_key(0).hex()
    if witness_program(script) is not None:
        embedded = _detail(script, inner, network)
        embedded["address"] = address_of(script, network)
        embedded["scriptPubKey"] = script.hex()
        shown["embedded"] = embedded
    return shown


def key_hash(script: bytes) -> bytes | None:
    """The hash of the key that a `pkh` script pays to; None of another."""
    is_key_hash = len(script) == 25 and script.startswith(b"\x76\xa9\x14")
    return script[3:23] if is_key_hash else None


def is_key_of(script: bytes, key: bytes) -> bool:
    """Whether a `pkh` script pays to this key."""
    return key_hash(script) == hash160(key)
