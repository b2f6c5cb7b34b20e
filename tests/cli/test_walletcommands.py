"""`axon wallet` as it is typed, where no node is needed."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import sys
from argparse import Namespace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from axon.cli.wallet import main
from axon.cli.walletcommands import creating
from axon.cli.walletcommands.paying import confirm_fee
from axon.drivers.aio.walletfile import SqliteStore
from axon.errors import ConfigError, DiskFullError
from axon.primitives.hashes import Txid
from axon.primitives.network import REGTEST
from axon.primitives.transaction import Transaction, TxIn, TxOut, outpoint
from axon.wallet.keys import new_words

WORDS = new_words(bytes(16))
FIRST_ADDRESS = "bcrt1q6rz28mcfaxtmd6v789l9rrlrusdprr9pz3cppk"
PASSPHRASE = "correct horse"


class Cli:
    """Calls commands with one data directory, on regtest."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys
        self.secret = folder / "passphrase"
        self.secret.write_text(f"{PASSPHRASE}\n")
        self.words = folder / "words"
        self.words.write_text(WORDS)

    def __call__(self, *words: str) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        code = main([*words, "-regtest", f"-datadir={self.folder}", "--offline"])
        return (code, *self._capsys.readouterr())

    def json(self, *words: str) -> Any:
        code, out, err = self(*words, "--json")
        assert code == 0, err
        return json.loads(out)

    def refused(self, *words: str) -> str:
        code, out, err = self(*words)
        assert (code, out) == (1, ""), (code, out, err)
        assert err.startswith("Error: ")
        assert err.count("\n") == 1
        return err

    def restore(self, name: str, *more: str) -> Any:
        secrets = [f"--words-file={self.words}", f"--passphrase-file={self.secret}"]
        return self.json("restore", name, *secrets, *more)


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


@pytest.fixture
def alice(cli: Cli) -> Cli:
    cli.restore("alice")
    return cli


def test_help_opens_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["--help"], ["-h"]):
        assert main(words) == 0
        told = capsys.readouterr().out
        assert told.startswith("usage: axon wallet")
    assert main(["send", "-help"]) == 0
    assert "--fee-rate" in capsys.readouterr().out


def test_a_new_wallet_shows_its_words_once(cli: Cli) -> None:
    code, out, _ = cli("create", "alice", "--no-confirm", f"--passphrase-file={cli.secret}")
    assert code == 0
    shown = next(line.split() for line in out.splitlines() if line.startswith("     1. "))
    assert shown[::2] == ["1.", "5.", "9."]
    assert "Wallet alice on regtest is made." in out
    bob = cli.json("create", "bob", "--no-confirm", f"--passphrase-file={cli.secret}")
    assert len(bob["words"].split()) == 12
    assert bob["words"] != WORDS
    kept = (cli.folder / "regtest/wallets/bob/wallet.sqlite").read_bytes()
    words = bob["words"].split()
    assert not [pair for pair in pairwise(words) if " ".join(pair).encode() in kept]
    listed = [(each["name"], each["kind"]) for each in cli.json("list")]
    assert listed == [("alice", "bip84"), ("bob", "bip84")]


def test_the_words_bring_the_same_addresses_back(alice: Cli) -> None:
    assert alice.json("receive", "alice")["address"] == FIRST_ADDRESS
    told = alice.restore("again", "--birthday=2024-05-31")
    assert told["birthtime"] == 1717113600
    assert alice.json("receive", "again")["address"] == FIRST_ADDRESS
    assert alice.restore("taproot", "--kind=bip86")["kind"] == "bip86"
    assert alice.json("receive", "taproot")["address"].startswith("bcrt1p")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_an_address_that_may_have_been_paid_before(alice: Cli) -> None:
    """A wallet was restored and has seen no block: it cannot know which addresses are fresh."""
    code, out, err = alice("receive", "alice")
    assert (code, out) == (0, f"{FIRST_ADDRESS}\n")
    assert "has not looked at the chain yet" in err
    assert "axon wallet sync alice" in err
    assert alice.json("receive", "alice")["chain_read"] is False
    alice.json("create", "bob", "--no-confirm", f"--passphrase-file={alice.secret}")
    code, _, err = alice("receive", "bob")
    assert (code, err) == (0, "")  # It was made just now: nobody can have paid it.
    assert alice.json("receive", "bob")["chain_read"] is True


