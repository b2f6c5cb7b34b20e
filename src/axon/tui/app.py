"""The wallet's full-screen program: seven screens over the methods of a wallet.

It looks once a second, beside the drawing, and shows the last answers; when nobody answers any
more it says so and stays. Whatever may hold a passphrase runs as a task of its own (`pane.begin`):
one that fails unexpectedly ends the program, and its error is handed out rather than printed with
the values of all variables, as Textual would.
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from typing import ClassVar, Final

from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.css.query import NoMatches
from textual.screen import ModalScreen
from textual.theme import Theme
from textual.widgets import Footer, Input, Static, TabbedContent, TabPane, Tabs
from textual.worker import Worker, WorkerState

from axon.errors import AxonError
from axon.rpc.errors import RpcError
from axon.tui.asking import Ask, View, look
from axon.tui.coins import CoinsPane
from axon.tui.colours import DARK, LIGHT
from axon.tui.direct import DirectPane
from axon.tui.files import FileAccess
from axon.tui.history import HistoryPane
from axon.tui.model import WalletInfo
from axon.tui.overview import OverviewPane
from axon.tui.pane import Line, Pane, WalletChanged
from axon.tui.payform import ReadAmount, ReadPayee
from axon.tui.peers import PeersPane
from axon.tui.receive import QrLines, ReceivePane
from axon.tui.send import SendPane
from axon.tui.wording import StyledText, Tone, standing

LOOK_S: Final = 1.0
"""From one look to the next."""

_REASON_S: Final = 15.0
"""For so long is shown why the wallet has closed; that it has stays in the top line."""


class WalletApp(App[None]):
    """The program.

    Args:
        ask: asks the wallet.
        info: what the wallet is.
        name: of the wallet.
        qr_lines: draws a QR code.
        read_amount: reads what was typed as an amount.
        read_payee: reads what was typed as an address or a payment URI.
        files: reads and writes what wallets exchange that do not meet.
        offline: nobody is dialled, as was asked for.
    """

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "quit", show=False, priority=True),
        Binding("1", "turn(0)", "Screen", key_display="1-7"),
        *(Binding(f"{place + 1}", f"turn({place})", show=False) for place in range(1, 7)),
        Binding("escape", "leave_field", "Leave the field"),
        Binding("t", "other_theme", "Light or dark"),
        Binding("q", "quit", "Quit"),
    ]

    CSS = """
    #top { height: 1; background: $panel; padding: 0 1; }
    #whose { width: auto; max-width: 40%; height: 1; text-style: bold; color: $primary; }
    #standing { width: 1fr; text-align: right; }
    TabbedContent, ContentSwitcher, TabPane { height: 1fr; padding: 0; }
    .pane { padding: 0 1; height: 1fr; }
    LiveTable { height: 1fr; scrollbar-size-vertical: 1; background: $background; }
    LiveTable:focus { background-tint: $foreground 0%; }
    .good { color: $tone-good; }
    .warn { color: $tone-warn; }
    .bad { color: $tone-bad; }
    .dim { color: $tone-dim; }
    """

    def __init__(
        self,
        ask: Ask,
        info: WalletInfo,
        name: str,
        *,
        qr_lines: QrLines,
        read_amount: ReadAmount,
        read_payee: ReadPayee,
        files: FileAccess,
        offline: bool = False,
    ) -> None:
        super().__init__()
        self.failure: BaseException | None = None
        """A bug that has ended the program."""
        self._ask = ask
        self._whose = f"{name} on {info.chain}" + ", watching only" * (not info.signs)
        self._offline = offline
        self._panes: tuple[Pane, ...] = (
            OverviewPane(ask),
            HistoryPane(ask),
            SendPane(ask, info, read_amount, read_payee, files),
            ReceivePane(ask, qr_lines),
            CoinsPane(ask),
            PeersPane(ask),
            DirectPane(ask, info, read_amount, qr_lines, files),
        )
        self._due = asyncio.Event()
        self.animation_level = "none"  # Who turns to a screen wants to see it.
        for theme in (DARK, LIGHT):
            self.register_theme(theme)
        self.theme = DARK.name
        self._has_closed = False

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our own variables, while no theme of ours is on yet."""
        return DARK.variables

    def compose(self) -> ComposeResult:
        """A line, the screens, the keys."""
        with Horizontal(id="top"):
            yield Static(f"axon  {self._whose}", id="whose", markup=False)
            yield Line(id="standing")
        with TabbedContent():
            for place, pane in enumerate(self._panes, 1):
                with TabPane(f"{place} {pane.TITLE}", id=f"tab-{place}"):
                    yield pane
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Ask the wallet for the first time, and then once a second."""
        self.theme_changed_signal.subscribe(self, self._redraw)
        # The terminal is given back as it was, however the program is ended.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.exit)
        self._panes[0].enter()
        self._say(StyledText("Opening", Tone.DIM))
        self.run_worker(self._watch(), exit_on_error=False)

    def action_turn(self, place: int) -> None:
        """Show the screen of a number key."""
        self.query_one(TabbedContent).active = f"tab-{place + 1}"
        self._panes[place].enter()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A field can be left only by who is in one; else its key is not shown."""
        if action == "leave_field":
            return isinstance(self.focused, Input) and not isinstance(self.screen, ModalScreen)
        return super().check_action(action, parameters)

    def action_leave_field(self) -> None:
        """Out of a field of text, so that keys are commands again."""
        if isinstance(self.focused, Input):
            self.query_one(Tabs).focus()

    def action_other_theme(self) -> None:
        """From dark to light, or back."""
        self.theme = (LIGHT if self.theme == DARK.name else DARK).name

    @on(WalletChanged)
    def look_now(self) -> None:
        """Something was changed: the next look is due."""
        self._due.set()

    @on(Worker.StateChanged)
    def _ended(self, event: Worker.StateChanged) -> None:
        if event.state is WorkerState.ERROR:
            if isinstance(event.worker.error, NoMatches) and not self.is_running:
                return  # Its answer came when the program had been left and the screens were gone.
            self.failure = event.worker.error
            self.exit(return_code=1)

    def _redraw(self, _: Theme) -> None:
        for pane in self._panes:
            pane.redraw()

    async def _watch(self) -> None:
        while True:
            self._due.clear()
            await self._look()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._due.wait()

    async def _look(self) -> None:
        try:
            view = await look(self._ask)
        except RpcError as error:
            self._say(StyledText(error.message, Tone.BAD))
        except AxonError as error:
            self._silent(error)
        else:
            self._has_closed = False
            self._show(view)

    def _show(self, view: View) -> None:
        self._say(standing(view.sync, offline=self._offline))
        for pane in self._panes:
            pane.show(view)

    def _silent(self, error: AxonError) -> None:
        if not self._has_closed:
            self.notify(str(error), severity="error", timeout=_REASON_S, markup=False)
        self._has_closed = True
        self._say(StyledText("The wallet has closed: shown is what it said last", Tone.BAD))

    def _say(self, said: StyledText) -> None:
        self.query_one("#standing", Line).say(said)
