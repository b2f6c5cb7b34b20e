"""The scripts of a wallet of any number of descriptors, as Bitcoin Core's wallets are.

Each descriptor is a keychain with a number. Some give out addresses (they are active, one for each
type of address, and one more of each for change), others are only watched, because somebody has
imported them or because the wallet has new keys since.

To derive the scripts of a new wallet, 8,000 of them, takes a second. So nothing is derived before
somebody asks whose a script is; until then no transaction can be known, so none is overlooked.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Final

import bdkpython as bdk

from axon.errors import DecodeError
from axon.primitives.bip32 import HARDENED
from axon.primitives.descriptor import Descriptor, parse_descriptor
from axon.primitives.network import Network
from axon.wallet import records
from axon.wallet.keys import network_kind
from axon.wallet.scripts import Place

MAX_KEYCHAINS: Final = 10_000
"""Descriptors of one wallet: as many as somebody may import addresses one by one."""

DEFAULT_AHEAD: Final = 1_000
"""Scripts of each descriptor that are watched beyond the last used one; Bitcoin Core's `-keypool`.
"""


class AddressType(StrEnum):
    """Bitcoin Core's names of the types of addresses."""

    LEGACY = "legacy"
    P2SH_SEGWIT = "p2sh-segwit"
    BECH32 = "bech32"
    BECH32M = "bech32m"


ADDRESS_TYPES: Final = tuple(AddressType)


@dataclass(frozen=True, slots=True)
class HeldDescriptor:
    """A descriptor of a wallet.

    Args:
        text: with public keys only, and its checksum; derived as far as public keys lead.
        root: the same from the key that it was given with, whose hardened steps are still to do.
        active: it gives out addresses, of its type.
        internal: these are for change.
        timestamp_s: nothing was paid to it before.
        start: the first index that counts.
        ahead: so many scripts are watched beyond the last used one.
        end: one behind the last index that is watched at least.
        next_index: of the next address.
        private: whether its private keys are here.
    """

    text: str
    root: str
    active: bool = False
    internal: bool = False
    timestamp_s: int = 0
    start: int = 0
    ahead: int = DEFAULT_AHEAD
    end: int = 0
    next_index: int = 0
    private: bool = False

    def encode(self) -> bytes:
        """As JSON, in UTF-8."""
        return json.dumps(asdict(self), sort_keys=True).encode()

    @classmethod
    def decode(cls, value: bytes) -> HeldDescriptor:
        """From what `encode` wrote.

        Raises:
            DamageError: it is nothing of that kind.
        """
        try:
            return cls(**json.loads(value))
        except (ValueError, TypeError):
            raise records.damaged() from None


def address_type(descriptor: Descriptor) -> AddressType | None:
    """The type of a descriptor's addresses; None of one that gives out none, such as `pk`."""
    inner = descriptor.inner
    match descriptor.name:
        case "pkh":
            return AddressType.LEGACY
        case "sh" if inner is not None and inner.name in ("wpkh", "wsh"):
            return AddressType.P2SH_SEGWIT
        case "sh":
            return AddressType.LEGACY
        case "wpkh" | "wsh":
            return AddressType.BECH32
        case "tr" | "rawtr":
            return AddressType.BECH32M
    return None


class _Chain:
    """One descriptor and its scripts."""

    def __init__(self, held: HeldDescriptor, descriptor: Descriptor) -> None:
        self.held = held
        self.descriptor = descriptor
        self.is_range = descriptor.is_range
        self.scripts: dict[int, tuple[bytes, ...]] = {}

    @property
    def first(self) -> int:
        """The first index that counts."""
        return self.held.start if self.is_range else 0

    @property
    def last(self) -> int:
        """One behind the last index that is to be watched."""
        if not self.is_range:
            return 1
        return min(max(self.held.end, self.held.next_index + self.held.ahead), HARDENED)


