"""`spof`: whether there is a single point of failure, found by trial."""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import shlex
import sys
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from axon.cli.arguments import UsageError, positive, seconds
from axon.cli.sourcecommit import source_commit
from axon.cli.swarmoptions import INTERRUPTED, AddCommand
from axon.cli.swarmview import RunProgress, write, write_json
from axon.errors import AxonError, ConfigError
from axon.host.version import VERSION
from axon.rpc.amounts import encode_json
from axon.swarm import blueprintfile
from axon.swarm.blueprint import Blueprint, ComponentClass
from axon.swarm.invariants import counted
from axon.swarm.lab.manifest import BackendName, NodeProgram
from axon.swarm.lab.plan import read_mix
from axon.swarm.lab.topology import DIRECT_WALLETS, RunTopology
from axon.swarm.lab.trials.labtrials import LabTrials
from axon.swarm.lab.trials.search import check_controls as lab_controls
from axon.swarm.lab.trials.search import possible, run_search
from axon.swarm.lab.verdict import Exit
from axon.swarm.sim.trialcontrols import check_controls as sim_controls
from axon.swarm.sim.trialpool import TrialPool
from axon.swarm.spof.candidates import Candidate, Mode
from axon.swarm.spof.plants import PLANTS, organic, paying
from axon.swarm.spof.savedfields import SIM, read_bounded
from axon.swarm.spof.savedverdict import MAX_VERDICT_BYTES, read_network
from axon.swarm.spof.scope import Reach, Scope, check_candidate
from axon.swarm.spof.search import Job, Search
from axon.swarm.spof.verdict import Level, SpofVerdict
from axon.swarm.spof.verdictview import verdict_lines
from axon.swarm.trialreport import TrialReport

_MORE: Final = (
    "Harm each component of a network, one at a time and several at once, while clients read, pay "
    "and are paid, and say whether there is one without which they are not served. The network is "
    "raised in virtual time from a seed (the real code of nodes and wallets; links, disks and "
    "clocks are simulated) or as processes, as the options draw it or a file that an earlier "
    "verdict wrote. Each trial can be tried again with --only. Exit code: 0 none found, 1 found, "
    "2 undecided, 3 the search failed."
)


NODES: Final = 10
WALLETS: Final = 3
MINERS: Final = 2
"""Of a network of which nothing is said."""

JOBS: Final = 2

DIRECT_NODES: Final = 3
"""Where wallets pay each other directly few nodes are enough, and nothing is said of them."""

_CODES: Final = {
    Level.FOUND: Exit.VIOLATED,
    Level.WEAK: Exit.VIOLATED,
    Level.NONE: Exit.PASS,
    Level.SWARM: Exit.PASS,
    Level.OPEN: Exit.INCONCLUSIVE,
}


def add_commands(add: AddCommand) -> None:
    """Add the command."""
    spof = add("spof", _spof, "find single points of failure by trial", _MORE)
    _add_network(spof.add_argument_group("the network"))
    _add_tried(spof.add_argument_group("what is tried"))
    spof.add_argument(
        "--save", type=Path, metavar="FILE", help="write the verdict and the network as JSON"
    )


