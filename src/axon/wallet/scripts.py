"""The scripts that are the wallet's: those that were given out, and the next ones of each keychain.

A wallet that is restored from its words does not know how many addresses were given out. So it
always looks a number of scripts ahead of the last one that was paid, and each payment moves the
window on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol

import bdkpython as bdk

from axon.primitives.descriptor import parse_descriptor
from axon.primitives.network import Network
from axon.wallet.errors import WatchOnly
from axon.wallet.keys import Descriptors, bdk_network, network_kind
from axon.wallet.records import Keychain

LOOKAHEAD: Final = 25
"""Scripts watched beyond the last one that was given out or paid; BDK's own number."""

RESTORED_LOOKAHEAD: Final = 100
"""The same in a wallet that was used elsewhere: addresses may have been given out there that were
never paid, and other programs warn of that after 20, if at all."""

MAX_GAP: Final = 10_000
"""The same, as somebody may want it: deriving so many takes a second or two."""


@dataclass(frozen=True, slots=True)
class Place:
    """Which of our scripts one is: of which keychain, and its index there."""

    keychain: int
    index: int


class Scripts(Protocol):
    """The watched scripts of a wallet, keychain by keychain; for each method see `ScriptBook`."""

    gap: int

    @property
    def keychains(self) -> tuple[int, ...]:
        """All of them."""

    @property
    def size(self) -> int:
        """How many scripts are watched; it only grows."""

    @property
    def is_address(self) -> bool:
        """Whether it is one address of which nothing else is known."""

    def scripts(self) -> list[bytes]:
        """All watched scripts."""

    def text(self, keychain: int) -> str:
        """The public descriptor of a keychain."""

    def descriptor(self, keychain: int) -> bdk.Descriptor:
        """The same as BDK has it."""

    def is_range(self, keychain: int) -> bool:
        """Whether the keychain has more than one script."""

    def find(self, script: bytes) -> Place | None:
        """Which of our scripts it is."""

    def script(self, keychain: int, index: int) -> bytes:
        """The script at an index."""

    def revealed(self, keychain: int) -> int:
        """How many scripts were given out or paid."""

    def watched(self, keychain: int) -> int:
        """How many scripts of a keychain are watched."""

    def reveal(self, keychain: int, count: int) -> list[bytes]:
        """The first `count` scripts are out: look further ahead."""


class ScriptBook:
    """The watched scripts of both keychains.

    Args:
        network: whose addresses are given out.
        descriptors: of the scripts.
        gap: scripts watched beyond the last one that was given out or paid.
    """

    def __init__(self, network: Network, descriptors: Descriptors, gap: int = LOOKAHEAD) -> None:
        self.gap = gap
        texts: dict[int, str] = {Keychain.RECEIVE: descriptors.receive}
        if descriptors.change is not None:
            texts[Keychain.CHANGE] = descriptors.change
        kind = network_kind(network)
        self._network = bdk_network(network)
        self._texts = texts
        self._address = _only_script(network, descriptors)
        self._descriptors = {
            keychain: bdk.Descriptor(text, kind)
            for keychain, text in texts.items()
            if self._address is None
        }
        self._scripts: dict[int, list[bytes]] = {keychain: [] for keychain in texts}
        self._places: dict[bytes, Place] = {}
        self._revealed = dict.fromkeys(texts, 0)
        for keychain in texts:
            self.reveal(keychain, 0)

    @property
    def keychains(self) -> tuple[int, ...]:
        """Both, or only the one for receiving."""
        return tuple(self._scripts)

    @property
    def size(self) -> int:
        """How many scripts are watched; it only grows."""
        return len(self._places)

    def scripts(self) -> list[bytes]:
        """All watched scripts, keychain by keychain, by index."""
        return [script for scripts in self._scripts.values() for script in scripts]

    def text(self, keychain: int) -> str:
        """The public descriptor that all scripts of a keychain follow from, as text."""
        return self._texts[keychain]

    def descriptor(self, keychain: int) -> bdk.Descriptor:
        """The same as BDK has it.

        Raises:
            WatchOnly: only an address is watched, so nobody here knows how it is spent.
        """
        if self._address is not None:
            raise WatchOnly(
                "this wallet watches an address, and an address does not say how it is spent: watch"
                " its descriptor to draft payments from it"
            )
        return self._descriptors[keychain]

    @property
    def is_address(self) -> bool:
        """Whether it is one address of which nothing else is known."""
        return self._address is not None

    def is_range(self, keychain: int) -> bool:
        """Whether the keychain has more than one script."""
        return self._address is None and bool(self._descriptors[keychain].has_wildcard())

    def find(self, script: bytes) -> Place | None:
        """Which of our scripts it is; None if it is none, or further ahead than we look."""
        return self._places.get(script)

    def script(self, keychain: int, index: int) -> bytes:
        """The script at an index, which is watched: below `revealed` and `gap` more."""
        return self._scripts[keychain][index]

    def revealed(self, keychain: int) -> int:
        """How many scripts were given out or paid, counted up to the last such one."""
        return self._revealed[keychain]

    def watched(self, keychain: int) -> int:
        """How many scripts of a keychain are watched, those ahead included."""
        return len(self._scripts[keychain])

    def reveal(self, keychain: int, count: int) -> list[bytes]:
        """The first `count` scripts are out: look that much further ahead.

        Returns:
            The scripts that are now watched and were not before.
        """
        self._revealed[keychain] = max(self._revealed[keychain], count)
        scripts = self._scripts[keychain]
        end = self._revealed[keychain] + self.gap if self.is_range(keychain) else 1
        fresh: list[bytes] = []
        for index in range(len(scripts), end):
            script = self._address or self._derived(keychain, index)
            scripts.append(script)
            fresh.append(script)
            self._places[script] = Place(keychain, index)
        return fresh

    def _derived(self, keychain: int, index: int) -> bytes:
        address = self._descriptors[keychain].derive_address(index, self._network)
        return bytes(address.script_pubkey().to_bytes())


def _only_script(network: Network, descriptors: Descriptors) -> bytes | None:
    """The script of `addr()`; None where the descriptor is another."""
    if not descriptors.receive.startswith("addr("):
        return None
    (parsed,) = parse_descriptor(descriptors.receive, network)
    return parsed.script
