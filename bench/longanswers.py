"""Long answers, one after the other, against Bitcoin Core with the same chain and pool."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from axon.primitives.block import Block
from axon.primitives.hashes import to_hex
from axon.rpc.client import RpcClient
from axon.swarm.lab.nodeprocess import NodeProcess
from bench.besidecore import bitcoind, bitcoind_here, give, in_turns, side_of
from bench.chain import PREPARING, build_chain, read_blocks
from bench.table import Row

LIMIT: Final = 2.0
WAIT_LIMIT_S: Final = 0.1
BLOCKS: Final = 60
POOLED: Final = 12
"""Blocks that are not mined: their transactions wait in the pool."""

CALLS: Final = 1_000
POOL_CALLS: Final = 50
TURNS: Final = 10
TIME_S: Final = 60.0
"""For one kind. With all of them and the start the row ends within five minutes."""


def measure(blocks: int = BLOCKS, calls: int = CALLS, pool_calls: int = POOL_CALLS) -> Row:
    """The row.

    Raises:
        Skipped: there is no bitcoind on the PATH.
    """
    program = bitcoind_here()
    raws = list(read_blocks(build_chain(blocks).path))
    mined, waiting = raws[:-POOLED], [Block.decode(raw) for raw in raws[-POOLED:]]
    names = [to_hex(Block.decode(raw).hash) for raw in mined[PREPARING:]]
    entries = [item for block in waiting for item in block.transactions[1:]]
    with tempfile.TemporaryDirectory(prefix="axon-bench-") as name:
        folder = Path(name)
        with (
            NodeProcess("axon", folder / "axon", options=("-connect=0",)) as axon,
            bitcoind(program, folder / "core", "-checkmempool=0") as core,
        ):
            axon.start()
            ours = side_of(axon)
            for side in (ours, core):
                give(side, mined)
                with side.dial() as client:
                    for entry in entries:
                        client.call("sendrawtransaction", entry.raw.hex())
            each = calls // TURNS
            chosen = [names[at % len(names)] for at in range(each)]
            compared = [
                in_turns(kind, ours, core, [work] * TURNS, count, TIME_S)
                for kind, work, count in (
                    ("getblock 2", partial(_blocks, chosen, 2), each),
                    ("getblock 0", partial(_blocks, chosen, 0), each),
                    (
                        "getrawmempool true",
                        partial(_pool, pool_calls // TURNS),
                        pool_calls // TURNS,
                    ),
                )
            ]
            axon.stop()
    ratios = [one.ratio for one in compared]
    worst_s = max(one.worst_s for one in compared)
    theirs_worst_s = max(one.theirs_worst_s for one in compared)
    return Row(
        f"{calls:,} getblock 2, then 0, of full blocks, and getrawmempool true of"
        f" {len(entries):,} entries, one after the other, against bitcoind; another caller"
        " meanwhile",
        f"{', '.join(f'{ratio:.2f} x' for ratio in ratios)}; it waits {worst_s * 1000:.0f} ms,"
        f" at bitcoind {theirs_worst_s * 1000:.0f} ms",
        f"<= {LIMIT:g} x; <= {WAIT_LIMIT_S * 1000:.0f} ms",
        max(ratios) <= LIMIT and worst_s <= WAIT_LIMIT_S,
        [
            f"{' '.join(map(str, compared))} Answers are not parsed; {TURNS} turns of each, as"
            f" many as begin within {TIME_S:g} s. The other caller, on both sides, asks for"
            " getblockcount every 5 ms; its longest wait here counts."
        ],
    )


def _blocks(names: Sequence[str], level: int, client: RpcClient) -> None:
    for name in names:
        _read(client, "getblock", name, level)


def _pool(calls: int, client: RpcClient) -> None:
    for _ in range(calls):
        _read(client, "getrawmempool", True)


def _read(client: RpcClient, method: str, *params: object) -> None:
    """Take an answer as bytes: what parsing it costs is the caller's affair."""
    status, data = client._post(client._exchange.call(method, params))
    assert status == 200, data[:200]