def _add_network(drawn: argparse._ArgumentGroup) -> None:
    drawn.add_argument("--nodes", type=positive, metavar="N", help=f"default {NODES}")
    drawn.add_argument("--wallets", type=positive, metavar="W", help=f"default {WALLETS}")
    drawn.add_argument("--miners", type=positive, metavar="M", help=f"default {MINERS}")
    drawn.add_argument(
        "--topology",
        choices=(RunTopology.ORGANIC, RunTopology.WALLETS),
        type=RunTopology,
        help="organic: nodes find each other (default); wallets: so do they, and wallets pay each "
        f"other directly ({DIRECT_NODES} nodes, {DIRECT_WALLETS} wallets unless said otherwise)",
    )
    drawn.add_argument(
        "--plant",
        choices=list(PLANTS),
        metavar="NAME",
        help="one with a single point of failure on purpose: " + ", ".join(PLANTS),
    )
    drawn.add_argument("--network", type=Path, metavar="FILE", help="read it from this file")
    drawn.add_argument("--seed", type=int, default=1, metavar="S", help="of all chance (default 1)")
    drawn.add_argument(
        "--mix",
        metavar="PROGRAM:K,...",
        help="whose programs the nodes are: bitcoind:4,axon:4, with --backend netns (default: all "
        "axon's)",
    )
    drawn.add_argument(
        "--bitcoind", default="", metavar="PATH", help="Bitcoin Core's program (default: on PATH)"
    )
    drawn.add_argument(
        "--backend",
        choices=(SIM, *BackendName),
        default=SIM,
        help="sim: in virtual time (default); proc: real processes on loopback, clocks 60 times as "
        "fast, which takes a few seconds a trial; netns: processes in network namespaces (root), "
        "whose clocks are this machine's where a bitcoind is among them",
    )


def _add_tried(tried: argparse._ArgumentGroup) -> None:
    tried.add_argument(
        "--k",
        choices=list(Reach),
        type=Reach,
        metavar="K",
        help="1: each component; 2: also all pairs of nodes, and all nodes but one (default); "
        "all-but-one: without the pairs; 3: also sets of up to three nodes, guided; subsets: also "
        "every set of nodes, of more than 10 nodes as 3 and 59 larger sets that are drawn",
    )
    tried.add_argument(
        "--guided",
        action="store_true",
        help="of the sets try only those that hit every way in which some operation was seen to "
        "come about, until none is left; with --classes node,miner sets of both",
    )
    tried.add_argument(
        "--classes", type=_classes, metavar="C,...", help="only " + ", ".join(ComponentClass)
    )
    tried.add_argument("--modes", type=_modes, metavar="M,...", help="only " + ", ".join(Mode))
    tried.add_argument(
        "--only",
        type=_candidate,
        action="append",
        metavar="'MODE NAME ...'",
        help="only this, as a verdict names it: 'kill n1', 'cut n1-n2', 'kill n1 n2'",
    )
    tried.add_argument(
        "--budget", type=seconds, metavar="S", help="begin no trial after S seconds of real time"
    )
    tried.add_argument(
        "-j",
        "--jobs",
        type=positive,
        metavar="N",
        help=f"trials at once in virtual time (default {JOBS})",
    )


def _classes(text: str) -> frozenset[ComponentClass]:
    return frozenset(map(_class, text.split(",")))


def _class(text: str) -> ComponentClass:
    try:
        return ComponentClass(text)
    except ValueError:
        known = ", ".join(ComponentClass)
        raise argparse.ArgumentTypeError(f"there is no class {text!r}; there are {known}") from None


def _modes(text: str) -> frozenset[Mode]:
    return frozenset(map(_mode, text.split(",")))


def _mode(text: str) -> Mode:
    try:
        return Mode(text)
    except ValueError:
        known = ", ".join(Mode)
        raise argparse.ArgumentTypeError(f"there is no harm {text!r}; there are {known}") from None


def _candidate(text: str) -> Candidate:
    mode, *targets = text.split()
    if not targets:
        raise argparse.ArgumentTypeError(f"expected what is done and to whom, not {text!r}")
    return Candidate(tuple(targets), _mode(mode))


def _spof(options: Namespace, _folder: Path) -> int:
    _check_options(options)
    blueprint = _blueprint(options)
    reach = options.k or Reach.TWO
    scope = Scope(reach, options.classes, options.modes, options.guided, options.seed)
    for candidate in options.only or ():
        check_candidate(candidate, blueprint)
    candidates = options.only or scope.candidates(blueprint)
    guide = None if options.only else scope.guide(blueprint)
    left_out: list[str] = []
    if options.backend != SIM:
        if guide is not None:
            raise ConfigError(
                "what bytes have passed is known in virtual time alone: try --backend sim, or "
                "--k 2 without --guided"
            )
        candidates, left_out = possible(blueprint, candidates, BackendName(options.backend))
    search = Search(candidates, guide)
    verdict = SpofVerdict(blueprint, scope, search, is_narrowed=bool(options.only))
    verdict.left_out += left_out
    code, why = _search(options, verdict)
    _tell(options, verdict)
    if why:
        sys.stderr.write(f"{why}\n")
    return _CODES[verdict.level] if code is None else code


