"""What goes between wallets that do not meet, on the screen: files, and payjoins over HTTP."""

from __future__ import annotations

import pytest
from textual.widgets import Checkbox, Input

from axon.tui.dealdialog import DealDialog
from axon.tui.model import WalletInfo
from axon.tui.passphrase import PassphraseDialog
from tests.tui.double import BOB, MINE, PASSPHRASE, SHOWN, Double, deal_of, txid
from tests.tui.stage import Shelf, Stage, play

pytestmark = pytest.mark.long

INVOICE = deal_of(0, "payee", "0.5", "Bob")["uri"]


async def unlock(stage: Stage) -> None:
    await stage.until(
        lambda: isinstance(stage.app.screen, PassphraseDialog), "the passphrase is asked for"
    )
    stage.paste("SecretInput", PASSPHRASE)
    await stage.press("enter")


def is_shown(stage: Stage) -> bool:
    return isinstance(stage.app.screen, DealDialog)


@pytest.mark.parametrize(
    ("role", "changes", "text"),
    [
        ("payee", {}, "{uri}"),
        ("payer", {"stage": "offered", "txid": txid(2)}, "payment {id}"),
        ("payee", {"stage": "accepted", "shown": SHOWN, "receipt": True}, "receipt {id}"),
        ("payer", {"stage": "accepted", "shown": SHOWN, "receipt": True}, "receipt {id}"),
    ],
)
def test_what_the_partner_needs_is_written_into_a_new_file(
    role: str, changes: dict[str, object], text: str
) -> None:
    deal = deal_of(0, role, "0.5", "Bob") | changes
    double, shelf = Double(deals=[deal]), Shelf()
    wanted = text.format(**deal)

    async def scene(stage: Stage) -> None:
        await stage.press("7", "enter")
        await stage.until(lambda: is_shown(stage), "the payment")
        await stage.press("w")
        await stage.until(lambda: [*shelf.files.values()] == [wanted], "its file")
        await stage.press("w")
        await stage.until(
            lambda: any("exists already" in each.message for each in stage.app._notifications),
            "it is not written over",
        )

    play(scene, double, shelf=shelf)
    assert [name.endswith(f"-{deal['id'][:8]}.txt") for name in shelf.files] == [True]


def test_a_payment_that_came_as_a_file_is_looked_at_and_taken() -> None:
    double, shelf = Double(deals=[deal_of(0, "payee", "0.5", "Bob")]), Shelf()
    shelf.files = {"payment.txt": "a payment", "other.txt": "nonsense"}

    async def scene(stage: Stage) -> None:
        await stage.press("7")
        for name, told in (
            ("", "Which file?"),
            ("nothing", "cannot read nothing"),
            ("other.txt", "no whole payment"),
        ):
            stage.paste("#file", name)
            await stage.press("enter")
            await stage.until_told("#not-taken", told)
        stage.paste("#file", "payment.txt")
        await stage.press("enter")
        await stage.until_told("#purpose", "It pays 0.50000000 BTC; the invoice asks for 0.5")
        assert "no block has spent" in stage.told("#purpose")
        await unlock(stage)
        await stage.until(lambda: is_shown(stage), "what became of it")
        assert stage.told("#stage").startswith("Accepted.")
        assert stage.app.query_one("#file", Input).value == ""

    play(scene, double, shelf=shelf)
    assert double.calls == ["openpayments", "takepacket"]


def test_a_receipt_that_came_as_a_file_is_kept() -> None:
    double, shelf = Double(deals=[deal_of(0, "payer", "0.5", "Bob")]), Shelf()
    shelf.files = {"receipt.txt": "-----BEGIN BITCOIN SIGNED MESSAGE-----\n..."}

    async def scene(stage: Stage) -> None:
        await stage.press("7")
        stage.paste("#file", "receipt.txt")
        await stage.press("enter")
        await stage.until(lambda: is_shown(stage), "what became of it")

    play(scene, double, shelf=shelf)
    assert double.calls == ["takereceipt"]


def test_a_wallet_that_only_watches_takes_no_payment() -> None:
    shelf = Shelf()
    shelf.files = {"payment.txt": "a payment"}

    async def scene(stage: Stage) -> None:
        await stage.press("7")
        stage.paste("#file", "payment.txt")
        await stage.press("enter")
        await stage.until_told("#not-taken", "it cannot sign a receipt")

    play(scene, info=WalletInfo("regtest", signs=False), shelf=shelf)


def test_an_invoice_is_paid_from_its_file() -> None:
    double, shelf = Double(), Shelf()
    shelf.files = {"invoice.txt": INVOICE}

    async def scene(stage: Stage) -> None:
        await stage.press("3")
        stage.paste("#to", "invoice.txt")
        stage.paste("#fee", "2")
        await stage.press("enter")
        await stage.until_told("#drafted", "0.50000000 BTC")
        assert stage.app.query_one("#to", Input).value == INVOICE
        assert stage.app.query_one("#join").display
        await stage.press("s")
        await unlock(stage)
        await stage.until_told("#result", "on its way to the wallet that asked for it")
        stage.paste("#to", "invoice.txt")
        await stage.press("enter")
        await stage.until_told("#general", "this invoice is paid already")

    play(scene, double, shelf=shelf)
    assert double.calls == ["draftpayment", "payinvoice"]


@pytest.mark.parametrize(
    ("place", "joins", "said", "call"),
    [
        ("open", True, "It is joined with a coin of the payee. ", "payjoinpayment"),
        ("closed", True, "Not joined, and sent as it is: the receiver is not reached. ", "payjoin"),
        ("open", False, "", "sendpayment"),
    ],
)
def test_the_payee_of_a_foreign_uri_is_asked_to_join(
    place: str, joins: bool, said: str, call: str
) -> None:
    double = Double()
    uri = f"bitcoin:{BOB}?amount=20&pj=https%3A%2F%2F{place}.example%2Fpj"

    async def scene(stage: Stage) -> None:
        await stage.press("3")
        stage.paste("#to", uri)
        await stage.until(lambda: stage.app.query_one("#join").display, "payjoin is offered")
        if not joins:
            stage.app.query_one("#payjoin", Checkbox).toggle()
        stage.paste("#fee", "2")
        await stage.press("enter")
        await stage.until_told("#drafted", "20.00000000 BTC")
        await stage.press("s")
        await unlock(stage)
        await stage.until(lambda: bool(stage.told("#result")), "what became of it")
        assert stage.told("#result").startswith(said)
        assert ("joined" in stage.told("#result")) is bool(said)

    play(scene, double)
    assert double.calls[-1].startswith(call)


def test_an_address_alone_joins_nothing() -> None:
    async def scene(stage: Stage) -> None:
        await stage.press("3")
        stage.paste("#to", MINE)
        await stage.pilot.pause()
        assert not stage.app.query_one("#join").display

    play(scene)
