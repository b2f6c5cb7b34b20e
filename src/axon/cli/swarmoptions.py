"""What stands behind `axon swarm`: the command, the folder of its run, and whom a command means."""

from __future__ import annotations

import argparse
import re
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Final, Protocol

from axon.cli.arguments import Parser, UsageError
from axon.errors import ConfigError
from axon.swarm.lab.manifest import Component, ComponentKind, Manifest
from axon.swarm.lab.members import state_of
from axon.swarm.lab.nodeprocess import ProcessState
from axon.swarm.lab.targets import Targets

TARGET_HELP: Final = (
    "n3 or 3; n1-n5 or 1-5; all; all-but:3; random:2; group:7 (nodes of one netgroup); m1, "
    "miner:1 or miner:*; w1, w1-w3 or wallet:*; several with commas"
)

_STATES: Final = {
    ProcessState.PAUSED: "is paused",
    ProcessState.ENDED: "was ended",
    ProcessState.DIED: "died by itself",
}

DEFAULT_FOLDER: Final = Path(".axon") / "swarm"
RUNS_FOLDER: Final = Path(".axon") / "swarms"
REGISTRY: Final = Path(".axon") / "swarm-runs.json"
DEFAULT_RUN: Final = "default"

INTERRUPTED: Final = 130
"""What shells make of a program that ctrl-C has ended: 128 and the signal's number."""

_RUN_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", re.ASCII)

Command = Callable[[Namespace, Path], int]
"""What a command does with its options, in the folder of the run; its exit code."""


class AddCommand(Protocol):
    """Adds a command to `axon swarm`."""

    def __call__(
        self, name: str, command: Command, about: str, more: str = "", /
    ) -> ArgumentParser:
        """Add one.

        Args:
            name: what it is called.
            command: what it does.
            about: one line of help.
            more: what its own help says; the line if it is left out.

        Returns:
            To which its options are added; `--run`, `--dir` and `--json`, which every command
            has, are there already.
        """


def run_name(text: str) -> str:
    """The name of a run, for `type=`."""
    if _RUN_NAME.fullmatch(text) is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name: letters, digits, - and _, 32 at most"
        )
    return text


def folder_of(options: Namespace, home: Path) -> Path:
    """Where the run of a command lies.

    Raises:
        UsageError: it is named in two ways.
    """
    named: str | None = options.run
    given: Path | None = options.dir
    if given is None:
        return home / (DEFAULT_FOLDER if named in (None, DEFAULT_RUN) else RUNS_FOLDER / str(named))
    if named is not None:
        raise UsageError("--run names a run and --dir a folder: one of both, please")
    return given.absolute()


def name_of(folder: Path, home: Path) -> str | None:
    """By which `--run` a folder is meant; None for one that only `--dir` can name."""
    if folder == home / DEFAULT_FOLDER:
        return DEFAULT_RUN
    return folder.name if folder.parent == home / RUNS_FOLDER else None


def swarm_parser(families: Sequence[Callable[[AddCommand], None]]) -> Parser:
    """Reads a command line; raises `UsageError` where it cannot.

    Args:
        families: each adds its commands.
    """
    parser = Parser(
        prog="axon swarm",
        description="Start a network of real nodes on this machine (a test chain; nothing leaves "
        "it), watch it, damage it, and check it.",
        epilog="Exit code of check, spof, run and audit: 0 all holds or none was found, 1 "
        "something does not or one was found, 2 undecided, 3 the lab failed or was called wrongly; "
        "of pay, rpc and open: see their help; of all others: 0 or 3. 130 after ctrl-C.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Command, about: str, more: str = "") -> ArgumentParser:
        added: argparse.ArgumentParser = commands.add_parser(
            name, help=about, description=more or f"{about[0].upper()}{about[1:]}."
        )
        added.set_defaults(command=command)
        added.add_argument(
            "--run", type=run_name, metavar="NAME", help="which of several runs (default: default)"
        )
        added.add_argument(
            "--dir", type=Path, metavar="FOLDER", help="of the run (default ~/.axon/swarm)"
        )
        added.add_argument("--json", action="store_true", help="print the result as JSON")
        return added

    for family in families:
        family(add)
    return parser


def one_of(manifest: Manifest, text: str, *kinds: ComponentKind) -> Component:
    """The one component that a text means, of some kinds.

    Raises:
        ConfigError: it means several, or another kind.
    """
    names = Targets(manifest.components, Random(0)).read(text)
    if len(names) != 1:
        raise ConfigError(f"{text!r} means {', '.join(names)}; name one of them")
    item = manifest.components[names[0]]
    if item.kind not in kinds:
        raise ConfigError(f"{item.name} is a {item.kind}, not a {' or a '.join(kinds)}")
    return item


def running(manifest: Manifest, text: str, *kinds: ComponentKind) -> Component:
    """The same, if it runs.

    Raises:
        ConfigError: as `one_of`; or it does not run.
    """
    item = one_of(manifest, text, *kinds)
    state = state_of(item)
    if state is not ProcessState.RUNNING:
        helps = "cont" if state is ProcessState.PAUSED else "restart"
        raise ConfigError(
            f"{item.name} does not answer, it {_STATES[state]}; axon swarm {helps} {item.name}"
        )
    return item


def targets_of(manifest: Manifest, text: str) -> Targets:
    """Reads a text that names components of a run, which is locked; `random:K` is drawn anew."""
    if "random:" in text:
        manifest.draws += 1
        manifest.save()
    return Targets(manifest.components, Random(f"{manifest.seed}|targets|{manifest.draws}"))
