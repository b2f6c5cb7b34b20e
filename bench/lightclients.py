"""A thousand light clients on one node at once, each syncing the filters of 400 blocks."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from axon.consensus.kernel import Kernel
from axon.mining.template import coinbase, commitment_script
from axon.primitives.network import REGTEST, TARGET_SPACING_S
from axon.primitives.transaction import TxOut
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import free_ports, wait_until
from bench.chain import mined_with
from bench.reaching import processor_s, resident_mb
from bench.table import Row, Skipped

CLIENTS: Final = 1_000
BLOCKS: Final = 400
ELEMENTS: Final = 1_000
"""Scripts in each block: a filter of 2.6 kB, so that each client fetches a megabyte."""

LIMIT_MB: Final = 400.0
LIMIT_LATE_S: Final = 0.1

_LIMIT_S: Final = 600.0
_LOOK_S: Final = 0.1
_OTHER_DESCRIPTORS: Final = 100
_LATE: Final = re.compile(r'^axon_loop_lag_seconds_bucket\{le="([^"]+)"\} ([0-9.]+)$', re.M)


def measure(clients: int = CLIENTS, blocks: int = BLOCKS, elements: int = ELEMENTS) -> Row:
    """The row."""
    raise_limit(clients + _OTHER_DESCRIPTORS)
    with tempfile.TemporaryDirectory(prefix="axon-bench-") as name:
        folder = Path(name)
        build(folder / "node" / "regtest", blocks, elements)
        metrics = free_ports(1, "127.0.0.1")[0]
        options = (
            "-connect=0",
            f"-maxconnections={clients + 20}",
            f"-metrics=127.0.0.1:{metrics}",
        )
        with NodeProcess("node", folder / "node", options=options) as node:
            node.start()
            wait_until(lambda: _follows(node, blocks), _LIMIT_S, "filters are made")
            return _crowded(node, metrics, clients, blocks)


def _crowded(node: NodeProcess, metrics: int, clients: int, blocks: int) -> Row:
    pid = node.pid
    assert pid is not None, "it runs"
    idle_mb = resident_mb(pid)
    with _crowd(node, clients, blocks) as crowd:
        assert crowd.stdin is not None
        assert crowd.stdout is not None
        assert crowd.stdout.readline() == "connected\n", "all connect"
        seated_mb = resident_mb(pid)
        before, used = late_timers(metrics), processor_s(pid)
        with Looks(node) as looks:
            began = time.perf_counter()
            crowd.stdin.write("go\n")
            crowd.stdin.flush()
            told = json.loads(crowd.stdout.readline())
            took_s = time.perf_counter() - began
        after, used_then = late_timers(metrics), processor_s(pid)
    served, failed = told["served_s"], told["failed"]
    late = {bound: count - before[bound] for bound, count in after.items()}
    timers, too_late = late[float("inf")], late[float("inf")] - late[LIMIT_LATE_S]
    used_s = 0.0 if used is None or used_then is None else used_then - used
    most_mb = max(looks.memory_mb)
    is_idle = looks.late_s < LIMIT_LATE_S  # Else others keep this machine's processors.
    return Row(
        f"{clients:,} light clients at once, each syncing filters of {blocks} blocks",
        f"{len(served):,} served in {took_s:.1f} s; {most_mb:.0f} MB; {too_late:.0f} of"
        f" {timers:.0f} timers > 100 ms late",
        f"all; < {LIMIT_MB:g} MB; none",
        len(served) == clients and most_mb < LIMIT_MB and not (too_late and is_idle),
        [
            f"One node process, the clients in one other process. Memory idle {idle_mb:.0f} MB, "
            f"with all connected {seated_mb:.0f} MB. Processor seconds of the node {used_s:.1f}. "
            f"The first client had all after {min(served, default=0):.1f} s. Calls by RPC "
            f"meanwhile took {1e3 * max(looks.calls_s):.0f} ms at most, of {len(looks.calls_s)}. "
            f"Timers by their lateness in seconds: {_buckets(late)}. A timer of the process that "
            f"measured, which did nothing else, was {1e3 * looks.late_s:.0f} ms late at most"
            f"{'' if is_idle else ': what is later on this machine is not judged'}.",
            *(f"Failed: {each}" for each in failed),
        ],
    )


@contextmanager
def _crowd(node: NodeProcess, clients: int, blocks: int) -> Iterator[subprocess.Popen[str]]:
    """The process of all clients; it has ended when the block is left."""
    host, port = node.p2p.host, node.p2p.port
    command = (sys.executable, "-m", "bench.crowd", host, str(port), str(clients), str(blocks))
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as crowd:
        try:
            yield crowd
        finally:
            crowd.kill()


def _buckets(late: dict[float, float]) -> str:
    """How many timers were late by no more than each bound, and more than the one before."""
    shown, below = [], 0.0
    for bound, count in sorted(late.items()):
        if count > below:
            shown.append(f"<= {bound:g}: {count - below:.0f}")
        below = count
    return ", ".join(shown)


class Looks:
    """Memory and calls of a node, looked at as long as the `with` block runs."""

    def __init__(self, node: NodeProcess) -> None:
        self._node = node
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.memory_mb: list[float] = []
        self.calls_s: list[float] = []
        self.late_s = 0.0
        """By how much a timer of ours was late at most: that is the machine's doing."""

    def __enter__(self) -> Looks:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        assert self._node.pid is not None, "it runs"
        while True:
            began = time.perf_counter()
            self._node.rpc("getblockcount")
            self.calls_s.append(time.perf_counter() - began)
            self.memory_mb.append(resident_mb(self._node.pid))
            due = time.perf_counter() + _LOOK_S
            if self._ended.wait(_LOOK_S):
                return
            self.late_s = max(self.late_s, time.perf_counter() - due)


def raise_limit(descriptors: int) -> None:
    """Let this process and its children have so many file descriptors.

    Raises:
        Skipped: the system does not.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < descriptors:
        raise Skipped(f"{descriptors} file descriptors are needed, ulimit -n allows {hard}")
    if soft != resource.RLIM_INFINITY and soft < descriptors:
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, hard))


def build(folder: Path, blocks: int, elements: int) -> None:
    """A node's folder with so many blocks, each with so many scripts of its own."""
    folder.mkdir(parents=True)
    kernel = Kernel(REGTEST, folder)
    last = REGTEST.genesis.header
    start = int(time.time()) - blocks * TARGET_SPACING_S
    for number in range(1, blocks + 1):
        scripts = [
            b"\x00\x14" + (number * elements + place).to_bytes(20, "big")
            for place in range(elements)
        ]
        outputs = [TxOut(int(not place), script) for place, script in enumerate(scripts)]
        first = coinbase(number, outputs, commitment_script(()))
        block = mined_with([first], last, start + number * TARGET_SPACING_S)
        assert kernel.process_block(block.raw).new
        last = block.header
    kernel.close()


def late_timers(port: int) -> dict[float, float]:
    """How many timers of the event loop were late by no more than so many seconds, so far."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()
    return {float(bound): float(count) for bound, count in _LATE.findall(text)}


def _follows(node: NodeProcess, blocks: int) -> bool:
    found = node.rpc("getindexinfo")["basic block filter index"]
    return bool(found["synced"]) and found["best_block_height"] == blocks
