"""`docs/bitcoind.md` says of every option and call of Bitcoin Core what the code does with it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from axon.cli.catalogue import OPTIONS
from axon.cli.rpc import CLI_OPTIONS
from axon.cli.undone import UNDONE, Fate
from axon.rpc.corewallet.modules import CORE_WALLET_MODULES
from axon.rpc.dispatch import Registry
from axon.rpc.methods import MODULES

ROOT: Final = Path(__file__).parent.parent
NAMES: Final = ROOT / "tests" / "vectors" / "core31.99"
STATES: Final = ("works", "differs", "no meaning", "not there")
DONE: Final[tuple[str, ...]] = ("works", "differs")
_ROW: Final = re.compile(r"\| (.+?) \| ([a-z ]+) \| (.*)\|")
_ASKED_FOR_HELP: Final = {"help", "h", "?"}

Rows = dict[str, tuple[str, str]]


def rows(title: str) -> Rows:
    """State and remark of each line of a table, by name."""
    text = (ROOT / "docs" / "bitcoind.md").read_text().partition(f"\n## {title}\n")[2]
    found = [_ROW.fullmatch(line) for line in text.partition("\n## ")[0].splitlines()]
    named = [(row[1].strip("`"), (row[2], row[3].strip())) for row in found if row is not None]
    assert len(dict(named)) == len(named), "each has one row"
    return dict(named[1:])  # Without the table's head.


def core(name: str) -> list[str]:
    """What Bitcoin Core knows."""
    return (NAMES / f"{name}.txt").read_text().split()


@pytest.mark.parametrize("title", ["Options", "Calls", "Interfaces", "Programs", "`axon rpc`"])
def test_every_line_has_a_state_and_what_is_amiss_a_reason(title: str) -> None:
    table = rows(title)
    assert len(table) > 10
    assert not [name for name, (state, _) in table.items() if state not in STATES]
    unexplained = [
        name for name, (state, remark) in table.items() if state != "works" and not remark
    ]
    assert not unexplained, "a line that does not say works says why"


def test_every_option_of_core_has_its_line_and_the_line_is_true() -> None:
    table = rows("Options")
    assert list(table) == core("options")
    for name, (state, _) in table.items():
        assert name in OPTIONS, f"-{name} is unknown here: Bitcoin Core takes it"
        undone = UNDONE.get(name)
        if undone is None:
            wanted = DONE
        else:
            wanted = ("no meaning",) if undone.fate is Fate.SILENT else ("not there",)
        assert state in wanted, f"docs/bitcoind.md says of -{name} {state!r}: it is {wanted}"


def test_options_are_done_or_undone() -> None:
    for name, option in OPTIONS.items():
        if name not in _ASKED_FOR_HELP:
            done, undone = option.help is not None, name in UNDONE
            assert done != undone, f"-{name} has a help text, or a line in UNDONE"


def test_every_call_of_core_has_its_line_and_the_line_is_true() -> None:
    table = rows("Calls")
    assert list(table) == core("calls")
    here = Registry((*MODULES, *CORE_WALLET_MODULES)).methods
    for name, (state, _) in table.items():
        wanted = DONE if name in here else ("not there",)
        assert state in wanted, f"docs/bitcoind.md says of {name} {state!r}: it is {wanted}"


def test_every_option_of_bitcoin_cli_has_its_line_and_the_line_is_true() -> None:
    table = rows("`axon rpc`")
    assert list(table) == core("cli")
    for name, (state, _) in table.items():
        if name not in CLI_OPTIONS:
            assert state == "not there", f"docs/bitcoind.md says of axon rpc -{name} {state!r}"
