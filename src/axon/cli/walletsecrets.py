"""Secrets on their way in: passphrases and words, from a prompt, a file or standard input.

They are never arguments: those can be read by every other user of the machine, and stay in the
history of the shell.
"""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path
from typing import Final, TextIO

from axon.errors import ConfigError

MAX_SECRET_BYTES: Final = 4096
"""Of a file with a passphrase or words; what is larger was named by mistake."""

_NEEDED: Final = "a passphrase is needed: give --passphrase-file FILE or --passphrase-stdin"


def add_passphrase_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where a passphrase comes from."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--passphrase-file", type=Path, metavar="FILE", help="read the passphrase from this file"
    )
    where.add_argument(
        "--passphrase-stdin", action="store_true", help="read it from standard input, one line"
    )


def is_asked(arguments: argparse.Namespace) -> bool:
    """Whether a person is asked for the passphrase, and can be asked again."""
    return arguments.passphrase_file is None and not arguments.passphrase_stdin


def passphrase(arguments: argparse.Namespace, prompt: str = "Passphrase: ") -> str:
    """The passphrase of a wallet.

    Raises:
        ConfigError: there is nobody to ask, the file cannot be read, or it is empty.
    """
    if not is_asked(arguments):
        found = _told(arguments)
    else:
        if not sys.stdin.isatty():
            raise ConfigError(_NEEDED)
        found = getpass.getpass(prompt)
    if not found:
        raise ConfigError("no passphrase was given, so nothing was done")
    return found


def new_passphrase(arguments: argparse.Namespace) -> str:
    """The passphrase of a new wallet, asked for twice.

    Raises:
        ConfigError: the two are not the same; or as `passphrase`.
    """
    found = passphrase(arguments, "Passphrase for the new wallet (asked for to send): ")
    if is_asked(arguments) and getpass.getpass("The same once more: ") != found:
        raise ConfigError("the two passphrases are not the same, so nothing was done")
    return found


def words(path: Path | None) -> str:
    """The words of a wallet that is restored, from a file or as typed.

    Raises:
        ConfigError: the file cannot be read, or nothing was typed.
    """
    if path is not None:
        return read_secret(path)
    if sys.stdin.isatty():
        sys.stderr.write("The words, in their order, with spaces between them:\n> ")
        sys.stderr.flush()
    found = _line(sys.stdin)
    if not found:
        raise ConfigError("no words were given, so nothing was done")
    return found


def read_secret(path: Path) -> str:
    """What a file holds, without the line break at its end.

    Raises:
        ConfigError: it cannot be read, or is no short text.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SECRET_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > MAX_SECRET_BYTES:
        raise ConfigError(f"{path} is larger than {MAX_SECRET_BYTES} bytes: is it the right file?")
    try:
        return data.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is no text: is it the right file?") from None


def _told(arguments: argparse.Namespace) -> str:
    path: Path | None = arguments.passphrase_file
    return _line(sys.stdin) if path is None else read_secret(path)


def _line(stream: TextIO) -> str:
    return stream.readline(MAX_SECRET_BYTES).rstrip("\r\n")
