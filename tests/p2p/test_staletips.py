"""Who is told of a branch that lost, and what is taken from who tells us (BIP 332)."""

from __future__ import annotations

import pytest

from axon.chain.headertree import HeaderEntry
from axon.machine import Instant, PeerId
from axon.p2p.actions import Action, Send
from axon.p2p.headerchecks import WORK_BUFFER_BLOCKS
from axon.p2p.peerchains import PeerChains
from axon.p2p.staletips import (
    FEATURE,
    MAX_FIRST,
    MAX_STALE_KNOWN,
    RECENT_WINDOW,
    StaleTips,
)
from axon.primitives.header import Header
from axon.primitives.network import REGTEST
from axon.primitives.target import target_to_bits
from axon.wire.messages import Inv, StaleTip
from axon.wire.messages.staletips import MAX_STALE_HEADERS
from tests.p2p.chains import Ledger, mine_headers

GENESIS = REGTEST.genesis.header
CHAIN = mine_headers(GENESIS, 1_200)
NOW: Instant = CHAIN[-1].time * 1_000_000
ALICE, BOB = PeerId(0), PeerId(1)
WANTS = b"\x00"


class Scene:
    """A node with a chain, and peers that have shown all of it."""

    def __init__(self, height: int = 1_200, easiest_bits: int | None = None) -> None:
        self.ledger = Ledger()
        self.ledger.connect(self.ledger.learn(CHAIN[:height]))
        self.chains = PeerChains(self.ledger.tree)
        self.stale = StaleTips(self.ledger, self.chains, easiest_bits)

    def branch(self, below: int, length: int = 1, salt: int = 1) -> list[HeaderEntry]:
        """A branch that leaves the active chain so far below its tip."""
        fork = self.ledger.active.at(self.ledger.active.height - below)
        assert fork is not None
        return self.ledger.learn(mine_headers(fork.header, length, salt=salt))

    def open(self, peer: PeerId, data: bytes | None = WANTS, *, shows: bool = True) -> None:
        self.chains.opened(peer)
        self.stale.opened(peer, data)
        if shows:
            self.chains.shown(peer, self.ledger.tip.hash)

    def notice(self, entry: HeaderEntry) -> list[StaleTip]:
        return told(self.stale.noticed(entry, NOW))


def told(actions: list[Action]) -> list[StaleTip]:
    found = []
    for action in actions:
        assert isinstance(action, Send)
        assert isinstance(action.message, StaleTip)
        found.append(action.message)
    return found


def headers_of(entries: list[HeaderEntry]) -> tuple[Header, ...]:
    return tuple(entry.header for entry in entries)


# What is told.


def test_a_branch_that_lost_is_told_once_to_each_listener() -> None:
    it = Scene()
    it.open(ALICE)
    it.open(BOB, None)
    lost = it.branch(2, 2)
    [message] = it.notice(lost[-1])
    assert message == StaleTip(lost[0].header.prev, headers_of(lost), have_block=False)
    assert it.notice(lost[-1]) == []
    assert it.stale.tell(ALICE) == []
    longer = it.ledger.learn(mine_headers(lost[-1].header, 1, salt=2))
    assert longer[0].chainwork > it.ledger.tip.chainwork
    assert it.notice(longer[0]) == [], "it may become active yet"


@pytest.mark.parametrize("data", [None, b"", b"\x02", b"\x00\x00"])
def test_who_has_not_said_so_properly_is_told_nothing(data: bytes | None) -> None:
    it = Scene()
    it.open(ALICE, data)
    assert it.notice(it.branch(1)[-1]) == []
    message = StaleTip(CHAIN[-2].hash, tuple(mine_headers(CHAIN[-2], 1, salt=3)), True)
    assert it.stale.received(ALICE, message, NOW) == ()


def test_what_we_say_of_ourselves() -> None:
    assert (FEATURE.feature_id, FEATURE.data) == ("BIP332", b"\x00")


def test_a_listener_is_told_when_it_has_shown_where_the_branch_begins() -> None:
    it = Scene()
    it.open(ALICE, shows=False)
    lost = it.branch(5, 3)
    assert it.notice(lost[-1]) == []
    it.chains.shown(ALICE, CHAIN[-7].hash)
    assert it.stale.tell(ALICE) == [], "it has shown an older block than that"
    it.chains.shown(ALICE, CHAIN[-6].hash)
    [message] = told(it.stale.tell(ALICE))
    assert message.fork_point == CHAIN[-6].hash


def test_only_what_it_lacks_of_a_branch_is_told() -> None:
    it = Scene()
    lost = it.branch(4, 3)
    it.open(ALICE, shows=False)
    it.chains.shown(ALICE, lost[0].hash)
    [message] = it.notice(lost[-1])
    assert message == StaleTip(lost[0].hash, headers_of(lost[1:]), have_block=False)
    it.open(BOB, shows=False)
    it.chains.shown(BOB, lost[-1].hash)
    assert it.stale.tell(BOB) == [], "it has all of it"


