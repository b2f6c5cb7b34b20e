"""What a client is still to be told: the newest tip, and of each script the newest status.

However often something changes while a client cannot be told, it is told once.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from itertools import islice
from typing import Final

from axon.chain.headertree import HeaderEntry
from axon.electrum.methods.headers import shown_tip
from axon.electrum.session import notification
from axon.electrum.statuses import StatusChange
from axon.primitives.hashes import to_hex
from axon.rpc.amounts import encode_json

TOLD_AT_ONCE: Final = 500
"""Statuses that are told in one go: some milliseconds."""

TOLD_UNITS: Final = 0.05
"""What telling one thing costs."""


class News:
    """The news of one client."""

    def __init__(self) -> None:
        self._statuses: dict[bytes, str | None] = {}
        self._tip: HeaderEntry | None = None

    def __bool__(self) -> bool:
        return bool(self._statuses) or self._tip is not None

    def statuses(self, changed: Iterable[StatusChange]) -> None:
        """Scripts have new statuses."""
        for change in changed:
            self._statuses[change.script] = change.status

    def superseded(self, script: bytes) -> None:
        """It learns the status of a script in another way; what was to be told is older."""
        self._statuses.pop(script, None)

    def tip(self, tip: HeaderEntry) -> None:
        """The chain has a new tip."""
        self._tip = tip

    def next(self, scripts: Container[bytes]) -> list[str]:
        """Some of what is to be told, as lines, the tip first; they are told then.

        Args:
            scripts: what the client is subscribed to now.
        """
        lines: list[str] = []
        if self._tip is not None:
            told = notification("blockchain.headers.subscribe", [shown_tip(self._tip)])
            lines.append(encode_json(told))
            self._tip = None
        for script in list(islice(self._statuses, TOLD_AT_ONCE)):
            status = self._statuses.pop(script)
            if script in scripts:
                params: list[object] = [to_hex(script), status]
                lines.append(encode_json(notification("blockchain.scripthash.subscribe", params)))
        return lines
