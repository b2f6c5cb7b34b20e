"""One client, as the methods see it, and as whoever tells it of changes does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from axon.chain.headertree import HeaderEntry
from axon.electrum.budget import ENTRIES_A_UNIT
from axon.electrum.session import ElectrumSession
from axon.electrum.shares import Holder
from axon.electrum.statuses import StatusChange


@dataclass(eq=False, slots=True)
class Client:
    """A client that is connected.

    Args:
        number: by which the server knows it.
        holder: whose share its subscriptions are taken from.
        session: what was agreed with it.
        scripts: those that it is subscribed to, by their SHA-256.
        caused_units: the work that its question turned out to cause, beyond the method's price.
    """

    number: int
    holder: Holder
    session: ElectrumSession = field(default_factory=ElectrumSession)
    scripts: dict[bytes, None] = field(default_factory=dict)
    caused_units: float = 0.0

    def caused(self, count: int, a_unit: int = ENTRIES_A_UNIT) -> None:
        """Its question has so much looked at: transactions or outputs of a script, or something of
        which so much is a unit."""
        self.caused_units += count / a_unit


class StatusListener(Protocol):
    """A client, as far as it is told of changes."""

    def statuses(self, changed: Sequence[StatusChange]) -> None:
        """Scripts that it is subscribed to have new statuses."""

    def superseded(self, script: bytes) -> None:
        """An answer says the status of a script; what was to be told of it is older."""

    def header(self, tip: HeaderEntry) -> None:
        """The chain has a new tip; it is subscribed to that."""
