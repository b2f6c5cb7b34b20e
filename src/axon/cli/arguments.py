"""What commands with subcommands have in common: a parser that refuses in one line, and seconds."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any, Final, NoReturn

from axon.errors import AxonError, ConfigError


class UsageError(ConfigError):
    """The command line is not as it should be; the text says how it would be."""


def say_refusal(error: AxonError, arguments: Sequence[str], code: int) -> int:
    """Say on standard error why nothing came of a command, and leave with this exit code.

    Where the result was asked for as JSON, that is an object in one line:
    `{"error": {"code": EXIT CODE, "message": TEXT}}`.
    """
    if "--json" in arguments or "-json" in arguments:
        text = json.dumps({"error": {"code": int(code), "message": str(error)}})
    else:
        text = f"Error: {error}"
    sys.stderr.write(f"{text}\n")
    return code


_NO_CHOICE: Final = re.compile(
    r"argument (?P<name>[^:]+): invalid choice: '(?P<word>.*)' \(choose from (?P<known>.*)\)"
)
"""What argparse says of a word that is none of those it knows."""


def meant(word: str, known: Iterable[str]) -> str:
    """A question after what was probably meant by a word that nobody knows; empty without a guess.

    Args:
        word: as it was typed.
        known: what it could have been.
    """
    near = get_close_matches(word, [*known], n=1, cutoff=0.6)
    return f": did you mean {near[0]}?" if near else ""


def and_see(message: str) -> str:
    """What joins a message and the name of the help text that says more."""
    return " See" if message.endswith("?") else "; see"


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as all of axon does, and guesses what was meant."""

    def error(self, message: str) -> NoReturn:
        refused = _NO_CHOICE.fullmatch(message)
        if refused is not None:
            known = re.findall(r"[\w-]+", refused["known"])
            what = "command" if refused["name"] == "COMMAND" else refused["name"]
            guess = meant(refused["word"], known) or f": one of {', '.join(known)}"
            message = f"there is no {what} {refused['word']!r}{guess}"
        raise UsageError(f"{message}{and_see(message)} {self.prog} --help")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Read what is known; an option that resembles a known one is refused here, by the parser
        of its command, which knows the names."""
        found, left = super().parse_known_args(args, namespace)
        for word in left:
            guess = meant(word.partition("=")[0], self._option_string_actions)
            if word.startswith("-") and guess:
                self.error(f"unrecognized arguments: {word}{guess}")
        return found, left


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
