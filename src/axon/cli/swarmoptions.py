"""What stands behind `axon swarm`: the command, the folder of its run, and whom a command means."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Final, Protocol

from axon.cli.arguments import Parser
from axon.swarm.lab.manifest import Manifest
from axon.swarm.lab.targets import Targets

TARGET_HELP: Final = (
    "n3 or 3; n1-n5 or 1-5; all; all-but:3; random:2; group:7 (nodes of one /16); m1, miner:1 or "
    "miner:*; w1, w1-w3 or wallet:*; several with commas"
)

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
            To which its options are added.
        """


def swarm_parser(families: Sequence[Callable[[AddCommand], None]]) -> Parser:
    """Reads a command line; raises `UsageError` where it cannot.

    Args:
        families: each adds its commands.
    """
    parser = Parser(
        prog="axon swarm",
        description="Start a network of real nodes on this machine (a test chain, loopback only), "
        "watch it, damage it, and check it.",
        epilog="Exit code of check: 0 all holds, 1 something does not, 2 undecided, 3 the lab "
        "failed or was called wrongly; of all others: 0 or 3.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Command, about: str, more: str = "") -> ArgumentParser:
        added: argparse.ArgumentParser = commands.add_parser(
            name, help=about, description=more or f"{about[0].upper()}{about[1:]}."
        )
        added.set_defaults(command=command)
        added.add_argument(
            "--dir", type=Path, metavar="FOLDER", help="of the run (default ~/.axon/swarm)"
        )
        return added

    for family in families:
        family(add)
    return parser


def targets_of(manifest: Manifest, text: str) -> Targets:
    """Reads a text that names components of a run, which is locked; `random:K` is drawn anew."""
    if "random:" in text:
        manifest.draws += 1
        manifest.save()
    return Targets(manifest.components, Random(f"{manifest.seed}|targets|{manifest.draws}"))
