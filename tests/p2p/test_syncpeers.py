"""Which peers headers are asked of, and how long each has for its answer."""

from __future__ import annotations

from random import Random

from axon.machine import MINUTE, SECOND, Instant, PeerId
from axon.p2p.actions import DisconnectPeer
from axon.p2p.faults import PeerSilent
from axon.p2p.syncpeers import (
    NEXT_AFTER,
    RECENT,
    RESPONSE_TIME,
    SYNC_TIMEOUT,
    SYNC_TIMEOUT_PER_HEADER,
    SyncPeers,
)
from axon.p2p.views import HeaderEntryView
from axon.primitives.network import TARGET_SPACING_S
from tests.p2p.chains import Ledger

BEST: HeaderEntryView = Ledger().tip
ALICE, BOB, CAROL = PeerId(0), PeerId(1), PeerId(2)
NOW: Instant = BEST.time * SECOND + 1_000 * TARGET_SPACING_S * SECOND
"""A thousand headers are missing, as far as time tells."""


def fixture(*peers: PeerId, patience: Instant | None = None, noban: bool = False) -> SyncPeers:
    """The choice among preferred peers that serve blocks."""
    made = SyncPeers(Random(1), patience)
    for peer in peers:
        made.opened(peer, preferred=True, serves=True, noban=noban)
    return made


def start(it: SyncPeers, peer: PeerId, now: Instant = NOW) -> None:
    assert it.try_ask(peer, now)
    it.started(peer, BEST, now)


def test_one_peer_is_chosen_and_then_nobody() -> None:
    it = fixture(ALICE, BOB, CAROL)
    (chosen,) = it.choose(BEST, NOW)
    start(it, chosen)
    assert it.is_syncing(chosen)
    assert it.choose(BEST, NOW) == []


def test_the_choice_is_left_to_chance() -> None:
    chosen = set()
    for seed in range(30):
        it = SyncPeers(Random(seed), None)
        for peer in (ALICE, BOB, CAROL):
            it.opened(peer, preferred=True, serves=True, noban=False)
        chosen.update(it.choose(BEST, NOW))
    assert chosen == {ALICE, BOB, CAROL}


def test_preferred_peers_come_before_others_and_who_serves_nothing_never() -> None:
    for seed in range(10):
        it = SyncPeers(Random(seed), None)
        it.opened(ALICE, preferred=False, serves=True, noban=False)
        it.opened(BOB, preferred=True, serves=True, noban=False)
        it.opened(CAROL, preferred=True, serves=False, noban=False)
        assert it.choose(BEST, NOW) == [BOB]
        it.closed(BOB)
        assert it.choose(BEST, NOW) == [ALICE]
        it.closed(ALICE)
        assert it.choose(BEST, NOW) == []


def test_near_today_all_that_serve_are_chosen_once() -> None:
    it = fixture(ALICE, BOB)
    it.opened(CAROL, preferred=True, serves=False, noban=False)
    today = BEST.time * SECOND + RECENT - 1
    assert it.choose(BEST, today) == [ALICE, BOB]
    start(it, ALICE, today)
    assert it.choose(BEST, today) == [BOB]
    assert len(it.choose(BEST, today + 1)) == 0, "a day old: Alice is at work"


def test_a_question_is_not_repeated_before_its_time() -> None:
    it = fixture(ALICE)
    assert it.try_ask(ALICE, NOW)
    assert not it.try_ask(ALICE, NOW + RESPONSE_TIME)
    assert it.try_ask(ALICE, NOW + RESPONSE_TIME + 1)
    it.answered(ALICE)
    assert it.try_ask(ALICE, NOW + RESPONSE_TIME + 2)
    assert it.try_ask(ALICE, NOW), "a clock that was set back holds nothing up"


