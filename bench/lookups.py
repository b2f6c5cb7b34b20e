"""Confirmed transactions looked up by callers, against Bitcoin Core on the same chain."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

from axon.consensus.kernel import default_threads
from axon.primitives.block import Block
from axon.primitives.hashes import to_hex
from axon.rpc.client import RpcClient
from axon.swarm.lab.nodeprocess import NodeProcess
from bench.besidecore import bitcoind, bitcoind_here, give, in_turns, side_of
from bench.chain import BuiltChain, build_chain, read_blocks
from bench.syncing import import_apart, wait_until_followed
from bench.table import Row

LIMIT: Final = 2.0
WAIT_LIMIT_S: Final = 0.1
BLOCKS: Final = 150
LOOKUPS: Final = 100_000
TURNS: Final = 10
LEVELS: Final = (0, 1)
TIME_S: Final = 90.0
"""For one level. With two of them and the start all ends within four minutes."""

_SEED: Final = 1


def measure(blocks: int = BLOCKS, lookups: int = LOOKUPS) -> Row:
    """The row.

    Raises:
        Skipped: there is no bitcoind on the PATH.
    """
    program = bitcoind_here()
    chain = build_chain(blocks)
    txids = _txids(chain)
    with tempfile.TemporaryDirectory(prefix="axon-bench-") as name:
        folder = Path(name)
        import_apart(chain, folder / "axon" / "regtest", default_threads())
        options = ("-connect=0", "-txindex")
        with (
            NodeProcess("axon", folder / "axon", options=options) as axon,
            bitcoind(program, folder / "core", "-txindex=1") as core,
        ):
            axon.start()
            give(core, read_blocks(chain.path), "txindex")
            wait_until_followed(axon, chain)
            wait_until_followed(axon, chain, "txindex")
            ours, calls = side_of(axon), lookups // TURNS
            compared = [
                in_turns(
                    f"verbosity {level}", ours, core, _works(txids, calls, level), calls, TIME_S
                )
                for level in LEVELS
            ]
            axon.stop()
    ratios = [one.ratio for one in compared]
    worst_s = max(one.worst_s for one in compared)
    theirs_worst_s = max(one.theirs_worst_s for one in compared)
    return Row(
        f"{lookups:,} random confirmed transactions by getrawtransaction with -txindex, one after "
        "the other, against bitcoind; another caller meanwhile",
        f"{', '.join(f'{ratio:.2f} x' for ratio in ratios)}; it waits {worst_s * 1000:.0f} ms,"
        f" at bitcoind {theirs_worst_s * 1000:.0f} ms",
        f"<= {LIMIT:g} x; <= {WAIT_LIMIT_S * 1000:.0f} ms",
        max(ratios) <= LIMIT and worst_s <= WAIT_LIMIT_S,
        [
            f"{len(txids):,} transactions in {chain.height} blocks. {' '.join(map(str, compared))}"
            f" One connection that is kept, the caller's own work counts on both sides; {TURNS}"
            f" turns of each, as many as begin within {TIME_S:g} s. The other caller asks both for"
            " getblockcount every 5 ms; its longest wait here counts."
        ],
    )


def _txids(chain: BuiltChain) -> list[str]:
    return [
        to_hex(transaction.txid)
        for raw in read_blocks(chain.path)
        for transaction in Block.decode(raw).transactions
    ]


def _works(txids: list[str], calls: int, level: int) -> Iterator[Callable[[RpcClient], None]]:
    rng = Random(_SEED)
    for _ in range(TURNS):
        yield partial(_look_up, [rng.choice(txids) for _ in range(calls)], level)


def _look_up(txids: list[str], level: int, client: RpcClient) -> None:
    for txid in txids:
        client.call("getrawtransaction", txid, level)
