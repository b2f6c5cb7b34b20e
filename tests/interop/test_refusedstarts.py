"""Starts that cannot be, which axon refuses as Bitcoin Core does: the same words and code."""

from __future__ import annotations

import io
import os
import subprocess
from contextlib import redirect_stderr
from pathlib import Path
from typing import Final

import pytest

from axon.cli.node import main
from axon.swarm.lab.processes import free_ports
from tests.interop.foreign import BitcoindProcess

pytestmark = pytest.mark.interop

LIMIT_S: Final = 30.0

COMMAND_LINES: Final = """
-foo
--foo=1
-nodatadir
-proxy
-loglevel
-includeconf=x
-upnp=1
-regtest.port=1
-regtest -signet
-regtest -chain=main
-chain=foo
-port=0
-port=70000
-port=x
-rpcport=0
-bind=foo
-bind=127.0.0.1:70000
-bind=127.0.0.1=foo
-bind=127.0.0.1:28100 -bind=127.0.0.1:28100
-bind=127.0.0.1:28100 -whitebind=noban@127.0.0.1:28100
-bind=127.0.0.1:28100 -bind=127.0.0.1:28100=onion
-bind=127.0.0.1 -listen=0
-whitebind=127.0.0.1
-whitebind=foo@127.0.0.1:1
-whitelist=foo@127.0.0.1
-whitelist=in@127.0.0.1
-whitelist=noban@300.0.0.1
-rpcbind=127.0.0.1:99999 -rpcallowip=1.1.1.1
-datadir=/nonexistent
-conf=/nonexistent
-conf=/
-blocksdir=/nonexistent
-debug=foo
-debugexclude=foo
-loglevel=foo
-loglevel=net:foo
-loglevel=a:b:c
-maxconnections=-1
-peertimeout=0
-prune=-1
-prune=2
-prune=549
-prune=550 -txindex
-prune=550 -txospenderindex
-prune=550 -reindex-chainstate
-blockfilterindex=foo
-peerblockfilters -blockfilterindex=0
-forcednsseed -dnsseed=0
-listen=0 -listenonion=1
-onlynet=foo
-onlynet=onion -listenonion=0
-onlynet=i2p -listenonion=0
-onlynet=cjdns
-onlynet=onion -dnsseed=1
-proxy=foo:bar
-proxy=127.0.0.1=foo
-proxy=127.0.0.1:1=
-onion=foo:bar
-i2psam=foo:bar
-torcontrol=foo:bar
-externalip=foo
-uacomment=a/b
-minrelaytxfee=foo
-minrelaytxfee=-1
-minrelaytxfee=0.000000001
-incrementalrelayfee=x
-dustrelayfee=x
-blockmintxfee=x
-blockmaxweight=5000000
-blockreservedweight=5000000
-blockreservedweight=1
-limitclustercount=65
-maxmempool=1
-minimumchainwork=xy
-assumevalid=xy
-maxuploadtarget=x
-acceptnonstdtxn -chain=main
-acceptstalefeeestimates -chain=main
-test=addrman -chain=main
-privatebroadcast -connect=1.1.1.1 -listenonion=1
-walletdir=/nonexistent
"""

FILES: Final = (
    "regtest=1\nport=1",
    "regtest=1\nconnect=1.1.1.1\naddnode=1.1.1.1",
    "-x=1",
    "x",
    "nox",
    "rpcpassword=a#b",
    "conf=x",
    "includeconf=nope.conf",
    "regtest=1\nsignet=1",
    "chain=foo",
    "regtest=1\n[regtest]\nport=x",
    "proxy",
    "nodatadir=1",
)

STORED: Final = ("{", "[]", '{"a":1,"a":2}', '{"port":"x"}')


def refusal(folder: Path, *arguments: str) -> tuple[int, str]:
    """Exit code, and what axon says."""
    said = io.StringIO()
    with redirect_stderr(said):
        code = main([f"-datadir={folder}", *arguments], folder)
    return code, said.getvalue().rstrip()


def core_refusal(folder: Path, *arguments: str) -> tuple[int, str]:
    """The same of Bitcoin Core."""
    done = subprocess.run(
        [str(BitcoindProcess.require()), f"-datadir={folder}", *arguments],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        env=os.environ | {"HOME": str(folder)},
    )
    return done.returncode, done.stderr.replace("bitcoind -h", "axon node -h").rstrip()


@pytest.mark.parametrize("line", COMMAND_LINES.split("\n")[1:-1])
def test_a_command_line(tmp_path: Path, line: str) -> None:
    arguments = ["-connect=0", "-listenonion=0", "-printtoconsole=0", *line.split()]
    if any(word.startswith(("-onlynet", "-listen=0", "-privatebroadcast")) for word in arguments):
        del arguments[:2]
    if not any(word.startswith(("-chain", "-signet", "-regtest")) for word in line.split()):
        arguments.append("-regtest")
    if "rpcport" not in line:
        arguments.append(f"-rpcport={free_ports(1)[0]}")
    assert refusal(tmp_path, *arguments) == core_refusal(tmp_path, *arguments)


@pytest.mark.parametrize("text", FILES)
def test_a_configuration_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "bitcoin.conf").write_text(f"{text}\n")
    quiet = ["-listenonion=0", "-printtoconsole=0", f"-rpcport={free_ports(1)[0]}"]
    assert refusal(tmp_path, *quiet) == core_refusal(tmp_path, *quiet)


@pytest.mark.parametrize("text", STORED)
def test_a_settings_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "regtest").mkdir()
    (tmp_path / "regtest" / "settings.json").write_text(text)
    quiet = ["-regtest", "-listenonion=0", "-printtoconsole=0", f"-rpcport={free_ports(1)[0]}"]
    assert refusal(tmp_path, *quiet) == core_refusal(tmp_path, *quiet)


def test_a_token_among_options_and_a_file_that_nobody_reads(tmp_path: Path) -> None:
    assert refusal(tmp_path, "-regtest", "stop") == core_refusal(tmp_path, "-regtest", "stop")
    other = tmp_path / "other"
    other.mkdir()
    (other / "bitcoin.conf").write_text("")
    (tmp_path / "bitcoin.conf").write_text(f"datadir={other}\n")
    named = ["-regtest", f"-conf={tmp_path / 'bitcoin.conf'}", f"-datadir={other}"]
    assert refusal(tmp_path, *named) == core_refusal(tmp_path, *named)
