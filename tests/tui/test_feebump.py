"""A fee is raised from the details of a payment."""

from __future__ import annotations

import pytest

from axon.rpc.amounts import decode_json, encode_json
from axon.rpc.errors import Code, RpcError
from axon.tui.feebump import FeeDialog
from axon.tui.model import read_draft
from axon.tui.passphrase import PassphraseDialog
from axon.tui.payform import read_feerate
from axon.tui.question import QuestionDialog
from axon.tui.wording import draft_rows
from tests.tui.double import COIN, PASSPHRASE, Double, txid
from tests.tui.stage import Stage, play

pytestmark = pytest.mark.long

SHORT = RpcError(Code.INSUFFICIENT_FUNDS, "the money is not there")


def waiting() -> Double:
    double = Double()
    double.add_payment(2, -20 * COIN - 141, "send")
    return double


async def begin(stage: Stage) -> None:
    """From the history to the field for the fee."""
    await stage.press("2", "enter")
    await stage.until_told("#facts", txid(2))
    await stage.press("f")
    await stage.until(lambda: isinstance(stage.app.screen, FeeDialog), "the fee is asked for")


async def name_fee(stage: Stage, text: str) -> None:
    stage.paste("#rate", text)
    await stage.press("enter")


def is_asked(stage: Stage) -> bool:
    return isinstance(stage.app.screen, PassphraseDialog)


def test_a_fee_is_raised() -> None:
    double = waiting()

    async def scene(stage: Stage) -> None:
        await begin(stage)
        await name_fee(stage, "much")
        await stage.until_told("#refused", "a number of sat/vB")
        await name_fee(stage, "1")
        await stage.until_told("#refused", "at least 2.0 sat/vB")
        await name_fee(stage, "3.5")
        await stage.until(lambda: is_asked(stage), "the passphrase is asked for")
        assert "20.00000000 BTC" in stage.told("#purpose")
        stage.paste("SecretInput", PASSPHRASE)
        await stage.press("enter")
        await stage.until(lambda: not is_asked(stage), "it is sent")
        await stage.until(lambda: not isinstance(stage.app.screen, FeeDialog), "it is done")

    play(scene, double)
    assert [call for call in double.calls if call == "sendpayment"] == ["sendpayment"]


def test_the_recipient_gets_less_only_if_that_is_meant() -> None:
    double = waiting()
    double.refusal = SHORT

    async def scene(stage: Stage) -> None:
        await begin(stage)
        await name_fee(stage, "3")
        question = "the recipient gets 0.00000450 BTC less. Is it meant?"
        await stage.until_told("#question", question)
        await stage.press("escape")
        assert isinstance(stage.app.screen, FeeDialog)
        await name_fee(stage, "3")
        await stage.until(lambda: isinstance(stage.app.screen, QuestionDialog), "it is asked again")
        await stage.press("y")
        await stage.until(lambda: is_asked(stage), "the passphrase is asked for")
        assert "0.00000450 BTC  than of the payment" in stage.told("#purpose")
        await stage.press("escape", "escape")

    play(scene, double)
    assert "sendpayment" not in double.calls


def test_what_is_in_a_block_keeps_its_fee() -> None:
    double = waiting()
    double.confirm(2, 1)

    async def scene(stage: Stage) -> None:
        await stage.press("2", "enter")
        await stage.until_told("#facts", "1 confirmation")
        await stage.press("f")
        assert not isinstance(stage.app.screen, FeeDialog)

    play(scene, double)


def test_a_feerate_as_it_is_typed() -> None:
    assert [read_feerate(text) for text in ("5", " 1.5 ", "1,5", "", "-1", "1.2345")] == [
        5.0,
        1.5,
        None,
        None,
        None,
        None,
    ]


def test_a_child_says_what_it_pays_for() -> None:
    made = waiting().draftbump(txid(2), 3.0)
    assert isinstance(made, dict)
    shown = decode_json(encode_json(made | {"child_of": txid(9)}))
    assert isinstance(shown, dict)
    assert draft_rows(read_draft(shown))[2][2] == f"of {txid(9)}"
