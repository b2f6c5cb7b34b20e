"""`axon swarm`: a network of real nodes on this machine: start it, watch it, damage it, check it.

Every command finds the run by its folder, whoever started it; the nodes outlive the command that
started them.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Final

from axon.cli.arguments import say_refusal
from axon.cli.stoppable import stoppable
from axon.cli.swarmoptions import (
    INTERRUPTED,
    REGISTRY,
    AddCommand,
    Command,
    folder_of,
    swarm_parser,
)
from axon.errors import AxonError
from axon.swarm.lab.runregistry import RunRegistry
from axon.swarm.lab.verdict import Exit

FAMILIES: Final = {
    "raising": "doctor up down",
    "looking": "status runs",
    "watching": "watch",
    "dashing": "dash",
    "using": "pay mine",
    "asking": "rpc logs open",
    "harming": "kill stop cont restart partition link heal",
    "judging": "check",
    "finding": "spof",
    "planned": "run",
    "reporting": "report",
    "auditing": "audit",
    "carrying": "export import",
}
"""The files of the commands, in the order of the help text, and which commands each adds."""

_OF_NO_RUN: Final = ("doctor", "runs", "spof", "run", "report", "audit", "import")
"""Commands that leave nothing running, wherever they are stopped."""


def main(arguments: Sequence[str], home: Path | None = None) -> int:
    """Run one command; its exit code.

    Args:
        arguments: what stands behind `axon swarm`.
        home: in which the usual folder lies; None for the user's.
    """
    try:
        options = swarm_parser(_adders(arguments)).parse_args(arguments)
        options.home = (home or Path.home()).absolute()
        options.registry = RunRegistry(options.home / REGISTRY)
        command: Command = options.command
        with stoppable():
            return command(options, folder_of(options, options.home))
    except AxonError as error:
        return say_refusal(error, arguments, Exit.HARNESS_FAULT)
    except KeyboardInterrupt:
        is_of_run = not {*arguments[:1]} & {*_OF_NO_RUN}
        more = "; axon swarm up goes on, axon swarm down takes all away" * is_of_run
        sys.stderr.write(f"\nStopped{more}.\n")
        return INTERRUPTED
    except BrokenPipeError:
        raise  # Whoever read it has had enough.
    except OSError as error:
        sys.stderr.write(f"Error: the system says no: {error}\n")
        return Exit.HARNESS_FAULT
    except Exception:  # noqa: BLE001 Python leaves with 1, and that would say: one was found.
        traceback.print_exc()
        return Exit.HARNESS_FAULT


def _adders(arguments: Sequence[str]) -> list[Callable[[AddCommand], None]]:
    """What adds the commands: of the one that is called alone, for the simulator and the libraries
    of others take longer to load than most commands to run; all where help is asked for.
    """
    word = arguments[0] if arguments else ""
    called = [family for family, names in FAMILIES.items() if word in names.split()]
    return [
        import_module(f"axon.cli.swarmcommands.{family}").add_commands
        for family in called or FAMILIES
    ]
