"""Orders about the active chain, on libbitcoinkernel itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from axon.chain.coins import Coins, MemoryStore
from axon.chain.filterindex import FilterIndex
from axon.chain.orders import ChainOrder
from axon.chain.outcome import BlockOutcome
from axon.consensus import rearrange
from axon.consensus.kernel import Kernel
from axon.consensus.kernel_open import OpenKernel
from axon.consensus.kernel_use import KernelUse
from axon.consensus.ledger import PART_BLOCKS, Ledger
from axon.consensus.rearrange import FIXED, HIDDEN
from axon.consensus.validator import ValidationResult
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash
from axon.primitives.network import REGTEST
from axon.primitives.verdict import Accepted
from tests.consensus.chains import GENESIS, GENESIS_SPOT, block_on, chain_on, coinbase, spot_of

INVALIDATE, RECONSIDER, PREFER = ChainOrder
LENGTH = 25
UNDO_BYTES = 41  # Of a block that spends nothing, with magic, size and checksum.


@pytest.fixture(name="kernel")
def kernel_fixture() -> Iterator[Kernel]:
    kernel = Kernel(REGTEST, threads=0)
    yield kernel
    kernel.close()


def fed(kernel: Kernel, blocks: list[Block]) -> list[Block]:
    for block in blocks:
        assert kernel.process_block(block.raw).verdict == Accepted()
    return blocks


def test_an_invalidated_block_is_left_and_taken_back(kernel: Kernel) -> None:
    chain = fed(kernel, chain_on(GENESIS_SPOT, LENGTH))
    result = kernel.carry_out(INVALIDATE, chain[5].hash)
    assert result.verdict == Accepted()
    assert result.disconnected == tuple(block.hash for block in reversed(chain[5:]))
    assert kernel.tip() == (chain[4].hash, 5)
    assert str(kernel.process_header(chain[9].header.raw)).startswith("duplicate-invalid")
    result = kernel.carry_out(RECONSIDER, chain[9].hash)
    assert result.connected == tuple(block.hash for block in chain[5:])
    assert kernel.tip() == (chain[-1].hash, LENGTH)


def test_the_best_of_what_is_left_is_gone_to(kernel: Kernel) -> None:
    chain = fed(kernel, chain_on(GENESIS_SPOT, LENGTH))
    rival = fed(kernel, chain_on(spot_of(chain[9], 10), 5, tag=1))
    result = kernel.carry_out(INVALIDATE, chain[10].hash)
    assert result.connected == tuple(block.hash for block in rival)
    assert len(result.disconnected) == LENGTH - 10
    assert kernel.tip() == (rival[-1].hash, 15)


def test_what_really_is_invalid_is_found_so_again(kernel: Kernel) -> None:
    chain = fed(kernel, chain_on(GENESIS_SPOT, 3))
    bad = block_on(spot_of(chain[-1], 3), base=coinbase(4, fees_sat=1))
    assert not isinstance(kernel.process_block(bad.raw).verdict, Accepted)
    result = kernel.carry_out(RECONSIDER, bad.hash)
    [(culprit, why)] = result.invalid
    assert (culprit, why.reason) == (bad.hash, "bad-cb-amount")
    assert kernel.tip()[1] == 3


def test_a_preferred_block_counts_as_the_first_of_its_work(kernel: Kernel) -> None:
    chain = fed(kernel, chain_on(GENESIS_SPOT, 3))
    rival = fed(kernel, chain_on(spot_of(chain[1], 2), 1, tag=1))
    for block in (rival[0], chain[2], rival[0]):
        kernel.carry_out(PREFER, block.hash)
        assert kernel.tip()[0] == block.hash
    kernel.carry_out(PREFER, chain[1].hash)
    assert kernel.tip()[0] == rival[0].hash, "less work is not preferred"


def test_the_first_block_of_all_stays(kernel: Kernel) -> None:
    fed(kernel, chain_on(GENESIS_SPOT, 2))
    assert kernel.carry_out(INVALIDATE, GENESIS.hash).disconnected == ()
    assert kernel.tip()[1] == 2


def test_what_cannot_be_undone_is_said(tmp_path: Path) -> None:
    kernel = Kernel(REGTEST, tmp_path, threads=0)
    chain = fed(kernel, chain_on(GENESIS_SPOT, 4))
    (tmp_path / "blocks" / "rev00000.dat").write_bytes(b"")
    assert kernel.carry_out(INVALIDATE, chain[1].hash).verdict == FIXED
    assert kernel.tip()[1] == 4
    kernel.close()


def test_what_was_undone_before_that_is_done_again(tmp_path: Path) -> None:
    kernel = Kernel(REGTEST, tmp_path, threads=0)
    chain = fed(kernel, chain_on(GENESIS_SPOT, 4))
    undo = tmp_path / "blocks" / "rev00000.dat"
    data = undo.read_bytes()
    assert data[UNDO_BYTES : UNDO_BYTES + 4] == REGTEST.magic, "that of block 2"
    undo.write_bytes(data[: UNDO_BYTES + 8] + bytes(UNDO_BYTES - 8) + data[UNDO_BYTES * 2 :])
    result = kernel.carry_out(INVALIDATE, chain[0].hash)
    assert result == ValidationResult(FIXED)
    assert kernel.tip()[1] == 4
    assert fed(kernel, chain_on(spot_of(chain[-1], 4), 1)), "nothing counts as invalid"
    kernel.close()


def test_what_was_set_aside_stays_so_when_an_order_cannot_be_carried_out(tmp_path: Path) -> None:
    kernel = Kernel(REGTEST, tmp_path, threads=0)
    chain = fed(kernel, chain_on(GENESIS_SPOT, 4))
    rival = fed(kernel, chain_on(spot_of(chain[2], 3), 2, tag=1))
    assert kernel.carry_out(INVALIDATE, rival[0].hash).connected == (chain[3].hash,)
    undo = tmp_path / "blocks" / "rev00000.dat"
    data = undo.read_bytes()
    undo.write_bytes(data[: UNDO_BYTES + 8] + bytes(UNDO_BYTES - 8) + data[UNDO_BYTES * 2 :])
    unknown = BlockHash(bytes(32))
    aside = (rival[0].hash, unknown, chain[0].hash)
    assert kernel.carry_out(INVALIDATE, chain[0].hash, aside) == ValidationResult(FIXED)
    assert kernel.tip()[0] == chain[3].hash, "and not the branch with more work"
    assert str(kernel.process_header(rival[1].header.raw)).startswith("duplicate-invalid")
    assert fed(kernel, chain_on(spot_of(chain[-1], 4), 1)), "nothing else counts as invalid"
    kernel.close()


def test_a_library_that_hides_its_methods_is_not_called(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rearrange, "_NEEDED", (None,))
    chain = fed(kernel, chain_on(GENESIS_SPOT, 2))
    for order in ChainOrder:
        assert kernel.carry_out(order, chain[-1].hash) == ValidationResult(HIDDEN)
    assert kernel.tip()[1] == 2


def test_who_wants_to_be_alone_waits_for_others_and_they_for_him(kernel: Kernel) -> None:
    opened = OpenKernel(0, 0, 0, ())
    use = KernelUse(opened)
    order: list[str] = []
    inside, leave = threading.Event(), threading.Event()

    def caller() -> None:
        with use.call():
            inside.set()
            leave.wait()
            order.append("called")

    def loner() -> None:
        with use.alone():
            order.append("alone")

    first, second = threading.Thread(target=caller), threading.Thread(target=loner)
    first.start()
    inside.wait()
    second.start()
    leave.set()
    second.join()
    first.join()
    with use.call():
        order.append("called")
    assert order == ["called", "alone", "called"]


def moved(ledger: Ledger, outcome: BlockOutcome) -> list[BlockOutcome]:
    """All parts of a move."""
    parts = [outcome]
    while parts[-1].more:
        parts.append(ledger.follow())
    return parts


def test_a_long_move_comes_in_parts_with_coins_and_filters(kernel: Kernel) -> None:
    ledger = Ledger(kernel, Coins(MemoryStore()), FilterIndex(MemoryStore()))
    chain = chain_on(GENESIS_SPOT, LENGTH)
    for block in chain:
        ledger.validate(block.raw)
    back = ledger.carry_out(INVALIDATE, chain[2].hash)
    assert (len(back.disconnected), back.more, back.lag) == (1, True, 0)
    assert ledger.coins.best == chain[-2].hash
    # A block that comes in the middle is stored, and told with the rest.
    rival = chain_on(spot_of(chain[1], 2), 2, tag=1)
    assert [ledger.validate(block.raw).connected for block in rival] == [(), ()]
    parts = moved(ledger, back)
    left = [step.hash for part in parts for step in part.disconnected]
    assert left == [block.hash for block in reversed(chain[2:])]
    assert [step.hash for part in parts for step in part.connected] == [b.hash for b in rival]
    left_at_once = [len(part.disconnected) for part in parts]
    assert left_at_once[:PART_BLOCKS] == [1] * PART_BLOCKS
    assert left_at_once[PART_BLOCKS] == PART_BLOCKS
    assert ledger.coins.best == rival[-1].hash == kernel.tip()[0]
    assert ledger.lag == 0
    forth = moved(ledger, ledger.carry_out(RECONSIDER, chain[-1].hash))
    assert [step.hash for part in forth for step in part.connected][-1] == chain[-1].hash
    assert len(forth[0].disconnected) + len(forth[0].connected) == PART_BLOCKS
    assert ledger.lag == 0
