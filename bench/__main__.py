"""`make bench`: everything measured in one run, one table; exit code 1 if a limit is missed.

    python -m bench [--keep] [--blocks N] [--rounds N] [ROW ...]

Rows are named headers, decoding, payments, relaying, starting, simulating, syncing, transport,
lightheaders, lightstart, matching, coldwallet, walletmemory, failover, swarmstart, lightclients,
fidelity, eclipse, mesh, blockspread, seatfilling, addressflood, asmaps, compactrelay, unspent,
packets, directpay, alarm, electrum, indexing, lookups, longanswers, mainnet, manynodes; without a
name all are measured. `--keep` adds the table to bench/results/table.md.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from axon.primitives.hashes import sha256d
from bench import (
    addressflood,
    alarm,
    asmaps,
    blockspread,
    coldwallet,
    compactrelay,
    decoding,
    directpay,
    eclipse,
    electrumnews,
    failover,
    fidelity,
    headers,
    indexing,
    lightclients,
    lightheaders,
    lightstart,
    longanswers,
    lookups,
    mainnet,
    manynodes,
    matching,
    mesh,
    packets,
    payments,
    relaying,
    seatfilling,
    simulating,
    starting,
    swarmstart,
    syncing,
    transport,
    unspent,
    walletmemory,
)
from bench.table import Row, Skipped, render
from bench.timing import timed

KEPT: Final = Path(__file__).parent / "results" / "table.md"

_ROOT: Final = Path(__file__).parent.parent


def main(arguments: list[str]) -> int:
    """Measure, print, and say by the exit code whether all limits hold."""
    measures: dict[str, Callable[[], Row]] = {
        "headers": headers.measure,
        "decoding": decoding.measure,
        "payments": payments.measure,
        "relaying": relaying.measure,
        "starting": starting.measure,
        "simulating": simulating.measure,
        "manynodes": manynodes.measure,
        "syncing": lambda: syncing.measure(options.blocks, options.rounds),
        "transport": lambda: transport.measure(rounds=options.rounds),
        "lightheaders": lightheaders.measure,
        "lightstart": lightstart.measure,
        "matching": matching.measure,
        "coldwallet": coldwallet.measure,
        "walletmemory": walletmemory.measure,
        "failover": failover.measure,
        "swarmstart": swarmstart.measure,
        "lightclients": lightclients.measure,
        "fidelity": fidelity.measure,
        "eclipse": eclipse.measure,
        "mesh": mesh.measure,
        "blockspread": blockspread.measure,
        "seatfilling": seatfilling.measure,
        "addressflood": addressflood.measure,
        "asmaps": asmaps.measure,
        "compactrelay": compactrelay.measure,
        "unspent": unspent.measure,
        "packets": packets.measure,
        "directpay": directpay.measure,
        "alarm": alarm.measure,
        "electrum": electrumnews.measure,
        "indexing": lambda: indexing.measure(rounds=options.rounds),
        "lookups": lookups.measure,
        "longanswers": longanswers.measure,
        "mainnet": mainnet.measure,
    }
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(measures))
    parser.add_argument("--keep", action="store_true", help=f"add the table to {KEPT.name}")
    parser.add_argument("--blocks", type=int, default=syncing.BLOCKS, help="full blocks to sync")
    parser.add_argument("--rounds", type=int, default=syncing.ROUNDS, help="of the full sync")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.rows if name not in measures]
    if unknown:
        parser.error(f"there is no row {unknown[0]}; rows are {', '.join(measures)}")
    rows: list[Row] = []
    for name in options.rows or measures:
        sys.stderr.write(f"measuring {name} ...\n")
        try:
            rows.append(measures[name]())
        except Skipped as missing:
            rows.append(Row(name, "-", "-", None, [str(missing)]))
    report = f"{_circumstances()}\n\n{render(rows)}\n"
    sys.stdout.write(report)
    if options.keep:
        _keep(report)
    return 1 if any(row.holds is False for row in rows) else 0


def _circumstances() -> str:
    revision = subprocess.run(
        ("git", "rev-parse", "--short", "HEAD"), cwd=_ROOT, capture_output=True, text=True
    ).stdout.strip()
    return (
        f"{time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, axon {revision or 'unversioned'}, "
        f"Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} processors, "
        f"load {os.getloadavg()[0]:.1f} at the end\n"
        f"At the end sha256d of 80 bytes took {_yardstick():.2f} us: limits that are no ratios are "
        "stretched by as much as this machine is slower than theirs."
    )


def _yardstick() -> float:
    """Microseconds of one small piece of work, to compare machines and moments by."""
    data = bytes(80)
    return timed(lambda: [sha256d(data) for _ in range(100_000)]) * 10


def _keep(report: str) -> None:
    title = "# Results\n\nWhat `make bench` printed, latest last.\n"
    before = KEPT.read_text() if KEPT.exists() else title
    KEPT.write_text(f"{before}\n```\n{report}```\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
