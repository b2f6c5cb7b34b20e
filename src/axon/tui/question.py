"""A question with yes and no, asked before something that cannot be taken back."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button

from axon.tui.pane import Line
from axon.tui.wording import StyledText, Tone


class QuestionDialog(ModalScreen[bool]):
    """Asks; the result is whether the answer was yes. No is what enter answers at first.

    Args:
        title: what it is about.
        question: one or two sentences.
        yes: what the button says that goes on.
        no: what the other one says.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "answer(False)", "No"),
        Binding("y", "answer(True)", "Yes"),
    ]

    DEFAULT_CSS = """
    QuestionDialog { align: center middle; }
    QuestionDialog > Vertical {
        width: 78; height: auto; padding: 1 1 0 1;
        border: round $primary; background: $surface; border-title-color: $primary;
    }
    QuestionDialog #question { height: auto; margin: 0 0 1 0; }
    QuestionDialog Horizontal { height: 1; align-horizontal: right; margin: 0 0 1 0; }
    QuestionDialog Button { margin: 0 0 0 2; }
    """

    def __init__(self, title: str, question: str, *, yes: str, no: str) -> None:
        super().__init__()
        self._title = title
        self._question = question
        self._yes = yes
        self._no = no

    def compose(self) -> ComposeResult:
        """The question, and a button for each answer."""
        with Vertical() as box:
            box.border_title = self._title
            box.border_subtitle = "y yes, esc no"
            yield Line(id="question")
            with Horizontal():
                yield Button(self._yes, id="yes", variant="warning", compact=True)
                yield Button(self._no, id="no", compact=True)

    def on_mount(self) -> None:
        """Have a key that was pressed too often mean no."""
        self.query_one("#question", Line).say(StyledText(self._question, Tone.WARN))
        self.query_one("#no").focus()

    def action_answer(self, is_yes: bool) -> None:
        """A key was pressed."""
        self.dismiss(is_yes)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")
