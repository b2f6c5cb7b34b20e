"""A node beside bitcoind with the same chain, both asked in turn by one caller, and by another one.

What else goes on on this machine weighs on both. Measurements say how far they are on standard
error, and end when their time is over, with what they have then.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from axon.rpc.client import RpcClient, Unauthorized, Unreachable
from axon.rpc.errors import Code, RpcError
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import free_ports, wait_until
from bench.reaching import processor_s
from bench.table import Skipped
from bench.timing import timed

ANSWER_S: Final = 600.0
"""How long an answer may take, and a start."""

PAUSE_S: Final = 0.005
"""The other caller asks so often for getblockcount."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two.

    Args:
        dial: a new connection.
        pid: of its process.
    """

    dial: Callable[[], RpcClient]
    pid: int

    @property
    def processor_s(self) -> float:
        """That its process has used so far; 0 where nobody says so."""
        return processor_s(self.pid) or 0.0


@dataclass(frozen=True, slots=True)
class Turns:
    """How one kind of call went.

    Args:
        name: of the kind.
        calls: of each side.
        ours_s, theirs_s: of one call, as the caller sees it.
        worst_s, theirs_worst_s: the longest wait of another caller.
        ours_processor_s, theirs_processor_s: that each server used for one call.
    """

    name: str
    calls: int
    ours_s: float
    theirs_s: float
    worst_s: float
    theirs_worst_s: float
    ours_processor_s: float
    theirs_processor_s: float

    @property
    def ratio(self) -> float:
        """How much longer it takes here."""
        return self.ours_s / self.theirs_s

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.calls:,} calls, {_micros(self.ours_s)} / {_micros(self.theirs_s)},"
            f" of the servers' processors {_micros(self.ours_processor_s)} /"
            f" {_micros(self.theirs_processor_s)}, another waits {self.worst_s * 1000:.0f} /"
            f" {self.theirs_worst_s * 1000:.0f} ms."
        )


def _micros(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f} us"


def in_turns(
    name: str,
    axon: Side,
    core: Side,
    works: Iterable[Callable[[RpcClient], object]],
    calls: int,
    time_s: float,
) -> Turns:
    """Have both do the same work in turn, while another caller asks each of them.

    Args:
        name: of the kind of call.
        works: one for each turn.
        calls: in each work.
        time_s: no turn begins later.
    """
    ours_s = theirs_s = worst_s = theirs_worst_s = 0.0
    before, turns = (axon.processor_s, core.processor_s), 0
    end = time.monotonic() + time_s
    with axon.dial() as ours, core.dial() as theirs:
        for work in works:
            if time.monotonic() > end:
                break
            with Bystander(axon.dial()) as other:
                ours_s += timed(partial(work, ours))
            with Bystander(core.dial()) as their_other:
                theirs_s += timed(partial(work, theirs))
            worst_s = max(worst_s, other.worst_s)
            theirs_worst_s = max(theirs_worst_s, their_other.worst_s)
            turns += 1
            told = (
                f"{ours_s / theirs_s:.2f} x, another waits {worst_s * 1000:.0f} /"
                f" {theirs_worst_s * 1000:.0f} ms"
            )
            sys.stderr.write(f"  {name}, turn {turns}: {told}\n")
    done = turns * calls
    used = axon.processor_s - before[0], core.processor_s - before[1]
    return Turns(
        name,
        done,
        ours_s / done,
        theirs_s / done,
        worst_s,
        theirs_worst_s,
        used[0] / done,
        used[1] / done,
    )


class Bystander(threading.Thread):
    """Another caller, and how long it had to wait at most."""

    def __init__(self, client: RpcClient) -> None:
        super().__init__(daemon=True)
        self._client = client
        self._done = threading.Event()
        self.worst_s = 0.0

    def run(self) -> None:
        while not self._done.wait(PAUSE_S):
            begun = time.perf_counter()
            self._client.call("getblockcount")
            self.worst_s = max(self.worst_s, time.perf_counter() - begun)

    def __enter__(self) -> Bystander:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self.join()
        self._client.close()


def bitcoind_here() -> str:
    """The program.

    Raises:
        Skipped: there is none on the PATH.
    """
    program = shutil.which("bitcoind")
    if program is None:
        raise Skipped("no bitcoind on the PATH")
    return program


def side_of(node: NodeProcess) -> Side:
    """A node that runs."""
    assert node.pid is not None, "it runs"
    return Side(lambda: node.dial(ANSWER_S), node.pid)


@contextmanager
def bitcoind(program: str, folder: Path, *options: str) -> Iterator[Side]:
    """Bitcoin Core on regtest, without peers; it answers."""
    folder.mkdir()
    (rpc_port,) = free_ports(1)
    command = [program, "-regtest", f"-datadir={folder}", f"-rpcport={rpc_port}", "-listen=0"]
    process = subprocess.Popen(
        [*command, "-connect=0", "-disablewallet=1", *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    dial = partial(
        RpcClient,
        f"http://127.0.0.1:{rpc_port}",
        cookie=folder / "regtest" / ".cookie",
        timeout_s=ANSWER_S,
    )

    def answers() -> bool:
        assert process.poll() is None, "bitcoind did not start"
        try:
            with dial() as client:
                client.call("getblockcount")
        except (Unreachable, Unauthorized):
            return False
        except RpcError as error:
            if error.code != Code.WARMUP:
                raise
            return False
        return True

    try:
        wait_until(answers, ANSWER_S, "bitcoind answers")
        yield Side(dial, process.pid)
    finally:
        process.terminate()
        process.wait(60)


def give(side: Side, blocks: Iterable[bytes], index: str = "") -> None:
    """Hand blocks in, and wait until an index has them.

    Args:
        index: its name; empty for none.
    """
    with side.dial() as client:
        for raw in blocks:
            client.call("submitblock", raw.hex())
        height = client.call("getblockcount")

        def has_indexed() -> bool:
            told = client.call("getindexinfo", index).get(index, {})
            return bool(told.get("best_block_height") == height)

        if index:
            wait_until(has_indexed, ANSWER_S, f"the {index}")
