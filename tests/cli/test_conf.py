"""bitcoin.conf and its rank beside the command line, by Core's rules."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.cli.catalogue import OPTIONS
from axon.cli.conf import ConfLine, Settings, load_settings, parse_conf
from axon.cli.options import parse_command_line
from axon.errors import ConfigError


def load(tmp_path: Path, conf: str, *arguments: str) -> Settings:
    (tmp_path / "bitcoin.conf").write_text(conf)
    command_line = parse_command_line([f"-datadir={tmp_path}", *arguments], OPTIONS)
    settings, _ = load_settings(OPTIONS, command_line, tmp_path / "nohome")
    return settings


def refusal(tmp_path: Path, conf: str, *arguments: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, conf, *arguments).refuse_misplaced()
    return str(caught.value)


def test_lines() -> None:
    settings, sections = parse_conf(
        "# a comment\n\n  port = 5 # five\n[regtest]\nlisten=\r\nmain.port=7\n[x y]\n"
    )
    assert settings == [
        ConfLine("port", "5"),
        ConfLine("regtest.listen", ""),
        ConfLine("regtest.main.port", "7"),
    ]
    assert sections == [("regtest", 4), ("regtest.main", 6), ("x y", 7)]


@pytest.mark.parametrize(
    ("conf", "reason"),
    [
        ("a=1\n\nport", "parse error on line 3: port"),
        (
            "nolisten",
            "parse error on line 1: nolisten, if you intended to specify a negated option, "
            "use nolisten=1 instead",
        ),
        (
            "-port=1",
            "parse error on line 1: -port=1, "
            "options in configuration file must be specified without leading -",
        ),
        (
            "rpcpassword=a#b",
            "parse error on line 1, using # in rpcpassword can be ambiguous and should be avoided",
        ),
        (
            "conf=x",
            "conf cannot be set in the configuration file; "
            "use includeconf= if you want to include additional config files",
        ),
        ("nodatadir=1", "Negating of -datadir is meaningless and therefore forbidden"),
        ("includeconf=missing", "Failed to include configuration file missing"),
    ],
)
def test_refused_files(tmp_path: Path, conf: str, reason: str) -> None:
    assert refusal(tmp_path, conf) == f"Error reading configuration file: {reason}"


@given(st.text())
def test_any_file_is_understood_or_refused(text: str) -> None:
    settings = Settings(OPTIONS)
    with suppress(ConfigError):
        settings.add_conf(text, "file")


def test_a_typical_launcher(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        "regtest=1\n[regtest]\nport=1\nrpcport=2\nconnect=0\nlisten=1\nprinttoconsole=0\n"
        "[main]\nport=3\n",
    )
    assert settings.chain == "regtest"
    assert settings.number("port", 0) == 1
    assert settings.number("rpcport", 0) == 2
    assert settings.values("connect") == ["0"]
    assert settings.flag("printtoconsole", True) is False
    assert settings.warnings == []


@pytest.mark.parametrize(
    ("conf", "arguments", "value"),
    [
        ("dbcache=1\ndbcache=2", [], "1"),  # In a file the first counts,
        ("", ["-dbcache=1", "-dbcache=2"], "2"),  # on the command line the last.
        ("dbcache=1\n[regtest]\ndbcache=2", ["-regtest"], "2"),
        ("dbcache=1\n[regtest]\ndbcache=2", [], "1"),
        ("dbcache=1\n[regtest]\ndbcache=2", ["-regtest", "-dbcache=3"], "3"),
        ("regtest.dbcache=2\n", ["-regtest"], "2"),
        ("dbcache=1", ["-nodbcache"], "0"),
        ("nodbcache=1\ndbcache=5", [], "5"),
        ("dbcache=5\nnodbcache=1", [], "0"),
        ("port=1", [], "1"),
        ("port=1", ["-regtest", "-port=2"], "2"),
        ("port=1\n[regtest]\nport=2", ["-regtest"], "2"),
        ("noconnect=1", ["-regtest"], None),
    ],
)
def test_rank(tmp_path: Path, conf: str, arguments: Sequence[str], value: str | None) -> None:
    settings = load(tmp_path, conf, *arguments)
    name = "port" if "port=" in conf and "dbcache" not in conf else "dbcache"
    if value is None:
        assert settings.is_negated("connect")
    else:
        assert settings.text(name) == value


@pytest.mark.parametrize(
    ("conf", "arguments", "values"),
    [
        ("debug=a\ndebug=b", ["-debug=c"], ["c", "a", "b"]),
        ("debug=a\n[regtest]\ndebug=b", ["-regtest", "-debug=c"], ["c", "b", "a"]),
        ("debug=a", ["-nodebug"], []),
        ("debug=a", ["-debug=b", "-nodebug"], []),
        ("debug=a", ["-debug=b", "-nodebug", "-debug=c"], ["c", "a"]),  # Back from the dead.
        ("debug=a\nnodebug=1\ndebug=b", [], ["b"]),
        ("debug=a\n[regtest]\nnodebug=1", ["-regtest"], []),
        ("[main]\naddnode=a\n[regtest]\naddnode=b", ["-regtest"], ["b"]),
    ],
)
def test_lists(tmp_path: Path, conf: str, arguments: Sequence[str], values: list[str]) -> None:
    name = "addnode" if "addnode" in conf else "debug"
    assert load(tmp_path, conf, *arguments).values(name) == values


@pytest.mark.parametrize(
    ("conf", "arguments", "chain"),
    [
        ("", [], "main"),
        ("", ["-chain=main"], "main"),
        ("", ["-chain=test"], "test"),
        ("", ["-testnet"], "test"),
        ("", ["-testnet4"], "testnet4"),
        ("", ["-signet"], "signet"),
        ("chain=regtest", [], "regtest"),
        ("regtest=1", [], "regtest"),
        ("regtest=0\nregtest=1", [], "regtest"),
        ("regtest=1", ["-noregtest"], "regtest"),  # As Core has it.
        ("regtest=0", ["-regtest"], "regtest"),
        ("", ["-regtest=0"], "main"),
        ("[regtest]\nregtest=1", [], "main"),
    ],
)
def test_chain(tmp_path: Path, conf: str, arguments: Sequence[str], chain: str) -> None:
    assert load(tmp_path, conf, *arguments).chain == chain


def test_chains_that_exclude_each_other(tmp_path: Path) -> None:
    sentence = (
        "Invalid combination of -regtest, -signet, -testnet, -testnet4 and -chain. "
        "Can use at most one."
    )
    assert refusal(tmp_path, "", "-regtest", "-signet") == sentence
    assert refusal(tmp_path, "", "-regtest", "-chain=regtest") == sentence
    assert sentence in refusal(tmp_path, "testnet=1", "-regtest")
    assert refusal(tmp_path, "", "-chain=nope") == "Unknown chain nope."


def test_network_only_options_outside_of_a_section(tmp_path: Path) -> None:
    assert refusal(tmp_path, "regtest=1\nport=1\nconnect=a") == (
        "Config setting for -connect only applied on regtest network when in [regtest] section.\n"
        "Config setting for -port only applied on regtest network when in [regtest] section."
    )
    assert load(tmp_path, "port=1").number("port", 0) == 1


def test_unknown_settings_and_sections_are_told_and_passed_over(tmp_path: Path) -> None:
    settings = load(tmp_path, "foo=1\n[testnet9]\nbar=1\n")
    assert settings.warnings == [
        "Ignoring unknown configuration value foo",
        "Ignoring unknown configuration value testnet9.bar",
    ]
    assert settings.notices == [f"{tmp_path}/bitcoin.conf:2 Section [testnet9] is not recognized."]


def test_included_files(tmp_path: Path) -> None:
    (tmp_path / "a.conf").write_text("debug=a\n[regtest]\nport=5\n")
    (tmp_path / "b.conf").write_text("debug=b\nincludeconf=c.conf\n")
    conf = "regtest=1\ndebug=main\nincludeconf=a.conf\n[regtest]\nincludeconf=b.conf\n"
    settings = load(tmp_path, conf)
    assert settings.values("debug") == ["main", "b", "a"]
    assert settings.number("port", 0) == 5
    assert settings.notices == [
        "-includeconf cannot be used from included files; ignoring -includeconf=c.conf"
    ]
    assert load(tmp_path, conf, "-noincludeconf").values("debug") == ["main"]


def test_another_file(tmp_path: Path) -> None:
    (tmp_path / "other.conf").write_text("dbcache=9")
    assert load(tmp_path, "dbcache=1", "-conf=other.conf").number("dbcache", 0) == 9
    assert load(tmp_path, "dbcache=1", f"-conf={tmp_path}/other.conf").number("dbcache", 0) == 9
    assert load(tmp_path, "dbcache=1", "-noconf").number("dbcache", 0) == 0
    assert "could not be opened" in refusal(tmp_path, "", "-conf=missing.conf")
    assert "is a directory" in refusal(tmp_path, "", f"-conf={tmp_path}")


def test_the_data_directory(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r'^Specified data directory "/no/x" does not exist\.$'):
        load_settings(OPTIONS, {"datadir": ["/no/x"]}, tmp_path)
    assert load_settings(OPTIONS, {}, tmp_path)[1] == tmp_path / ".axon"
    (tmp_path / ".axon").mkdir()
    (tmp_path / ".axon" / "bitcoin.conf").write_text(f"datadir={tmp_path}\ndbcache=7\n")
    settings, datadir = load_settings(OPTIONS, {}, tmp_path)
    assert (datadir, settings.number("dbcache", 0)) == (tmp_path, 7)


def test_a_data_directory_that_only_the_file_names(tmp_path: Path) -> None:
    (tmp_path / "x.conf").write_text("datadir=/no/such")
    with pytest.raises(ConfigError) as caught:
        load_settings(OPTIONS, {"conf": [f"{tmp_path}/x.conf"]}, tmp_path)
    assert str(caught.value) == (
        'Error reading configuration file: specified data directory "/no/such" does not exist.'
    )


def test_what_was_set_is_told_without_secrets(tmp_path: Path) -> None:
    settings = load(tmp_path, "[regtest]\nrpcpassword=open-sesame\n", "-regtest", "-nolisten")
    assert settings.told()[0] == "Config file arg: [regtest] rpcpassword=****"
    assert settings.told()[-1] == "Command-line arg: listen=false"
    assert "open-sesame" not in repr(settings)
