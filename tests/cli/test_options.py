"""Command lines, read by bitcoind's rules."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.cli.catalogue import OPTIONS, help_message
from axon.cli.options import (
    Category,
    OptionKind,
    Value,
    as_flag,
    as_int,
    as_text,
    parse_command_line,
    split_command_line,
)
from axon.errors import ConfigError

VECTORS = Path(__file__).parents[1] / "vectors"

# What launchers and test suites made for bitcoind put on its command line.
_LAUNCHER = """
-datadir=/x -conf=/y -regtest -port=1 -rpcport=2 -bind=127.0.0.1 -connect=0 -addnode=a -listen=1
-server -debug -debug=net -debugexclude=libevent -debugexclude=leveldb -debugexclude=rand
-loglevel=trace -logtimemicros -logthreadnames -logsourcelocations -nologratelimit
-uacomment=testnode0 -disablewallet -v2transport=0 -printtoconsole=0 -daemon -daemonwait
-rpcservertimeout=99000 -rpcdoccheck=1 -rpcthreads=2 -fallbackfee=0.0002 -keypool=1 -discover=0
-dnsseed=0 -fixedseeds=0 -listenonion=0 -peertimeout=999999999 -natpmp=0 -shrinkdebugfile=0
-maxconnections=94 -par=2 -mocktime=1 -unsafesqlitesync=1 -nosettings -whitelist=noban@127.0.0.1
-peerbloomfilters=1 -txindex -coinstatsindex -blockfilterindex -peerblockfilters=1
-persistmempool=0 -acceptnonstdtxn=1 -minrelaytxfee=0.00001 -limitclustercount=64
-limitancestorcount=25 -maxtipage=1 -minimumchainwork=0x00 -checkmempool=1
-testactivationheight=csv@5 -vbparams=testdummy:0:1 -deprecatedrpc=x -blocksonly -rest
-txreconciliation -stopatheight=5 -test=addrman -zmqpubrawblock=tcp://127.0.0.1:1 -prune=550
-reindex -reindex-chainstate -assumevalid=0 -asmap -i2psam=127.0.0.1:1 -onion=127.0.0.1:1
-torcontrol=127.0.0.1:1 -startupnotify=x -walletbroadcast=0 -addresstype=bech32 -blockversion=4
-datacarriersize=83 -fastprune -blocksxor=0 -rpcauth=a:b$c -rpcuser=u -rpcpassword=p
-rpccookiefile=c -rpcwhitelist=u:a -rpcwhitelistdefault=0
"""


def parse(*arguments: str) -> dict[str, list[Value]]:
    return parse_command_line(arguments, OPTIONS)


def test_what_launchers_say_is_understood() -> None:
    assert len(parse(*_LAUNCHER.split())) > 80


@pytest.mark.parametrize(
    ("argument", "name", "value"),
    [
        ("-regtest", "regtest", ""),
        ("--regtest", "regtest", ""),
        ("-port=5", "port", "5"),
        ("--port=5", "port", "5"),
        ("-port=", "port", ""),
        ("-conf=a=b", "conf", "a=b"),
        ("-nolisten", "listen", False),
        ("-nolisten=1", "listen", False),
        ("-nolisten=0", "listen", True),
        ("--nolisten", "listen", False),
        ("-networkactive", "networkactive", ""),
        ("-reindex-chainstate", "reindex-chainstate", ""),
    ],
)
def test_one_argument(argument: str, name: str, value: Value) -> None:
    assert parse(argument) == {name: [value]}


def test_all_values_in_their_order() -> None:
    assert parse("-port=1", "-debug=net", "-port=2", "-nodebug", "-debug") == {
        "port": ["1", "2"],
        "debug": ["net", False, ""],
    }


def test_a_value_behind_a_space() -> None:
    assert parse("--chain", "regtest", "--port", "5", "-listen") == {
        "chain": ["regtest"],
        "port": ["5"],
        "listen": [""],
    }
    assert parse("--chain", "-listen") == {"chain": [""], "listen": [""]}
    assert split_command_line(["--regtest", "stop"], OPTIONS) == ({"regtest": [""]}, ["stop"])
    assert split_command_line(["-chain", "stop"], OPTIONS) == ({"chain": [""]}, ["stop"])
    assert split_command_line(["--debug", "net"], OPTIONS) == ({"debug": [""]}, ["net"])


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["-foo"], "Error parsing command line arguments: Invalid parameter -foo"),
        (["--foo=1"], "Error parsing command line arguments: Invalid parameter --foo=1"),
        (["-regtest.port=1"], "Error parsing command line arguments: Invalid parameter -regtest"),
        (["-Port=1"], "Error parsing command line arguments: Invalid parameter -Port=1"),
        (
            ["-nodatadir"],
            "Error parsing command line arguments: "
            "Negating of -datadir is meaningless and therefore forbidden",
        ),
        (
            ["-proxy"],
            "Error parsing command line arguments: Can not set -proxy with no value. "
            "Please specify value with -proxy=value.",
        ),
        (
            ["-includeconf=x"],
            "Error parsing command line arguments: "
            '-includeconf cannot be used from commandline; -includeconf="x"',
        ),
        (
            ["-regtest", "stop"],
            "Command line contains unexpected token 'stop', "
            "see axon node -h for a list of options.",
        ),
        (["-"], "Command line contains unexpected token '-'"),
    ],
)
def test_refusals(arguments: list[str], reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(*arguments)
    assert str(caught.value).startswith(reason)


def test_negated_includeconf_is_fine() -> None:
    assert parse("-noincludeconf") == {"includeconf": [False]}


@pytest.mark.parametrize(
    ("text", "flag", "number"),
    [
        ("", True, 0),
        ("1", True, 1),
        ("0", False, 0),
        ("2", True, 2),
        ("-1", True, -1),
        ("+1", True, 1),
        ("+-1", False, 0),
        (" 7x", True, 7),
        ("true", False, 0),
        ("false", False, 0),
        ("99999999999999999999", True, (1 << 63) - 1),
        ("-99999999999999999999", True, -(1 << 63)),
        (True, True, 1),
        (False, False, 0),
    ],
)
def test_flags_and_numbers(text: Value, flag: bool, number: int) -> None:
    assert as_flag(text) is flag
    assert as_int(text) == number


def test_a_negation_as_text() -> None:
    assert [as_text(value) for value in (True, False, "x")] == ["1", "0", "x"]


@given(st.lists(st.text()))
def test_any_command_line_is_understood_or_refused(arguments: list[str]) -> None:
    with suppress(ConfigError):
        parse(*arguments)


def test_the_help_offers_what_there_is_a_use_for() -> None:
    assert "-proxy=<ip:port>" in help_message()
    assert "-rpcdoccheck" not in help_message()


def test_the_catalogue_is_in_order() -> None:
    assert all(name == option.name for name, option in OPTIONS.items())
    assert not any(name.startswith("no") for name in OPTIONS)
    known = (VECTORS / "core31.99" / "options.txt").read_text().split()
    network_only = [name for name in known if OPTIONS[name].network_only]
    assert network_only == [
        "addnode", "bind", "connect", "port", "rpcbind", "rpcport", "wallet", "walletdir"
    ]  # fmt: skip
    secret = [name for name, option in OPTIONS.items() if option.secret]
    assert sorted(secret) == ["rpcauth", "rpcpassword", "rpcuser", "torpassword"]
    assert OPTIONS["debug"].kind is OptionKind.OPTIONAL


def test_the_help_text_names_what_axon_has_a_use_for() -> None:
    text = help_message()
    for category in Category:
        assert f"{category.value}:\n" in text
    assert "  -port=<port>\n" in text
    assert "  -prune=<n>\n" in text
    assert "  -rpcdoccheck" not in text
    assert max(map(len, text.splitlines())) <= 79
