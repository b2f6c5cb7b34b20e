"""`report`: a verdict as a page that people read."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Final

from axon.cli.swarmoptions import AddCommand
from axon.cli.swarmview import write, write_json
from axon.errors import ConfigError
from axon.swarm.lab.verdict import Exit
from axon.swarm.spof.report import render
from axon.swarm.spof.savedverdict import read_file

_MORE: Final = (
    "Write a verdict that axon swarm spof --save has written as one HTML page: what was tested, "
    "the verdict, its controls, each component against each harm, every trial and the command "
    "that replays it. The page needs nothing else: no script, no network."
)


def add_commands(add: AddCommand) -> None:
    """Add the command."""
    report = add("report", _report, "write a verdict of spof as a page to read", _MORE)
    report.add_argument("file", type=Path, metavar="FILE", help="of axon swarm spof --save FILE")
    report.add_argument(
        "--output", type=Path, metavar="PAGE", help="the page (default FILE with .html at its end)"
    )


def _report(options: Namespace, _folder: Path) -> int:
    path: Path = options.file
    output: Path = options.output or path.with_suffix(".html")
    if output.resolve() == path.resolve():
        raise ConfigError(f"the page would overwrite the verdict {path}; name another --output")
    verdict = read_file(path)
    page = render(verdict, str(path)).encode()
    try:
        output.write_bytes(page)
    except OSError as error:
        raise ConfigError(f"cannot write {output}: {error}") from None
    if options.json:
        shown = {"page": str(output), "level": str(verdict.level), "size_bytes": len(page)}
        write_json(shown)
    else:
        write(f"{verdict.sentence} The page is {output}, {len(page):,} bytes.")
    return Exit.PASS
