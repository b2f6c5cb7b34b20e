"""A miner: asks its node for a block now and then, as miners find them: at random moments.

The times between blocks are exponential, as those of the real network are, and drawn from a seed.
A node that does not answer is asked again when the next block is due.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from threading import Event
from typing import Final

from axon.rpc.client import RpcClient, Unauthorized, Unreachable
from axon.rpc.errors import RpcError
from axon.swarm.lab.faucet import FAUCET

CALL_LIMIT_S: Final = 30.0
MAX_HEIGHT: Final = 2_000
"""On a regression test chain the kernel looks through its whole index at every block, so long
chains are slow; a miner rests from here on."""


@dataclass(frozen=True, slots=True)
class Miner:
    """What a miner is told.

    Args:
        url: of its node's RPC.
        cookie: the file with the node's password.
        mean_s: the mean time from block to block.
        seed: of those times.
    """

    url: str
    cookie: Path
    mean_s: float
    seed: int

    def arguments(self) -> list[str]:
        """As a command line, for `main`."""
        return [self.url, str(self.cookie), str(self.mean_s), str(self.seed)]


def main(arguments: Sequence[str]) -> int:
    """Mine until asked to end; the exit code."""
    url, cookie, mean_s, seed = arguments
    ended = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    mine(Miner(url, Path(cookie), float(mean_s), int(seed)), ended)
    return 0


def mine(miner: Miner, ended: Event) -> None:
    """Find blocks until the event is set."""
    rng = Random(miner.seed)
    while not ended.wait(rng.expovariate(1 / miner.mean_s)):
        with RpcClient(miner.url, cookie=miner.cookie, timeout_s=CALL_LIMIT_S) as client:
            try:
                if client.call("getblockcount") < MAX_HEIGHT:
                    client.call("generatetoaddress", 1, FAUCET.address())
            except (Unreachable, Unauthorized, RpcError) as error:
                sys.stderr.write(f"no block: {error}\n")
                sys.stderr.flush()
