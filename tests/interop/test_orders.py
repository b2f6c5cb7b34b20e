"""Orders about the chain, carried out by axon and by Bitcoin Core on the same blocks.

After each step both must say the same of their chains and of their pools.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest

from axon.primitives.block import Block
from axon.primitives.transaction import TxOut, outpoint
from axon.rpc.errors import RpcError
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.signer import Signer, Spendable
from tests.interop.foreign import BitcoindProcess

pytestmark = [pytest.mark.interop, pytest.mark.process]

STEPS = 60
NEAR = 25
ALICE = Signer("Alice")
ORDERS = ("invalidateblock", "reconsiderblock", "preciousblock")


class Pair:
    """Both, with the same blocks; neither knows of the other."""

    def __init__(self, axon: NodeProcess, core: BitcoindProcess) -> None:
        self.axon, self.core = axon, core
        self.hashes: list[str] = []

    def mine(self, count: int, payee: Signer) -> None:
        """Axon mines, and Core is given the blocks."""
        for block_hash in self.axon.rpc("generatetoaddress", count, payee.address()):
            self.hashes.append(block_hash)
            self.core.rpc("submitblock", self.axon.rpc("getblock", block_hash, 0))

    def both(self, name: str, *args: object) -> object:
        """What both answer to a call, or with what both refuse it."""
        answers = [_answer(rpc, name, *args) for rpc in (self.axon.rpc, self.core.rpc)]
        assert answers[0] == answers[1], name
        return answers[0]

    def compare(self) -> None:
        """Both stand where the other does."""
        for name in ("getbestblockhash", "getblockcount"):
            self.both(name)
        tips = [_sorted(rpc("getchaintips")) for rpc in (self.axon.rpc, self.core.rpc)]
        assert tips[0] == tips[1]
        pools = [sorted(rpc("getrawmempool")) for rpc in (self.axon.rpc, self.core.rpc)]
        assert pools[0] == pools[1]
        heads = [rpc("getblockchaininfo")["headers"] for rpc in (self.axon.rpc, self.core.rpc)]
        assert heads[0] == heads[1]


def _answer(rpc: Callable[..., Any], name: str, *args: object) -> object:
    try:
        return rpc(name, *args)
    except RpcError as error:
        return error.code, error.message


def _sorted(tips: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(tips, key=lambda tip: str(tip["hash"]))


@pytest.fixture(scope="module", name="pair")
def pair_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    BitcoindProcess.require()
    folder = tmp_path_factory.mktemp("orders")
    with (
        BitcoindProcess(folder / "core") as core,
        NodeProcess("axon", folder / "axon", options=("-connect=0",)).start() as axon,
    ):
        pair = Pair(axon, core)
        pair.mine(112, ALICE)
        yield pair


@pytest.mark.parametrize("name", ORDERS)
def test_both_refuse_alike(pair: Pair, name: str) -> None:
    pair.both(name, "11" * 32)
    pair.both(name, "11")
    pair.both(name, "xy" * 32)
    pair.both(name, 5)
    pair.both(name, pair.axon.rpc("getblockhash", 0))
    pair.compare()


@pytest.mark.parametrize("seed", range(2))
def test_both_agree_after_each_step(pair: Pair, seed: int) -> None:
    rng = Random(seed)
    for step in range(STEPS):
        what = rng.choice(("mine", "mine", "pay", "pay", *ORDERS))
        if what == "mine":
            pair.mine(rng.randint(1, 3), Signer(f"{seed} {step}"))
        elif what == "pay":
            _pay(pair, rng)
        else:
            near = rng.random() < 0.9
            pair.both(what, rng.choice(pair.hashes[-NEAR:] if near else pair.hashes))
        pair.compare()


def _pay(pair: Pair, rng: Random) -> None:
    """Alice pays herself an early coinbase, which may be spent already."""
    block_hash = pair.axon.rpc("getblockhash", rng.randint(1, 8))
    first = Block.decode(bytes.fromhex(pair.axon.rpc("getblock", block_hash, 0))).transactions[0]
    coin = Spendable(outpoint(first.txid, 0), first.outputs[0].amount_sat)
    output = TxOut(coin.amount_sat - rng.randint(1_000, 2_000), ALICE.script)
    raw = ALICE.pay([coin], [output]).raw.hex()
    codes = [_code(rpc, raw) for rpc in (pair.axon.rpc, pair.core.rpc)]
    assert codes[0] == codes[1]


def _code(rpc: Callable[..., Any], raw: str) -> int:
    try:
        rpc("sendrawtransaction", raw)
    except RpcError as error:
        return error.code
    return 0


def test_a_simple_reorganisation_as_launchers_make_it(pair: Pair) -> None:
    height = pair.axon.rpc("getblockcount")
    pair.both("invalidateblock", pair.axon.rpc("getblockhash", height - 2))
    pair.mine(4, Signer("another branch"))
    pair.compare()
    assert pair.axon.rpc("getblockcount") == height + 1
