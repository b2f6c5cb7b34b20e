"""`axon swarm`: a network of real nodes on this machine: start it, watch it, damage it, check it.

Every command finds the run by its folder, whoever started it; the nodes outlive the command that
started them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from axon.cli.swarmcommands import (
    asking,
    auditing,
    carrying,
    dashing,
    finding,
    harming,
    judging,
    looking,
    planned,
    raising,
    reporting,
    using,
    watching,
)
from axon.cli.swarmoptions import REGISTRY, Command, folder_of, swarm_parser
from axon.errors import AxonError
from axon.swarm.lab.runregistry import RunRegistry
from axon.swarm.lab.verdict import Exit

_INTERRUPTED: Final = 130

_FAMILIES: Final = (
    raising,
    looking,
    watching,
    dashing,
    using,
    asking,
    harming,
    judging,
    finding,
    planned,
    reporting,
    auditing,
    carrying,
)


def main(arguments: Sequence[str], home: Path | None = None) -> int:
    """Run one command; its exit code.

    Args:
        arguments: what stands behind `axon swarm`.
        home: in which the usual folder lies; None for the user's.
    """
    try:
        options = swarm_parser([family.add_commands for family in _FAMILIES]).parse_args(arguments)
        options.home = (home or Path.home()).absolute()
        options.registry = RunRegistry(options.home / REGISTRY)
        command: Command = options.command
        return command(options, folder_of(options, options.home))
    except AxonError as error:
        sys.stderr.write(f"Error: {error}\n")
        return Exit.HARNESS_FAULT
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped; axon swarm up goes on, axon swarm down takes all away.\n")
        return _INTERRUPTED
    except BrokenPipeError:  # Whoever read it has had enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _INTERRUPTED
