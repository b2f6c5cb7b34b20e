"""How command lines of `axon wallet` are read."""

from __future__ import annotations

from pathlib import Path

import pytest

from axon.cli.arguments import UsageError
from axon.cli.walletoptions import (
    STALL_S,
    AddCommand,
    WalletOptions,
    read_options,
    wallet_parser,
)
from axon.errors import ConfigError
from axon.machine import Endpoint
from axon.payments.partneraddress import DEFAULT_PORT, PartnerAddress
from axon.primitives.keys import x_only_key
from axon.primitives.network import MAINNET, REGTEST, SIGNET


def nothing(_options: WalletOptions) -> int:
    return 0


def add_commands(add: AddCommand) -> None:
    add("look", nothing, "look")
    add("all", nothing, "all", named=False)
    add("one", nothing, "one").add_argument("id", nargs="?")


def read(home: Path, *words: str) -> WalletOptions:
    return read_options(wallet_parser([add_commands]), words, home)


def test_where_and_which(tmp_path: Path) -> None:
    options = read(tmp_path, "look", "alice")
    assert options.light.network is MAINNET
    assert options.light.wallet_folder(options.name) == tmp_path / ".axon" / "wallets" / "alice"
    assert (options.light.connect, options.light.added) == (None, ())
    assert not options.as_json
    assert not options.offline
    assert (options.stall_s, options.log) == (STALL_S, None)


def test_partners_are_named_as_a_wallet_that_serves_prints_them(tmp_path: Path) -> None:
    key = x_only_key((1).to_bytes(32, "big"))
    named = [f"--partner={key.hex()}@10.0.0.1:7", "-partner", f"{key.hex()}@[2001:db8::1]"]
    options = read(tmp_path, "look", "alice", *named)
    assert options.light.partners == (
        PartnerAddress(key, Endpoint("10.0.0.1", 7)),
        PartnerAddress(key, Endpoint("2001:db8::1", DEFAULT_PORT)),
    )
    assert read(tmp_path, "look", "alice").light.partners == ()
    with pytest.raises(UsageError, match="no KEY@HOST:PORT of a wallet"):
        read(tmp_path, "look", "alice", "--partner=10.0.0.1:7")
    with pytest.raises(UsageError, match="at most 8 times"):
        read(tmp_path, "look", "alice", *named[:1] * 9)


@pytest.mark.parametrize(
    "words",
    [
        ["-regtest", "look", "alice", "--json"],
        ["look", "-json", "--regtest", "alice"],
        ["look", "alice", "-chain=regtest", "--json"],
        ["--chain", "regtest", "look", "alice", "--json"],
    ],
)
def test_options_stand_anywhere(tmp_path: Path, words: list[str]) -> None:
    options = read(tmp_path, *words)
    assert (options.light.network, options.name, options.as_json) == (REGTEST, "alice", True)
    assert options.light.folder == tmp_path / ".axon" / "regtest"


@pytest.mark.parametrize(
    "words",
    [["one", "alice", "abc", "--json"], ["one", "alice", "--json", "abc"], ["one", "alice", "abc"]],
)
def test_what_may_be_left_out_stands_behind_options_too(tmp_path: Path, words: list[str]) -> None:
    assert read(tmp_path, *words).arguments.id == "abc"
    for wrong in (["--odd"], ["abc", "abc"]):
        with pytest.raises(UsageError, match="unrecognized"):
            read(tmp_path, "one", "alice", "--json", *wrong)


def test_whom_to_dial(tmp_path: Path) -> None:
    words = ["-connect=127.0.0.1:7", "-connect=[::1]:8", "-addnode=node.example", "-dnsseed=0"]
    light = read(tmp_path, "look", "alice", "-signet", "-lab", *words).light
    assert light.connect == (Endpoint("127.0.0.1", 7), Endpoint("::1", 8))
    assert light.added == (Endpoint("node.example", SIGNET.port),)
    assert (light.dns_seed, light.lab, light.offline) == (False, True, False)
    assert read(tmp_path, "look", "alice", "--offline").offline


