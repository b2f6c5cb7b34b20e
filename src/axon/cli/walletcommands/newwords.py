"""New words: the chance they are made of, how they are shown, whether they were written down."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from random import SystemRandom
from typing import Final

from axon.cli.arguments import UsageError
from axon.cli.walletsecrets import read_secret
from axon.cli.walletview import aligned, say, write
from axon.errors import ConfigError
from axon.wallet.entropy import ENTROPY_SIZES, ROLLS_NEEDED, entropy_of_hex, entropy_of_rolls

WORDS_ASKED: Final = 2
"""So many words are asked for, to see that they were written down."""

USUAL_WORDS: Final = 12
"""128 bits of chance, as strong as the curve."""


def add_entropy_options(parser: argparse.ArgumentParser) -> None:
    """Add how many words a new wallet has, and where their chance comes from."""
    parser.add_argument(
        "--words",
        type=int,
        choices=sorted(ENTROPY_SIZES),
        metavar="N",
        help=f"so many words: 12, 15, 18, 21 or 24 (default {USUAL_WORDS})",
    )
    chance = parser.add_mutually_exclusive_group()
    chance.add_argument(
        "--dice",
        action="store_true",
        help=f"make the words of rolls of a die that you type: {ROLLS_NEEDED[12]} for 12 words, "
        f"{ROLLS_NEEDED[24]} for 24. They are hashed by SHA-256 as Coldcard does, and nothing is "
        "mixed in, so other programs can check the words",
    )
    chance.add_argument(
        "--dice-file", type=Path, metavar="FILE", help="the same, with the rolls in this file"
    )
    chance.add_argument(
        "--entropy-file",
        type=Path,
        metavar="FILE",
        help="make the words of the hex digits in this file, as they are: 32 digits for 12 words, "
        "64 for 24",
    )


def refuse_entropy_options(arguments: argparse.Namespace, option: str) -> None:
    """See that nobody asks for words where none are made.

    Raises:
        UsageError: somebody does.
    """
    for name in ("words", "dice", "dice_file", "entropy_file"):
        if getattr(arguments, name) not in (None, False):
            raise UsageError(f"--{name.replace('_', '-')} goes with new words: {option} has none")


def read_entropy(arguments: argparse.Namespace) -> bytes:
    """What new words are made of.

    Raises:
        BadEntropy: what a person brings is no chance, or too little of it.
        UsageError: it is of another size than `--words` says.
        ConfigError: a file cannot be read.
    """
    count: int | None = arguments.words
    if arguments.entropy_file is not None:
        data = entropy_of_hex(read_secret(arguments.entropy_file))
        if count is not None and len(data) != ENTROPY_SIZES[count]:
            raise UsageError(
                f"--words {count} takes {2 * ENTROPY_SIZES[count]} hex digits, and the file has"
                f" {2 * len(data)}"
            )
        return data
    count = count or USUAL_WORDS
    if arguments.dice_file is not None:
        return entropy_of_rolls(read_secret(arguments.dice_file), count)
    if arguments.dice:
        return _typed_rolls(count)
    return SystemRandom().randbytes(ENTROPY_SIZES[count])


def _typed_rolls(count: int) -> bytes:
    """Rolls as they are typed, in as many lines as it takes; from elsewhere in one line.

    Raises:
        BadEntropy: they are no chance, or the input ended before there were enough.
    """
    if not sys.stdin.isatty():
        return entropy_of_rolls(sys.stdin.readline(), count)
    rolls, needed = "", ROLLS_NEEDED[count]
    while (missing := needed - sum(map(str.isdigit, rolls))) > 0:
        sys.stderr.write(f"Rolls of the die, {missing} more at least (digits 1 to 6):\n> ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            break
        if set(line) - set("123456 ,\r\n"):
            say("A roll is a digit from 1 to 6: type that line again.")
        else:
            rolls += line
    return entropy_of_rolls(rolls, count)


def show_words(made: str, *, has_bip39_passphrase: bool) -> None:
    """Show the words of a new wallet, and what to do with them."""
    write("These words restore the wallet, and whoever has them can spend from it. Write them down")
    write(
        "on paper, in their order; axon wallet words shows them again to who has the passphrase.\n"
    )
    write_words(made)
    if has_bip39_passphrase:
        write("Write the BIP 39 passphrase down as well, in another place. Without it these")
        write("words restore another wallet, which is empty.\n")


def write_words(made: str) -> None:
    """Words with their places, in three columns that are read downwards."""
    numbered = [f"{number:2}. {word}" for number, word in enumerate(made.split(), 1)]
    third = len(numbered) // 3
    rows = list(
        zip(*(numbered[start * third : (start + 1) * third] for start in range(3)), strict=True)
    )
    for line in aligned(rows, indent=4):
        write(line)
    write()


def ask_words(made: str) -> None:
    """See that the words were written down; who mistypes one is asked for it again.

    Raises:
        ConfigError: nobody answers any more.
    """
    listed = made.split()
    for place in sorted(SystemRandom().sample(range(len(listed)), WORDS_ASKED)):
        while True:
            sys.stderr.write(f"To see that you have them: word {place + 1} is: ")
            sys.stderr.flush()
            answer = sys.stdin.readline()
            if not answer:
                raise ConfigError("the words were not confirmed, so no wallet was made")
            if answer.strip().lower() == listed[place]:
                break
            say(f"That is not word {place + 1}: look at what you wrote down, and type it again.")
