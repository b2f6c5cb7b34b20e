"""Payments from wallet to wallet on the screen: asked for, made, and followed."""

from __future__ import annotations

from typing import Any

import pytest
from textual.widgets import Checkbox, Input

from axon.rpc.amounts import decode_json, encode_json
from axon.rpc.errors import Code, RpcError
from axon.tui.dealdialog import DealDialog
from axon.tui.deals import ShownDeal, deal_facts, deal_line, read_deal
from axon.tui.model import WalletInfo
from axon.tui.passphrase import PassphraseDialog
from axon.tui.wording import Tone
from tests.tui.double import COIN, PASSPHRASE, SHOWN, Double, deal_of, txid
from tests.tui.stage import Stage, play

pytestmark = pytest.mark.long

TALL = (100, 50)
INVOICE = deal_of(0, "payee", "0.5", "Bob")["uri"] + "&label=Bob"


def is_asked(stage: Stage) -> bool:
    return isinstance(stage.app.screen, PassphraseDialog)


def is_shown(stage: Stage) -> bool:
    return isinstance(stage.app.screen, DealDialog)


async def ask_for(stage: Stage, amount: str = "0.5", label: str = "Bob", listen: str = "") -> None:
    await stage.press("7")
    stage.paste("#asked-amount", amount)
    if not stage.app.query_one("#listen", Input).disabled:
        stage.paste("#listen", listen)
    stage.paste("#asked-label", label)
    await stage.press("enter")


async def unlock(stage: Stage, passphrase: str = PASSPHRASE) -> None:
    await stage.until(lambda: is_asked(stage), "the passphrase is asked for")
    stage.paste("SecretInput", passphrase)
    await stage.press("enter")


def test_an_invoice_is_asked_for_shown_and_followed_until_a_block_has_it() -> None:
    double = Double()

    async def scene(stage: Stage) -> None:
        await ask_for(stage, listen="192.0.2.1:12966")
        await stage.until(lambda: is_asked(stage), "the passphrase is asked for")
        assert "Other wallets reach it at 192.0.2.1:12966." in stage.told("#purpose")
        await unlock(stage, "wrong")
        await stage.until_told("#answer", "not the passphrase")
        await unlock(stage)
        await stage.until(lambda: is_shown(stage), "the invoice")
        deal = double.deals[0]
        assert stage.told("#what") == "0.50000000 BTC  Bob"
        assert stage.told("#stage").startswith("Nobody has paid it yet.")
        assert stage.told("#uri").replace("\n", "") == deal["uri"]
        assert stage.told("#code").startswith("█")
        deal |= {"stage": "accepted", "joined": True, "txid": txid(5), "shown": SHOWN}
        deal["receipt"] = True
        await stage.until_told("#stage", "Accepted. It is joined with a coin of the payee.")
        assert "Not shown - nothing behind block 112" in stage.told("#shown")
        assert txid(5) in stage.told("#shown")
        assert stage.told("#uri") == ""
        assert not stage.app.screen.query_one("#code").display
        await stage.press("escape")
        await stage.look()
        await stage.until(lambda: bool(stage.rows("#direct LiveTable")), "its row")
        assert stage.rows("#direct LiveTable")[0][1:] == ["asked", "0.50000000", "accepted", "Bob"]
        await stage.press("enter")
        await stage.until(lambda: is_shown(stage), "it can be looked at again")

    play(scene, double, size=TALL)


def test_who_has_opened_the_words_is_not_asked_again() -> None:
    double = Double()

    async def scene(stage: Stage) -> None:
        await ask_for(stage)
        await unlock(stage)
        await stage.until(lambda: is_shown(stage), "the invoice")
        await stage.press("escape")
        assert stage.app.query_one("#listen", Input).value == "127.0.0.1:40001"
        await ask_for(stage, amount="", label="")
        await stage.until(lambda: is_shown(stage), "another one")
        assert stage.told("#what") == "any amount"

    play(scene, double)
    assert double.calls == ["openpayments", "createinvoice", "createinvoice"]


