"""What the screens say: amounts, times, states, and one sentence for each situation."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from axon.rpc.amounts import format_amount
from axon.rpc.deliverytext import HANDED_OVER, KEPT, REFUSED, nodes_text
from axon.tui.model import (
    REPLACED,
    UNCONFIRMED,
    Payment,
    Peer,
    ShownCoin,
    ShownDelivery,
    ShownDraft,
    Sync,
)

ELLIPSIS: Final = "…"

_CATEGORIES: Final = {
    "send": "sent",
    "receive": "received",
    "self": "to self",
    "generate": "mined",
    "immature": "mined",
    "orphan": "lost block",
}


class Tone(StrEnum):
    """How a text is coloured; also a class of the style sheets."""

    PLAIN = "plain"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    DIM = "dim"


_DELIVERIES: Final = {KEPT: Tone.WARN, HANDED_OVER: Tone.WARN, REFUSED: Tone.BAD}
"""What no node is known to have; of that which one has, nothing more is said than its state."""


@dataclass(frozen=True, slots=True)
class StyledText:
    """A text with the tone that decides its colour."""

    text: str
    tone: Tone = Tone.PLAIN


def btc(sat: int) -> str:
    """A sum of money with its unit."""
    return f"{format_amount(sat)} BTC"


def signed(sat: int) -> str:
    """What a payment adds or takes, in bitcoin."""
    return f"{'+' if sat > 0 else ''}{format_amount(sat)}"


def time_text(time_s: int) -> str:
    """A time of day to the minute, where the reader is."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(time_s))


def elided(text: str, width: int) -> str:
    """A text cut in its middle, so that its beginning and its end can be compared."""
    if len(text) <= width:
        return text
    tail = (width - 1) // 2
    return text[: width - 1 - tail] + ELLIPSIS + text[len(text) - tail :]


def standing(sync: Sync, *, offline: bool) -> StyledText:
    """Where the wallet is, or what keeps it from being up to date.

    Args:
        offline: nobody is dialled, as was asked for.
    """
    if not sync.peers:
        if offline:
            return StyledText("Offline: shown is what was known before", Tone.WARN)
        return StyledText(f"No node is connected, looking for one{_last_known(sync)}", Tone.WARN)
    if sync.clock_behind:
        return StyledText("The clock of this machine is behind the blocks: set it right", Tone.BAD)
    if not sync.filter_peers:
        return StyledText(
            f"No filters from {nodes_text(sync.peers)}: payments are not seen", Tone.WARN
        )
    if sync.disputed is not None:
        return StyledText(f"Nodes disagree about block {sync.disputed:,}, asking more", Tone.WARN)
    if sync.synced:
        age = "" if sync.age_s is None else f", {age_text(sync.age_s)} old"
        agree = f"{sync.agree:,} of {sync.asked:,} nodes agree"
        return StyledText(f"In sync at block {sync.headers:,}{age}: {agree}", Tone.GOOD)
    if sync.weighed > sync.headers:
        return StyledText(f"Weighing a chain: header {sync.weighed:,}")
    if sync.filter_headers < sync.headers:
        return StyledText(
            f"Reading filter headers, {max(0, sync.filter_headers):,} of {sync.headers:,}"
        )
    if sync.scanned < sync.headers:
        where = f"block {max(0, sync.scanned):,} of {sync.headers:,}"
        return StyledText(f"Looking for payments, {where}")
    agree = f"{sync.agree:,} of {sync.asked:,} nodes agree"
    return StyledText(f"Waiting for nodes to show block {sync.headers:,}: {agree}", Tone.WARN)


def _last_known(sync: Sync) -> str:
    if sync.scanned < 0 or sync.age_s is None:
        return ""
    return f"; shown is block {sync.scanned:,}, {age_text(sync.age_s)} old"


def age_text(age_s: int) -> str:
    """How long ago something was: `40 s`, `12 min`, `3 h`, `5 days`; 0 s if it is to come."""
    if age_s < 60:
        return f"{max(0, age_s)} s"
    if age_s < 3_600:
        return f"{age_s // 60} min"
    if age_s < 2 * 86_400:
        return f"{age_s // 3_600} h"
    return f"{age_s // 86_400:,} days"


def category(payment: Payment) -> str:
    """What a payment is, in a word or two."""
    return _CATEGORIES.get(payment.category, payment.category)


def confirmed(payment: Payment) -> StyledText:
    """How sure a payment is, for a narrow column."""
    if payment.disputed:
        return StyledText("spent twice", Tone.BAD)
    if payment.state == REPLACED:
        return StyledText("replaced", Tone.DIM)
    if payment.category == "orphan":
        return StyledText("lost", Tone.DIM)
    if payment.state == UNCONFIRMED and payment.delivery in _DELIVERIES:
        return StyledText(payment.delivery, _DELIVERIES[payment.delivery])
    if payment.state == UNCONFIRMED:
        return StyledText("unconfirmed", Tone.WARN)
    return StyledText(f"{payment.confirmations:,}")


