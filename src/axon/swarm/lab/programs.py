"""The programs of a lab's components, each loaded once and ready to be forked (`forkserver`).

    python -m axon.swarm.lab.programs LOCK      LOCK: the descriptor of the locked file of the run

Nodes and wallets are the programs of `axon.host`, with settings made from what the manifest says of
a component. A node that is a bitcoind becomes that program, which is called by its command line.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Final

from axon.chain.cachesizes import DEFAULT_MIB, CacheSizes
from axon.drivers.aio.privatefiles import keep_private
from axon.errors import AxonError
from axon.host.logfile import Log, LogSettings
from axon.host.rpcsettings import RpcSettings
from axon.host.settings import (
    WALLET_USER_AGENT,
    Bind,
    FullNodeSettings,
    LightSettings,
    PeerSettings,
    script_threads,
)
from axon.host.version import VERSION
from axon.machine import Endpoint
from axon.primitives.network import REGTEST
from axon.rpc.settings import ServerSettings
from axon.swarm.lab.forkserver import Loader, Program, serve
from axon.swarm.lab.manifest import NETWORK_FOLDER, Component
from axon.swarm.lab.orders import Conduct

LOG: Final = "debug.log"
"""In the folder of a node's network, and of a wallet."""

TURN_MINER: Final = "turn miner"
"""A miner that asks several nodes (`trials/turnminer`)."""

RELAY: Final = "relay"
"""What carries the packets of links that are shaped (`linkrelay`)."""

_CACHES: Final = CacheSizes.within(DEFAULT_MIB, verified_mib=1)
"""Of a node: room for the scripts of 16,000 transactions, where whole runs have a few hundred."""

_CALLERS: Final = (ip_network("127.0.0.0/8"), ip_network("::1"))
"""Who may ask: this machine, or what is in the same namespace."""

_LOGGED: Final = ("net",)


def arguments(folder: Path, item: Component, dialled: Sequence[Endpoint]) -> list[str]:
    """What the program of a node or a wallet is told.

    Args:
        folder: of the component.
        item: what is known of it.
        dialled: whom it dials, or is told of besides whom it finds by itself.
    """
    return [str(folder), json.dumps(item.to_json()), *map(str, dialled)]


def node_arguments(
    folder: Path, item: Component, dialled: Sequence[Endpoint], blocks: Path | None
) -> list[str]:
    """What the program of a node is told.

    Args:
        folder, item, dialled: as for `arguments`.
        blocks: a file of blocks to begin with; None to have them all from peers.
    """
    return [str(blocks or ""), *arguments(folder, item, dialled)]


def node_settings(
    folder: Path, item: Component, dialled: tuple[Endpoint, ...], blocks: tuple[Path, ...] = ()
) -> FullNodeSettings:
    """A full node's settings."""
    place = folder / NETWORK_FOLDER
    server = ServerSettings((item.rpc,), _CALLERS)
    return FullNodeSettings(
        network=REGTEST,
        folder=place,
        peers=PeerSettings(
            binds=(Bind(item.p2p),) if item.listens else (),
            connect=None if item.dials is None else (),
            addnode=dialled,
            # Of a node that a check raises for itself nobody need hear: it is gone before he could
            # dial it.
            externalip=(item.p2p,) if item.listens and item.is_node else (),
            dnsseed=False,
            fixedseeds=False,
            user_agent=f"/axon:{VERSION}({item.name})/",
            blocks_only=not item.relays,
            v2_transport=False,  # Orders may say which of its messages are kept back.
            serve_filters=item.filters,
            lab=not item.on_cjdns,
            announce_pool=True,
            cjdns_reachable=item.on_cjdns,
        ),
        rpc=RpcSettings(server, place / ".cookie"),
        script_threads=script_threads(1),
        caches=_CACHES,
        load_blocks=blocks,
    )


def wallet_settings(folder: Path, item: Component, dialled: tuple[Endpoint, ...]) -> LightSettings:
    """A wallet's settings.

    It connects from an address of its own, so that nodes see it in a netgroup of its own.
    """
    return LightSettings(
        network=REGTEST,
        folder=folder / NETWORK_FOLDER,
        connect=None if item.dials is None else dialled,
        added=dialled if item.dials is None else (),
        dns_seed=False,
        lab=not item.on_cjdns,
        cjdns_reachable=item.on_cjdns,
        bind=item.host,
        v2_transport=False,  # As the nodes of a trial.
        user_agent=WALLET_USER_AGENT,
    )


