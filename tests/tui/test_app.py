"""The program as a whole: its keys, what it says when something ends, how it ends itself."""

from __future__ import annotations

import os
import signal

import pytest
from textual.widgets import Input, TabbedContent

from axon.rpc.errors import Code, RpcError
from tests.tui.double import Double
from tests.tui.stage import Stage, play

CLOSED = "The wallet has closed: shown is what it said last"


def active(stage: Stage) -> str:
    return stage.app.query_one(TabbedContent).active


def test_digits_turn_to_screens_and_stay_digits_in_a_field() -> None:
    async def scene(stage: Stage) -> None:
        for number in (2, 5, 6, 4, 1):
            await stage.press(str(number))
            assert active(stage) == f"tab-{number}"
        await stage.press("3", "1", "q", "t")
        assert active(stage) == "tab-3"
        assert stage.app.query_one("#to", Input).value == "1qt"
        await stage.press("escape", "1")
        assert active(stage) == "tab-1"

    play(scene)


def test_tabs_are_clicked() -> None:
    async def scene(stage: Stage) -> None:
        await stage.pilot.click("#--content-tab-tab-6")
        await stage.until(lambda: active(stage) == "tab-6", "the peers")

    play(scene)


@pytest.mark.parametrize("keys", [["q"], ["ctrl+c"], ["3", "ctrl+c"], ["2", "enter", "ctrl+c"]])
def test_it_is_left(keys: list[str]) -> None:
    async def scene(stage: Stage) -> None:
        await stage.press(*keys)
        await stage.until(lambda: not stage.app.is_running, "it ends")

    app = play(scene)
    assert (app.return_code, app.failure) == (0, None)


def test_it_is_ended_in_order_by_a_signal() -> None:
    async def scene(stage: Stage) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await stage.until(lambda: not stage.app.is_running, "it ends")

    assert play(scene).return_code == 0


def test_it_stays_when_all_nodes_are_gone() -> None:
    double = Double()

    async def scene(stage: Stage) -> None:
        assert stage.told("#standing") == "In sync at block 112, 2 min old: 2 of 2 nodes agree"
        double.peers = double.filter_peers = 0
        await stage.look()
        await stage.until_told("#standing", "No node is connected")
        assert "warn" in stage.app.query_one("#standing").classes
        assert stage.rows("#overview PaymentTable")
        double.peers = double.filter_peers = 1
        await stage.look()
        await stage.until_told("#standing", "1 of 1 nodes agree")

    play(scene, double)


def test_it_stays_when_the_wallet_has_closed() -> None:
    double = Double()

    async def scene(stage: Stage) -> None:
        double.is_closed = True
        await stage.look()
        await stage.until_told("#standing", CLOSED)
        await stage.press("3", "escape", "5", "f", "4", "n")
        await stage.until_told("#refused", "the wallet was closed")
        assert stage.rows("#coins LiveTable")
        double.is_closed = False
        await stage.look()
        await stage.until_told("#standing", "In sync")

    app = play(scene, double)
    assert app.failure is None


def test_a_wallet_that_refuses_a_look_is_quoted() -> None:
    class Warming(Double):
        def getsyncinfo(self) -> object:
            raise RpcError(Code.WARMUP, "the wallet is being opened")

    async def scene(stage: Stage) -> None:
        await stage.until_told("#standing", "the wallet is being opened")

    play(scene, Warming())


def test_offline_is_said() -> None:
    async def scene(stage: Stage) -> None:
        await stage.until_told("#standing", "Offline: shown is what was known before")

    play(scene, Double(peers=0, filter_peers=0), offline=True)


def test_a_bug_ends_it_and_is_handed_out() -> None:
    class Broken(Double):
        def getnewaddress(self, label: str) -> object:
            raise ValueError(f"a bug, {label}")

    async def scene(stage: Stage) -> None:
        await stage.press("4", "n")
        await stage.until(lambda: not stage.app.is_running, "it ends")

    app = play(scene, Broken())
    assert app.return_code == 1
    assert isinstance(app.failure, ValueError)
