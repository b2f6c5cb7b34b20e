"""How components begin: their configuration, and their first words to each other.

Processes are started a few at a time, since each needs a processor for a while. When all nodes of a
batch answer they are told addresses of others, so nobody dials who does not listen yet and
remembers the failure for ten minutes; wallets begin when there are nodes to dial.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from axon.drivers.aio.clock import Clock
from axon.drivers.aio.privatefiles import make_folder, write_file
from axon.errors import DecodeError
from axon.machine import SECOND, Endpoint
from axon.p2p.banlist import DEFAULT_BAN_S, BanList, Subnet
from axon.rpc.errors import RpcError
from axon.swarm.lab.axonprocess import AxonProcess
from axon.swarm.lab.backends import backend_of
from axon.swarm.lab.bitcoind import command_line
from axon.swarm.lab.firstblocks import first_blocks_of
from axon.swarm.lab.manifest import (
    NETWORK_FOLDER,
    PASSPHRASE,
    WORDS,
    Component,
    ComponentKind,
    DesiredState,
    Manifest,
    NodeProgram,
)
from axon.swarm.lab.members import each, node_of, nodes_of, state_of, wallet_of
from axon.swarm.lab.minerloop import Miner
from axon.swarm.lab.nodeprocess import NodeProcess, ProcessState
from axon.swarm.lab.processes import START_LIMIT_S, NodeFailed, wait_until
from axon.swarm.lab.processidentity import identity_of, is_alive
from axon.swarm.lab.programs import arguments, node_arguments
from axon.swarm.lab.walletprocess import WalletProcess

AT_ONCE: Final = 2 * (os.cpu_count() or 1)
"""Nodes that start side by side: one computes while another waits for the disk."""

_PROGRAMS: Final = {
    ComponentKind.NODE: "node",
    ComponentKind.JOINER: "node",
    ComponentKind.WALLET: "wallet",
    ComponentKind.COLD: "wallet",
    ComponentKind.MINER: "miner",
}
CONF: Final = "bitcoin.conf"
_BANS: Final = "banlist.json"
_CONFIGURATION: Final = """\
# Written by axon swarm; `axon rpc -datadir=` with this folder calls the node.
regtest=1
[regtest]
rpcconnect={host}
rpcport={port}
"""

_WALLET_CONFIGURATION: Final = b"""\
# Written by axon swarm: commands dial no node of this machine that is of another network.
[regtest]
connect=0
"""

Say = Callable[[str], None]


def start(manifest: Manifest, names: Iterable[str], say: Say) -> None:
    """Start components that do not live, wait until they answer, and tell nodes of each other.

    Raises:
        NodeFailed: one left at its start, or does not answer in time.
    """
    wanted = [manifest.components[name] for name in names]
    dead = [item for item in wanted if not is_alive(item.process)]
    if not dead:
        return
    for item in dead:
        manifest.change(item.name, desired=DesiredState.RUN)
    manifest.save()
    nodes = [item for item in dead if item.kind in (ComponentKind.NODE, ComponentKind.JOINER)]
    ready = _start_each(nodes, lambda item: spawn_node(manifest, item), "nodes", say)
    tell_addresses(manifest, ready)
    _call_back(manifest, ready)
    wallets = [item for item in dead if item.kind in (ComponentKind.WALLET, ComponentKind.COLD)]
    _start_each(wallets, lambda item: spawn_wallet(manifest, item), "wallets", say)
    have_listen(manifest, [item.name for item in wallets])
    for item in dead:
        if item.kind is ComponentKind.MINER:
            _start_miner(manifest, item)
    manifest.save()


def _start_each(
    items: Sequence[Component], spawn: Callable[[Component], AxonProcess], kind: str, say: Say
) -> list[str]:
    """Start several, a few at a time, and wait until all answer; their names."""
    starting: dict[str, AxonProcess] = {}
    left = list(items)
    ready: list[str] = []

    def proceed() -> bool:
        while left and len(starting) < AT_ONCE:
            spawned = spawn(left.pop(0))
            starting[spawned.name] = spawned
        for name, spawned in list(starting.items()):
            if spawned.check_ready():
                ready.append(name)
                del starting[name]
                say(f"{len(ready)} of {len(items)} {kind} answer")
        return not left and not starting

    wait_until(proceed, START_LIMIT_S * (1 + len(items) / AT_ONCE), f"all {kind} answer")
    return ready


def _spawn(manifest: Manifest, item: Component, told: Sequence[str]) -> None:
    """Start a component's process, and note its identity."""
    assert manifest.run_lock is not None, "who starts something holds the run"
    program = _PROGRAMS[item.kind]
    if item.program is NodeProgram.BITCOIND:
        program = "bitcoind"
    backend, folder = backend_of(manifest), manifest.folder_of(item.name)
    backend.provide(manifest, item)
    pid = manifest.run_lock.spawn(program, folder, told, backend.namespace(manifest, item))
    manifest.change(item.name, process=identity_of(pid))


def spawn_node(manifest: Manifest, item: Component) -> NodeProcess:
    """Start the process of a node; it does not answer yet, and is told of nobody."""
    folder = manifest.folder_of(item.name)
    make_folder(folder)
    configuration = _CONFIGURATION.format(host=item.rpc.host, port=item.rpc_port)
    write_file(folder / CONF, configuration.encode())
    with suppress(FileNotFoundError):  # With the last run's password nobody gets an answer.
        (folder / NETWORK_FOLDER / ".cookie").unlink()
    refuse(folder, item.bans)
    others, blocks = dialled(manifest, item), first_blocks_of(manifest, item)
    if item.program is NodeProgram.BITCOIND:
        _spawn(manifest, item, command_line(manifest.bitcoind, folder, item, others, blocks))
    else:
        _spawn(manifest, item, node_arguments(folder, item, others, blocks))
    return node_of(manifest, item.name)


