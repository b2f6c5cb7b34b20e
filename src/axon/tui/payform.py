"""The form of a payment: whom, how much, and what fee; a refusal stands under its field."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from textual import on
from textual.app import ComposeResult
from textual.containers import Grid, Horizontal, Vertical
from textual.message import Message
from textual.widgets import Button, Checkbox, Input, RadioButton, RadioSet, Static

from axon.errors import AxonError
from axon.rpc.amounts import format_amount
from axon.rpc.errors import Code, RpcError
from axon.tui.pane import Line
from axon.tui.wording import StyledText, Tone

ReadAmount = Callable[[str, str], int]
"""Satoshi of a text such as `0.5`, `0.5 BTC` or `50000 sat`, and of the unit that is meant where it
names none; an `AxonError` says what is wrong with it."""


class AskedPayment(Protocol):
    """What the text of the first field asks for: an address alone, or a payment URI."""

    @property
    def address(self) -> str:
        """Who is paid, not checked yet."""

    @property
    def amount_sat(self) -> int | None:
        """How much; None where the payer decides."""

    @property
    def note(self) -> str:
        """Who that is and what for, one line; empty if it is not said."""

    @property
    def invoice(self) -> str:
        """Not empty where the payee's wallet can be paid directly."""

    @property
    def payjoin(self) -> str:
        """Not empty where a payjoin can be asked for over HTTP."""


ReadPayee = Callable[[str], AskedPayment]
"""What a text asks for; an `AxonError` says why it cannot be paid."""

ALL: Final = "all"
UNITS: Final = ("BTC", "sat")

_MAX_TEXT: Final = 200
"""Characters of a field; what is longer was pasted by mistake."""

_MAX_URI: Final = 4_000
"""The same of a payment URI, as the wallet reads them."""

_FEERATE: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,3})?", re.ASCII)

_FIELD_OF: Final[dict[int, str]] = {
    Code.NOT_FOUND: "to",
    Code.TYPE: "amount",
    Code.INSUFFICIENT_FUNDS: "amount",
    Code.PARAMETER: "fee",
}
"""Which field the wallet's refusal of a draft belongs to, by its number."""


def read_feerate(text: str) -> float | None:
    """A fee in sat/vB as it was typed; None if it is none."""
    typed = text.strip()
    return float(typed) if _FEERATE.fullmatch(typed) else None


@dataclass(frozen=True, slots=True)
class Order:
    """A payment as it was typed, readable.

    Args:
        to: an address.
        amount: a sum in bitcoin with 8 decimals, or `all`.
        note: what a payment URI said of it; empty if it said nothing.
        feerate_sat_vb: None leaves it to the wallet, which looks at the last blocks.
        invoice: the URI of an invoice, which is paid from wallet to wallet; empty for none.
        payjoin: its payee may join the payment with a coin of his.
        joined_at: the payment URI, where its payee is asked to join over HTTP; empty for nobody.
    """

    to: str
    amount: str
    feerate_sat_vb: float | None
    high_fee: bool
    note: str = ""
    invoice: str = ""
    payjoin: bool = True
    joined_at: str = ""


