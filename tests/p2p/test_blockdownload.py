"""Which block is asked of whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from axon.machine import MINUTE, SECOND, Instant, PeerId
from axon.p2p.actions import Action, DisconnectPeer, Send
from axon.p2p.blockdownload import (
    LIMITED_DEPTH,
    MAX_FORGED,
    MAX_UNVALIDATED,
    WINDOW,
    BlockDownload,
)
from axon.p2p.blocksinflight import (
    MAX_ASKED,
    MAX_IN_FLIGHT,
    RELIEF_AFTER,
    STALL_MIN,
    TIMEOUT_BASE,
    TIMEOUT_PER_PEER,
)
from axon.p2p.faults import PeerSilent
from axon.p2p.peerchains import PeerChains
from axon.p2p.views import DIRECT_FETCH_AGE, HeaderEntryView
from axon.primitives.hashes import BlockHash
from axon.primitives.network import REGTEST
from axon.wire.messages import GetData, InvType
from tests.p2p.chains import Ledger, mine_headers

GENESIS = REGTEST.genesis.header
CHAIN = mine_headers(GENESIS, 1500)
BRANCH = mine_headers(GENESIS, 1200, salt=1)
HEIGHT = {header.hash: place + 1 for place, header in enumerate(CHAIN)}
NOW: Instant = (CHAIN[-1].time + 60) * SECOND
ALICE, BOB, CAROL = PeerId(0), PeerId(1), PeerId(2)


class Names(Ledger):
    """A ledger in which blocks are only names."""

    def __init__(self) -> None:
        super().__init__(initial_sync=True)
        self.stored: set[BlockHash] = set()

    def has_block(self, block_hash: BlockHash) -> bool:
        return block_hash in self.stored


@dataclass
class Fixture:
    """A download with the ledger that it reads."""

    ledger: Names
    asked: dict[PeerId, list[BlockHash]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chains = PeerChains(self.ledger.tree)
        self.download = BlockDownload(self.ledger, self.chains, Random(1))

    def open(
        self, peer: PeerId, *, preferred: bool = True, limited: bool = False, height: int = 1500
    ) -> None:
        self.download.opened(peer, preferred=preferred, limited=limited)
        self.show(peer, CHAIN[height - 1].hash)

    def show(self, peer: PeerId, block_hash: BlockHash) -> None:
        """This header, and no more, is what the peer has."""
        self.chains.opened(peer)
        self.chains.shown(peer, block_hash)

    def best(self, peer: PeerId) -> HeaderEntryView:
        entry = self.chains.best_known(peer)
        assert entry is not None
        return entry

    def update(self, now: Instant = NOW) -> list[Action]:
        actions = self.download.update(now)
        self.note(actions)
        return actions

    def note(self, actions: Sequence[Action]) -> None:
        for action in actions:
            if isinstance(action, Send):
                assert isinstance(action.message, GetData)
                for item in action.message.items:
                    assert item.kind in (InvType.WITNESS_BLOCK, InvType.CMPCT_BLOCK)
                    self.asked.setdefault(action.peer, []).append(BlockHash(item.hash))

    def arrive(self, peer: PeerId, block_hash: BlockHash, now: Instant = NOW) -> bool:
        """A block comes, is validated at once, and connects what can be connected."""
        wanted = self.download.arrived(peer, block_hash, now)
        self.ledger.stored.add(block_hash)
        active, best = self.ledger.active, self.ledger.tree.best
        while (entry := best.ancestor(active.height + 1)) is not None:
            if entry.hash not in self.ledger.stored or entry.parent is not active.tip:
                break
            active.connect(entry)
        self.download.settled(block_hash, now)
        self.download.validated(block_hash, True)
        return wanted


def fixture() -> Fixture:
    ledger = Names()
    ledger.learn(CHAIN)
    return Fixture(ledger)


def heights(hashes: Sequence[BlockHash]) -> list[int]:
    return [HEIGHT[item] for item in hashes]


def test_each_peer_gets_its_own_share_from_the_bottom_up() -> None:
    it = fixture()
    for peer in (ALICE, BOB):
        it.open(peer)
    it.update()
    assert sorted(map(tuple, map(heights, it.asked.values()))) == [
        tuple(range(1, 17)),
        tuple(range(17, 33)),
    ]
    assert it.download.inflight(ALICE) == heights(it.asked[ALICE])
    assert it.update() == []


def test_an_answer_makes_room_for_the_next() -> None:
    it = fixture()
    it.open(ALICE)
    it.update()
    assert it.arrive(ALICE, CHAIN[0].hash)
    assert it.download.deadline() == 0
    it.note(it.download.tick(NOW))
    assert heights(it.asked[ALICE]) == list(range(1, 18))
    assert it.download.synced_blocks(ALICE) == 1
    assert not it.arrive(ALICE, CHAIN[0].hash)


def test_nothing_is_asked_of_a_peer_that_is_behind_us() -> None:
    it = fixture()
    it.open(ALICE, height=5)
    it.ledger.connect([e for h in CHAIN[:10] if (e := it.ledger.tree.get(h.hash)) is not None])
    assert it.update() == []


def test_in_the_first_sync_only_preferred_and_whole_peers_are_asked() -> None:
    it = fixture()
    it.open(ALICE)
    it.open(BOB, preferred=False)
    it.open(CAROL, limited=True)
    it.update()
    assert set(it.asked) == {ALICE}
    it.ledger.initial_sync = False
    it.update()
    # The limited one has nothing of what we need yet.
    assert set(it.asked) == {ALICE, BOB}


def test_a_limited_peer_is_asked_for_the_last_blocks() -> None:
    it = fixture()
    it.ledger.connect([e for h in CHAIN[:1300] if (e := it.ledger.tree.get(h.hash)) is not None])
    it.ledger.initial_sync = False
    it.open(CAROL, limited=True)
    it.update()
    assert heights(it.asked[CAROL]) == list(range(1301, 1317))
    assert LIMITED_DEPTH > 1500 - 1301


def test_an_inbound_peer_is_asked_where_there_is_no_other() -> None:
    it = fixture()
    it.open(BOB, preferred=False)
    it.update()
    assert set(it.asked) == {BOB}


def test_what_a_closed_peer_owed_is_asked_of_another() -> None:
    it = fixture()
    it.open(ALICE)
    it.update()
    it.open(BOB)
    it.update()
    it.download.closed(ALICE, NOW)
    for block_hash in it.asked[BOB][:]:
        it.arrive(BOB, block_hash)
    it.asked.clear()
    it.update()
    assert heights(it.asked[BOB]) == list(range(1, 17))


def test_notfound_ends_the_asking() -> None:
    it = fixture()
    it.open(ALICE)
    it.update()
    it.download.notfound(ALICE, CHAIN[0].hash, NOW)
    assert it.update() == []
    it.open(BOB)
    it.update()
    assert heights(it.asked[BOB])[0] == 1


@pytest.mark.parametrize("preferred", [True, False])
def test_a_block_that_proved_to_be_another_is_asked_of_somebody_else(preferred: bool) -> None:
    it = fixture()
    it.open(ALICE)
    it.update()
    it.download.arrived(ALICE, CHAIN[0].hash, NOW)
    it.open(BOB, preferred=preferred)
    if not preferred:
        it.ledger.initial_sync = False
    assert it.download.validated(CHAIN[0].hash, False) == ALICE
    it.asked.clear()
    it.update()
    assert heights(it.asked[BOB]) == [1, *range(17, 32)]


def test_a_peer_that_stays_is_asked_again_but_not_for_ever() -> None:
    """Who sends forged blocks and is not disconnected: the operator trusts him, or named him."""
    it = fixture()
    it.open(ALICE, height=1)
    for _ in range(MAX_FORGED):
        it.update()
        assert heights(it.asked.pop(ALICE)) == [1]
        it.download.arrived(ALICE, CHAIN[0].hash, NOW)
        assert it.download.validated(CHAIN[0].hash, False) == ALICE
    it.update()
    assert it.asked == {}


def sees_idle(it: Fixture, *peers: PeerId) -> None:
    """These bring all they were asked for, so that they have nothing to do."""
    for peer in peers:
        for block_hash in it.asked.get(peer, []):
            it.arrive(peer, block_hash)
    it.update()
    it.asked.clear()


def test_at_the_end_of_the_chain_who_is_idle_is_asked_for_what_a_silent_peer_owes() -> None:
    it = fixture()
    for peer in (ALICE, BOB, CAROL):
        it.open(peer, height=40)
    it.update()
    silent = next(peer for peer, owed in it.asked.items() if len(owed) == MAX_IN_FLIGHT)
    owed = list(it.asked[silent])
    others = [peer for peer in (ALICE, BOB, CAROL) if peer != silent]
    sees_idle(it, *others)
    it.note(it.download.tick(NOW + RELIEF_AFTER - 1))
    assert it.asked == {}
    it.note(it.download.tick(NOW + RELIEF_AFTER))
    ((helper, asked),) = it.asked.items()
    assert helper in others
    assert asked == owed
    for block_hash in owed:
        it.arrive(helper, block_hash, NOW + RELIEF_AFTER)
    assert it.download.in_flight_total == 0


def test_a_block_is_asked_of_so_many_and_no_more() -> None:
    it = fixture()
    peers = [PeerId(number) for number in range(MAX_ASKED + 2)]
    it.open(peers[0], height=16)
    it.update()
    for peer in peers[1:]:
        it.open(peer, height=16)
    it.update()
    for number in range(1, 3 * len(peers)):
        it.note(it.download.tick(NOW + number * RELIEF_AFTER))
    assert {len(it.download.asked_of(header.hash)) for header in CHAIN[:16]} == {MAX_ASKED}
    assert sum(len(asked) for asked in it.asked.values()) == 16 * MAX_ASKED


def test_the_time_until_relief_runs_from_when_a_peer_owes_several() -> None:
    """It may be asked for the second block in the very moment in which it is looked at."""
    it = fixture()
    it.open(ALICE, height=1)
    it.update()
    it.show(ALICE, CHAIN[1].hash)
    due = NOW + RELIEF_AFTER
    it.update(due)
    deadline = it.download.deadline()
    assert deadline is not None
    assert deadline == due + RELIEF_AFTER
    it.download.tick(deadline)
    assert it.download.deadline() == deadline + RELIEF_AFTER


def test_for_a_single_block_nobody_else_is_asked() -> None:
    """As in Bitcoin Core: whoever announces a new block is trusted to have it."""
    it = fixture()
    it.open(ALICE, height=1)
    it.update()
    it.open(BOB, height=1)
    it.update()
    it.note(it.download.tick(NOW + RELIEF_AFTER))
    assert list(it.asked) == [ALICE]


def test_who_sent_an_invalid_block_is_asked_for_others() -> None:
    it = fixture()
    it.open(ALICE, height=16)
    it.update()
    it.download.arrived(ALICE, CHAIN[15].hash, NOW)
    it.ledger.tree.mark_invalid(CHAIN[15].hash)
    assert it.download.validated(CHAIN[15].hash, False) == ALICE
    it.asked.clear()
    branch = it.ledger.learn(BRANCH[:20])[-1]
    it.show(ALICE, branch.hash)
    it.update()
    assert it.asked[ALICE] == [BRANCH[0].hash]


def test_what_we_have_already_needs_no_verdict() -> None:
    it = fixture()
    it.open(ALICE)
    it.update()
    it.ledger.stored.add(CHAIN[0].hash)  # Came by another way meanwhile.
    it.ledger.tree.mark_invalid(CHAIN[1].hash)
    for header in CHAIN[:2]:
        assert it.download.arrived(ALICE, header.hash, NOW)
        assert it.download.validated(header.hash, True) is None


def test_nothing_is_asked_beyond_an_invalid_block() -> None:
    it = fixture()
    it.open(ALICE)
    it.ledger.tree.mark_invalid(CHAIN[4].hash)
    it.update()
    assert heights(it.asked[ALICE]) == [1, 2, 3, 4]


def test_blocks_that_wait_for_their_verdict_hold_the_asking_back() -> None:
    it = fixture()
    it.open(ALICE)
    arrived: list[BlockHash] = []
    while it.update():
        for block_hash in it.asked.pop(ALICE):
            it.download.arrived(ALICE, block_hash, NOW)
            arrived.append(block_hash)
    assert len(arrived) == MAX_UNVALIDATED
    it.ledger.stored.update(arrived)
    for block_hash in arrived:
        it.download.validated(block_hash, True)
    assert it.update()


def fill_window(it: Fixture) -> PeerId:
    """Let one peer hold the window back; who it is."""
    it.open(ALICE)
    it.open(BOB)
    it.update()
    slow = ALICE if CHAIN[0].hash in it.asked[ALICE] else BOB
    quick = BOB if slow == ALICE else ALICE
    for _ in range(WINDOW):
        pending, it.asked[quick] = it.asked[quick], []
        for block_hash in pending:
            it.arrive(quick, block_hash)
        it.update()
        if not it.asked[quick]:
            break
    assert it.download.inflight(quick) == []
    return slow


def test_who_holds_the_window_back_is_dropped_and_the_next_gets_more_time() -> None:
    it = fixture()
    slow = fill_window(it)
    assert len(it.ledger.stored) == WINDOW - MAX_IN_FLIGHT
    assert it.download.tick(NOW + STALL_MIN - 1) == []
    due = it.download.deadline()
    assert due == NOW + STALL_MIN
    (drop,) = it.download.tick(due)
    assert isinstance(drop, DisconnectPeer)
    assert drop.peer == slow
    assert isinstance(drop.fault, PeerSilent)
    it.download.closed(slow, due)
    it.update(due)
    assert heights(it.asked[BOB if slow == ALICE else ALICE]) == list(range(1, 17))


def test_the_window_is_not_exceeded() -> None:
    it = fixture()
    fill_window(it)
    assert max(HEIGHT[block_hash] for block_hash in it.ledger.stored) == WINDOW


def test_a_block_that_does_not_come_ends_the_connection() -> None:
    it = fixture()
    it.open(ALICE)
    it.open(BOB)
    it.update()
    due = it.download.deadline()
    assert due is not None
    assert due <= NOW + TIMEOUT_BASE + TIMEOUT_PER_PEER
    last = NOW + TIMEOUT_BASE + TIMEOUT_PER_PEER
    assert it.download.tick(last - 1) == []
    drops = it.download.tick(last)
    assert {drop.peer for drop in drops if isinstance(drop, DisconnectPeer)} == {ALICE, BOB}


@pytest.mark.parametrize("seed", range(12))
def test_who_let_us_wait_and_comes_back_is_asked_after_the_others(seed: int) -> None:
    it = fixture()
    it.download = BlockDownload(it.ledger, it.chains, Random(seed))
    it.open(ALICE, height=MAX_IN_FLIGHT)
    it.update()
    it.open(BOB, height=MAX_IN_FLIGHT)
    it.download.tick(NOW + TIMEOUT_BASE)
    back = PeerId(99)
    it.open(back, height=MAX_IN_FLIGHT)
    it.download.closed(ALICE, NOW + TIMEOUT_BASE)
    it.update(NOW + TIMEOUT_BASE)
    assert heights(it.asked[BOB]) == list(range(1, MAX_IN_FLIGHT + 1))
    assert back not in it.asked


def test_once_the_lost_block_has_come_newcomers_are_placed_by_chance_again() -> None:
    first = []
    for seed in range(12):
        it = fixture()
        it.download = BlockDownload(it.ledger, it.chains, Random(seed))
        it.open(ALICE, height=1)
        it.update()
        it.download.tick(NOW + TIMEOUT_BASE)
        it.download.closed(ALICE, NOW + TIMEOUT_BASE)
        it.arrive(BOB, CHAIN[0].hash)
        it.asked.clear()
        it.open(BOB)
        it.open(CAROL)
        it.update(NOW + TIMEOUT_BASE)
        first.append(min(it.asked, key=lambda peer: min(heights(it.asked[peer]))))
    assert CAROL in first


def test_each_block_restarts_the_clock() -> None:
    it = fixture()
    it.open(ALICE)
    it.update()
    later = NOW + 9 * MINUTE
    it.arrive(ALICE, CHAIN[0].hash, later)
    it.download.tick(later)
    assert not any(
        isinstance(a, DisconnectPeer) for a in it.download.tick(later + TIMEOUT_BASE - 1)
    )
    assert any(isinstance(a, DisconnectPeer) for a in it.download.tick(later + TIMEOUT_BASE))


def near_tip(count: int = 1498) -> Fixture:
    it = fixture()
    it.ledger.initial_sync = False
    it.ledger.connect([e for h in CHAIN[:count] if (e := it.ledger.tree.get(h.hash)) is not None])
    return it


def test_near_the_tip_new_blocks_are_asked_of_who_names_them() -> None:
    it = near_tip()
    it.open(ALICE)
    it.open(BOB)
    it.note(it.download.announced(BOB, it.best(BOB), NOW))
    assert heights(it.asked[BOB]) == [1499, 1500]
    assert it.update() == []
    assert it.download.inflight(BOB) == [1499, 1500]


def test_far_from_the_tip_names_are_only_noted() -> None:
    it = near_tip(1000)
    it.open(ALICE)
    assert it.download.announced(ALICE, it.best(ALICE), NOW) == []


def test_a_longer_branch_is_fetched_from_where_it_leaves_ours() -> None:
    ledger = Names()
    ledger.connect(ledger.learn(CHAIN[:1100]))
    ledger.learn(BRANCH)
    it = Fixture(ledger)
    it.ledger.initial_sync = False
    it.download.opened(ALICE, preferred=True)
    best = ledger.tree.get(BRANCH[-1].hash)
    assert best is not None
    it.show(ALICE, best.hash)
    order: list[BlockHash] = []
    while it.update():
        for block_hash in it.asked.pop(ALICE):
            order.append(block_hash)
            it.download.arrived(ALICE, block_hash, NOW)
            it.ledger.stored.add(block_hash)  # Stored; the branch has not overtaken yet.
            it.download.validated(block_hash, True)
    assert order == [header.hash for header in BRANCH]
    assert it.download.synced_blocks(ALICE) == 1200


STEPS = st.lists(
    st.tuples(st.sampled_from(("arrive", "close", "update", "notfound")), st.integers(0, 40)),
    max_size=60,
)


@settings(max_examples=60)
@given(STEPS)
def test_no_block_is_forgotten_or_asked_of_two(steps: list[tuple[str, int]]) -> None:
    it = fixture()
    short = 120
    serial = 0
    owed: dict[PeerId, list[BlockHash]] = {}

    def join() -> None:
        nonlocal serial
        it.open(PeerId(serial), height=short)
        owed[PeerId(serial)] = []
        serial += 1

    def ask() -> None:
        it.asked = owed
        it.update()

    for _ in range(3):
        join()
    for verb, number in steps:
        peers = list(owed)
        peer = peers[number % len(peers)]
        match verb:
            case "arrive" if owed[peer]:
                it.arrive(peer, owed[peer].pop(number % len(owed[peer])))
            case "notfound" if owed[peer]:
                it.download.notfound(peer, owed[peer].pop(), NOW)
                it.download.closed(peer, NOW)
                del owed[peer]
                join()
            case "close":
                it.download.closed(peer, NOW)
                del owed[peer]
                join()
        ask()
        flat = [block_hash for hashes in owed.values() for block_hash in hashes]
        assert len(flat) == len(set(flat)) == it.download.in_flight_total
        assert not set(flat) & it.ledger.stored
    for _ in range(2 * short):
        for peer in list(owed):
            while owed[peer]:
                it.arrive(peer, owed[peer].pop())
        ask()
    assert it.ledger.active.height == short


def test_a_block_costs_little() -> None:
    """The bound is wide: a busy machine must not fail it, a scan of the window must."""
    it = fixture()
    for number in range(8):
        it.open(PeerId(number))
    it.update()
    busy = 0.0
    count = 0
    while any(it.asked.values()):
        for peer in list(it.asked):
            pending, it.asked[peer] = it.asked[peer], []
            for block_hash in pending:
                entry = it.ledger.tree.get(block_hash)
                assert entry is not None
                start = perf_counter()
                it.download.arrived(peer, block_hash, NOW)
                busy += perf_counter() - start
                it.arrive(peer, block_hash)
                start = perf_counter()
                actions = it.download.update(NOW)
                it.download.deadline()
                busy += perf_counter() - start
                it.note(actions)
                count += 1
    assert count == 1500
    per_block_us = busy / count * 1e6
    print(f"{per_block_us:.1f} us a block")
    assert per_block_us < 500


def test_an_unknown_peer_harms_nothing() -> None:
    it = fixture()
    it.download.closed(ALICE, NOW)
    it.download.notfound(ALICE, CHAIN[0].hash, NOW)
    assert not it.download.arrived(ALICE, CHAIN[0].hash, NOW)
    assert it.download.validated(CHAIN[0].hash, True) is None
    assert it.download.inflight(ALICE) == []
    assert it.download.synced_blocks(ALICE) == -1


def test_a_request_is_timed_from_when_it_was_made() -> None:
    it = fixture()
    it.open(ALICE)
    it.update()
    assert it.download.deadline() == NOW + RELIEF_AFTER
    it.download.tick(NOW + RELIEF_AFTER)
    assert it.download.tick(NOW + TIMEOUT_BASE - 1) == []
    assert it.download.tick(NOW + TIMEOUT_BASE)


def test_a_peer_that_comes_onto_another_branch_is_asked_from_where_it_parts() -> None:
    it = fixture()
    ledger = it.ledger
    ledger.connect(ledger.learn(BRANCH[:15]))  # Neither branch of the peer is active.
    ledger.learn(third := mine_headers(CHAIN[9], 60, salt=3))
    ledger.stored.update(header.hash for header in CHAIN[:20])
    it.open(ALICE, height=22)
    it.update()
    assert heights(it.asked[ALICE]) == [21, 22]
    it.show(ALICE, third[-1].hash)
    it.update()
    assert it.asked[ALICE][2:] == [header.hash for header in third[:14]]


# The edges of its rules.


def test_an_old_tip_is_not_near_the_end() -> None:
    it = near_tip()
    it.open(ALICE)
    tip = it.ledger.tip
    old = (tip.time + DIRECT_FETCH_AGE) * SECOND
    assert it.download.announced(ALICE, it.best(ALICE), old) == []
    assert it.download.announced(ALICE, it.best(ALICE), old - SECOND)


def test_less_work_than_our_tip_is_no_news() -> None:
    for length, asked in ((6, 0), (7, 7)):  # Our tip is at 1498.
        it = near_tip()
        it.open(ALICE)
        branch = it.ledger.learn(mine_headers(CHAIN[1490], length, salt=9))
        it.note(it.download.announced(ALICE, branch[-1], NOW))
        assert len(it.asked.get(ALICE, [])) == asked


def test_a_large_reorganisation_is_left_for_later() -> None:
    for length, asked in ((MAX_IN_FLIGHT, MAX_IN_FLIGHT), (MAX_IN_FLIGHT + 2, 0)):
        it = near_tip()
        it.open(ALICE)
        fork = mine_headers(CHAIN[1497 - length], length + 1, salt=3)
        entry = it.ledger.learn(fork)[-1]
        it.note(it.download.announced(ALICE, entry, NOW))
        assert len(it.asked.get(ALICE, [])) == asked


def test_an_invalid_block_is_not_asked_for_when_it_is_announced() -> None:
    it = near_tip()
    it.open(ALICE)
    it.ledger.tree.mark_invalid(it.best(ALICE).hash)
    assert it.download.announced(ALICE, it.best(ALICE), NOW) == []


def test_a_chain_of_less_than_the_least_work_is_not_downloaded() -> None:
    for more, asked in ((0, True), (1, False)):
        it = fixture()
        it.open(ALICE, height=100)
        it.ledger.minimum_chainwork = it.best(ALICE).chainwork + more
        assert bool(it.update()) is asked


def test_a_limited_peer_is_asked_for_no_more_than_it_keeps() -> None:
    it = fixture()
    it.ledger.connect([e for h in CHAIN[:1200] if (e := it.ledger.tree.get(h.hash)) is not None])
    it.ledger.initial_sync = False
    it.open(CAROL, limited=True)
    it.update()
    assert heights(it.asked[CAROL])[0] == 1500 - LIMITED_DEPTH + 1


def test_the_time_to_stall_doubles_up_to_a_minute_and_shrinks_again() -> None:
    it = fixture()
    holder, now, waits = fill_window(it), NOW, []
    peers = [ALICE, BOB]
    for number in range(8):
        drops: list[DisconnectPeer] = []
        while not drops:
            due = it.download.deadline() or 0
            drops = [a for a in it.download.tick(due) if isinstance(a, DisconnectPeer)]
        assert [drop.peer for drop in drops] == [holder]
        waits.append(due - now)
        it.download.closed(holder, due)
        peers.remove(holder)
        peers.append(PeerId(10 + number))
        it.open(peers[-1])
        now = due
        it.download.update(now)
        it.download.update(now)  # Whoever has nothing to do now says whom it waits for.
        (holder,) = [peer for peer in peers if 1 in it.download.inflight(peer)]
    assert [wait // SECOND for wait in waits] == [2, 4, 8, 16, 32, 64, 64, 64]
    for header in CHAIN[:100]:
        it.download.validated(header.hash, True)
    assert it.download._in_flight._stall_timeout == STALL_MIN


def test_a_block_lets_a_stalling_peer_off() -> None:
    it = fixture()
    slow = fill_window(it)
    it.arrive(slow, CHAIN[0].hash, NOW + SECOND)
    it.download.tick(NOW + SECOND)
    assert not any(isinstance(a, DisconnectPeer) for a in it.download.tick(NOW + STALL_MIN))


def test_a_peer_that_waits_for_its_own_block_does_not_stall() -> None:
    it = fixture()
    it.open(ALICE)
    for header in CHAIN[1 : WINDOW + 1]:
        it.ledger.stored.add(header.hash)
    it.update()
    assert heights(it.asked[ALICE])[0] == 1
    assert it.update(NOW + STALL_MIN) == []
    assert it.download.deadline() == NOW + TIMEOUT_BASE


def test_the_operator_has_a_block_asked_of_whom_he_names() -> None:
    it = fixture()
    it.ledger.learn(BRANCH[:3])
    it.open(ALICE, height=3)
    it.open(BOB, height=3)
    it.update()
    first, aside = it.ledger.tree.get(CHAIN[0].hash), it.ledger.tree.get(BRANCH[1].hash)
    assert first is not None
    assert aside is not None
    owner, other = (ALICE, BOB) if 1 in it.download.inflight(ALICE) else (BOB, ALICE)
    [action] = it.download.fetch(other, first, NOW)
    assert isinstance(action, Send)
    assert isinstance(action.message, GetData)
    assert action.peer == other
    assert [item.hash for item in action.message.items] == [first.hash]
    assert 1 not in it.download.inflight(owner)
    it.download.fetch(other, aside, NOW)
    it.download.fetch(other, aside, NOW)  # Once more is no harm.
    assert it.download.inflight(other)[-2:] == [1, 2]
    assert it.download.arrived(other, aside.hash, NOW)
    assert it.download.validated(aside.hash, True) == other
    assert it.download.inflight(other)[-1] == 1
    faults = it.download.tick(NOW + TIMEOUT_BASE + TIMEOUT_PER_PEER)
    assert other in [action.peer for action in faults if isinstance(action, DisconnectPeer)]
