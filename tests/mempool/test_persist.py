"""mempool.dat."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.errors import DecodeError
from axon.mempool.persist import VERSION_PLAIN, Dump, Saved, encode, load, snapshot
from axon.primitives.hashes import Txid
from axon.primitives.transaction import OutPoint, Transaction, TxIn, TxOut
from tests.mempool.scene import SECOND, START, Scene, out

KEY = bytes(range(1, 9))


def filled() -> Scene:
    scene = Scene()
    parent = scene.add(scene.pay(scene.coin(), fee=200))
    scene.now += 5 * SECOND
    child = scene.add(scene.pay(out(parent), fee=9_000))
    scene.add(scene.pay(scene.coin(), fee=300))
    scene.pool.prioritise(child.txid, -500)
    scene.pool.prioritise(Txid(b"\x07" * 32), 123)
    scene.pool.mark_unbroadcast(parent.txid)
    return scene


@pytest.mark.parametrize("key", [KEY, bytes(8)])
def test_what_is_saved_comes_back(key: bytes) -> None:
    scene = filled()
    entries = list(scene.pool.entries())
    seconds = START // SECOND
    expected = Dump(
        (
            Saved(entries[0].transaction, seconds, 0),
            Saved(entries[1].transaction, seconds + 5, -500),
            Saved(entries[2].transaction, seconds + 5, 0),
        ),
        {Txid(b"\x07" * 32): 123},
        (entries[0].txid,),
    )
    assert load(encode(snapshot(scene.pool).dump(), key)) == expected


def test_layout() -> None:
    scene = Scene()
    transaction = scene.add(scene.pay(scene.coin())).transaction
    data = encode(snapshot(scene.pool).dump(), KEY)
    assert data[:17] == (2).to_bytes(8, "little") + b"\x08" + KEY
    plain = bytes(byte ^ KEY[place % 8] for place, byte in enumerate(data) if place >= 17)
    assert plain == (
        (1).to_bytes(8, "little")
        + transaction.raw
        + (START // SECOND).to_bytes(8, "little")
        + bytes(8)
        + b"\x00\x00"
    )
    assert transaction.raw not in data
    assert load((1).to_bytes(8, "little") + plain) == load(data)


def test_the_older_form_comes_back_too() -> None:
    dump = snapshot(filled().pool).dump()
    data = encode(dump, KEY, VERSION_PLAIN)
    assert data[:16] == (1).to_bytes(8, "little") + (3).to_bytes(8, "little")
    assert dump.transactions[0].transaction.raw in data, "there is no mask"
    assert load(data) == dump


def test_empty_pool() -> None:
    assert load(encode(snapshot(Scene().pool).dump(), KEY)) == Dump((), {}, ())


def test_as_many_as_there_are_bytes_for() -> None:
    smallest = Transaction.build(1, [TxIn(OutPoint(bytes(36)))], [TxOut(1, b"")])
    assert smallest.size_bytes == 60
    txids = [Txid(bytes((number,)) * 32) for number in range(50)]
    for dump in (
        Dump((Saved(smallest, 1, 0),) * 50, {}, ()),
        Dump((), dict.fromkeys(txids, 1), ()),
        Dump((), {}, tuple(txids)),
    ):
        assert load(encode(dump, KEY)) == dump


def test_more_than_there_are_bytes_for_is_refused_before_any_is_read() -> None:
    """The message says at which byte: at the count, not where the bytes end."""
    head, none = (1).to_bytes(8, "little"), bytes(8)
    many = head + (3).to_bytes(8, "little") + b"\xff" * 150
    with pytest.raises(DecodeError, match=r"as many transactions as bytes are left for.* 16"):
        load(many)
    for lists, at in ((b"\x03" + bytes(100), 16), (b"\x00\x03" + bytes(80), 17)):
        with pytest.raises(DecodeError, match=rf"\b{at}\b"):
            load(head + none + lists)


def test_other_versions_are_refused() -> None:
    with pytest.raises(DecodeError, match="version 1 or 2, not 3"):
        load((3).to_bytes(8, "little") + bytes(40))


def test_cut_anywhere() -> None:
    data = encode(snapshot(filled().pool).dump(), KEY)
    for size in range(len(data)):
        with pytest.raises(DecodeError):
            load(data[:size])
    with pytest.raises(DecodeError):
        load(data + b"\x00")


@given(st.binary(max_size=200), st.sampled_from([1, 2]))
def test_any_bytes_give_only_the_permitted_error(data: bytes, version: int) -> None:
    head = version.to_bytes(8, "little") + (b"\x08" + bytes(8) if version == 2 else b"")
    for candidate in (data, head + data):
        try:
            load(candidate)
        except DecodeError:
            continue


def test_no_later_change_shows_in_a_snapshot() -> None:
    scene = filled()
    before, taken = snapshot(scene.pool).dump(), snapshot(scene.pool)
    last = scene.add(scene.pay(scene.coin(), fee=50_000))
    scene.pool.prioritise(last.txid, 10)
    scene.pool.mark_unbroadcast(last.txid)
    scene.add(scene.pay(out(last)))
    assert taken.dump() == before
    assert snapshot(scene.pool).dump() != before


@pytest.mark.parametrize("size", [1 << 18, (1 << 18) - 3, (1 << 19) + 5])
def test_long_files_are_masked_like_short_ones(size: int) -> None:
    scene = Scene()
    output = TxOut(0, bytes(size))
    transaction = Transaction.build(2, [TxIn(scene.coin(), b"", 0)], [output], 0)
    data = encode(Dump((Saved(transaction, 1, 0),), {}, ()), KEY)
    assert load(data).transactions[0].transaction.raw == transaction.raw
    plain = bytes(byte ^ KEY[place % 8] for place, byte in enumerate(data) if place >= 17)
    assert transaction.raw in plain
