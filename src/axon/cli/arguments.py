"""What commands with subcommands have in common: a parser that refuses in one line, and seconds."""

from __future__ import annotations

import argparse
from typing import NoReturn

from axon.errors import ConfigError


class UsageError(ConfigError):
    """The command line is not as it should be; the text says how it would be."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as all of axon does."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")


def seconds(text: str) -> float:
    """A time below a day, for `type=`."""
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < 86_400:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds below a day")
    return found


def positive(text: str) -> int:
    """A whole number above 0, for argparse."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r:.80} is no number above 0")
    return number


def seed_number(text: str) -> int:
    """A seed, 0 or more, for argparse."""
    try:
        number = int(text)
    except ValueError:
        number = -1
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text!r:.80} is no seed: 0, 1, 2 ...")
    return number


def seed_range(text: str) -> range:
    """One seed, or all from A to B as `A..B`, for argparse."""
    first, dots, last = text.partition("..")
    try:
        begin = int(first)
        end = int(last) if dots else begin
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a seed nor A..B") from None
    if end < begin:
        raise argparse.ArgumentTypeError(f"{text!r} holds no seed")
    return range(begin, end + 1)


def add_seeds(parser: argparse.ArgumentParser) -> None:
    """Add `--seeds`, of all runs of a simulation."""
    parser.add_argument(
        "--seeds",
        type=seed_range,
        default=range(1),
        metavar="A..B",
        help="one seed, or all from A to B (default 0)",
    )
