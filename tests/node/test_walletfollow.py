"""Blocks shown to a wallet of a node: in order, each judged by what the wallet knows by then."""

from __future__ import annotations

from collections.abc import Sequence

from axon.chain.activechain import ActiveChain
from axon.chain.headertree import HeaderTree
from axon.node.jobs import ReadBlock, ReadFilters
from axon.node.walletfollow import LookAt, StepBack, WalletFollow, look
from axon.primitives.hashes import BlockHash
from axon.primitives.network import REGTEST
from tests.chain.chains import grow

UNKNOWN = BlockHash(b"\x99" * 32)
NAMES = [BlockHash(bytes([number]) * 32) for number in range(5)]
STEP = LookAt(tuple([(height, name) for height, name in enumerate(NAMES, 1)]))


class Watcher:
    """A wallet that wants the blocks of some names, and of more once it has seen one of them."""

    def __init__(self, wanted: set[BlockHash], taught: dict[BlockHash, BlockHash]) -> None:
        self.wanted, self.taught = wanted, taught
        self.asked: list[BlockHash] = []
        self.taken: list[tuple[int, bytes]] = []

    def match_filters(
        self, filters: Sequence[tuple[BlockHash, bytes]], now_s: int
    ) -> tuple[bool, ...]:
        assert now_s == 7
        self.asked += [name for name, _ in filters]
        return tuple([name in self.wanted for name, _ in filters])

    def take_block(self, block_hash: BlockHash, height: int, raw: bytes, now_s: int) -> None:
        assert now_s == 7
        self.taken.append((height, raw))
        if block_hash in self.taught:
            self.wanted.add(self.taught[block_hash])


def read(job: object, gone: tuple[BlockHash, ...] = ()) -> object:
    """What a disk has: a filter of each block, and of each the bytes but of some."""
    match job:
        case ReadFilters(hashes):
            return [name[:1] for name in hashes]
        case ReadBlock(name):
            return None if name in gone else name[:2]
    raise AssertionError(f"nothing else is read, not {job}")


def test_each_block_is_judged_once_by_what_the_ones_before_it_have_taught() -> None:
    watcher = Watcher({NAMES[1]}, {NAMES[1]: NAMES[2], NAMES[2]: NAMES[0]})
    assert look(watcher, STEP, read, 7, has_filters=True) == 5
    assert watcher.asked == NAMES
    assert watcher.taken == [(2, NAMES[1][:2]), (3, NAMES[2][:2])]


def test_without_filters_all_blocks_are_looked_through() -> None:
    watcher = Watcher(set(), {})
    assert look(watcher, STEP, read, 7, has_filters=False) == 5
    assert (watcher.asked, len(watcher.taken)) == ([], 5)


def test_the_work_ends_when_it_is_asked_to_and_where_bytes_are_gone() -> None:
    watcher = Watcher(set(NAMES), {})
    left = iter([True, False])
    assert look(watcher, STEP, read, 7, has_filters=True, go_on=lambda: next(left)) == 2
    gone = (NAMES[3],)
    count = look(watcher, STEP, lambda job: read(job, gone), 7, has_filters=True)
    assert (count, len(watcher.taken)) == (3, 5)


def chain_of(count: int) -> tuple[HeaderTree, ActiveChain]:
    tree = HeaderTree(REGTEST)
    active = ActiveChain(tree.genesis)
    line, entry = [], grow(tree, tree.genesis, count)
    while entry.parent is not None:
        line.append(entry)
        entry = entry.parent
    for each in reversed(line):
        active.connect(each)
    return tree, active


def at(active: ActiveChain, height: int) -> tuple[int, BlockHash]:
    entry = active.at(height)
    assert entry is not None
    return height, entry.hash


def test_a_wallet_whose_last_block_nobody_knows_finds_the_fork_by_earlier_ones() -> None:
    tree, active = chain_of(20)
    marks = [(19, UNKNOWN), (18, UNKNOWN), (17, UNKNOWN), at(active, 9), at(active, 1)]
    follow = WalletFollow(tree, active, marks)
    assert not follow.is_done
    step = follow.next_step()
    assert isinstance(step, StepBack)
    assert (step.height, step.hash) == at(active, 9)
    follow.done(tree, step.hash)
    step = follow.next_step()
    assert isinstance(step, LookAt)
    assert [height for height, _ in step.blocks] == list(range(10, 21))
    nowhere = WalletFollow(tree, active, [(19, UNKNOWN), (18, UNKNOWN)]).next_step()
    assert isinstance(nowhere, StepBack)
    assert nowhere.height == 0
    new = WalletFollow(tree, active, []).next_step()
    assert isinstance(new, LookAt)
    assert new.blocks[0] == at(active, 1)


def test_with_each_step_come_blocks_further_down_to_the_first() -> None:
    tree, active = chain_of(20)
    step = WalletFollow(tree, active, [at(active, 13)]).next_step()
    assert isinstance(step, LookAt)
    assert step.below == tuple([at(active, height) for height in (13, 12, 10, 6, 0)])
    step = WalletFollow(tree, active, []).next_step()
    assert isinstance(step, LookAt)
    assert step.below == (at(active, 0),)
