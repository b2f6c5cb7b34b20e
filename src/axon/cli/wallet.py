"""`axon wallet`: wallets made, looked at, paid from and kept running from the command line.

A command goes to the program that has the wallet open, if there is one; else the wallet is opened
here, brought up to date, asked, and closed.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from axon.cli.arguments import UsageError, say_refusal
from axon.cli.walletcommands import (
    bumping,
    creating,
    direct,
    importing,
    keeping,
    looking,
    opening,
    packets,
    paying,
    psbts,
    receipts,
    receiving,
    safekeeping,
    serving,
)
from axon.cli.walletoptions import Command, read_options, wallet_parser
from axon.errors import AxonError

FAILED: Final = 1
WRONG_CALL: Final = 2
_INTERRUPTED: Final = 130

_FAMILIES: Final = (
    creating,
    looking,
    receiving,
    paying,
    direct,
    packets,
    receipts,
    bumping,
    keeping,
    safekeeping,
    psbts,
    serving,
    opening,
    importing,
)


def main(arguments: Sequence[str], home: Path | None = None) -> int:
    """Run one command; its exit code.

    Args:
        arguments: what stands behind `axon wallet`.
        home: in which the usual data directory lies; None for the user's.
    """
    parser = wallet_parser([family.add_commands for family in _FAMILIES])
    try:
        options = read_options(parser, list(arguments) or ["--help"], home or Path.home())
        command: Command = options.arguments.command
        return command(options)
    except UsageError as error:
        return say_refusal(error, arguments, WRONG_CALL)
    except AxonError as error:
        return say_refusal(error, arguments, FAILED)
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped.\n")
        return _INTERRUPTED
    except SystemExit as leaving:  # argparse leaves so after --help.
        return int(leaving.code or 0)
