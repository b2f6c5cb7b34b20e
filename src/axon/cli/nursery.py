"""The programs of a lab, loaded once and ready to be forked (`axon.swarm.lab.nursery`)."""

from __future__ import annotations

import sys

from axon.cli.node import main as run_node
from axon.swarm.lab.minerloop import main as run_miner
from axon.swarm.lab.nursery import serve


def main(lock: int) -> int:
    """Bear what is asked for on standard input until it ends; the exit code.

    Args:
        lock: the descriptor that holds the run.
    """
    programs = {"node": run_node, "miner": run_miner}
    return serve(programs, lock, sys.stdin.buffer, sys.stdout.buffer)
