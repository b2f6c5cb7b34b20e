"""What axon and Bitcoin Core learn of fees from the same transactions and blocks."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from axon.primitives.block import Block
from axon.primitives.transaction import TxOut, outpoint
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.signer import Signer, Spendable
from tests.interop.answers import Both
from tests.interop.foreign import BitcoindProcess

pytestmark = [pytest.mark.interop, pytest.mark.process, pytest.mark.timeout(600)]

ALICE, BOB = Signer("Alice"), Signer("Bob")
HEIGHT = 1_010
"""From 1,008 blocks on Bitcoin Core counts those that wait once."""

COINS, OUTPUTS = 4, 150
BLOCKS = 24
VSIZE = 110


class Pair(Both):
    """Both, with the same blocks and the same pool."""

    def mined(self, block_hash: str) -> Block:
        """A block of axon, given to Core."""
        raw = self.axon.rpc("getblock", block_hash, 0)
        self.core.rpc("submitblock", raw)
        return Block.decode(bytes.fromhex(raw))

    def send(self, coin: Spendable, outputs: list[TxOut]) -> str:
        """Alice pays; both have it."""
        raw = ALICE.pay([coin], outputs).raw.hex()
        for rpc in (self.axon.rpc, self.core.rpc):
            txid: str = rpc("sendrawtransaction", raw, 0)
        return txid


@pytest.fixture(scope="module", name="pair")
def pair_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    BitcoindProcess.require()
    folder = tmp_path_factory.mktemp("fees")
    with (
        BitcoindProcess(folder / "core") as core,
        NodeProcess("axon", folder / "axon", options=("-connect=0",)).start() as axon,
    ):
        yield Pair(axon, core)


def grown(pair: Pair) -> list[Spendable]:
    """A chain of some length, and small coins of Alice."""
    blocks = [
        pair.mined(each) for each in pair.axon.rpc("generatetoaddress", HEIGHT, ALICE.address())
    ]
    small: list[Spendable] = []
    for block in blocks[:COINS]:
        first = block.transactions[0]
        amount_sat = first.outputs[0].amount_sat // (OUTPUTS + 1)
        coin = Spendable(outpoint(first.txid, 0), first.outputs[0].amount_sat)
        pair.send(coin, [TxOut(amount_sat, ALICE.script)] * OUTPUTS)
    mined = pair.mined(pair.axon.rpc("generatetoaddress", 1, BOB.address())[0])
    for paid in mined.transactions[1:]:
        outputs = enumerate(paid.outputs)
        small += [Spendable(outpoint(paid.txid, place), out.amount_sat) for place, out in outputs]
    return small


def test_both_estimate_the_same(pair: Pair) -> None:
    for refused in ([0], [1009], [6, 2], [6, -0.1], ["x"]):
        pair.same("estimaterawfee", *refused)
    rng = Random(5)
    coins = grown(pair)
    waiting: list[tuple[int, str]] = []
    for block in range(BLOCKS):
        for _ in range(rng.randint(1, 15)):
            coin, feerate = coins.pop(), int(10 ** rng.uniform(2.2, 5))
            fee_sat = max(12, feerate * VSIZE // 1_000)
            output = TxOut(coin.amount_sat - fee_sat, BOB.script)
            waiting.append((feerate, pair.send(coin, [output])))
        chosen = [each for each in waiting if rng.random() < min(0.97, len(str(each[0])) * 0.2)]
        waiting = [each for each in waiting if each not in chosen]
        txids = [txid for _, txid in chosen]
        pair.mined(pair.axon.rpc("generateblock", BOB.address(), txids)["hash"])
        if block % 3 == 0:
            for target in (2, 6, rng.randint(1, 60), rng.randint(1, 1_008)):
                pair.same("estimaterawfee", target)
                pair.same("estimaterawfee", target, rng.choice((0.3, 0.5, 0.85, 0.99)))
                pair.same("estimatesmartfee", target)
                pair.same("estimatesmartfee", target, "conservative")
    assert pair.same("estimatesmartfee", 6)["feerate"] > 0
