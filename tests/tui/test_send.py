"""A payment through the screen, and everything that may be wrong with it."""

from __future__ import annotations

import asyncio

import pytest
from textual.widgets import Checkbox, Input

from axon.rpc.amounts import Json
from axon.rpc.errors import Code, RpcError
from axon.tui.model import WalletInfo
from axon.tui.passphrase import PassphraseDialog, SecretInput
from axon.tui.question import QuestionDialog
from tests.tui.double import BOB, PASSPHRASE, Double, txid
from tests.tui.stage import Stage, play

pytestmark = pytest.mark.long

TYPED = "secret"
"""Short, for it is typed key by key."""


async def fill(stage: Stage, to: str = BOB, amount: str = "20", fee: str = "1") -> None:
    """Fill in the form and have it drafted."""
    if not stage.app.query_one("#to").region:
        await stage.press("3")
    stage.paste("#to", to)
    stage.paste("#amount", amount)
    stage.paste("#fee", fee)
    await stage.press("enter")


def has_draft(stage: Stage) -> bool:
    return "there" in stage.app.query_one("#draft-box").classes


def is_asked(stage: Stage) -> bool:
    return isinstance(stage.app.screen, PassphraseDialog)


def test_a_payment_from_form_to_block() -> None:
    double, seen = Double(), list[str]()

    async def scene(stage: Stage) -> None:
        await fill(stage)
        await stage.until(lambda: has_draft(stage), "the draft")
        for each in (f"to {BOB}", "0.00000141 BTC", "20.00000141 BTC", "29.99999859 BTC"):
            assert each in stage.told("#drafted")
        assert double.calls == ["draftpayment"]

        await stage.press("enter")
        await stage.until(lambda: is_asked(stage), "the passphrase is asked for")
        assert f"to {BOB}" in stage.told("#purpose")
        await stage.press("enter")
        assert stage.told("#answer") == "A passphrase is needed to sign."
        await stage.press(*TYPED, "enter")
        await stage.until_told("#answer", "this is not the passphrase of this wallet")
        field = stage.app.screen.query_one(SecretInput)
        assert (field.value, field.password) == ("", True)

        stage.paste("SecretInput", PASSPHRASE)
        await stage.press("enter")
        await stage.until(lambda: not is_asked(stage), "it is sent")
        assert field.value == ""
        await stage.until_told("#result", "No node has fetched it yet")
        assert stage.told("#sent") == txid(2)
        double.delivery = "spreading"
        await stage.look()
        await stage.until_told("#result", "2 nodes fetched it, and one node got it from others.")
        double.confirm(2, 1)
        await stage.look()
        await stage.until_told("#result", "It is in block 112: 1 confirmation.")
        assert not has_draft(stage)

    app = play(scene, double, on_message=lambda message: seen.append(repr(message)))
    assert double.calls == ["draftpayment", "sendpayment", "sendpayment"]
    assert app.failure is None
    assert not [text for text in seen if PASSPHRASE in text or TYPED in text]


def test_an_answer_that_comes_when_the_program_was_left_is_no_bug() -> None:
    screens: list[Stage] = []
    is_late = asyncio.Event()

    class Slow(Double):
        async def ask(self, method: str, /, *args: object, **named: object) -> Json:
            if method == "gettransaction":
                is_late.set()
                for _ in range(100_000):
                    if not screens[0].app.query("#result"):
                        break
                    await asyncio.sleep(0)
            return await super().ask(method, *args, **named)

    async def scene(stage: Stage) -> None:
        screens.append(stage)
        await fill(stage)
        await stage.until(lambda: has_draft(stage), "the draft")
        await stage.press("enter")
        await stage.until(lambda: is_asked(stage), "the passphrase is asked for")
        stage.paste("SecretInput", PASSPHRASE)
        stage.app.simulate_key("enter")
        await asyncio.wait_for(is_late.wait(), 10)

    assert play(scene, Slow()).failure is None


def test_amounts_as_they_are_typed() -> None:
    async def scene(stage: Stage) -> None:
        for amount, drafted in {
            "0.5": "0.50000000 BTC",
            "50000 sat": "0.00050000 BTC",
            "1.5 btc": "1.50000000 BTC",
            "all": "49.99999859 BTC",
        }.items():
            await fill(stage, amount=amount)
            await stage.until_told("#drafted", f" {drafted}  to ")

    play(scene)


