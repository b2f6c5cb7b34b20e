"""Calls with odd arguments to axon and to bitcoind: nulls, wrong types, too many, too large."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.interop.test_corewallet import Asked, both_with_wallets

pytestmark = [pytest.mark.interop, pytest.mark.process, pytest.mark.timeout(600)]

ODD: Final[tuple[Any, ...]] = (
    None,
    True,
    -1,
    1.5,
    "",
    "é",
    "00" * 32,
    [],
    [None],
    [1],
    {},
    {"a": 1},
    1 << 40,
    -(1 << 40),
)

EFFECTS: Final = frozenset(
    "stop setmocktime generateblock generatetoaddress generatetodescriptor waitforblock"
    " waitforblockheight waitfornewblock addconnection setnetworkactive logging savemempool"
    " dumptxoutset exportasmap backupwallet encryptwallet createwallet loadwallet unloadwallet"
    " restorewallet rescanblockchain walletlock walletpassphrase echo echojson echoipc".split()
)
"""They wait, write, end something, or are each node's own affair."""

DIFFERENT: Final = frozenset("getblockfilter getmemoryinfo loadtxoutset setwalletflag".split())
"""The table of `docs/bitcoind.md` says how."""


@pytest.fixture(scope="module", name="both")
def both_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Asked, Asked]]:
    with both_with_wallets(tmp_path_factory.mktemp("odd")) as both:
        for node in both:
            node.do("createwallet", "w")
        yield both


def _names(node: Asked) -> list[str]:
    lines = node.do("help").split("\n")
    found = [line.split()[0] for line in lines if line and not line.startswith("==")]
    return [name for name in found if name not in EFFECTS | DIFFERENT]


def _answer(node: Asked, name: str, arguments: list[Any]) -> object:
    """The refusal; of a help text the line of usage alone. What is answered is another test's."""
    told = node.do(name, *arguments, at="w")
    if not isinstance(told, dict) or told.keys() != {"code", "message"}:
        return "answered"
    if told["code"] == -1 and re.match(rf"{name}\b.*\n\n", told["message"]):
        return told["message"].partition("\n")[0]
    return told


def test_refusals(both: tuple[Asked, Asked]) -> None:
    axon, core = both
    different = []
    for name in _names(core):
        count = len(re.findall(r"^\d+\. ", core.do("help", name), re.M))
        calls: list[list[Any]] = [[None] * many for many in range(count + 2)]
        calls += [[value] for value in ODD] if count else []
        calls += [[None, value] for value in ODD] if count > 1 else []
        for arguments in calls:
            ours, theirs = _answer(axon, name, arguments), _answer(core, name, arguments)
            if ours != theirs:
                different.append(f"{name} {arguments}\n  axon {ours}\n  core {theirs}")
    assert not different, "\n".join(different)
