"""What a command that sends ends with: what became of the payment, and an exit code for scripts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from axon.cli.walletview import write
from axon.rpc.deliverytext import HANDED_OVER, KEPT, REFUSED, REPLACED, delivery_line

EXIT_CODES: Final = {KEPT: 3, HANDED_OVER: 4, REFUSED: 5, REPLACED: 5}
"""What a command that sends ends with; 0 once a node is known to have the payment."""

EXIT_TEXT: Final = (
    "Exit code: 0 a node has the payment in its pool, 1 nothing was sent, 3 it is kept and no node"
    " has fetched it, 4 a node has fetched it and nobody shows it, 5 whoever has fetched it does"
    " not keep it. After 3, 4 and 5 do not pay a second time: it is offered again."
)


def tell_sent(sent: Mapping[str, Any]) -> int:
    """Say what became of a payment; the exit code."""
    word = sent["delivery"]
    name = {KEPT: KEPT, REFUSED: REFUSED, REPLACED: REPLACED}.get(word, "sent")
    write(f"{name}: {sent['txid']}")
    write(delivery_line(sent))
    return EXIT_CODES.get(word, 0)
