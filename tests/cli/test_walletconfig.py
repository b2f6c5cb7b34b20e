"""What the options of wallets mean, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from axon.cli.catalogue import OPTIONS
from axon.cli.nodeconfig import load_node_config
from axon.cli.options import parse_command_line
from axon.errors import ConfigError
from axon.rpc.corewallet.settings import NodeWalletSettings


def wallets(*arguments: str) -> NodeWalletSettings | None:
    line = parse_command_line(("-regtest", *arguments), OPTIONS)
    return load_node_config(line, Path("/nohome")).node.wallets


def test_defaults_are_cores() -> None:
    made = wallets()
    settings_file = Path("/nohome/.axon/regtest/settings.json")
    assert made == NodeWalletSettings(settings_file=settings_file)
    assert wallets("-disablewallet") is None


def test_what_options_mean(tmp_path: Path) -> None:
    made = wallets(
        "-wallet=a",
        "-wallet=b",
        f"-walletdir={tmp_path}",
        "-addresstype=bech32m",
        "-changetype=legacy",
        "-keypool=0",
        "-fallbackfee=0.0002",
        "-mintxfee=0.00002",
        "-maxtxfee=0.5",
        "-txconfirmtarget=2",
        "-walletrbf=0",
        "-spendzeroconfchange=0",
        "-avoidpartialspends",
        "-blocksonly",
    )
    assert made is not None
    assert (made.names, made.folder) == (("a", "b"), tmp_path)
    assert (made.address_type, made.change_type, made.ahead) == ("bech32m", "legacy", 1)
    assert (made.fallback_sat_kvb, made.min_sat_kvb) == (20_000, 2_000)
    assert (made.max_fee_sat, made.confirm_target) == (50_000_000, 2)
    assert (made.replaceable, made.spends_change, made.together) == (False, False, True)
    assert not made.broadcasts


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("-addresstype=foo", "Unknown address type 'foo'"),
        ("-changetype=foo", "Unknown change type 'foo'"),
        ("-walletdir=/nowhere", 'Specified -walletdir "/nowhere" does not exist'),
        ("-walletdir=.", 'Specified -walletdir "." is a relative path'),
        ("-keypool=10001", "at most 10000"),
        ("-fallbackfee=0.2", "set very high"),
        ("-fallbackfee=x", "fallbackfee"),
        ("-maxtxfee=0.00000001", "must be at least the minrelay fee"),
        ("-txconfirmtarget=0", "1 to 1008"),
    ],
)
def test_what_is_refused(option: str, reason: str) -> None:
    with pytest.raises(ConfigError) as refused:
        wallets(option)
    assert reason in str(refused.value)
