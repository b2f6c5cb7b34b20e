"""All about one payment, kept up to date while it is looked at."""

from __future__ import annotations

from textwrap import wrap
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen

from axon.errors import AxonError
from axon.rpc.deliverytext import CONFIRMED
from axon.rpc.errors import RpcError
from axon.tui.asking import Ask
from axon.tui.feebump import FeeDialog
from axon.tui.model import UNCONFIRMED, Payment, ShownDelivery, read_delivery, read_payment
from axon.tui.pane import Line, begin
from axon.tui.wording import StyledText, Tone, btc, category, confirmation_text, signed, time_text

LOOK_S: Final = 1.0
_ROW: Final = 9
"""Characters before a value; 64 digits of a txid fit behind them at 80."""
_VALUE: Final = 64
"""Characters of a value on one line."""


class DetailsDialog(ModalScreen[None]):
    """All about one payment.

    Args:
        ask: asks the wallet.
        txid: which one.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter", "dismiss", "Close"),
        Binding("c", "copy", "Copy txid"),
        Binding("f", "raise_fee", "Raise the fee"),
    ]

    DEFAULT_CSS = """
    DetailsDialog { align: center middle; }
    DetailsDialog > Vertical {
        width: 78; height: auto; max-height: 90%; padding: 1;
        border: round $primary; background: $surface;
        border-title-color: $primary;
    }
    DetailsDialog VerticalScroll { height: auto; max-height: 100%; }
    """

    def __init__(self, ask: Ask, txid: str) -> None:
        super().__init__()
        self._ask = ask
        self._txid = txid
        self._proof_bytes: int | None = None
        self._waits = False

    def compose(self) -> ComposeResult:
        """A box with the lines of the payment."""
        with Vertical() as box:
            box.border_title = "Payment"
            box.border_subtitle = "esc closes, c copies the txid, f raises the fee"
            with VerticalScroll(can_focus=True):
                yield Line(id="facts")

    def on_mount(self) -> None:
        """Look now, and again and again."""
        self._look_again()
        self.set_interval(LOOK_S, self._look_again)

    def action_copy(self) -> None:
        """The txid, for the clipboard of the terminal."""
        self.app.copy_to_clipboard(self._txid)
        self.notify("The txid was copied", timeout=2)

    def action_raise_fee(self) -> None:
        """Ask for a higher fee, while it is in no block."""
        if self._waits:
            self.app.push_screen(FeeDialog(self._ask, self._txid))
        else:
            self.notify("Only the fee of what waits for a block can be raised", timeout=3)

    def _look_again(self) -> None:
        begin(self, self._look())

    async def _look(self) -> None:
        try:
            entry = await self._ask("gettransaction", self._txid)
            payment, delivery = read_payment(entry), read_delivery(entry)
            self._waits = payment.state == UNCONFIRMED
            if payment.height is not None and self._proof_bytes is None:
                self._proof_bytes = len(await self._ask("gettxoutproof", self._txid)) // 2
        except AxonError as error:
            # Without an answer what was shown stays; the top line says that nobody answers.
            if isinstance(error, RpcError):
                self._say(StyledText(error.message, Tone.BAD))
            return
        self._say(StyledText(facts(payment, delivery, self._proof_bytes)))

    def _say(self, said: StyledText) -> None:
        if self.is_attached:
            self.query_one("#facts", Line).say(said)


def facts(payment: Payment, delivery: ShownDelivery, proof_bytes: int | None) -> str:
    """All about a payment, as lines.

    Args:
        delivery: what is known of it, if it is one of ours and waits for a block.
        proof_bytes: size of the Merkle proof that is kept; None if there is none.
    """
    paid = payment.category in ("send", "self")
    rows = [
        ("Txid", payment.txid),
        ("What", f"{category(payment)}, {time_text(payment.time_s)}"),
        ("State", confirmation_text(payment)),
        ("Amount", f"{signed(payment.amount_sat)} BTC" + ", with the fee" * paid),
    ]
    if payment.fee_sat is not None:
        rows.append(("Fee", btc(payment.fee_sat)))
    rows += [("To" if paid else "Came to", address) for address in payment.addresses]
    if payment.label:
        rows.append(("Label", payment.label))
    if payment.height is not None:
        rows.append(("Block", f"{payment.height:,}"))
    rows.append(("Proof", _proof(payment, proof_bytes)))
    if payment.state == UNCONFIRMED and delivery.word != CONFIRMED:
        told = wrap(delivery.line, _VALUE, break_on_hyphens=False)
        rows += zip(["Sent", *[""] * (len(told) - 1)], told, strict=True)
    return "\n".join(f"{name:<{_ROW}}{value}" for name, value in rows)


def _proof(payment: Payment, proof_bytes: int | None) -> str:
    if proof_bytes is not None and payment.height is not None:
        return f"kept: its way to the Merkle root of block {payment.height:,}, {proof_bytes} bytes"
    return "there is one as soon as it is in a block"
