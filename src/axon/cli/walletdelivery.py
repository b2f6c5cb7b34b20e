"""What became of a payment that was brought out: a sentence, and an exit code for scripts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from axon.cli.walletview import nodes_text, write

KEPT: Final = "kept"
HANDED_OVER: Final = "handed over"
REFUSED: Final = "refused"
ACCEPTED: Final = "accepted"
SPREADING: Final = "spreading"
REPLACED: Final = "replaced"
"""The words of `waitfordelivery`."""

EXIT_CODES: Final = {KEPT: 3, HANDED_OVER: 4, REFUSED: 5, REPLACED: 5}
"""What a command that sends ends with; 0 once a node is known to have the payment."""

EXIT_TEXT: Final = (
    "Exit code: 0 a node has the payment in its pool, 1 nothing was sent, 3 it is kept and no node"
    " has fetched it, 4 a node has fetched it and nobody shows it, 5 whoever has fetched it does"
    " not keep it. After 3, 4 and 5 do not pay a second time: it is offered again."
)

_AGAIN: Final = (
    "It is written down and will be offered again whenever this wallet runs; do not pay a second"
    " time."
)


def delivery_line(sent: Mapping[str, Any]) -> str:
    """What became of a payment, in a sentence.

    Args:
        sent: what `sendpayment` says, or an entry of `waitfordelivery`.
    """
    word = sent["delivery"]
    if word == KEPT:
        return f"No node has fetched it yet. {_AGAIN}"
    if word == REPLACED:
        return "It was refused: another payment that spends the same is with the nodes already."
    spread = sent["spread"]
    if spread is None:
        return "It is in a block already."
    fetched = nodes_text(spread["given"])
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


def tell_sent(sent: Mapping[str, Any]) -> int:
    """Say what became of a payment; the exit code."""
    word = sent["delivery"]
    name = {KEPT: KEPT, REFUSED: REFUSED, REPLACED: REPLACED}.get(word, "sent")
    write(f"{name}: {sent['txid']}")
    write(delivery_line(sent))
    return EXIT_CODES.get(word, 0)


def _refusals(refusals: list[Mapping[str, Any]]) -> str:
    if not refusals:
        return "It was refused: whoever fetched it does not keep it"
    return f"It was refused: fetched and not kept by {_told(refusals)}"


def _told(refusals: list[Mapping[str, Any]]) -> str:
    return "; ".join(f"{each['addr']} ({each['reason']})" for each in refusals)


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]
