"""What became of a payment that was brought out, as commands and screens say it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

KEPT: Final = "kept"
HANDED_OVER: Final = "handed over"
REFUSED: Final = "refused"
ACCEPTED: Final = "accepted"
SPREADING: Final = "spreading"
REPLACED: Final = "replaced"
CONFIRMED: Final = "confirmed"
"""The words of `waitfordelivery` and `gettransaction`."""

_AGAIN: Final = (
    "It is written down and will be offered again whenever this wallet runs; do not pay a second"
    " time."
)
_NOWHERE: Final = {"given": 0, "echoed": 0, "held": 0}


def delivery_line(sent: Mapping[str, Any]) -> str:
    """What became of a payment, in a sentence or two.

    Args:
        sent: what `sendpayment` or `gettransaction` says, or an entry of `waitfordelivery`.
    """
    word, spread = sent["delivery"], sent["spread"] or _NOWHERE
    fetched = nodes_text(spread["given"])
    if word == CONFIRMED:
        return "It is in a block already."
    if word == KEPT:
        return f"No node has fetched it yet. {_AGAIN}"
    if word == REPLACED:
        return "It was refused: another payment that spends the same is with the nodes already."
    if word == SPREADING:
        others = nodes_text(spread["echoed"])
        return f"It spreads: {fetched} fetched it, and {others} got it from others."
    if word == REFUSED:
        return f"{_refusals(sent['refusals'])}. {_AGAIN}"
    if word == HANDED_OVER and not spread["given"]:
        return f"A node fetched it in an earlier run, and nobody has shown it since. {_AGAIN}"
    if word == HANDED_OVER:
        known = f": {_told(sent['refusals'])}" if sent["refusals"] else ""
        return f"{_first_upper(fetched)} fetched it, and nobody has shown it since{known}. {_AGAIN}"
    alone = "" if sent["peers"] > 1 else "; no other node is there to confirm that it spreads"
    if not spread["held"]:
        return "A node has shown that it has it."
    return f"{_first_upper(nodes_text(spread['held']))} took it into the pool{alone}."


def nodes_text(count: int) -> str:
    """A number of nodes in words: `0 nodes`, `one node`, `2 nodes`."""
    return "one node" if count == 1 else f"{count:,} nodes"


def _refusals(refusals: list[Mapping[str, Any]]) -> str:
    if not refusals:
        return "It was refused: whoever fetched it does not keep it"
    return f"It was refused: fetched and not kept by {_told(refusals)}"


def _told(refusals: list[Mapping[str, Any]]) -> str:
    return "; ".join(f"{each['addr']} ({each['reason']})" for each in refusals)


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]
