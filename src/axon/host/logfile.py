"""debug.log: lines like Bitcoin Core's, behind Python's own `logging`.

The logger `axon` writes what always belongs in the log, `axon.net` and its siblings write for their
category: warnings and what Core calls info always, debug lines while the category is on. Other
libraries' warnings go to the same place, nothing goes to standard error. A line is in the file when
the call that wrote it returns; a console that nobody reads loses lines instead of holding the node
up.
"""

from __future__ import annotations

import logging
import os
import select
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from axon.drivers.aio.privatefiles import open_file, write_file
from axon.errors import ConfigError, disk_refusal

CATEGORIES: Final = (
    "addrman",
    "bench",
    "blockstorage",
    "cmpctblock",
    "coindb",
    "estimatefee",
    "http",
    "i2p",
    "ipc",
    "kernel",
    "leveldb",
    "libevent",
    "mempool",
    "mempoolrej",
    "net",
    "privatebroadcast",
    "proxy",
    "prune",
    "qt",
    "rand",
    "reindex",
    "rpc",
    "scan",
    "selectcoins",
    "tor",
    "txpackages",
    "txreconciliation",
    "validation",
    "walletdb",
    "zmq",
)
"""Bitcoin Core's; axon writes to a part of them."""

TRACE: Final = 5
LEVELS: Final = {"info": logging.INFO, "debug": logging.DEBUG, "trace": TRACE}
"""Levels that `-loglevel` knows; below the first, lines belong to a category."""

SHRINK_ABOVE_BYTES: Final = 11_000_000
SHRUNK_BYTES: Final = 10_000_000
"""What is kept of a log that has grown too long."""

_PIPE_BYTES: Final = select.PIPE_BUF
"""So much a pipe takes at once, if it takes anything."""

ALL: Final = ("", "1", "all")
"""Words that mean every category."""
_NAMES: Final = {
    logging.CRITICAL: "error",
    logging.ERROR: "error",
    logging.WARNING: "warning",
    logging.INFO: "info",
    logging.DEBUG: "debug",
    TRACE: "trace",
}
_ESCAPES: Final = {code: f"\\x{code:02x}" for code in (*range(0x20), 0x7F) if code != 0x0A}


@dataclass(frozen=True, slots=True)
class LogSettings:
    """How to log.

    Args:
        file: None for none.
        categories: those that are on at the start.
        levels: of single categories, where it is not `level`.
        shrink: cut a long file at the start.
        peer_addresses: whether addresses of peers may be written (`-logips`).
    """

    file: Path | None
    console: bool = False
    categories: tuple[str, ...] = ()
    level: str = "debug"
    levels: dict[str, str] = field(default_factory=dict)
    timestamps: bool = True
    microseconds: bool = False
    thread_names: bool = False
    source_locations: bool = False
    always_level: bool = False
    shrink: bool = True
    peer_addresses: bool = False