def test_a_wallet_that_watches(alice: Cli) -> None:
    code, out, _ = alice("export-descriptor", "alice")
    assert code == 0
    receive, change = out.split()
    watching = alice.json("create", "watcher", f"--watch-only={receive}", f"--change={change}")
    assert (watching["kind"], watching["private_keys_enabled"]) == ("descriptor", False)
    assert alice.json("receive", "watcher")["address"] == FIRST_ADDRESS
    told = alice.refused("send", "watcher", FIRST_ADDRESS, "1", "BTC")
    assert "only watches: axon wallet psbt watcher create" in told
    for words in (
        ["export-descriptor", "watcher", "--private"],
        ["psbt", "watcher", "sign", "cHNidP8"],
        ["invoice", "watcher"],
        ["serve", "watcher", "--payjoin-http=127.0.0.1:8080"],
    ):
        assert "only watches" in alice.refused(*words)  # No passphrase was asked for.


def test_what_is_guessed_of_a_watched_key_is_said(alice: Cli) -> None:
    descriptor = alice.json("export-descriptor", "alice")["descriptors"][0]["desc"]
    key = descriptor[descriptor.index("[") : descriptor.index("/0/*")]
    first = alice.json("receive", "alice")["address"]
    code, out, told = alice("create", "watcher", "--watch-only", f"wpkh({key})")
    assert code == 0
    assert "names the key of an account without its usual path: taken as" in told
    assert f"Its first address is {first}: see that the other wallet has it." in out
    file = alice.folder / "key.txt"
    file.write_text(f"{key}\n")
    made = alice.json("create", "mallory", "--watch-only", str(file))
    assert made["first_address"] == first
    literal = alice.json("create", "literal", "--watch-only", f"wpkh({key})", "--as-written")
    assert literal["first_address"] != first
    code, _, told = alice("create", "nothing", "--as-written")
    assert (code, "--as-written goes with --watch-only" in told) == (2, True)
    file.write_bytes(b"\xff")
    assert "is no text" in alice("create", "nothing", "--watch-only", str(file))[2]


