"""Payments from wallet to wallet: a form to ask for one, and all that were asked for or made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Button, Input, Static

from axon.errors import AxonError
from axon.rpc.amounts import format_amount
from axon.rpc.errors import RpcError
from axon.rpc.listenplace import ONION, read_listen_place
from axon.tui.asking import Ask, View
from axon.tui.dealdialog import DealDialog
from axon.tui.deals import PAYER, ShownDeal, deal_amount, deal_stage, read_deal
from axon.tui.files import FileAccess
from axon.tui.model import WalletInfo
from axon.tui.pane import Line, Pane, WalletChanged, begin
from axon.tui.passphrase import DialogWords, PassphraseDialog
from axon.tui.payform import ReadAmount
from axon.tui.receive import QrLines
from axon.tui.table import Column, LiveTable, Row
from axon.tui.takeform import TakeForm
from axon.tui.wording import StyledText, Tone, time_text

_COLUMNS: Final = (
    Column("When"),
    Column("What"),
    Column("Amount BTC", right=True),
    Column("State"),
    Column("Who", grows=True),
)

_MAX_TEXT: Final = 200
"""Characters of a field; what is longer was pasted by mistake."""

_ASKING: Final = DialogWords(
    "Ask for a payment", "ask", "Opening ...", "A passphrase is needed to sign the invoice."
)

_PURPOSE: Final = (
    "The invoice is signed, and so is the receipt for whoever pays it: the wallet's words stay"
    " open until the wallet is closed. Other wallets reach it {place}."
)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was typed; None for any amount, and for this machine alone."""

    amount: str | None
    label: str
    listen: str | None


def _place(listen: str | None) -> str:
    if listen is None:
        return "on this machine alone"
    return "by an onion service" if listen == ONION else f"at {listen}"


def deal_row(deal: ShownDeal) -> Row:
    """The cells of one payment."""
    return (
        StyledText(time_text(deal.changed_s)),
        StyledText("paid" if deal.role == PAYER else "asked"),
        StyledText(deal_amount(deal)),
        deal_stage(deal),
        StyledText(deal.who),
    )


