"""`axon demo`: raises a few nodes on this machine, harms them, and shows that they keep one ledger.

Everything is real: processes, sockets on loopback, signatures, proof of work (on a test chain where
it is cheap). The end is a table of what was expected and what was seen; the exit code is 0 only if
all of it holds.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from axon.errors import ConfigError
from axon.swarm.checks import FAILS, HOLDS, Check, table, verdict
from axon.swarm.story import Listener, Outcome, tell

_HELP: Final = """Usage: axon demo [--json] [--keep FOLDER]

Raises a few Bitcoin nodes on this machine (a test chain, loopback only), plays six short acts with
them, says in plain words what happens, and ends with a table of what was checked.

  --json         print one JSON object at the end and nothing else
  --keep FOLDER  keep the nodes' folders, with their logs, in this new or empty folder
  --help         this text

Exit code: 0 if all checks hold, 1 if one does not, 2 if it was called wrongly, 130 after ctrl-C.
"""
_INTERRUPTED: Final = 130
_BOLD, _GREEN, _RED, _PLAIN = "\x1b[1m", "\x1b[32m", "\x1b[31m", "\x1b[0m"


def main(arguments: Sequence[str]) -> int:
    """Play the story; the exit code."""
    try:
        options = _read(arguments)
        if options is None:
            sys.stdout.write(_HELP)
            return 0
        as_json, keep = options
        teller = None if as_json else _Teller()
        with _folder(keep) as folder, _stoppable():
            outcome = tell(folder, teller or Listener())
    except ConfigError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped; every node that was started here has been ended.\n")
        return _INTERRUPTED
    except BrokenPipeError:  # Whoever read it has had enough; the nodes have been ended.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _INTERRUPTED
    if teller is None:
        sys.stdout.write(json.dumps(_as_json(outcome), indent=2) + "\n")
    else:
        teller.end(outcome, keep)
    return 0 if outcome.holds else 1


def _read(arguments: Sequence[str]) -> tuple[bool, Path | None] | None:
    """Whether JSON is wanted, and what to keep; None if help is.

    Raises:
        ConfigError: an unknown argument, or no folder.
    """
    as_json, keep = False, None
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if word in ("--help", "-help", "-h", "-?"):
            return None
        if word in ("--json", "-json"):
            as_json = True
        elif name in ("--keep", "-keep") and (equals or rest):
            keep = Path(value if equals else rest.pop(0))
        elif name in ("--keep", "-keep"):
            raise ConfigError("--keep wants a folder")
        else:
            raise ConfigError(f"axon demo does not know {word!r}; see axon demo --help")
    return as_json, keep


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """Where the nodes' folders are: the one to keep, or one that vanishes.

    Raises:
        ConfigError: it cannot be used.
    """
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="axon-demo-", ignore_cleanup_errors=True) as name:
            yield Path(name)
        return
    try:
        keep.mkdir(parents=True, exist_ok=True)
        empty = not any(keep.iterdir())
    except OSError as error:
        raise ConfigError(f"{keep} cannot be used: {error.strerror}") from error
    if not empty:
        raise ConfigError(f"{keep} is not empty")
    yield keep.resolve()


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """Let a request to end stop the story in order, as ctrl-C does."""

    def stop(_number: int, _frame: object) -> None:
        for name in names:  # Whoever asks twice does not disturb the ending.
            signal.signal(name, signal.SIG_IGN)
        raise KeyboardInterrupt

    names = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {name: signal.signal(name, stop) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _as_json(outcome: Outcome) -> dict[str, object]:
    return {
        "holds": outcome.holds,
        "seconds": round(outcome.seconds, 3),
        "acts": [{"title": act.title, "seconds": round(act.seconds, 3)} for act in outcome.acts],
        "checks": [
            {
                "act": item.act,
                "claim": item.claim,
                "expected": item.expected,
                "seen": item.seen,
                "holds": item.holds,
            }
            for item in outcome.checks
        ],
    }


class _Teller(Listener):
    """Tells the story on standard output, in colours if that is a terminal."""

    def __init__(self) -> None:
        self._coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._write("Real Bitcoin nodes on this machine, on a test chain where mining is cheap.")
        self._write("Everything happens on loopback; nothing goes out into the world.")

    def act(self, number: int, title: str) -> None:
        """An act begins."""
        self._write(f"\n{self._paint(_BOLD, f'Act {number}. {title}')}")

    def say(self, line: str) -> None:
        """Something happens."""
        self._write(f"  {line}")

    def check(self, item: Check) -> None:
        """Something was checked."""
        text = f"{item.claim}: {item.seen}"
        if not item.holds:
            text += f" (expected: {item.expected})"
        self._write(f"    {self._verdict(item.word)}  {text}")

    def end(self, outcome: Outcome, kept: Path | None) -> None:
        """The table, the times, the verdict."""
        self._write("")
        for line in table(outcome.checks):
            body, gap, word = line.rpartition("  ")
            painted = word if word not in (HOLDS, FAILS) else self._verdict(word)
            self._write(f"{body}{gap}{painted}")
        self._write("")
        for number, act in enumerate(outcome.acts, start=1):
            self._write(f"{act.seconds:6.1f} s  act {number}. {act.title}")
        self._write(f"{outcome.seconds:6.1f} s  in all")
        if kept is not None:
            self._write(f"The nodes' folders are in {kept}.")
        colour = _GREEN if outcome.holds else _RED
        self._write(f"\n{self._paint(colour, verdict(outcome.checks))}")

    def _verdict(self, word: str) -> str:
        return self._paint(_GREEN if word == HOLDS else _RED, word)

    def _paint(self, colour: str, text: str) -> str:
        return f"{colour}{text}{_PLAIN}" if self._coloured else text

    def _write(self, line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
