"""What a run of the lab consists of: every component, written down before it begins to exist.

`manifest.json` in the run's folder lists all nodes and miners with their addresses, folders, seeds
and processes. It is written before a process is started, and each process first of all writes its
own identity (`processidentity`), so a controller finds all that there is even if the one before it
was killed at any instant.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Self

from axon.drivers.aio.privatefiles import open_file
from axon.errors import ConfigError, disk_refusal
from axon.machine import Endpoint
from axon.swarm.lab.forkserver import RunLock
from axon.swarm.lab.processes import TooLate, wait_until
from axon.swarm.lab.processidentity import ProcessIdentity, read_identity
from axon.swarm.lab.shapedlinks import ShapedLink
from axon.swarm.lab.topology import current_name

MANIFEST: Final = "manifest.json"
LOCK: Final = "lab.lock"
WORDS: Final = "words"
"""From which a wallet can be made again; in its folder of the run."""

PASSPHRASE: Final = "passphrase"
"""Of all wallets of a run; in the run's folder."""

NETWORK_FOLDER: Final = "regtest"
"""Where the files of the network are, below a component's folder."""

SCHEMA: Final = 2
MAX_MANIFEST_BYTES: Final = 16 << 20
"""Far more than a thousand components need; what is larger is no manifest."""

LOCK_LIMIT_S: Final = 3.0
"""How long to wait for a locked run: the fork server of a controller that was killed ends when it
has loaded everything and finds that nobody asks."""


class ComponentKind(StrEnum):
    """What a component is."""

    NODE = "node"
    MINER = "miner"
    WALLET = "wallet"
    JOINER = "joiner"  # A node that a check raises for itself.
    COLD = "cold"  # A wallet with an empty disk that a check raises for itself.


class NodeProgram(StrEnum):
    """Whose program a node is."""

    AXON = "axon"
    BITCOIND = "bitcoind"


class BackendName(StrEnum):
    """Where components run."""

    PROC = "proc"  # Processes with loopback addresses.
    NETNS = "netns"  # Processes in network namespaces.


class DesiredState(StrEnum):
    """What was last asked of a component; a process that is not so has died by itself."""

    RUN = "run"
    PAUSE = "pause"
    END = "end"


