"""Each screen, over a wallet in memory: what it shows, and what its keys and buttons do."""

from __future__ import annotations

import pytest
from rich.text import Text
from textual.widgets import DataTable, ProgressBar

from axon.rpc.errors import Code, RpcError
from axon.tui.details import DetailsDialog
from tests.tui.double import BOB, CAROL, COIN, MINE, Double, txid
from tests.tui.stage import SMALL, Stage, play

pytestmark = pytest.mark.long

SIZES = [SMALL, (120, 40)]


def test_overview_shows_money_and_confirmations_as_they_grow() -> None:
    double = Double(scanned=56)

    async def scene(stage: Stage) -> None:
        assert str(stage.app.query_one("#balance").value) == "50.00000000"  # type: ignore[attr-defined]
        assert stage.told("#pending") == "Pending   30.00000000 BTC"
        assert stage.told("#disputed") == "Disputed   2.00000000 BTC"
        assert "dim" in stage.app.query_one("#immature").classes
        gauge = stage.app.query_one("#scanned ProgressBar", ProgressBar)
        assert gauge.percentage == pytest.approx(57 / 113)
        assert stage.told("#scanned .count") == "56 of 112"

        double.scanned = 112
        double.add_payment(2, -COIN, "send")
        await stage.look()
        table = "#overview PaymentTable"
        await stage.until(lambda: len(stage.rows(table)) == 2, "the payment is there")
        assert stage.rows(table)[0][1:4] == ["sent", "-1.00000000", "unconfirmed"]
        assert stage.told("#scanned .count") == "112"
        for confirmations in (1, 2):
            double.confirm(2, confirmations)
            await stage.look()
            count = str(confirmations)
            await stage.until(lambda: stage.rows(table)[0][3] == count, count)  # noqa: B023

    play(scene, double)


def test_history_keeps_the_cursor_on_its_payment() -> None:
    double = Double()
    double.add_payment(2, -COIN, "send", confirmations=1)

    async def scene(stage: Stage) -> None:
        await stage.press("2", "down")
        double.add_payment(3, COIN, "receive")
        await stage.look()
        await stage.until(lambda: len(stage.rows("#history PaymentTable")) == 3, "3 payments")
        await stage.press("enter")
        await stage.until_told("#facts", txid(1))

    play(scene, double)


def test_details_of_a_payment() -> None:
    double = Double()
    double.add_payment(2, -COIN - 141, "send", label="rent [May]")
    double.delivery = "handed over"
    double.refusals = [{"addr": "10.0.0.1:8333", "reason": "it is behind, at block 5"}]

    async def scene(stage: Stage) -> None:
        await stage.press("2", "enter")
        await stage.until_told("#facts", txid(2))
        told = stage.told("#facts")
        assert f"To       {BOB}" in told
        assert "Fee      0.00000141 BTC" in told
        assert "-1.00000141 BTC, with the fee" in told
        assert "Label    rent [May]" in told
        assert (
            "Sent     2 nodes fetched it, and nobody has shown it since: 10.0.0.1:8333\n"
            "         (it is behind, at block 5). It is written down and will be"
        ) in told
        assert "there is one as soon as it is in a block" in told
        double.confirm(2, 1)
        await stage.until_told("#facts", "1 confirmation")
        assert "kept: its way to the Merkle root of block 112, 290 bytes" in stage.told("#facts")
        await stage.press("escape")
        assert not isinstance(stage.app.screen, DetailsDialog)

    play(scene, double)


def test_receive_makes_addresses_with_labels_and_pictures() -> None:
    double = Double()

    async def scene(stage: Stage) -> None:
        await stage.press("4")
        await stage.until_told("#address", "No address was given out yet")
        await stage.press("n")
        await stage.until_told("#address", MINE)
        assert stage.told("#picture") == f"█{MINE[-4:]}█\n█████"
        await stage.press("l", *"Bob 1", "enter")
        await stage.until_told("#address", CAROL)
        await stage.until(lambda: len(stage.rows("#receive LiveTable")) == 2, "2 addresses")
        assert stage.rows("#receive LiveTable") == [["1", "no", "Bob 1"], ["0", "no", MINE]]
        await stage.press("down")
        await stage.until_told("#address", MINE)

    play(scene, double)
    assert [each["label"] for each in double.addresses] == ["", "Bob 1"]


def test_an_address_before_the_first_block_may_have_been_paid() -> None:
    double = Double(scanned=-1)

    async def scene(stage: Stage) -> None:
        await stage.press("4")
        await stage.pilot.click("#make")
        await stage.until_told("#refused", "may have been paid before")
        double.scanned = double.height
        await stage.look()
        await stage.pilot.click("#make")
        await stage.until(lambda: stage.told("#refused") == "", "nothing is wrong any more")

    play(scene, double)


