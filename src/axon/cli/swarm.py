"""`axon swarm`: a network of real nodes on this machine: start it, watch it, damage it, check it.

Every command finds the run by its folder, whoever started it; the nodes outlive the command that
started them.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random, SystemRandom
from threading import Event
from typing import Final

from axon.cli.swarmoptions import REFRESH_S, make_parser
from axon.drivers.aio.clock import Clock
from axon.errors import AxonError, ConfigError
from axon.machine import SECOND
from axon.swarm.lab import checking, doctor, lifecycle
from axon.swarm.lab.faucet import mine
from axon.swarm.lab.liverun import LiveRun
from axon.swarm.lab.manifest import Manifest
from axon.swarm.lab.members import mean_pss_mb, nodes_of, state_of, views, wallet_views
from axon.swarm.lab.nodeprocess import NodeView, ProcessState
from axon.swarm.lab.partition import heal, partition, read_sides, shown
from axon.swarm.lab.picture import frame, status_table
from axon.swarm.lab.plan import RunRequest
from axon.swarm.lab.targets import Targets
from axon.swarm.lab.topology import read_topology
from axon.swarm.lab.verdict import Exit, exit_code, sentence, table
from axon.swarm.story.participants import amount_sat, in_coins

DEFAULT_FOLDER: Final = Path(".axon") / "swarm"
_INTERRUPTED: Final = 130
_CLEAR: Final = "\x1b[H\x1b[2J"
Command = Callable[[Namespace, Path], int]


def main(arguments: Sequence[str], home: Path | None = None) -> int:
    """Run one command; its exit code.

    Args:
        arguments: what stands behind `axon swarm`.
        home: in which the usual folder lies; None for the user's.
    """
    try:
        options = make_parser().parse_args(arguments)
        folder: Path = options.dir or (home or Path.home()) / DEFAULT_FOLDER
        return COMMANDS[options.command](options, folder.absolute())
    except AxonError as error:
        sys.stderr.write(f"Error: {error}\n")
        return Exit.HARNESS_FAULT
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped; axon swarm up goes on, axon swarm down takes all away.\n")
        return _INTERRUPTED
    except BrokenPipeError:  # Whoever read it has had enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _INTERRUPTED


# Up and down.


def _doctor(options: Namespace, _folder: Path) -> int:
    found = doctor.examine()
    able = all(item.works for item in found if item.needed)
    excluded = [item.name for item in found if not item.used]
    if options.json:
        told = {
            "backend": "proc" if able else None,
            "abilities": {
                item.name: {"works": item.works, "said": item.said, "needed": item.needed}
                for item in found
            },
            "excluded": excluded,
        }
        _write(json.dumps(told, indent=2))
        return Exit.PASS if able else Exit.HARNESS_FAULT
    for item in found:
        need = " (needed)" if item.needed and not item.works else ""
        _write(f"{'yes' if item.works else 'no':<4}{item.name:<46}{item.said}{need}")
    if not able:
        _write("\nThis machine cannot hold a lab.")
        return Exit.HARNESS_FAULT
    _write("\nBackend: proc (each node a process with a loopback address of its own).")
    _write("Excluded, for this backend does without, be it there or not:")
    _write(f"  {', '.join(excluded)}")
    return Exit.PASS


def _up(options: Namespace, folder: Path) -> int:
    wanted = RunRequest(
        options.nodes,
        options.miners,
        options.groups,
        read_topology(options.topology),
        options.seed,
        options.interval,
        options.wallets,
    )
    wanted.check()
    say = _Progress()
    manifest, fresh = lifecycle.up(folder, wanted, SystemRandom(), say)
    say.end()
    seen = views(manifest)
    words = "up" if fresh else "is up already; what was missing has been started"
    _write(f"{lifecycle.described(manifest)}: {words}, height {max(item.height for item in seen)}.")
    memory = f"{mean_pss_mb(seen):.0f} MB a node"
    if manifest.wallets:
        memory += f", {mean_pss_mb(wallet_views(manifest)):.0f} MB a wallet"
    _write(f"{say.seconds():.1f} s; {memory}; seed {manifest.seed}; in {folder}")
    _write(f"Call a node: axon rpc -datadir={folder / 'n1'} getpeerinfo")
    if manifest.wallets:
        _write(f"See a wallet: axon wallet balance w1 -regtest -datadir={folder / 'w1'}")
    return Exit.PASS


def _down(_options: Namespace, folder: Path) -> int:
    with lifecycle.taken(folder) as manifest:
        _tell_dead(manifest)
        left = lifecycle.down(manifest)
    _write(f"{lifecycle.described(manifest)}: down.")
    if left:
        _write(f"{folder} stays, for it holds {', '.join(left[:3])}, which is not of this run.")
    return Exit.PASS


# Looking on.


def _status(options: Namespace, folder: Path) -> int:
    manifest = lifecycle.load(folder)
    seen = [*views(manifest), *wallet_views(manifest)]
    if options.json:
        _write(json.dumps(_status_json(manifest, seen), indent=2))
        return Exit.PASS
    _write(f"{lifecycle.described(manifest)}, seed {manifest.seed}, {folder}")
    if manifest.sides:
        _write(f"cut: {shown(manifest)}")
    for line in status_table(manifest, seen):
        _write(line)
    _tell_dead(manifest)
    return Exit.PASS


def _tell_dead(manifest: Manifest) -> None:
    for name, said in lifecycle.dead(manifest).items():
        _write(f"{name} died by itself: {said or 'without a word'}")


def _status_json(manifest: Manifest, seen: Sequence[NodeView]) -> dict[str, object]:
    by_name = {item.name: item for item in seen}
    died = lifecycle.dead(manifest)
    listed = []
    for item in manifest.components.values():
        view = by_name.get(item.name)
        told: dict[str, object] = {
            **item.to_json(),
            "folder": str(manifest.folder_of(item.name)),
            "state": str(view.state if view is not None else state_of(item)),
            "said": died.get(item.name),
        }
        if view is not None and view.answers:
            told |= {
                "height": view.height,
                "tip": view.tip,
                "outbound": sorted(view.outbound),
                "rss_kb": view.rss_kb,
                "pss_kb": view.pss_kb,
            }
            if view.holds is None:
                inbound = {link.name for link in view.links if link.inbound and link.name}
                told |= {"inbound": sorted(inbound), "pooled": view.pooled}
            else:
                told["holds"] = in_coins(amount_sat(view.holds))
        listed.append(told)
    return {
        "run": manifest.run,
        "backend": manifest.backend,
        "topology": manifest.topology,
        "seed": manifest.seed,
        "sides": manifest.sides,
        "components": listed,
    }


def _watch(options: Namespace, folder: Path) -> int:
    coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    live = sys.stdout.isatty() and not options.once
    pause = Event()
    while True:
        manifest = lifecycle.load(folder)
        width = shutil.get_terminal_size().columns
        seen, wallets = views(manifest), wallet_views(manifest)
        lines = frame(manifest, seen, wallets, width=width, coloured=coloured)
        sys.stdout.write(_CLEAR * live + "\n".join(lines) + "\n")
        sys.stdout.flush()
        if options.once:
            return Exit.PASS
        try:
            pause.wait(REFRESH_S)
        except KeyboardInterrupt:  # That is how one leaves a picture.
            return Exit.PASS


# Damage.


def _targets(manifest: Manifest, text: str) -> Targets:
    if "random:" in text:
        manifest.draws += 1
        manifest.save()
    return Targets(manifest.components, Random(f"{manifest.seed}|targets|{manifest.draws}"))


def _kill(options: Namespace, folder: Path) -> int:
    number = signal.Signals[f"SIG{options.sig}"]
    return _on_target(
        options, folder, "ended", lambda run, names: lifecycle.kill(run, names, number)
    )


def _stop(options: Namespace, folder: Path) -> int:
    return _on_target(options, folder, "paused", lifecycle.pause)


def _cont(options: Namespace, folder: Path) -> int:
    return _on_target(options, folder, "go on", lifecycle.cont)


def _restart(options: Namespace, folder: Path) -> int:
    say = _Progress()

    def restart(manifest: Manifest, names: Sequence[str]) -> Sequence[str]:
        lifecycle.restart(manifest, names, say, wiped=options.wipe)
        say.end()
        return names

    return _on_target(options, folder, "started", restart)


def _on_target(
    options: Namespace,
    folder: Path,
    word: str,
    strike: Callable[[Manifest, Sequence[str]], Sequence[str]],
) -> int:
    with lifecycle.taken(folder) as manifest:
        names = _targets(manifest, options.target).read(options.target)
        done = strike(manifest, names)
    idle = [name for name in names if name not in done]
    if done:
        _write(f"{word}: {' '.join(done)}")
    if idle:
        _write(f"not alive: {' '.join(idle)}")
    return Exit.PASS


def _partition(options: Namespace, folder: Path) -> int:
    with lifecycle.taken(folder) as manifest:
        targets = _targets(manifest, options.sides)
        names = [item.name for item in manifest.nodes]
        partition(manifest, read_sides(options.sides, targets, names))
    _write(f"cut: {shown(manifest)}")
    return Exit.PASS


def _heal(_options: Namespace, folder: Path) -> int:
    with lifecycle.taken(folder) as manifest:
        heal(manifest)
    _write("healed")
    return Exit.PASS


def _mine(options: Namespace, folder: Path) -> int:
    with lifecycle.taken(folder) as manifest:
        names = _targets(manifest, options.node).nodes(options.node)
        if options.count < 1:
            raise ConfigError(f"a node finds one block or more, not {options.count}")
        for node in nodes_of(manifest, names):
            state = state_of(manifest.components[node.name])
            if state is not ProcessState.RUNNING:
                raise ConfigError(f"{node.name} cannot mine: it is {state.lower()}")
            with node.connected():
                found = mine(node, options.count)
                _write(f"{node.name}: height {node.rpc('getblockcount')}, {found[-1]}")
    return Exit.PASS


# Checks.


def _check(options: Namespace, folder: Path) -> int:
    chosen = checking.choose(options.names, harm=options.harm)
    say = _Progress()
    with lifecycle.taken(folder) as manifest:
        findings = checking.check(LiveRun(manifest), chosen, say, options.settle)
    say.end()
    code = exit_code(findings)
    if options.json:
        verdict = {
            "verdict": sentence(findings),
            "exit": int(code),
            "seed": manifest.seed,
            "topology": manifest.topology,
            "components": list(manifest.components),
            "invariants": {item.name: item.to_json() for item in findings},
        }
        _write(json.dumps(verdict, indent=2))
        return code
    for line in table(findings):
        _write(line)
    _write(f"\n{sentence(findings)}")
    return code


COMMANDS: Final[dict[str, Command]] = {
    "doctor": _doctor,
    "up": _up,
    "status": _status,
    "watch": _watch,
    "kill": _kill,
    "stop": _stop,
    "cont": _cont,
    "restart": _restart,
    "partition": _partition,
    "heal": _heal,
    "mine": _mine,
    "check": _check,
    "down": _down,
}


class _Progress:
    """What is being done, in one line that is written over; in a file now and then a line."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._last = ""
        self._clock = Clock()
        self._begin = self._clock.now()
        self._told_s = -REFRESH_S

    def __call__(self, line: str) -> None:
        now_s = self.seconds()
        if line == self._last or (not self._live and now_s < self._told_s + REFRESH_S):
            return
        self._last, self._told_s = line, now_s
        text = f"{now_s:6.1f} s  {line}"
        sys.stderr.write(f"\r\x1b[K{text}" if self._live else f"{text}\n")
        sys.stderr.flush()

    def seconds(self) -> float:
        """Since the beginning."""
        return (self._clock.now() - self._begin) / SECOND

    def end(self) -> None:
        """Leave the line free for others."""
        if self._live and self._last:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
        self._last = ""


def _write(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
