"""What a new wallet of many descriptors has: its flags, and the descriptors of a new seed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from axon.primitives.bip32 import HARDENED, ExtendedKey
from axon.primitives.descriptor import with_checksum
from axon.primitives.network import MAINNET, Network
from axon.wallet import records
from axon.wallet.descriptorbook import ADDRESS_TYPES, AddressType, HeldDescriptor

_FORMS: Final = {
    AddressType.LEGACY: ("pkh({})", 44),
    AddressType.P2SH_SEGWIT: ("sh(wpkh({}))", 49),
    AddressType.BECH32: ("wpkh({})", 84),
    AddressType.BECH32M: ("tr({})", 86),
}
"""The form of each type, and its purpose (BIP 44, 49, 84, 86)."""


@dataclass(frozen=True, slots=True)
class WalletFlags:
    """What a wallet was made for.

    Args:
        private_keys: it may hold some.
        blank: it was made without any, and has made none itself yet.
    """

    private_keys: bool = True
    blank: bool = False

    def encode(self) -> bytes:
        """As JSON, in UTF-8."""
        return json.dumps({"private_keys": self.private_keys, "blank": self.blank}).encode()

    @classmethod
    def decode(cls, value: bytes) -> WalletFlags:
        """From what `encode` wrote.

        Raises:
            DamageError: it is nothing of that kind.
        """
        try:
            told = json.loads(value)
            return cls(bool(told["private_keys"]), bool(told["blank"]))
        except (ValueError, KeyError, TypeError):
            raise records.damaged() from None


def seed_descriptors(
    root: ExtendedKey, network: Network, now_s: int, ahead: int
) -> Iterator[tuple[HeldDescriptor, str]]:
    """The descriptors of account 0 of each type, for addresses and for change, and their private
    forms.

    Args:
        root: the master key.
        now_s: seconds since 1970; nothing was paid to them before.
        ahead: scripts to watch beyond the last used one.
    """
    for kind in ADDRESS_TYPES:
        yield from type_descriptors(root, kind, network, now_s, ahead)


def type_descriptors(
    root: ExtendedKey, kind: AddressType, network: Network, now_s: int, ahead: int
) -> Iterator[tuple[HeldDescriptor, str]]:
    """The same of one type alone."""
    coin = 0 if network is MAINNET else 1
    form, purpose = _FORMS[kind]
    steps = (purpose + HARDENED, coin + HARDENED, HARDENED)
    account = root.descend(steps).public().encode(network)
    path = f"/{purpose}h/{coin}h/0h"
    for internal in (False, True):
        tail = f"/{int(internal)}/*"
        text = form.format(f"[{root.fingerprint.hex()}{path}]{account}{tail}")
        held = HeldDescriptor(
            with_checksum(text),
            form.format(root.public().encode(network) + path + tail),
            active=True,
            internal=internal,
            timestamp_s=now_s,
            ahead=ahead,
            private=True,
        )
        yield held, form.format(root.encode(network) + path + tail)
