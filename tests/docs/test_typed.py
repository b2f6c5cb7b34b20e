"""The README and each page of the guide, typed from top to bottom into a fresh shell with an empty
home.

Each fenced block with `$` lines is typed as it stands; what is printed must have the shape of what
the page shows: the same words in the same order, while numbers, hashes and names made of them may
differ. A line `...` stands for anything. Where the system allows it the shell has a network of its
own, so that the usual ports are free.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent.parent
GUIDE: Final = ROOT / "docs" / "guide"
PAGES: Final = ("README.md", *sorted(f"docs/guide/{each.name}" for each in GUIDE.glob("*.md")))
LIMIT_S: Final = 300.0
ACTIVATE: Final = ". .venv/bin/activate"

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_WORD = re.compile(r"[A-Za-z]{3,}")
_AGE = re.compile(r"(less than a minute|\d+ minutes?) old")
"""A machine that is busy takes longer than a minute from a block to the balance."""

_HEX = re.compile(r"[0-9a-f]{8,}")


@dataclass(frozen=True, slots=True)
class Typed:
    """One command of the page and what it shows below."""

    command: str
    shown: str


def typed(page: str) -> list[Typed]:
    found: list[Typed] = []
    for language, block in _BLOCK.findall((ROOT / page).read_text()):
        if language or not block.startswith("$ "):
            continue
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, shown = part.partition("\n")
            if command.endswith("<<'END'"):
                text, _, shown = shown.partition("END\n")
                command = f"{command}\n{text}END"
            found.append(Typed(command, shown))
    return found


_PROGRESS = re.compile(r"^.*: block \d+ of \d+ \(.*%\)\n", re.MULTILINE)
"""Shown only of what takes longer than a moment, as it may on a loaded machine."""


def words(text: str) -> list[str]:
    """What a text says, without what differs from run to run."""
    kept = [token for token in _AGE.sub("old", text).split() if not _HEX.search(token) and "/" not in token]
    said = [token for token in kept if not any(sign.isdigit() for sign in token)]
    return [word for token in said for word in _WORD.findall(token)]


def fits(shown: str, printed: str) -> bool:
    """Whether what was printed has the shape of what the page shows."""
    parts = [words(part) for part in re.split(r"^ *\.\.\.\n", shown, flags=re.MULTILINE)]
    heard = words(_PROGRESS.sub("", printed))
    if heard[: len(parts[0])] != parts[0]:
        return False
    if len(parts) == 1:
        return heard == parts[0]
    return heard[len(heard) - len(parts[-1]) :] == parts[-1]


def shell(folder: Path) -> list[str]:
    """A shell with a network of its own, if the system lets us have one."""
    apart = ["unshare", "--net", "--map-root-user"]
    if shutil.which("unshare") and shutil.which("ip"):
        tried = subprocess.run(
            [*apart, "ip", "link", "set", "lo", "up"], capture_output=True, check=False
        )
        if tried.returncode == 0:
            return [*apart, "sh", "-c", f"ip link set lo up; exec bash {folder / 'script'}"]
    return ["bash", str(folder / "script")]


_CODES: Final = {"VIOLATED": 1, "SPOF FOUND": 1, "No node has fetched it": 2}
"""The exit code of a command that says so."""


def test_most_pages_are_typed() -> None:
    assert sum(bool(typed(page)) for page in PAGES) >= 4
    assert len(typed("README.md")) >= 12
    for page in PAGES:  # None is lost between blocks of other kinds.
        assert len(typed(page)) == (ROOT / page).read_text().count("\n$ ")


@pytest.mark.process
@pytest.mark.timeout(LIMIT_S + 60)
@pytest.mark.parametrize("page", [each for each in PAGES if typed(each)])
def test_it_works_as_it_says(page: str, tmp_path: Path) -> None:
    commands = typed(page)
    assert commands[0].command == ACTIVATE
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    lines = [
        f"{{ {each.command}\n}} >{tmp_path}/out.{place} 2>&1; echo $? >{tmp_path}/code.{place}"
        for place, each in enumerate(commands)
        if each.command != ACTIVATE
    ]
    ending = [
        "axon swarm down >/dev/null 2>&1",
        "axon rpc -regtest stop >/dev/null 2>&1",
        "axon rpc -regtest -datadir=second -rpcport=18556 stop >/dev/null 2>&1",
        "true",
    ]
    (tmp_path / "script").write_text("\n".join([*lines, *ending]))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(
        shell(tmp_path),
        env={"HOME": str(home), "PATH": path, "LANG": "C.UTF-8"},
        cwd=work,
        stdin=subprocess.DEVNULL,
        timeout=LIMIT_S,
        check=True,
    )
    for place, each in enumerate(commands):
        if each.command == ACTIVATE:
            continue
        printed = (tmp_path / f"out.{place}").read_text()
        code = int((tmp_path / f"code.{place}").read_text())
        expected = next((code for said, code in _CODES.items() if said in each.shown), 0)
        assert code == expected, f"$ {each.command}\n{printed}"
        assert fits(each.shown, printed), f"$ {each.command}\n{printed}\nshown:\n{each.shown}"


def test_every_wallet_command_with_a_result_knows_json() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "axon", "wallet", "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "--json" in told


def test_the_shape_notices_what_is_missing() -> None:
    assert fits("sent: ab12cd34ef\nOne node.\n", "sent: 99887766aa\nOne node.\n")
    assert not fits("sent: ab12cd34ef\nOne node.\n", "sent: 99887766aa\n")
    assert fits("[\n...\n]\n", '[\n "aabbccdd11"\n]\n')
    assert not fits("axon starting\n", "Error: axon is running\n")
