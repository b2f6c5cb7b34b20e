"""`axon sim attack`: one kind of attack on networks in virtual time, with chance of each seed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from types import MappingProxyType
from typing import Final

from axon.cli.arguments import Parser, add_seeds
from axon.cli.simengine import add_engine, run_seeds
from axon.cli.simplan import EXIT_PASS, EXIT_VIOLATION
from axon.rpc.amounts import encode_json
from axon.swarm.invariants import counted
from axon.swarm.sightings import over, sightings_lines
from axon.swarm.sim.attackreport import AttackReport
from axon.swarm.sim.censorship import run_censorship
from axon.swarm.sim.eclipse import run_eclipse
from axon.swarm.sim.hostility import run_hostility
from axon.swarm.sim.masscrash import run_mass_crash
from axon.swarm.sim.onewaycut import run_one_way
from axon.swarm.sim.stalling import run_stalling

ATTACKS: Final[Mapping[str, Callable[[int], AttackReport]]] = MappingProxyType(
    {
        "censor": run_censorship,
        "crash": run_mass_crash,
        "eclipse": run_eclipse,
        "hostility": run_hostility,
        "one-way": run_one_way,
        "stall": run_stalling,
    }
)

_MORE: Final = (
    "Attack a network in virtual time and judge what that does. censor (L5): each node in turn "
    "keeps payments to itself and its miner leaves them out. crash (L6): half of all nodes are "
    "killed at once, and come back. eclipse (L9): Mallory tells a node of her addresses alone, "
    "sits in its seats, and waits for its restart. hostility (L1): up to half of twenty nodes lie, "
    "strangers abuse all, and the honest come to one tip. one-way (L11): one side of a network "
    "does not hear the other. stall (L10): peers name blocks and do not hand them over. "
    "Exit code: 0 all holds, 1 something does not, 3 it was called wrongly."
)


def attack_main(arguments: Sequence[str]) -> int:
    """`axon sim attack NAME`."""
    parser = Parser(prog="axon sim attack", description=_MORE)
    parser.add_argument("attack", choices=list(ATTACKS), metavar="NAME", help=", ".join(ATTACKS))
    add_seeds(parser)
    add_engine(parser)
    parser.add_argument("-v", "--verbose", action="store_true", help="print what holds as well")
    parser.add_argument("--json", action="store_true", help="print one JSON value")
    options = parser.parse_args(arguments)
    with closing(run_seeds(ATTACKS[options.attack], options.seeds, options)) as made:
        reports = list(made)
    passed = sum(report.passed for report in reports)
    found = over(report.sometimes for report in reports)
    if options.json:
        shown = {
            "attack": options.attack,
            "passed": passed,
            "runs": [report.to_json() for report in reports],
            "sometimes": {"runs": len(reports), "reached": found.to_json()},
        }
        sys.stdout.write(encode_json(shown, indent=2) + "\n")
    else:
        for report in reports:
            if options.verbose or not report.passed or len(reports) == 1:
                print("\n".join(report.lines()))
        print(_sentence(passed, len(reports)))
        print("\n".join(sightings_lines(found, len(reports))))
    return EXIT_PASS if passed == len(reports) else EXIT_VIOLATION


def _sentence(passed: int, tried: int) -> str:
    """How many stood it; of those that were not tried no more than a share is likely to fall."""
    said = f"{passed} of {counted(tried, 'seed')} stood it"
    if passed < tried:
        return said
    # The rule of three: after n trials without a failure a share above 3/n is unlikely (5 %).
    return f"{said}; with 95 % confidence at most {min(100.0, 300 / tried):.0f} % of all do not"
