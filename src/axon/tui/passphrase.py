"""The passphrase is asked for, with what it is for in sight, and forgotten at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.cells import cached_cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Button, Input

from axon.tui.pane import Line, begin
from axon.tui.wording import StyledText, Tone

Attempt = Callable[[str], Awaitable[str | None]]
"""Tries a passphrase; None if it was the right one and all is done, else a sentence for who typed
it."""


class SecretInput(Input):
    """A field that shows dots, and tells nobody what was typed: its messages bear no value."""

    class Entered(Message):
        """A passphrase was typed and Enter pressed."""

    def __init__(self) -> None:
        super().__init__(password=True, placeholder="passphrase of this wallet's file")

    def post_message(self, message: Message) -> bool:
        """Those of other fields bear what was typed: nobody needs them here."""
        if isinstance(message, Input.Changed | Input.Submitted):
            return False
        return super().post_message(message)

    async def action_submit(self) -> None:
        """Enter was pressed; the handler of this message takes the value itself."""
        self.post_message(self.Entered())

    def take(self) -> str:
        """What was typed; the field is empty afterwards."""
        typed, self.value = self.value, ""
        cached_cell_len.cache_clear()  # It holds each text that was ever measured, key by key.
        return typed


@dataclass(frozen=True, slots=True)
class DialogWords:
    """What the dialog says.

    Args:
        title: above it.
        verb: what enter does, as `send`.
        busy: while a passphrase is tried.
        needed: where none was typed.
    """

    title: str
    verb: str
    busy: str
    needed: str


SENDING: Final = DialogWords(
    "Sign and send", "send", "Signing ...", "A passphrase is needed to sign."
)


class PassphraseDialog(ModalScreen[bool]):
    """Asks until the passphrase is right, or the asked one leaves. The result: whether it is done.

    Args:
        purpose: what will be done with it, as lines.
        attempt: tries a passphrase.
        words: what it says.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "Leave")]

    DEFAULT_CSS = """
    PassphraseDialog { align: center middle; }
    PassphraseDialog > Vertical {
        width: 78; height: auto; padding: 1 1 0 1;
        border: round $primary; background: $surface; border-title-color: $primary;
    }
    PassphraseDialog SecretInput { margin: 1 0 0 0; }
    PassphraseDialog #answer { height: auto; min-height: 1; }
    PassphraseDialog Horizontal { height: 1; align-horizontal: right; margin: 0 0 1 0; }
    PassphraseDialog Button { margin: 0 0 0 2; }
    """

    def __init__(self, purpose: str, attempt: Attempt, words: DialogWords = SENDING) -> None:
        super().__init__()
        self._words = words
        self._purpose = purpose
        self._attempt = attempt
        self._busy = False

    def compose(self) -> ComposeResult:
        """What it is for, the field, and what became of it."""
        with Vertical() as box:
            box.border_title = self._words.title
            box.border_subtitle = f"enter {self._words.verb}s, esc does not"
            yield Line(id="purpose")
            yield SecretInput()
            yield Line(id="answer")
            with Horizontal():
                verb = self._words.verb
                yield Button(verb.capitalize(), id="go", variant="primary", compact=True)
                yield Button(f"Do not {verb}", id="leave", compact=True)

    def on_mount(self) -> None:
        """Put the cursor into the field."""
        self.query_one("#purpose", Line).say(StyledText(self._purpose))
        self.query_one(SecretInput).focus()

    @on(Button.Pressed, "#leave")
    def action_leave(self) -> None:
        """Nothing is sent; while a passphrase is tried it is too late for that."""
        if not self._busy:
            self.query_one(SecretInput).take()
            self.dismiss(False)

    @on(Button.Pressed, "#go")
    @on(SecretInput.Entered)
    def action_try(self) -> None:
        """Sign with the passphrase that was typed."""
        if self._busy:
            return
        field = self.query_one(SecretInput)
        if not field.value:
            self._answer(StyledText(self._words.needed, Tone.BAD))
            return
        self._busy = True
        self._answer(StyledText(self._words.busy, Tone.DIM))
        begin(self, self._try(field))

    async def _try(self, field: SecretInput) -> None:
        refusal = await self._attempt(field.take())
        self._busy = False
        if refusal is None:
            self.dismiss(True)
        else:
            self._answer(StyledText(refusal, Tone.BAD))
            field.focus()

    def _answer(self, said: StyledText) -> None:
        self.query_one("#answer", Line).say(said)
