"""Confirmed transactions looked up by callers, against Bitcoin Core on the same chain."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

from axon.consensus.kernel import default_threads
from axon.primitives.block import Block
from axon.primitives.hashes import to_hex
from axon.rpc.client import RpcClient, Unauthorized, Unreachable
from axon.rpc.errors import Code, RpcError
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import free_ports, wait_until
from bench.chain import BuiltChain, build_chain, read_blocks
from bench.reaching import processor_s
from bench.syncing import import_apart, wait_until_followed
from bench.table import Row, Skipped
from bench.timing import timed

LIMIT: Final = 2.0
WAIT_LIMIT_S: Final = 0.1
BLOCKS: Final = 150
LOOKUPS: Final = 100_000
TURNS: Final = 10
"""Both are asked in turn, so that what else goes on here weighs on both."""

LEVELS: Final = (0, 1)
_LIMIT_S: Final = 600.0
_SEED: Final = 1


def measure(blocks: int = BLOCKS, lookups: int = LOOKUPS) -> Row:
    """The row.

    Raises:
        Skipped: there is no bitcoind on the PATH.
    """
    program = shutil.which("bitcoind")
    if program is None:
        raise Skipped("no bitcoind on the PATH")
    chain = build_chain(blocks)
    txids = _txids(chain)
    with tempfile.TemporaryDirectory(prefix="axon-bench-") as name:
        folder = Path(name)
        import_apart(chain, folder / "axon" / "regtest", default_threads())
        options = ("-connect=0", "-txindex")
        with (
            NodeProcess("axon", folder / "axon", options=options) as axon,
            _bitcoind(program, folder / "core", chain) as core,
        ):
            axon.start()
            wait_until_followed(axon, chain)
            wait_until_followed(axon, chain, "txindex")
            compared = [_compare(axon, core, txids, lookups, level) for level in LEVELS]
            axon.stop()
    ratios = [one.ratio for one in compared]
    worst_s = max(one.worst_s for one in compared)
    return Row(
        f"{lookups:,} random confirmed transactions by getrawtransaction with -txindex, one after "
        "the other, against bitcoind; another caller meanwhile",
        f"{', '.join(f'{ratio:.2f} x' for ratio in ratios)}; it waits {worst_s * 1000:.0f} ms",
        f"<= {LIMIT:g} x; <= {WAIT_LIMIT_S * 1000:.0f} ms",
        max(ratios) <= LIMIT and worst_s <= WAIT_LIMIT_S,
        [
            f"{len(txids):,} transactions in {chain.height} blocks. {' '.join(map(str, compared))}"
            f" One connection that is kept, the caller's own work counts on both sides; {TURNS}"
            " turns of each. The other caller, on both sides, asks for getblockcount every 5 ms;"
            " its longest wait here counts."
        ],
    )


def _txids(chain: BuiltChain) -> list[str]:
    return [
        to_hex(transaction.txid)
        for raw in read_blocks(chain.path)
        for transaction in Block.decode(raw).transactions
    ]


@dataclass(frozen=True, slots=True)
class Lookups:
    """How one kind of call went.

    Args:
        level: its verbosity.
        ours_s, theirs_s: of one call, as the caller sees it.
        worst_s: the longest wait of another caller here.
        ours_processor_s, theirs_processor_s: that each server used for one call.
    """

    level: int
    ours_s: float
    theirs_s: float
    worst_s: float
    ours_processor_s: float
    theirs_processor_s: float

    @property
    def ratio(self) -> float:
        """How much longer it takes here."""
        return self.ours_s / self.theirs_s

    def __str__(self) -> str:
        return (
            f"Verbosity {self.level}: {self.ours_s * 1e6:.0f} us / {self.theirs_s * 1e6:.0f} us, of"
            f" the servers' processors {self.ours_processor_s * 1e6:.0f} us /"
            f" {self.theirs_processor_s * 1e6:.0f} us."
        )


def _compare(axon: NodeProcess, core: Core, txids: list[str], lookups: int, level: int) -> Lookups:
    """Look transactions up here and there in turn."""
    rng = Random(_SEED)
    ours_s = theirs_s = worst_s = 0.0
    assert axon.pid is not None, "it runs"
    before = processor_s(axon.pid) or 0.0, processor_s(core.pid) or 0.0
    with axon.dial(_LIMIT_S) as client:
        for _ in range(TURNS):
            asked = [rng.choice(txids) for _ in range(lookups // TURNS)]
            with _Bystander(axon.dial(_LIMIT_S)) as other:
                ours_s += timed(partial(_look_up, client, asked, level))
            worst_s = max(worst_s, other.worst_s)
            with _Bystander(core.dial()):
                theirs_s += timed(partial(_look_up, core.client, asked, level))
    used = (
        (processor_s(axon.pid) or 0.0) - before[0],
        (processor_s(core.pid) or 0.0) - before[1],
    )
    return Lookups(
        level, ours_s / lookups, theirs_s / lookups, worst_s, used[0] / lookups, used[1] / lookups
    )


def _look_up(client: RpcClient, txids: list[str], level: int) -> None:
    for txid in txids:
        client.call("getrawtransaction", txid, level)


class _Bystander(threading.Thread):
    """Another caller, and how long it had to wait at most."""

    def __init__(self, client: RpcClient) -> None:
        super().__init__(daemon=True)
        self._client = client
        self._done = threading.Event()
        self.worst_s = 0.0

    def run(self) -> None:
        while not self._done.wait(0.005):
            begun = time.perf_counter()
            self._client.call("getblockcount")
            self.worst_s = max(self.worst_s, time.perf_counter() - begun)

    def __enter__(self) -> _Bystander:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self.join()
        self._client.close()


@dataclass(frozen=True, slots=True)
class Core:
    """A bitcoind that runs."""

    dial: Callable[[], RpcClient]
    client: RpcClient
    pid: int


@contextmanager
def _bitcoind(program: str, folder: Path, chain: BuiltChain) -> Iterator[Core]:
    """Bitcoin Core with the same chain, indexed."""
    folder.mkdir()
    (rpc_port,) = free_ports(1)
    process = subprocess.Popen(
        [
            program,
            "-regtest",
            f"-datadir={folder}",
            f"-rpcport={rpc_port}",
            "-listen=0",
            "-connect=0",
            "-disablewallet=1",
            "-txindex=1",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    dial = partial(
        RpcClient,
        f"http://127.0.0.1:{rpc_port}",
        cookie=folder / "regtest" / ".cookie",
        timeout_s=_LIMIT_S,
    )
    client = dial()

    def has_indexed(height: int) -> bool:
        assert process.poll() is None, "bitcoind did not start"
        try:
            told = client.call("getindexinfo", "txindex").get("txindex", {})
        except (Unreachable, Unauthorized):
            return False
        except RpcError as error:
            if error.code != Code.WARMUP:
                raise
            return False
        return bool(told.get("best_block_height") == height)

    try:
        wait_until(lambda: has_indexed(0), _LIMIT_S, "bitcoind answers")
        for raw in read_blocks(chain.path):
            client.call("submitblock", raw.hex())
        wait_until(lambda: has_indexed(chain.height), _LIMIT_S, "bitcoind has the chain")
        yield Core(dial, client, process.pid)
    finally:
        client.close()
        process.terminate()
        process.wait(60)