def _search(options: Namespace, verdict: SpofVerdict) -> tuple[int | None, str]:
    """Carry the trials out; the exit code and a sentence, if they did not come to their end.

    Raises:
        AxonError, OSError: nothing was tried until then.
    """
    say = RunProgress()
    say("the network is raised")
    try:
        (_try_simulated if options.backend == SIM else _try_processes)(options, verdict, say)
    except KeyboardInterrupt:  # What was found until then is told, here and below.
        return INTERRUPTED, "Stopped before all was tried."
    except (AxonError, OSError) as error:
        if not any(each.reports for each in verdict.records):
            raise
        return Exit.HARNESS_FAULT, f"Error: {error}"
    finally:
        say.end()
    return None, ""


def _tell(options: Namespace, verdict: SpofVerdict) -> None:
    """Say what was found, then write it down: a disk that is full takes no verdict away."""
    shown = verdict.to_json() | {
        "backend": options.backend,
        "seed": options.seed,
        "version": VERSION,
        "machine": _machine(),
        "commit": source_commit(),
        "network": blueprintfile.to_json(verdict.blueprint),
    }
    if options.json:
        write_json(shown)
    else:
        for line in verdict_lines(verdict, _replay(options, verdict.blueprint)):
            write(line)
    if options.save is not None:
        _save(options.save, shown)


def _check_options(options: Namespace) -> None:
    """See that each option that is given has something to say, and that a verdict can be kept.

    Raises:
        ConfigError: it has not, or it cannot.
    """
    names = ("nodes", "wallets", "miners", "topology", "plant", "mix")
    drawn = [f"--{name}" for name in names if getattr(options, name) is not None]
    if options.network is not None and drawn:
        raise UsageError(f"--network is a network already drawn; {', '.join(drawn)} would draw one")
    fixed = [each for each in drawn if each not in ("--nodes", "--plant")]
    if options.plant is not None and fixed:
        raise UsageError(f"--plant draws all but how many nodes; {', '.join(fixed)} is not asked")
    scopes = ("k", "classes", "modes", "guided")
    chosen = [f"--{name}" for name in scopes if getattr(options, name)]
    if options.only and chosen:
        raise UsageError(f"--only says all that is tried; {', '.join(chosen)} says it otherwise")
    if options.jobs is not None and options.backend != SIM:
        raise UsageError("--jobs is of virtual time; processes suffer one trial after another")
    path: Path | None = options.save
    if path is not None and (path.is_dir() or not os.access(path.parent, os.W_OK | os.X_OK)):
        raise ConfigError(f"cannot write {path}: it is a folder, or its folder cannot be written")


def _blueprint(options: Namespace) -> Blueprint:
    path: Path | None = options.network
    if options.mix is not None and options.nodes is not None:
        raise UsageError("--mix says which nodes there are; --nodes does, too")
    if options.mix is not None and options.topology is RunTopology.WALLETS:
        raise UsageError("--topology draws a network; --mix names another")
    if path is not None:
        found = read_bounded(path, MAX_VERDICT_BYTES, read_network)
    elif options.plant is not None:
        found = PLANTS[options.plant].drawn(options.nodes or NODES)
    else:
        found = _drawn(options)
    if options.bitcoind and not found.is_mixed:
        raise UsageError("--bitcoind names the program of nodes that --mix tells")
    return found


