"""`doctor`, `up` and `down`: whether this machine can hold a run, its beginning and its end."""

from __future__ import annotations

import shlex
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from random import SystemRandom

from axon.cli.arguments import UsageError, seconds
from axon.cli.swarmcommands.looking import tell_dead
from axon.cli.swarmoptions import AddCommand
from axon.cli.swarmview import RunProgress, write, write_json
from axon.swarm.invariants import counted
from axon.swarm.lab import doctor, lifecycle
from axon.swarm.lab.backends import called_from
from axon.swarm.lab.manifest import BackendName, ComponentKind, Manifest
from axon.swarm.lab.members import mean_pss_mb, views, wallet_views
from axon.swarm.lab.plan import INTERVAL_S, RunRequest, read_mix
from axon.swarm.lab.topology import (
    DIRECT_WALLETS,
    AnyTopology,
    GivenTopology,
    RunTopology,
    current_name,
    have_wallets_listen,
    is_named,
    read_topology,
)
from axon.swarm.lab.topologyfile import read_topology_file
from axon.swarm.lab.verdict import Exit


def add_commands(add: AddCommand) -> None:
    """Add the commands."""
    add("doctor", _doctor, "what this machine can do for a lab")
    _add_up(add("up", _up, "start a network, or what is missing of the one that is up"))
    add("down", _down, "end all processes of the run and remove what up made")


def _add_up(up: ArgumentParser) -> None:
    up.add_argument(
        "nodes",
        nargs="?",
        type=int,
        metavar="N",
        help="full nodes; left out, the run that is there is started again",
    )
    up.add_argument("--miners", type=int, default=0, metavar="M", help="miners (default 0)")
    up.add_argument(
        "--wallets",
        type=int,
        metavar="W",
        help=f"wallets (default 0; with the topology wallets {DIRECT_WALLETS}, which listen, and "
        "are paid directly)",
    )
    up.add_argument(
        "--topology",
        default=RunTopology.ORGANIC,
        metavar="NAME|FILE",
        help=f"{', '.join(RunTopology)} (default organic); or a file: GraphML, or JSON with nodes "
        "and links, where a link says who dials whom",
    )
    up.add_argument("--groups", type=int, default=0, metavar="G", help="netgroups (default N)")
    up.add_argument(
        "--mix",
        default="",
        metavar="PROGRAM:K,...",
        help="whose programs the nodes are: bitcoind:4,axon:8 (default: all axon's)",
    )
    up.add_argument(
        "--bitcoind", default="", metavar="PATH", help="Bitcoin Core's program (default: on PATH)"
    )
    up.add_argument(
        "--backend",
        type=BackendName,
        choices=tuple(BackendName),
        default=BackendName.PROC,
        metavar="NAME",
        help="proc: each a process with a loopback address (default); netns: each in a network "
        "namespace, where nodes hear of each other by gossip alone (root)",
    )
    up.add_argument("--seed", type=int, metavar="S", help="of all chance (default: drawn)")
    up.add_argument(
        "--interval",
        type=seconds,
        default=INTERVAL_S,
        metavar="S",
        help=f"mean seconds from block to block with miners (default {INTERVAL_S:g})",
    )


def _doctor(options: Namespace, _folder: Path) -> int:
    found = doctor.examine()
    able = all(item.works for item in found if item.needed)
    excluded = [item.name for item in found if not item.used]
    backends = doctor.backends(found)
    if options.json:
        told = {
            "backend": "proc" if able else None,
            "backends": backends,
            "abilities": {
                item.name: {"works": item.works, "said": item.said, "needed": item.needed}
                for item in found
            },
            "excluded": excluded,
        }
        write_json(told)
        return Exit.PASS if able else Exit.HARNESS_FAULT
    for item in found:
        need = " (needed)" if item.needed and not item.works else ""
        write(f"{'yes' if item.works else 'no':<4}{item.name:<46}{item.said}{need}")
    if not able:
        write("\nThis machine cannot hold a lab.")
        return Exit.HARNESS_FAULT
    write("\nBackend: proc (each node a process with a loopback address of its own).")
    if BackendName.NETNS in backends:
        write("Or netns (each in a network namespace, where nodes hear of each other by gossip).")
    write("Excluded, for the lab does without, be it there or not:")
    write(f"  {', '.join(excluded)}")
    return Exit.PASS


