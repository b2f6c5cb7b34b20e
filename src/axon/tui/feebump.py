"""A higher fee for a payment that waits: the feerate typed, what it does looked at, then signed."""

from __future__ import annotations

from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from axon.errors import AxonError
from axon.rpc.errors import Code, RpcError
from axon.tui.asking import Ask
from axon.tui.model import ShownDraft, read_draft
from axon.tui.pane import Line, WalletChanged, begin
from axon.tui.passphrase import PassphraseDialog
from axon.tui.payform import read_feerate
from axon.tui.question import QuestionDialog
from axon.tui.wording import StyledText, Tone, btc, draft_text

_WIDTH: Final = 74
_MAX_TEXT: Final = 20


class FeeDialog(ModalScreen[None]):
    """Asks for a feerate and raises the fee to it.

    Args:
        ask: asks the wallet.
        txid: of the payment, sent or coming in.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Leave")]

    DEFAULT_CSS = """
    FeeDialog { align: center middle; }
    FeeDialog > Vertical {
        width: 78; height: auto; padding: 1;
        border: round $primary; background: $surface; border-title-color: $primary;
    }
    FeeDialog Horizontal { height: 1; }
    FeeDialog Static { width: auto; }
    FeeDialog Input { width: 24; margin: 0 2; }
    FeeDialog #refused { height: auto; min-height: 1; width: 1fr; }
    """

    def __init__(self, ask: Ask, txid: str) -> None:
        super().__init__()
        self._ask = ask
        self._txid = txid
        self._busy = False

    def compose(self) -> ComposeResult:
        """A field, and a line for what is wrong with it."""
        with Vertical() as box:
            box.border_title = "Raise the fee"
            box.border_subtitle = "enter shows what it does, esc leaves"
            with Horizontal():
                yield Static("New fee")
                yield Input(id="rate", compact=True, max_length=_MAX_TEXT)
                yield Static("sat/vB")
            yield Line(id="refused")

    def on_mount(self) -> None:
        """Put the cursor into the field."""
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _typed(self) -> None:
        rate = read_feerate(self.query_one(Input).value)
        if rate is None:
            self._refuse("A fee is a number of sat/vB, such as 2.5.")
        elif not self._busy:
            self._busy = True
            begin(self, self._draft(rate))

    async def _draft(self, rate: float) -> None:
        try:
            made = await self._asked(rate)
        except AxonError as error:
            self._refuse(error.message if isinstance(error, RpcError) else str(error))
        else:
            self._refuse("")
            self._agree(made)
        self._busy = False

    async def _asked(self, rate: float) -> ShownDraft:
        """Drafted; out of the payment itself where nothing else can pay more."""
        try:
            return read_draft(await self._ask("draftbump", self._txid, rate))
        except RpcError as error:
            if error.code != Code.INSUFFICIENT_FUNDS:
                raise
            made = await self._ask("draftbump", self._txid, rate, reduce_payment=True)
            return read_draft(made)

    def _agree(self, draft: ShownDraft) -> None:
        """Ask what must be meant, then for the passphrase."""
        questions = [
            f"Nothing else can pay more: the recipient gets {btc(draft.reduced_sat)} less."
        ] * bool(draft.reduced_sat) + [f"{draft.fee_question}."] * bool(draft.fee_question)
        if not questions:
            self._sign(draft)
            return
        dialog = QuestionDialog(
            "Raise the fee", " ".join([*questions, "Is it meant?"]), yes="Go on", no="Change it"
        )
        self.app.push_screen(dialog, lambda is_meant: self._sign(draft) if is_meant else None)

    def _sign(self, draft: ShownDraft) -> None:
        dialog = PassphraseDialog(
            draft_text(draft, _WIDTH), lambda passphrase: self._send(draft, passphrase)
        )
        self.app.push_screen(dialog, self._leave_if)

    def _leave_if(self, is_done: bool | None) -> None:
        if is_done:
            self.dismiss()

    async def _send(self, draft: ShownDraft, passphrase: str) -> str | None:
        try:
            await self._ask("sendpayment", draft.psbt, passphrase=passphrase, allow_high_fee=False)
        except RpcError as error:
            return error.message
        except AxonError as error:
            return f"{error}; look at the history before you go on"
        self.post_message(WalletChanged())
        return None

    def _refuse(self, sentence: str) -> None:
        if self.is_attached:
            self.query_one("#refused", Line).say(StyledText(sentence, Tone.BAD))
