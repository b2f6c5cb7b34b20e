"""The first screen: what the wallet holds, how far it has seen the chain, what happened last."""

from __future__ import annotations

from typing import Final

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Digits, ProgressBar, Static

from axon.rpc.amounts import format_amount
from axon.tui.asking import View
from axon.tui.history import PaymentTable
from axon.tui.model import ShownBalance, Sync
from axon.tui.pane import Line, Pane
from axon.tui.wording import StyledText, Tone, btc

MAX_LATEST: Final = 30


class Gauge(Horizontal):
    """How far one part of the sync is: a name, a bar, a count.

    Args:
        name: of the part, as it is shown.
    """

    DEFAULT_CSS = """
    Gauge { height: 1; }
    Gauge .what { width: 17; color: $tone-dim; }
    Gauge ProgressBar { width: 1fr; }
    Gauge Bar { width: 1fr; }
    Gauge Bar > .bar--bar { color: $primary; }
    Gauge Bar > .bar--complete { color: $tone-good; }
    Gauge .count { width: 20; text-align: right; }
    """

    def __init__(self, name: str, *, id: str) -> None:
        super().__init__(id=id)
        self._what = name

    def compose(self) -> ComposeResult:
        """The three parts of the line."""
        yield Static(self._what, classes="what")
        yield ProgressBar(total=1, show_percentage=False, show_eta=False)
        yield Line(classes="count")

    def show(self, height: int, target: int) -> None:
        """Show how far it is, in blocks."""
        # One more of each: the first block counts, and a chain of it alone is complete.
        self.query_one(ProgressBar).update(total=target + 1, progress=max(0, height + 1))
        done = f"{max(0, height):,}"
        self.query_one(Line).say(StyledText(done if height >= target else f"{done} of {target:,}"))


class OverviewPane(Pane):
    """The balance, big; the sync, as three bars; the last payments."""

    TITLE = "Overview"
    ENTRY = "PaymentTable"

    DEFAULT_CSS = """
    OverviewPane #money { height: 4; margin: 1 0 0 0; }
    OverviewPane #big { width: auto; min-width: 38; margin: 0 3 0 0; }
    OverviewPane Digits { width: auto; }
    OverviewPane #unit { color: $tone-dim; }
    OverviewPane #rest Line { height: 1; }
    OverviewPane #sync { height: 3; margin: 1 0; }
    """

    def compose(self) -> ComposeResult:
        """Balance, state of the sync, latest payments."""
        with Horizontal(id="money"):
            with Vertical(id="big"):
                yield Digits("", id="balance")
                yield Static("BTC, to be spent now", id="unit")
            with Vertical(id="rest"):
                yield Line(id="pending")
                yield Line(id="immature")
                yield Line(id="frozen")
                yield Line(id="disputed")
        with Vertical(id="sync"):
            yield Gauge("Headers", id="headers")
            yield Gauge("Filter headers", id="filters")
            yield Gauge("Blocks searched", id="scanned")
        yield PaymentTable(self.ask)

    def show(self, view: View) -> None:
        """Draw the latest answers of the wallet."""
        self._show_balance(view.balance)
        self._show_sync(view.sync)
        self.query_one(PaymentTable).show_payments(view.payments[:MAX_LATEST])

    def _show_balance(self, balance: ShownBalance) -> None:
        self.query_one("#balance", Digits).update(format_amount(balance.spendable_sat))
        rest = {
            "pending": balance.pending_sat,
            "immature": balance.immature_sat,
            "frozen": balance.frozen_sat,
        }
        width = max(len(btc(sat)) for sat in rest.values())
        for name, sat in rest.items():
            text = f"{name.capitalize():<10}{btc(sat):>{width}}"
            self.query_one(f"#{name}", Line).say(StyledText(text, Tone.PLAIN if sat else Tone.DIM))
        disputed = f"Disputed  {btc(balance.disputed_sat):>{width}}" if balance.disputed_sat else ""
        self.query_one("#disputed", Line).say(StyledText(disputed, Tone.BAD))

    def _show_sync(self, sync: Sync) -> None:
        self.query_one("#headers", Gauge).show(sync.headers, max(sync.headers, sync.weighed))
        self.query_one("#filters", Gauge).show(sync.filter_headers, sync.headers)
        self.query_one("#scanned", Gauge).show(sync.scanned, sync.headers)
