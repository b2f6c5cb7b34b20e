"""`status`: what a run is, component by component."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path

from axon.cli.swarmoptions import AddCommand
from axon.cli.swarmview import write, write_json
from axon.swarm.lab import lifecycle
from axon.swarm.lab.manifest import Manifest
from axon.swarm.lab.members import state_of, views, wallet_views
from axon.swarm.lab.nodeprocess import NodeView
from axon.swarm.lab.partition import shown
from axon.swarm.lab.picture import status_table
from axon.swarm.lab.verdict import Exit
from axon.swarm.story.participants import amount_sat, in_coins


def add_commands(add: AddCommand) -> None:
    """Add the command."""
    add("status", _status, "every component, its state and what it says")


def _status(options: Namespace, folder: Path) -> int:
    manifest = lifecycle.load(folder)
    seen = [*views(manifest), *wallet_views(manifest)]
    if options.json:
        write_json(status_json(manifest, seen))
        return Exit.PASS
    write(f"{lifecycle.described(manifest)}, seed {manifest.seed}, {folder}")
    if manifest.sides:
        write(f"cut: {shown(manifest)}")
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
        "components": listed,
    }
