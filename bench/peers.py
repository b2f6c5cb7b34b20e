"""`make bench-peers`: axon and other programs of the network, each doing the same work in one run.

    python -m bench.peers [--bitcoind PATH] [--blocks N] [--rounds N]

Full nodes take the same chain from the same axon node, in turn: Bitcoin Core (on the PATH, or
named), bcoin (brought by `make interop`), btclib-node (where Python 3.14 is). Light clients sync
the same wallet: BDK's. Who is not here is said to be so. The table is printed, and kept in
bench/results/ under the day and the commit; figures are ratios to axon's, of the same run.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Final

import pytest

from axon.consensus.kernel import default_threads
from axon.machine import Endpoint
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from bench import coldwallet
from bench.chain import INPUTS, BuiltChain, build_chain
from bench.reaching import peak_mb, resident_mb
from bench.syncing import import_apart, wait_until_followed
from bench.table import Row
from tests.interop.foreign import (
    SEGWIT_HEIGHT,
    BcoinProcess,
    BitcoindProcess,
    BtclibProcess,
    ForeignNode,
)

RESULTS: Final = Path(__file__).parent / "results"

BLOCKS: Final = 40
"""Full ones: bcoin checks signatures in JavaScript and needs seconds for each."""

ROUNDS: Final = 3
LIMIT_S: Final = 900.0

_WIDTH: Final = 96
_SIGNALLING: Final = 0x20000003
"""bcoin learns of CSV and segwit on regtest by bits 0 and 1 of three periods of blocks (BIP 9)."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One full sync.

    Args:
        sync_s: from the start of the process to the tip.
        peak_mb: the most memory that was resident.
        idle_mb: resident at the end.
    """

    sync_s: float
    peak_mb: float
    idle_mb: float


@dataclass(slots=True)
class Program:
    """A full node.

    Args:
        name: with its version.
        take: syncs a chain from a server into a new folder.
        runs: what it took, one for each round.
    """

    name: str
    take: Callable[[Path, Endpoint, BuiltChain], Taken]
    runs: list[Taken]


def main(arguments: list[str]) -> int:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(prog="python -m bench.peers")
    parser.add_argument("--bitcoind", metavar="PATH", help="the program (default: on the PATH)")
    parser.add_argument("--blocks", type=int, default=BLOCKS, help="full blocks to sync")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of each program")
    options = parser.parse_args(arguments)
    if options.bitcoind is not None:
        folder = Path(options.bitcoind).absolute().parent
        os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
    programs, missing = _programs()
    chain = build_chain(options.blocks, SEGWIT_HEIGHT + 8, _SIGNALLING)
    _sync_all(programs, chain, options.rounds)
    light = coldwallet.measure(rounds=options.rounds)
    report = "\n".join([*_head(), "", *_table(programs, chain), "", *_light(light), *missing, ""])
    sys.stdout.write(report)
    RESULTS.mkdir(exist_ok=True)
    kept = RESULTS / f"peers-{time.strftime('%Y-%m-%d', time.gmtime())}-{_revision()}.txt"
    kept.write_text(report)
    sys.stderr.write(f"kept in {kept}\n")
    return 0


def _programs() -> tuple[list[Program], list[str]]:
    """Axon and who else is here, and a line for each who is not."""
    programs = [Program(f"axon {version('axon-node')}", _axon, [])]
    missing: list[str] = []
    kinds: list[type[ForeignNode]] = [BitcoindProcess, BtclibProcess, BcoinProcess]
    for kind in kinds:
        try:
            kind.require()
        except pytest.skip.Exception as absent:
            missing.append(f"Not measured: {absent}.")
        else:
            programs.append(Program(_name(kind), _foreign(kind), []))
    return programs, missing


def _name(kind: type[ForeignNode]) -> str:
    if kind is not BitcoindProcess:
        return kind.mark
    said = subprocess.run((kind.require(), "-version"), capture_output=True, text=True, check=True)
    return f"bitcoind {said.stdout.split(maxsplit=5)[4].partition('-')[0]}"


def _sync_all(programs: list[Program], chain: BuiltChain, rounds: int) -> None:
    """Each program in turn, round by round, from one server."""
    with tempfile.TemporaryDirectory(prefix="axon-bench-") as name:
        folder = Path(name)
        import_apart(chain, folder / "server" / "regtest", default_threads())
        with NodeProcess("server", folder / "server", options=("-connect=0",)) as server:
            server.start()
            wait_until_followed(server, chain)
            for _ in range(rounds):
                for program in programs:
                    sys.stderr.write(f"{program.name} syncs ...\n")
                    program.runs.append(program.take(folder / "client", server.p2p, chain))
                    shutil.rmtree(folder / "client", ignore_errors=True)
            server.stop()


def _axon(folder: Path, server: Endpoint, chain: BuiltChain) -> Taken:
    begun = time.perf_counter()
    with NodeProcess("client", folder, options=(f"-connect={server}",)) as client:
        client.start()
        client.rpc("waitforblockheight", chain.height)
        took_s = time.perf_counter() - begun
        assert client.tip() == chain.tip_hex, f"the client is at {client.tip()}"
        wait_until_followed(client, chain)
        assert client.pid is not None, "it runs"
        taken = Taken(took_s, peak_mb(client.pid), resident_mb(client.pid))
        client.stop()
    return taken


def _foreign(kind: type[ForeignNode]) -> Callable[[Path, Endpoint, BuiltChain], Taken]:
    def take(folder: Path, server: Endpoint, chain: BuiltChain) -> Taken:
        begun = time.perf_counter()
        with kind(folder, dials=server) as client:
            wait_until(lambda: client.tip() == chain.tip_hex, LIMIT_S, f"{kind.mark} syncs")
            took_s = time.perf_counter() - begun
            return Taken(took_s, peak_mb(client.pid), resident_mb(client.pid))

    return take


def _table(programs: list[Program], chain: BuiltChain) -> list[str]:
    ours = programs[0].runs
    about = (
        f"Full sync over TCP from an axon node: {chain.height} blocks, {chain.inputs:,} signed "
        f"inputs ({INPUTS:,} a full block), {chain.size_bytes / 1e6:.0f} MB, default options. From "
        "the start of the process to the tip; memory resident; medians of rounds in turn, ratios "
        "to axon of the same round."
    )
    lines = [
        *textwrap.wrap(about, _WIDTH),
        "",
        f"{'program':<24}{'sync':>9}{'ratio':>9}{'peak':>10}{'at the end':>12}",
    ]
    for program in programs:
        ratio = median(
            [run.sync_s / own.sync_s for run, own in zip(program.runs, ours, strict=True)]
        )
        lines.append(
            f"{program.name:<24}{median([run.sync_s for run in program.runs]):>7.1f} s"
            f"{ratio:>7.2f} x"
            f"{median([run.peak_mb for run in program.runs]):>7.0f} MB"
            f"{median([run.idle_mb for run in program.runs]):>9.0f} MB"
        )
    return lines


def _light(row: Row) -> list[str]:
    text = f"Light clients, bdkpython {version('bdkpython')}: {row.what}: {row.found}."
    return textwrap.wrap(" ".join((text, *row.notes)), _WIDTH)


def _head() -> list[str]:
    return [
        f"{time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, commit {_revision()}, Python "
        f"{platform.python_version()}, {platform.system()}, {os.cpu_count()} processors, load "
        f"{os.getloadavg()[0]:.1f} at the end"
    ]


def _revision() -> str:
    said = subprocess.run(
        ("git", "rev-parse", "--short", "HEAD"),
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
    )
    return said.stdout.strip() or "unversioned"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
