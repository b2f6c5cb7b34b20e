"""The single coins behind the balance; here they are set aside and taken back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from axon.errors import AxonError
from axon.tui.asking import Ask, View
from axon.tui.model import ShownCoin
from axon.tui.pane import Line, Pane, WalletChanged, begin
from axon.tui.table import Column, LiveTable, Row
from axon.tui.wording import StyledText, Tone, btc, coin_state

_COLUMNS: Final = (
    Column("Amount BTC", right=True),
    Column("Confirmed", right=True),
    Column("State"),
    Column("Label"),
    Column("Address", grows=True),
)


def coin_row(coin: ShownCoin) -> Row:
    """The cells of one coin."""
    return (
        StyledText(btc(coin.amount_sat).removesuffix(" BTC")),
        StyledText(f"{coin.confirmations:,}", Tone.PLAIN if coin.confirmations else Tone.DIM),
        coin_state(coin),
        StyledText(coin.label[:16]),
        StyledText(coin.address),
    )


def _held(coins: Sequence[ShownCoin]) -> str:
    if not coins:
        return "There is no coin yet"
    frozen = sum(coin.frozen for coin in coins)
    count = "One coin" if len(coins) == 1 else f"{len(coins):,} coins"
    return f"{count}, {frozen:,} frozen: no payment uses a frozen one"


class CoinsPane(Pane):
    """The screen of coins: a table, and a key that freezes or frees the chosen one."""

    TITLE = "Coins"
    ENTRY = "LiveTable"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f,enter", "freeze", "Freeze or unfreeze", key_display="f")
    ]

    DEFAULT_CSS = """
    CoinsPane #held { height: 1; margin: 1 0; color: $tone-dim; }
    """

    def __init__(self, ask: Ask) -> None:
        super().__init__(ask)
        self._coins: dict[str, ShownCoin] = {}

    def compose(self) -> ComposeResult:
        """A line of summary above the table."""
        yield Line(id="held")
        yield LiveTable(*_COLUMNS)

    def show(self, view: View) -> None:
        """Draw the latest answers of the wallet."""
        self._coins = {coin.place: coin for coin in view.coins}
        self.query_one("#held", Line).say(StyledText(_held(view.coins), Tone.DIM))
        self.query_one(LiveTable).show_rows(
            {place: coin_row(coin) for place, coin in self._coins.items()}
        )

    def action_freeze(self) -> None:
        """Set the chosen coin aside, or take it back."""
        chosen = self.query_one(LiveTable).chosen
        if chosen is not None:
            begin(self, self._freeze(self._coins[chosen]))

    def on_data_table_row_selected(self) -> None:
        """A click on the chosen row does the same."""
        self.action_freeze()

    async def _freeze(self, coin: ShownCoin) -> None:
        try:
            await self.ask("lockunspent", coin.frozen, [coin.place])
        except AxonError as error:
            self.notify(str(error), severity="error", markup=False)
        else:
            self.post_message(WalletChanged())
