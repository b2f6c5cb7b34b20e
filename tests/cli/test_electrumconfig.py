"""Where the Electrum server listens, as the command line says."""

from __future__ import annotations

from pathlib import Path

import pytest

from axon.cli.catalogue import OPTIONS
from axon.cli.nodeconfig import NodeConfig, load_node_config
from axon.cli.options import parse_command_line
from axon.errors import ConfigError


def made(tmp_path: Path, *arguments: str) -> NodeConfig:
    """The configuration of a node on regtest unless the arguments say otherwise."""
    chain = () if any("chain" in each for each in arguments) else ("-regtest",)
    line = [f"-datadir={tmp_path}", *chain, *arguments]
    return load_node_config(parse_command_line(line, OPTIONS), tmp_path)


@pytest.mark.parametrize(
    ("arguments", "plain", "tls"),
    [
        (["-electrum"], ["127.0.0.1:51001"], []),
        (["-chain=main", "-electrum"], ["127.0.0.1:50001"], []),
        (["-electrum=1"], ["127.0.0.1:51001"], []),
        (["-electrum=[::1]"], ["[::1]:51001"], []),
        (["-electrum=127.0.0.1:7", "-electrum=[::1]:8"], ["127.0.0.1:7", "[::1]:8"], []),
        (["-electrum", "-electrum=127.0.0.1:51001"], ["127.0.0.1:51001"], []),
        (["-electrumtls"], [], ["127.0.0.1:51002"]),
        (["-electrum", "-electrumtls=10.0.0.1"], ["127.0.0.1:51001"], ["10.0.0.1:51002"]),
    ],
)
def test_where_it_listens(
    tmp_path: Path, arguments: list[str], plain: list[str], tls: list[str]
) -> None:
    config = made(tmp_path, *arguments)
    electrum = config.node.electrum
    assert electrum is not None
    assert list(map(str, electrum.plain)) == plain
    assert list(map(str, electrum.tls)) == tls
    assert not [each for each in config.warnings if "electrum" in each]


@pytest.mark.parametrize("arguments", [[], ["-electrum=0"], ["-noelectrum"], ["-electrumtls=0"]])
def test_there_is_none_unless_it_is_asked_for(tmp_path: Path, arguments: list[str]) -> None:
    assert made(tmp_path, *arguments).node.electrum is None


def test_the_certificate_lies_beside_the_chain_unless_its_path_is_whole(tmp_path: Path) -> None:
    electrum = made(tmp_path, "-electrumtls", "-electrumcert=c.pem", "-electrumkey=/k.pem")
    assert electrum.node.electrum is not None
    assert electrum.node.electrum.certificate == tmp_path / "regtest" / "c.pem"
    assert electrum.node.electrum.key == Path("/k.pem")


def test_without_encryption_and_open_to_others_it_is_warned_of(tmp_path: Path) -> None:
    warnings = made(tmp_path, "-electrum=10.0.0.1").warnings
    assert [each for each in warnings if "without encryption" in each]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["-electrum", "-prune=1"], "Prune mode is incompatible with -electrum"),
        (["-electrumtls", "-prune=550"], "Prune mode is incompatible with -electrum"),
        (["-electrum", "-electrumcert=a"], "for -electrumtls"),
        (["-electrumtls", "-electrumkey=a"], "needs -electrumcert"),
        (["-electrum=nobody.invalid"], "Cannot resolve -electrum address"),
    ],
)
def test_what_does_not_fit_ends_the_start(tmp_path: Path, arguments: list[str], text: str) -> None:
    with pytest.raises(ConfigError, match=text):
        made(tmp_path, *arguments)
