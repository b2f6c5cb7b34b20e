"""How a peer can fail us.

Parts of this room raise these; the node catches them in one place and ends the connection. Whatever
a peer sends, nothing else but `DecodeError` may come out of this room.
"""

from __future__ import annotations

from typing import Final

from axon.errors import AxonError

TOO_NEW: Final = "time-too-new"
"""Why a header is refused that may be valid later: or our clock is behind."""

DUPLICATE_INVALID: Final = "duplicate-invalid"
"""Why a block is refused that was refused before: whom we did not choose is not to blame."""

SET_ASIDE: Final = "set-aside"
"""Why a header is refused with which nothing is wrong: the operator does not want it."""

BLAMELESS_REASONS: Final = frozenset((TOO_NEW, "prev-blk-not-found", SET_ASIDE))
"""Reasons for which a header is refused and its sender is not to blame (Bitcoin Core's
`MaybePunishNodeForBlock`): clocks differ, and it may just know more than we do."""


class PeerFault(AxonError):
    """The peer failed us and its connection ends; nothing is held against its address."""


class PeerViolation(PeerFault):
    """The peer broke a rule: it is disconnected and its address discouraged.

    Args:
        rule: its source and the rule, as in "BIP 157: a filter is what its filter header commits
            to". The source is a BIP, "Bitcoin Core" where the rule stands in no BIP, or "axon" for
            a bound of our own that no honest program comes near.
    """

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


class PeerSilent(PeerFault):
    """The peer did not answer in time. It may be slow and honest, so it is not discouraged."""


class ConnectedToSelf(PeerFault):
    """The peer is this node: one of its own addresses was dialled."""


class PeerDone(PeerFault):
    """No failure: the connection has served its purpose, as a feeler has whose peer answered."""
