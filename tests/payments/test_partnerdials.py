"""Whom a wallet dials for headers and filters: who was named, and a few of those it knows."""

from __future__ import annotations

from random import Random

from axon.machine import SECOND, Endpoint, Instant
from axon.payments.partneraddress import PartnerAddress
from axon.payments.partnerdials import (
    LOST_LIMIT,
    MAX_NAMED,
    PICK_PAUSE,
    PROBE_PAUSE,
    PROVE_LIMIT,
    WANTED,
    PartnerDials,
)
from axon.payments.partnertable import PartnerTable

NOW: Instant = 1_700_000_000 * SECOND


def partner(number: int) -> PartnerAddress:
    return PartnerAddress(number.to_bytes(32, "big"), Endpoint(f"80.{number}.0.1", 1))


class Scene:
    """The dials of a wallet; links are numbered as they are begun."""

    def __init__(self, *heard: PartnerAddress, named: int = 0, finds: bool = True) -> None:
        self.now = NOW
        self.table = PartnerTable()
        self.table.heard(heard, b"", b"")
        names = [partner(100 + number) for number in range(named)]
        self.dials = PartnerDials(self.table, names, Random(1), finds=finds)
        self.links = 0

    def pick(self, *, proves: bool = False) -> PartnerAddress | None:
        """Who is dialled now; None for nobody."""
        picked = self.dials.pick(self.now)
        if picked is None:
            return None
        self.links += 1
        self.dials.begun(self.links, picked, self.now)
        if proves:
            self.dials.proved(self.links, self.now)
        return picked[0]

    def wait(self, time: Instant) -> list[int]:
        """Let time pass; the links that are given up then."""
        self.now += time
        return self.dials.give_up(self.now)


def test_those_who_were_named_are_dialled_at_once_and_for_good() -> None:
    scene = Scene(partner(1), named=MAX_NAMED + 1, finds=False)
    assert scene.dials.deadline() == 0
    assert [scene.pick() for _ in range(MAX_NAMED)] == [partner(100 + n) for n in range(MAX_NAMED)]
    assert scene.pick() is None, "there are only so many, and nobody else is dialled"
    assert scene.dials.deadline() is None
    assert scene.wait(100 * LOST_LIMIT) == []
    scene.dials.lost(1, scene.now)
    assert scene.wait(100 * LOST_LIMIT) == []


def test_so_many_of_those_that_are_known_are_kept() -> None:
    scene = Scene(*[partner(number) for number in range(1, 8)])
    for _ in range(WANTED):
        assert scene.pick(proves=True) is not None
        assert scene.pick() is None, "one at a time"
        scene.wait(PICK_PAUSE)
    assert len(scene.dials.kept) == WANTED


def test_who_does_not_prove_its_key_is_given_up_and_forgotten() -> None:
    scene = Scene(partner(1), partner(2))
    first = scene.pick()
    assert scene.wait(PROVE_LIMIT - 1) == []
    assert scene.wait(1) == [1]
    assert first not in [entry.address for entry in scene.table.entries]
    scene.wait(PICK_PAUSE)
    assert scene.pick() not in (None, first)


def test_a_lost_link_is_waited_for() -> None:
    scene = Scene(partner(1))
    scene.pick(proves=True)
    scene.dials.lost(1, scene.now)
    assert scene.wait(LOST_LIMIT - 1) == []
    scene.dials.proved(1, scene.now)
    assert scene.wait(LOST_LIMIT) == []
    scene.dials.lost(1, scene.now)
    assert scene.wait(LOST_LIMIT) == [1]
    assert len(scene.table) == 1, "it proved its key before, and may come back"


def test_hearsay_is_probed_now_and_then_while_enough_are_kept() -> None:
    scene = Scene(partner(1), partner(2), named=WANTED)
    for _ in range(WANTED):
        assert scene.pick(proves=True) is not None
    probed = scene.pick(proves=True)
    assert probed in (partner(1), partner(2))
    assert scene.pick() is None
    assert scene.wait(0) == [WANTED + 1], "it has proved its key, which is all that was wanted"
    assert probed in scene.table.told(Random(1), scene.now // SECOND)
    assert scene.wait(PROBE_PAUSE - 1) == []
    assert scene.pick() is None
    scene.wait(1)
    assert scene.pick() not in (None, probed)


def test_a_liar_is_forgotten() -> None:
    scene = Scene(partner(1))
    scene.pick(proves=True)
    scene.dials.lied(1)
    assert not scene.dials.kept
    assert len(scene.table) == 0
    scene.dials.lied(7)
