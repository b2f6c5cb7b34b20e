"""`axon node`: a full node, run until it is stopped."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from axon.cli.catalogue import OPTIONS, help_message
from axon.cli.nodeconfig import NodeConfig, load_node_config, wants_help, wants_version
from axon.cli.options import parse_command_line
from axon.cli.progress import Progress
from axon.drivers.aio.loop import run_loop
from axon.errors import AxonError
from axon.host.datadir import locked, pid_file, prepare
from axon.host.fullnode import RunningNode
from axon.host.logfile import Log
from axon.host.nodeprogram import run_node
from axon.host.version import VERSION

_USAGE: Final = """Usage: axon node [OPTIONS]

Runs a full node until ctrl-C or `axon rpc stop`. Options are bitcoind's, with one dash or two; they
may stand in bitcoin.conf as well.
"""
_log = logging.getLogger("axon")


def main(arguments: Sequence[str], home: Path | None = None) -> int:
    """Run a node; its exit code."""
    try:
        command_line = parse_command_line(arguments, OPTIONS)
        if wants_help(command_line):
            sys.stdout.write(f"{_USAGE}\n{help_message()}")
            return 0
        if wants_version(command_line):
            sys.stdout.write(f"axon {VERSION}\n")
            return 0
        config = load_node_config(command_line, home)
        prepare(config.node.folder)
        if config.daemon and not _fork():
            return 0
        return _run(config)
    except AxonError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1


def _fork() -> bool:
    """Go on in the background; whether this is the process that does."""
    if os.fork():
        sys.stdout.write("axon starting\n")
        return False
    os.setsid()
    return True


def _run(config: NodeConfig) -> int:
    with locked(config.node.folder), pid_file(config.pid_file):
        watched = _is_watched(config)
        log = Log(replace(config.log, console=config.log.console and not watched))
        log.open()
        try:
            for warning in config.warnings:
                _log.warning("%s", warning)
            for sentence in config.unused:
                _log.info("%s", sentence)
            for line in config.settings.told():
                _log.info("%s", line)
            run_loop(_run_until_stopped(config, log, Progress() if watched else None))
        except AxonError as error:
            _log.error("Error: %s", error)
            raise
        except Exception:
            _log.exception("axon stops because of a fault of its own")
            raise
        finally:
            _log.info("Shutdown: done")
            log.close()
    return 0


def _is_watched(config: NodeConfig) -> bool:
    """Whether a person looks on who did not ask for the log: then progress is shown instead."""
    asked = config.settings.is_set("printtoconsole")
    return sys.stdout.isatty() and not asked and not config.daemon


async def _run_until_stopped(config: NodeConfig, log: Log, progress: Progress | None) -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, log.reopen)
    if progress is None:
        await run_node(config.node, logs=log)
        return

    def started(node: RunningNode) -> None:
        progress.started(config.node.network.name, node.endpoints, node.height)
        node.hand_facts_to(progress.saw)

    await run_node(
        config.node, on_start=started, on_stop=lambda: progress.say("stopping"), logs=log
    )
