"""A miner of a trial: asks several nodes in turn, and hands what it found to another one, too.

A node that is down, stopped or slow is passed over, as a pool does with its own nodes; so a node is
never all that a miner has, unless its plan says so. It rests, and finds empty blocks, by orders.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from threading import Event
from typing import Final

from axon.rpc.client import RpcClient, Unauthorized, Unreachable
from axon.rpc.errors import RpcError
from axon.swarm.faultplan import Withheld
from axon.swarm.lab import netnamespace
from axon.swarm.lab.faucet import FAUCET
from axon.swarm.lab.orders import Conduct

ASK_LIMIT_S: Final = 1.5
"""How long a node may take to find a block; one that takes longer is passed over."""

HANDED_TO: Final = 2
"""Nodes that get a block from its miner: one of them may keep it to itself."""

_REFUSED: Final = (RpcError, Unreachable, Unauthorized)


@dataclass(frozen=True, slots=True)
class TurnMiner:
    """What such a miner is told.

    Args:
        folder: its own, with its orders.
        mean_s: the mean time from block to block.
        seed: of those times.
        censors: its blocks hold no transactions.
        waits: it asks always the first that lets it connect, and waits however long that takes.
        nodes: of each the URL of its RPC, the file with its password, and the network namespace in
            which it is; empty for the one here.
    """

    folder: Path
    mean_s: float
    seed: int
    censors: bool
    waits: bool
    nodes: tuple[tuple[str, str, str], ...]

    def arguments(self) -> list[str]:
        """As a command line, for `main`."""
        flat = [text for node in self.nodes for text in node]
        flags = [str(int(flag)) for flag in (self.censors, self.waits)]
        return [str(self.folder), str(self.mean_s), str(self.seed), *flags, *flat]


def main(arguments: Sequence[str]) -> int:
    """Mine until asked to end; the exit code."""
    folder, mean_s, seed, censors, waits, *flat = arguments
    ended = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    nodes = tuple(zip(flat[::3], flat[1::3], flat[2::3], strict=True))
    miner = TurnMiner(Path(folder), float(mean_s), int(seed), censors == "1", waits == "1", nodes)
    conduct = Conduct(miner.folder)
    conduct.listen(lambda number, handler: signal.signal(number, lambda *_: handler()))
    mine(miner, conduct, ended)
    return 0


def mine(miner: TurnMiner, conduct: Conduct, ended: Event) -> None:
    """Find blocks until the event is set."""
    rng = Random(miner.seed)
    turn = 0
    while not ended.wait(rng.expovariate(1 / miner.mean_s)):
        if conduct.orders.rests:
            continue
        start = 0 if miner.waits else turn % len(miner.nodes)
        turn += 1
        empty = miner.censors or conduct.orders.withheld is Withheld.TRANSACTIONS
        nodes = miner.nodes[start:] + miner.nodes[:start]
        _find_block(nodes, None if miner.waits else ASK_LIMIT_S, empty=empty)


def _find_block(
    nodes: Sequence[tuple[str, str, str]], patience_s: float | None, *, empty: bool
) -> None:
    """Have the first node that answers find a block, and give it to the next that does."""
    block, handed = "", 0
    for url, cookie, namespace in nodes:
        limit_s = ASK_LIMIT_S if block else patience_s
        connect = partial(netnamespace.connect, Path(namespace)) if namespace else None
        with RpcClient(url, cookie=cookie, timeout_s=limit_s, connect=connect) as client:
            try:
                if not block:
                    block = _found(client, empty=empty)
                else:
                    client.call("submitblock", block)
                handed += 1
            except _REFUSED as error:
                sys.stderr.write(f"{url}: {error}\n")
                sys.stderr.flush()
        if handed == HANDED_TO:
            return


def _found(client: RpcClient, *, empty: bool) -> str:
    """A new block of a node, hex."""
    if empty:
        name = client.call("generateblock", FAUCET.address(), [])["hash"]
    else:
        name = client.call("generatetoaddress", 1, FAUCET.address())[0]
    return str(client.call("getblock", name, 0))
