"""A run from its beginning to its end: up, harm to its components, down.

    nothing --up--> manifest written --> nodes, wallets start --> linked --> miners start
                         |  killed at any instant: up goes on, down takes it away
                         v
                     kill, stop, cont, restart, partition, heal  --down--> nothing

Whatever a command is about to do to a component is written down first.
"""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Final

from axon.drivers.aio.clock import Clock
from axon.drivers.aio.privatefiles import make_folder
from axon.errors import ConfigError, disk_refusal
from axon.machine import SECOND
from axon.swarm.invariants import counted
from axon.swarm.lab.axonprocess import last_errors
from axon.swarm.lab.backends import BACKENDS, backend_of
from axon.swarm.lab.bitcoind import find_bitcoind
from axon.swarm.lab.faucet import FaucetEmpty, give, mine, unfunded
from axon.swarm.lab.firstblocks import FILE, FIRST_BLOCKS, has_lived, write_first_blocks
from axon.swarm.lab.manifest import (
    LOCK,
    MANIFEST,
    NETWORK_FOLDER,
    PASSPHRASE,
    BackendName,
    Component,
    ComponentKind,
    DesiredState,
    Manifest,
    NodeProgram,
    run_locked,
)
from axon.swarm.lab.members import node_of, nodes_of, state_of
from axon.swarm.lab.nodeprocess import NodeProcess, ProcessState
from axon.swarm.lab.plan import RunRequest, plan_run
from axon.swarm.lab.processes import NodeFailed
from axon.swarm.lab.processidentity import is_alive, is_paused, send_signal, wait_gone
from axon.swarm.lab.runregistry import RunRegistry, claiming
from axon.swarm.lab.settling import settle
from axon.swarm.lab.startup import Say, have_listen, start, tell_addresses
from axon.swarm.lab.topology import GivenTopology

LEAVE_LIMIT_S: Final = 30.0
"""How long a component may take to leave in order before it is killed."""

GONE_LIMIT_S: Final = 10.0
"""How long the system may take to end a process that was killed; a busy disk holds it a while."""

STAGE: Final = "stage"
"""In the folder of a run with trials: what its components had on their disks before the first."""

OPERATIONS: Final = "operations.jsonl"
"""Likewise: what clients asked in the trials, and what became of it. It outlives the run."""

RUN_FILES: Final = frozenset({STAGE, PASSPHRASE, FILE})
"""What no component can be called, for each has a folder beside these."""

_LEFT_OVER: Final = frozenset(
    {LOCK, "manifest.new", PASSPHRASE, f"{PASSPHRASE}.new", FILE, f"{FILE}.new"}
)


def load(folder: Path) -> Manifest:
    """The run in a folder.

    Raises:
        ConfigError: there is none.
    """
    manifest = Manifest.load(folder)
    if manifest is None:
        raise ConfigError(f"no run is up in {folder}; axon swarm up N raises one")
    return manifest


@contextmanager
def taken(folder: Path) -> Iterator[Manifest]:
    """The run in a folder, to work on alone.

    Raises:
        ConfigError: there is none, or another command works on it.
    """
    load(folder)
    with run_locked(folder) as lock:
        manifest = load(folder)
        manifest.run_lock = lock
        yield manifest


def make_room(folder: Path) -> None:
    """Make the folder of a run; one that is there is left as it is.

    Raises:
        ConfigError: it holds something that is not a run's, or cannot be made.
    """
    try:
        make_folder(folder)
        found = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        raise disk_refusal(f"{folder} cannot be used", error, ConfigError) from error
    strangers = [name for name in found if name not in _LEFT_OVER | {OPERATIONS}]
    if strangers and MANIFEST not in found:
        raise ConfigError(f"{folder} holds {strangers[0]} and no run; name another folder")


def up(
    folder: Path, wanted: RunRequest | None, lots: Random, say: Say, registry: RunRegistry
) -> tuple[Manifest, bool]:
    """Raise a run, or what is missing of the one that is there.

    Args:
        folder: of the run; made if it is missing.
        wanted: what is to be there; None for whatever is.
        lots: for a new run.
        say: told how it goes.
        registry: of the user's runs, with their addresses.

    Returns:
        The run, and whether it is a new one.

    Raises:
        ConfigError: the folder holds something else, or a run of another kind, or no run and none
            is named.
        NodeFailed: something did not start, or the nodes do not find each other.
    """
    if wanted is None:
        load(folder)
    else:
        wanted.check()
        if not (folder / MANIFEST).exists():
            wanted = _able(wanted)
    make_room(folder)
    with run_locked(folder) as lock, ExitStack() as ends:
        found = Manifest.load(folder)
        fresh = found is None
        manifest = found or _new(folder, wanted, lots, registry, ends)
        if wanted is not None and not fresh:
            _compare(manifest, wanted)
        registry.keep(manifest)
        manifest.run_lock = lock
        _start_missing(manifest, say, fresh=fresh)
    return manifest, fresh


