"""A payment, or a receipt, that came as a file: looked at, and taken."""

from __future__ import annotations

from typing import Final

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Button, Input, Static

from axon.errors import AxonError
from axon.rpc.amounts import Json
from axon.rpc.errors import RpcError
from axon.tui.asking import Ask
from axon.tui.deals import ShownDeal, read_deal
from axon.tui.files import FileAccess
from axon.tui.model import read_sat
from axon.tui.pane import Line, begin
from axon.tui.passphrase import DialogWords, PassphraseDialog
from axon.tui.wording import StyledText, Tone, btc

_MAX_NAME: Final = 250
"""Characters; no system knows longer names."""

_TAKING: Final = DialogWords(
    "Take a payment", "take", "Opening ...", "A passphrase is needed to sign the receipt."
)
_RECEIPT: Final = "-----BEGIN BITCOIN SIGNED MESSAGE-----"


def purpose(found: Json) -> str:
    """What a payment proves, and what the passphrase is for, as lines."""
    asked = "any amount" if found["asked"] is None else btc(read_sat(found["asked"]))
    return (
        f"{found['shown']['headline']}\n"
        f"It pays {btc(read_sat(found['paid']))}; the invoice asks for {asked}.\n"
        "With the passphrase it is accepted, a receipt is signed, and nodes are handed the payment."
    )


class TakeForm(Vertical):
    """A field for the name of a file, and a button.

    Args:
        ask: asks the wallet.
        files: reads it.
        signs: the wallet has the keys that a receipt needs.
    """

    class Taken(Message):
        """A payment was taken, or a receipt kept.

        Args:
            deal: what is known of it now.
        """

        def __init__(self, deal: ShownDeal) -> None:
            super().__init__()
            self.deal = deal

    DEFAULT_CSS = """
    TakeForm { height: auto; }
    TakeForm #file { width: 1fr; margin: 0 2 0 0; }
    TakeForm #not-taken { height: auto; margin: 0 0 0 8; }
    """

    def __init__(self, ask: Ask, files: FileAccess, *, signs: bool) -> None:
        super().__init__()
        self._ask = ask
        self._files = files
        self._signs = signs

    def compose(self) -> ComposeResult:
        """The field, and what is wrong with what was typed."""
        with Horizontal():
            yield Static("File", classes="what")
            yield Input(
                id="file",
                placeholder="a payment or receipt that came as a file",
                compact=True,
                max_length=_MAX_NAME,
            )
            yield Button("Take it", id="take", compact=True)
        yield Line(id="not-taken")

    @on(Input.Submitted, "#file")
    @on(Button.Pressed, "#take")
    def _look(self, event: Message) -> None:
        event.stop()  # The form above asks for a payment.
        self._complain(None)
        name = self.query_one("#file", Input).value.strip()
        if not name:
            self.query_one("#not-taken", Line).say(StyledText("Which file?", Tone.BAD))
            return
        try:
            text = self._files.read_payment(name)
        except AxonError as error:
            self._complain(error)
            return
        begin(self, self._keep(text) if _RECEIPT in text else self._check(text))

    async def _keep(self, receipt: str) -> None:
        try:
            self._done(await self._ask("takereceipt", receipt))
        except AxonError as error:
            self._complain(error)

    async def _check(self, payment: str) -> None:
        try:
            found = await self._ask("checkpacket", payment)
        except AxonError as error:
            self._complain(error)
            return
        if not found["level"] or not self._signs:
            only_watches = "This wallet only watches: it cannot sign a receipt."
            said = found["shown"]["headline"] if not found["level"] else only_watches
            self.query_one("#not-taken", Line).say(StyledText(said, Tone.BAD))
            return
        dialog = PassphraseDialog(
            purpose(found), lambda passphrase: self._take(payment, passphrase), _TAKING
        )
        self.app.push_screen(dialog)

    async def _take(self, payment: str, passphrase: str) -> str | None:
        try:
            await self._ask("openpayments", passphrase, "none")
            self._done(await self._ask("takepacket", payment))
        except AxonError as error:
            return error.message if isinstance(error, RpcError) else str(error)
        return None

    def _done(self, deal: Json) -> None:
        self.query_one("#file", Input).value = ""
        self.post_message(self.Taken(read_deal(deal)))

    def _complain(self, error: AxonError | None) -> None:
        said = None if error is None else StyledText(str(error), Tone.BAD)
        self.query_one("#not-taken", Line).say(said)
