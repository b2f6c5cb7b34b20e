"""What an operator is told: commands that are run, warnings of which callers hear; and stops."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from axon.host import notifycommands
from axon.host.notices import Notices
from axon.host.notifycommands import NotifyCommands, NotifySettings, quoted, run_command
from axon.host.settings import FullNodeSettings
from axon.node.facts import TipChanged
from axon.primitives.hashes import BlockHash
from axon.primitives.network import REGTEST
from axon.rpc.warnings import Warnings

LIMIT_S = 20.0


def told(folder: Path, **changed: Any) -> Notices:
    return Notices(FullNodeSettings(network=REGTEST, folder=folder / "node", **changed))


def tip(height: int, *, initial_sync: bool = False) -> TipChanged:
    return TipChanged(BlockHash(bytes([height]) * 32), height, 0, 1, 1, 1.0, initial_sync)


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, LIMIT_S))


async def until_written(path: Path, text: str) -> None:
    def is_written() -> bool:
        return path.exists() and path.read_text() == text

    def wait() -> None:
        while not is_written():
            time.sleep(0.01)  # A command of the shell is no part of this process.

    await asyncio.to_thread(wait)


def test_a_new_block_runs_its_command_once_the_first_sync_is_over(tmp_path: Path) -> None:
    async def work() -> None:
        heard = tmp_path / "heard"
        notices = told(tmp_path, notify=NotifySettings(block=f"echo %s >> {heard}"))
        notices.saw(tip(1, initial_sync=True))
        notices.saw(tip(2))
        await until_written(heard, "02" * 32 + "\n")
        await notices.stopping()

    run(work())


def test_a_warning_runs_its_command_with_its_text_in_quotes(tmp_path: Path) -> None:
    async def work() -> None:
        heard = tmp_path / "heard"
        notices = told(tmp_path, notify=NotifySettings(alert=f"echo %s >> {heard}"))
        notices.warned(0, "Unknown; rm -rf '$HOME' `ls` (versionbit 28)")
        notices.warned(0, "the same again, in other words")
        wanted = "Unknown; rm -rf HOME ls (versionbit 28)\n"
        await until_written(heard, wanted)
        notices.warned(0, None)
        notices.warned(0, "anew")
        await until_written(heard, f"{wanted}anew\n")

    run(work())


def test_the_stop_waits_for_all_its_commands(tmp_path: Path) -> None:
    async def work() -> None:
        first, second = tmp_path / "first", tmp_path / "second"
        commands = (f"sleep 0.1; touch {first}", f"touch {second}")
        notices = told(tmp_path, notify=NotifySettings(shutdown=commands))
        await notices.stopping()
        assert first.exists()
        assert second.exists()

    run(work())


def test_a_node_stops_at_its_height_also_if_it_begins_there(tmp_path: Path) -> None:
    stops: list[str] = []
    notices = told(tmp_path, stop_at_height=5)
    notices.saw(tip(7))
    notices.started(4, lambda: stops.append("stop"))
    notices.saw(tip(4))
    assert not stops
    notices.saw(tip(5))
    assert stops == ["stop"]
    told(tmp_path, stop_at_height=5).started(6, lambda: stops.append("begun above"))
    told(tmp_path, stop_after_import=True).started(0, lambda: stops.append("import"))
    told(tmp_path).started(9, lambda: stops.append("never"))
    assert stops == ["stop", "begun above", "import"]


def test_commands_that_hang_do_not_pile_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(notifycommands, "MAX_WAITING", 3)

    async def work() -> None:
        commands = NotifyCommands()
        for _ in range(5):
            commands.start("sleep 20")
        commands.close()

    with caplog.at_level(logging.WARNING, "axon"):
        run(work())
    assert [record.getMessage() for record in caplog.records] == [
        "3 commands wait to be run, so not run: sleep 20"
    ] * 2


def test_a_command_that_fails_is_told_and_its_output_is_nobodys(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    run(run_command("echo out; echo err >&2; exit 3"))
    assert [record.getMessage() for record in caplog.records] == [
        "runCommand error: system(echo out; echo err >&2; exit 3) returned 3"
    ]
    assert capfd.readouterr() == ("", "")


def test_a_command_that_cannot_begin_is_told_and_keeps_no_other_from_running_at_the_stop(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    heard = tmp_path / "heard"
    unstartable = ("echo \0", "echo " + "x" * (1 << 22))
    commands = (*unstartable, f"sleep 0.05; echo stopped > {heard}")

    async def work() -> None:
        notices = told(tmp_path, notify=NotifySettings(block="echo \0", shutdown=commands))
        notices.saw(tip(2))
        await notices.stopping()

    run(work())
    assert heard.read_text() == "stopped\n"
    texts = [record.getMessage() for record in caplog.records]
    assert [text for text in texts if "cannot be run: embedded null byte" in text]
    assert [text for text in texts if "cannot be run: [Errno 7] Argument list too long" in text]
    assert max(map(len, texts)) < 400


def test_quotes_hold_whatever_a_text_says() -> None:
    assert quoted("a'b\"$(c)\n\\") == "'ab(c)'"


def test_warnings_are_a_list_or_the_last_one() -> None:
    warnings, old = Warnings(["lasting"]), Warnings(["lasting"], as_text=True)
    for each in (warnings, old):
        assert each.change(1, "second")
        assert each.change(0, "first")
        assert not each.change(0, "first")
    assert warnings.to_json() == ["lasting", "first", "second"]
    assert old.to_json() == "second"
    assert not warnings.change(1, None)
    assert warnings.to_json() == ["lasting", "first"]
    assert Warnings(as_text=True).to_json() == ""
