"""`axon peers`: a live table of a running node's peers, by RPC."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from itertools import cycle, islice
from pathlib import Path
from typing import Final

from axon.cli.conf import load_settings
from axon.cli.keyboard import LEAVE, keyboard, turned
from axon.cli.options import Option, OptionKind, parse_command_line
from axon.cli.peertable import SORTS, PeerTable
from axon.cli.rpc import CLI_OPTIONS, find_login
from axon.cli.swarmview import CLEAR, REFRESH_S, write
from axon.errors import ConfigError
from axon.primitives.network import NETWORKS
from axon.rpc.amounts import encode_json
from axon.rpc.client import RpcClient, Unauthorized, Unreachable
from axon.rpc.errors import RpcError
from axon.rpc.peerrows import PeerRow, peer_rows

LOOKED_THROUGH: Final = 400
"""Newest blocks in which it is looked for those that peers have not given."""

_OPTIONS: Final = CLI_OPTIONS | {
    option.name: option
    for option in (
        Option("once", OptionKind.FLAG),
        Option("json", OptionKind.FLAG),
        Option("sort", OptionKind.VALUE),
    )
}
_USAGE: Final = f"""Usage: axon peers [OPTIONS]

A live table of the peers of a running node: what they have sent and were sent
(recv, sent, and the message of which that is most), of how many of the newest
blocks each told us first (1st), and how long, in seconds, each keeps us waiting
for a block (wait; !N: it never gave N blocks).

  -once        print the table once and leave
  -json        an object for each look, for programs
  -sort=WORD   {", ".join(SORTS)}
               (default: id)
  -datadir -conf -chain -regtest -rpcconnect -rpcport -rpcuser -rpcpassword
  -rpccookiefile
               as for axon rpc

Keys: space and b turn the pages, s sorts by the next word, q leaves.
"""


def main(arguments: Sequence[str], home: Path | None = None) -> int:
    """Show the peers of a node; the exit code.

    Args:
        arguments: what stands behind `axon peers`.
        home: in which the default data directory lies; None for the user's.
    """
    try:
        command_line = parse_command_line(arguments, _OPTIONS)
        if any(name in command_line for name in ("help", "h", "?")):
            sys.stdout.write(_USAGE)
            return 0
        settings, datadir = load_settings(_OPTIONS, command_line, home or Path.home())
        sort = settings.text("sort", "id")
        if sort not in SORTS:
            raise ConfigError(f"Invalid -sort={sort}; must be one of {', '.join(SORTS)}")
        login = find_login(settings, datadir / NETWORKS[settings.chain].folder)
        with RpcClient(
            login.url, cookie=login.cookie, user=login.user, password=login.password
        ) as client:
            _watch(
                client,
                sort,
                once=settings.flag("once", False),
                as_json=settings.flag("json", False),
            )
    except KeyboardInterrupt:  # That is how one leaves a picture.
        return 0
    except RpcError as error:
        sys.stderr.write(f"error: {error.message}\n")
        return 1
    except (ConfigError, Unauthorized, Unreachable) as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def _watch(client: RpcClient, sort: str, *, once: bool, as_json: bool) -> None:
    if not (once or as_json) and sys.stdout.isatty():
        _watch_live(client, sort)
        return
    while True:
        headline, rows = _look(client)
        if as_json:
            write(encode_json([asdict(row) for row in sorted(rows, key=SORTS[sort])]))
        else:
            width = shutil.get_terminal_size().columns
            write("\n".join(_table(rows, headline, sort, width).lines()))
        if once:
            return
        time.sleep(REFRESH_S)


def _watch_live(client: RpcClient, sort: str) -> None:
    page = 0
    with keyboard() as key:
        while True:
            headline, rows = _look(client)
            size = shutil.get_terminal_size()
            # The last line stays empty: a picture that ends there would scroll its first one away.
            table = _table(rows, headline, sort, size.columns, size.lines - 1)
            page %= table.pages
            write(CLEAR + "\n".join(table.lines(page)))
            pressed = key(REFRESH_S)
            if pressed in LEAVE:
                return
            page += turned(pressed)
            if pressed == "s":
                words = cycle(SORTS)
                sort = next(islice(words, [*SORTS].index(sort) + 1, None))


def _look(client: RpcClient) -> tuple[str, list[PeerRow]]:
    """What the node says now: a headline, and its peers."""
    peers, height = client.call("getpeerinfo"), client.call("getblockcount")
    timelines = client.call("getblocktimeline", LOOKED_THROUGH)
    inbound = sum(peer["inbound"] for peer in peers)
    many = "" if len(peers) == 1 else "s"
    headline = (
        f"{len(peers)} peer{many}, {inbound} in, {len(peers) - inbound} out; block {height:,}"
    )
    return headline, peer_rows(peers, timelines)


def _table(
    rows: Sequence[PeerRow], headline: str, sort: str, width: int, height: int | None = None
) -> PeerTable:
    coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    return PeerTable(rows, headline, sort=sort, width=width, height=height, coloured=coloured)
