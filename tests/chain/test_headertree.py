"""The header tree: the best chain among branches, invalid ones, locators, reloading."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axon.chain.headertable import HeaderTable
from axon.chain.headertree import HeaderEntry, HeadersVerdict, HeaderTree
from axon.errors import DamageError, StorageError
from axon.primitives.hashes import BlockHash, to_hex
from axon.primitives.header import Header
from axon.primitives.network import MAINNET, REGTEST
from axon.primitives.verdict import Rejected
from tests.chain.chains import EASY_MAINNET, FAR_FUTURE, accepted, grow, headers_of, mine
from tests.data import mainnet_data

LIMIT = 0x207FFFFF
_STEPS = ("add", "add", "aside", "invalid", "back")


def _after(parent: HeaderEntry | Header, salt: int = 0) -> Header:
    return mine(parent, parent.time + 600, LIMIT, salt=salt)


def test_a_new_tree_knows_the_genesis_block() -> None:
    tree = HeaderTree(MAINNET)
    assert len(tree) == 1
    assert tree.best is tree.genesis
    assert tree.get(MAINNET.genesis.hash) is tree.genesis
    assert tree.tips() == [tree.genesis]
    assert tree.add(MAINNET.genesis.header, 0) is tree.genesis


def test_the_first_seen_of_two_equals_stays_best() -> None:
    tree = HeaderTree(REGTEST)
    first = grow(tree, tree.genesis, 3)
    second = grow(tree, tree.genesis, 3, salt=1)
    assert tree.best is first
    assert grow(tree, second, 1) is tree.best
    assert tree.fork(first, second) is tree.genesis


def test_work_counts_not_height() -> None:
    # One header at a target sixteen times harder outweighs three easy ones.
    table = HeaderTable(Header.build(4, REGTEST.genesis.hash, bytes(32), 1, 0x2007FFFF, 0))
    root, tree = table.root, HeaderTree(REGTEST, table)
    hard = accepted(tree.add(mine(root, 600, 0x2007FFFF), FAR_FUTURE))
    easy = root
    for _ in range(3):
        easy = accepted(tree.add(_after_slowly(easy), FAR_FUTURE))
    assert easy.height == hard.height + 2
    assert tree.best is hard


def _after_slowly(parent: HeaderEntry) -> Header:
    return mine(parent, parent.time + 1201, LIMIT)


def test_a_chain_is_taken_in_up_to_the_first_refused() -> None:
    tree = HeaderTree(REGTEST)
    headers = [_after(tree.genesis)]
    for _ in range(4):
        headers.append(_after(headers[-1]))
    known = accepted(tree.add(headers[0], FAR_FUTURE))
    bad = mine(headers[-1], 0, LIMIT)
    verdict = tree.add_chain([*headers, bad, _after(bad)], FAR_FUTURE)
    entries = tuple(tree.get(header.hash) for header in headers)
    assert entries[0] is known
    assert (verdict.count, verdict.new) == (5, 4)
    assert verdict.last is entries[-1]
    assert verdict.rejected is not None
    assert verdict.rejected.reason == "time-too-old"
    assert tree.best is entries[-1]
    assert tree.add_chain(headers, FAR_FUTURE) == HeadersVerdict(5, 0, verdict.last, None)


_ODDITIES = (
    "",
    "",
    "",
    "",
    "",
    "earlier",
    "far too early",
    "too late",
    "old",
    "bits",
    "no work",
    "gap",
)
_NOON = 3_000_000_000  # Later than any header of these chains.


def _odd(parent: Header, oddity: str, salt: int) -> Header:
    """A header after `parent` with something unusual about it, not always wrong."""
    time = parent.time + {"earlier": -700, "far too early": -9_000, "too late": _NOON}.get(
        oddity, 600
    )
    time = min(time, 2**32 - 1)
    if oddity == "no work":
        return Header.build(4, parent.hash, bytes([salt]) * 32, time, 0x1D00FFFF, 0)
    if oddity == "gap":
        parent = mine(parent, time, LIMIT, salt=salt)
    bits = 0x2007FFFF if oddity == "bits" else LIMIT
    return mine(parent, time, bits, version=3 if oddity == "old" else 4, salt=salt)


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from(_ODDITIES), min_size=1, max_size=30),
    st.integers(0, 30),
    st.integers(0, 5),
)
def test_a_run_is_taken_in_as_if_one_by_one(oddities: list[str], known: int, rival: int) -> None:
    headers = [EASY_MAINNET.genesis.header]
    for salt, oddity in enumerate(oddities):
        headers.append(_odd(headers[-1], oddity, salt))
    run, one_by_one = HeaderTree(EASY_MAINNET), HeaderTree(EASY_MAINNET)
    for tree in (run, one_by_one):
        for header in headers[1:known]:
            tree.add(header, _NOON * 1_000_000)
        grow(tree, tree.genesis, rival, salt=99)
    verdict = run.add_chain(iter(headers[1:]), _NOON * 1_000_000)
    expected: list[HeaderEntry | Rejected] = []
    for header in headers[1:]:
        expected.append(one_by_one.add(header, _NOON * 1_000_000))
        if isinstance(expected[-1], Rejected):
            break
    entries = [entry for entry in expected if isinstance(entry, HeaderEntry)]
    taken = [run.get(header.hash) for header in headers[1 : 1 + verdict.count]]
    assert [_facts(entry) for entry in taken if entry] == [_facts(entry) for entry in entries]
    assert verdict.last is (taken[-1] if taken else None)
    assert verdict.rejected == (expected[-1] if len(entries) < len(expected) else None)
    assert len(run) == len(one_by_one)
    assert run.best.hash == one_by_one.best.hash
    assert [tip.hash for tip in run.tips()] == [tip.hash for tip in one_by_one.tips()]
    for entry in filter(None, taken):
        assert run.get(entry.hash) is entry
        for height in range(entry.height):
            ancestor, other = entry.ancestor(height), one_by_one.get(entry.hash)
            assert ancestor is not None
            assert other is not None
            assert ancestor.hash == getattr(other.ancestor(height), "hash", None)


def _facts(entry: HeaderEntry) -> tuple[bytes, bytes, int, int, int, int]:
    return entry.raw, entry.hash, entry.height, entry.chainwork, entry.bits, entry.time


def test_an_orphan_is_refused_and_accepted_later() -> None:
    tree = HeaderTree(REGTEST)
    parent = _after(tree.genesis)
    child = _after(parent)
    assert tree.add(child, FAR_FUTURE) == Rejected("prev-blk-not-found")
    accepted(tree.add(parent, FAR_FUTURE))
    accepted(tree.add(child, FAR_FUTURE))


def test_nothing_builds_on_an_invalid_block() -> None:
    tree = HeaderTree(REGTEST)
    stem = grow(tree, tree.genesis, 2)
    rival = grow(tree, stem, 2, salt=1)
    culprit = grow(tree, stem, 1)
    child = grow(tree, culprit, 3)
    tree.mark_invalid(culprit.hash)
    assert tree.is_invalid(culprit.hash)
    assert tree.is_invalid(child.hash)
    assert not tree.is_invalid(stem.hash)
    assert tree.best is rival
    assert tree.add(_after(child), FAR_FUTURE) == Rejected("bad-prevblk")
    again = Rejected(
        "duplicate-invalid", f"block {to_hex(child.hash)} was previously marked invalid"
    )
    assert tree.add(child.header, FAR_FUTURE) == again
    verdict = tree.add_chain([culprit.header], FAR_FUTURE)
    assert verdict.rejected is not None
    assert (verdict.count, verdict.last) == (0, None)
    assert verdict.rejected.reason == "duplicate-invalid"
    assert tree.tips() == [child, rival]
    # A header without work on an invalid parent is refused for its work.
    worthless = Header.build(4, child.hash, bytes(32), 1, 0, 0)
    refused = tree.add(worthless, FAR_FUTURE)
    assert isinstance(refused, Rejected)
    assert refused.reason == "high-hash"


@settings(max_examples=80)
@given(st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=40))
def test_agrees_with_a_naive_model(steps: list[tuple[int, bool]]) -> None:
    tree = HeaderTree(REGTEST)
    seen: list[HeaderEntry] = [tree.genesis]
    parents: dict[BlockHash, BlockHash | None] = {tree.genesis.hash: None}
    invalid: list[BlockHash] = []
    for salt, (pick, mark) in enumerate(steps):
        chosen = seen[-1 - pick % len(seen)]
        if mark and chosen is not tree.genesis and salt % 3 == 0:
            tree.mark_invalid(chosen.hash)
            invalid.append(chosen.hash)
        else:
            added = tree.add(_after(chosen, salt), FAR_FUTURE)
            lost = any(ancestor in invalid for ancestor in _line(chosen.hash, parents))
            assert lost == (added == Rejected("bad-prevblk"))
            if isinstance(added, HeaderEntry):
                seen.append(added)
                parents[added.hash] = chosen.hash
        valid = [e for e in seen if not any(a in invalid for a in _line(e.hash, parents))]
        assert {e.hash for e in seen if tree.is_invalid(e.hash)} == {
            e.hash for e in seen if e not in valid
        }
        assert len(tree) == len(seen)
        # All have the same target, so the highest has the most work; max() keeps the first seen.
        assert tree.best is max(valid, key=lambda entry: entry.height)
        leaves = [e for e in seen if e.hash not in parents.values()]
        assert set(tree.tips()) == set(leaves)
        heights = [tip.height for tip in tree.tips()]
        assert heights == sorted(heights, reverse=True)


def _line(block_hash: BlockHash, parents: dict[BlockHash, BlockHash | None]) -> list[BlockHash]:
    line: list[BlockHash] = []
    at: BlockHash | None = block_hash
    while at is not None:
        line.append(at)
        at = parents[at]
    return line


def test_a_tree_can_grow_from_a_trusted_header() -> None:
    headers = headers_of(mainnet_data() / "headers-822528-830592.bin")
    tree = HeaderTree(MAINNET, HeaderTable(headers[0], 822_528, 10**27))
    assert tree.add_chain(headers[1:3000], FAR_FUTURE).rejected is None
    assert tree.genesis.height == 822_528
    assert tree.best.height == 822_528 + 2_999
    assert tree.best.chainwork > 10**27
    assert tree.best.ancestor(822_527) is None


def test_own_headers_load_again_branches_included() -> None:
    tree = HeaderTree(REGTEST)
    stem = grow(tree, tree.genesis, 30)
    stale = grow(tree, stem, 2, salt=1)
    best = grow(tree, stem, 40)
    entries = [tree.get(to_hash) for to_hash in _all_hashes(tree)]
    raws = [entry.raw for entry in entries if entry is not None]
    again = HeaderTree(REGTEST)
    assert again.load([b"".join(raws[:50]), b"", b"".join(raws[50:])]) == 72
    assert again.best.hash == best.hash
    assert again.best.chainwork == best.chainwork
    assert [tip.hash for tip in again.tips()] == [best.hash, stale.hash]
    assert again.load(raws) == 0


def _all_hashes(tree: HeaderTree) -> list[BlockHash]:
    found: dict[int, dict[BlockHash, None]] = {}
    for tip in tree.tips():
        entry: HeaderEntry | None = tip
        while entry is not None:
            found.setdefault(entry.height, {})[entry.hash] = None
            entry = entry.parent
    return [block_hash for height in sorted(found) for block_hash in found[height]]


@given(st.integers(0, 5 * 80 - 1), st.integers(1, 255))
def test_damage_is_noticed(at: int, change: int) -> None:
    tree = HeaderTree(MAINNET)
    raws = bytearray(b"".join(bytes.fromhex(text) for text in FIRST_FIVE))
    raws[at] ^= change
    with pytest.raises(StorageError, match=r"stored header [01234] is damaged"):
        tree.load([bytes(raws)])
    assert tree.best.height == at // 80
    assert tree.load([bytes.fromhex(text) for text in FIRST_FIVE]) == 5 - at // 80


def test_a_cut_off_file_is_noticed() -> None:
    tree = HeaderTree(MAINNET)
    raws = b"".join(bytes.fromhex(text) for text in FIRST_FIVE)
    with pytest.raises(StorageError, match="in the middle of header 2"):
        tree.load([raws[:160], raws[160:399]])


FIRST_FIVE = [
    "010000006fe28c0ab6f1b372c1a6a246ae63f74f931e8365e15a089c68d6190000000000"
    "982051fd1e4ba744bbbe680e1fee14677ba1a3c3540bf7b1cdb606e857233e0e61bc6649ffff001d01e36299",
    "010000004860eb18bf1b1620e37e9490fc8a427514416fd75159ab86688e9a8300000000"
    "d5fdcc541e25de1c7a5addedf24858b8bb665c9f36ef744ee42c316022c90f9bb0bc6649ffff001d08d2bd61",
    "01000000bddd99ccfda39da1b108ce1a5d70038d0a967bacb68b6b63065f626a00000000"
    "44f672226090d85db9a9f2fbfe5f0f9609b387af7be5b7fbb7a1767c831c9e995dbe6649ffff001d05e0ed6d",
    "010000004944469562ae1c2c74d9a535e00b6f3e40ffbad4f2fda3895501b58200000000"
    "7a06ea98cd40ba2e3288262b28638cec5337c1456aaf5eedc8e9e5a20f062bdf8cc16649ffff001d2bfee0a9",
    "0100000085144a84488ea88d221c8bd6c059da090e88f8a2c99690ee55dbba4e00000000"
    "e11c48fecdd9e72510ca84f023370c9a38bf91ac5cae88019bee94d24528526344c36649ffff001d1d03e477",
]
"""Headers 1 to 5 of the main chain."""


@settings(max_examples=80)
@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from(_STEPS)), max_size=40))
def test_orders_agree_with_a_naive_model(steps: list[tuple[int, str]]) -> None:
    tree = HeaderTree(REGTEST)
    seen: list[HeaderEntry] = [tree.genesis]
    invalid: dict[BlockHash, bool] = {}  # Whether nothing is wrong with it.
    for salt, (pick, what) in enumerate(steps):
        chosen = seen[-1 - pick % len(seen)]
        descendants = [each for each in seen if each.ancestor(chosen.height) is chosen]
        if what == "add":
            child = _after(chosen, salt)
            assert tree.is_set_aside(child) == invalid.get(chosen.hash, False)
            added = tree.add(child, FAR_FUTURE)
            if isinstance(added, HeaderEntry):
                seen.append(added)
        elif what == "back":
            tree.reconsider(chosen.hash)
            for each in seen:
                if each in descendants or chosen.ancestor(each.height) is each:
                    invalid.pop(each.hash, None)
        elif chosen is not tree.genesis:
            tree.mark_invalid(chosen.hash, set_aside=what == "aside")
            for each in descendants:
                invalid.setdefault(each.hash, what == "aside")
        assert [tree.is_invalid(each.hash) for each in seen] == [e.hash in invalid for e in seen]
        valid = [each for each in seen if each.hash not in invalid]
        assert tree.best is max(valid, key=lambda entry: entry.height)


@pytest.mark.parametrize("seed", range(3))
def test_a_tree_is_restored_with_its_branches_and_goes_on(seed: int) -> None:
    rng, tree = Random(seed), HeaderTree(REGTEST)
    for _ in range(30):
        parent = rng.choice(tree.tips()) if rng.random() < 0.7 else tree.genesis
        grow(tree, parent, rng.randrange(1, 20), salt=rng.getrandbits(16))
    stored = b"".join([tree._table.raw(slot) for slot in range(1, len(tree))])
    chunks = [stored[at : at + 80 * 37] for at in range(0, len(stored), 80 * 37)]
    again = HeaderTree(REGTEST)
    again.read_from(stored)
    again.restore(chunks, tree.segments())
    assert len(again) == len(tree)
    assert again.segments() == tree.segments()
    assert again.best.hash == tree.best.hash
    assert [tip.hash for tip in again.tips()] == [tip.hash for tip in tree.tips()]
    for slot in range(len(tree)):
        entry = tree._table.at(slot)
        found = again.get(entry.hash)
        assert found is not None
        assert _facts(found) == _facts(entry)
    assert not again._table._tail, "what is stored takes no memory"
    more = [_after(tree.best, salt=5)]
    for _ in range(4):
        more.append(_after(more[-1]))
    assert again.load([b"".join([header.raw for header in more])]) == 5
    assert again.best.hash == more[-1].hash
    assert grow(again, again.best, 1) is again.best


def test_a_shape_that_is_not_that_of_the_headers_is_refused() -> None:
    tree = HeaderTree(REGTEST)
    stored = b"".join([entry.raw for entry in _path_to(grow(tree, tree.genesis, 20))])
    with pytest.raises(DamageError):
        HeaderTree(REGTEST).restore([stored], [(7, 3)])


def _path_to(tip: HeaderEntry) -> list[HeaderEntry]:
    line: list[HeaderEntry] = []
    entry = tip
    while entry.parent is not None:
        line.append(entry)
        entry = entry.parent
    return line[::-1]
