"""`status` and `runs`: what a run is, component by component, and which runs there are."""

from __future__ import annotations

import shlex
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path

from axon.cli.swarmoptions import DEFAULT_FOLDER, RUNS_FOLDER, AddCommand, name_of
from axon.cli.swarmview import write, write_json
from axon.cli.walletview import aligned
from axon.errors import ConfigError
from axon.swarm.lab import lifecycle, slowlinks
from axon.swarm.lab.manifest import MANIFEST, Manifest
from axon.swarm.lab.members import state_of, views, wallet_views
from axon.swarm.lab.nodeprocess import NodeView
from axon.swarm.lab.partition import shown
from axon.swarm.lab.picture import status_table
from axon.swarm.lab.processidentity import is_alive
from axon.swarm.lab.shaping import has_relay
from axon.swarm.lab.verdict import Exit
from axon.swarm.story.participants import amount_sat, in_coins


def add_commands(add: AddCommand) -> None:
    """Add the commands."""
    add("status", _status, "every component, its state and what it says")
    add("runs", _runs, "all runs that you have on this machine")


def _status(options: Namespace, folder: Path) -> int:
    manifest = lifecycle.load(folder)
    seen = [*views(manifest), *wallet_views(manifest)]
    if options.json:
        write_json(status_json(manifest, seen))
        return Exit.PASS
    write(f"{lifecycle.described(manifest)}, seed {manifest.seed}, {folder}")
    if manifest.sides:
        write(f"cut: {shown(manifest)}")
    for line in slowlinks.shown(manifest):
        write(f"link {line}")
    if manifest.links and not has_relay(manifest):
        write("the relay of these links died: nothing passes; axon swarm up starts it again")
    for line in status_table(manifest, seen):
        write(line)
    tell_dead(lifecycle.dead(manifest))
    return Exit.PASS


def tell_dead(died: Mapping[str, str]) -> None:
    """Say who died by itself, and its last words."""
    for name, said in died.items():
        write(f"{name} died by itself: {said or 'without a word'}")


def status_json(manifest: Manifest, seen: Sequence[NodeView]) -> dict[str, object]:
    """A run for programs.

    Args:
        manifest: of the run.
        seen: nodes and wallets.
    """
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
        "links": [link.to_json() for link in manifest.links],
        "components": listed,
    }


def _runs(options: Namespace, _folder: Path) -> int:
    found = [_run_json(folder, options.home) for folder in _folders(options)]
    if options.json:
        write_json(found)
        return Exit.PASS
    if not found:
        write("No run is up; axon swarm up N raises one.")
    rows = [
        (
            str(run["name"] or ""),
            str(run["said"]),
            f"{run['alive']} of {run['components']} live",
            str(run["folder"]),
        )
        for run in found
    ]
    for line in aligned(rows):
        write(line)
    nameless = next((str(run["folder"]) for run in found if run["name"] is None), None)
    if nameless is not None:  # A search that was killed leaves one where nobody looks.
        write(
            f"One without a name ends by its folder: axon swarm down --dir {shlex.quote(nameless)}"
        )
    return Exit.PASS


def _folders(options: Namespace) -> list[Path]:
    """Of the default run and those with names, and of those elsewhere that were written down."""
    home: Path = options.home
    places = [home / DEFAULT_FOLDER, *sorted((home / RUNS_FOLDER).glob("*"))]
    places += [Path(item.folder) for item in options.registry.runs()]
    return [place for place in dict.fromkeys(places) if (place / MANIFEST).exists()]


def _run_json(folder: Path, home: Path) -> dict[str, object]:
    told: dict[str, object] = {"name": name_of(folder, home), "folder": str(folder)}
    try:
        manifest = lifecycle.load(folder)
    except ConfigError as error:
        return {**told, "said": str(error), "seed": None, "components": 0, "alive": 0}
    alive = [item for item in manifest.components.values() if is_alive(item.process)]
    return {
        **told,
        "said": lifecycle.described(manifest),
        "seed": manifest.seed,
        "components": len(manifest.components),
        "alive": len(alive),
    }
