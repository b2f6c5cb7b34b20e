"""`verifychain` and `getchainstates`, on a real node with libbitcoinkernel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from axon.node.jobs import ReadBlock, ReadSpent
from axon.primitives.block import Block
from axon.primitives.transaction import TxOut, outpoint
from tests.rpc.running import Rig, running
from tests.signing import Spendable

Change = Callable[[Any], object]


@pytest.fixture(scope="module", name="rig")
def rig_fixture(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    """Its last block spends what the one before made of a coinbase."""
    with running(tmp_path_factory.mktemp("node")) as rig:
        coin = rig.coinbase(rig.mine(101)[0])
        for fee in (1_000, 2_000):
            paid = rig.alice.pay([coin], [TxOut(coin.amount_sat - fee, rig.alice.script)])
            rig.send(paid)
            rig.mine()
            coin = Spendable(outpoint(paid.txid, 0), paid.outputs[0].amount_sat)
        yield rig


@contextmanager
def tampered(rig: Rig, kind: type[ReadBlock | ReadSpent], change: Change) -> Iterator[None]:
    """What is read of the newest block is changed on its way."""
    real, newest = rig.daemon.perform, rig.node.active.tip.hash

    def perform(job: object) -> object:
        outcome = real(job)
        is_it = isinstance(job, kind) and job.hash == newest
        return change(outcome) if is_it else outcome

    rig.daemon.perform = perform
    try:
        yield
    finally:
        rig.daemon.perform = real


def test_a_sound_chain_passes_at_every_level(rig: Rig) -> None:
    assert rig.call("verifychain") is True
    assert [rig.call("verifychain", level, 0) for level in range(-1, 6)] == [True] * 7
    assert rig.call("verifychain", 4, 1_000) is True


def _without_a_transaction(raw: bytes) -> bytes:
    block = Block.decode(raw)
    return Block.build(block.header, block.transactions[:1]).raw


def _changed(**fields: object) -> Change:
    return lambda spent: [spent[0], [spent[1][0]._replace(**fields)]]


@pytest.mark.parametrize(
    ("kind", "change", "passes", "level"),
    [
        (ReadBlock, lambda _: None, None, 0),
        (ReadBlock, lambda raw: raw[:-1], None, 0),
        (ReadBlock, lambda raw: raw[:79] + bytes((raw[79] ^ 1,)) + raw[80:], None, 0),
        (ReadBlock, _without_a_transaction, 0, 1),
        (ReadSpent, lambda _: None, 1, 2),
        (ReadSpent, lambda _: [[], []], 1, 2),
        (ReadSpent, _changed(amount_sat=5), 2, 3),
        (ReadSpent, _changed(height=5), 2, 3),
    ],
)
def test_what_is_wrong_is_found_at_its_level(
    rig: Rig, kind: type[ReadBlock | ReadSpent], change: Change, passes: int | None, level: int
) -> None:
    with tampered(rig, kind, change):
        if passes is not None:
            assert rig.call("verifychain", passes, 2) is True
        assert rig.call("verifychain", level, 2) is False


@pytest.mark.parametrize(
    "fields", [{"script_pubkey": b""}, {"amount_sat": 5}, {"amount_sat": 1 << 40}]
)
def test_a_block_that_could_not_be_connected_again_is_found(
    rig: Rig, fields: dict[str, object]
) -> None:
    with tampered(rig, ReadSpent, _changed(**fields)):
        assert rig.call("verifychain", 3, 1) is True, (
            "the block that made the coin is not looked at"
        )
        assert rig.call("verifychain", 4, 1) is False


def test_a_block_that_comes_meanwhile_disturbs_nothing(rig: Rig) -> None:
    mined: list[Block] = []

    def mine(raw: object) -> object:
        mined.extend(rig.mine() if not mined else [])
        return raw

    with tampered(rig, ReadBlock, mine):
        assert rig.call("verifychain", 4, 3) is True
    assert len(mined) == 1


def test_there_is_one_chainstate(rig: Rig) -> None:
    told = rig.call("getchainstates")
    [state] = told["chainstates"]
    assert told["headers"] == state["blocks"] == rig.node.active.height
    assert state["bestblockhash"] == rig.call("getbestblockhash")
    assert state["validated"] is True
    assert (state["coins_db_cache_bytes"], state["coins_tip_cache_bytes"]) == (8 << 20, 440 << 20)
