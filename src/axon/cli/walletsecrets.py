"""Secrets on their way in: passphrases and words, from a prompt, a file or standard input.

Two things are called passphrase. The wallet's passphrase seals its file on this machine, and is
asked for to sign. A BIP 39 passphrase, the 25th word of other wallets, is a part of the keys: it
is asked for once, when a wallet is made, and sealed in the file with the words.

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
        "--passphrase-file",
        type=Path,
        metavar="FILE",
        help="read the passphrase that seals the wallet's file from this file",
    )
    where.add_argument(
        "--passphrase-stdin", action="store_true", help="read it from standard input, one line"
    )


def add_bip39_options(parser: argparse.ArgumentParser) -> None:
    """Add the options for a BIP 39 passphrase."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--bip39-passphrase",
        action="store_true",
        help="ask for a BIP 39 passphrase (the 25th word), which the keys are made of beside the "
        "words; it is not the one that seals the file",
    )
    where.add_argument(
        "--bip39-passphrase-file", type=Path, metavar="FILE", help="read it from this file"
    )


def bip39_passphrase(arguments: argparse.Namespace) -> str:
    """The BIP 39 passphrase of a wallet that is made; empty where none was spoken of.

    Raises:
        ConfigError: there is nobody to ask, the file cannot be read, it is empty, or the two that
            were typed are not the same.
    """
    path: Path | None = arguments.bip39_passphrase_file
    if path is not None:
        found = read_secret(path)
    elif not arguments.bip39_passphrase:
        return ""
    elif not sys.stdin.isatty():
        raise ConfigError("there is nobody to ask: give --bip39-passphrase-file FILE")
    else:
        found = getpass.getpass("BIP 39 passphrase (the 25th word): ")
        if found and getpass.getpass("The same once more: ") != found:
            raise ConfigError("the two BIP 39 passphrases are not the same, so nothing was done")
    if not found:
        raise ConfigError(
            "the BIP 39 passphrase is empty: leave the option out for a wallet without one"
        )
    return found


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
    found = passphrase(
        arguments, "New passphrase, to seal this wallet's file (asked for to send): "
    )
    if is_asked(arguments) and getpass.getpass("The same once more: ") != found:
        raise ConfigError("the two passphrases are not the same, so nothing was done")
    return found


def second_line() -> str:
    """What stands behind a passphrase on standard input."""
    return _line(sys.stdin)


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