def _drawn(options: Namespace) -> Blueprint:
    """A network whose nodes find each other, of the programs that are wanted."""
    miners = options.miners or MINERS
    if options.topology is RunTopology.WALLETS:
        wallets = options.wallets or DIRECT_WALLETS
        return paying(options.nodes or DIRECT_NODES, wallets, miners)
    wallets = options.wallets or WALLETS
    if options.mix is None:
        return organic(options.nodes or NODES, wallets, miners)
    programs = [program for program, count in read_mix(options.mix) for _ in range(count)]
    found = organic(len(programs), wallets, miners)
    nodes = [
        replace(node, bitcoind=program is NodeProgram.BITCOIND)
        for node, program in zip(found.nodes, programs, strict=True)
    ]
    return replace(found, nodes=tuple(nodes))


def _try_simulated(options: Namespace, verdict: SpofVerdict, say: RunProgress) -> None:
    """Carry the trials out in virtual time; the verdict knows of each."""
    pool = TrialPool(verdict.blueprint, options.seed, options.jobs or JOBS)
    if not pool.is_ready:
        verdict.trouble = "the network does not come to work before anything is harmed"
        return
    for control in sim_controls(pool):
        verdict.controls.append(control)
        say(f"control: {control.about}")
    pool.run(verdict.search, _tells(verdict, say), _ends(options, say))


def _try_processes(options: Namespace, verdict: SpofVerdict, say: RunProgress) -> None:
    """The same with processes, below the folder of a run that is not there else."""

    async def run(folder: Path) -> None:
        seed, registry, backend = options.seed, options.registry, BackendName(options.backend)
        network = folder / "network"
        trials = LabTrials(verdict.blueprint, seed, network, registry, backend, options.bitcoind)
        async with trials:
            async for control in lab_controls(trials, seed, folder, registry, backend):
                verdict.controls.append(control)
                say(f"control: {control.about}")
            await run_search(trials, verdict.search, _tells(verdict, say), _ends(options, say))

    with TemporaryDirectory(prefix="axon-spof-") as folder:
        asyncio.run(run(Path(folder)))


def _tells(verdict: SpofVerdict, say: RunProgress) -> Callable[[Job, TrialReport], None]:
    """Says how far the search is."""
    done = 0

    def told(job: Job, report: TrialReport) -> None:
        nonlocal done
        done += not job.attempt
        word = "fails" if report.broken else "holds"
        if report.trouble:
            word = f"could not be tried: {report.trouble}"
        found = len(verdict.witnesses)
        say(f"{done} of {len(verdict.records)} tried, {found} found; {job.candidate} {word}")

    return told


def _ends(options: Namespace, say: RunProgress) -> Callable[[], bool]:
    """Whether the time that may be taken is used up."""
    return lambda: options.budget is not None and say.seconds() > options.budget


def _replay(options: Namespace, blueprint: Blueprint) -> str:
    """The command line that tries one candidate of the same network, but for the candidate."""
    words = ["axon swarm spof", f"--seed {options.seed}"]
    words += [f"--backend {options.backend}"] if options.backend != SIM else []
    if options.network is not None:
        words.append(f"--network {shlex.quote(str(options.network))}")
    else:
        count = len(blueprint.nodes)
        words.append(f"--mix {options.mix}" if options.mix else f"--nodes {count}")
        if options.plant is not None:
            words.append(f"--plant {options.plant}")
        else:
            words.append(f"--wallets {len(blueprint.wallets)} --miners {len(blueprint.miners)}")
        if options.topology is RunTopology.WALLETS:
            words.append(f"--topology {options.topology}")
    words += [f"--bitcoind {shlex.quote(options.bitcoind)}"] if options.bitcoind else []
    return " ".join(words)


def _machine() -> str:
    """On what the trials ran, as far as it bears on them."""
    cores = os.cpu_count() or 0
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"{platform.system()} {platform.machine()}, {counted(cores, 'core')}, {python}"


def _save(path: Path, shown: dict[str, object]) -> None:
    try:
        path.write_text(encode_json(shown, indent=2) + "\n")
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error}") from None
