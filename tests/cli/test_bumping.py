"""`bump`: the recipient gets less only where somebody agrees to it."""

from __future__ import annotations

import io
from argparse import Namespace
from typing import Any, cast

import pytest

from axon.cli.walletcommands import bumping
from axon.cli.walletoptions import WalletOptions
from axon.cli.walletview import draft_lines
from axon.errors import ConfigError
from axon.host.walletclient import WalletClient
from axon.rpc.amounts import Amount
from axon.rpc.errors import Code, RpcError

TXID = "ab" * 32
SHORT = RpcError(Code.INSUFFICIENT_FUNDS, "the money is not there")


class Poor:
    """A wallet that can raise a fee out of the payment only."""

    def __init__(self, refusal: RpcError = SHORT) -> None:
        self.asked: list[bool] = []
        self.refusal = refusal

    def call(self, method: str, txid: str, rate: float, chosen: dict[str, bool]) -> dict[str, Any]:
        assert (method, txid, rate, chosen["allow_high_fee"]) == ("draftbump", TXID, 5.0, False)
        self.asked.append(chosen["reduce_payment"])
        if not chosen["reduce_payment"]:
            raise self.refusal
        return {"reduced": Amount(450)}


class Options:
    def __init__(self, reduce: bool) -> None:
        self.arguments = Namespace(
            txid=TXID, fee_rate=5.0, allow_high_fee=False, reduce_payment=reduce
        )


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def drafted(poor: Poor, *, reduce: bool = False) -> dict[str, Any]:
    return bumping._drafted(cast(WalletClient, poor), cast(WalletOptions, Options(reduce)))


def test_a_script_agrees_by_an_option() -> None:
    poor = Poor()
    with pytest.raises(
        ConfigError, match=r"would get 0\.00000450 BTC less; --reduce-payment agrees"
    ):
        drafted(poor)
    assert poor.asked == [False, True]
    assert drafted(poor, reduce=True) == {"reduced": Amount(450)}


@pytest.mark.parametrize(("answer", "agrees"), [("yes\n", True), ("y\n", True), ("\n", False)])
def test_a_person_is_asked(monkeypatch: pytest.MonkeyPatch, answer: str, agrees: bool) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    if agrees:
        assert drafted(Poor()) == {"reduced": Amount(450)}
    else:
        with pytest.raises(ConfigError, match="nothing was signed or sent"):
            drafted(Poor())


def test_other_refusals_are_told_as_they_are() -> None:
    poor = Poor(RpcError(Code.PARAMETER, "at least 6.0 sat/vB"))
    with pytest.raises(RpcError, match=r"at least 6\.0"):
        drafted(poor)
    assert poor.asked == [False]


def test_what_a_raised_fee_does_is_shown() -> None:
    money = Amount(450)
    draft = {"recipients": [], "fee": money, "feerate": 5.0, "vsize": 110, "change": money}
    assert draft_lines({**draft, "replaces": TXID, "reduced": money})[-2:] == [
        f"  replaces {TXID}",
        "  pays 0.00000450 BTC less than that one, for the fee",
    ]
    assert draft_lines({**draft, "child_of": TXID})[-2:] == [
        f"  spends {TXID}, which its sender can still take back,",
        "  and pays for both",
    ]
