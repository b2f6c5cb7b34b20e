"""Filters asked of several peers in a window, and handed out in order."""

from __future__ import annotations

from random import Random

import pytest

from axon.machine import PeerId
from axon.p2p.actions import Action, DisconnectPeer, Send
from axon.p2p.faults import PeerSilent, PeerViolation
from axon.p2p.filterclaims import FilterClaims
from axon.p2p.filterdownload import BATCH, MAX_OWED, WINDOW, FilterDownload
from axon.p2p.filterheaders import FilterHeaderChain
from axon.p2p.filterpeer import PATIENCE, SILENCE
from axon.primitives.hashes import ZERO_HASH, BlockHash, sha256d
from axon.wire.messages import CFilter, GetCFilters
from axon.wire.messages.filters import BASIC_FILTER

ALICE, BOB = PeerId(0), PeerId(1)
LENGTH = 1000


def block(height: int) -> BlockHash:
    return BlockHash(height.to_bytes(32, "big"))


def filter_of(height: int) -> CFilter:
    return CFilter(BASIC_FILTER, block(height), b"filter %d" % height)


class Fixture:
    """A download over a pretend chain; what each peer was asked for, as ranges."""

    def __init__(self, length: int = LENGTH) -> None:
        self.chain = FilterHeaderChain()
        header, headers = ZERO_HASH, []
        for height in range(length):
            header = sha256d(sha256d(filter_of(height).filter) + header)
            headers.append(header)
        self.chain.append([block(height) for height in range(length)], headers)
        self.agreed: dict[PeerId, int] = {}
        self.download = FilterDownload(self.chain, Random(1))

    def join(self, peer: PeerId, agreed: int = LENGTH - 1) -> None:
        self.agreed[peer] = agreed
        self.download.opened(peer, FilterClaims(agreed))

    def send(self, peer: PeerId, heights: range, now: int = 0) -> list[bool]:
        return [self.download.received(peer, filter_of(height), now) for height in heights]


def ranges(actions: list[Action]) -> list[tuple[PeerId, int, int]]:
    found: list[tuple[PeerId, int, int]] = []
    for action in actions:
        assert isinstance(action, Send)
        assert isinstance(action.message, GetCFilters)
        stop = int.from_bytes(action.message.stop_hash, "big")
        found.append((action.peer, action.message.start_height, stop))
    return found


def test_nothing_is_asked_before_the_scan_begins() -> None:
    it = Fixture()
    it.join(ALICE)
    assert it.download.update(0) == []
    assert it.download.take(9, LENGTH) == []


def test_batches_are_spread_and_bounded() -> None:
    it = Fixture()
    it.download.scan_from(10)
    it.join(ALICE)
    assert ranges(it.download.update(0)) == [(ALICE, 10, 109), (ALICE, 110, 209)]
    it.join(BOB)
    assert ranges(it.download.update(0)) == [(BOB, 210, 309), (BOB, 310, 409)]
    assert it.download.update(0) == []
    it.send(ALICE, range(10, 110))
    assert it.download.update(0) == []  # The window is full until filters are taken.
    assert len(it.download.take(60, LENGTH)) == 60
    assert it.download.update(0) == []  # A whole batch soon is better than a piece now.
    assert len(it.download.take(60, LENGTH)) == 40
    assert ranges(it.download.update(0)) == [(ALICE, 410, 509)]
    assert WINDOW == 4 * BATCH
    assert MAX_OWED == 2 * BATCH


def test_nobody_is_asked_above_what_it_agrees_with() -> None:
    it = Fixture()
    it.download.scan_from(0)
    it.join(ALICE, agreed=49)
    it.join(BOB, agreed=119)
    found = sorted(ranges(it.download.update(0)))
    assert [(start, stop) for _, start, stop in sorted(found, key=lambda item: item[1])][-1][
        1
    ] == 119
    assert all(stop <= it.agreed[peer] for peer, _, stop in found)


def test_filters_come_in_order_whatever_the_order_of_arrival() -> None:
    it = Fixture(300)
    it.join(ALICE, agreed=299)
    it.download.scan_from(100)
    it.download.update(0)
    order = list(range(100, 300))
    Random(5).shuffle(order)
    taken: list[int] = []
    for height in order:
        it.send(ALICE, range(height, height + 1))
        taken += [item.height for item in it.download.take(7, 250)]
    taken += [item.height for item in it.download.take(LENGTH, 250)]
    assert taken == list(range(100, 251))
    assert [item.height for item in it.download.take(LENGTH, 299)] == list(range(251, 300))


