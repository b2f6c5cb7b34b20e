"""`status` and `watch`: what a run is, and how it does."""

from __future__ import annotations

import os
import shutil
import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from threading import Event

from axon.cli.swarmoptions import AddCommand
from axon.cli.swarmview import CLEAR, REFRESH_S, write, write_json
from axon.swarm.lab import lifecycle
from axon.swarm.lab.manifest import Manifest
from axon.swarm.lab.members import state_of, views, wallet_views
from axon.swarm.lab.nodeprocess import NodeView
from axon.swarm.lab.partition import shown
from axon.swarm.lab.picture import frame, status_table
from axon.swarm.lab.verdict import Exit
from axon.swarm.story.participants import amount_sat, in_coins


def add_commands(add: AddCommand) -> None:
    """Add the commands."""
    status = add("status", _status, "every component, its state and what it says")
    status.add_argument("--json", action="store_true", help="one JSON object")
    watch = add("watch", _watch, "a live picture: who is linked to whom, last blocks by colour")
    watch.add_argument("--once", action="store_true", help="print one picture and leave")


def _status(options: Namespace, folder: Path) -> int:
    manifest = lifecycle.load(folder)
    seen = [*views(manifest), *wallet_views(manifest)]
    if options.json:
        write_json(_status_json(manifest, seen))
        return Exit.PASS
    write(f"{lifecycle.described(manifest)}, seed {manifest.seed}, {folder}")
    if manifest.sides:
        write(f"cut: {shown(manifest)}")
    for line in status_table(manifest, seen):
        write(line)
    tell_dead(manifest)
    return Exit.PASS


def tell_dead(manifest: Manifest) -> None:
    """Say who died by himself, and his last words."""
    for name, said in lifecycle.dead(manifest).items():
        write(f"{name} died by itself: {said or 'without a word'}")


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
        sys.stdout.write(CLEAR * live + "\n".join(lines) + "\n")
        sys.stdout.flush()
        if options.once:
            return Exit.PASS
        try:
            pause.wait(REFRESH_S)
        except KeyboardInterrupt:  # That is how one leaves a picture.
            return Exit.PASS
