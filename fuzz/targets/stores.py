"""What a node remembers: headers, the pool, orphans."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from axon.chain.headertree import HeaderEntry, HeaderTree
from axon.errors import DamageError
from axon.mempool.orphans import Orphanage
from axon.primitives.hashes import Txid
from axon.primitives.header import Header
from axon.primitives.network import MAINNET, REGTEST
from axon.primitives.target import meets_target
from axon.primitives.transaction import Transaction, TxIn, TxOut, outpoint
from fuzz.source import Source, SourceRandom
from fuzz.world import BRANCH, CHAIN, START, patched
from tests.mempool.test_model import PoolModel

MAX_STEPS: Final = 150
"""Of one input: longer ones say little more."""


def header_tree(data: bytes) -> None:
    """Headers in any order, some changed, some of blocks that prove invalid."""
    source, tree = Source(data), HeaderTree(REGTEST)
    known: dict[bytes, HeaderEntry] = {tree.genesis.hash: tree.genesis}
    for _ in range(MAX_STEPS):
        if source.is_empty:
            break
        chain = source.choose((CHAIN, BRANCH))
        next_place = sum(header.hash in known for header in chain)
        start = max(0, next_place - source.below(4)) % len(chain)
        match source.below(6):
            case 0:
                header = Header(patched(source, chain[start].raw).ljust(80, b"\x00"))
                added = tree.add(header, START)
                if isinstance(added, HeaderEntry):
                    known[added.hash] = added
            case 1 if source.below(4) == 0:
                entry = tree.get(chain[start].hash)
                if entry is not None:
                    tree.mark_invalid(entry.hash)
            case 2:
                other = HeaderTree(source.choose((REGTEST, MAINNET)))
                with suppress(DamageError):
                    whole = b"".join(header.raw for header in chain[start:])
                    other.load([whole, source.take(source.below(90))])
            case _:
                some = chain[start : start + 1 + source.below(8)]
                verdict = tree.add_chain(some, START)
                assert verdict.count == len(some) or verdict.rejected is not None
                for header in some[: verdict.count]:
                    taken = tree.get(header.hash)
                    assert taken is not None
                    known[taken.hash] = taken
        assert len(tree) == len(known)
        _check_tree(tree, known)


def _check_tree(tree: HeaderTree, known: dict[bytes, HeaderEntry]) -> None:
    """Every entry stands on its parent, has its work, and the best one is the best."""
    valid = [entry for entry in known.values() if not tree.is_invalid(entry.hash)]
    assert tree.best.chainwork == max(entry.chainwork for entry in valid)
    assert tree.best in valid
    for entry in known.values():
        assert tree.get(entry.hash) is entry
        parent = entry.parent
        if parent is None:
            assert entry is tree.genesis
            continue
        assert entry.header.prev == parent.hash
        assert entry.height == parent.height + 1
        assert entry.chainwork > parent.chainwork
        assert meets_target(entry.hash, entry.bits)
        assert tree.is_invalid(entry.hash) or not tree.is_invalid(parent.hash)


def pool(data: bytes) -> None:
    """The pool against the model of its own test, with choices from the bytes."""
    source = Source(data)
    model = PoolModel(SourceRandom(source))
    for _ in range(MAX_STEPS):
        if source.is_empty:
            break
        model.step()
        model.check()


def _spends(serial: int, parents: list[Transaction], outputs: int, padding: int) -> Transaction:
    inputs = [TxIn(outpoint(parent.txid, 0), b"", serial) for parent in parents]
    return Transaction.build(2, inputs, [TxOut(serial, b"\x51" * padding)] * outputs)


def orphanage(data: bytes) -> None:
    """Orphans of several peers, kept within the bounds of each."""
    source = Source(data)
    room = Orphanage(reserved_weight_wu=4_000, max_work=30)
    root = Transaction.build(1, [TxIn(outpoint(Txid(bytes(32)), 0))], [TxOut(1, b"\x51")])
    made = [root]
    for serial in range(MAX_STEPS):
        if source.is_empty:
            break
        peer = source.below(5)
        chosen = source.choose(made)
        match source.below(6):
            case 0 | 1:
                parents = [source.choose(made) for _ in range(1 + source.below(12))]
                child = _spends(serial, parents, 1 + source.below(2), source.number(1))
                made.append(child)
                kept = room.add(child, peer)
                assert kept == (child.wtxid in room)
            case 2:
                room.add(chosen, peer)
            case 3:
                room.erase(chosen.wtxid)
                assert chosen.wtxid not in room
            case 4:
                room.erase_for_peer(peer)
                assert room.weight_of(peer) == 0
            case _:
                room.erase_for_block([chosen])
                spent = set(chosen.prevouts)
                assert all(spent.isdisjoint(each.prevouts) for each in room.transactions())
        kept_now = room.transactions()
        assert len(room) == len(kept_now)
        assert room.weight_wu == sum(each.weight_wu for each in kept_now)
        assert room.work <= 30
        shares = [room.weight_of(each) for each in range(5)]
        assert room.weight_wu <= 4_000 * sum(weight > 0 for weight in shares)
        for each in kept_now:
            assert room.announcers(each.wtxid)
        for each in room.children_of(chosen):
            assert any(point[:32] == chosen.txid for point in each.prevouts)


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "header-tree": header_tree,
    "pool": pool,
    "orphanage": orphanage,
}
