"""`report`: a verdict as a page that people read."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Final

from axon.cli.swarmoptions import AddCommand
from axon.cli.swarmview import write, write_json
from axon.errors import ConfigError
from axon.rpc.amounts import encode_json
from axon.swarm.lab.verdict import Exit
from axon.swarm.spof.planted import read_score_file
from axon.swarm.spof.report import render
from axon.swarm.spof.reportjson import report_json
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
        "--planted",
        type=Path,
        metavar="SCORE",
        help="show this planted score, too: of python -m bench.verdict planted --save SCORE",
    )
    report.add_argument(
        "--output", type=Path, metavar="PAGE", help="the page (default FILE with .html at its end)"
    )


def _report(options: Namespace, _folder: Path) -> int:
    path: Path = options.file
    output: Path = options.output or path.with_suffix(".html")
    if output.resolve() == path.resolve():
        raise ConfigError(f"the page would overwrite the verdict {path}; name another --output")
    verdict = read_file(path)
    planted = None if options.planted is None else read_score_file(options.planted)
    page = render(verdict, str(path), planted).encode()
    _write(output, page)
    beside = output.with_suffix(".report.json")
    _write(beside, (encode_json(report_json(verdict, str(path), planted)) + "\n").encode())
    if options.json:
        shown = {"page": str(output), "json": str(beside), "level": str(verdict.level)}
        write_json(shown | {"size_bytes": len(page)})
    else:
        write(f"{verdict.sentence} The page is {output}, {len(page):,} bytes.")
    return Exit.PASS


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error}") from None
