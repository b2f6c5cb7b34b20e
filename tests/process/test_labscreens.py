"""What needs a terminal: the live picture in pages that keys turn, and a wallet's screen."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from random import Random

import pytest

from axon.swarm.lab.plan import RunRequest, plan_run
from tests.process.lab import Lab
from tests.process.terminal import COLUMNS, LINES, terminal

pytestmark = pytest.mark.process

_COLOUR = re.compile(r"\x1b\[\d+m")


def test_26_nodes_are_turned_over_by_keys(tmp_path: Path) -> None:
    plan_run(tmp_path, RunRequest(26, miners=1), Random(1)).save()  # No process need live for it.
    command = [sys.executable, "-m", "axon", "swarm", "watch", "--dir", str(tmp_path)]
    with terminal(command) as seen:
        picture = seen.read_until("page 1 of 2").rpartition("\x1b[2J")[2].split("\r\n")
        assert len(picture) <= LINES
        assert max(len(_COLOUR.sub("", line)) for line in picture) <= COLUMNS
        assert any(line.startswith("\x1b[31mn1 ") for line in picture), picture
        seen.press(" ")
        assert "n26" in seen.read_until("page 2 of 2")
        seen.press("q")
        assert seen.left() == 0


def test_the_screen_of_a_wallet_of_the_run(lab: Lab) -> None:
    lab.run("up", "1", "--wallets", "1")
    with terminal(lab.command("open", "w1")) as screen:
        screen.read_until("0.75")
        screen.press("q")
        assert screen.left() == 0
    assert "running" in lab.status()["w1"]["state"], "who only looked leaves the wallet running"
