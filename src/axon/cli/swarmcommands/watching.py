"""`watch`: a live picture of a run, in pages where the terminal is smaller than the network."""

from __future__ import annotations

import os
import shutil
import sys
import time
from argparse import Namespace
from pathlib import Path

from axon.cli.keyboard import LEAVE, keyboard, turned
from axon.cli.swarmcommands.looking import status_json
from axon.cli.swarmoptions import AddCommand
from axon.cli.swarmview import CLEAR, REFRESH_S, write
from axon.rpc.amounts import encode_json
from axon.swarm.lab import lifecycle
from axon.swarm.lab.members import views, wallet_views
from axon.swarm.lab.picture import Picture
from axon.swarm.lab.verdict import Exit


def add_commands(add: AddCommand) -> None:
    """Add the command."""
    watch = add(
        "watch",
        _watch,
        "a live picture: who is linked to whom, last blocks by colour",
        "A live picture: who is linked to whom, last blocks by colour. Where the network is larger "
        "than the terminal: space and b turn the pages; q leaves.",
    )
    watch.add_argument("--once", action="store_true", help="print one picture and leave")


def _watch(options: Namespace, folder: Path) -> int:
    try:
        if options.json:
            return _watch_for_programs(folder, once=options.once)
        if options.once or not sys.stdout.isatty():
            return _print_pictures(folder, once=options.once)
        return _watch_live(folder)
    except KeyboardInterrupt:  # That is how one leaves a picture.
        return Exit.PASS


def _watch_for_programs(folder: Path, *, once: bool) -> int:
    """What `status` tells, an object in a line for each look."""
    while True:
        manifest = lifecycle.load(folder)
        write(encode_json(status_json(manifest, [*views(manifest), *wallet_views(manifest)])))
        if once:
            return Exit.PASS
        time.sleep(REFRESH_S)


def _picture(folder: Path, height: int | None = None) -> Picture:
    manifest = lifecycle.load(folder)
    return Picture(
        manifest,
        views(manifest),
        wallet_views(manifest),
        width=shutil.get_terminal_size().columns,
        height=height,
        coloured=sys.stdout.isatty() and "NO_COLOR" not in os.environ,
    )


def _print_pictures(folder: Path, *, once: bool) -> int:
    while True:
        write("\n".join(_picture(folder).lines()))
        if once:
            return Exit.PASS
        time.sleep(REFRESH_S)


def _watch_live(folder: Path) -> int:
    page = 0
    with keyboard() as key:
        while True:
            # The last line stays empty: a picture that ends there would scroll its first one away.
            picture = _picture(folder, shutil.get_terminal_size().lines - 1)
            page %= picture.pages
            write(CLEAR + "\n".join(picture.lines(page)))
            pressed = key(REFRESH_S)
            if pressed in LEAVE:
                return Exit.PASS
            page += turned(pressed)