def test_who_sends_another_filter_lies() -> None:
    it = Fixture()
    it.join(ALICE)
    it.download.scan_from(0)
    it.download.update(0)
    with pytest.raises(PeerViolation):
        it.download.received(ALICE, CFilter(BASIC_FILTER, block(3), b"other"), 0)
    assert not it.download.received(ALICE, CFilter(BASIC_FILTER, block(999), b"unasked"), 0)


def test_what_a_late_peer_owes_is_asked_of_another_and_taken_from_either() -> None:
    it = Fixture(100)
    it.join(ALICE, agreed=99)
    it.download.scan_from(0)
    assert ranges(it.download.update(0)) == [(ALICE, 0, 99)]
    it.send(ALICE, range(30), now=5)
    it.join(BOB, agreed=99)
    assert list(it.download.deadlines()) == [5 + PATIENCE]
    assert it.download.tick(5 + PATIENCE) == []
    assert ranges(it.download.update(5 + PATIENCE)) == [(BOB, 30, 99)]
    it.send(BOB, range(30, 60), now=6 + PATIENCE)
    assert it.send(ALICE, range(30, 32), now=6 + PATIENCE) == [True, False]  # Late no more.
    it.send(ALICE, range(32, 100), now=6 + PATIENCE)
    assert len(it.download.take(LENGTH, 99)) == 100
    it.send(BOB, range(60, 100), now=6 + PATIENCE)
    assert it.download.take(LENGTH, 99) == []
    assert list(it.download.deadlines()) == []


def test_who_is_silent_for_long_is_dropped() -> None:
    it = Fixture()
    it.join(ALICE)
    it.download.scan_from(0)
    it.download.update(0)
    it.download.tick(PATIENCE)
    assert list(it.download.deadlines()) == [SILENCE]
    (action,) = it.download.tick(SILENCE)
    assert isinstance(action, DisconnectPeer)
    assert isinstance(action.fault, PeerSilent)
    assert list(it.download.deadlines()) == []


def test_a_cut_forgets_what_waits_and_blames_nobody() -> None:
    it = Fixture()
    it.join(ALICE)
    it.download.scan_from(0)
    it.download.update(0)
    it.send(ALICE, range(100))
    assert len(it.download.take(80, LENGTH)) == 80
    it.chain.truncate(69)
    it.download.cut(69, LENGTH - 1)
    assert (it.download.take_rollback(), it.download.take_rollback()) == (70, None)
    assert not it.download.received(ALICE, CFilter(BASIC_FILTER, block(150), b"other"), 0)
    assert it.download.take(LENGTH, LENGTH) == []


def test_several_cuts_are_one_rollback() -> None:
    it = Fixture()
    it.download.scan_from(900)
    for height in (950, 899, 850, 840):
        was = it.chain.height
        it.chain.truncate(height)
        it.download.cut(height, was)
    assert it.download.take_rollback() == 841


def test_a_late_peer_that_owes_nothing_after_a_cut_is_asked_again() -> None:
    it = Fixture(200)
    it.join(ALICE, agreed=199)
    it.download.scan_from(100)
    it.download.update(0)
    it.download.tick(PATIENCE)
    assert it.download.update(PATIENCE) == []
    it.download.cut(99, 199)
    assert ranges(it.download.update(PATIENCE)) == [(ALICE, 100, 199)]


def test_a_scan_that_begins_anew_asks_for_all_filters_again() -> None:
    it = Fixture()
    it.download.scan_from(10)
    it.join(ALICE)
    it.download.update(0)
    it.send(ALICE, range(11, 210))  # The first is missing, so all others wait.
    assert ranges(it.download.update(0))[0] == (ALICE, 210, 309)
    it.send(ALICE, range(210, 310))
    it.download.scan_from(10)
    assert ranges(it.download.update(0))[0] == (ALICE, 11, 110)


def test_more_is_asked_for_once_a_peer_owes_nothing() -> None:
    it = Fixture(length=30)
    it.download.scan_from(0)
    it.join(ALICE, agreed=29)
    assert ranges(it.download.update(0)) == [(ALICE, 0, 29)]
    assert it.send(ALICE, range(30)) == [False] * 29 + [True]
