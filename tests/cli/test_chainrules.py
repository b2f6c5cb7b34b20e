"""Networks made to order, by options."""

from __future__ import annotations

from pathlib import Path

import pytest

from axon.cli.catalogue import OPTIONS
from axon.cli.nodeconfig import load_node_config
from axon.cli.options import parse_command_line
from axon.errors import ConfigError
from axon.primitives.network import MAINNET, REGTEST, SIGNET, Network


def network(*arguments: str) -> Network:
    return load_node_config(parse_command_line(arguments, OPTIONS), Path("/nohome")).node.network


def test_networks_are_as_they_are() -> None:
    assert network() is MAINNET
    assert network("-signet") is SIGNET
    assert SIGNET.signet_challenge is not None
    assert network("-signet", f"-signetchallenge={SIGNET.signet_challenge.hex()}") is SIGNET
    assert network("-regtest") == REGTEST
    assert network("-signetchallenge=51", "-testactivationheight=csv@5", "-vbparams=x") is MAINNET


def test_another_signet() -> None:
    made = network("-signet", "-signetchallenge=51", "-signetseednode=nodes.example")
    assert made.signet_challenge == b"\x51"
    assert made.magic.hex() == "54d26fbd"
    assert (made.name, made.folder, made.port) == ("signet", "signet", 38333)
    assert (made.minimum_chainwork, made.dns_seeds, made.fixed_seeds) == (0, (), ())
    assert network("-signet", "-signetchallenge=").signet_challenge == b""


def test_other_heights() -> None:
    every = ("bip34@3", "cltv@5", "csv@6", "dersig@4", "segwit@7", "segwit@8")
    made = network("-regtest", *(f"-testactivationheight={each}" for each in every))
    heights = (made.bip34_height, made.bip66_height, made.bip65_height)
    assert heights == (3, 4, 5)
    assert (made.csv_height, made.segwit_height) == (6, 8)
    assert (made.has_segwit(7), made.has_segwit(8)) == (False, True)


def test_another_test_deployment() -> None:
    assert network("-regtest", "-vbparams=testdummy:1:2").testdummy == (1, 2, 0)
    assert network("-regtest", "-vbparams=testdummy:-1:2:288").testdummy == (-1, 2, 288)
    assert network("-regtest", "-vbparams=testdummy:-2:0").testdummy is None


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("-signetchallenge=5", "-signetchallenge must be hex, not '5'."),
        ("-signetchallenge=5 1", "-signetchallenge must be hex, not '5 1'."),
        (f"-signetchallenge={'51' * 10_001}", "-signetchallenge is longer than 10,000 bytes."),
    ],
)
def test_challenges_that_are_none(argument: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        network("-signet", argument)
    assert str(caught.value) == said


def test_two_challenges() -> None:
    with pytest.raises(ConfigError, match="-signetchallenge cannot be multiple values"):
        network("-signet", "-signetchallenge=51", "-signetchallenge=52")


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ("testactivationheight=segwit", "Invalid format (segwit)"),
        ("testactivationheight=segwit@", "Invalid height value (segwit@)"),
        ("testactivationheight=segwit@-1", "Invalid height value (segwit@-1)"),
        ("testactivationheight=segwit@+1", "Invalid height value (segwit@+1)"),
        ("testactivationheight=csv@2147483647", "Invalid height value (csv@2147483647)"),
        ("testactivationheight=taproot@1", "Invalid name (taproot@1)"),
        ("vbparams=testdummy:1", "Version bits parameters malformed"),
        ("vbparams=testdummy:1:2:3:4", "Version bits parameters malformed"),
        ("vbparams=testdummy:y:1", "Invalid nStartTime (y)"),
        ("vbparams=testdummy:1:x", "Invalid nTimeout (x)"),
        ("vbparams=testdummy:1:9223372036854775808", "Invalid nTimeout (9223372036854775808)"),
        ("vbparams=testdummy:1:2:z", "Invalid min_activation_height (z)"),
        ("vbparams=taproot:1:2", "Invalid deployment (taproot)"),
    ],
)
def test_rules_that_are_none(argument: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        network("-regtest", f"-{argument}")
    assert str(caught.value).startswith(said)
