"""One client, as the methods see it."""

from __future__ import annotations

from dataclasses import dataclass, field

from axon.electrum.session import ElectrumSession


@dataclass(eq=False, slots=True)
class Client:
    """A client that is connected.

    Args:
        number: by which the server knows it.
        session: what was agreed with it.
        scripts: those that it is subscribed to, by their SHA-256.
    """

    number: int
    session: ElectrumSession = field(default_factory=ElectrumSession)
    scripts: dict[bytes, None] = field(default_factory=dict)