def test_the_unit_is_chosen_beside_the_amount() -> None:
    async def scene(stage: Stage) -> None:
        await fill(stage, amount="50000")
        await stage.until(lambda: has_draft(stage), "the draft")
        assert "50000.00000000 BTC" in stage.told("#drafted")
        await stage.pilot.click("RadioButton:last-of-type")
        await stage.until(lambda: not has_draft(stage), "what it was is no longer meant")
        await stage.pilot.click("#draft")
        await stage.until(lambda: has_draft(stage), "the draft")
        assert "0.00050000 BTC" in stage.told("#drafted")

    play(scene)


def test_what_cannot_be_read_is_said_beside_its_field() -> None:
    double = Double()

    async def scene(stage: Stage) -> None:
        for form, field, sentence in [
            ({"to": ""}, "#to", "Whom? Type or paste an address."),
            ({"amount": ""}, "#amount", "expected an amount such as"),
            ({"amount": "1 XBT"}, "#amount", "the units are BTC and sat, not 'XBT'"),
            ({"amount": "0.123456789"}, "#amount", "too precise"),
            ({"amount": "-1"}, "#amount", "an amount is not negative"),
            ({"fee": "-1"}, "#fee", "Name a fee in sat/vB"),
            ({"fee": "nan"}, "#fee", "Name a fee in sat/vB"),
            ({"fee": "1e9"}, "#fee", "Name a fee in sat/vB"),
        ]:
            await fill(stage, **form)
            await stage.until_told(f"{field}-wrong", sentence)
            assert stage.app.focused is stage.app.query_one(field)

    play(scene, double)
    assert double.calls == []


def test_what_the_wallet_refuses_is_said_beside_its_field() -> None:
    double, sentence = Double(), "this is refused [for a reason]"

    async def scene(stage: Stage) -> None:
        for code, line in [
            (Code.NOT_FOUND, "#to-wrong"),
            (Code.TYPE, "#amount-wrong"),
            (Code.INSUFFICIENT_FUNDS, "#amount-wrong"),
            (Code.PARAMETER, "#fee-wrong"),
            (Code.WALLET, "#general"),
            (-12345, "#general"),
        ]:
            double.refusal = RpcError(code, sentence)
            await fill(stage)
            await stage.until_told(line, sentence)
            assert not has_draft(stage)
            others = {"#to-wrong", "#amount-wrong", "#fee-wrong", "#general"} - {line}
            assert [stage.told(other) for other in sorted(others)] == [""] * 3

    play(scene, double)


def test_a_high_fee_must_be_meant() -> None:
    async def scene(stage: Stage) -> None:
        assert not stage.app.query_one("#high", Checkbox).display
        await fill(stage, fee="900")
        await stage.until_told("#fee-wrong", "more than any payment needs")
        stage.app.query_one("#high", Checkbox).focus()
        await stage.press("space")
        await stage.pilot.click("#draft")
        await stage.until(lambda: has_draft(stage), "the draft")
        await stage.press("s")
        stage.paste("SecretInput", PASSPHRASE)
        await stage.press("enter")
        await stage.until_told("#sent", txid(2))
        assert not stage.app.query_one("#high", Checkbox).value

    play(scene, Double(refusal=RpcError(Code.PARAMETER, "more than any payment needs")))


def test_a_fee_of_more_than_a_part_is_asked_about_once_more() -> None:
    double = Double()

    async def scene(stage: Stage) -> None:
        def is_questioned() -> bool:
            return isinstance(stage.app.screen, QuestionDialog)

        await fill(stage, amount="1000 sat")
        await stage.until(lambda: has_draft(stage), "the draft")
        for no in ("enter", "escape"):
            await stage.press("s")
            await stage.until(is_questioned, "the question")
            assert stage.told("#question") == "The fee of 141 sat is more than 5 %. Is it meant?"
            await stage.press(no)
            await stage.until(lambda: not is_questioned(), "no is an answer")
            assert not is_asked(stage)
        await stage.press("s")
        await stage.until(is_questioned, "the question")
        await stage.press("y")
        await stage.until(lambda: is_asked(stage), "the passphrase is asked for")

    play(scene, double)
    assert double.calls == ["draftpayment"]


LONG_URI = f"BITCOIN:{BOB.upper()}?amount=0.5&label=Shop&message=Coffee&x={'1' * 600}"


