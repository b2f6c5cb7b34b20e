"""Whoever is honest, while a node is attacked: a peer that pings, an owner that calls.

    python -m attacks.probe P2P_HOST P2P_PORT RPC_URL COOKIE PID

A process of its own, or the attacker's work would be measured with the node's. It measures until
its standard input ends, then writes its figures as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from axon.machine import Endpoint
from axon.rpc.client import RpcClient, Unreachable
from axon.swarm.lab.nodeprocess import NodeProcess
from tests.process.rawpeer import PeerGone, RawPeer

REST_S: Final = 0.05
"""Between two looks."""

LONGEST_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Figures:
    """What the honest met.

    Args:
        pings_s: how long each ping took.
        calls_s: how long each call took.
        memory_mb: resident at first, at most, at the end.
        complaints: what went wrong for them.
    """

    pings_s: tuple[float, ...]
    calls_s: tuple[float, ...]
    memory_mb: tuple[float, float, float]
    complaints: tuple[str, ...]

    @property
    def growth_mb(self) -> float:
        """What the attack cost at most."""
        return self.memory_mb[1] - self.memory_mb[0]


def percentile(values: tuple[float, ...], part: float) -> float:
    """The value that so large a part is not above; endless where there is none."""
    if not values:
        return float("inf")
    return sorted(values)[min(int(part * len(values)), len(values) - 1)]


class Probe:
    """Measures while a `with` block runs; `figures` afterwards."""

    def __init__(self, node: NodeProcess) -> None:
        self._node = node
        self.figures = Figures((), (), (0.0, 0.0, 0.0), ())

    def __enter__(self) -> Self:
        assert self._node.identity is not None
        self._child = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "attacks.probe",
                self._node.p2p.host,
                str(self._node.p2p.port),
                f"http://{self._node.rpc_endpoint}",
                str(self._node.network_folder / ".cookie"),
                str(self._node.identity.pid),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._child.stdout is not None
        assert self._child.stdout.readline() == "ready\n"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        out, _ = self._child.communicate("", timeout=LONGEST_S)
        told = json.loads(out)
        self.figures = Figures(
            tuple(told["pings"]), tuple(told["calls"]), tuple(told["memory"]), tuple(told["faults"])
        )


class _Honest:
    """The process that measures."""

    def __init__(self, p2p: Endpoint, url: str, cookie: Path, pid: int) -> None:
        self._peer = RawPeer(p2p, "/honest:0/").shake_hands()
        self._client = RpcClient(url, cookie=cookie, timeout_s=LONGEST_S)
        self._status = Path(f"/proc/{pid}/status")
        self._ended = threading.Event()
        self.pings: list[float] = []
        self.calls: list[float] = []
        self.faults: list[str] = []
        self.memory = [self._resident_mb()] * 3

    def run(self) -> None:
        work: tuple[Callable[[], None], ...] = (self._ping, self._call, self._look)
        threads = [threading.Thread(target=self._repeat, args=(each,)) for each in work]
        for thread in threads:
            thread.start()
        print("ready", flush=True)
        sys.stdin.read()
        self._ended.set()
        for thread in threads:
            thread.join()

    def _repeat(self, work: Callable[[], None]) -> None:
        while not self._ended.wait(REST_S):
            began = time.monotonic()
            try:
                work()
            except (OSError, PeerGone, Unreachable) as error:
                late = time.monotonic() - began
                self.faults.append(f"{work.__name__} after {late:.2f} s: {error!r}"[:200])
                return

    def _ping(self) -> None:
        began = time.monotonic()
        if not self._peer.is_served(LONGEST_S):
            raise PeerGone
        self.pings.append(time.monotonic() - began)

    def _call(self) -> None:
        began = time.monotonic()
        self._client.call("getblockcount")
        self.calls.append(time.monotonic() - began)

    def _look(self) -> None:
        now = self._resident_mb()
        if not now:
            raise PeerGone
        self.memory[1] = max(self.memory[1], now)
        self.memory[2] = now

    def _resident_mb(self) -> float:
        """0 once the process has ended."""
        lines = self._status.read_text().splitlines()
        found = [line.split()[1] for line in lines if line.startswith("VmRSS")]
        return int(found[0]) / 1024 if found else 0.0


def main(arguments: list[str]) -> None:
    """Measure until standard input ends."""
    host, port, url, cookie, pid = arguments
    honest = _Honest(Endpoint(host, int(port)), url, Path(cookie), int(pid))
    honest.run()
    told = {
        "pings": honest.pings,
        "calls": honest.calls,
        "memory": honest.memory,
        "faults": honest.faults,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1:])
