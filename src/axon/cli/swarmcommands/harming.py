"""`kill`, `stop`, `cont`, `restart`, `partition`, `link`, `heal`: damage, and how it is undone."""

from __future__ import annotations

import signal
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from axon.cli.swarmoptions import TARGET_HELP, AddCommand, targets_of
from axon.cli.swarmview import RunProgress, write, write_json
from axon.swarm.lab import lifecycle, slowlinks
from axon.swarm.lab.manifest import Manifest
from axon.swarm.lab.partition import heal, partition, read_sides, shown
from axon.swarm.lab.verdict import Exit
from axon.swarm.linkquality import LinkQuality

_LINK_MORE: Final = (
    "Have what passes on links take longer or get lost, from now on and until axon swarm heal: "
    "latency=80ms±20 (or +-20; one way, a packet takes as much more or less), loss=1%%, "
    "rate=2mbit, reorder=2%% (others overtake), duplicate=1%%. What was said before of the same "
    "link is replaced."
)


def add_commands(add: AddCommand) -> None:
    """Add the commands."""
    killing = _on_targets(add("kill", _kill, "end components at once (SIGKILL), or in order"))
    killing.add_argument("--sig", choices=("KILL", "TERM"), default="KILL", help="default KILL")
    _on_targets(add("stop", _stop, "pause components where they are (SIGSTOP)"))
    _on_targets(add("cont", _cont, "let paused components go on (SIGCONT)"))
    restarting = add("restart", _restart, "end components in order if they live, and start them")
    _on_targets(restarting).add_argument("--wipe", action="store_true", help="with an empty disk")
    cut = add("partition", _partition, "cut the network into sides between which nothing passes")
    cut.add_argument("sides", metavar="SIDES", help="as in '1-3|4-6': each node on one side")
    link = add("link", _link, "make links slow or lossy (--backend netns)", _LINK_MORE)
    link.add_argument("link", metavar="LINK", help="n1-n2; n1,n2|n3-n5; n1: all its links")
    link.add_argument("words", nargs="*", metavar="WORD", help="as in latency=80ms±20 loss=1%%")
    link.add_argument("--one-way", action="store_true", help="only what the first side sends")
    add("heal", _heal, "take back what partition and link have done")


def _on_targets(command: ArgumentParser) -> ArgumentParser:
    command.add_argument("target", metavar="TARGET", help=TARGET_HELP)
    return command


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
    say = RunProgress()

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
        names = targets_of(manifest, options.target).read(options.target)
        done = list(strike(manifest, names))
    idle = [name for name in names if name not in done]
    if options.json:
        write_json({"done": done, "not_alive": idle})
        return Exit.PASS
    if done:
        write(f"{word}: {' '.join(done)}")
    if idle:
        write(f"not alive: {' '.join(idle)}")
    return Exit.PASS


def _partition(options: Namespace, folder: Path) -> int:
    with lifecycle.taken(folder) as manifest:
        targets = targets_of(manifest, options.sides)
        names = [item.name for item in manifest.nodes]
        partition(manifest, read_sides(options.sides, targets, names))
    if options.json:
        write_json({"sides": manifest.sides})
    else:
        write(f"cut: {shown(manifest)}")
    return Exit.PASS


def _link(options: Namespace, folder: Path) -> int:
    quality = LinkQuality.read(options.words)
    with lifecycle.taken(folder) as manifest:
        sides = slowlinks.read_sides(options.link, targets_of(manifest, options.link), manifest)
        slowlinks.shape(manifest, sides, quality, one_way=options.one_way)
    if options.json:
        write_json({"links": [link.to_json() for link in manifest.links]})
        return Exit.PASS
    for line in slowlinks.shown(manifest):
        write(line)
    return Exit.PASS


def _heal(options: Namespace, folder: Path) -> int:
    with lifecycle.taken(folder) as manifest:
        heal(manifest)
    if options.json:
        write_json({"sides": manifest.sides, "links": manifest.links})
    else:
        write("healed")
    return Exit.PASS
