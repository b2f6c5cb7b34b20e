"""The statuses of the scripts that somebody is subscribed to.

A status is a hash over a script's whole history, confirmed and not. Of each subscribed script the
hash over the confirmed part is kept unfinished, so that a block costs one step for what it touched
and no look at the disk. Blocks that leave the chain take that away again: the history is then read
anew.

What clients are subscribed to is bounded, script by script and client by client, because each costs
memory and each is told; every client has its share of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from axon.chain.scriptindex import BlockTouches
from axon.electrum.unconfirmed import in_order
from axon.primitives.hashes import Txid, to_hex

MAX_SUBSCRIBED: Final = 150_000
"""Subscriptions of all clients together, one for each script of a client: some 100 MB."""


class StatusChange(NamedTuple):
    """A script has a new status."""

    script: bytes
    status: str | None
    entries: int
    """Of how many unconfirmed transactions it was made."""


class ConfirmedPart:
    """The unfinished hash over what of a script's history is confirmed.

    Args:
        history: heights and txids, in the order of the chain.

    Attributes:
        count: how many they are.
    """

    __slots__ = ("_digest", "count")

    def __init__(self, history: Iterable[tuple[int, Txid]] = ()) -> None:
        self._digest = hashlib.sha256()
        self.count = 0
        for height, txid in history:
            self.add(height, txid)

    def add(self, height: int, txid: Txid) -> None:
        """One more transaction is confirmed."""
        self.count += 1
        self._digest.update(f"{to_hex(txid)}:{height}:".encode())

    def status(self, unconfirmed: Sequence[tuple[int, Txid, int]]) -> str | None:
        """The status as the protocol defines it; None where nothing ever touched the script.

        Args:
            unconfirmed: heights, txids and fees, in the protocol's order.
        """
        if not self.count and not unconfirmed:
            return None
        if not unconfirmed:
            return self._digest.hexdigest()
        digest = self._digest.copy()
        for height, txid, _ in unconfirmed:
            digest.update(f"{to_hex(txid)}:{height}:".encode())
        return digest.hexdigest()


class Subscribed:
    """One script that somebody is subscribed to.

    Args:
        confirmed: its confirmed history, as of the block that clients are told of.
    """

    __slots__ = ("clients", "confirmed", "status")

    def __init__(self, confirmed: ConfirmedPart) -> None:
        self.confirmed: ConfirmedPart | None = confirmed  # None where it has to be read anew.
        self.status: str | None = None  # What its clients were told.
        self.clients: dict[int, None] = {}


class StatusBook:
    """Who is subscribed to which scripts, and what they were told.

    Clients go by numbers.
    """

    def __init__(self) -> None:
        self._scripts: dict[bytes, Subscribed] = {}

    def __len__(self) -> int:
        return len(self._scripts)

    def __contains__(self, script: bytes) -> bool:
        return script in self._scripts

    def get(self, script: bytes) -> Subscribed | None:
        """What is known of a script; None if nobody is subscribed to it."""
        return self._scripts.get(script)

    def is_told(self, change: StatusChange) -> bool:
        """Whether this is the newest status of a script that clients are told."""
        found = self._scripts.get(change.script)
        return found is not None and found.status == change.status

    def subscribe(self, client: int, script: bytes, found: Subscribed) -> None:
        """Note that a client is told of a script from now on.

        Args:
            found: as `get` gave it; or new, where it gave None.
        """
        self._scripts.setdefault(script, found).clients[client] = None

    def unsubscribe(self, client: int, script: bytes) -> None:
        """Note that a client is told of a script no more, if it was."""
        found = self._scripts.get(script)
        if found is not None:
            found.clients.pop(client, None)
            if not found.clients:
                del self._scripts[script]

    def connected(self, block: BlockTouches, scripts: Iterable[bytes]) -> list[bytes]:
        """A block has joined the chain.

        Args:
            scripts: of those that it touches; each is to come once.

        Returns:
            Those of them that somebody is subscribed to.
        """
        touched: list[bytes] = []
        for script in scripts:
            found = self._scripts.get(script)
            if found is not None:
                touched.append(script)
                if found.confirmed is not None:
                    for position in block.touched[script]:
                        found.confirmed.add(block.height, block.txids[position])
        return touched

    def disconnected(self, block: BlockTouches) -> list[bytes]:
        """A block has left the chain; what it touches, and somebody is subscribed to."""
        touched: list[bytes] = []
        for script in block.touched:
            found = self._scripts.get(script)
            if found is not None:
                found.confirmed = None
                touched.append(script)
        return touched


def status_of(part: ConfirmedPart, unconfirmed: Iterable[tuple[int, Txid, int]]) -> str | None:
    """The status of a script, the unconfirmed in whatever order they come; from any thread."""
    return part.status(in_order(unconfirmed))
