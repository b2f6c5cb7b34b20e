"""Whether links can be shaped on this machine: two namespaces, the relay between them, a packet.

All of it is what a run of the `netns` backend has (`shaping`), in a run of its own of which no
component is started, and is gone afterwards.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import SystemRandom
from tempfile import TemporaryDirectory
from typing import Final

from axon.errors import ConfigError
from axon.swarm.lab.backends import backend_of
from axon.swarm.lab.manifest import BackendName, Manifest, run_locked
from axon.swarm.lab.netnamespace import within
from axon.swarm.lab.plan import RunRequest, plan_run
from axon.swarm.lab.slowlinks import shape
from axon.swarm.linkquality import LinkQuality

LATENCY_MS: Final = 50
"""More than a packet takes that nobody holds up, also on a machine that is rather busy."""

LIMIT_S: Final = 10.0
"""At most until the packet arrives."""

_MS: Final = 1_000


def try_link() -> str:
    """Hold a packet up between two namespaces, as `axon swarm link` does.

    Returns:
        How long it took.

    Raises:
        ConfigError: the backend cannot work here, or the packet was held up by nobody.
        NodeFailed: the relay does not come.
        OSError: the packet does not arrive.
    """
    with _run() as run:
        shape(run, (("n1",), ("n2",)), LinkQuality(latency_ms=LATENCY_MS), one_way=True)
        took_ms = _passage_s(run, "n1", "n2") * _MS
    if took_ms < LATENCY_MS:
        raise ConfigError(f"a packet that was to take {LATENCY_MS} ms took {took_ms:.0f}")
    return f"a packet that was to take {LATENCY_MS} ms took {took_ms:.0f}"


@contextmanager
def _run() -> Iterator[Manifest]:
    """The namespaces of two nodes, in which nothing runs."""
    with TemporaryDirectory(prefix="axon-link-") as name, run_locked(Path(name)) as lock:
        manifest = plan_run(Path(name), RunRequest(2, 0, backend=BackendName.NETNS), SystemRandom())
        manifest.run_lock = lock
        backend = backend_of(manifest)
        backend.check()
        try:
            for item in manifest.nodes:
                backend.provide(manifest, item)
            yield manifest
        finally:
            backend.dismantle(manifest)


def _passage_s(run: Manifest, source: str, target: str) -> float:
    """How long a datagram takes."""
    with _bound(run, source) as near, _bound(run, target) as far:
        token, begin = os.urandom(8), time.monotonic()
        near.sendto(token, far.getsockname())
        while far.recv(len(token)) != token:
            pass
        return time.monotonic() - begin


def _bound(run: Manifest, name: str) -> socket.socket:
    """A socket for datagrams at a node's address."""
    item = run.components[name]
    namespace = backend_of(run).namespace(run, item)
    assert namespace is not None, "each has its own"
    with within(namespace):
        made = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    made.settimeout(LIMIT_S)
    made.bind((item.host, 0))
    return made
