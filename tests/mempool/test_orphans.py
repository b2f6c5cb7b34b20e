"""The orphanage and its bounds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from axon.mempool.orphans import MAX_WORK, Orphanage
from axon.mempool.policy import MAX_STANDARD_WEIGHT
from axon.primitives.hashes import Txid, sha256
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut, outpoint


def orphan(serial: int, inputs: int = 1, size: int = 100, witness: bytes = b"w") -> Transaction:
    points = [outpoint(Txid(sha256(b"%d" % serial)), i) for i in range(inputs)]
    items = [TxIn(point, witness=(witness,)) for point in points]
    return Transaction.build(2, items, [TxOut(serial, bytes(size))])


def child_of(parent: Transaction, index: int, mark: bytes) -> Transaction:
    return Transaction.build(
        2, [TxIn(outpoint(parent.txid, index), witness=(mark,))], [TxOut(1, b"")]
    )


def test_orphans_are_found_by_every_name() -> None:
    orphans = Orphanage()
    first, second = orphan(1), orphan(2)
    assert orphans.add(first, 7)
    assert orphans.add(second, 8)
    assert not orphans.add(first, 8)
    assert not orphans.add(first, 8)
    assert len(orphans) == 2
    assert first.wtxid in orphans
    assert orphans.get(first.wtxid) is first
    assert orphans.announcers(first.wtxid) == (7, 8)
    assert orphans.transactions() == (first, second)
    assert orphans.weight_wu == first.weight_wu + second.weight_wu
    assert orphans.weight_of(8) == first.weight_wu + second.weight_wu
    assert orphans.erase(first.wtxid)
    assert not orphans.erase(first.wtxid)
    assert orphans.get(first.wtxid) is None
    assert orphans.announcers(first.wtxid) == ()
    assert orphans.weight_of(7) == 0


def test_children() -> None:
    orphans = Orphanage()
    parent = Transaction.build(2, [TxIn(OutPoint(bytes(36)))], [TxOut(1, b"")] * 2)
    late, early = child_of(parent, 1, b"a"), child_of(parent, 0, b"b")
    twin = child_of(parent, 0, b"c")
    for transaction, peer in ((late, 1), (early, 1), (twin, 2), (orphan(9), 1)):
        orphans.add(transaction, peer)
    assert early.txid == twin.txid
    assert orphans.children_of(parent) == [early, twin, late]
    assert orphans.children_from(parent, 1) == [early, late]
    assert orphans.children_from(parent, 2) == [twin]
    assert orphans.children_from(parent, 3) == []


def test_announcers() -> None:
    orphans = Orphanage()
    assert not orphans.add_announcer(orphan(1).wtxid, 1)
    orphans.add(orphan(1), 1)
    assert orphans.add_announcer(orphan(1).wtxid, 2)
    assert not orphans.add_announcer(orphan(1).wtxid, 2)
    orphans.erase_for_peer(1)
    assert orphans.announcers(orphan(1).wtxid) == (2,)
    orphans.erase_for_peer(2)
    assert len(orphans) == 0
    orphans.erase_for_peer(3)


def test_block_ends_the_waiting() -> None:
    orphans = Orphanage()
    twin = orphan(1, witness=b"other")
    for transaction in (orphan(1), twin, orphan(2)):
        orphans.add(transaction, 1)
    assert orphans.erase_for_block([orphan(1)]) == 2
    assert orphans.transactions() == (orphan(2),)
    assert orphans.erase_for_block([orphan(3)]) == 0


def test_who_uses_the_most_of_its_share_pays_for_the_flood() -> None:
    orphans = Orphanage(reserved_weight_wu=10_000, max_work=10)
    heavy = orphan(1, size=1_500)
    orphans.add(heavy, 1)  # Most of its weight, but one announcement of ten.
    light = [orphan(serial, size=1) for serial in range(2, 13)]
    kept = [orphans.add(each, 2) for each in light]
    assert orphans.work == 10
    assert heavy.wtxid in orphans
    assert all(kept)
    assert [each.wtxid in orphans for each in light] == [False] * 2 + [True] * 9


def test_the_least_excess_of_work_counts() -> None:
    orphans = Orphanage(reserved_weight_wu=10_000, max_work=4)
    heavy = orphan(1, size=4_100)
    assert 1.5 < heavy.weight_wu / 10_000 < 2
    orphans.add(orphan(2, size=1), 2)
    orphans.add(heavy, 1)
    for serial in range(3, 6):
        orphans.add(orphan(serial, size=1), 2)  # Twice its share of two, so worse than 1.7.
    assert heavy.wtxid in orphans
    assert orphan(2, size=1).wtxid not in orphans


def test_who_announces_nothing_any_more_has_no_share() -> None:
    orphans = Orphanage(reserved_weight_wu=10_000)
    small, heavy = orphan(1, size=1), orphan(2, size=4_100)
    orphans.add(small, 2)
    assert orphans.add(heavy, 1), "two shares have room for it"
    orphans.erase(small.wtxid)
    assert heavy.wtxid not in orphans


def test_too_large_an_orphan_is_not_kept() -> None:
    orphans = Orphanage()
    assert not orphans.add(orphan(1, size=100_000), 1)
    assert len(orphans) == 0


def test_peer_that_fills_the_orphanage_harms_itself() -> None:
    orphans = Orphanage()
    honest = [orphan(serial) for serial in range(10)]
    for transaction in honest:
        orphans.add(transaction, 1)
    for serial in range(100, 200):
        orphans.add(orphan(serial, size=90_000), 2)
    assert all(transaction.wtxid in orphans for transaction in honest)
    assert orphans.weight_wu <= 2 * 404_000
    assert orphan(199, size=90_000).wtxid in orphans  # Its newest stay.
    assert orphan(197, size=90_000).wtxid not in orphans


def test_many_small_orphans_are_bounded_too() -> None:
    orphans = Orphanage()
    orphans.add(orphan(0), 1)
    for serial in range(1, MAX_WORK + 500):
        orphans.add(orphan(serial, size=1), 2)
    assert orphans.work <= MAX_WORK
    assert orphan(0).wtxid in orphans


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["add", "announce", "erase", "peer", "block"]),
            st.integers(0, 12),
            st.integers(0, 4),
        ),
        max_size=80,
    )
)
def test_sums_are_right_and_bounds_hold(steps: list[tuple[str, int, int]]) -> None:
    orphans = Orphanage(reserved_weight_wu=4_000, max_work=12)
    model: dict[bytes, dict[int, None]] = {}
    made = {n: orphan(n, inputs=1 + 11 * (n % 3 == 0), size=60 * n) for n in range(13)}
    for step, serial, peer in steps:
        transaction = made[serial]
        if step == "add":
            orphans.add(transaction, peer)
        elif step == "announce":
            orphans.add_announcer(transaction.wtxid, peer)
        elif step == "erase":
            orphans.erase(transaction.wtxid)
        elif step == "peer":
            orphans.erase_for_peer(peer)
        else:
            orphans.erase_for_block([transaction])
        here = orphans.transactions()
        model = {t.wtxid: dict.fromkeys(orphans.announcers(t.wtxid)) for t in here}
        assert all(model.values())
        assert orphans.weight_wu == sum(t.weight_wu for t in here)
        peers = {p for announcers in model.values() for p in announcers}
        assert orphans.weight_wu <= 4_000 * len(peers)
        announcements = sum(map(len, model.values()))
        assert orphans.work == announcements + sum(len(t.inputs) // 10 for t in here) <= 12
        for p in range(5):
            mine = [t.weight_wu for t in here if p in model[t.wtxid]]
            assert orphans.weight_of(p) == sum(mine)


def test_ten_inputs_are_as_much_work_as_an_announcement() -> None:
    for inputs, work in ((9, 1), (10, 2), (19, 2), (20, 3)):
        orphans = Orphanage()
        orphans.add(orphan(1, inputs), 1)
        assert orphans.work == work


def test_the_largest_that_is_relayed_is_kept() -> None:
    spare = MAX_STANDARD_WEIGHT - orphan(1, size=90_000).weight_wu
    largest = orphan(1, size=90_000 + spare // 4, witness=b"w" * (1 + spare % 4))
    assert largest.weight_wu == MAX_STANDARD_WEIGHT
    assert Orphanage().add(largest, 1)
    assert not Orphanage().add(orphan(1, size=90_001 + spare // 4), 1)
