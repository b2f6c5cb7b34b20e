"""A payment, in four steps: typed, drafted and looked at, signed, and watched as it spreads."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.widgets import Button, Tabs

from axon.errors import AxonError
from axon.rpc.amounts import Json
from axon.rpc.errors import RpcError
from axon.tui.asking import Ask, View
from axon.tui.deals import PAYER, deal_line
from axon.tui.files import FileAccess
from axon.tui.model import ShownDraft, WalletInfo, read_delivery, read_draft, read_payment
from axon.tui.pane import Line, Pane, WalletChanged, begin
from axon.tui.passphrase import PassphraseDialog
from axon.tui.payform import Order, PayForm, ReadAmount, ReadPayee
from axon.tui.question import QuestionDialog
from axon.tui.wording import StyledText, Tone, became, draft_text

_WIDTH: Final = 74
"""Characters of a line of the draft: they fit on the smallest screen, and into the dialog."""


class SendPane(Pane):
    """The form above; below what it would do, then what became of it.

    Args:
        ask: asks the wallet.
        info: what the wallet is.
        read_amount: reads what was typed as an amount.
        read_payee: reads what was typed as an address or a payment URI.
        files: reads an invoice from a file.
    """

    TITLE = "Send"
    ENTRY = "#to"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("s", "sign", "Sign and send")]

    DEFAULT_CSS = """
    SendPane #all { margin: 1 0 0 0; }
    SendPane #draft-box {
        display: none; height: auto; padding: 0 1; margin: 1 0 0 0;
        border: round $primary; border-title-color: $primary;
    }
    SendPane #draft-box.there { display: block; }
    SendPane #drafted { height: auto; }
    SendPane #sign { margin: 1 0 0 0; }
    SendPane #sent-box { display: none; height: auto; margin: 1 0 0 8; }
    SendPane #sent-box.there { display: block; }
    SendPane #result, SendPane #sent { height: auto; }
    """

    def __init__(
        self,
        ask: Ask,
        info: WalletInfo,
        read_amount: ReadAmount,
        read_payee: ReadPayee,
        files: FileAccess,
    ) -> None:
        super().__init__(ask)
        self._info = info
        self._form = PayForm(read_amount, read_payee, files.read_invoice)
        self._order: Order | None = None
        self._draft: ShownDraft | None = None
        self._sent: str | None = None  # The txid of the last payment of this run.
        self._deal: str | None = None  # The id of its invoice, if another wallet was paid.
        self._note = ""  # What its payment URI said of it.
        self._joined = ""  # What its payee said to a payjoin over HTTP.

    def compose(self) -> ComposeResult:
        """The form, the draft, the result."""
        with VerticalScroll(id="all", can_focus=False):
            yield self._form
            with Vertical(id="draft-box") as box:
                box.border_title = "What it does"
                yield Line(id="drafted")
                yield Button("Sign and send", id="sign", variant="success", compact=True)
            with Vertical(id="sent-box"):
                yield Line(id="result")
                yield Line(id="sent")

    def show(self, view: View) -> None:
        """What became of the last payment is looked up as long as it is shown."""
        if self._deal is not None:
            self._follow_deal(view)
        elif self._sent is not None:
            begin(self, self._follow(self._sent))

    @on(PayForm.Edited)
    def _forget_draft(self) -> None:
        self._order = self._draft = None
        self.query_one("#draft-box").remove_class("there")

    @on(PayForm.Ready)
    def _make_draft(self) -> None:
        self._forget_draft()
        order = self._form.read()
        if order is not None:
            self._order = order
            self._form.wait()
            begin(self, self._ask_draft(order))

    async def _ask_draft(self, order: Order) -> None:
        try:
            made = await self.ask(
                "draftpayment",
                {order.to: order.amount},
                allow_high_fee=order.high_fee,
                **({} if order.feerate_sat_vb is None else {"fee_rate": order.feerate_sat_vb}),
                **({"invoice": order.invoice} if order.invoice else {}),
            )
        except AxonError as error:
            self._form.refuse(error)
            return
        if self._order is not order:
            return  # It was edited meanwhile.
        self._form.refuse(None)
        self._draft = read_draft(made)
        self.query_one("#sent-box").remove_class("there")
        self.query_one("#drafted", Line).say(StyledText(_shown(self._draft, order)))
        self.query_one("#draft-box").add_class("there")
        self.query_one("#sign").focus()
        self.query_one("#draft-box").scroll_visible(animate=False)

    @on(Button.Pressed, "#sign")
    def action_sign(self) -> None:
        """Ask for the passphrase, with the draft in sight, and send."""
        draft, order = self._draft, self._order
        if draft is None or order is None:
            self.notify("There is nothing to sign yet: fill in the form", timeout=3)
        elif not self._info.signs:
            self.notify(
                "This wallet only watches: axon wallet psbt makes a payment for who has the keys",
                severity="warning",
            )
        elif draft.fee_question and not order.high_fee:
            dialog = QuestionDialog(
                "A high fee",
                f"{draft.fee_question}. Is it meant?",
                yes="Pay this fee",
                no="Change it",
            )
            self.app.push_screen(
                dialog, lambda is_meant: self._ask_passphrase(draft, order) if is_meant else None
            )
        else:
            self._ask_passphrase(draft, order)

    def _ask_passphrase(self, draft: ShownDraft, order: Order) -> None:
        dialog = PassphraseDialog(
            _shown(draft, order), lambda passphrase: self._send(draft, order, passphrase)
        )
        self.app.push_screen(dialog)

    async def _send(self, draft: ShownDraft, order: Order, passphrase: str) -> str | None:
        try:
            sent = await self._sent_to(draft, order, passphrase)
        except RpcError as error:
            return error.message
        except AxonError as error:
            return f"{error}; look at the history before you pay again"
        self._forget_draft()
        self._form.clear()
        self.screen.query_one(Tabs).focus()  # Nothing of the form is to be pressed again by chance.
        self._sent = sent["txid"]
        self._deal = sent["id"] if order.invoice else None
        self._note = order.note
        self._joined = _answer_of(sent) if order.joined_at else ""
        await self._label(sent["txid"])
        self.post_message(WalletChanged())
        return None

    async def _sent_to(self, draft: ShownDraft, order: Order, passphrase: str) -> Json:
        """What the wallet says of a payment by the network, or to another wallet."""
        if order.invoice:
            return await self.ask(
                "payinvoice", order.invoice, draft.psbt, passphrase, order.payjoin
            )
        if order.joined_at:
            return await self.ask(
                "payjoinpayment",
                order.joined_at,
                draft.psbt,
                passphrase,
                allow_high_fee=order.high_fee,
            )
        return await self.ask(
            "sendpayment", draft.psbt, passphrase=passphrase, allow_high_fee=order.high_fee
        )

    async def _label(self, txid: str) -> None:
        if self._note:
            with suppress(AxonError):  # It is paid, whatever becomes of its label.
                await self.ask("setlabel", txid, self._note)

    def _follow_deal(self, view: View) -> None:
        """How far the last payment is that was made to another wallet."""
        for deal in view.deals:
            if deal.role != PAYER or deal.id != self._deal or self._draft is not None:
                continue
            self._say(deal_line(deal), deal.txid)
            if deal.txid != self._sent:  # What was joined took its place.
                self._sent = deal.txid
                begin(self, self._label(deal.txid))

    async def _follow(self, txid: str) -> None:
        try:
            entry = await self.ask("gettransaction", txid)
        except AxonError:
            return  # The top line says that nobody answers.
        if self._sent == txid and self._draft is None:
            said = became(read_payment(entry), read_delivery(entry))
            self._say(replace(said, text=f"{self._joined}{said.text}"), txid)

    def _say(self, said: StyledText, txid: str) -> None:
        self.query_one("#result", Line).say(said)
        self.query_one("#sent", Line).say(StyledText(txid, Tone.DIM))
        self.query_one("#sent-box").add_class("there")


def _answer_of(sent: Json) -> str:
    """What the payee said when he was asked over HTTP to join a payment."""
    if sent["joined"]:
        return "It is joined with a coin of the payee. "
    return f"Not joined, and sent as it is: {sent['why']}. "


def _shown(draft: ShownDraft, order: Order) -> str:
    """What a draft does, below what its payment URI says."""
    text = draft_text(draft, _WIDTH)
    return f"For     {order.note}\n{text}" if order.note else text