def test_a_picture_that_does_not_fit_is_not_cut() -> None:
    double = Double(deals=[deal_of(0, "payee", None, "")])

    async def scene(stage: Stage) -> None:
        await stage.press("7", "enter")
        await stage.until(lambda: is_shown(stage), "the invoice")
        stage.app.screen._picture = ["█"] * 31  # type: ignore[attr-defined]
        await stage.until_told("#code", "The QR code needs a window of 41 lines.")
        await stage.press("c")
        assert stage.app.clipboard == double.deals[0]["uri"]
        await stage.press("r")
        assert stage.app.clipboard == double.deals[0]["uri"]  # There is no receipt yet.

    play(scene, double)


def test_what_cannot_be_asked_for_is_said() -> None:
    double = Double()

    async def scene(stage: Stage) -> None:
        await ask_for(stage, amount="1 XBT")
        await stage.until_told("#wrong", "the units are BTC and sat")
        for nowhere in ("here:there", "127.0.0.1:70000", "a b"):
            await ask_for(stage, listen=nowhere)
            await stage.until_told("#wrong", f"{nowhere!r} names no ")
            assert not is_asked(stage)
        assert double.calls == []
        await ask_for(stage)
        await unlock(stage)
        await stage.until(lambda: is_shown(stage), "the invoice")
        await stage.press("escape")
        double.refusal = RpcError(Code.WALLET, "1000 invoices are open")
        await ask_for(stage)
        await stage.until_told("#wrong", "1000 invoices are open")

    play(scene, double)


def test_a_wallet_that_only_watches_asks_for_nothing() -> None:
    async def scene(stage: Stage) -> None:
        await ask_for(stage)
        await stage.until_told("#wrong", "cannot sign an invoice")
        assert not is_asked(stage)

    play(scene, info=WalletInfo("regtest", signs=False))


@pytest.mark.parametrize("payjoin", [True, False])
def test_an_invoice_is_paid_from_wallet_to_wallet(payjoin: bool) -> None:
    double = Double()

    async def scene(stage: Stage) -> None:
        await stage.press("3")
        assert not stage.app.query_one("#join").display
        stage.paste("#to", INVOICE)
        await stage.until(lambda: stage.app.query_one("#join").display, "payjoin is offered")
        if not payjoin:
            stage.app.query_one("#payjoin", Checkbox).toggle()
        stage.paste("#fee", "2")
        await stage.press("enter")
        await stage.until_told("#drafted", "0.50000000 BTC")
        await stage.press("s")
        await unlock(stage)
        await stage.until_told("#result", "on its way to the wallet that asked for it")
        deal = double.deals[0]
        assert (deal["uri"], deal["joined"]) == (INVOICE, payjoin)
        assert not stage.app.query_one("#join").display
        assert double.payments[0]["label"] == "Bob"
        double.add_payment(7, -COIN // 2 - 282, "send")
        deal |= {"stage": "settled", "shown": SHOWN, "txid": txid(7)}
        await stage.look()
        await stage.until_told("#result", "Settled.")
        assert stage.told("#sent") == txid(7)
        await stage.until(lambda: double.payments[0]["label"] == "Bob", "its label")

    play(scene, double)
    assert double.calls == ["draftpayment", "payinvoice", "setlabel", "setlabel"]


def read(deal: dict[str, Any]) -> ShownDeal:
    told: Any = decode_json(encode_json(deal))
    return read_deal(told)


def test_a_deal_in_words() -> None:
    def told(**changes: object) -> tuple[str, Tone]:
        deal = deal_of(0, "payer", "0.5", "Bob") | changes
        said = deal_line(read(deal))
        return said.text, said.tone

    assert told(stage="refused", reason="a coin was spent") == (
        "Refused: a coin was spent.",
        Tone.BAD,
    )
    advised = told(stage="refused", reason="a coin was spent", advice="Pay again")[0]
    assert advised == "Refused: a coin was spent. Pay again."
    assert told(stage="checked", shown=SHOWN) == (SHOWN["headline"], Tone.WARN)
    assert told(stage="expired") == ("It was not paid in time.", Tone.DIM)
    assert told(stage="settled")[0] == "Settled."
    whole = deal_of(0, "payer", "0.5", "") | {"shown": SHOWN, "txid": txid(1), "receipt": True}
    facts = deal_facts(read(whole), 74)
    assert max(map(len, facts.splitlines())) <= 74
    assert facts.splitlines()[:2] == [
        "Shown     - the owners of the coins it names have signed it",
        "          - no block up to 112 has spent them, as 2 peers told",
    ]
