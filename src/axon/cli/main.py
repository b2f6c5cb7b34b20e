"""`axon`: the commands, each in a file of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Final

from axon.compiled import KIND
from axon.drivers.aio.privatefiles import keep_private
from axon.host.version import VERSION

_HELP: Final = f"""axon {VERSION}: Bitcoin's peer-to-peer network in Python

Usage: axon COMMAND [ARGUMENTS]

  node    run a full node; takes bitcoind's options: axon node -regtest
  rpc     call a running node: axon rpc -regtest getblockchaininfo
  peers   a live table of a running node's peers: axon peers -regtest
  wallet  a wallet that trusts no server: axon wallet create alice -regtest
  demo    the story: nodes and wallets on this machine, harmed, healed, checked
  lesson  the same story, with a pause at each act and a page to look at
  sim     many nodes in virtual time, under faults: axon sim --seeds 0..199
  swarm   real nodes to raise, watch, harm and judge: axon swarm up 5

axon COMMAND --help says more. Without -datadir all data is in ~/.axon.
"""

_COMMANDS: Final = (
    "node",
    "rpc",
    "peers",
    "wallet",
    "demo",
    "lesson",
    "sim",
    "swarm",
    "help",
    "version",
)

_KEPT_OPEN: Final = (["wallet", "serve"], ["wallet", "open"], ["swarm", "open"])
"""Through these, passphrases come and go for as long as they run."""

_INTERRUPTED: Final = 130
"""What shells make of a program that ctrl-C has ended: 128 and the signal's number."""

_NOBODY_READS: Final = 141
"""The same of one that wrote into a pipe whose reader has left, as `head` does."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave with its exit code."""
    keep_private()
    if arguments is None and sys.argv[1:3] in _KEPT_OPEN:
        from axon.host.secretmemory import overwrite_freed

        overwrite_freed()
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = _run(given[0] if given else "", given[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:  # Once a node runs, it takes the signal itself.
        code = _INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # What is left goes there.
        code = _NOBODY_READS
    sys.exit(code)


def _run(command: str, arguments: list[str]) -> int:
    # A node must not hold the memory of what it never uses, so each command loads its own.
    match command:
        case "node":
            from axon.cli.node import main as run_node

            return run_node(arguments)
        case "rpc":
            from axon.cli.rpc import main as run_rpc

            return run_rpc(arguments)
        case "peers":
            from axon.cli.peers import main as run_peers

            return run_peers(arguments)
        case "wallet":
            from axon.cli.wallet import main as run_wallet

            return run_wallet(arguments)
        case "demo":
            from axon.cli.demo import main as run_demo

            return run_demo(arguments)
        case "lesson":
            from axon.cli.lesson import main as run_lesson

            return run_lesson(arguments)
        case "sim":
            from axon.cli.sim import main as run_sim

            return run_sim(arguments)
        case "swarm":
            from axon.cli.swarm import main as run_swarm

            return run_swarm(arguments)
        case "" | "help" | "--help" | "-h" | "-help" | "-?":
            sys.stdout.write(_HELP)
            return 0
        case "version" | "--version" | "-version":
            sys.stdout.write(f"axon {VERSION} ({KIND})\n")
            return 0
        case _:
            from axon.cli.arguments import and_see, meant

            told = f"there is no command {command!r}{meant(command, _COMMANDS)}"
            sys.stderr.write(f"Error: {told}{and_see(told)} axon --help\n")
            return 1
