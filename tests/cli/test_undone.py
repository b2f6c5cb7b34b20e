"""Options that are not done: which values pass, which are warned of, which end the start."""

from __future__ import annotations

from pathlib import Path

import pytest

from axon.cli.catalogue import OPTIONS
from axon.cli.nodeconfig import NodeConfig, load_node_config
from axon.cli.options import parse_command_line
from axon.cli.undone import UNDONE, Fate
from axon.errors import ConfigError


def config(*arguments: str) -> NodeConfig:
    return load_node_config(parse_command_line(arguments, OPTIONS), Path("/nohome"))


def test_what_launchers_write_without_a_thought_passes_in_silence() -> None:
    made = config(
        "-regtest", "-keypool=1", "-fallbackfee=0.0002", "-natpmp=0", "-rpcdoccheck",
        "-shrinkdebugfile=0", "-unsafesqlitesync=1", "-nologratelimit", "-checkmempool", "-rest=0",
        "-txreconciliation=0", "-nowallet", "-walletbroadcast=0", "-checkblocks=6", "-checklevel=3",
        "-maxsendbuffer=1000", "-capturemessages=0", "-test=", "-zmqpubrawblock=", "-disablewallet",
        "-assumevalid=0", "-blocksxor=0",
    )  # fmt: skip
    assert made.notices == ()
    assert made.node.warnings == ()


def test_a_warning_is_for_the_caller_and_for_callers_of_the_node() -> None:
    made = config("-regtest", "-natpmp", "-checkpoints=0", "-assumevalid=0xab")
    assert made.notices == made.node.warnings
    assert made.notices == (
        "Option '-natpmp' is set but not done: forward the port in the router by hand. This option "
        "has no effect.",
        "Option '-checkpoints' is set but checkpoints were removed. This option has no effect.",
        "Option '-assumevalid' is set but not done: libbitcoinkernel goes by the block that is "
        "built into it. This option has no effect.",
    )


@pytest.mark.parametrize("name", list(UNDONE))
def test_every_option_that_is_not_done_has_its_way(name: str) -> None:
    undone = UNDONE[name]
    assert undone.reason
    command_line = ("-regtest", f"-{name}=7")
    match undone.fate:
        case Fate.SILENT:
            assert config(*command_line).notices == ()
        case Fate.WARNED:
            (notice,) = config(*command_line).notices
            assert f"'-{name}'" in notice
            assert undone.reason in notice
        case Fate.REFUSED:
            with pytest.raises(ConfigError, match=f"^-{name}=7 is not done: .*Start without it.$"):
                config(*command_line)


@pytest.mark.parametrize("name", [name for name, undone in UNDONE.items() if undone.passing])
def test_values_that_ask_for_nothing_pass(name: str) -> None:
    written = {"off": "0", "none": ""}
    passing = [written.get(each, each) for each in UNDONE[name].passing]
    for value in passing:
        assert config("-regtest", f"-{name}={value}").notices == ()


def test_scripts_cannot_all_be_checked_where_the_kernel_skips_some() -> None:
    with pytest.raises(ConfigError, match="-assumevalid=0 is not done"):
        config("-assumevalid=0")
    with pytest.raises(ConfigError, match=r"Invalid assumevalid block hash specified \(xy\)"):
        config("-regtest", "-assumevalid=xy")
