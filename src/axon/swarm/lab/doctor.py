"""What this machine can do for a lab: each answer is from an attempt, not from a guess."""

from __future__ import annotations

import errno
import os
import platform
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from axon.errors import AxonError, ConfigError
from axon.swarm.lab.backends import BACKENDS
from axon.swarm.lab.bitcoind import find_bitcoind
from axon.swarm.lab.linktrial import try_link
from axon.swarm.lab.manifest import BackendName
from axon.swarm.lab.processidentity import identity_of, is_alive

NEEDED_FILES: Final = 256
"""Descriptors that a node may want: its databases, its connections."""

MEMORY_PER_NODE_MB: Final = 55
"""As measured; with half of what is free, some is left for their chains."""

_NAMESPACES: Final = "network namespaces (--backend netns)"
_HOSTS: Final = ("127.2.1.1", "127.3.1.1")
_TRY_LIMIT_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Ability:
    """One thing that was tried.

    Args:
        name: of it.
        works: whether it did.
        said: what was seen.
        needed: whether the lab cannot do without.
        used: whether it uses it at all.
    """

    name: str
    works: bool
    said: str
    needed: bool
    used: bool


def examine() -> list[Ability]:
    """Try everything, what is needed first."""
    return [
        _tried("loopback addresses in several /16", _talk_across, needed=True),
        _tried("processes known by more than their number", _know_processes, needed=True),
        _tried("a node can be forked", _fork, needed=True),
        _tried("room on the disk", _disk, needed=True),
        _tried("open files", _files, needed=True),
        _tried("memory", _memory),
        _tried("pausing processes", _pause),
        _tried(_NAMESPACES, _netns),
        _tried("shaped links (--backend netns)", _links),
        _tried("Bitcoin Core (--mix bitcoind:K)", _bitcoind),
        _tried("virtual interfaces (tun)", _tun, used=False),
        _tried("links shaped by the kernel (netem)", _netem, used=False),
        _tried("packet filters (nft)", _nft, used=False),
        _tried("limits on processes (cgroup)", _cgroup, used=False),
        _tried("false clocks (faketime)", _faketime, used=False),
    ]


def backends(found: Sequence[Ability]) -> list[BackendName]:
    """The backends that can be used here, the usual one first."""
    able = all(item.works for item in found if item.needed)
    spaces = any(item.works for item in found if item.name == _NAMESPACES)
    return [BackendName.PROC] * able + [BackendName.NETNS] * (able and spaces)


def _tried(
    name: str, attempt: Callable[[], str], *, needed: bool = False, used: bool = True
) -> Ability:
    try:
        return Ability(name, True, attempt(), needed, used)
    except (AxonError, OSError, ValueError, subprocess.SubprocessError) as error:
        return Ability(name, False, str(error), needed, used)


def _talk_across() -> str:
    """A connection between two of the lab's addresses, each with its own port of one number."""
    with socket.create_server((_HOSTS[0], 0)) as server:
        port = server.getsockname()[1]
        here, there = (_HOSTS[0], port), (_HOSTS[1], 0)
        with (
            socket.create_server((_HOSTS[1], port)),
            socket.create_connection(here, _TRY_LIMIT_S, there) as caller,
        ):
            accepted, remote = server.accept()
            with accepted:
                caller.sendall(b"?")
                if accepted.recv(1) != b"?" or remote[0] != _HOSTS[1]:
                    raise OSError("what is sent from one does not arrive at the other")
    return f"{_HOSTS[1]} called {_HOSTS[0]}"


def _know_processes() -> str:
    identity = identity_of(os.getpid())
    if not is_alive(identity):
        raise OSError("/proc does not tell when a process began")
    os.close(os.pidfd_open(os.getpid()))
    return "start times and pidfd"


def _fork() -> str:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return f"{os.cpu_count()} processors, Linux {platform.release()}"


def _disk() -> str:
    with tempfile.NamedTemporaryFile(dir=Path.home()) as file:
        file.write(b"\0")
        os.fsync(file.fileno())
    return f"{shutil.disk_usage(Path.home()).free // 1_000_000_000} GB free"


def _files() -> str:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < NEEDED_FILES:
        raise OSError(f"{soft} for each process; a node wants {NEEDED_FILES} (ulimit -n)")
    return f"{soft} for each process"


def _memory() -> str:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            free_mb = int(line.split()[1]) // 1024
            return f"{free_mb} MB free: about {free_mb // 2 // MEMORY_PER_NODE_MB} nodes"
    raise OSError("/proc/meminfo does not tell")


def _pause() -> str:
    with subprocess.Popen(["sleep", str(_TRY_LIMIT_S)]) as process:
        try:
            process.send_signal(signal.SIGSTOP)
            os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
        finally:
            process.kill()
    return "SIGSTOP"


def _command(*command: str) -> str:
    if shutil.which(command[0]) is None:
        raise OSError(f"there is no program {command[0]}")
    done = subprocess.run(command, capture_output=True, text=True, timeout=_TRY_LIMIT_S)
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise OSError(said[-1] if said else f"{command[0]} left with code {done.returncode}")
    return " ".join(command)


def _netns() -> str:
    BACKENDS[BackendName.NETNS].check()
    return "ip, veth, bridge"


def _links() -> str:
    try:
        BACKENDS[BackendName.NETNS].check()
    except ConfigError:
        raise ConfigError(
            "on loopback nothing lies between two processes; without namespaces links are shaped "
            "in virtual time alone (axon sim --plan FILE, the op link)"
        ) from None
    return try_link()


def _bitcoind() -> str:
    return str(find_bitcoind())


def _nft() -> str:
    return _command("nft", "list", "ruleset")


def _faketime() -> str:
    return _command("faketime", "-f", "+1h", "true")


def _tun() -> str:
    path = "/dev/net/tun"
    os.close(os.open(path, os.O_RDWR))
    return path


def _netem() -> str:
    """In a network of its own, so that nothing of this machine is slowed."""
    shaped = "ip link set lo up && tc qdisc add dev lo root netem delay 1ms"
    return _command("unshare", "-rn", "sh", "-c", shaped) and "tc netem"


def _cgroup() -> str:
    for root in ("/sys/fs/cgroup", "/sys/fs/cgroup/memory"):
        name = Path(root) / f"axon-doctor-{os.getpid()}"
        try:
            name.mkdir()
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EROFS, errno.EACCES, errno.EPERM):
                continue
            raise
        name.rmdir()
        return root
    raise OSError("no group can be made")
