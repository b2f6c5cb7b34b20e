"""`dash`: the run as a page of this machine, drawn live, on which it can be harmed and checked."""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import signal
import sys
import webbrowser
from argparse import Namespace
from pathlib import Path
from typing import Final

from axon.cli.swarmoptions import AddCommand
from axon.cli.swarmview import write
from axon.rpc.amounts import encode_json
from axon.swarm.dash.verdictrows import verdict_json
from axon.swarm.lab import lifecycle
from axon.swarm.lab.verdict import Exit
from axon.swarm.spof.savedverdict import read_file

DEFAULT_PORT: Final = 8380

_TOKEN_BYTES: Final = 24
_MORE: Final = (
    "Serve a page on this machine that draws the run live: blocks and payments on their way, last "
    "blocks by colour, and buttons that harm components, take it back, and check the network. "
    "Whoever has the address that is printed may do so; nobody else may. Ctrl-C ends the page; the "
    "run goes on."
)


def add_commands(add: AddCommand) -> None:
    """Add the command."""
    dash = add("dash", _dash, "the run as a live page, with buttons to harm and check it", _MORE)
    dash.add_argument(
        "--port",
        type=_port,
        default=DEFAULT_PORT,
        metavar="N",
        help=f"of 127.0.0.1 (default {DEFAULT_PORT}); 0 for any that is free",
    )
    dash.add_argument(
        "--verdict", type=Path, metavar="FILE", help="show a verdict of spof --save FILE, too"
    )
    dash.add_argument(
        "--no-browser", action="store_true", help="print the address, and open no browser"
    )


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and int(text) < 1 << 16):
        raise argparse.ArgumentTypeError(f"{text!r:.20} is no port, 0 to 65535")
    return int(text)


def _dash(options: Namespace, folder: Path) -> int:
    lifecycle.load(folder)  # A run that is not there is said now, not on the page.
    path: Path | None = options.verdict
    verdict = None if path is None else verdict_json(read_file(path), path.name)
    asyncio.run(_serve(options, folder, verdict))
    return Exit.PASS


async def _serve(options: Namespace, folder: Path, verdict: object | None) -> None:
    # Nobody but this command needs the HTTP library's server.
    from axon.swarm.dash.board import Board
    from axon.swarm.dash.hub import Hub
    from axon.swarm.dash.server import DashServer

    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked.set)
    token, code = secrets.token_urlsafe(_TOKEN_BYTES), secrets.token_urlsafe(_TOKEN_BYTES)
    hub = Hub(folder, Board(verdict))
    async with DashServer(hub, options.port, token, code) as server, hub:
        if options.json:
            endpoint = server.endpoint
            told = {"url": server.url, "host": endpoint.host, "port": endpoint.port, "token": token}
            write(encode_json(told))
        else:
            write(f"The page of this run: {server.url}")
            write("Whoever has this address may harm the run. Ctrl-C ends the page, not the run.")
            if not options.no_browser and _has_screen():
                await asyncio.to_thread(webbrowser.open, server.url_once)
        await asked.wait()
    if hub.busy:
        sys.stderr.write(f"Left while this was under way: {hub.busy}; axon swarm up mends it.\n")
    elif not options.json:
        write("\nThe page has ended; the run goes on.")


def _has_screen() -> bool:
    """Whether somebody sits here who would see a browser open."""
    if not sys.stdout.isatty():
        return False
    return sys.platform == "darwin" or bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys())
