"""Payments from wallet to wallet as the screens show them: read from `listdeals`, and in words."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap
from typing import Any, Final

from axon.tui.model import read_sat
from axon.tui.wording import StyledText, Tone, btc

PAYER: Final = "payer"

_STAGES: Final = {
    "issued": StyledText("not paid yet", Tone.DIM),
    "linked": StyledText("connected", Tone.DIM),
    "offered": StyledText("handed over", Tone.WARN),
    "checked": StyledText("checked", Tone.WARN),
    "joined": StyledText("joined", Tone.WARN),
    "accepted": StyledText("accepted", Tone.GOOD),
    "settled": StyledText("in a block", Tone.GOOD),
    "expired": StyledText("expired", Tone.DIM),
    "refused": StyledText("refused", Tone.BAD),
}

_SENTENCES: Final = {
    "issued": "Nobody has paid it yet. Whoever pays its address on chain is seen as well.",
    "linked": "A wallet is connected, and has paid nothing yet.",
    "offered": "The payment is on its way to the wallet that asked for it. If that is not reached,"
    " it is settled without it.",
    "expired": "It was not paid in time.",
}
"""Of a stage at which nothing was shown of a payment yet."""


_ROW: Final = 10
"""Characters before a value; 64 digits of a txid fit behind them at 74."""


@dataclass(frozen=True, slots=True)
class ShownDeal:
    """A payment between this wallet and another one.

    Args:
        id: of the invoice, hex.
        role: `payee` or `payer`: what this wallet is.
        stage: as in `listdeals`.
        changed_s: since when, seconds since 1970.
        reason: why it was refused; else empty.
        advice: what we can do about that as its payer; else empty.
        uri: the invoice.
        amount_sat: what it asks for; None where the payer decides.
        who: who is paid and what for, by the payee's own word.
        txid: of the payment, hex; empty before it.
        joined: it is a payjoin.
        headline: what was shown of it, in one sentence; empty before it.
        proved, unproved: what was shown, and what was not.
        has_receipt: the payee has signed one.
    """

    id: str
    role: str
    stage: str
    changed_s: int
    reason: str
    advice: str
    uri: str
    amount_sat: int | None
    who: str
    txid: str
    joined: bool
    headline: str
    proved: tuple[str, ...]
    unproved: tuple[str, ...]
    has_receipt: bool

    @property
    def key(self) -> str:
        """Its name among all: a wallet may pay itself."""
        return f"{self.role} {self.id}"

    @property
    def waits(self) -> bool:
        """Whether it is still to be paid."""
        return self.role != PAYER and self.stage in ("issued", "linked")


def read_deal(deal: dict[str, Any]) -> ShownDeal:
    """From one entry of `listdeals`, or from `payinvoice`."""
    shown = deal["shown"] or {"headline": "", "proved": (), "unproved": ()}
    return ShownDeal(
        id=deal["id"],
        role=deal["role"],
        stage=deal["stage"],
        changed_s=deal["changed"],
        reason=deal["reason"],
        advice=deal["advice"],
        uri=deal["uri"],
        amount_sat=None if deal["amount"] is None else read_sat(deal["amount"]),
        who=": ".join(filter(None, (deal["label"], deal["message"]))),
        txid=deal["txid"] or "",
        joined=deal["joined"],
        headline=shown["headline"],
        proved=tuple(shown["proved"]),
        unproved=tuple(shown["unproved"]),
        has_receipt=deal["receipt"],
    )


def deal_amount(deal: ShownDeal) -> str:
    """What is asked for, in bitcoin."""
    return "any" if deal.amount_sat is None else btc(deal.amount_sat).removesuffix(" BTC")


def deal_stage(deal: ShownDeal) -> StyledText:
    """How far it is, for a narrow column."""
    return _STAGES.get(deal.stage, StyledText(deal.stage))


def deal_line(deal: ShownDeal) -> StyledText:
    """How far it is, in a sentence or two."""
    tone = deal_stage(deal).tone
    if deal.stage == "refused":
        refused = deal.headline or f"Refused: {deal.reason}."
        return StyledText(f"{refused} {deal.advice}." if deal.advice else refused, tone)
    if deal.stage in _SENTENCES and not deal.headline:
        return StyledText(_SENTENCES[deal.stage], tone)
    taken = {"accepted": "Accepted. ", "settled": "Settled. "}.get(deal.stage, "")
    joined = "It is joined with a coin of the payee. " if deal.joined else ""
    return StyledText(f"{taken}{joined}{deal.headline}".strip(), tone)


def deal_facts(deal: ShownDeal, width: int) -> str:
    """What was shown of it and what was not, and what there is, as lines.

    Args:
        width: of a line.
    """
    lines = _listed("Shown", deal.proved, width) + _listed("Not shown", deal.unproved, width)
    if deal.txid:
        lines.append(f"{'Txid':<{_ROW}}{deal.txid}")
    if deal.has_receipt:
        lines.append(f"{'Receipt':<{_ROW}}signed by the payee's address; r copies it")
    return "\n".join(lines)


def _listed(name: str, texts: tuple[str, ...], width: int) -> list[str]:
    lines = [
        mark + part
        for text in texts
        for mark, part in zip(
            ("- ", *["  "] * len(text)), wrap(text, width - _ROW - 2), strict=False
        )
    ]
    return [f"{'' if place else name:<{_ROW}}{line}" for place, line in enumerate(lines)]