class Log(logging.Handler):
    """The log of this process; it writes between `open` and `close`."""

    def __init__(self, settings: LogSettings) -> None:
        super().__init__()
        self.settings = settings
        self._descriptor: int | None = None
        self.lost = 0
        """Lines that could not be written."""
        self._second = -1
        self._second_text = ""
        self._on: dict[str, bool] = {}

    def open(self) -> None:
        """Open the file and take in the lines of all loggers.

        Raises:
            ConfigError: the file cannot be opened.
            DiskFullError: there is no room for it.
        """
        if self.settings.file is not None:
            try:
                if self.settings.shrink:
                    _shrink(self.settings.file)
                self._descriptor = _open(self.settings.file)
            except OSError as error:
                refused = f"Could not open debug log file {self.settings.file}"
                raise disk_refusal(refused, error, ConfigError) from error
        for name in CATEGORIES:
            self._switch(name, name in self.settings.categories)
        logging.getLogger("axon").setLevel(logging.INFO)
        logging.getLogger().addHandler(self)

    def reopen(self) -> None:
        """Open the file anew, after it has been moved away (SIGHUP)."""
        if self.settings.file is None or self._descriptor is None:
            return
        self.acquire()
        try:
            fresh = _open(self.settings.file)
            os.close(self._descriptor)
            self._descriptor = fresh
        except OSError:
            self.lost += 1  # The old file is still open; better there than nowhere.
        finally:
            self.release()

    def close(self) -> None:
        """Stop writing."""
        logging.getLogger().removeHandler(self)
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        super().close()

    def categories(self) -> dict[str, bool]:
        """Every category, and whether it is on."""
        return dict(self._on)

    def enable(self, category: str) -> bool:
        """Switch a category on, or `all`; False if there is none of this name."""
        return self._switch_named(category, True)

    def disable(self, category: str) -> bool:
        """Switch a category off, or `all`; False if there is none of this name."""
        return self._switch_named(category, False)

    def _switch_named(self, category: str, on: bool) -> bool:
        names = CATEGORIES if category in ALL else [category]
        if category not in ALL and category not in CATEGORIES:
            return False
        for name in names:
            self._switch(name, on)
        return True

    def _switch(self, category: str, on: bool) -> None:
        self._on[category] = on
        level = LEVELS[self.settings.levels.get(category, self.settings.level)]
        logging.getLogger(f"axon.{category}").setLevel(level if on else logging.INFO)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; called by `logging`, one thread at a time."""
        line = (self._format(record) + "\n").encode("utf-8", "backslashreplace")
        if self._descriptor is not None:
            try:
                os.write(self._descriptor, line)
            except OSError:
                self.lost += 1  # A full disk; whoever needs the disk will say so.
        if self.settings.console:
            self._print(line)

    def _print(self, line: bytes) -> None:
        ready = select.poll()
        try:
            descriptor = sys.stdout.fileno()
            ready.register(descriptor, select.POLLOUT)
            for start in range(0, len(line), _PIPE_BYTES):
                if not ready.poll(0):
                    self.lost += 1
                    return
                os.write(descriptor, line[start : start + _PIPE_BYTES])
        except (OSError, ValueError):
            self.lost += 1  # Nobody has the console open any more.

    def _format(self, record: logging.LogRecord) -> str:
        text = record.getMessage().rstrip("\n")
        if record.exc_info:
            text += "\n" + logging.Formatter().formatException(record.exc_info)
        text = self._level(record) + text.translate(_ESCAPES)
        settings = self.settings
        if settings.source_locations:
            text = f"[{record.filename}:{record.lineno}] [{record.funcName}] {text}"
        if settings.thread_names:
            text = f"[{record.threadName}] {text}"
        return f"{self._time(record.created)} {text}" if settings.timestamps else text

    def _level(self, record: logging.LogRecord) -> str:
        root, _, category = record.name.partition(".")
        if root != "axon":
            category = root
        if record.levelno == logging.INFO and not self.settings.always_level:
            return ""
        level = _NAMES.get(record.levelno, "info")
        if not category:
            return f"[all:{level}] " if self.settings.always_level else f"[{level}] "
        if level == "debug" and not self.settings.always_level:
            return f"[{category}] "
        return f"[{category}:{level}] "

    def _time(self, created: float) -> str:
        second = int(created)
        if second != self._second:
            self._second = second
            self._second_text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        if self.settings.microseconds:
            return f"{self._second_text}.{int((created - second) * 1e6):06d}Z"
        return f"{self._second_text}Z"


def _open(path: Path) -> int:
    return open_file(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)


def _shrink(path: Path) -> None:
    """Keep the end of a long log."""
    if not path.exists() or path.stat().st_size <= SHRINK_ABOVE_BYTES:
        return
    with path.open("rb") as file:
        file.seek(-SHRUNK_BYTES, os.SEEK_END)
        file.readline()
        kept = file.read()
    write_file(path, kept)
