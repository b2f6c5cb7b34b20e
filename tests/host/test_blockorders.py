"""Orders about the chain on the disk: what is kept, and what a start finishes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from axon.chain.orders import ChainOrder
from axon.consensus import rearrange
from axon.consensus.kernel_open import Opening
from axon.consensus.rearrange import FIXED, HIDDEN
from axon.errors import StorageError
from axon.host.blockorders import BlockOrders
from axon.host.settings import FullNodeSettings
from axon.host.storage import Storage
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash, to_hex
from axon.primitives.network import REGTEST
from tests.consensus.chains import GENESIS_SPOT, chain_on, spot_of

INVALIDATE, RECONSIDER, PREFER = ChainOrder
ONE, TWO = BlockHash(bytes(31) + b"\x01"), BlockHash(bytes(31) + b"\x02")
LENGTH = 12
UNDO_BYTES = 41  # Of a block that spends nothing, with magic, size and checksum.


def no(_: BlockHash) -> bool:
    return False


def test_orders_are_there_again(tmp_path: Path) -> None:
    path = tmp_path / "indexes" / "orders"
    orders = BlockOrders(path)
    orders.note(INVALIDATE, ONE, no)
    orders.note(INVALIDATE, TWO, no)
    orders.note(RECONSIDER, TWO, lambda other: other == TWO)
    orders.note(PREFER, TWO, no)
    again = BlockOrders(path)
    assert list(again.set_aside) == [ONE]
    assert again.pending == [
        (INVALIDATE, ONE),
        (INVALIDATE, TWO),
        (RECONSIDER, TWO),
        (PREFER, TWO),
    ]
    again.settled()
    third = BlockOrders(path)
    assert (list(third.set_aside), third.pending) == ([ONE], [])
    third.forget()
    assert not BlockOrders(path).set_aside


@pytest.mark.parametrize("text", ["invalid 00", f"destroy {to_hex(ONE)}", "invalid"])
def test_damage_is_said(tmp_path: Path, text: str) -> None:
    path = tmp_path / "orders"
    path.write_text(f"{text}\n")
    with pytest.raises(StorageError, match="orders is damaged"):
        BlockOrders(path)


def opened(folder: Path) -> Storage:
    (folder / "indexes").mkdir(parents=True, exist_ok=True)
    settings = FullNodeSettings(network=REGTEST, folder=folder)
    return Storage(settings, lambda _: None, Opening())


def grown(folder: Path) -> tuple[Storage, list[Block]]:
    storage = opened(folder)
    blocks = chain_on(GENESIS_SPOT, LENGTH)
    for block in blocks:
        storage.learn_headers([block.header], None)
        storage.validate(block.raw, follow=True, block=None)
    return storage, blocks


def test_an_order_survives_a_kill(tmp_path: Path) -> None:
    storage, blocks = grown(tmp_path / "one")
    storage.carry_out(INVALIDATE, blocks[7].hash)
    shutil.copytree(tmp_path / "one", tmp_path / "two")  # As a kill leaves it.
    storage.close()
    storage = opened(tmp_path / "two")
    assert storage.kernel.tip() == (blocks[6].hash, 7)
    assert storage.active.tip.hash == blocks[6].hash
    assert storage.headers.is_set_aside(blocks[7].header)
    assert storage.headers.best.hash == blocks[6].hash
    assert storage.lag == 0
    storage.carry_out(RECONSIDER, blocks[9].hash)
    shutil.copytree(tmp_path / "two", tmp_path / "three")
    storage.close()
    storage = opened(tmp_path / "three")
    assert storage.active.tip.hash == blocks[-1].hash
    assert not storage.headers.is_invalid(blocks[-1].hash)
    storage.close()
    assert not opened_orders(tmp_path / "three").pending


def opened_orders(folder: Path) -> BlockOrders:
    return BlockOrders(folder / "indexes" / "orders")


def test_what_was_only_written_down_is_done_by_the_next_start(tmp_path: Path) -> None:
    storage, blocks = grown(tmp_path)
    rival = chain_on(spot_of(blocks[-2], LENGTH - 1), 1, tag=1)
    storage.learn_headers([rival[0].header], None)
    storage.validate(rival[0].raw, follow=True, block=None)
    storage.close()
    opened_orders(tmp_path).note(PREFER, rival[0].hash, no)
    storage = opened(tmp_path)
    assert storage.active.tip.hash == rival[0].hash
    storage.close()
    opened_orders(tmp_path).note(INVALIDATE, blocks[3].hash, no)
    storage = opened(tmp_path)
    assert storage.active.tip.hash == blocks[2].hash
    assert storage.lag == 0
    storage.close()
    again = opened(tmp_path)
    assert again.headers.is_set_aside(blocks[3].header), "also when nothing is pending"
    again.close()


def test_a_header_without_a_block_is_invalid_after_a_kill(tmp_path: Path) -> None:
    storage, blocks = grown(tmp_path / "one")
    more = chain_on(spot_of(blocks[-1], LENGTH), 2)
    verdict = storage.headers.add_chain([block.header for block in (*blocks, *more)], 1 << 62)
    storage.learn_headers([block.header for block in more], verdict.last)
    storage.carry_out(INVALIDATE, more[0].hash)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    storage.close()
    storage = opened(tmp_path / "two")
    assert storage.headers.is_invalid(more[1].hash)
    assert storage.headers.best.hash == blocks[-1].hash
    storage.close()


def test_what_cannot_be_done_leaves_no_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage, blocks = grown(tmp_path)
    (tmp_path / "blocks" / "rev00000.dat").write_bytes(b"")
    assert storage.carry_out(INVALIDATE, blocks[5].hash).verdict == FIXED
    monkeypatch.setattr(rearrange, "_NEEDED", (None,))
    assert storage.carry_out(PREFER, blocks[5].hash).verdict == HIDDEN
    orders = opened_orders(tmp_path)
    assert (list(orders.set_aside), orders.pending) == ([], [])
    storage.close()


def test_what_cannot_be_done_frees_nothing_that_was_set_aside(tmp_path: Path) -> None:
    storage, blocks = grown(tmp_path)
    rival = chain_on(spot_of(blocks[-2], LENGTH - 1), 2, tag=1)
    for block in rival:
        storage.learn_headers([block.header], None)
        storage.validate(block.raw, follow=True, block=None)
    outcome = storage.carry_out(INVALIDATE, rival[0].hash)
    while outcome.more:
        outcome = storage.follow()
    tip = blocks[-1].hash
    undo = tmp_path / "blocks" / "rev00000.dat"
    data = undo.read_bytes()
    undo.write_bytes(data[:UNDO_BYTES] + bytes(UNDO_BYTES) + data[2 * UNDO_BYTES :])
    assert storage.carry_out(INVALIDATE, blocks[0].hash).verdict == FIXED
    assert storage.kernel.tip()[0] == tip
    storage.close()
    opened_orders(tmp_path).note(INVALIDATE, blocks[0].hash, no)  # As a kill leaves it.
    for _ in range(2):
        storage = opened(tmp_path)
        assert storage.kernel.tip()[0] == tip
        assert storage.headers.is_set_aside(rival[0].header)
        assert not storage.headers.is_invalid(blocks[0].hash)
        storage.close()
        assert list(opened_orders(tmp_path).set_aside) == [rival[0].hash]


def test_a_reindex_forgets_orders(tmp_path: Path) -> None:
    storage, blocks = grown(tmp_path)
    storage.carry_out(INVALIDATE, blocks[5].hash)
    storage.close()
    settings = FullNodeSettings(network=REGTEST, folder=tmp_path, reindex=True)
    storage = Storage(settings, lambda _: None, Opening())
    assert storage.active.tip.hash == blocks[-1].hash
    storage.close()