class DealTable(LiveTable):
    """Payments between wallets; enter or a click on the chosen one tells all about it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select_cursor", "Details", key_display="enter")
    ]


class DirectPane(Pane):
    """The screen of payments between wallets.

    Args:
        ask: asks the wallet.
        info: what the wallet is.
        read_amount: reads what was typed as an amount.
        qr_lines: draws a QR code.
        files: reads and writes what goes by other ways.
    """

    TITLE = "Direct"
    ENTRY = "DealTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "form", "Ask for a payment"),
    ]

    DEFAULT_CSS = """
    DirectPane Horizontal { height: 1; }
    DirectPane .what { width: 8; color: $tone-dim; }
    DirectPane #asked-amount { width: 24; margin: 0 3 0 0; }
    DirectPane #asked-label { width: 1fr; }
    DirectPane #listen { width: 32; margin: 0 2 0 0; }
    DirectPane #form { margin: 1 0 0 0; height: auto; }
    DirectPane #wrong { height: auto; min-height: 1; margin: 0 0 0 8; }
    """

    def __init__(
        self,
        ask: Ask,
        info: WalletInfo,
        read_amount: ReadAmount,
        qr_lines: QrLines,
        files: FileAccess,
    ) -> None:
        super().__init__(ask)
        self._files = files
        self._info = info
        self._read_amount = read_amount
        self._qr_lines = qr_lines
        self._deals: dict[str, ShownDeal] = {}
        self._listens = False  # The words are open, and others are listened for.

    def compose(self) -> ComposeResult:
        """The form above the table."""
        with Horizontal(id="form"):
            yield Static("Amount", classes="what")
            yield Input(
                id="asked-amount",
                placeholder="0.5, or any amount",
                compact=True,
                max_length=_MAX_TEXT,
            )
            yield Static("Label", classes="what")
            yield Input(
                id="asked-label", placeholder="who is paid", compact=True, max_length=_MAX_TEXT
            )
        with Horizontal():
            yield Static("Listen", classes="what")
            yield Input(
                id="listen",
                placeholder="HOST:PORT, onion, or this host",
                compact=True,
                max_length=_MAX_TEXT,
            )
            yield Button("Ask for a payment", id="issue", variant="primary", compact=True)
        yield Line(id="wrong")
        yield TakeForm(self.ask, self._files, signs=self._info.signs)
        yield DealTable(*_COLUMNS)

    def show(self, view: View) -> None:
        """Draw the latest answers of the wallet."""
        self._deals = {deal.key: deal for deal in view.deals}
        self.query_one(DealTable).show_rows({k: deal_row(d) for k, d in self._deals.items()})

    @on(TakeForm.Taken)
    def _was_taken(self, taken: TakeForm.Taken) -> None:
        self.post_message(WalletChanged())
        self._open(taken.deal)

    def action_form(self) -> None:
        """Type what is asked for."""
        self.query_one("#asked-amount", Input).focus()

    def on_data_table_row_selected(self) -> None:
        """Tell all about the chosen payment."""
        chosen = self.query_one(DealTable).chosen
        if chosen is not None:
            self._open(self._deals[chosen])

    @on(Input.Submitted)
    @on(Button.Pressed, "#issue")
    def _ask_for(self) -> None:
        self._complain(None)
        asked = self._read()
        if asked is None:
            return
        if not self._info.signs:
            self._complain("This wallet only watches: it cannot sign an invoice.")
        elif self._listens:
            begin(self, self._issue(asked))
        else:
            place = _place(asked.listen)
            purpose = _PURPOSE.format(place=place)
            dialog = PassphraseDialog(
                purpose, lambda passphrase: self._listen(asked, passphrase), _ASKING
            )
            self.app.push_screen(
                dialog, lambda is_open: begin(self, self._issue(asked)) if is_open else None
            )

    def _read(self) -> _Asked | None:
        typed = self._field("asked-amount").value.strip()
        try:
            amount = format_amount(self._read_amount(typed, "BTC")) if typed else None
        except AxonError as error:
            self._complain(str(error))
            self._field("asked-amount").focus()
            return None
        listen = self._field("listen").value.strip()
        try:
            if listen:
                read_listen_place(listen)
        except RpcError as error:
            self._complain(f"{error.message}: type an address and port of this machine, or onion")
            self._field("listen").focus()
            return None
        return _Asked(amount, self._field("asked-label").value.strip(), listen or None)

    async def _listen(self, asked: _Asked, passphrase: str) -> str | None:
        try:
            told = await self.ask("openpayments", passphrase, asked.listen)
        except RpcError as error:
            return error.message
        except AxonError as error:
            return str(error)
        self._listens = True
        field = self._field("listen")
        field.value, field.disabled = told["listening"], True
        return None

    async def _issue(self, asked: _Asked) -> None:
        try:
            made = await self.ask("createinvoice", asked.amount, asked.label)
            found = [read_deal(each) for each in await self.ask("listdeals", made["id"])]
        except AxonError as error:
            self._complain(error.message if isinstance(error, RpcError) else str(error))
            return
        self._field("asked-amount").value = self._field("asked-label").value = ""
        self.query_one(DealTable).focus()
        self.post_message(WalletChanged())
        self._open(next(each for each in found if each.role != PAYER))

    def _open(self, deal: ShownDeal) -> None:
        self.app.push_screen(DealDialog(self.ask, deal, self._qr_lines, self._files.save))

    def _field(self, name: str) -> Input:
        return self.query_one(f"#{name}", Input)

    def _complain(self, sentence: str | None) -> None:
        said = None if sentence is None else StyledText(sentence, Tone.BAD)
        self.query_one("#wrong", Line).say(said)