def _new(
    folder: Path,
    wanted: RunRequest | None,
    lots: Random,
    registry: RunRegistry,
    ends: ExitStack,
) -> Manifest:
    if wanted is None:  # It was taken down just now.
        return load(folder)
    return registry.enter(claiming(lambda taken: plan_run(folder, wanted, lots, taken=taken), ends))


def _able(wanted: RunRequest) -> RunRequest:
    """The same with the program that will be run, if this machine can do it.

    Raises:
        ConfigError: it cannot.
    """
    BACKENDS[wanted.backend].check()
    if NodeProgram.BITCOIND not in wanted.programs:
        return wanted
    return replace(wanted, bitcoind=str(find_bitcoind(wanted.bitcoind).path))


def _start_missing(manifest: Manifest, say: Say, *, fresh: bool) -> None:
    """Start what does not live, and wait until all of it is one network."""
    paused = [item.name for item in manifest.components.values() if is_paused(item.process)]
    cont(manifest, paused)
    if manifest.links:  # Their relay may have died.
        backend_of(manifest).shape(manifest)
    if not any(has_lived(manifest, item) for item in manifest.nodes):
        write_first_blocks(manifest.folder, Clock().now() // SECOND)
    names = [item.name for item in manifest.nodes]
    start(manifest, names, say)
    if not fresh:  # Who was started by a controller that was killed may have been told nothing.
        tell_addresses(manifest, names)
    first = node_of(manifest, manifest.nodes[0].name)
    with first.connected():
        if first.rpc("getblockcount") == 0 and all(_is_young(node) for node in nodes_of(manifest)):
            mine(first, FIRST_BLOCKS)
    if manifest.wallets:
        if not fresh:
            settle(manifest, say)  # So that the money goes onto the chain that all will stand on.
        _fund(manifest, first)
        wallets = [item.name for item in manifest.wallets]
        start(manifest, wallets, say)
        if not fresh:  # Likewise.
            have_listen(manifest, wallets)
    settle(manifest, say)
    start(manifest, [item.name for item in manifest.of_kind(ComponentKind.MINER)], say)


def _fund(manifest: Manifest, node: NodeProcess) -> None:
    """Give wallets that never had any some money, where the faucet has it."""
    from axon.swarm.lab.walletkeys import first_address, provide_words

    folders = [manifest.folder_of(item.name) for item in manifest.wallets]
    addresses = [first_address(provide_words(folder)) for folder in folders]
    with node.connected(), suppress(FaucetEmpty):
        poor = unfunded(node, addresses)
        if poor:
            give(node, poor)


def _is_young(node: NodeProcess) -> bool:
    with node.connected():
        return int(node.rpc("getblockchaininfo")["headers"]) == 0


def _compare(manifest: Manifest, wanted: RunRequest) -> None:
    """See whether the run that is there is the one that is wanted.

    Raises:
        ConfigError: it is not.
    """
    there: tuple[object, ...] = (
        len(manifest.nodes),
        len(manifest.of_kind(ComponentKind.MINER)),
        len(manifest.wallets),
        manifest.topology,
        len({item.group for item in manifest.nodes}),
        manifest.backend,
        [item.program for item in manifest.nodes],
    )
    asked = (
        wanted.nodes,
        wanted.miners,
        wanted.wallets,
        str(wanted.topology),
        wanted.group_count,
        wanted.backend,
        wanted.programs,
    )
    same_links = True
    given = wanted.topology
    if isinstance(given, GivenTopology):
        same_links = {item.name: item.dials for item in manifest.nodes} == dict(given.dials)
    same_seed = wanted.seed in (None, manifest.seed)
    if there != asked or not same_links or not same_seed:
        raise ConfigError(
            f"another run is up in {manifest.folder}: {described(manifest)}, seed "
            f"{manifest.seed}; axon swarm down ends it, or name another --run"
        )


def described(manifest: Manifest) -> str:
    """A run in a few words: `5 nodes (2 bitcoind), 1 miner, 2 wallets, organic`."""
    parts = [
        counted(len(found), kind)
        for kind in (ComponentKind.NODE, ComponentKind.MINER, ComponentKind.WALLET)
        if (found := manifest.of_kind(kind))
    ]
    foreign = sum(item.program is NodeProgram.BITCOIND for item in manifest.nodes)
    parts[0] += f" ({foreign} bitcoind)" * bool(foreign)
    namespaces = [f"in {manifest.backend}"] if manifest.backend is not BackendName.PROC else []
    return ", ".join([*parts, manifest.topology, *namespaces])


def kill(
    manifest: Manifest, names: Sequence[str], number: signal.Signals = signal.SIGKILL
) -> list[str]:
    """End components, at once or in order; the names of those that lived."""
    lived = [name for name in names if is_alive(manifest.components[name].process)]
    for name in names:
        manifest.change(name, desired=DesiredState.END)
    manifest.save()
    for name in lived:
        identity = manifest.components[name].process
        send_signal(identity, number)
        if number is not signal.SIGKILL:
            send_signal(identity, signal.SIGCONT)  # Who is paused hears nothing else.
    for name in lived:
        _wait_ended(manifest.components[name])
    return lived


def _wait_ended(item: Component) -> None:
    if wait_gone(item.process, LEAVE_LIMIT_S):
        return
    send_signal(item.process, signal.SIGKILL)
    if not wait_gone(item.process, GONE_LIMIT_S):
        raise NodeFailed(f"{item.name} cannot be ended; the system holds its process")


def pause(manifest: Manifest, names: Sequence[str]) -> list[str]:
    """Stop components where they are (SIGSTOP); the names of those that live."""
    return _steer(manifest, names, DesiredState.PAUSE, signal.SIGSTOP)


def cont(manifest: Manifest, names: Sequence[str]) -> list[str]:
    """Let paused components go on (SIGCONT); the names of those that live."""
    return _steer(manifest, names, DesiredState.RUN, signal.SIGCONT)


def _steer(
    manifest: Manifest, names: Sequence[str], desired: DesiredState, number: signal.Signals
) -> list[str]:
    alive = [name for name in names if is_alive(manifest.components[name].process)]
    if not alive:
        return []
    for name in alive:
        manifest.change(name, desired=desired)
    manifest.save()
    return [name for name in alive if send_signal(manifest.components[name].process, number)]


def restart(manifest: Manifest, names: Sequence[str], say: Say, *, wiped: bool = False) -> None:
    """End components in order if they live, and start them again.

    Args:
        manifest: of the run.
        names: whom.
        say: told how it goes.
        wiped: an empty disk first: nodes forget everything, wallets all but their words.

    Raises:
        NodeFailed: one did not end or did not start.
    """
    kill(manifest, names, signal.SIGTERM)
    if wiped:
        wipe(manifest, names)
    start(manifest, names, say)


def wipe(manifest: Manifest, names: Sequence[str]) -> None:
    """Let components that are down forget everything; a wallet's words are not on its disk."""
    for name in names:
        assert not is_alive(manifest.components[name].process), f"{name} still runs"
        shutil.rmtree(manifest.folder_of(name) / NETWORK_FOLDER, ignore_errors=True)


def dead(manifest: Manifest) -> dict[str, str]:
    """Components that died by themselves, and the end of what each wrote to standard error."""
    return {
        item.name: last_errors(manifest.folder_of(item.name))
        for item in manifest.components.values()
        if item.process is not None and state_of(item) is ProcessState.DIED
    }


def down(manifest: Manifest) -> list[str]:
    """End every process of a run and remove what `up` made; nothing else is touched.

    Returns:
        What else lies in the run's folder, by name; with it, the folder stays, as it does with what
        clients did in trials.

    Raises:
        NodeFailed: a process cannot be ended; the manifest stays.
    """
    kill(manifest, list(manifest.components))
    backend_of(manifest).dismantle(manifest)
    for name in (*manifest.components, STAGE):
        shutil.rmtree(manifest.folder / name, ignore_errors=True)
    folder = manifest.folder
    for name in (MANIFEST, *_LEFT_OVER):
        (folder / name).unlink(missing_ok=True)
    with suppress(OSError):  # It holds something that is not ours.
        folder.rmdir()
    left = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    return [name for name in left if name != OPERATIONS]


def remove_temporary(manifest: Manifest, name: str) -> None:
    """End a node or wallet that a check raised for itself, and forget it."""
    kill(manifest, [name])
    backend_of(manifest).remove(manifest, [name])
    shutil.rmtree(manifest.folder_of(name), ignore_errors=True)
    del manifest.components[name]
    manifest.save()