def test_who_sits_at_a_terminal_is_asked_what_was_meant(
    alice: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    descriptor = alice.json("export-descriptor", "alice")["descriptors"][0]["desc"]
    key = descriptor[descriptor.index("[") : descriptor.index("/0/*")]
    for answer, expected in (("no\n", 1), ("yes\n", 0)):
        monkeypatch.setattr("sys.stdin", Terminal(answer))
        code, _, told = alice("create", "watcher", "--watch-only", key)
        assert (code, "Is that meant?" in told) == (expected, True)


def test_keys_are_shown_to_who_has_the_passphrase(alice: Cli) -> None:
    code, out, _ = alice(
        "export-descriptor", "alice", "--private", f"--passphrase-file={alice.secret}"
    )
    assert code == 0
    assert out.count("tprv") == 2
    alice.secret.write_text("wrong")
    told = alice.refused(
        "export-descriptor", "alice", "--private", f"--passphrase-file={alice.secret}"
    )
    assert "passphrase" in told
    assert "wrong" not in told


def test_labels_and_coins(alice: Cli) -> None:
    address = alice.json("receive", "alice", "--label", "rent for May")["address"]
    assert alice.json("addresses", "alice")[0]["label"] == "rent for May"
    alice.json("labels", "alice", "set", address, "for", "June")
    code, out, _ = alice("labels", "alice")
    assert (code, out.split()) == (0, ["addr", "for", "June", address])
    file = alice.folder / "labels.jsonl"
    assert alice("labels", "alice", "export", str(file))[0] == 0
    alice.json("labels", "alice", "set", address)
    assert alice.json("labels", "alice") == []
    assert alice.json("labels", "alice", "import", str(file)) == {
        "taken": 1,
        "skipped": 0,
        "left_out": [],
    }
    assert alice("labels", "alice", "export")[1] == file.read_text()
    file.write_bytes(
        b"\xff\n" * 25
        + json.dumps({"type": "addr", "ref": address, "label": "été"}).encode("latin-1")
        + b"\n"
    )
    told = alice("labels", "alice", "import", str(file))[1]
    assert told.startswith("taken: 1\nleft out: 25\n  line 1: expected a JSON object")
    assert told.endswith(
        "  line 20: expected a JSON object, as BIP 329 writes labels\n  and 5 more\n"
    )
    line = json.dumps({"type": "addr", "ref": address, "label": "家賃"}, ensure_ascii=False)
    file.write_text(line, "utf-16")
    assert alice("labels", "alice", "import", str(file))[1] == "taken: 1\n"
    assert alice.json("labels", "alice")[0]["label"] == "家賃"
    assert alice.json("coins", "alice") == []
    assert "no unspent coin" in alice.refused("coins", "alice", "freeze", f"{1:064x}:0")


def test_what_is_known_offline(alice: Cli) -> None:
    assert alice.json("balance", "alice")["mine"]["trusted"] == 0
    assert alice("balance", "alice")[1] == (
        "available  0.00000000 BTC\nas of no block yet; no node reached\n"
    )
    asof = alice.json("balance", "alice")["asof"]
    assert (asof["height"], asof["synced"], asof["nodes_asked"]) == (-1, False, 0)
    assert alice("history", "alice") == (0, "", "No payments yet.\n")
    assert alice("sync", "alice")[1].startswith("not in sync at block 0 of 0")
    assert "none of this wallet" in alice.refused("proof", "alice", f"{1:064x}")
    assert "must be of length 64" in alice.refused("proof", "alice", "abcd")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["create", "alice", "--no-confirm"], "there is a wallet 'alice' already"),
        (["balance", "bob"], "there is no wallet 'bob'"),
        (["serve", "bob"], "there is no wallet 'bob'"),
        (["create", "bob"], "a passphrase is needed: give --passphrase-file"),
        (["create", "bob", "--passphrase-file=/no/such/file"], "cannot read /no/such/file"),
        (["create", "bob", "--watch-only=wpkh(nonsense)"], "no descriptor"),
        (["restore", "bob", "--words-file=/no/such/file"], "cannot read /no/such/file"),
        (["restore", "bob", "--birthday=7"], "not known here yet: give a date"),
        (
            ["send", "alice", "nonsense", "1 BTC"],
            "'nonsense' cannot be paid: expected an address of regtest (bcrt1..., m.../n..., 2...)",
        ),
        (
            ["send", "alice", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "1 BTC"],
            "expected an address of regtest, not of main",
        ),
        (
            ["send", "alice", FIRST_ADDRESS.replace("rz28", "rz2q"), "1 BTC"],
            "check character 11 ('q')",
        ),
        # Before anything is opened or anybody dialled.
        (["send", "no-such-wallet", "nonsense", "1 BTC"], "'nonsense' cannot be paid"),
        (["send", "alice", FIRST_ADDRESS, "1BTC"], "can be spent"),
        (["send", "alice", FIRST_ADDRESS, "--fee-rate", "1", "1", "BTC"], "can be spent"),
        (["send", "alice", f"BITCOIN:{FIRST_ADDRESS.upper()}", "1BTC"], "can be spent"),
        (["send", "alice", f"bitcoin:{FIRST_ADDRESS}?amount=1&label=Shop"], "can be spent"),
        (["psbt", "alice", "create", f"bitcoin:{FIRST_ADDRESS}?amount=1"], "can be spent"),
        (["send", "alice", f"bitcoin:{FIRST_ADDRESS}?amount=1&req-x=1"], "requires 'req-x'"),
        (["bump", "alice", f"{1:064x}", "--fee-rate=2"], "none of this wallet"),
        (["psbt", "alice", "show", "/no/such/file"], "cannot read /no/such/file"),
        (["psbt", "alice", "show", "cHNidP8nonsense"], "PSBT"),
        (["labels", "alice", "import", "/no/such/file"], "cannot read /no/such/file"),
        (["labels", "alice", "set", "nonsense", "x"], "a label stands on"),
        # Before a passphrase is asked for.
        (["invoice", "alice", f"--label={'x' * 256}"], "one line of at most 255 characters"),
        (["invoice", "alice", "--expires=0"], "expires after it was made"),
        (["invoice", "alice", "--payjoin-http=192.0.2.1:80"], "offered on this machine"),
        # Of no use without one.
        (["serve", "alice", "--payjoin-http=127.0.0.1:8080"], "a passphrase is needed"),
        (["serve", "alice", "--listen=127.0.0.1:8081", "--no-payjoin"], "a passphrase is needed"),
    ],
)
def test_what_is_refused(
    alice: Cli, monkeypatch: pytest.MonkeyPatch, words: list[str], told: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert told in alice.refused(*words)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["send", "alice", FIRST_ADDRESS, "0.5"], "0.5 of what?"),
        (["send", "alice", FIRST_ADDRESS, "0.5", "EUR"], "the units are BTC and sat"),
        (["send", "alice", FIRST_ADDRESS, "0.000000001 BTC"], "too precise"),
        (["send", "alice", FIRST_ADDRESS, "1 BTC", "--fee=5"], "5 of what?"),
        (["send", "alice", FIRST_ADDRESS, "1 BTC", "--fee-rate=-1"], "no feerate"),
        (["send", "alice", FIRST_ADDRESS], "how much? Write the amount behind the address"),
        (["send", "alice", f"bitcoin:{FIRST_ADDRESS}"], "how much?"),
        (["send", "alice", FIRST_ADDRESS, "500.000 sat"], "in digits only, as in '50000 sat'"),
        (["psbt", "alice", "create", FIRST_ADDRESS, "21.000", "sats"], "in digits only"),
        (["send", "alice", FIRST_ADDRESS, "1 BTC", "--fee=1,000 sat"], "in digits only"),
        (
            ["send", "alice", f"bitcoin:{FIRST_ADDRESS}?amount=0.01", "0.1 BTC"],
            "asks for 0.01000000 BTC, not for 0.10000000 BTC",
        ),
        (["send", "alice", f"bitcoin:{FIRST_ADDRESS}?amount=0.01", "all"], "BTC, not for all"),
        (["create", "bob", "--watch-only=x", "--bip39-passphrase"], "goes with words"),
        (["balance", "alice", "nonsense"], "unrecognized arguments: nonsense"),
        (["psbt", "alice"], "required: ACTION"),
        (["psbt", "alice", "create", FIRST_ADDRESS, "2"], "2 of what?"),
        (["coins", "alice", "freeze"], "freeze which coins?"),
        (["labels", "alice", "set"], "set TARGET TEXT"),
        (["create", "bob", "--birthday=2024-01-01"], "goes with --watch-only"),
        (["restore", "bob", "--birthday=2099-01-01"], "is in the future"),
        (["restore", "bob", "--birthday=May"], "expected a birthday such as"),
        (["restore", "bob", "--birthday=2024-13-01"], "expected a birthday such as"),
        (["invoice", "alice", "--listen=here:there"], "--listen: "),
        (["invoice", "alice", "--no-listen", "--no-payjoin"], "nobody stays to join payments"),
    ],
)
def test_what_is_a_wrong_call(alice: Cli, words: list[str], told: str) -> None:
    code, out, err = alice(*words)
    assert (code, out) == (2, "")
    assert told in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("abandon", "has 12 words (or 15, 18, 21, 24), not 1"),
        (" ".join(["abandon"] * 12), "the checksum is wrong"),
        (" ".join(["abandon"] * 11 + ["bitcoinn"]), "word 12 is not in the English word list"),
        (" ".join(["abandon"] * 11 + ["\udcff"]), "word 12 is not in the English word list"),
        (
            "wild father tree among universe such mobile favorite target dynamic credit identify",
            "an Electrum seed, of a segwit wallet",
        ),
        ("", "no words were given"),
    ],
)
def test_words_that_are_none(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, words: str, told: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{words}\n"))
    assert told in cli.refused("restore", "bob", f"--passphrase-file={cli.secret}")
    assert cli.json("list") == []


def test_a_bip39_passphrase_makes_another_wallet(cli: Cli) -> None:
    extra = cli.folder / "25th"
    extra.write_text("TREZOR\n")
    plain = cli.restore("plain")
    other = cli.restore("other", f"--bip39-passphrase-file={extra}")
    # The master keys of BIP 39's first vector, and of the same words without its passphrase.
    assert (plain["fingerprint"], other["fingerprint"]) == ("73c5da0a", "b4e3f5ed")
    assert cli.json("receive", "other")["address"] != FIRST_ADDRESS
    extra.write_text("")
    assert "leave the option out" in cli.refused(
        "restore", "third", f"--words-file={cli.words}", f"--bip39-passphrase-file={extra}"
    )


def test_a_new_wallet_says_what_restores_it(cli: Cli) -> None:
    extra = cli.folder / "25th"
    extra.write_text("one more word")
    code, out, _ = cli(
        "create", "alice", "--no-confirm", f"--passphrase-file={cli.secret}",
        f"--bip39-passphrase-file={extra}",
    )  # fmt: skip
    assert code == 0
    assert "Without it these\nwords restore another wallet" in out
    assert "one more word" not in out
    assert "Fingerprint of its master key" in out
    for command in ("create", "restore"):
        assert cli(command, "--help")[0] == 0
    assert "there is nobody to ask: give --bip39-passphrase-file" in cli.refused(
        "create", "bob", "--bip39-passphrase"
    )


class Forgetful:
    """Standard input of a person who mistypes each word once.

    Args:
        words: those that are asked for by number.
        asked: where they are asked for.
    """

    def __init__(self, words: list[str], asked: io.StringIO) -> None:
        self._words = words
        self._asked = asked
        self.answers: list[str] = []

    def readline(self) -> str:
        """What is typed."""
        place = int(re.findall(r"word ([0-9]+) is: $", self._asked.getvalue())[-1])
        self.answers.append(self._words[place - 1] if len(self.answers) % 2 else "typo")
        return f"{self.answers[-1]}\n"


def test_a_typo_while_confirming_the_words_costs_nothing(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(creating, "new_words", lambda _entropy: WORDS)
    asked = io.StringIO()
    person = Forgetful(WORDS.split(), asked)
    monkeypatch.setattr(sys, "stdin", person)
    monkeypatch.setattr(sys, "stderr", asked)
    code, out, _ = cli("create", "alice", f"--passphrase-file={cli.secret}")
    assert (code, len(person.answers)) == (0, 4)
    assert "Wallet alice on regtest is made." in out
    assert asked.getvalue().count("look at what you wrote down") == 2
    monkeypatch.setattr(sys, "stdin", io.StringIO("typo\n"))
    assert cli("create", "bob", f"--passphrase-file={cli.secret}")[0] == 1
    assert asked.getvalue().endswith("not confirmed, so no wallet was made\n")
    assert not list(cli.folder.rglob("wallets/bob"))


def test_no_words_are_shown_for_a_wallet_that_the_disk_does_not_take(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_store: SqliteStore, _changes: object) -> None:
        raise DiskFullError("cannot write to the wallet")

    monkeypatch.setattr(SqliteStore, "write", refuse)
    code, out, err = cli("create", "alice", "--no-confirm", f"--passphrase-file={cli.secret}")
    assert (code, out) == (1, "")
    assert "Disk space is too low!" in err
    assert not list(cli.folder.rglob("wallets/alice"))


def test_a_finished_transaction_is_known_as_one(cli: Cli) -> None:
    cli.restore("alice")
    raw = REGTEST.genesis.transactions[0].raw.hex()
    code, out, _ = cli("psbt", "alice", "finalize", raw)
    assert (code, out) == (0, f"{raw}\n")
    _, shown, _ = cli("psbt", "alice", "show", raw)
    assert "50.00000000 BTC  to " in shown
    assert "not known" in shown
    assert shown.endswith(
        f"cannot be told here: {REGTEST.genesis.transactions[0].txid[::-1].hex()}\n"
    )
    for action in ("sign", "combine"):
        told = cli.refused("psbt", "alice", action, raw)
        assert "finished transaction" in told
        assert "psbt alice send" in told


def test_a_transaction_without_signatures_is_not_called_finished(cli: Cli) -> None:
    cli.restore("alice")
    spent = TxIn(outpoint(Txid(bytes(32)), 0))
    raw = Transaction.build(2, [spent], [TxOut(1_000, bytes(22))]).raw.hex()
    for action in ("sign", "combine", "finalize"):
        told = cli.refused("psbt", "alice", action, raw)
        assert "no signature" in told
        assert "finished" not in told
    assert "signed by all" not in cli("psbt", "alice", "show", raw)[1]


def test_a_psbt_of_others_asks_for_no_passphrase(alice: Cli) -> None:
    coin = TxOut(2_000, bytes.fromhex("0014") + bytes(20))
    spent = TxIn(outpoint(Txid(bytes(32)), 0))
    raw = Transaction.build(2, [spent], [TxOut(1_000, coin.script_pubkey)]).raw
    inputs = b"\x01\x01" + bytes((len(coin.encode()),)) + coin.encode()
    psbt = b"psbt\xff\x01\x00" + bytes((len(raw),)) + raw + b"\x00" + inputs + b"\x00\x00"
    assert "there is nothing to sign" in alice.refused("psbt", "alice", "sign", psbt.hex())


def error_json(message: str) -> str:
    return json.dumps({"error": {"code": 1, "message": message}})


class Full(io.StringIO):
    """A file on a full disk."""

    def write(self, _: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_no_wallet_stays_whose_words_nobody_saw(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, form: list[str]
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", Full())
        code, _, err = cli(
            "create", "alice", "--no-confirm", f"--passphrase-file={cli.secret}", *form
        )
    assert code == 1
    told = "cannot write the result: No space left on device"
    assert err == (f"{error_json(told)}\n" if form else f"Error: {told}\n")
    assert not list(cli.folder.rglob("wallets/alice"))


def test_words_that_are_not_shown_yet_cannot_be_confirmed(cli: Cli) -> None:
    code, out, err = cli("create", "alice", "--json", f"--passphrase-file={cli.secret}")
    assert (code, out) == (2, "")
    assert "add --no-confirm" in err
    assert not list(cli.folder.rglob("wallets/alice"))


def test_a_file_without_end_is_refused(cli: Cli) -> None:
    cli.restore("alice")
    for command in (
        ("labels", "alice", "import", "/dev/zero"),
        ("psbt", "alice", "show", "/dev/zero"),
    ):
        assert "/dev/zero is larger than" in cli.refused(*command)


ASKED = {"fee_question": "The fee of 60 sat is 6.0 % of the 1000 sat paid, more than 5 %"}


def test_a_high_fee_is_asked_about_once_more(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = Namespace(yes=False, allow_high_fee=False)
    stdin = io.StringIO("yes\nno\n")
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(ConfigError, match="more than 5 %: --yes pays it, --fee-rate names"):
        confirm_fee(arguments, ASKED)
    monkeypatch.setattr(stdin, "isatty", lambda: True)
    confirm_fee(arguments, ASKED)
    assert "6.0 %" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="nothing was signed or sent"):
        confirm_fee(arguments, ASKED)
    assert capsys.readouterr().err
    for meant in (Namespace(yes=True, allow_high_fee=False), Namespace(yes=0, allow_high_fee=True)):
        confirm_fee(meant, ASKED)
    confirm_fee(arguments, {})
    assert not capsys.readouterr().err


def test_secrets_by_standard_input(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{WORDS.upper()}\n{PASSPHRASE}\n"))
    assert cli("restore", "alice", "--passphrase-stdin")[0] == 0
    assert cli.json("receive", "alice")["address"] == FIRST_ADDRESS


def test_a_damaged_file_is_said_and_left_alone(alice: Cli) -> None:
    file = alice.folder / "regtest/wallets/alice/wallet.sqlite"
    file.write_bytes(b"nonsense" * 512)
    assert "damaged or no wallet" in alice.refused("balance", "alice")
    assert file.read_bytes() == b"nonsense" * 512
    (listed,) = alice.json("list")
    assert (listed["name"], listed["kind"]) == ("alice", "?")


def test_headers_come_from_a_file(cli: Cli) -> None:
    path = cli.folder / "headers"
    path.write_bytes(REGTEST.genesis.header.raw)
    assert cli.json("import-headers", str(path)) == {"headers": 0, "filterheaders": 0, "height": 0}
    path.write_bytes(bytes(80))
    assert "header 0 in" in cli.refused("import-headers", str(path))
