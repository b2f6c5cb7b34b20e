"""`mine`: what people do with a network that is whole."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from axon.cli.swarmoptions import AddCommand, targets_of
from axon.cli.swarmview import write
from axon.errors import ConfigError
from axon.swarm.lab import lifecycle
from axon.swarm.lab.faucet import mine
from axon.swarm.lab.members import nodes_of, state_of
from axon.swarm.lab.nodeprocess import ProcessState
from axon.swarm.lab.verdict import Exit


def add_commands(add: AddCommand) -> None:
    """Add the commands."""
    mining = add("mine", _mine, "have a node find blocks")
    mining.add_argument("node", nargs="?", default="n1", metavar="NODE", help="default n1")
    mining.add_argument("count", nargs="?", type=int, default=1, metavar="COUNT", help="default 1")


def _mine(options: Namespace, folder: Path) -> int:
    with lifecycle.taken(folder) as manifest:
        names = targets_of(manifest, options.node).nodes(options.node)
        if options.count < 1:
            raise ConfigError(f"a node finds one block or more, not {options.count}")
        for node in nodes_of(manifest, names):
            state = state_of(manifest.components[node.name])
            if state is not ProcessState.RUNNING:
                raise ConfigError(f"{node.name} cannot mine: it is {state.lower()}")
            with node.connected():
                found = mine(node, options.count)
                write(f"{node.name}: height {node.rpc('getblockcount')}, {found[-1]}")
    return Exit.PASS