def amount(payment: Payment) -> StyledText:
    """What a payment adds or takes, coloured."""
    if payment.state == REPLACED or payment.category == "orphan":
        return StyledText(signed(payment.amount_sat), Tone.DIM)
    return StyledText(
        signed(payment.amount_sat), Tone.GOOD if payment.amount_sat > 0 else Tone.PLAIN
    )


def counterparty(payment: Payment) -> str:
    """Whom a payment concerns: its label, else its address."""
    if payment.label:
        return payment.label
    more = len(payment.addresses) - 1
    first = payment.addresses[0] if payment.addresses else ""
    return f"{first} and {more} more" if more > 0 else first


def confirmation_text(payment: Payment) -> str:
    """How sure a payment is, in a sentence."""
    if payment.disputed:
        return "somebody was seen to spend the same coins once more; wait for a block"
    if payment.state == REPLACED:
        return "replaced by another payment that spends the same; it counts for nothing"
    if payment.category == "orphan":
        return "its block left the chain; it counts for nothing"
    if payment.state == UNCONFIRMED:
        return "in no block yet"
    count = payment.confirmations
    word = "confirmation" if count == 1 else "confirmations"
    if payment.category == "immature":
        return f"{count} {word}; mined, to be spent after 100"
    return f"{count:,} {word}"


def coin_state(coin: ShownCoin) -> StyledText:
    """Whether a coin can be spent, and why not."""
    if coin.frozen:
        return StyledText("frozen", Tone.WARN)
    if coin.immature:
        return StyledText("immature", Tone.DIM)
    if not coin.safe:
        return StyledText("pending", Tone.WARN)
    return StyledText("change" if coin.change else "ready")


def peer_filters(peer: Peer) -> StyledText:
    """Whether a node serves filters."""
    if not peer.agent:
        return StyledText("", Tone.DIM)
    return StyledText("no", Tone.DIM) if peer.filters == "none" else StyledText("yes")


def peer_agrees(peer: Peer) -> StyledText:
    """Whether a node's filter headers are the ones we hold."""
    if peer.filters == "agrees":
        return StyledText("yes", Tone.GOOD)
    return StyledText("asking", Tone.DIM) if peer.filters == "open" else StyledText("", Tone.DIM)


def ping(peer: Peer) -> str:
    """How long a node takes to answer."""
    return "" if peer.ping_ms is None else f"{peer.ping_ms:.1f} ms"


def draft_rows(draft: ShownDraft) -> list[tuple[str, str, str]]:
    """What a payment would do: a word, a sum, an explanation."""
    rows = [
        ("Pays", btc(each.amount_sat), f"to {each.to}" + " (this wallet)" * each.ours)
        for each in draft.outputs
    ]
    rate = f"{draft.feerate_sat_vb:.1f} sat/vB for {draft.vsize:,} vbytes"
    rows.append(("Fee", btc(draft.fee_sat), rate))
    if draft.reduced_sat:
        rows.append(("Less", btc(draft.reduced_sat), "than of the payment that it replaces"))
    if draft.child_of:
        rows.append(("Lifts", btc(draft.amount_sat + draft.fee_sat), f"of {draft.child_of}"))
    rows.append(("Total", btc(draft.total_sat), "leaves this wallet"))
    rows.append(("Change", btc(draft.change_sat), "comes back to this wallet"))
    return rows


def draft_text(draft: ShownDraft, width: int) -> str:
    """The same as lines; an explanation that is too long gets lines of its own.

    Args:
        width: of the place where it is shown; no address is ever cut there.
    """
    rows = draft_rows(draft)
    sums = max(len(row[1]) for row in rows)
    lines = []
    for word, amount_text, more in rows:
        head = f"{word:<8}{amount_text:>{sums}}"
        if len(head) + 2 + len(more) <= width:
            lines.append(f"{head}  {more}")
        else:
            lines += [head, " " * min(8, max(0, width - len(more))) + more]
    return "\n".join(lines)


def became(payment: Payment, delivery: ShownDelivery) -> StyledText:
    """What became of a payment that was sent."""
    if payment.state == REPLACED:
        return StyledText("It was replaced by another payment.", Tone.WARN)
    if payment.state != UNCONFIRMED:
        where = f"It is in block {payment.height:,}" if payment.height else "It is in a block"
        return StyledText(f"{where}: {confirmation_text(payment)}.", Tone.GOOD)
    return StyledText(delivery.line, _DELIVERIES.get(delivery.word, Tone.GOOD))
