"""Transactions from one node to the next over TCP, real processes: how many a second are accepted.

    a peer --tx--> first node --inv, getdata, tx--> second node

All that a node does counts: frames, coins in RocksDB, scripts by the kernel, the pool, announcing.
Then the second node does it once more under a profiler, which says in which rooms its loop is.
"""

from __future__ import annotations

import pstats
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from axon.primitives.block import Block
from axon.primitives.network import REGTEST, TARGET_SPACING_S
from axon.primitives.transaction import Transaction, TxOut, outpoint
from axon.swarm.lab.axonprocess import AXON
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from axon.swarm.signer import Signer, Spendable
from axon.wire.messages import Tx
from bench.chain import PREPARING, coinbase_of, mined
from bench.reaching import processor_s
from bench.table import Row
from tests.process.rawpeer import RawPeer

LIMIT: Final = 2_000
PAYMENTS: Final = 4_000

_FEE_SAT: Final = 300
_LIMIT_S: Final = 120.0
_ROOMS_SHOWN: Final = 8
_OPTIONS: Final = (
    "-connect=0",
    "-txsendrate=1000000",
    "-whitelist=noban,relay,in,out@127.0.0.1",
)


@dataclass(frozen=True, slots=True)
class Relayed:
    """One run.

    Args:
        seconds: from the first transaction sent to the last in the second node's pool.
        first_s, second_s: processor seconds of the two nodes meanwhile.
    """

    seconds: float
    first_s: float
    second_s: float


def measure(payments: int = PAYMENTS) -> Row:
    """The row."""
    blocks, transactions = prepared(payments)
    with tempfile.TemporaryDirectory(prefix="axon-bench-") as name:
        folder = Path(name)
        found = relay(folder, blocks, transactions)
        rooms = profile(folder / "profiled", blocks, transactions)
    rate = payments / found.seconds
    each = [used / payments * 1e6 for used in (found.first_s, found.second_s)]
    possible = 1e6 / max(each)
    return Row(
        "signed 1-in-1-out payments relayed by one node and accepted by the next, two processes, "
        "against 2,000 a second",
        f"{rate:,.0f} a second  ({rate / LIMIT:.2f} x)",
        f">= {LIMIT:,}",
        rate >= LIMIT,
        [
            f"{payments:,} payments, given to the first node by a peer as fast as it takes them. "
            f"Processor time of the first node {each[0]:.0f} us, of the second {each[1]:.0f} us "
            f"each: with a processor of its own the slower one would take {possible:,.0f} a "
            "second.",
            f"Where the second one's loop is, under a profiler: {_shares(rooms)}.",
        ],
    )


def relay(
    folder: Path,
    blocks: Sequence[Block],
    transactions: Sequence[Transaction],
    command: Sequence[str] = AXON,
) -> Relayed:
    """Have transactions relayed between two new nodes that have these blocks.

    Args:
        folder: for what they keep.
        blocks: those that both have.
        transactions: two at least, each valid on top of them.
        command: how the second node is started.
    """
    first = NodeProcess("first", folder / "first", options=_OPTIONS)
    second = NodeProcess("second", folder / "second", options=_OPTIONS, command=command)
    with first, second:
        for node in (first, second):
            node.start()
            for block in blocks:
                assert node.rpc("submitblock", block.raw.hex()) is None
        second.rpc("addnode", str(first.p2p), "onetry")
        wait_until(lambda: len(_ready(first)) == 1 == len(_ready(second)), _LIMIT_S, "they meet")
        frames = b"".join([RawPeer.frame(Tx(each)) for each in transactions])
        with RawPeer(first.p2p).shake_hands() as peer:
            peer.socket.settimeout(_LIMIT_S)
            giver = threading.Thread(target=peer.send_bytes, args=(frames,))
            begun, before = time.perf_counter(), _used(first, second)
            giver.start()
            wait_until(lambda: _size(second) == len(transactions), _LIMIT_S, "all arrive", 0.05)
            seconds, after = time.perf_counter() - begun, _used(first, second)
            giver.join()
        for node in (first, second):
            node.stop()
    return Relayed(seconds, *[then - now for now, then in zip(before, after, strict=True)])


def profile(
    folder: Path, blocks: Sequence[Block], transactions: Sequence[Transaction]
) -> dict[str, float]:
    """Seconds that the second node's loop spends in the functions of each room, by the profiler."""
    written = folder / "profile"
    folder.mkdir()
    relay(
        folder,
        blocks,
        transactions,
        (sys.executable, "-m", "cProfile", "-o", str(written), *AXON[1:]),
    )
    rooms: dict[str, float] = defaultdict(float)
    figures: dict[tuple[str, int, str], tuple[int, int, float, float, object]]
    figures = pstats.Stats(str(written)).stats  # type: ignore[attr-defined]
    for (file, _, _), (_, _, own_s, _, _) in figures.items():
        _, found, inside = file.partition("/axon/")
        rooms[inside.partition("/")[0] if found else "libraries and the interpreter"] += own_s
    return rooms


def _shares(rooms: dict[str, float]) -> str:
    total = sum(rooms.values())
    most = sorted(rooms.items(), key=lambda item: -item[1])[:_ROOMS_SHOWN]
    return ", ".join([f"{room} {seconds / total:.0%}" for room, seconds in most])


def _ready(node: NodeProcess) -> list[dict[str, object]]:
    return [peer for peer in node.peers() if peer["version"] and peer.get("pingtime") is not None]


def _size(node: NodeProcess) -> int:
    return int(node.rpc("getmempoolinfo")["size"])


def _used(*nodes: NodeProcess) -> list[float]:
    found = [processor_s(node.pid) for node in nodes if node.pid is not None]
    return [0.0 if seconds is None else seconds for seconds in found]


def prepared(payments: int) -> tuple[list[Block], list[Transaction]]:
    """A short chain that ends now, and so many payments of coins in its last block."""
    signer = Signer("bench")
    amount = REGTEST.subsidy_sat(1)
    each = amount // payments - 100
    funding = [Spendable(outpoint(coinbase_of(1, []).txid, 0), amount)]
    split = signer.pay(funding, [TxOut(each, signer.script)] * payments)
    last, blocks = REGTEST.genesis.header, []
    start = int(time.time()) - PREPARING * TARGET_SPACING_S
    for number in range(1, PREPARING + 1):
        content = [split] if number == PREPARING else []
        block = mined(number, last, content, start + number * TARGET_SPACING_S)
        blocks.append(block)
        last = block.header
    coins = [Spendable(outpoint(split.txid, index), each) for index in range(payments)]
    outputs = [TxOut(each - _FEE_SAT, signer.script)]
    return blocks, [signer.pay([coin], outputs) for coin in coins]