def test_receive_says_why_there_is_no_more_address() -> None:
    sentence = "the last 20 addresses were never paid"
    double = Double(refusal=RpcError(Code.KEYPOOL_RAN_OUT, sentence))

    async def scene(stage: Stage) -> None:
        await stage.press("4")
        await stage.pilot.click("#make")
        await stage.until_told("#refused", sentence)

    play(scene, double)


def test_coins_are_frozen_by_key_and_by_mouse() -> None:
    double = Double()
    double.add_coin(2, COIN, label="savings", change=True)

    async def scene(stage: Stage) -> None:
        table = "#coins LiveTable"
        await stage.press("5")
        assert [row[2] for row in stage.rows(table)] == ["ready", "change"]
        await stage.press("f")
        await stage.until(lambda: stage.rows(table)[0][2] == "frozen", "frozen")
        await stage.until_told("#held", "2 coins, 1 frozen")
        await stage.press("f")
        await stage.until(lambda: stage.rows(table)[0][2] == "ready", "ready again")
        second = (4, 2)
        await stage.pilot.click(table, offset=second)
        await stage.pilot.click(table, offset=second)
        await stage.until(lambda: stage.rows(table)[1][2] == "frozen", "frozen by mouse")

    play(scene, double)
    assert double.calls == ["lockunspent"] * 3


def test_peers_and_what_they_serve() -> None:
    double = Double(peers=3)

    async def scene(stage: Stage) -> None:
        await stage.press("6")
        assert stage.told("#together") == (
            "3 nodes: filters from 2, of which 2 agree with all that is known"
        )
        rows = stage.rows("#peers LiveTable")
        assert rows[0] == ["127.0.0.2:18444", "/axon:0.1.0/", "112", "yes", "yes", "1.2 ms"]
        assert rows[2][3:5] == ["no", ""]
        double.peers = 0
        partner = {"named": True, "connected": True, "proved": 1, "headers": 112, "filters": 0}
        double.partners = [
            {"partner": f"{'ab' * 32}@192.0.2.1:12966", **partner},
            {"partner": f"{'cd' * 32}@192.0.2.2:12966", **partner, "connected": False},
        ]
        await stage.look()
        await stage.until_told("#together", "No node is connected")
        assert stage.rows("#peers LiveTable") == [
            ["192.0.2.1:12966", "a wallet", "+112", "none yet", "", ""]
        ]

    play(scene, double)


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_wider_than_the_screen(size: tuple[int, int]) -> None:
    double = Double()
    double.add_payment(2, -20_000_000 * COIN, "send", label="a long label " * 8)
    double.add_coin(2, 20_000_000 * COIN, label="a long label " * 8)
    double.getnewaddress("a long label " * 8)

    async def scene(stage: Stage) -> None:
        for number in range(1, 7):
            await stage.press("escape", str(number))
            await stage.pilot.pause()
            assert stage.app.screen.max_scroll_x == 0
            for widget in stage.app.screen.query(".pane *"):
                if widget.region:
                    assert widget.region.x >= 0
                    assert widget.region.right <= size[0], widget
                if isinstance(widget, DataTable) and widget.region:
                    assert widget.max_scroll_x == 0, widget

    play(scene, double, size=size)


def test_the_growing_column_takes_the_room_there_is() -> None:
    async def scene(stage: Stage) -> None:
        await stage.press("2")
        table = "#history PaymentTable"
        double.payments[0]["label"] = ""
        await stage.look()
        await stage.until(lambda: stage.rows(table)[0][4] != "from Carol", "the address")
        short = stage.rows(table)[0][4]
        assert short.startswith(MINE[:8])
        assert short.endswith(MINE[-8:])
        await stage.pilot.resize_terminal(120, 40)
        await stage.until(lambda: stage.rows(table)[0][4] == MINE, "all of it")

    double = Double()
    play(scene, double)


def test_both_themes_colour_tables_in_their_own_way() -> None:
    def colour(stage: Stage) -> str:
        cell = stage.app.query_one("#overview PaymentTable", DataTable).get_cell_at((0, 2))  # type: ignore[arg-type]
        assert isinstance(cell, Text)
        return str(cell.style)

    async def scene(stage: Stage) -> None:
        dark = colour(stage)
        await stage.press("t")
        await stage.until(lambda: colour(stage) != dark, "another green")
        await stage.press("t")
        await stage.until(lambda: colour(stage) == dark, "the first one")

    play(scene)