def read_arguments(told: Sequence[str]) -> tuple[Path, Component, tuple[Endpoint, ...]]:
    """The same again, on the side of the program."""
    folder, item, *dialled = told
    return (
        Path(folder),
        Component.from_json(json.loads(item)),
        tuple(Endpoint.parse(text, REGTEST.port) for text in dialled),
    )


# Each loads what no other needs, so that nobody waits for what nobody asked for.


def _node() -> Program:
    # What a node loads and makes when it begins, and all have in common, is there before a fork.
    import encodings.idna  # noqa: F401

    import axon.rpc.server  # noqa: F401
    from axon.drivers.aio.loop import load_loop, run_loop
    from axon.host.conditions import Conditions
    from axon.host.datadir import locked, prepare
    from axon.host.nodeprogram import run_node
    from axon.rpc.dispatch import Registry
    from axon.rpc.methods import MODULES

    load_loop()
    Registry(MODULES)

    def run(told: Sequence[str]) -> None:
        blocks, *rest = told
        folder, item, dialled = read_arguments(rest)
        begins_with = (Path(blocks),) if blocks else ()
        settings, conduct = node_settings(folder, item, dialled, begins_with), Conduct(folder)
        prepare(settings.folder)
        with locked(settings.folder), _logged(settings.folder / LOG) as log:
            run_loop(
                run_node(
                    settings,
                    logs=log,
                    on_start=lambda _: _listen(conduct),
                    conditions=Conditions(conduct.clock(), conduct.disguise),
                )
            )

    return _told(run)


def _wallet() -> Program:
    # The server is among what a served wallet loads when it begins.
    import axon.rpc.server  # noqa: F401
    from axon.drivers.aio.loop import load_loop, run_loop
    from axon.host.datadir import locked
    from axon.host.lightwallet import WALLET_FILE
    from axon.host.walletprogram import run_wallet
    from axon.swarm.lab.walletkeys import make_wallet

    load_loop()

    def run(told: Sequence[str]) -> None:
        """Serve a wallet; one that is not there is first made from its words."""
        words, passphrase, *rest = told
        folder, item, dialled = read_arguments(rest)
        settings, conduct = wallet_settings(folder, item, dialled), Conduct(folder)
        wallet_folder = settings.wallet_folder(item.name)
        make_wallet(wallet_folder / WALLET_FILE, Path(words), Path(passphrase))
        with locked(wallet_folder), _logged(wallet_folder / LOG):
            run_loop(
                run_wallet(
                    settings,
                    item.name,
                    on_start=lambda _: _listen(conduct),
                    clock=conduct.clock(),
                )
            )

    return _told(run)


def _listen(conduct: Conduct) -> None:
    conduct.listen(asyncio.get_running_loop().add_signal_handler)


def _miner() -> Program:
    from axon.swarm.lab.minerloop import main

    return main


def _turn_miner() -> Program:
    from axon.swarm.lab.trials.turnminer import main

    return main


def _relay() -> Program:
    from axon.swarm.lab.linkrelay import main

    return main


def _bitcoind() -> Program:
    def main(told: Sequence[str]) -> int:
        """Become another program; whoever knows this process by its identity knows it still."""
        try:
            os.execv(told[0], list(told))
        except OSError as error:
            sys.stderr.write(f"Error: {told[0]} does not run: {error.strerror}\n")
        return 1

    return main


@contextmanager
def _logged(path: Path) -> Iterator[Log]:
    """Write a log, all of it: checks look for blame in it."""
    log = Log(LogSettings(path, categories=_LOGGED, shrink=False))
    log.open()
    try:
        yield log
    finally:
        log.close()


def _told(run: Callable[[Sequence[str]], None]) -> Program:
    """A program that says on standard error why it cannot go on."""

    def main(told: Sequence[str]) -> int:
        try:
            run(told)
        except AxonError as error:
            sys.stderr.write(f"Error: {error}\n")
            return 1
        return 0

    return main


LOADERS: Final[dict[str, Loader]] = {
    "node": _node,
    "miner": _miner,
    "wallet": _wallet,
    TURN_MINER: _turn_miner,
    "bitcoind": _bitcoind,
    RELAY: _relay,
}

if __name__ == "__main__":
    keep_private()
    sys.exit(serve(LOADERS, int(sys.argv[1]), sys.stdin.buffer, sys.stdout.buffer))
