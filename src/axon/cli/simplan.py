"""`axon sim --plan`, `axon sim replay` and `axon sim shrink`: one network, one plan of faults."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from axon.cli.arguments import Parser, UsageError, positive, seed_number
from axon.errors import ConfigError
from axon.rpc.amounts import encode_json
from axon.swarm import blueprintfile
from axon.swarm.faultplan import MAX_PLAN_BYTES, FaultPlan
from axon.swarm.invariants import TITLES
from axon.swarm.planfit import check_plan
from axon.swarm.sim.trial import run_trial
from axon.swarm.sim.trialstage import Stage
from axon.swarm.spof.plants import organic
from axon.swarm.spof.savedverdict import MAX_VERDICT_BYTES, read_network
from axon.swarm.spof.shrink import Case, shrink
from axon.swarm.trialreport import TrialReport

PLAN_NODES: Final = 10

MAX_NODES: Final = 1_000
"""So many addresses there are to give."""

EXIT_PASS: Final = 0
EXIT_VIOLATION: Final = 1
EXIT_UNDECIDED: Final = 2
EXIT_FAULT: Final = 3
EXIT_INTERRUPTED: Final = 130
"""Of a program that ctrl-C has ended: 128 and the signal's number."""

REPLAY_LIMIT_S: Final = 600.0


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """One seed of a network to which a plan was done.

    Args:
        seed: of all chance.
        report: what became of it; None if the network did not come to work at all.
    """

    seed: int
    report: TrialReport | None

    @property
    def decided(self) -> bool:
        """Whether the plan could be carried out."""
        return self.report is not None and not self.report.trouble

    @property
    def passed(self) -> bool:
        """Whether all that was looked at holds."""
        return self.report is not None and self.decided and not self.report.broken

    def lines(self) -> Iterator[str]:
        """For a terminal."""
        if self.report is None:
            yield f"seed {self.seed}: the network does not come to work before anything is done"
            return
        if self.report.trouble:
            yield f"seed {self.seed}: could not be carried out: {self.report.trouble}"
            return
        broken = [each.name for each in self.report.broken]
        yield f"seed {self.seed}: {'fails: ' + ' '.join(broken) if broken else 'holds'}"
        for finding in self.report.findings:
            word = "holds" if finding.holds else "does not hold"
            title = TITLES[finding.name]
            yield f"  {finding.name:<8}{title:<22}{word:<14}{finding.said}"
        yield from (f"  {note}" for note in self.report.notes)
        if self.report.digest:
            yield f"  trace {self.report.digest}"


def node_count(text: str) -> int:
    """How many nodes are simulated, for argparse."""
    number = positive(text)
    if not 2 <= number <= MAX_NODES:
        raise ArgumentTypeError(f"2 to {MAX_NODES} nodes, not {number}")
    return number


def add_plan(parser: ArgumentParser) -> None:
    """Add a plan, and to which network it is done."""
    parser.add_argument(
        "--plan", type=Path, metavar="FILE", help="do this fault plan (JSON) to one network"
    )
    add_network(parser, "with --plan: ")


def add_network(parser: ArgumentParser, when: str = "") -> None:
    """Add what says to which network a plan is done."""
    parser.add_argument(
        "--network",
        type=Path,
        metavar="FILE",
        help=f"{when}the network, as a verdict of axon swarm spof has it; else nodes that "
        "find each other, 3 wallets and 2 miners",
    )


def read_case(options: Namespace, *, simulated: bool = True) -> Case:
    """The plan and the network that options name.

    Args:
        options: read already.
        simulated: it is to be carried out in virtual time.

    Raises:
        ConfigError: a file cannot be read or is none, or the plan does not fit the network.
    """
    plan = FaultPlan.read(_text(options.plan, MAX_PLAN_BYTES))
    if options.network is None:
        blueprint = organic(options.nodes or PLAN_NODES)
    elif options.nodes is None:
        blueprint = read_network(_text(options.network, MAX_VERDICT_BYTES))
    else:
        raise UsageError("--network says which nodes there are; --nodes does, too")
    check_plan(plan, blueprint, simulated=simulated)
    return Case(blueprint, plan)


def run_planned(seed: int, case: Case) -> PlannedRun:
    """Raise a network, do the plan to it, take back what lasts, and look at all."""
    stage = Stage(case.blueprint, seed)
    if not stage.is_ready:
        return PlannedRun(seed, None)
    return PlannedRun(seed, run_trial(stage, case.harm(), case.healing()))