@dataclass(frozen=True, slots=True)
class Component:
    """One node, miner or wallet.

    Args:
        name: `n3`, `m1`, `w2`, `p1`, `c1`.
        host: its own address, of loopback or of CJDNS.
        p2p_port: where it listens there, a wallet for other wallets; 0 if it does not.
        rpc_port: there; 0 for what has none, and for a wallet, which tells it itself.
        rpc_host: where a node is asked, if that is elsewhere.
        group: its netgroup, from 1.
        program: whose program a node is.
        dials: names of the only nodes to dial; None to find peers by itself.
        knows: names of nodes whose addresses it is told at its start.
        node: the node that a miner mines at.
        seed: of whatever is left to chance in it.
        desired: what was last asked of it.
        bans: hosts that a partition has this node refuse.
        listens, relays, filters: what a node does for others: lets them in, takes and passes on
            transactions, serves compact filters.
        process: its process, as last seen by whoever wrote the manifest.
    """

    name: str
    kind: ComponentKind
    host: str
    p2p_port: int = 0
    rpc_port: int = 0
    group: int = 0
    dials: tuple[str, ...] | None = None
    knows: tuple[str, ...] = ()
    node: str = ""
    seed: int = 0
    desired: DesiredState = DesiredState.RUN
    bans: tuple[str, ...] = ()
    listens: bool = True
    relays: bool = True
    filters: bool = True
    process: ProcessIdentity | None = None
    rpc_host: str = ""
    program: NodeProgram = NodeProgram.AXON

    @property
    def p2p(self) -> Endpoint:
        """Where peers dial it; other wallets, if it is a wallet that listens."""
        return Endpoint(self.host, self.p2p_port)

    @property
    def is_payable(self) -> bool:
        """Whether it is a wallet that other wallets pay directly."""
        return self.kind is ComponentKind.WALLET and self.p2p_port > 0

    @property
    def rpc(self) -> Endpoint:
        """Where programs call it."""
        return Endpoint(self.rpc_host or self.host, self.rpc_port)

    @property
    def on_cjdns(self) -> bool:
        """Whether its address is one of CJDNS."""
        return ":" in self.host

    @property
    def is_node(self) -> bool:
        """Whether it is one of the network's full nodes."""
        return self.kind is ComponentKind.NODE

    @property
    def entries(self) -> tuple[str, ...]:
        """The nodes through which it can come into the network by itself."""
        return self.knows if self.dials is None else self.dials

    def to_json(self) -> dict[str, object]:
        """As it stands in the manifest."""
        shown = {item.name: getattr(self, item.name) for item in fields(self)}
        return {**shown, "process": None if self.process is None else self.process.to_json()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """From the manifest."""
        dials, identity = data["dials"], data["process"]
        return cls(
            **{
                **data,
                "kind": ComponentKind(data["kind"]),
                "desired": DesiredState(data["desired"]),
                "dials": None if dials is None else tuple(dials),
                "knows": tuple(data["knows"]),
                "bans": tuple(data["bans"]),
                "program": NodeProgram(data.get("program", NodeProgram.AXON)),
                "process": None if identity is None else ProcessIdentity.from_json(identity),
            }
        )


@dataclass(slots=True)
class Manifest:
    """One run.

    Args:
        folder: in which everything of it lies, a folder for each component.
        run: a name that no other run has.
        seed: from which all that is left to chance follows.
        topology: by name.
        interval_s: the mean time from block to block while all miners live.
        components: by name, in the order of their making.
        sides: names of nodes on each side of a partition; empty for none.
        links: what is done to what passes on some links; of two for one way the later one holds.
        draws: how often `random:K` was drawn, so that no draw repeats another.
        backend: where they run.
        corner: of the addresses of this machine, 1 to 250.
        bitcoind: the file of Bitcoin Core's program; empty if no node is one.
        run_lock: by which this process holds the run; None while it only looks on.
    """

    folder: Path
    run: str
    seed: int
    topology: str
    interval_s: float
    backend: BackendName = BackendName.PROC
    corner: int = 1
    bitcoind: str = ""
    components: dict[str, Component] = field(default_factory=dict)
    sides: tuple[tuple[str, ...], ...] = ()
    links: tuple[ShapedLink, ...] = ()
    draws: int = 0
    run_lock: RunLock | None = field(default=None, compare=False)

    def of_kind(self, *kinds: ComponentKind) -> list[Component]:
        """The components of some kinds, in order."""
        return [item for item in self.components.values() if item.kind in kinds]

    @property
    def nodes(self) -> list[Component]:
        """The network's full nodes."""
        return self.of_kind(ComponentKind.NODE)

    @property
    def wallets(self) -> list[Component]:
        """The wallets that belong to the run."""
        return self.of_kind(ComponentKind.WALLET)

    @property
    def payable(self) -> list[Component]:
        """The wallets of the run that other wallets pay directly."""
        return [item for item in self.wallets if item.is_payable]

    def folder_of(self, name: str) -> Path:
        """Where a component has its files."""
        return self.folder / name

    def change(self, name: str, **changes: Any) -> Component:
        """Let something be otherwise with a component; it is not written down yet."""
        changed = replace(self.components[name], **changes)
        self.components[name] = changed
        return changed

    def save(self) -> None:
        """Write it so that at any instant all of it is there, or the one before.

        Raises:
            ConfigError: the disk said no.
        """
        path = self.folder / MANIFEST
        fresh = path.with_suffix(".new")
        try:
            with os.fdopen(open_file(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as file:
                file.write(self.encode(str(self.folder.absolute())))
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        except OSError as error:
            raise disk_refusal(f"cannot write {path}", error, ConfigError) from error

    def encode(self, folder: str = "") -> bytes:
        """As it stands in the file; `folder` is where that lies, by which a copy is known."""
        shown = {
            "schema": SCHEMA,
            "run": self.run,
            "folder": folder,
            "backend": self.backend,
            "corner": self.corner,
            "bitcoind": self.bitcoind,
            "seed": self.seed,
            "topology": self.topology,
            "interval_s": self.interval_s,
            "sides": self.sides,
            "links": [link.to_json() for link in self.links],
            "draws": self.draws,
            "components": [item.to_json() for item in self.components.values()],
        }
        return json.dumps(shown, indent=1).encode() + b"\n"

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """The run in a folder, with the processes that its components' identities name.

        Returns:
            None if there is no run.

        Raises:
            ConfigError: what is there is no manifest, one of another version, or a copy.
        """
        path = folder / MANIFEST
        try:
            with path.open("rb") as file:
                raw = file.read(MAX_MANIFEST_BYTES)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(f"cannot read {path}: {error.strerror}") from error
        found = cls.decode(folder, raw, str(path))
        original = _original(folder, raw)
        if original is not None:
            raise ConfigError(
                f"{folder} is a copy of the run in {original}, and has no processes of its own; "
                "axon swarm export and import make a run of a run"
            )
        for name in found.components:
            identity = read_identity(found.folder_of(name))
            if identity is not None:
                found.change(name, process=identity)
        return found

    @classmethod
    def decode(cls, folder: Path, raw: bytes, where: str) -> Self:
        """The same again.

        Args:
            folder: of the run.
            raw: a manifest.
            where: it was found, for the message.

        Raises:
            ConfigError: it is none, or one of another version.
        """
        try:
            return cls._decode(folder, json.loads(raw))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ConfigError(f"{where} is not the manifest of a run: {error}") from error

    @classmethod
    def _decode(cls, folder: Path, data: dict[str, Any]) -> Self:
        if data["schema"] != SCHEMA:
            raise ValueError(f"schema {data['schema']}, not {SCHEMA}")
        listed = [Component.from_json(item) for item in data["components"]]
        for item in listed:
            if item.name != Path(item.name).name or item.name in ("", ".", ".."):
                raise ValueError(f"{item.name!r} is no name of a component")
        return cls(
            folder=folder,
            run=data["run"],
            seed=data["seed"],
            topology=current_name(data["topology"]),
            interval_s=data["interval_s"],
            backend=BackendName(data["backend"]),
            corner=data.get("corner", 0) or int(listed[0].host.split(".")[2]),
            bitcoind=data.get("bitcoind", ""),
            components={item.name: item for item in listed},
            sides=tuple(tuple(side) for side in data["sides"]),
            links=tuple(ShapedLink.from_json(link) for link in data.get("links", ())),
            draws=data["draws"],
        )


def _original(folder: Path, raw: bytes) -> Path | None:
    """The folder of which this one is a copy: the run is there as well. None if it is none.

    A folder that was moved is none, and its processes are its own.
    """
    told = json.loads(raw)
    noted = told.get("folder", "")
    try:
        if not isinstance(noted, str) or not noted or folder.samefile(noted):
            return None
        with (Path(noted) / MANIFEST).open("rb") as file:
            there = json.loads(file.read(MAX_MANIFEST_BYTES))
        return Path(noted) if there["run"] == told["run"] else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


@contextmanager
def run_locked(folder: Path) -> Iterator[RunLock]:
    """Work on a run alone; the folder exists.

    Yields:
        The lock; a process spawned by it holds the run too, until its identity is written.

    Raises:
        ConfigError: another command works on it.
    """
    try:
        descriptor = open_file(folder / LOCK, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise disk_refusal(f"{folder} cannot be used", error, ConfigError) from error
    try:
        try:
            wait_until(lambda: _take(descriptor), LOCK_LIMIT_S, "the run is free")
        except TooLate as error:
            raise ConfigError(
                f"another axon swarm command works on {folder}; wait until it has ended"
            ) from error
        lock = RunLock(descriptor)
        try:
            yield lock
        finally:
            lock.close()
    finally:
        os.close(descriptor)


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