class DescriptorBook:
    """The watched scripts; a `scripts.Book` whose keychains are those that it is given to hold.

    Args:
        network: whose addresses are given out.
    """

    is_address: Final = False

    def __init__(self, network: Network) -> None:
        self.network = network
        self.gap = DEFAULT_AHEAD
        self._chains: dict[int, _Chain] = {}
        self._known: dict[bytes, Place] = {}
        self._is_asked = False  # Whether all is derived that there is, and from now on at once.

    # What it holds.

    def hold(self, keychain: int, held: HeldDescriptor) -> list[bytes]:
        """Watch a descriptor, or take over what has changed of one; the scripts that are new.

        Raises:
            DamageError: no such descriptor can be watched.
        """
        chain = self._chains.get(keychain)
        if chain is None:
            try:
                descriptor = parse_descriptor(held.text, self.network)[0]
            except DecodeError:
                raise records.damaged() from None
            chain = self._chains[keychain] = _Chain(held, descriptor)
        chain.held = held
        return self._derive(keychain, chain)

    def kept(self, keychain: int, held: HeldDescriptor) -> HeldDescriptor:
        """What may be written of a descriptor: no address comes twice, all scripts can be derived.

        Raises:
            DecodeError: one cannot.
        """
        if keychain in self._chains:
            held = replace(held, next_index=max(held.next_index, self.held(keychain).next_index))
        chain = _Chain(held, parse_descriptor(held.text, self.network)[0])
        for index in (chain.first, chain.last - 1):  # If these can be, all can.
            chain.descriptor.scripts(index)
        return held

    def held(self, keychain: int) -> HeldDescriptor:
        """A descriptor, and what is said of it."""
        return self._chains[keychain].held

    def parsed(self, keychain: int) -> Descriptor:
        """The descriptor as a value."""
        return self._chains[keychain].descriptor

    def keychain_of(self, text: str) -> int | None:
        """Where a descriptor is held; None if it is not."""
        return next((each for each, chain in self._chains.items() if chain.held.text == text), None)

    def range_end(self, keychain: int) -> int:
        """One behind the last index that is watched."""
        return self._chains[keychain].last

    def active(self, kind: AddressType, *, internal: bool) -> int | None:
        """The keychain that gives out addresses of a type; None if none does."""
        for keychain, chain in self._chains.items():
            held = chain.held
            if held.active and held.internal is internal:
                if address_type(chain.descriptor) is kind:
                    return keychain
        return None

    def moved(self, keychain: int, next_index: int) -> HeldDescriptor:
        """What is to be written where an address is out: nothing has changed yet."""
        return replace(self._chains[keychain].held, next_index=next_index)

    # As every book.

    @property
    def keychains(self) -> tuple[int, ...]:
        """The numbers of all descriptors, in the order in which they came."""
        return tuple(self._chains)

    @property
    def size(self) -> int:
        """How many scripts are watched; it only grows."""
        return len(self._places())

    def scripts(self) -> list[bytes]:
        """All watched scripts."""
        return list(self._places())

    def text(self, keychain: int) -> str:
        """The public descriptor of a keychain."""
        return self._chains[keychain].held.text

    def descriptor(self, keychain: int) -> bdk.Descriptor:
        """The same as BDK has it."""
        return bdk.Descriptor(self.text(keychain), network_kind(self.network))

    def is_range(self, keychain: int) -> bool:
        """Whether the keychain has more than one script."""
        return self._chains[keychain].is_range

    def find(self, script: bytes) -> Place | None:
        """Which of our scripts it is; None if it is none, or further ahead than we look."""
        return self._places().get(script)

    def script(self, keychain: int, index: int) -> bytes:
        """The script at an index, which is watched; of several the one that has an address."""
        chain = self._chains[keychain]
        found = chain.scripts.get(index) or chain.descriptor.scripts(index)
        return found[min(len(found) - 1, 2)]

    def revealed(self, keychain: int) -> int:
        """The index of the next address."""
        return self._chains[keychain].held.next_index

    def watched(self, keychain: int) -> int:
        """How many scripts of a keychain are watched."""
        self._places()
        return len(self._chains[keychain].scripts)

    def reveal(self, keychain: int, count: int) -> list[bytes]:
        """The first `count` are out: look further ahead; the scripts that are new."""
        chain = self._chains[keychain]
        if count > chain.held.next_index and chain.is_range:
            chain.held = replace(chain.held, next_index=count)
        return self._derive(keychain, chain)

    def _places(self) -> dict[bytes, Place]:
        """Whose each script is."""
        if not self._is_asked:
            self._is_asked = True
            for keychain, chain in self._chains.items():
                self._derive(keychain, chain)
        return self._known

    def _derive(self, keychain: int, chain: _Chain) -> list[bytes]:
        if not self._is_asked:
            return []
        fresh: list[bytes] = []
        begun = min(chain.scripts, default=chain.first)
        behind = begun + len(chain.scripts)
        for index in (*range(chain.first, begun), *range(behind, chain.last)):
            scripts = chain.descriptor.scripts(index)
            chain.scripts[index] = scripts
            for script in scripts:
                if script not in self._known:
                    self._known[script] = Place(keychain, index)
                    fresh.append(script)
        return fresh
