"""Coins that move while a caller's question is answered: no answer mixes two blocks.

The read of the coins, which is done in a thread, is made to take so long that a block comes in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest

from axon.chain.coins import Coin, Coins
from axon.node.commands import SendTransaction
from axon.primitives.hashes import BlockHash, to_hex
from axon.primitives.transaction import COIN, OutPoint, TxOut, outpoint
from axon.rpc.amounts import Number
from tests.rpc.running import Rig, running
from tests.signing import Spendable

Found = dict[OutPoint, Coin | None] | None


@pytest.fixture
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running(tmp_path_factory.mktemp("node")) as rig:
        yield rig


@contextmanager
def during_the_first_read(
    monkeypatch: pytest.MonkeyPatch, *steps: Callable[[], object]
) -> Iterator[list[int]]:
    """Take these steps when coins were read for the first time; counts the reads."""
    read, reads = Coins.read, list[int]()

    def slow(self: Coins, points: Sequence[OutPoint], at: BlockHash) -> Found:
        found = read(self, points, at)
        reads.append(len(points))
        if len(reads) == 1:
            for step in steps:
                step()
        return found

    with monkeypatch.context() as patch:
        patch.setattr(Coins, "read", slow)
        yield reads


def test_gettxout_is_of_one_block(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    coin, *_ = [rig.coinbase(block) for block in rig.mine(101)]
    spend = rig.alice.pay([coin], [TxOut(coin.amount_sat - 1_000, rig.bob.script)])
    rig.send(spend)
    name = to_hex(coin.outpoint[:32])
    assert rig.call("gettxout", name, 0, False) is not None
    with during_the_first_read(monkeypatch, rig.mine) as reads:
        assert rig.call("gettxout", name, 0, False) is None
    assert len(reads) > 1
    with during_the_first_read(monkeypatch, rig.mine):
        shown = rig.call("gettxout", to_hex(spend.txid), 0, False)
    assert shown["confirmations"] == 2
    assert shown["bestblock"] == rig.call("getbestblockhash")


def test_a_proposal_for_a_tip_that_went_is_inconclusive(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.mine(101)
    template = rig.node.template(rig.daemon.now_s)
    block = template.build(rig.alice.script)
    asked = {"mode": "proposal", "data": block.raw.hex()}
    assert rig.call("getblocktemplate", asked) is None
    with during_the_first_read(monkeypatch, rig.mine):
        assert rig.call("getblocktemplate", asked) == "inconclusive"


TOO_MUCH = (-25, "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)")


def test_maxfeerate_holds_when_a_parent_is_mined_meanwhile(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    coin, *_ = [rig.coinbase(block) for block in rig.mine(101)]
    parent = rig.alice.pay([coin], [TxOut(coin.amount_sat - 1_000, rig.bob.script)])
    rig.send(parent)
    held = Spendable(outpoint(parent.txid, 0), parent.outputs[0].amount_sat)
    dear = rig.bob.pay([held], [TxOut(held.amount_sat - COIN, rig.alice.script)])
    with during_the_first_read(monkeypatch, rig.mine) as reads:
        assert rig.refusal("sendrawtransaction", dear.raw.hex()) == TOO_MUCH
    assert len(reads) > 1
    assert dear.txid not in rig.node.pool
    assert rig.call("sendrawtransaction", dear.raw.hex(), 0) == to_hex(dear.txid)


def test_maxfeerate_holds_for_what_could_not_be_prepared(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The parent comes between the look at the fee and the entry: nobody has seen the fee."""
    coin, *_ = [rig.coinbase(block) for block in rig.mine(101)]
    parent = rig.alice.pay([coin], [TxOut(coin.amount_sat - 1_000, rig.bob.script)])
    held = Spendable(outpoint(parent.txid, 0), parent.outputs[0].amount_sat)
    dear = rig.bob.pay([held], [TxOut(held.amount_sat - COIN, rig.alice.script)])
    command = rig.daemon.command

    async def parent_first(asked: object) -> object:
        rig.daemon.command = command
        await rig.daemon.command(SendTransaction(parent))
        return await command(asked)

    monkeypatch.setattr(rig.daemon, "command", parent_first)
    refused = (-25, "bad-txns-inputs-missingorspent")
    assert rig.refusal("sendrawtransaction", dear.raw.hex(), Number("0.5")) == refused
    assert dear.txid not in rig.node.pool
