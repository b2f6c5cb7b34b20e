"""`axon node`: a full node, run until it is stopped."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from axon.cli.background import Background, in_background
from axon.cli.catalogue import OPTIONS, help_message
from axon.cli.interfaceversion import INTERFACE_VERSION
from axon.cli.nodeconfig import NodeConfig, load_node_config, wants_help, wants_version
from axon.cli.options import parse_command_line
from axon.cli.progress import Progress
from axon.drivers.aio.loop import run_loop
from axon.errors import AxonError
from axon.host.datadir import locked, make_blocks_folder, pid_file, prepare
from axon.host.fullnode import RunningNode
from axon.host.logfile import Log
from axon.host.nodeprogram import run_node
from axon.host.settingsfile import keep_settings_file

_USAGE: Final = """Usage: axon node [OPTIONS]

Runs a full node until ctrl-C or `axon rpc stop`. Options are bitcoind's, with
one dash or two; they may stand in bitcoin.conf as well.
"""
_FIRST_LINE: Final = f"axon daemon version {INTERFACE_VERSION}"

_log = logging.getLogger("axon")


def main(arguments: Sequence[str], home: Path | None = None) -> int:
    """Run a node; its exit code."""
    try:
        command_line = parse_command_line(arguments, OPTIONS)
        if wants_help(command_line):
            sys.stdout.write(f"{_USAGE}\n{help_message()}")
            return 0
        if wants_version(command_line):
            sys.stdout.write(f"{_FIRST_LINE}\n")
            return 0
        config = load_node_config(command_line, home)
        for notice in config.notices:
            sys.stderr.write(f"Warning: {notice}\n")
        _prepare(config)
        if config.background is Background.NONE:
            return _run(config, lambda: None)
        return in_background(lambda ready: _run(config, ready), waits=config.background)
    except AxonError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1


def _prepare(config: NodeConfig) -> None:
    """Make the folders, and see that nobody else uses them, while errors are still seen."""
    prepare(config.node.folder)
    make_blocks_folder(config.node.blocks_folder)
    with _held(config):
        keep_settings_file(config.settings_file)


@contextmanager
def _held(config: NodeConfig) -> Iterator[None]:
    """Hold the folders; a process that forks loses them."""
    with locked(config.node.folder):
        if config.node.blocks_dir is None:
            yield
        else:
            with locked(config.node.blocks_folder):
                yield


def _run(config: NodeConfig, ready: Callable[[], None]) -> int:
    """Run the node until it stops.

    Args:
        ready: called once it has started.
    """
    with _held(config), pid_file(config.pid_file):
        watched = _is_watched(config)
        log = Log(replace(config.log, console=config.log.console and not watched))
        log.open()
        try:
            _log.info("%s", _FIRST_LINE)
            _log.info("Using data directory %s", config.node.folder)
            for warning in (*config.warnings, *config.notices):
                _log.warning("%s", warning)
            for line in config.settings.told():
                _log.info("%s", line)
            run_loop(_run_until_stopped(config, log, Progress() if watched else None, ready))
        except AxonError as error:
            _log.error("Error: %s", error)
            raise
        except Exception:
            _log.exception("axon stops because of a fault of its own")
            raise
        finally:
            _log.info("Shutdown done")
            log.close()
    return 0


def _is_watched(config: NodeConfig) -> bool:
    """Whether a person looks on who did not ask for the log: then progress is shown instead."""
    asked = config.settings.is_set("printtoconsole")
    return sys.stdout.isatty() and not asked and config.background is Background.NONE


async def _run_until_stopped(
    config: NodeConfig, log: Log, progress: Progress | None, ready: Callable[[], None]
) -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, log.reopen)

    def started(node: RunningNode) -> None:
        ready()
        if progress is not None:
            progress.started(config.node.network.name, node.endpoints, node.height)
            if node.page_url is not None:
                progress.say(f"its page, for whoever has this address: {node.page_url}")
            node.hand_facts_to(progress.saw)

    def stops() -> None:
        if progress is not None:
            progress.say("stopping")

    await run_node(config.node, on_start=started, on_stop=stops, logs=log)