def shrink_main(arguments: Sequence[str]) -> int:
    """`axon sim shrink SEED --plan FILE`."""
    parser = Parser(
        prog="axon sim shrink",
        description="Look for a smaller case in which the same invariant does not hold: fewer "
        "steps, then fewer nodes, wallets and miners, then less time. Writes the plan and the "
        "network as JSON, and the command that tries them.",
    )
    parser.add_argument("seed", type=seed_number, metavar="SEED", help="with which it fails")
    add_plan(parser)
    parser.add_argument("--nodes", type=node_count, metavar="N", help=f"default {PLAN_NODES}")
    parser.add_argument(
        "--into", type=Path, default=Path(), metavar="FOLDER", help="where to write (default .)"
    )
    options = parser.parse_args(arguments)
    if options.plan is None:
        raise UsageError("--plan is needed: the plan with which it fails")
    if not options.into.is_dir():
        raise ConfigError(f"{options.into} is no folder; --into names one that is there")
    case, seed = read_case(options), options.seed
    first = run_planned(seed, case)
    if first.report is None or not first.report.broken or not first.decided:
        print("\n".join(first.lines()))
        if not first.decided:
            return EXIT_UNDECIDED
        print("Nothing to shrink: this case does not fail.")
        return EXIT_PASS
    wanted, tried = first.report.broken[0].name, 0

    def fails(smaller: Case) -> bool:
        nonlocal tried
        tried += 1
        report = run_planned(seed, smaller).report
        found = report is not None and wanted in (each.name for each in report.broken)
        if found and sys.stderr.isatty():
            sys.stderr.write(f"\r{tried} tried, {_size(smaller)}\x1b[K")
        return found

    smallest = shrink(case, fails)
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
    plan, network = options.into / f"plan-{seed}.json", options.into / f"network-{seed}.json"
    _write(plan, smallest.plan.to_json())
    _write(network, blueprintfile.to_json(smallest.blueprint))
    print(f"{wanted} does not hold: {_size(case)} before, {_size(smallest)} now ({tried} tried)")
    files = f"--plan {shlex.quote(str(plan))} --network {shlex.quote(str(network))}"
    print(f"axon sim {files} --seeds {seed}")
    return EXIT_VIOLATION


def replay_main(arguments: Sequence[str]) -> int:
    """`axon sim replay SEED ...`: the same run twice, in processes of their own."""
    if not arguments or arguments[0].startswith("-"):
        print("usage: axon sim replay SEED [attack NAME] [the options of axon sim]")
        print("\nRun one seed twice, in processes that hash differently, and compare the traces.")
        return EXIT_PASS if arguments[:1] in (["-h"], ["--help"]) else EXIT_FAULT
    seed = str(_seed(arguments[0]))
    outputs = [_replayed(seed, arguments[1:], hash_seed) for hash_seed in ("0", "1")]
    print(outputs[0].rstrip())
    traces = [[line for line in text.splitlines() if "trace" in line] for text in outputs]
    if not any(traces):
        print("S11 determinism is undecided: no run came so far that it leaves a trace")
        return EXIT_UNDECIDED
    if traces[0] == traces[1]:
        print("S11 determinism holds: two runs, the same trace")
        return EXIT_PASS
    print("S11 determinism does not hold: two runs, two traces")
    return EXIT_VIOLATION


def _seed(text: str) -> int:
    try:
        return seed_number(text)
    except ArgumentTypeError as error:
        raise UsageError(str(error)) from None


def _replayed(seed: str, arguments: Sequence[str], hash_seed: str) -> str:
    attack = list(arguments[:2]) if arguments[:1] == ["attack"] else []
    options = ["-v", *arguments[len(attack) :], "--seeds", seed]
    command = [sys.executable, "-m", "axon", "sim", *attack, *options]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    try:
        ended = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=REPLAY_LIMIT_S
        )
    except subprocess.TimeoutExpired:
        raise ConfigError(f"the run takes more than {REPLAY_LIMIT_S:g} s") from None
    if ended.returncode not in (EXIT_PASS, EXIT_VIOLATION, EXIT_UNDECIDED):
        raise ConfigError(f"the run ended with {ended.returncode}: {ended.stderr.strip()[-400:]}")
    return ended.stdout


def _size(case: Case) -> str:
    parts = case.blueprint.components()
    return f"{len(case.plan.steps)} steps, {len(parts)} components"


def _text(path: Path, most: int) -> str:
    try:
        with path.open() as file:
            return file.read(most + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"cannot read {path}: {error}") from None


def _write(path: Path, value: dict[str, object]) -> None:
    try:
        path.write_text(encode_json(value, indent=2) + "\n")
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error}") from None
