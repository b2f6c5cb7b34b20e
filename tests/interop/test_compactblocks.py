"""Compact blocks between axon and Bitcoin Core, in both directions (BIP 152).

Waits for other processes; each wait has a limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from axon.primitives.block import Block
from axon.primitives.transaction import Transaction, TxOut, outpoint
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.processes import wait_until
from axon.swarm.signer import Signer, Spendable
from tests.interop.foreign import BitcoindProcess

pytestmark = [pytest.mark.interop, pytest.mark.process]

ALICE = Signer("Alice")
BLOCKS = 110
LIMIT_S = 60.0
FEE_SAT = 10_000
TRUSTED = ("-connect=0", "-whitelist=noban@127.0.0.0/8")


class Pair:
    """A bitcoind that mined for Alice, and an axon node that dials it; both announce compact."""

    def __init__(self, core: BitcoindProcess, axon: NodeProcess) -> None:
        self.core, self.axon = core, axon
        self._height = 0

    def payment(self) -> Transaction:
        """Alice pays herself one of her coinbases, each time another."""
        self._height += 1
        block = self.core.block(self.core.rpc("getblockhash", self._height))
        coin = Spendable(
            outpoint(block.transactions[0].txid, 0), block.transactions[0].outputs[0].amount_sat
        )
        return ALICE.pay([coin], [TxOut(coin.amount_sat - FEE_SAT, ALICE.script)])

    def pooled(self) -> Transaction:
        """A payment that is in both pools."""
        payment = self.payment()
        self.core.rpc("sendrawtransaction", payment.raw.hex())
        self.axon.rpc("sendrawtransaction", payment.raw.hex())
        return payment

    def settle(self) -> None:
        """Wait until both stand on the same block."""
        wait_until(lambda: self.axon.tip() == self.core.tip(), LIMIT_S, "both have the block")

    def received_by_core(self) -> dict[str, int]:
        """Bytes by message."""
        (peer,) = self.core.rpc("getpeerinfo")
        return dict(peer["bytesrecv_per_msg"])


@pytest.fixture(scope="module", name="pair")
def pair_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    BitcoindProcess.require()
    folder = tmp_path_factory.mktemp("compact")
    with BitcoindProcess(folder / "core") as core:
        core.mine(BLOCKS, ALICE)
        with NodeProcess("axon", folder / "axon", options=TRUSTED).start() as axon:
            pair = Pair(core, axon)
            axon.rpc("addnode", str(core.p2p), "onetry")
            pair.settle()
            for _ in range(2):  # Whoever brings a block is asked to announce the next one compact.
                core.mine(1, ALICE)
                pair.settle()
                axon.rpc("generatetoaddress", 1, ALICE.address())
                pair.settle()
            yield pair


def timeline(node: NodeProcess) -> dict[str, Any]:
    """What happened to the newest block."""
    (newest,) = node.rpc("getblocktimeline", 1)
    return dict(newest)


def test_both_ask_the_other_to_announce_compact(pair: Pair) -> None:
    for node in (pair.core, pair.axon):
        (peer,) = node.rpc("getpeerinfo")
        assert peer["bip152_hb_to"]
        assert peer["bip152_hb_from"]


@pytest.mark.parametrize("unseen", [0, 2])
def test_a_block_of_bitcoind_is_made_whole_by_axon(pair: Pair, unseen: int) -> None:
    content = [pair.pooled(), *[pair.payment() for _ in range(unseen)]]
    raws = [item.raw.hex() for item in content]
    found = pair.core.rpc("generateblock", ALICE.address(), raws)["hash"]
    pair.settle()
    newest = timeline(pair.axon)
    assert newest["hash"] == found
    assert newest["announced"][0]["by"] == "cmpctblock"
    assert newest["rebuilt"] == {"prefilled": 1, "pool": 1, "extra": 0, "requested": unseen}
    raw = pair.axon.rpc("getblock", found, 0)
    assert Block.decode(bytes.fromhex(raw)) == pair.core.block(found)


@pytest.mark.parametrize("unseen", [0, 2])
def test_a_block_of_axon_is_made_whole_by_bitcoind(pair: Pair, unseen: int) -> None:
    content = [pair.pooled(), *[pair.payment() for _ in range(unseen)]]
    before = pair.received_by_core()
    raws = [item.raw.hex() for item in content]
    pair.axon.rpc("generateblock", ALICE.address(), raws)
    pair.settle()
    after = pair.received_by_core()
    assert after["cmpctblock"] > before["cmpctblock"]
    assert after.get("block", 0) == before.get("block", 0)
    assert (after.get("blocktxn", 0) > before.get("blocktxn", 0)) == bool(unseen)
