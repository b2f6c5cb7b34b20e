"""`axon demo`: raises nodes and wallets here, harms them, and shows that they keep one ledger.

Everything is real: processes, sockets on loopback, signatures, proof of work (on a test chain where
it is cheap). The end is a table of what was expected and what was seen, and a report with pictures;
the exit code is 0 only if all of it holds.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from axon.cli.arguments import and_see, meant, say_refusal
from axon.cli.stoppable import stoppable
from axon.cli.storyteller import Teller
from axon.drivers.aio.privatefiles import make_folder, write_atomically
from axon.errors import ConfigError, disk_refusal
from axon.swarm.story.report import render
from axon.swarm.story.runner import Listener
from axon.swarm.story.story import STEPS, Outcome, tell

_HELP: Final = """Usage: axon demo [--quick] [--json] [--keep FOLDER]
                 [--report FILE | --no-report]

Raises a few Bitcoin nodes and wallets on this machine (a test chain, loopback
only), plays eleven short acts with them, says in plain words what happens, and
ends with a table of what was checked. Pictures of the network, tips over time
and all checks go into one HTML file.

  --quick        the first five acts only, in some twenty seconds
  --json         print one JSON object at the end and nothing else
  --keep FOLDER  keep the folders of nodes and wallets, with their logs, in this
                 new or empty folder
  --report FILE  write the report there (default: axon-demo-report.html in the
                 current folder)
  --no-report    write none
  --help         this text

Exit code: 0 if all checks hold, 1 if one does not, 2 if it was called wrongly,
130 after ctrl-C. axon lesson tells the same story with a pause at each act.
"""
_OPTIONS: Final = ("--quick", "--json", "--keep", "--report", "--no-report", "--help")
REPORT: Final = "axon-demo-report.html"
_REPORT_MODE: Final = 0o644  # Nothing in it is secret.
_INTERRUPTED: Final = 130
_TITLE: Final = (
    "Real Bitcoin nodes and wallets on this machine, on a test chain where mining is cheap. "
    "Everything happens on loopback; nothing goes out into the world."
)
QUICK_ACTS: Final = 5
"""Of the story: what a node is, three of them, one that comes late, one that cheats."""


@dataclass(frozen=True, slots=True)
class _Options:
    as_json: bool = False
    quick: bool = False
    keep: Path | None = None
    report: Path | None = Path(REPORT)


def main(arguments: Sequence[str]) -> int:
    """Play the story; the exit code."""
    try:
        options = _read(arguments)
        if options is None:
            sys.stdout.write(_HELP)
            return 0
        _check_report(options.report)
        steps = STEPS[:QUICK_ACTS] if options.quick else STEPS
        teller = None if options.as_json else Teller(_TITLE)
        with story_folder(options.keep) as folder, stoppable():
            outcome = tell(folder, teller or Listener(), steps)
        if teller is None:
            sys.stdout.write(json.dumps(_as_json(outcome, options.report), indent=2) + "\n")
        else:
            teller.end(outcome, options.keep)
            left = len(STEPS) - len(steps)
            if left:
                teller.wrapped(f"{left} further acts were left out; axon demo plays them all.")
        if options.report is not None:
            _write_report(options.report, outcome)
            if teller is not None:
                where = options.report.resolve()
                pictures = "Pictures of the network before and after each act, tips over time and"
                teller.wrapped(f"{pictures} all checks are in")
                teller.write(f"{where}")
    except ConfigError as error:
        return say_refusal(error, arguments, 2)
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped; every process that was started here has been ended.\n")
        return _INTERRUPTED
    return 0 if outcome.holds else 1


def _read(arguments: Sequence[str]) -> _Options | None:
    """What is wanted; None if help is.

    Raises:
        ConfigError: an unknown argument, or a name is missing.
    """
    options = _Options()
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if word in ("--help", "-help", "-h", "-?"):
            return None
        if word in ("--quick", "-quick"):
            options = replace(options, quick=True)
        elif word in ("--json", "-json"):
            options = replace(options, as_json=True)
        elif word in ("--no-report", "-no-report"):
            options = replace(options, report=None)
        elif name in ("--keep", "-keep"):
            options = replace(options, keep=_path(name, value, equals, rest))
        elif name in ("--report", "-report"):
            options = replace(options, report=_path(name, value, equals, rest))
        else:
            told = f"axon demo does not know {word!r}{meant(name, _OPTIONS)}"
            raise ConfigError(f"{told}{and_see(told)} axon demo --help")
    return options


def _path(name: str, value: str, equals: str, rest: list[str]) -> Path:
    """What an option names, behind its `=` or as the next argument."""
    named = value if equals else rest.pop(0) if rest else ""
    if not named:
        raise ConfigError(f"{name} wants a {'folder' if 'keep' in name else 'file'}")
    return Path(named)


def _check_report(path: Path | None) -> None:
    """Refuse early what could not be written in the end.

    Raises:
        ConfigError: it cannot.
    """
    if path is None:
        return
    if path.is_dir():
        raise ConfigError(f"the report cannot be written to {path}: that is a folder")
    if not os.access(path.parent, os.W_OK):
        raise ConfigError(f"the report cannot be written to {path}: --report names another file")


def _write_report(path: Path, outcome: Outcome) -> None:
    page = render(outcome, time.strftime("%Y-%m-%d %H:%M"))
    try:
        write_atomically(path, page.encode(), _REPORT_MODE)
    except OSError as error:
        raise disk_refusal(f"the report cannot be written to {path}", error, ConfigError) from error


@contextlib.contextmanager
def story_folder(keep: Path | None) -> Iterator[Path]:
    """Where all folders are: the one to keep, or one that vanishes.

    Raises:
        ConfigError: it cannot be used.
    """
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="axon-demo-", ignore_cleanup_errors=True) as name:
            yield Path(name)
        return
    try:
        make_folder(keep)
        empty = not any(keep.iterdir())
    except OSError as error:
        raise disk_refusal(f"{keep} cannot be used", error, ConfigError) from error
    if not empty:
        raise ConfigError(f"{keep} is not empty")
    yield keep.resolve()


def _as_json(outcome: Outcome, report: Path | None) -> dict[str, object]:
    return {
        "holds": outcome.holds,
        "seconds": round(outcome.seconds, 3),
        "report": None if report is None else str(report),
        "acts": [
            {"title": step.title, "seconds": round(step.seconds, 3)} for step in outcome.steps
        ],
        "checks": [
            {
                "act": item.step,
                "claim": item.claim,
                "expected": item.expected,
                "seen": item.seen,
                "holds": item.holds,
            }
            for item in outcome.checks
        ],
    }