def spawn_wallet(manifest: Manifest, item: Component) -> WalletProcess:
    """Start the process of a wallet, made first if there is none; it does not answer yet."""
    # Of all that is called here, only this needs the wallet's library.
    from axon.swarm.lab.walletkeys import provide_passphrase, provide_words

    folder = manifest.folder_of(item.name)
    provide_passphrase(manifest.folder)
    provide_words(folder)
    write_file(folder / CONF, _WALLET_CONFIGURATION)
    secrets = [str(folder / WORDS), str(manifest.folder / PASSPHRASE)]
    told = arguments(folder, item, dialled(manifest, item))
    _spawn(manifest, item, [*secrets, *told])
    return wallet_of(manifest, item.name)


def have_listen(manifest: Manifest, names: Sequence[str]) -> None:
    """Have wallets listen for others, those that are to; who does already goes on.

    Raises:
        NodeFailed: one cannot.
    """
    items = [manifest.components[name] for name in names]
    listeners = [item for item in items if item.is_payable]
    if not listeners:
        return
    secret = (manifest.folder / PASSPHRASE).read_text()

    def listen(item: Component) -> None:
        try:
            wallet_of(manifest, item.name).rpc("openpayments", secret, str(item.p2p))
        except RpcError as error:
            raise NodeFailed(
                f"{item.name} does not listen at {item.p2p}: {error.message}"
            ) from error

    each(listeners, listen)


def _start_miner(manifest: Manifest, item: Component) -> None:
    folder = manifest.folder_of(item.name)
    make_folder(folder)
    node = manifest.components[item.node]
    miner = Miner(
        f"http://{node.rpc}",
        manifest.folder_of(node.name) / NETWORK_FOLDER / ".cookie",
        mean_of(manifest),
        item.seed,
    )
    _spawn(manifest, item, miner.arguments())


def mean_of(manifest: Manifest) -> float:
    """The mean time from block to block of one miner."""
    return manifest.interval_s * max(1, len(manifest.of_kind(ComponentKind.MINER)))


def dialled(manifest: Manifest, item: Component) -> list[Endpoint]:
    """Whom a component is told to dial at its start, but those whom it must refuse now.

    A node that finds its peers by itself is told of some later (`tell_addresses`), where it is not
    to begin with a few that all know.
    """
    by_itself = item.is_node and item.dials is None and not backend_of(manifest).seeds
    named = () if by_itself else item.entries
    others = [manifest.components[name] for name in named]
    return [other.p2p for other in others if other.host not in item.bans]


def refuse(folder: Path, hosts: Sequence[str], no_longer: Sequence[str] = ()) -> None:
    """Write into the ban list of a node that is down whom it must refuse, and whom no longer.

    Args:
        folder: the node's data directory.
        hosts, no_longer: addresses.
    """
    path = folder / NETWORK_FOLDER / _BANS
    if not hosts and not path.exists():
        return
    bans, now = _read_bans(path), Clock().now()
    for host in no_longer:
        bans.unban(Subnet.from_text(host))
    for host in hosts:
        bans.ban(Subnet.from_text(host), now, now // SECOND + DEFAULT_BAN_S)
    make_folder(path.parent)
    fresh = path.with_suffix(".new")
    write_file(fresh, bans.encode(now))
    fresh.replace(path)


def refused(folder: Path) -> frozenset[str]:
    """The hosts in the ban list of a node that is down."""
    bans = _read_bans(folder / NETWORK_FOLDER / _BANS)
    return frozenset(str(ban.subnet).partition("/")[0] for ban in bans.listed(Clock().now()))


def _read_bans(path: Path) -> BanList:
    try:
        return BanList.decode(path.read_bytes())
    except (FileNotFoundError, DecodeError):  # A damaged one is set aside by the node.
        return BanList()


def tell_addresses(manifest: Manifest, names: Sequence[str]) -> None:
    """Tell nodes that find their peers by themselves a few addresses; who is down hears nothing."""
    alive = [name for name in names if state_of(manifest.components[name]) is ProcessState.RUNNING]
    each(nodes_of(manifest, alive), lambda node: _tell_addresses(manifest, node))


def _tell_addresses(manifest: Manifest, node: NodeProcess) -> None:
    known = [manifest.components[name] for name in manifest.components[node.name].knows]
    if known and not backend_of(manifest).seeds:
        node.batch([("addpeeraddress", [other.host, other.p2p_port]) for other in known])


def _call_back(manifest: Manifest, names: Sequence[str]) -> None:
    """Have those who are to dial these nodes do so now, not when their patience says.

    Who dials in vain waits longer each time, up to a minute; the lab knows that it is time.
    """
    started = [manifest.components[name] for name in names]
    for item in manifest.nodes:
        to_dial = frozenset(dialled(manifest, item))
        callees = [other for other in started if other.p2p in to_dial]
        if not callees or state_of(item) is not ProcessState.RUNNING:
            continue
        node = node_of(manifest, item.name)
        for other in callees:
            if other.host not in item.bans:
                node.rpc("addnode", str(other.p2p), "onetry")


def add_node(node: NodeProcess, other: Component) -> None:
    """Have a node stay connected to another; nothing happens if it does already."""
    with suppress(RpcError):
        node.rpc("addnode", str(other.p2p), "add")


def drop_node(node: NodeProcess, other: Component) -> None:
    """Have a node no longer dial another; nothing happens if it does not."""
    with suppress(RpcError):
        node.rpc("addnode", str(other.p2p), "remove")