def test_the_configuration_file_says_where_and_whom_to_dial(tmp_path: Path) -> None:
    (tmp_path / "bitcoin.conf").write_text(
        "signet=1\n[signet]\nconnect=10.0.0.1\nconnect=10.0.0.2:7\naddnode=10.0.0.3\ndebug=net\n"
        "[main]\nconnect=10.0.0.4\n"
    )
    options = read(tmp_path, "look", "alice", f"-datadir={tmp_path}")
    assert options.light.network is SIGNET
    assert options.light.connect == (Endpoint("10.0.0.1", SIGNET.port), Endpoint("10.0.0.2", 7))
    assert options.light.added == (Endpoint("10.0.0.3", SIGNET.port),)
    assert options.log is None
    other = read(tmp_path, "look", "alice", f"-datadir={tmp_path}", "-signetchallenge=51").light
    assert other.network.signet_challenge == b"\x51"
    words = ["look", "alice", f"-datadir={tmp_path}", "-connect=::1", "-addnode=10.0.0.5:7"]
    light = read(tmp_path, *words).light
    assert light.connect == (Endpoint("::1", SIGNET.port),)
    assert light.added == (Endpoint("10.0.0.5", 7), Endpoint("10.0.0.3", SIGNET.port))


def test_what_the_file_says_in_vain_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bitcoin.conf").write_text("foo=1\n[regtst]\nconect=10.0.0.1\n")
    read(tmp_path, "look", "alice", f"-datadir={tmp_path}")
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "Ignoring unknown configuration value foo."
    assert any("Section [regtst] is not recognized." in line for line in said)
    assert not any(line.endswith("..") for line in said)


def test_a_node_that_dials_nobody_is_no_wallet_that_does(tmp_path: Path) -> None:
    (tmp_path / "bitcoin.conf").write_text("connect=0\n")
    assert read(tmp_path, "look", "alice", f"-datadir={tmp_path}").light.connect is None


def test_a_file_may_say_that_nobody_is_dialled_on_regtest(tmp_path: Path) -> None:
    (tmp_path / "bitcoin.conf").write_text("[regtest]\nconnect=0\n")
    options = read(tmp_path, "look", "alice", "-regtest", f"-datadir={tmp_path}")
    assert options.light.connect is None


def test_on_regtest_the_node_of_this_machine_is_dialled(tmp_path: Path) -> None:
    here = (Endpoint("127.0.0.1", REGTEST.port),)
    assert read(tmp_path, "look", "alice", "-regtest").light.connect == here
    for words in (["-lab"], ["-addnode=10.0.0.1"], ["-chain=signet"]):
        chain = [] if words[0].startswith("-chain") else ["-regtest"]
        assert read(tmp_path, "look", "alice", *chain, *words).light.connect is None


@pytest.mark.parametrize("word", ["-debug", "--debug", "-debug=net"])
def test_the_log_is_in_the_folder_of_the_wallet(tmp_path: Path, word: str) -> None:
    log = read(tmp_path, word, "look", "alice").log
    assert log is not None
    assert log.file == tmp_path / ".axon" / "wallets" / "alice" / "debug.log"
    assert not log.console
    assert "net" in log.categories
    assert ("mempool" in log.categories) == (word != "-debug=net")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "required: COMMAND"),
        (["frob"], "there is no command 'frob'"),
        (["look"], "required: NAME"),
        (["look", "alice", "bob"], "unrecognized arguments: bob"),
        (["look", "alice", "--jso"], "unrecognized arguments: --jso: did you mean --json?"),
        (["look", "../alice"], "is no name of a wallet"),
        (["look", ".alice"], "is no name of a wallet"),
        (["look", "a" * 65], "is no name of a wallet"),
        (["look", ""], "is no name of a wallet"),
        (["look", "alice", "--timeout=x"], "no number of seconds"),
        (["look", "alice", "--timeout=-1"], "no number of seconds"),
    ],
)
def test_a_wrong_call(tmp_path: Path, words: list[str], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        read(tmp_path, *words)


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("-chain=moon", "Unknown chain moon"),
        ("-datadir=/no/such/folder", "does not exist"),
        ("-connect=:7", "Cannot resolve -connect"),
        ("-connect=a:b", "Invalid port"),
        ("-debug=nonsense", "Unsupported logging category"),
    ],
)
def test_a_value_that_is_none(tmp_path: Path, word: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        read(tmp_path, "look", "alice", word)


def test_two_networks_are_one_too_many(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at most one"):
        read(tmp_path, "-regtest", "all", "-signet")
