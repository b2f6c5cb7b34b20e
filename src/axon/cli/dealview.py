"""Payments from wallet to wallet as lines for a person, of what `listdeals` tells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from axon.cli.walletview import btc
from axon.rpc.deliverytext import delivery_line

ENDED_BADLY: Final = frozenset({"refused", "expired"})
"""Stages in which nothing more comes of a payment."""

NO_ANSWER: Final = (
    "The payee has given no receipt: the payment goes to the network without it, now or when a node"
    " is in reach."
)

KEPT_BY_BOTH: Final = (
    "Both wallets have written it down, and bring it to nodes whenever they run: until a block has"
    " it nothing is final."
)

_NAME: Final = 16
"""Digits of an invoice's id that are shown, and are enough to name it."""

_ROLES: Final = {"payee": "asked", "payer": "paid "}
"""What this wallet did, as the full-screen program has it, in a column."""


def title_line(deal: Mapping[str, Any]) -> str:
    """A payment and how far it is, in a line."""
    joined = ", joined" if deal["joined"] and deal["stage"] != "joined" else ""
    parts = (deal["id"][:_NAME], _sum(deal), f"{deal['stage']}{joined}", _what(deal))
    return "  ".join(parts).rstrip()


def receipt_line(deal: Mapping[str, Any]) -> str:
    """A payment that has a receipt, in a line, with the whole id."""
    return "  ".join((deal["id"], _sum(deal), _what(deal))).rstrip()


def deal_lines(deal: Mapping[str, Any]) -> list[str]:
    """The same with what was shown of it, and what was not."""
    lines = [title_line(deal)]
    if deal["txid"] is not None:
        lines.append(f"  transaction {deal['txid']}")
    if deal["searched"] is not None:
        lines.append(f"  {search_line(deal)}")
    shown = deal["shown"]
    if shown is not None:
        lines += shown_lines(shown)
    elif deal["reason"]:
        lines.append(f"  {deal['reason']}")
    if deal["advice"]:
        lines.append(f"  What to do: {deal['advice']}.")
    return lines


def search_line(found: Mapping[str, Any]) -> str:
    """How far it is known that the coins of a payment are unspent, while they are looked up."""
    return f"looking whether its coins are spent: block {found['searched']:,} so far"


def shown_lines(shown: Mapping[str, Any]) -> list[str]:
    """A verdict: in one sentence, what was shown, and what was not."""
    return [
        f"  {shown['headline']}",
        *[f"    shown: {line}" for line in shown["proved"]],
        *[f"    not shown: {line}" for line in shown["unproved"]],
    ]


def outcome_lines(
    name: str, deal: Mapping[str, Any], waiting: Sequence[Mapping[str, Any]]
) -> list[str]:
    """What a payment that was just made ends with: where its receipt is, and which nodes have it.

    Args:
        name: of the payer's wallet.
        waiting: payments that are in no block, as `waitfordelivery` tells them.
    """
    if deal["stage"] in ENDED_BADLY:
        return []
    receipt = f"Its receipt: axon wallet receipts {name} {deal['id'][:_NAME]}"
    nodes = [delivery_line(each) for each in waiting if each["txid"] == deal["txid"]]
    return [f"  {line}" for line in (receipt if deal["receipt"] else NO_ANSWER, *nodes)]


def _sum(deal: Mapping[str, Any]) -> str:
    amount = "any amount" if deal["amount"] is None else btc(deal["amount"])
    return f"{_ROLES[deal['role']]}  {amount}"


def _what(deal: Mapping[str, Any]) -> str:
    return ": ".join(filter(None, (deal["label"], deal["message"])))
