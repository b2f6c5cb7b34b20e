"""Addresses that are given to others, and the descriptors they come from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from axon.rpc.amounts import Json
from axon.rpc.dispatch import method
from axon.rpc.errors import Code, RpcError
from axon.rpc.walletdaemon import WalletDaemon
from axon.wallet.keys import private_descriptors
from axon.wallet.labels import LabelKind
from axon.wallet.signing import reveal_words
from axon.wallet.wallet import Wallet

_TYPES: Final = {
    "wpkh(": "bech32",
    "wsh(": "bech32",
    "tr(": "bech32m",
    "sh(w": "p2sh-segwit",
    "pkh(": "legacy",
    "sh(": "legacy",
}
"""What Core calls the addresses of a descriptor, by how it begins."""


@method("wallet", aliases={"address_type": "beyond_gap"})
async def getnewaddress(
    daemon: WalletDaemon, label: str = "", address_type: bool | str = False
) -> Json:
    """Returns a new address for receiving payments.

    Args:
        label: A label for the address, which its payments will show, too
        address_type: The type of this wallet's addresses: legacy, p2sh-segwit, bech32 or bech32m;
            it has no others. Or true: also when the last 20 addresses were never paid; a wallet
            that is restored from its words may not look that far

    Returns:
        "str"    (string) The new address
    """
    beyond_gap, kind = address_type is True, None
    if isinstance(address_type, str):
        kind = address_type
        if kind not in _TYPES.values():
            raise RpcError(Code.NOT_FOUND, f"Unknown address type '{kind}'")
    made = await daemon.ask(_NewAddress(label, kind, beyond_gap))
    if made is None:
        raise RpcError(Code.KEYPOOL_RAN_OUT, f"Error: No {kind} addresses available.")
    return made


@dataclass(frozen=True, slots=True)
class _NewAddress:
    label: str
    kind: str | None
    beyond_gap: bool

    def run(self, wallet: Wallet) -> str | None:
        text = wallet.source.descriptors.receive
        own = next((kind for start, kind in _TYPES.items() if text.startswith(start)), None)
        if self.kind not in (None, own):
            return None
        address = wallet.new_address(beyond_gap=self.beyond_gap)
        if self.label:
            wallet.set_label(LabelKind.ADDRESS, address, self.label)
        return address


@method("wallet")
async def listaddresses(daemon: WalletDaemon, change: bool = False) -> Json:
    """Lists the addresses that were given out, by index.

    Args:
        change: Those for change instead

    Returns:
        [                           (json array)
          {                         (json object)
            "address" : "str",      (string) The address
            "index" : n,            (numeric) Its index in the descriptor
            "change" : true|false,  (boolean) Whether it is for change
            "used" : true|false,    (boolean) Whether it was ever paid
            "label" : "str"         (string) The label
          },
          ...
        ]
    """
    return await daemon.ask(_ListAddresses(change))


@dataclass(frozen=True, slots=True)
class _ListAddresses:
    change: bool

    def run(self, wallet: Wallet) -> Json:
        return [
            {
                "address": info.address,
                "index": info.index,
                "change": info.change,
                "used": info.used,
                "label": info.label,
            }
            for info in wallet.addresses(change=self.change)
        ]


@method("wallet")
async def listdescriptors(
    daemon: WalletDaemon, private: bool = False, passphrase: str = ""
) -> Json:
    """Lists the descriptors from which all addresses of this wallet follow.

    Args:
        private: Show private keys
        passphrase: Opens them

    Returns:
        {                               (json object)
          "wallet_name" : "str",        (string) Name of the wallet
          "descriptors" : [             (json array) One for addresses, and mostly one for change
            {                           (json object)
              "desc" : "str",           (string) Descriptor string representation
              "active" : true|false,    (boolean) Whether it makes new addresses; always true
              "internal" : true|false   (boolean) Whether it is for change
            },
            ...
          ]
        }
    """
    found = await daemon.ask(_ListDescriptors(private, passphrase))
    return {
        "wallet_name": daemon.name,
        "descriptors": [
            {"desc": text, "active": True, "internal": bool(place)}
            for place, text in enumerate(found)
        ],
    }


@dataclass(frozen=True, slots=True)
class _ListDescriptors:
    private: bool
    passphrase: str = field(repr=False)

    def run(self, wallet: Wallet) -> list[str]:
        if self.private:
            return _private(wallet, self.passphrase)
        public = wallet.source.descriptors
        return [text for text in (public.receive, public.change) if text is not None]


def _private(wallet: Wallet, passphrase: str) -> list[str]:
    words, kind = reveal_words(wallet, passphrase), wallet.source.kind
    assert kind is not None, "who has words has an account"
    return [
        str(descriptor.to_string_with_secret())
        for descriptor in private_descriptors(words, wallet.network, kind)
    ]
