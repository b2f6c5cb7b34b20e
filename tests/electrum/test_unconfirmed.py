"""The unconfirmed by script: as a naive model has it, whatever comes and goes."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from axon.electrum import unconfirmed
from axon.electrum.feehistogram import (
    BIN_GROWTH,
    FIRST_BIN_VBYTES,
    HIGHEST_STEP,
    FeeHistogram,
)
from axon.electrum.unconfirmed import Unconfirmed, UnconfirmedView, in_order
from axon.primitives.hashes import Txid
from axon.primitives.transaction import OutPoint, outpoint

SCRIPTS = [bytes((number,)) * 32 for number in range(4)]


def random_entry(rng: Random, there: dict[Txid, Unconfirmed]) -> Unconfirmed:
    """One that spends what others in the pool make, or coins."""
    spent = {point for entry in there.values() for point, _, _ in entry.spends}
    free = [
        (outpoint(entry.txid, index), script, amount)
        for entry in there.values()
        for index, (script, amount) in enumerate(entry.makes)
        if outpoint(entry.txid, index) not in spent
    ]
    rng.shuffle(free)
    spends = free[: rng.randrange(3)]
    spends.append((OutPoint(rng.randbytes(36)), rng.choice(SCRIPTS), rng.randrange(1_000)))
    makes = [(rng.choice(SCRIPTS), rng.randrange(1_000)) for _ in range(rng.randrange(1, 4))]
    txid = Txid(rng.randbytes(32))
    return Unconfirmed(txid, rng.randrange(1, 900), 150, tuple(spends), tuple(makes))


def described(there: dict[Txid, Unconfirmed], script: bytes) -> tuple[object, ...]:
    """All that a script may be asked, found by looking at everything."""
    mine = [entry for entry in there.values() if script in entry.scripts()]
    spent = {point for entry in there.values() for point, _, _ in entry.spends}
    history = []
    for entry in mine:
        has_parent = any(point[:32] in there for point, _, _ in entry.spends)
        history.append((-1 if has_parent else 0, entry.txid, entry.fee_sat))
    history.sort(key=lambda item: (-item[0], item[1][::-1].hex()))
    outputs = {
        (outpoint(entry.txid, index), amount)
        for entry in mine
        for index, (paid, amount) in enumerate(entry.makes)
        if paid == script and outpoint(entry.txid, index) not in spent
    }
    gained = sum(amount for entry in mine for paid, amount in entry.makes if paid == script)
    lost = sum(amount for entry in mine for _, owner, amount in entry.spends if owner == script)
    return history, outputs, gained - lost


@given(st.integers(0, 1 << 32))
def test_whatever_comes_and_goes(seed: int) -> None:
    rng, view, there = Random(seed), UnconfirmedView(), dict[Txid, Unconfirmed]()
    for _ in range(25):
        before = {script: described(there, script) for script in SCRIPTS}
        if there and rng.random() < 0.4:
            txid = rng.choice(list(there))
            touched = view.remove((txid, Txid(bytes(32))))
            del there[txid]
        else:
            entry = random_entry(rng, there)
            touched = view.add(entry)
            there[entry.txid] = entry
            assert view.add(entry) == {}
        assert len(view) == len(there)
        for script in SCRIPTS:
            now = described(there, script)
            found = (
                in_order(view.touching(script)),
                set(view.unspent(script)),
                view.change_sat(script),
            )
            assert found == now
            assert view.count(script) == len(view.touching(script))
            paid = [out for each in there.values() for out in each.makes if out[0] == script]
            assert view.outputs(script) == len(paid)
            if now[0] != before[script][0]:
                assert script in touched
        for entry in there.values():
            for point, _, _ in entry.spends:
                assert view.spender(point) == entry.txid
    view.remove(list(there))
    assert view.histogram.told() == []
    assert [view.touching(script) for script in SCRIPTS] == [[], [], [], []]


def test_a_script_among_many_outputs_of_others_is_found_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng, view, mine = Random(2), UnconfirmedView(), b"m" * 32
    for number in range(20):
        makes = [(rng.randbytes(32), 1) for _ in range(1_500)]
        makes[rng.randrange(1_500)] = (mine, number)
        spends = ((OutPoint(rng.randbytes(36)), mine, 5),)
        view.add(Unconfirmed(Txid(rng.randbytes(32)), 1, 150, spends, tuple(makes)))
    named = 0

    def counted(txid: Txid, index: int) -> OutPoint:
        nonlocal named
        named += 1
        return outpoint(txid, index)

    monkeypatch.setattr(unconfirmed, "outpoint", counted)
    assert len(view.unspent(mine)) == view.outputs(mine) == 20
    assert view.change_sat(mine) == sum(range(20)) - 100
    assert named == 20  # The outputs of others, 30,000, are not even named.


def test_a_histogram_has_all_that_waits_and_few_steps() -> None:
    histogram, rng = FeeHistogram(), Random(1)
    total = 0
    for _ in range(3_000):
        vsize = rng.randrange(100, 5_000)
        histogram.add(int(vsize * rng.lognormvariate(1.5, 1)), vsize)
        total += vsize
    told = histogram.told()
    assert sum(vsize for _, vsize in told) == total
    rates = [rate for rate, _ in told]
    assert rates == sorted(rates, reverse=True)
    assert len(told) < 60
    for place, (_, vsize) in enumerate(told[:-1]):
        assert vsize >= FIRST_BIN_VBYTES * BIN_GROWTH**place * 0.999


def test_feerates_beyond_all_measure_are_one_step() -> None:
    histogram = FeeHistogram()
    for rate in (3_000, 4_000, 500_000):
        histogram.add(rate * 100, 100)
    assert histogram.told() == [(HIGHEST_STEP / 10, 300)]


def test_a_feerate_is_rounded_down() -> None:
    histogram = FeeHistogram()
    histogram.add(1_299, 1_000)
    assert histogram.told() == [(1.2, 1_000)]
    histogram.remove(1_299, 1_000)
    assert histogram.told() == []
