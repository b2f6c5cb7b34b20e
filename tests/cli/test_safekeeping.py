"""What keeps a wallet, as it is typed: new words, words shown again, backups, names, the end."""

from __future__ import annotations

import io
import json
import sys
from hashlib import sha256
from pathlib import Path
from random import Random

import pytest

from axon.cli.wallet import main
from axon.drivers.aio.walletfile import SqliteStore
from axon.host import walletfiles
from axon.wallet.keys import new_words
from axon.wallet.lookahead import has_past
from axon.wallet.wallet import Wallet
from tests.cli.test_walletcommands import FIRST_ADDRESS, PASSPHRASE, WORDS, Cli, Terminal

ROLLS = "".join(Random(7).choices("123456", k=99))


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path, capsys)


@pytest.fixture
def alice(cli: Cli) -> Cli:
    cli.restore("alice")
    return cli


def file_of(cli: Cli, name: str) -> Path:
    return cli.folder / "regtest" / "wallets" / name / "wallet.sqlite"


def create(cli: Cli, name: str, *more: str) -> list[str]:
    secret = f"--passphrase-file={cli.secret}"
    words: str = cli.json("create", name, "--no-confirm", secret, *more)["words"]
    return words.split()


def test_words_of_every_length(cli: Cli) -> None:
    for count in (12, 15, 18, 21, 24):
        assert len(create(cli, f"w{count}", f"--words={count}")) == count
    assert len(create(cli, "usual")) == 12
    code, out, _ = cli(
        "create", "b", "--no-confirm", "--words=24", f"--passphrase-file={cli.secret}"
    )
    shown = next(line.split() for line in out.splitlines() if line.startswith("     1. "))
    assert (code, shown[::2]) == (0, ["1.", "9.", "17."])