def test_a_payment_uri_is_pasted() -> None:
    double = Double()

    async def scene(stage: Stage) -> None:
        await fill(stage, to=LONG_URI, amount="")
        await stage.until(lambda: has_draft(stage), "the draft")
        assert stage.told("#drafted").startswith("For     Shop: Coffee\nPays")
        assert f"to {BOB.upper()}" in stage.told("#drafted")
        assert stage.app.query_one("#amount", Input).value == "0.50000000 BTC"
        await stage.press("s")
        await stage.until(lambda: is_asked(stage), "the passphrase is asked for")
        assert "Shop: Coffee" in stage.told("#purpose")
        stage.paste("SecretInput", PASSPHRASE)
        await stage.press("enter")
        await stage.until_told("#sent", txid(2))
        assert double.payments[0]["label"] == "Shop: Coffee"

    play(scene, double)


def test_what_a_payment_uri_asks_for_is_not_guessed() -> None:
    double = Double()

    async def scene(stage: Stage) -> None:
        for form, field, sentence in [
            ({"to": f"bitcoin:{BOB}?req-x=1"}, "#to", "requires 'req-x'"),
            ({"to": f"bitcoin:{BOB}?amount=1,5"}, "#to", "in bitcoin, such as 0.01"),
            ({"to": LONG_URI, "amount": "0.6"}, "#amount", "asks for 0.50000000 BTC"),
            ({"to": LONG_URI, "amount": "all"}, "#amount", "asks for 0.50000000 BTC"),
            ({"to": f"bitcoin:{BOB}", "amount": ""}, "#amount", "expected an amount"),
            ({"amount": "500.000 sat"}, "#amount", "in digits only"),
        ]:
            await fill(stage, **form)
            await stage.until_told(f"{field}-wrong", sentence)

    play(scene, double)
    assert double.calls == []


def test_the_unit_is_told_by_a_word() -> None:
    async def scene(stage: Stage) -> None:
        await fill(stage, amount="500.000")
        assert stage.told("#unit-meant") == "counted in BTC"
        await stage.pilot.click("RadioButton:last-of-type")
        await stage.until_told("#unit-meant", "counted in sat")
        assert stage.app.query_one("#unit-meant").region.right <= 80
        await stage.pilot.click("#draft")
        await stage.until_told("#amount-wrong", "in digits only")

    play(scene)


def test_a_draft_is_forgotten_when_the_form_is_edited() -> None:
    double = Double()

    async def scene(stage: Stage) -> None:
        await fill(stage)
        await stage.until(lambda: has_draft(stage), "the draft")
        stage.paste("#amount", "21")
        await stage.until(lambda: not has_draft(stage), "it is forgotten")
        await stage.pilot.click("#draft")
        await stage.until(lambda: has_draft(stage), "another draft")
        assert "21.00000000 BTC" in stage.told("#drafted")

    play(scene, double)


def test_leaving_the_dialog_sends_nothing() -> None:
    double = Double()

    async def scene(stage: Stage) -> None:
        await fill(stage)
        await stage.until(lambda: has_draft(stage), "the draft")
        for leave in ("escape", "button"):
            await stage.press("s", *TYPED)
            field = stage.app.screen.query_one(SecretInput)
            if leave == "escape":
                await stage.press("escape")
            else:
                await stage.pilot.click("#leave")
            await stage.until(lambda: not is_asked(stage), leave)
            assert field.value == ""
        assert has_draft(stage)

    play(scene, double)
    assert double.calls == ["draftpayment"]


def test_a_wallet_that_only_watches_does_not_ask_for_a_passphrase() -> None:
    async def scene(stage: Stage) -> None:
        assert "watching only" in stage.told("#whose")
        await fill(stage)
        await stage.until(lambda: has_draft(stage), "the draft")
        await stage.press("s")
        assert not is_asked(stage)

    play(scene, info=WalletInfo("regtest", signs=False))


def test_without_a_fee_the_wallet_names_one() -> None:
    async def scene(stage: Stage) -> None:
        await fill(stage, fee="")
        await stage.until_told("#drafted", "3.0 sat/vB for 141 vbytes")
        assert stage.told("#general") == ""

    play(scene)


def test_a_wallet_that_closes_while_it_signs() -> None:
    double = Double()

    async def scene(stage: Stage) -> None:
        await fill(stage)
        await stage.until(lambda: has_draft(stage), "the draft")
        await stage.press("s", *TYPED)
        double.is_closed = True
        await stage.press("enter")
        await stage.until_told("#answer", "look at the history before you pay again")

    play(scene, double)
