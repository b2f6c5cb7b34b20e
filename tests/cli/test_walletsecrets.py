"""Secrets as people type them."""

from __future__ import annotations

import getpass
import io
import sys
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path

import pytest

from axon.cli.walletcommands.creating import words_to_restore
from axon.cli.walletcommands.paying import with_passphrase
from axon.cli.walletsecrets import bip39_passphrase, new_passphrase
from axon.errors import ConfigError
from axon.wallet.errors import BadMnemonic
from axon.wallet.keys import new_words

WORDS = new_words(bytes(16))
ASKED = Namespace(bip39_passphrase=True, bip39_passphrase_file=None)


class Terminal(io.StringIO):
    """Standard input of a person."""

    def isatty(self) -> bool:
        return True


def type_secrets(monkeypatch: pytest.MonkeyPatch, secrets: Iterable[str]) -> list[str]:
    """Have these typed one after the other; the prompts they were asked with."""
    prompts: list[str] = []
    typed = iter(secrets)

    def ask(prompt: str) -> str:
        prompts.append(prompt)
        return next(typed)

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(getpass, "getpass", ask)
    return prompts


def test_a_bip39_passphrase_is_asked_for_by_its_name_and_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prompts = type_secrets(monkeypatch, ["TREZOR", "TREZOR"])
    assert bip39_passphrase(ASKED) == "TREZOR"
    assert prompts == ["BIP 39 passphrase (the 25th word): ", "The same once more: "]
    type_secrets(monkeypatch, ["TREZOR", "TREZ0R"])
    with pytest.raises(ConfigError, match="two BIP 39 passphrases are not the same"):
        bip39_passphrase(ASKED)
    type_secrets(monkeypatch, [""])
    with pytest.raises(ConfigError, match="leave the option out for a wallet without one"):
        bip39_passphrase(ASKED)


def test_nobody_is_asked_who_did_not_speak_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    prompts = type_secrets(monkeypatch, [])
    assert bip39_passphrase(Namespace(bip39_passphrase=False, bip39_passphrase_file=None)) == ""
    assert prompts == []


def test_the_other_passphrase_is_called_that_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    prompts = type_secrets(monkeypatch, ["file", "file", "file"])
    arguments = Namespace(passphrase_file=None, passphrase_stdin=False)
    assert with_passphrase(arguments, lambda secret: {"secret": secret}) == {"secret": "file"}
    assert new_passphrase(arguments) == "file"
    assert prompts == [
        "Passphrase of this wallet's file, to sign (empty: do not send): ",
        "New passphrase, to seal this wallet's file (asked for to send): ",
        "The same once more: ",
    ]


def test_spaces_of_a_bip39_passphrase_count(tmp_path: Path) -> None:
    file = tmp_path / "25th"
    file.write_text(" two words \n")
    found = bip39_passphrase(Namespace(bip39_passphrase=False, bip39_passphrase_file=file))
    assert found == " two words "


def test_who_mistypes_a_word_is_asked_for_them_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(f"{WORDS}x\n{WORDS}\n"))
    assert words_to_restore(None) == WORDS
    told = capsys.readouterr().err
    assert "word 12 is not in the English word list" in told
    assert "Try again, or press enter to leave." in told
    monkeypatch.setattr(sys, "stdin", Terminal(f"{WORDS}x\n\n"))
    with pytest.raises(ConfigError, match="no words were given"):
        words_to_restore(None)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{WORDS}x\n"))  # A script is told, once.
    with pytest.raises(BadMnemonic, match="word 12"):
        words_to_restore(None)