def test_words_from_dice_are_those_that_others_make_of_them(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = sha256(ROLLS.encode()).digest()
    path = cli.folder / "rolls"
    path.write_text(ROLLS)
    made = create(cli, "file", f"--dice-file={path}", "--words=24")
    assert " ".join(made) == new_words(digest)
    monkeypatch.setattr(sys, "stdin", Terminal(f"{ROLLS[:60]}\n9\n{ROLLS[60:]}\n"))
    assert create(cli, "typed", "--dice", "--words=24") == made
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{ROLLS}\n"))
    assert create(cli, "piped", "--dice", "--words=24") == made
    path.write_text(ROLLS[:30])
    refused = cli.refused(
        "create", "short", f"--passphrase-file={cli.secret}", f"--dice-file={path}"
    )
    assert "roll 20 more" in refused
    assert not file_of(cli, "short").exists()


def test_words_from_entropy(cli: Cli) -> None:
    path = cli.folder / "entropy"
    data = Random(1).randbytes(20)
    path.write_text(data.hex())
    assert " ".join(create(cli, "hex", f"--entropy-file={path}")) == new_words(data)
    secret = f"--passphrase-file={cli.secret}"
    code, _, err = cli("create", "no", secret, f"--entropy-file={path}", "--words=12")
    assert code == 2
    assert "takes 32 hex digits, and the file has 40" in err
    code, _, err = cli("create", "no", "--watch-only=x", "--words=12")
    assert code == 2
    assert "--words goes with new words" in err


def test_words_are_shown_again(alice: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = f"--passphrase-file={alice.secret}"
    assert "add --yes" in alice.refused("words", "alice", secret)
    code, out, err = alice("words", "alice", secret, "--json")
    assert (code, out) == (1, "")
    assert "add --yes" in err
    found = alice.json("words", "alice", secret, "--yes")
    assert (found["words"], found["kind"]) == (WORDS, "bip84")
    monkeypatch.setattr(sys, "stdin", Terminal("yes\n"))
    code, out, err = alice("words", "alice", secret)
    assert code == 0
    assert "can spend" in err
    assert [word for word in out.split() if word.isalpha()][:12] == WORDS.split()
    monkeypatch.setattr(sys, "stdin", Terminal("no\n"))
    code, out, _ = alice("words", "alice", secret)
    assert (code, out) == (1, "")
    wrong = alice.folder / "wrong"
    wrong.write_text("donkey")
    assert "does not open" in alice.refused("words", "alice", "--yes", f"--passphrase-file={wrong}")
    alice.json("create", "eve", f"--watch-only=addr({FIRST_ADDRESS})")
    assert "only watches" in alice.refused("words", "eve", "--yes", secret)


def test_the_passphrase_is_changed(alice: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    with SqliteStore(file_of(alice, "alice")) as store:
        sealed = Wallet.load(store).source.sealed
    assert sealed is not None
    assert sealed in file_of(alice, "alice").read_bytes()
    new = alice.folder / "new"
    new.write_text("battery staple")
    old = f"--passphrase-file={alice.secret}"
    assert alice.json("passphrase", "alice", old, f"--new-passphrase-file={new}")["changed"]
    for path in file_of(alice, "alice").parent.iterdir():  # Nor is it found by who looks closer.
        assert sealed[30:60] not in path.read_bytes()
    assert "does not open" in alice.refused("words", "alice", old, "--yes")
    opened = alice.json("words", "alice", f"--passphrase-file={new}", "--yes")
    assert opened["words"] == WORDS
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"battery staple\n{PASSPHRASE}\n"))
    assert alice.json("passphrase", "alice", "--passphrase-stdin")["changed"]
    assert alice.json("words", "alice", old, "--yes")["words"] == WORDS
    new.write_text("")
    told = alice.refused("passphrase", "alice", old, f"--new-passphrase-file={new}")
    assert "the new passphrase is empty" in told


def test_a_backup_brings_it_back(alice: Cli) -> None:
    alice("receive", "alice", "--label=rent")
    copies = alice.folder / "copies"
    copies.mkdir()
    assert alice.json("backup", "alice", str(copies))["file"] == str(copies / "alice.sqlite")
    assert [path.name for path in copies.iterdir()] == ["alice.sqlite"]
    assert (copies / "alice.sqlite").stat().st_mode & 0o777 == 0o600
    backup = f"--backup={copies / 'alice.sqlite'}"
    assert "is there already" in alice.refused("backup", "alice", str(copies))
    among = file_of(alice, "alice").with_name("copy")
    assert "among the wallets" in alice.refused("backup", "alice", str(among))
    assert "there is a wallet 'alice' already" in alice.refused("restore", "alice", backup)
    assert alice.json("restore", "again", backup)["kind"] == "bip84"
    listed = alice.json("addresses", "again")
    assert [(each["address"], each["label"]) for each in listed] == [(FIRST_ADDRESS, "rent")]
    opened = alice.json("words", "again", f"--passphrase-file={alice.secret}", "--yes")
    assert opened["words"] == WORDS
    with SqliteStore(file_of(alice, "again")) as store:
        wallet = Wallet.load(store)
        assert has_past(wallet.ledger)  # Addresses may have been given out since.
        assert wallet.ledger.book.gap >= 100
    code, _, err = alice("restore", "third", backup, "--birthday=2024-01-01")
    assert code == 2
    assert "--birthday goes with words" in err


def test_backups_that_are_none(alice: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    alice("backup", "alice", str(alice.folder / "a.sqlite"))
    damaged = bytearray((alice.folder / "a.sqlite").read_bytes())
    at = damaged.index(b"axonseal") + 50
    damaged[at] ^= 1
    (alice.folder / "damaged").write_bytes(damaged)
    (alice.folder / "text").write_text("my words are\n" * 1_000)
    (alice.folder / "empty").touch()
    for name, told in (
        ("missing", "there is no file"),
        ("text", "no copy of a wallet"),
        ("damaged", "or damaged"),
        ("empty", "here is no wallet yet"),
    ):
        assert told in alice.refused("restore", "bob", f"--backup={alice.folder / name}")
        assert not file_of(alice, "bob").parent.exists()
    elsewhere = ["restore", "bob", f"--backup={alice.folder / 'a.sqlite'}"]
    assert main([*elsewhere, "-signet", f"-datadir={alice.folder}", "--offline"]) == 1
    assert "a wallet of regtest: restore it with -chain=regtest" in capsys.readouterr().err


def test_a_restore_that_is_killed_leaves_no_half_of_a_wallet(
    alice: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice("backup", "alice", str(alice.folder / "a.sqlite"))
    with monkeypatch.context() as killed:
        killed.setattr(walletfiles, "_as_restored", lambda *_: (_ for _ in ()).throw(SystemExit(9)))
        killed.setattr(walletfiles, "_tidy", lambda _: None)
        assert alice("restore", "bob", f"--backup={alice.folder / 'a.sqlite'}")[0] == 9
    assert [each["name"] for each in alice.json("list")] == ["alice"]
    assert alice.json("restore", "bob", f"--backup={alice.folder / 'a.sqlite'}")["name"] == "bob"
    assert [path.name for path in file_of(alice, "bob").parent.iterdir()] == [
        ".lock",
        "wallet.sqlite",
    ]


def test_a_wallet_is_renamed(alice: Cli) -> None:
    alice("receive", "alice", "--label=rent")
    alice.restore("bob")
    assert "there is a folder of the name 'bob'" in alice.refused("rename", "alice", "bob")
    assert "no name of a wallet" in alice.refused("rename", "alice", "../bob")
    assert alice.json("rename", "alice", "carol")["name"] == "carol"
    assert [each["name"] for each in alice.json("list")] == ["bob", "carol"]
    assert alice.json("addresses", "carol")[0]["label"] == "rent"
    assert "there is no wallet 'alice'" in alice.refused("rename", "alice", "dave")


def test_a_wallet_is_removed(alice: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = file_of(alice, "alice").parent
    (folder / "notes.txt").write_text("mine")
    assert "add --confirm alice" in alice.refused("remove", "alice")
    assert "nothing was removed" in alice.refused("remove", "alice", "--confirm=bob")
    monkeypatch.setattr(sys, "stdin", Terminal("alice\n"))
    code, out, err = alice("remove", "alice")
    assert code == 0
    assert "Only its words, or a backup" in err
    assert "notes.txt" in out
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    assert alice.json("list") == []
    alice.restore("bob")
    assert alice.json("remove", "bob", "--confirm=bob")["left"] == []
    assert not file_of(alice, "bob").parent.exists()


def test_what_is_in_use_is_neither_renamed_nor_removed(
    alice: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("axon.host.walletclient.IN_USE_S", 0.0)
    with SqliteStore(file_of(alice, "alice")):
        assert "another process has it open" in alice.refused("rename", "alice", "bob")
        assert "another process has it open" in alice.refused("remove", "alice", "--confirm=alice")
    assert [each["name"] for each in alice.json("list")] == ["alice"]


def test_nothing_of_the_words_is_in_the_clear(cli: Cli) -> None:
    words = create(cli, "alice", "--words=24")
    cli("backup", "alice", str(cli.folder / "a.sqlite"))
    for path in (cli.folder / "a.sqlite", file_of(cli, "alice")):
        data = path.read_bytes()
        assert not any(" ".join(words[at : at + 2]).encode() in data for at in range(23))
    assert json.dumps(cli.json("list")).count("alice") == 1
