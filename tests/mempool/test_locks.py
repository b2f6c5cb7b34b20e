"""Relative lock times at their edges (BIP 68)."""

from __future__ import annotations

import pytest

from axon.mempool.locks import SEQUENCE_DISABLE, SEQUENCE_TIME, is_final, sequence_locks_met
from axon.primitives.transaction import SEQUENCE_FINAL, Transaction, TxIn, TxOut
from tests.mempool.scene import HEIGHT, PAY, Scene


def spending(scene: Scene, *sequences: int, locktime: int = 0) -> Transaction:
    items = [TxIn(scene.coin(), sequence=sequence) for sequence in sequences]
    return Transaction.build(2, items, [TxOut(1_000, PAY)], locktime)


@pytest.mark.parametrize(("span", "met"), [(75, True), (76, False)])
def test_time_counts_from_the_block_before(span: int, met: bool) -> None:
    scene = Scene()
    height = HEIGHT - 64 + 1  # Sixty-four times 600 s behind the tip, which is 75 times 512 s.
    transaction = spending(scene, SEQUENCE_TIME | span)
    assert sequence_locks_met(transaction, [height], scene.tip) is met


@pytest.mark.parametrize(("span", "met"), [(11, True), (12, False)])
def test_height_counts_from_the_coin(span: int, met: bool) -> None:
    scene = Scene()
    assert sequence_locks_met(spending(scene, span), [HEIGHT - 10], scene.tip) is met


def test_an_input_may_opt_out() -> None:
    scene = Scene()
    transaction = spending(scene, 1, SEQUENCE_DISABLE | 0xFFFF)
    assert sequence_locks_met(transaction, [1, HEIGHT], scene.tip)
    assert not sequence_locks_met(spending(scene, 1, 0xFFFF), [1, HEIGHT], scene.tip)


def test_one_input_that_is_not_final_holds_the_lock_time() -> None:
    scene = Scene()
    assert is_final(spending(scene, SEQUENCE_FINAL, locktime=HEIGHT + 1), scene.tip)
    assert not is_final(spending(scene, SEQUENCE_FINAL, 1, locktime=HEIGHT + 1), scene.tip)
    assert is_final(spending(scene, SEQUENCE_FINAL, 1, locktime=HEIGHT), scene.tip)