class PayForm(Vertical):
    """Three fields and a button.

    Args:
        read_amount: reads what was typed as an amount.
        read_payee: reads what was typed as an address or a payment URI.
        read_file: what was typed, or the invoice in a file of that name.
    """

    class Edited(Message):
        """Something was changed: a draft that was made before is no longer meant."""

    class Ready(Message):
        """The form is filled in: draft the payment."""

    DEFAULT_CSS = """
    PayForm { height: auto; }
    PayForm Grid {
        grid-size: 2 6; grid-columns: 8 1fr; grid-rows: 1 auto; height: auto;
    }
    PayForm .wrong { height: auto; min-height: 1; }
    PayForm .what { color: $tone-dim; }
    PayForm Horizontal { height: 1; }
    PayForm #amount { width: 30; margin: 0 2 0 0; }
    PayForm #fee { width: 24; margin: 0 2 0 0; }
    PayForm RadioSet { layout: horizontal; width: 18; height: 1; }
    PayForm RadioSet:blur > RadioButton.-selected > .toggle--label { background: $surface; }
    PayForm ToggleButton > .toggle--button { color: $panel; }
    PayForm ToggleButton.-on > .toggle--button { color: $tone-good; }
    PayForm .unit { width: auto; margin: 0 3 0 0; color: $tone-dim; }
    PayForm #high { display: none; }
    PayForm #high.offered { display: block; }
    PayForm #join { display: none; margin: 0 0 1 0; }
    PayForm #join.offered { display: block; }
    PayForm #join .what { width: 8; }
    PayForm #ask { height: 1; margin: 0 0 0 8; }
    PayForm #general { margin: 0 0 0 2; width: 1fr; }
    """

    def __init__(
        self, read_amount: ReadAmount, read_payee: ReadPayee, read_file: Callable[[str], str]
    ) -> None:
        super().__init__()
        self._read_amount = read_amount
        self._read_payee = read_payee
        self._read_file = read_file

    def compose(self) -> ComposeResult:
        """A line for each field, and one under it for what is wrong with it."""
        with Grid():
            yield Static("To", classes="what")
            yield Input(
                id="to",
                placeholder="address, bitcoin:... as in a QR code, or a file with an invoice",
                compact=True,
                max_length=_MAX_URI,
            )
            yield from self._under("to")
            yield Static("Amount", classes="what")
            with Horizontal():
                yield Input(
                    id="amount", placeholder="0.5, or all", compact=True, max_length=_MAX_TEXT
                )
                with RadioSet(compact=True):
                    for unit in UNITS:
                        yield RadioButton(unit, value=unit == UNITS[0], compact=True)
                yield Static(_unit_sentence(UNITS[0]), id="unit-meant", classes="unit")
            yield from self._under("amount")
            yield Static("Fee", classes="what")
            with Horizontal():
                yield Input(
                    id="fee",
                    placeholder="as in the last blocks",
                    compact=True,
                    max_length=_MAX_TEXT,
                )
                yield Static("sat/vB", classes="unit")
                yield Checkbox("a high fee is meant", id="high", compact=True)
            yield from self._under("fee")
        with Horizontal(id="join"):
            yield Static("Payjoin", classes="what")
            yield Checkbox(
                "the payee may join the payment with a coin", True, id="payjoin", compact=True
            )
        with Horizontal(id="ask"):
            yield Button("Show what it does", id="draft", variant="primary", compact=True)
            yield Line(id="general")

    def read(self) -> Order | None:
        """What was typed; None if it cannot be read, which then stands under the field."""
        self.refuse(None)
        typed = self._field("to").value.strip()
        if not typed:
            self._complain("to", "Whom? Type or paste an address.")
            return None
        try:
            to = self._read_file(typed)
            asked = self._read_payee(to)
        except AxonError as error:
            self._complain("to", str(error))
            return None
        if to != typed:  # What was in the file is to be seen.
            with self.prevent(Input.Changed):
                self._field("to").value = to
            self._offer_payjoin(asked)
        amount = self._amount(asked)
        if amount is None:
            return None
        fee = self._field("fee").value.strip()
        feerate = read_feerate(fee)
        if fee and feerate is None:
            self._complain("fee", "Name a fee in sat/vB, such as 5 or 1.5, or leave it out.")
            return None
        high_fee = self.query_one("#high", Checkbox).value
        invoice = to if asked.invoice else ""
        payjoin = self.query_one("#payjoin", Checkbox).value
        joined_at = to if payjoin and asked.payjoin and not invoice else ""
        return Order(
            asked.address, amount, feerate, high_fee, asked.note, invoice, payjoin, joined_at
        )

    def _amount(self, asked: AskedPayment) -> str | None:
        """What is paid: as typed, or as a payment URI asks; None if that cannot be read."""
        field = self._field("amount")
        typed = field.value.strip()
        named = None if asked.amount_sat is None else format_amount(asked.amount_sat)
        if named is not None and not typed:
            with self.prevent(Input.Changed):
                field.value = f"{named} BTC"
            return named
        try:
            amount = ALL if typed.lower() == ALL else self._sum(typed)
        except AxonError as error:
            self._complain("amount", str(error))
            return None
        if named is not None and amount != named:
            self._complain(
                "amount",
                f"The payment URI asks for {named} BTC: leave this empty, or paste the address"
                " alone.",
            )
            return None
        return amount

    def wait(self) -> None:
        """Say that the draft is being made: looking at the last blocks may take a moment."""
        self.query_one("#general", Line).say(StyledText("Asking the wallet ...", Tone.DIM))

    def refuse(self, error: AxonError | None) -> None:
        """Say what the wallet refuses, beside what it is about; None takes it all back."""
        for name in ("to", "amount", "fee"):
            self.query_one(f"#{name}-wrong", Line).say(None)
        self.query_one("#general", Line).say(None)
        if error is None:
            return
        field = _FIELD_OF.get(error.code) if isinstance(error, RpcError) else None
        if field is None:
            self.query_one("#general", Line).say(StyledText(str(error), Tone.BAD))
        else:
            self._complain(field, str(error))
        if field == "fee":
            self.query_one("#high").add_class("offered")

    def clear(self) -> None:
        """Ready for another payment; the fee stays as it is."""
        self.refuse(None)
        with self.prevent(Input.Changed, Checkbox.Changed):
            self._field("to").value = self._field("amount").value = ""
            self.query_one("#high", Checkbox).value = False
            self.query_one("#payjoin", Checkbox).value = True
        self.query_one("#high").remove_class("offered")
        self.query_one("#join").remove_class("offered")

    @on(RadioSet.Changed)
    def _say_unit(self) -> None:
        self.query_one("#unit-meant", Static).update(_unit_sentence(self._unit()))

    @on(Input.Changed, "#to")
    def _to_changed(self, changed: Input.Changed) -> None:
        asked: AskedPayment | None = None
        with suppress(AxonError):  # Said when it is asked for.
            asked = self._read_payee(changed.value.strip())
        self._offer_payjoin(asked)

    def _offer_payjoin(self, asked: AskedPayment | None) -> None:
        can_join = asked is not None and bool(asked.invoice or asked.payjoin)
        self.query_one("#join").set_class(can_join, "offered")

    @on(Input.Changed)
    @on(RadioSet.Changed)
    @on(Checkbox.Changed)
    def _edited(self) -> None:
        self.post_message(self.Edited())

    @on(Input.Submitted)
    @on(Button.Pressed, "#draft")
    def _ready(self) -> None:
        self.post_message(self.Ready())

    def _under(self, name: str) -> ComposeResult:
        yield Static()
        yield Line(id=f"{name}-wrong", classes="wrong")

    def _field(self, name: str) -> Input:
        return self.query_one(f"#{name}", Input)

    def _sum(self, typed: str) -> str:
        return format_amount(self._read_amount(typed, self._unit()))

    def _unit(self) -> str:
        return UNITS[max(0, self.query_one(RadioSet).pressed_index)]

    def _complain(self, name: str, sentence: str) -> None:
        self.query_one(f"#{name}-wrong", Line).say(StyledText(sentence, Tone.BAD))
        self._field(name).focus()


def _unit_sentence(unit: str) -> str:
    """Which unit is chosen, for who cannot tell it by its colour."""
    return f"counted in {unit}"