def test_the_longest_branch_and_the_oldest() -> None:
    it = Scene()
    it.open(ALICE)
    assert it.notice(it.branch(50, MAX_STALE_HEADERS + 1)[-1]) == []
    [message] = it.notice(it.branch(50, MAX_STALE_HEADERS, salt=2)[-1])
    assert len(message.headers) == MAX_STALE_HEADERS
    assert it.notice(it.branch(RECENT_WINDOW + 2, salt=3)[-1]) == []
    assert len(it.notice(it.branch(RECENT_WINDOW + 1, salt=4)[-1])) == 1


def test_no_stale_tip_active_invalid_or_inner() -> None:
    it = Scene()
    it.open(ALICE)
    assert it.notice(it.ledger.tip) == []
    bad = it.branch(3)[-1]
    it.ledger.tree.mark_invalid(bad.hash)
    assert it.notice(bad) == []
    lost = it.branch(3, 2, salt=5)
    assert len(it.notice(lost[-1])) == 1
    assert it.notice(lost[0]) == [], "something builds on it"


def test_tips_that_cost_nothing_are_told_nobody() -> None:
    it = Scene(easiest_bits=target_to_bits(REGTEST.pow_limit))
    it.open(ALICE)
    assert it.notice(it.branch(1)[-1]) == []


def test_a_newcomer_is_told_of_the_last_and_strongest() -> None:
    it = Scene()
    weak = [it.branch(20 + salt, salt=salt)[-1] for salt in range(1, 4)]
    strong = [it.branch(1, salt=salt)[-1] for salt in range(10, 10 + MAX_FIRST)]
    for entry in (*strong[:5], *weak, *strong[5:]):
        it.notice(entry)
    it.open(ALICE)
    assert {message.tip.hash for message in told(it.stale.tell(ALICE))} == {
        entry.hash for entry in strong
    }


def test_tips_of_the_start_are_known() -> None:
    before = Scene()
    lost = before.branch(1)[-1]
    it = Scene.__new__(Scene)
    it.ledger, it.chains = before.ledger, before.chains
    it.stale = StaleTips(it.ledger, it.chains, None, it.ledger.tree.tips())
    it.open(ALICE)
    assert [message.tip.hash for message in told(it.stale.tell(ALICE))] == [lost.hash]


def test_the_oldest_of_many_gives_way() -> None:
    it = Scene()
    for salt in range(1, MAX_STALE_KNOWN + 2):
        it.notice(it.branch(1, salt=salt)[-1])
    assert len(it.stale._known) == MAX_STALE_KNOWN


def test_while_catching_up_nothing_is_told_or_taken() -> None:
    it = Scene()
    it.open(ALICE)
    it.ledger.initial_sync = True
    assert it.notice(it.branch(1)[-1]) == []
    message = StaleTip(CHAIN[-2].hash, tuple(mine_headers(CHAIN[-2], 1, salt=7)), False)
    assert it.stale.received(ALICE, message, NOW) == ()
    assert it.stale.tip_moved((), NOW) == []


def test_each_listener_is_told_our_new_tip() -> None:
    it = Scene()
    it.open(ALICE)
    it.open(BOB)
    [action] = it.stale.tip_moved([ALICE], NOW)
    assert isinstance(action, Send)
    assert action.peer == BOB
    assert isinstance(action.message, Inv)
    assert action.message.items[0].hash == it.ledger.tip.hash


def test_of_two_that_race_the_loser_is_told_when_the_other_has_won() -> None:
    it = Scene(height=1_199)
    it.open(ALICE)
    rival = it.branch(0)[-1]
    assert it.notice(rival) == [], "nobody has won yet"
    it.ledger.connect(it.ledger.learn(CHAIN[1_199:]))
    actions = it.stale.tip_moved([ALICE], NOW)
    assert [message.tip.hash for message in told(actions)] == [rival.hash]


# What is taken.


def test_a_branch_near_our_tip_is_worth_storing_once() -> None:
    it = Scene()
    it.open(ALICE)
    it.open(BOB)
    headers = tuple(mine_headers(CHAIN[-3], 2, salt=8))
    message = StaleTip(CHAIN[-3].hash, headers, have_block=True)
    assert it.stale.received(ALICE, message, NOW) == headers
    [entry] = it.ledger.learn(list(headers))[-1:]
    [action] = it.stale.noticed(entry, NOW)
    assert isinstance(action, Send)
    assert action.peer == BOB, "who told us is not told"
    assert it.stale.received(BOB, message, NOW) == ()


def test_an_unknown_beginning_and_too_little_work_are_passed_over() -> None:
    it = Scene()
    it.open(ALICE)
    far = mine_headers(GENESIS, 1, salt=9)[-1]
    unknown = StaleTip(far.hash, tuple(mine_headers(far, 1)), have_block=False)
    assert it.stale.received(ALICE, unknown, NOW) == ()

    def at(depth: int) -> StaleTip:
        fork = CHAIN[-1 - depth]
        return StaleTip(fork.hash, tuple(mine_headers(fork, 1, salt=10)), have_block=False)

    assert it.stale.received(ALICE, at(WORK_BUFFER_BLOCKS + 2), NOW) == ()
    assert len(it.stale.received(ALICE, at(WORK_BUFFER_BLOCKS + 1), NOW)) == 1


def test_who_has_gone_is_told_nothing() -> None:
    it = Scene()
    it.open(ALICE)
    it.stale.closed(ALICE)
    it.stale.closed(BOB)
    assert it.notice(it.branch(1)[-1]) == []
