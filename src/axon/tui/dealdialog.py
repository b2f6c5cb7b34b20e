"""One payment between wallets, kept up to date: its invoice as a picture, what was shown of it."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import wrap
from typing import ClassVar, Final

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen

from axon.errors import AxonError
from axon.rpc.errors import RpcError
from axon.tui.asking import Ask
from axon.tui.deals import PAYER, ShownDeal, deal_amount, deal_facts, deal_line, read_deal
from axon.tui.pane import Line, begin
from axon.tui.receive import QrLines
from axon.tui.wording import StyledText, Tone

LOOK_S: Final = 1.0
_WIDTH: Final = 74
_AROUND: Final = 6
"""Lines of the dialog beside the URI and its picture: frame, what is asked for, how far it is."""


class DealDialog(ModalScreen[None]):
    """All about one payment between wallets.

    Args:
        ask: asks the wallet.
        deal: what was known of it last.
        qr_lines: draws a QR code.
        save: writes a text into a new file of this name.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter", "dismiss", "Close"),
        Binding("c", "copy", "Copy the URI"),
        Binding("r", "copy_receipt", "Copy the receipt"),
        Binding("w", "write", "Write a file"),
    ]

    DEFAULT_CSS = """
    DealDialog { align: center middle; }
    DealDialog > Vertical {
        width: 78; height: auto; max-height: 100%; padding: 0 1;
        border: round $primary; background: $surface; border-title-color: $primary;
    }
    DealDialog VerticalScroll { height: auto; max-height: 100%; }
    DealDialog Line { height: auto; }
    DealDialog #uri { color: $tone-dim; }
    DealDialog #code { width: auto; }
    DealDialog #code.drawn { color: white; background: black; }
    """

    def __init__(
        self, ask: Ask, deal: ShownDeal, qr_lines: QrLines, save: Callable[[str, str], None]
    ) -> None:
        super().__init__()
        self._save = save
        self._ask = ask
        self._deal = deal
        self._picture = [Text.from_ansi(line).plain for line in qr_lines(deal.uri)]

    def compose(self) -> ComposeResult:
        """How far it is, the URI and its picture, what was shown."""
        with Vertical() as box:
            box.border_title = "Payment from wallet to wallet"
            box.border_subtitle = "esc closes, c copies the URI, w writes a file"
            with VerticalScroll(can_focus=True):
                yield Line(id="what")
                yield Line(id="stage")
                yield Line(id="uri")
                yield Line(id="code")
                yield Line(id="shown")

    def on_mount(self) -> None:
        """Look now, and again and again."""
        self._draw()
        self.set_interval(LOOK_S, self._look_again)

    def on_resize(self, _: events.Resize) -> None:
        """Its picture fits, or it does not."""
        self._draw()

    def action_copy(self) -> None:
        """The URI, for the clipboard of the terminal."""
        self.app.copy_to_clipboard(self._deal.uri)
        self.notify("The URI was copied", timeout=2)

    def action_copy_receipt(self) -> None:
        """The receipt, for the clipboard of the terminal."""
        if self._deal.has_receipt:
            begin(self, self._copy_receipt())
        else:
            self.notify("There is no receipt yet", timeout=3)

    async def _copy_receipt(self) -> None:
        try:
            self.app.copy_to_clipboard(await self._ask("getreceipt", self._deal.id))
        except AxonError as error:
            self.notify(str(error), severity="error", markup=False)
        else:
            self.notify("The receipt was copied", timeout=2)

    def action_write(self) -> None:
        """What the partner needs, into a file in the working folder."""
        begin(self, self._write())

    async def _write(self) -> None:
        deal = self._deal
        try:
            if deal.waits:
                what, text = "invoice", deal.uri
            elif deal.role == PAYER and not deal.has_receipt:
                what, text = "payment", await self._ask("getpacket", deal.id, "text")
            else:
                what, text = "receipt", await self._ask("getreceipt", deal.id)
            name = f"{what}-{deal.id[:8]}.txt"
            self._save(name, text)
        except AxonError as error:
            said = error.message if isinstance(error, RpcError) else str(error)
            self.notify(said, severity="error", markup=False)
        else:
            self.notify(f"The {what} is in {name}", markup=False)

    def _look_again(self) -> None:
        begin(self, self._look())

    async def _look(self) -> None:
        try:
            found = [read_deal(each) for each in await self._ask("listdeals", self._deal.id)]
        except AxonError as error:
            # Without an answer what was shown stays; the top line says that nobody answers.
            if isinstance(error, RpcError) and self.is_attached:
                self.query_one("#stage", Line).say(StyledText(error.message, Tone.BAD))
            return
        self._deal = next((each for each in found if each.key == self._deal.key), self._deal)
        if self.is_attached:
            self._draw()

    def _draw(self) -> None:
        deal = self._deal
        asked = "any amount" if deal.amount_sat is None else f"{deal_amount(deal)} BTC"
        what = "  ".join(filter(None, (asked, deal.who)))
        self.query_one("#what", Line).say(StyledText(what))
        self.query_one("#stage", Line).say(deal_line(deal))
        self.query_one("#shown", Line).say(StyledText(deal_facts(deal, _WIDTH)))
        uri = wrap(deal.uri, _WIDTH, break_on_hyphens=False) if deal.waits else []
        self.query_one("#uri", Line).say(StyledText("\n".join(uri)))
        self._draw_code(is_wanted=deal.waits, needed=len(uri) + len(self._picture) + _AROUND)

    def _draw_code(self, *, is_wanted: bool, needed: int) -> None:
        """Draw the picture whole, or say how many lines it needs."""
        code = self.query_one("#code", Line)
        fits = self.app.size.height >= needed
        code.display = is_wanted
        code.set_class(fits, "drawn")
        hint = f"The QR code needs a window of {needed} lines."
        code.update("\n".join(self._picture) if fits else hint)