def _wanted(options: Namespace) -> RunRequest | None:
    """What is asked for; None for the run that is there.

    Raises:
        ConfigError: it cannot be.
    """
    chosen = (options.miners, options.wallets, options.groups, options.seed, options.mix)
    topology = _topology(options.topology)
    wallets = DIRECT_WALLETS if have_wallets_listen(topology) else 0
    if options.wallets is not None:
        wallets = options.wallets
    nodes: int | None = options.nodes
    if isinstance(topology, GivenTopology):
        there = len(topology.dials)
        if nodes not in (None, there):
            raise UsageError(f"{topology} has {counted(there, 'node')}, not {nodes}")
        nodes = there
    if nodes is None:
        usual = options.backend is BackendName.PROC and topology is RunTopology.ORGANIC
        if any(chosen) or not usual:
            raise UsageError("how many nodes? axon swarm up N")
        return None
    wanted = RunRequest(
        nodes,
        options.miners,
        options.groups,
        topology,
        options.seed,
        options.interval,
        wallets,
        options.backend,
        read_mix(options.mix) if options.mix else (),
        options.bitcoind,
    )
    wanted.check()
    return wanted


def _topology(text: str) -> AnyTopology:
    """A topology by its name, or that of a file.

    Raises:
        ConfigError: there is none.
    """
    path = Path(text)
    if is_named(current_name(text)) or not (path.exists() or len(path.parts) > 1 or path.suffix):
        return read_topology(text)
    given = read_topology_file(path)
    if given.left_out:
        sys.stderr.write(f"Not used of {given}: {', '.join(given.left_out)}.\n")
    return given


def _left_out(wanted: RunRequest | None) -> list[str]:
    """What a file of a topology says, and is not used."""
    if wanted is None or not isinstance(wanted.topology, GivenTopology):
        return []
    return list(wanted.topology.left_out)


def _up(options: Namespace, folder: Path) -> int:
    wanted = _wanted(options)
    say = RunProgress()
    manifest, fresh = lifecycle.up(folder, wanted, SystemRandom(), say, options.registry)
    say.end()
    seen, wallets = views(manifest), wallet_views(manifest)
    height = max(item.height for item in seen)
    if options.json:
        write_json(
            {
                "folder": str(folder),
                "fresh": fresh,
                "seed": manifest.seed,
                "topology": manifest.topology,
                "nodes": len(seen),
                "miners": len(manifest.of_kind(ComponentKind.MINER)),
                "wallets": len(wallets),
                "left_out": _left_out(wanted),
                "height": height,
                "took_s": round(say.seconds(), 1),
                "node_mb": round(mean_pss_mb(seen)),
                "wallet_mb": round(mean_pss_mb(wallets)),
            }
        )
        return Exit.PASS
    words = "up" if fresh else "is up already; what was missing has been started"
    write(f"{lifecycle.described(manifest)}: {words}, height {height}.")
    memory = f"{mean_pss_mb(seen):.0f} MB a node"
    if wallets:
        memory += f", {mean_pss_mb(wallets):.0f} MB a wallet"
    write(f"{say.seconds():.1f} s; {memory}; seed {manifest.seed}; in {folder}")
    _tell_how_to_call(manifest)
    return Exit.PASS


def _tell_how_to_call(manifest: Manifest) -> None:
    def command(name: str, words: str) -> str:
        called = called_from(manifest, manifest.components[name])
        folder = shlex.quote(str(manifest.folder_of(name)))
        return " ".join([*called, "axon", words, f"-datadir={folder}"])

    write(f"Call a node: {command(manifest.nodes[0].name, 'rpc')} getpeerinfo")
    if manifest.wallets:
        write(f"See a wallet: {command('w1', 'wallet balance w1 -regtest')}")


def _down(options: Namespace, folder: Path) -> int:
    with lifecycle.taken(folder) as manifest:
        died = lifecycle.dead(manifest)
        left = lifecycle.down(manifest)
    if options.json:
        write_json(
            {"folder": str(folder), "ended": list(manifest.components), "died": died, "left": left}
        )
        return Exit.PASS
    tell_dead(died)
    write(f"{lifecycle.described(manifest)}: down.")
    if left:
        write(f"{folder} stays, for it holds {', '.join(left[:3])}, which is not of this run.")
    return Exit.PASS
