"""`make attack`: every attack on a node or a wallet, one table; exit code 1 if a bound breaks."""

from __future__ import annotations

import argparse
import fnmatch
import resource
import sys
import time

from attacks import (
    answers,
    blocks,
    callers,
    floods,
    liars,
    seats,
    transactions,
    walletcrowds,
    walletpayees,
    walletpayers,
    walletservers,
)
from attacks.attack import Attack, Outcome, measure
from attacks.probe import percentile
from attacks.walletattack import measure_wallet

ATTACKS = {
    attack.name: attack
    for attack in (
        Attack("calm", lambda _node, seconds: time.sleep(seconds)),  # What the machine itself does.
        *floods.ATTACKS,
        *transactions.ATTACKS,
        *answers.ATTACKS,
        *seats.ATTACKS,
        *blocks.ATTACKS,
        *liars.ATTACKS,
        *callers.ATTACKS,
        *walletservers.ATTACKS,
    )
}
WALLET_ATTACKS = {
    attack.name: attack
    for attack in (*walletcrowds.ATTACKS, *walletpayers.ATTACKS, *walletpayees.ATTACKS)
}
SECONDS = 6.0


def main(arguments: list[str]) -> int:
    """Attack, print, and say by the exit code whether all bounds hold."""
    parser = argparse.ArgumentParser(
        prog="python -m attacks",
        description="Attack a real node or wallet and measure what it costs.",
    )
    parser.add_argument("names", nargs="*", help="which (default: all), * stands for anything")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each (default: 6)")
    options = parser.parse_args(arguments)
    chosen = [
        name
        for name in (*ATTACKS, *WALLET_ATTACKS)
        if not options.names or any(fnmatch.fnmatch(name, each) for each in options.names)
    ]
    if not chosen:
        parser.error(f"there are: {', '.join((*ATTACKS, *WALLET_ATTACKS))}")
    raise_limit()
    began = time.monotonic()
    print(_HEAD, flush=True)
    bad = 0
    for name in chosen:
        if name in ATTACKS:
            outcome = measure(ATTACKS[name], options.seconds)
            faults, line = outcome.faults, _line(outcome)
        else:
            wallets = measure_wallet(WALLET_ATTACKS[name], options.seconds)
            faults, line = wallets.faults, wallets.line()
        bad += bool(faults)
        print(line, flush=True)
    print(f"{len(chosen)} attacks, {bad} beyond a bound, {time.monotonic() - began:.0f} s")
    return 1 if bad else 0


def raise_limit() -> None:
    """Let this process have the sockets of thousands of strangers."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


_HEAD = f"{'attack':<24}{'memory, MB':>18}{'ping p50 p99 max, ms':>26}{'call p50 p99 max, ms':>26}"


def _line(outcome: Outcome) -> str:
    figures = outcome.figures
    memory = "/".join(f"{each:.0f}" for each in figures.memory_mb)
    cells = [f"{outcome.attack.name:<24}{memory:>18}"]
    for seen in (figures.pings_s, figures.calls_s):
        times = [percentile(seen, part) * 1000 for part in (0.5, 0.99, 1.0)]
        cells.append(f"{' '.join(f'{each:.0f}' for each in times):>26}")
    return "\n    BEYOND: ".join(["".join(cells), *outcome.faults])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
