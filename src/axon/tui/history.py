"""All payments, the latest first, each with its confirmations as they grow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from axon.tui.asking import Ask, View
from axon.tui.details import DetailsDialog
from axon.tui.model import Payment
from axon.tui.pane import Pane
from axon.tui.table import Column, LiveTable, Row
from axon.tui.wording import StyledText, amount, category, confirmed, counterparty, time_text

_COLUMNS: Final = (
    Column("When"),
    Column("What"),
    Column("Amount BTC", right=True),
    Column("Confirmed", right=True),
    Column("Who", grows=True),
)


def payment_row(payment: Payment) -> Row:
    """The cells of one payment."""
    return (
        StyledText(time_text(payment.time_s)),
        StyledText(category(payment)),
        amount(payment),
        confirmed(payment),
        StyledText(counterparty(payment)),
    )


class PaymentTable(LiveTable):
    """Payments; enter or a click on the chosen one tells all about it.

    Args:
        ask: asks the wallet.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select_cursor", "Details", key_display="enter")
    ]

    def __init__(self, ask: Ask) -> None:
        super().__init__(*_COLUMNS)
        self._ask = ask

    def show_payments(self, payments: Iterable[Payment]) -> None:
        """Show these payments in place of the ones before."""
        self.show_rows({payment.txid: payment_row(payment) for payment in payments})

    def on_data_table_row_selected(self) -> None:
        """Open the details of the chosen payment."""
        if self.chosen is not None:
            self.app.push_screen(DetailsDialog(self._ask, self.chosen))


class HistoryPane(Pane):
    """The screen of payments, the latest first."""

    TITLE = "History"
    ENTRY = "PaymentTable"

    DEFAULT_CSS = """
    HistoryPane PaymentTable { margin: 1 0 0 0; }
    """

    def compose(self) -> ComposeResult:
        """The table of payments."""
        yield PaymentTable(self.ask)

    def show(self, view: View) -> None:
        """Draw the latest answers of the wallet."""
        self.query_one(PaymentTable).show_payments(view.payments)
