"""Bitcoin Core in the lab: the `bitcoind` that is on this machine, unpatched, and how it is called.

It is found on the PATH, or named. What it is told is what the nodes of axon are told, in its own
options; all else is left as it comes.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from axon.errors import ConfigError
from axon.machine import Endpoint
from axon.swarm.lab.manifest import Component, ComponentKind

MIN_VERSION: Final = (28, 0)
"""Those before all listen on one loopback port for Tor, too, and two do not fit on one machine."""

MAX_ADDED: Final = 8
"""Nodes that it stays connected to because it is told to."""

_PROGRAM: Final = "bitcoind"
_VERSION: Final = re.compile(r"version v(\d+)\.(\d+)")
_SECONDS: Final = 20.0


@dataclass(frozen=True, slots=True)
class Bitcoind:
    """The program.

    Args:
        path: of the file.
        version: as it says itself, the first two numbers.
    """

    path: Path
    version: tuple[int, int]

    def __str__(self) -> str:
        return f"Bitcoin Core {self.version[0]}.{self.version[1]} ({self.path})"


def find_bitcoind(named: str = "") -> Bitcoind:
    """The program that is to be run.

    Args:
        named: a file; empty to look for it on the PATH.

    Raises:
        ConfigError: there is none, or it is too old, or something else.
    """
    found = shutil.which(named or _PROGRAM)
    if found is None:
        where = f"{named} is no program" if named else "there is no bitcoind on the PATH"
        raise ConfigError(f"{where}; --bitcoind PATH names one, or leave bitcoind out of --mix")
    try:
        said = subprocess.run(
            (found, "--version"), capture_output=True, timeout=_SECONDS, check=False
        ).stdout.decode(errors="replace")
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigError(f"{found} does not run: {error}") from error
    first = said.partition("\n")[0].strip()
    match = _VERSION.search(first)
    if match is None or "Bitcoin Core" not in first:
        raise ConfigError(f"{found} is not Bitcoin Core's bitcoind: it calls itself {first!r:.80}")
    version = int(match[1]), int(match[2])
    if version < MIN_VERSION:
        raise ConfigError(
            f"{found} is Bitcoin Core {version[0]}.{version[1]}; the lab needs "
            f"{MIN_VERSION[0]}.{MIN_VERSION[1]} or a later one"
        )
    return Bitcoind(Path(found).absolute(), version)


def command_line(
    path: str,
    folder: Path,
    item: Component,
    dialled: Sequence[Endpoint],
    blocks: Path | None = None,
) -> list[str]:
    """How a node is called that is a bitcoind.

    Args:
        path: of the program.
        folder: of the component.
        item: what is known of it.
        dialled: to whom it stays connected.
        blocks: a file of blocks to begin with.
    """
    telling = item.kind is not ComponentKind.JOINER and item.on_cjdns
    return [
        path,
        "-regtest",
        f"-datadir={folder}",
        f"-bind={item.p2p}",
        "-listen=1",
        f"-rpcbind={_bracketed(item.rpc.host)}",
        f"-rpcport={item.rpc_port}",
        f"-rpcallowip={'::1' if item.on_cjdns else '127.0.0.0/8'}",
        f"-uacomment={item.name}",
        *(["-cjdnsreachable"] if item.on_cjdns else []),
        *([f"-externalip={item.host}"] if telling else []),
        # What it does not choose by itself: those that it is to dial alone.
        *(["-connect=0"] if item.dials is not None else []),
        *[f"-addnode={endpoint}" for endpoint in dialled[:MAX_ADDED]],
        # What it holds its index of blocks against on a test chain fails while a file is read.
        *([] if blocks is None else [f"-loadblock={blocks}", "-checkblockindex=0"]),
        # It asks nobody outside, and opens nothing besides.
        "-dnsseed=0",
        "-fixedseeds=0",
        "-discover=0",
        "-listenonion=0",
        "-natpmp=0",
        # Wallets are axon's, and read filters (BIP 157).
        "-disablewallet",
        "-blockfilterindex=1",
        "-peerblockfilters=1",
        # Checks look for blame in the log, and whom it is laid on.
        "-debug=net",
        "-logips",
        "-printtoconsole=0",
    ]


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
