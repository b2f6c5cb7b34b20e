"""debug.log, line by line."""

from __future__ import annotations

import logging
import os
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from axon.host.logfile import CATEGORIES, SHRUNK_BYTES, Log, LogSettings

_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Log]]:
    logs: list[Log] = []

    def make(**changes: object) -> Log:
        settings = replace(LogSettings(tmp_path / "debug.log"), **changes)  # type: ignore[arg-type]
        log = Log(settings)
        log.open()
        logs.append(log)
        return log

    yield make
    for log in logs:
        log.close()


def lines(tmp_path: Path) -> list[str]:
    return (tmp_path / "debug.log").read_text().splitlines()


def test_a_line(tmp_path: Path, opened: Callable[..., Log]) -> None:
    opened()
    logging.getLogger("axon").info("Loaded %d blocks", 7)
    (line,) = lines(tmp_path)
    assert re.fullmatch(_TIME + " Loaded 7 blocks", line)


@pytest.mark.parametrize(
    ("changes", "pattern"),
    [
        ({"timestamps": False}, "hello"),
        ({"microseconds": True}, r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z hello"),
        ({"thread_names": True}, _TIME + r" \[MainThread\] hello"),
        ({"source_locations": True}, _TIME + r" \[test_logfile\.py:\d+\] \[test_prefixes\] hello"),
        ({"always_level": True}, _TIME + r" \[all:info\] hello"),
    ],
)
def test_prefixes(
    tmp_path: Path, opened: Callable[..., Log], changes: dict[str, object], pattern: str
) -> None:
    opened(**changes)
    logging.getLogger("axon").info("hello")
    (line,) = lines(tmp_path)
    assert re.fullmatch(pattern, line)


def test_categories(tmp_path: Path, opened: Callable[..., Log]) -> None:
    log = opened(timestamps=False, categories=("net",))
    net, rpc = logging.getLogger("axon.net"), logging.getLogger("axon.rpc")
    net.debug("seen")
    rpc.debug("not seen")
    rpc.info("always seen")
    rpc.warning("careful")
    logging.getLogger("axon").error("bad")
    assert log.enable("rpc")
    rpc.debug("seen now")
    assert log.disable("net")
    net.debug("seen no more")
    assert not log.enable("nope")
    assert lines(tmp_path) == [
        "[net] seen",
        "always seen",
        "[rpc:warning] careful",
        "[error] bad",
        "[rpc] seen now",
    ]
    assert log.categories() == {name: name == "rpc" for name in CATEGORIES}
    assert log.enable("all")
    assert all(log.categories().values())


def test_levels(tmp_path: Path, opened: Callable[..., Log]) -> None:
    opened(timestamps=False, categories=("net", "rpc"), level="info", levels={"net": "trace"})
    logging.getLogger("axon.net").log(5, "fine")
    logging.getLogger("axon.rpc").debug("not asked for")
    assert lines(tmp_path) == ["[net:trace] fine"]


def test_no_line_can_pretend_to_be_another(tmp_path: Path, opened: Callable[..., Log]) -> None:
    opened(timestamps=False)
    logging.getLogger("axon").info("%s", "a\rb\x1b[0m\x7f\x00")
    assert lines(tmp_path) == [r"a\x0db\x1b[0m\x7f\x00"]


def test_other_libraries_go_here_and_not_to_standard_error(
    tmp_path: Path, opened: Callable[..., Log], capfd: pytest.CaptureFixture[str]
) -> None:
    opened(timestamps=False)
    try:
        raise ValueError("oh")
    except ValueError:
        logging.getLogger("asyncio").exception("Task failed")
    assert lines(tmp_path)[0] == "[asyncio:error] Task failed"
    assert lines(tmp_path)[-1] == "ValueError: oh"
    assert capfd.readouterr() == ("", "")


def test_the_console(opened: Callable[..., Log], capfd: pytest.CaptureFixture[str]) -> None:
    opened(file=None, console=True, timestamps=False)
    logging.getLogger("axon").info("hello")
    logging.getLogger("axon").info("x" * 10_000)
    assert capfd.readouterr().out == "hello\n" + "x" * 10_000 + "\n"


def test_a_console_that_nobody_reads_holds_nobody_up(
    opened: Callable[..., Log], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = os.pipe()
    with os.fdopen(writer, "w") as stuck:
        monkeypatch.setattr("sys.stdout", stuck)
        log = opened(file=None, console=True)
        for _ in range(3000):
            logging.getLogger("axon").info("x" * 100)
        assert log.lost > 0
        monkeypatch.undo()
    os.close(reader)


def test_a_file_that_was_moved_away(tmp_path: Path, opened: Callable[..., Log]) -> None:
    log = opened(timestamps=False)
    logging.getLogger("axon").info("one")
    (tmp_path / "debug.log").rename(tmp_path / "old.log")
    logging.getLogger("axon").info("two")
    log.reopen()
    logging.getLogger("axon").info("three")
    assert (tmp_path / "old.log").read_text() == "one\ntwo\n"
    assert lines(tmp_path) == ["three"]


def test_a_long_file_is_cut_at_the_start(tmp_path: Path, opened: Callable[..., Log]) -> None:
    path = tmp_path / "debug.log"
    path.write_bytes(b"y" * 99 + b"\n" + (b"x" * 99 + b"\n") * 115_000)
    opened(timestamps=False)
    logging.getLogger("axon").info("new")
    content = path.read_bytes()
    assert len(content) <= SHRUNK_BYTES + 4
    assert content.startswith(b"x" * 99 + b"\n")
    assert content.endswith(b"\nnew\n")


def test_lines_of_many_threads_stay_whole(tmp_path: Path, opened: Callable[..., Log]) -> None:
    opened(timestamps=False)

    def write() -> None:
        for _ in range(200):
            logging.getLogger("axon").info("whole line")

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lines(tmp_path) == ["whole line"] * 800


def test_the_file_is_for_its_owner(tmp_path: Path, opened: Callable[..., Log]) -> None:
    opened()
    assert (tmp_path / "debug.log").stat().st_mode & 0o077 == 0
