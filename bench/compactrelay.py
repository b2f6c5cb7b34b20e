"""Compact blocks on their way to real processes: how often whole at once, and how many bytes.

One node finds the blocks, all others dial it. With equal pools every transaction of a block has
been relayed before. With divergent ones a part of each block's was replaced in every pool by what
pays better, as if its miner had not heard of that, and one block of twenty has one that nobody has
seen.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from axon.primitives.transaction import Transaction, TxOut, outpoint
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from axon.swarm.signer import Signer, Spendable
from bench.table import Row

TAKERS: Final = 20
ROUNDS: Final = 20
TRANSACTIONS: Final = 25
REPLACED: Final = 5
UNSEEN_EVERY: Final = 20

EQUAL_LIMIT: Final = 0.98
DIVERGENT_LIMIT: Final = 0.93
BYTES_LIMIT: Final = 1.2

_MINER: Final = Signer("bench")
_AMOUNT_SAT: Final = 100_000
_FEE_SAT: Final = 1_000
_HOST: Final = "127.44.7.1"
_LIMIT_S: Final = 120.0
_WARM_UP: Final = 3
_BLOCK_MESSAGES: Final = ("cmpctblock", "blocktxn", "block")


@dataclass(frozen=True, slots=True)
class Relayed:
    """What was seen of some blocks.

    Args:
        blocks: how many came to all takers together.
        at_once: of these, made whole without asking for anything.
        requested: transactions that had to be asked for.
        taken_bytes: that takers received as blocks, compact or not, and parts of them.
        compact_bytes: the compact blocks alone, each once.
        spread_s: from a block's first byte to its verdict, the median of all.
    """

    blocks: int
    at_once: int
    requested: int
    taken_bytes: int
    compact_bytes: int
    spread_s: float

    @property
    def share(self) -> float:
        """Of the blocks that were made whole at once."""
        return self.at_once / self.blocks

    @property
    def overhead(self) -> float:
        """Bytes received over those of the compact blocks."""
        return self.taken_bytes / self.compact_bytes


class Star:
    """A node that finds blocks, and others that dial it; ended with the `with` block.

    Args:
        folder: in which each node gets its own.
        takers: how many dial it.
    """

    def __init__(self, folder: Path, takers: int) -> None:
        self._ends = ExitStack()
        host = f"{_HOST.rpartition('.')[0]}.{{}}"
        # Who is trusted hears of transactions at once, as many as there are.
        options = ("-whitelist=noban@127.0.0.0/8", "-txsendrate=100000")
        self.source = NodeProcess("source", folder / "source", host.format(1), options=options)
        self.takers = [
            NodeProcess(f"n{place}", folder / f"n{place}", host.format(place + 2))
            for place in range(takers)
        ]
        self._coins: Iterator[Spendable] = iter(())

    def __enter__(self) -> Star:
        with ExitStack() as ends:
            ends.enter_context(self.source).start()
            for taker in self.takers:
                ends.enter_context(taker).start(f"-connect={self.source.p2p}", wait=False)
            for taker in self.takers:
                taker.wait_ready()
            self._ends = ends.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def grow(self, coins: int) -> None:
        """A chain with so many coins, and takers that stand on it and were brought blocks."""
        mined = self.source.rpc("generatetoaddress", 102, _MINER.address())
        raw = self.source.rpc("getblock", mined[0], 2)["tx"][0]["hex"]
        mint = Transaction.decode(bytes.fromhex(raw))
        coin = Spendable(outpoint(mint.txid, 0), mint.outputs[0].amount_sat)
        split = _MINER.pay([coin], [TxOut(_AMOUNT_SAT, _MINER.script)] * coins)
        self._coins = iter(
            [Spendable(outpoint(split.txid, index), _AMOUNT_SAT) for index in range(coins)]
        )
        self.source.rpc("generateblock", _MINER.address(), [split.raw.hex()])
        for _ in range(_WARM_UP):
            self.source.rpc("generateblock", _MINER.address(), [])
            self.settle()

    def settle(self) -> None:
        """Wait until everybody stands where the source does, and knows its pool."""
        tip, pool = self.source.tip(), self.source.rpc("getmempoolinfo")["size"]

        def is_settled() -> bool:
            return all(
                node.tip() == tip and node.rpc("getmempoolinfo")["size"] == pool
                for node in self.takers
            )

        wait_until(is_settled, _LIMIT_S, "all nodes have the block and the transactions")

    def pay(self, number: int) -> list[Transaction]:
        """Payments that are in every pool."""
        made = [_payment(coin, _FEE_SAT) for coin in self._take(number)]
        self._submit(made)
        return made

    def pay_twice(self, number: int) -> list[Transaction]:
        """Payments that were in every pool, and have been replaced there."""
        coins = self._take(number)
        first = [_payment(coin, _FEE_SAT) for coin in coins]
        self._submit(first)
        self._submit([_payment(coin, 10 * _FEE_SAT) for coin in coins])
        return first

    def pay_unseen(self) -> Transaction:
        """A payment that nobody has heard of."""
        (coin,) = self._take(1)
        return _payment(coin, _FEE_SAT)

    def find(self, transactions: Sequence[Transaction]) -> str:
        """A block with these; its hash."""
        raws = [item.raw.hex() for item in transactions]
        found: str = self.source.rpc("generateblock", _MINER.address(), raws)["hash"]
        self.settle()
        return found

    def _take(self, number: int) -> list[Spendable]:
        return [next(self._coins) for _ in range(number)]

    def _submit(self, transactions: Sequence[Transaction]) -> None:
        for transaction in transactions:
            self.source.rpc("sendrawtransaction", transaction.raw.hex())
        self.settle()


def run(star: Star, rounds: int, transactions: int, *, divergent: bool) -> Relayed:
    """Blocks one after the other, and what became of them at all takers."""
    hashes: list[str] = []
    before = [_taken_bytes(taker) for taker in star.takers]
    compact_bytes = 0
    for number in range(rounds):
        content = star.pay(transactions)
        if divergent:
            content += star.pay_twice(REPLACED)
            if number % UNSEEN_EVERY == UNSEEN_EVERY // 2:
                content.append(star.pay_unseen())
        hashes.append(star.find(content))
        compact_bytes += _compact_size(content, star.source, hashes[-1])
    timelines = [
        each
        for taker in star.takers
        for each in taker.rpc("getblocktimeline", rounds)
        if each["hash"] in hashes
    ]
    rebuilt = [each["rebuilt"] for each in timelines if "rebuilt" in each]
    spreads = sorted(
        float(each["received"]) + float(each["validation_ms"]) / 1000 for each in timelines
    )
    return Relayed(
        len(timelines),
        sum(each["requested"] == 0 for each in rebuilt),
        sum(each["requested"] for each in rebuilt),
        sum(_taken_bytes(taker) for taker in star.takers) - sum(before),
        compact_bytes * len(star.takers),
        spreads[len(spreads) // 2],
    )


def measure(takers: int = TAKERS, rounds: int = ROUNDS, transactions: int = TRANSACTIONS) -> Row:
    """The row."""
    coins = rounds * (2 * transactions + REPLACED + 1)
    with (
        tempfile.TemporaryDirectory(prefix="axon-bench-") as folder,
        Star(Path(folder), takers) as star,
    ):
        star.grow(coins)
        equal = run(star, rounds, transactions, divergent=False)
        divergent = run(star, rounds, transactions, divergent=True)
    worst = max(equal.overhead, divergent.overhead)
    holds = equal.share >= EQUAL_LIMIT and divergent.share >= DIVERGENT_LIMIT
    return Row(
        f"compact blocks to {takers} nodes as processes: made whole without a round trip",
        f"{equal.share:.1%} of {equal.blocks}, {divergent.share:.1%} of {divergent.blocks} with "
        f"divergent pools; {worst:.2f} x the compact block's bytes",
        f">= {EQUAL_LIMIT:.0%}, {DIVERGENT_LIMIT:.0%}, <= {BYTES_LIMIT} x",
        holds and worst <= BYTES_LIMIT,
        [
            f"{rounds} blocks each, of {transactions} payments, and where pools diverge {REPLACED} "
            f"more that were replaced in all pools, and in one block of {UNSEEN_EVERY} one that "
            f"nobody had seen. {divergent.requested} transactions had to be asked for.",
            f"Bytes are those of {', '.join(_BLOCK_MESSAGES)} that came to each node, frames "
            f"included: {equal.overhead:.3f} x and {divergent.overhead:.3f} x.",
            f"From the first word of a block to its verdict: {equal.spread_s * 1000:.0f} ms in the "
            f"median, {divergent.spread_s * 1000:.0f} ms with divergent pools.",
        ],
    )


def _payment(coin: Spendable, fee_sat: int) -> Transaction:
    return _MINER.pay([coin], [TxOut(coin.amount_sat - fee_sat, _MINER.script)])


def _taken_bytes(node: NodeProcess) -> int:
    (peer,) = node.rpc("getpeerinfo")
    counted: dict[str, Any] = peer["bytesrecv_per_msg"]
    return sum(int(counted.get(name, 0)) for name in _BLOCK_MESSAGES)


def _compact_size(content: Sequence[Transaction], source: NodeProcess, block_hash: str) -> int:
    """Bytes of the compact block on the wire: header, nonce, counts, short ids and the coinbase."""
    coinbase = source.rpc("getblock", block_hash, 2)["tx"][0]["hex"]
    return 24 + 80 + 8 + 1 + 6 * len(content) + 1 + 1 + len(coinbase) // 2