def test_an_exhausted_peer_makes_room_soon() -> None:
    it = fixture(ALICE, BOB)
    (first,) = it.choose(BEST, NOW)
    start(it, first)
    it.exhausted(first, NOW)
    due = NOW + NEXT_AFTER
    assert it.deadline() == due
    assert it.choose(BEST, due - 1) == []
    it.tick(BEST, due - 1)
    assert it.deadline() == due, "who looks too early looks again"
    assert it.tick(BEST, due) == []
    (second,) = it.choose(BEST, due)
    assert {first, second} == {ALICE, BOB}


def test_who_was_not_chosen_cannot_be_exhausted() -> None:
    it = fixture(ALICE)
    it.exhausted(ALICE, NOW)
    assert it.deadline() is None
    assert it.choose(BEST, NOW) == [ALICE]


def test_the_time_of_the_one_peer_grows_with_what_is_missing() -> None:
    it = fixture(ALICE, BOB)
    start(it, ALICE)
    due = NOW + SYNC_TIMEOUT + 1_000 * SYNC_TIMEOUT_PER_HEADER
    assert it.deadline() == due
    assert it.tick(BEST, due - 1) == []
    (action,) = it.tick(BEST, due)
    assert isinstance(action, DisconnectPeer)
    assert isinstance(action.fault, PeerSilent)
    assert it.tick(BEST, due + MINUTE) == [], "said once"


def test_the_only_one_gets_more_time() -> None:
    it = fixture(ALICE)
    it.opened(BOB, preferred=False, serves=True, noban=False)
    start(it, ALICE)
    due = it.deadline()
    assert due is not None
    assert it.tick(BEST, due) == []
    assert it.deadline() == due + MINUTE


def test_of_several_at_work_none_is_blamed() -> None:
    it = fixture(ALICE, BOB, CAROL)
    start(it, ALICE)
    start(it, BOB)
    due = it.deadline()
    assert due is not None
    assert it.tick(BEST, due) == []
    it.exhausted(BOB, due)
    assert [action.peer for action in it.tick(BEST, due + MINUTE)] == [ALICE]


def test_near_today_nobody_is_too_slow() -> None:
    it = fixture(ALICE, BOB)
    today = BEST.time * SECOND + RECENT - 1
    start(it, ALICE, BEST.time * SECOND)
    assert it.tick(BEST, today) == []
    assert it.deadline() is None


def test_a_trusted_peer_loses_its_turn_only() -> None:
    it = fixture(ALICE, BOB, noban=True)
    start(it, ALICE)
    due = it.deadline()
    assert due is not None
    assert it.tick(BEST, due) == []
    assert not it.is_syncing(ALICE)
    assert len(it.choose(BEST, due)) == 1


def test_a_full_node_waits_for_an_answer_for_as_long_as_it_takes() -> None:
    it = fixture(ALICE, BOB)
    start(it, ALICE)
    assert it.tick(BEST, NOW + RESPONSE_TIME) == []
    assert it.choose(BEST, NOW + RESPONSE_TIME) == []


def test_a_light_client_asks_another_soon_and_gives_the_silent_up() -> None:
    it = fixture(ALICE, BOB, patience=SECOND)
    start(it, ALICE)
    assert it.deadline() == NOW + SECOND
    it.tick(BEST, NOW + SECOND)
    assert it.choose(BEST, NOW + SECOND) == [BOB]
    assert it.deadline() == NOW + RESPONSE_TIME
    assert it.tick(BEST, NOW + RESPONSE_TIME - 1) == []
    (action,) = it.tick(BEST, NOW + RESPONSE_TIME)
    assert isinstance(action, DisconnectPeer)
    assert (action.peer, type(action.fault)) == (ALICE, PeerSilent)


def test_an_answer_ends_the_stall() -> None:
    it = fixture(ALICE, BOB, patience=SECOND)
    start(it, ALICE)
    it.tick(BEST, NOW + SECOND)
    it.answered(ALICE)
    assert it.choose(BEST, NOW + SECOND) == []
    assert it.tick(BEST, NOW + RESPONSE_TIME) == []
