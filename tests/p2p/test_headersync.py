"""Whose headers are asked for, which are worth storing, and how our own tip is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import pytest

from axon.machine import MINUTE, SECOND, Instant, PeerId
from axon.p2p.actions import Action, DisconnectPeer, Send
from axon.p2p.chainlag import ANSWER_TIMEOUT, CHAIN_SYNC_TIMEOUT, MAX_PROTECTED
from axon.p2p.faults import PeerFault, PeerSilent, PeerViolation
from axon.p2p.headersync import HeaderSync
from axon.p2p.peerchains import PeerChains
from axon.p2p.syncpeers import NEXT_AFTER, RESPONSE_TIME, SYNC_TIMEOUT
from axon.p2p.views import locator
from axon.primitives.hashes import BlockHash
from axon.primitives.header import Header
from axon.primitives.network import REGTEST
from axon.primitives.target import meets_target, work
from axon.primitives.verdict import Rejected
from axon.wire.messages import GetHeaders, Headers, Message, SendHeaders
from axon.wire.messages.headers import MAX_HEADERS
from tests.p2p.chains import BITS, START_S, Ledger, mine, mine_headers

GENESIS = REGTEST.genesis.header
LONG = mine_headers(GENESIS, 4100)
ALICE, BOB, CAROL = PeerId(0), PeerId(1), PeerId(2)
EACH = work(BITS)
NOW: Instant = (LONG[-1].time + 60) * SECOND
MUCH_LATER: Instant = NOW + 365 * 24 * 60 * MINUTE


@dataclass
class Fixture:
    """A header sync with the ledger that it reads; does what the node does around it."""

    ledger: Ledger
    chains: PeerChains
    sync: HeaderSync

    def open(
        self,
        peer: PeerId,
        now: Instant,
        *,
        outbound: bool = True,
        manual: bool = False,
        noban: bool = False,
    ) -> list[Message]:
        actions = self.sync.opened(
            peer,
            outbound=outbound and not manual,
            preferred=outbound,
            now=now,
            noban=noban,
        )
        return sent(actions, peer)

    def receive(self, peer: PeerId, headers: Sequence[Header], now: Instant) -> list[Action]:
        found = self.sync.received(peer, Headers(tuple(headers)), now)
        actions: list[Action] = []
        if found:
            tree = self.ledger.tree
            verdict = tree.add_chain(found, now)
            rejected = verdict.rejected
            lost = rejected is not None and rejected.reason == "prev-blk-not-found"
            actions = self.sync.validated(peer, verdict.last, len(headers), lost, rejected, now)
        due = self.sync.deadline()
        return actions + (self.sync.tick(now) if due is not None and due <= now else [])


def fixture(
    known: Sequence[Header] = (),
    minimum_chainwork: int = 0,
    patience: Instant | None = None,
) -> Fixture:
    ledger = Ledger(minimum_chainwork)
    if known:
        ledger.connect(ledger.learn(list(known)))
    chains = PeerChains(ledger.tree)
    return Fixture(ledger, chains, HeaderSync(ledger, chains, Random(1), patience=patience))


def sent(actions: Sequence[Action], peer: PeerId) -> list[Message]:
    return [item.message for item in actions if isinstance(item, Send) and item.peer == peer]


def asked(messages: Sequence[Message]) -> bool:
    return any(isinstance(message, GetHeaders) for message in messages)


# Whose headers are asked for.


def test_the_first_sync_is_with_one_preferred_peer() -> None:
    it = fixture()
    assert asked(it.open(BOB, MUCH_LATER))
    assert not asked(it.open(ALICE, MUCH_LATER))
    actions = it.sync.closed(BOB, MUCH_LATER)
    assert sent(actions, ALICE) == [GetHeaders((GENESIS.hash,))]


def test_a_light_client_asks_another_when_the_first_does_not_answer() -> None:
    it = fixture(patience=SECOND)
    assert asked(it.open(BOB, MUCH_LATER))
    assert not asked(it.open(ALICE, MUCH_LATER))
    assert it.sync.deadline() == MUCH_LATER + SECOND
    assert it.sync.tick(MUCH_LATER + SECOND - 1) == []
    actions = it.sync.tick(MUCH_LATER + SECOND)
    assert asked(sent(actions, ALICE))
    assert not sent(actions, BOB), "it may still answer"
    actions = it.receive(BOB, LONG[:MAX_HEADERS], MUCH_LATER + SECOND)
    assert asked(sent(actions, BOB)), "whoever answers goes on"


def test_a_full_node_waits_for_the_first() -> None:
    it = fixture()
    it.open(BOB, MUCH_LATER)
    it.open(ALICE, MUCH_LATER)
    assert not asked(sent(it.sync.tick(MUCH_LATER + MINUTE), ALICE))


def test_an_inbound_peer_is_asked_where_there_is_no_other() -> None:
    assert asked(fixture().open(ALICE, MUCH_LATER, outbound=False))


def test_near_today_every_peer_is_asked_from_one_before_the_best() -> None:
    it = fixture(LONG[:50])
    now = (LONG[49].time + 60) * SECOND
    for peer in (ALICE, BOB, CAROL):
        (message,) = it.open(peer, now, outbound=peer == ALICE)
        assert isinstance(message, GetHeaders)
        assert message.locator[0] == LONG[48].hash
        assert message.locator[-1] == GENESIS.hash


def test_a_recent_best_header_opens_the_sync_to_all() -> None:
    it = fixture()
    it.open(ALICE, NOW)
    it.open(BOB, NOW)
    actions = it.receive(ALICE, LONG[:MAX_HEADERS], NOW)
    assert not asked(sent(actions, BOB))
    actions = it.receive(ALICE, LONG[MAX_HEADERS : 2 * MAX_HEADERS], NOW)
    assert asked(sent(actions, BOB))
    it.receive(ALICE, LONG[2 * MAX_HEADERS :], NOW)
    assert it.chains.height(ALICE) == 4100
    assert it.chains.height(BOB) == -1


def test_a_full_message_brings_the_next_request() -> None:
    it = fixture()
    it.open(ALICE, NOW)
    actions = it.receive(ALICE, LONG[:MAX_HEADERS], NOW)
    requests = [item for item in sent(actions, ALICE) if isinstance(item, GetHeaders)]
    assert requests[0].locator[0] == LONG[MAX_HEADERS - 1].hash
    assert not asked(sent(it.receive(ALICE, LONG[MAX_HEADERS : MAX_HEADERS + 5], NOW), ALICE))


def test_the_locator_is_short_and_ends_at_the_root() -> None:
    it = fixture(LONG)
    hashes = locator(it.ledger.tree, it.ledger.tree.best)
    assert (hashes[0], hashes[-1]) == (it.ledger.tree.best.hash, it.ledger.tree.genesis.hash)
    assert len(hashes) < 25


def test_a_silent_sync_peer_is_dropped_if_there_are_others() -> None:
    it = fixture()
    now = (START_S + 10) * SECOND
    it.open(ALICE, now, manual=True)
    due = it.sync.deadline()
    assert due is not None
    assert due >= now + SYNC_TIMEOUT
    assert it.sync.tick(due - 1) == []
    assert it.sync.tick(due) == []  # It is all we have.
    it.open(BOB, due, manual=True)
    later = due + 2 * MINUTE
    actions = it.sync.tick(later)
    assert isinstance(actions[0], DisconnectPeer)
    assert isinstance(actions[0].fault, PeerSilent)
    assert asked(sent(it.sync.closed(ALICE, later), BOB))


def test_a_peer_that_has_no_more_makes_room_for_the_next() -> None:
    it = fixture()
    it.open(ALICE, MUCH_LATER)
    it.open(BOB, MUCH_LATER)
    it.open(CAROL, MUCH_LATER)
    assert it.receive(ALICE, [], MUCH_LATER) == []
    soon = MUCH_LATER + NEXT_AFTER
    assert [action.peer for action in it.sync.tick(soon)] in ([BOB], [CAROL])
    chain = LONG[:10]
    second = BOB if it.sync._sync.is_syncing(BOB) else CAROL
    it.receive(second, chain, soon)
    last = CAROL if second == BOB else BOB
    assert asked(sent(it.sync.tick(soon + NEXT_AFTER), last))
    assert it.receive(last, [], soon + NEXT_AFTER) == []


def test_until_then_each_block_announced_makes_us_ask_exactly_one_more() -> None:
    it = fixture()
    for peer in (ALICE, BOB, CAROL):
        it.open(peer, MUCH_LATER)
    (first,) = [peer for peer in (ALICE, BOB, CAROL) if it.sync._sync.is_syncing(peer)]
    it.receive(first, [], MUCH_LATER)  # So it may be asked again.
    for number in (1, 2):
        block = BlockHash(bytes([number]) * 32)
        told = [it.sync.announced(peer, block, MUCH_LATER) for peer in (ALICE, BOB, CAROL)]
        them = [action.peer for actions in told for action in actions]
        assert them.count(first) == (number == 1)  # Then its answer is awaited.
        assert len(them) - them.count(first) == 1


def test_a_trusted_silent_peer_only_loses_its_turn() -> None:
    it = fixture()
    it.open(ALICE, MUCH_LATER, noban=True)
    it.open(BOB, MUCH_LATER)
    due = MUCH_LATER + 60 * MINUTE + SYNC_TIMEOUT * 3
    actions = it.sync.tick(due)
    assert not any(isinstance(action, DisconnectPeer) for action in actions)
    assert asked([item.message for item in actions if isinstance(item, Send)])


# What is worth storing.


def test_headers_that_do_not_connect_to_each_other_are_a_violation() -> None:
    it = fixture()
    it.open(ALICE, NOW)
    with pytest.raises(PeerViolation, match="builds on"):
        it.receive(ALICE, [LONG[0], LONG[2]], NOW)


def test_too_many_headers_are_a_violation() -> None:
    it = fixture()
    it.open(ALICE, NOW)
    with pytest.raises(PeerViolation, match="at most"):
        it.receive(ALICE, LONG[: MAX_HEADERS + 1], NOW)


def test_an_invalid_header_is_a_violation() -> None:
    it = fixture()
    it.open(ALICE, NOW)
    wrong = mine(GENESIS.hash, GENESIS.time - 5)
    with pytest.raises(PeerViolation, match="time-too-old"):
        it.receive(ALICE, [wrong], NOW)


def test_a_header_from_the_future_is_no_crime() -> None:
    it = fixture()
    it.open(ALICE, NOW)
    early = mine(GENESIS.hash, NOW // SECOND + 3 * 3600)
    assert it.receive(ALICE, [early], NOW) == []


def test_a_known_invalid_block_is_held_against_those_we_chose() -> None:
    it = fixture()
    it.open(ALICE, NOW)
    it.open(BOB, NOW, outbound=False)
    again = Rejected("duplicate-invalid")
    assert it.sync.validated(BOB, None, 1, False, again, NOW) == []
    with pytest.raises(PeerViolation):
        it.sync.validated(ALICE, None, 1, False, again, NOW)


def test_unconnecting_headers_ask_for_what_is_between_but_not_too_often() -> None:
    it = fixture(LONG[:10])
    now = NOW
    it.open(ALICE, now)
    it.receive(ALICE, [], now)
    assert asked(sent(it.receive(ALICE, [LONG[20]], now), ALICE))
    assert not asked(sent(it.receive(ALICE, [LONG[21]], now), ALICE))
    later = now + RESPONSE_TIME + 1
    assert asked(sent(it.receive(ALICE, [LONG[22]], later), ALICE))
    assert it.chains.height(ALICE) == -1
    it.ledger.learn(LONG[10:23])  # From somebody else.
    assert it.chains.height(ALICE) == 23


def test_unconnecting_headers_must_prove_their_work() -> None:
    it = fixture()
    it.open(ALICE, NOW)
    nonce = 0
    while True:
        header = Header.build(4, BlockHash(bytes(31) + b"\1"), bytes(32), START_S, BITS, nonce)
        if header.hash[-1] & 0x80:
            break
        nonce += 1
    with pytest.raises(PeerViolation, match="work"):
        it.sync.received(ALICE, Headers((header,)), NOW)


def test_a_short_chain_of_little_work_is_not_stored() -> None:
    it = fixture(minimum_chainwork=EACH * 4000)
    it.open(ALICE, NOW)
    assert it.sync.received(ALICE, Headers(tuple(LONG[:100])), NOW) == ()
    assert len(it.ledger.tree) == 1


def test_a_long_chain_is_stored_only_after_it_showed_its_work() -> None:
    it = fixture(minimum_chainwork=EACH * 3900)
    (first,) = it.open(ALICE, NOW)
    assert isinstance(first, GetHeaders)
    sizes: list[int] = []
    heights: list[int] = []
    request, position = first, 0
    for _ in range(6):
        known = {header.hash: place + 1 for place, header in enumerate(LONG)}
        position = next(known.get(name, 0) for name in request.locator)
        answer = LONG[position : position + MAX_HEADERS]
        found = sent(it.receive(ALICE, answer, NOW), ALICE)
        sizes.append(len(it.ledger.tree))
        heights.append(it.sync.presynced_headers(ALICE))
        requests = [item for item in found if isinstance(item, GetHeaders)]
        if not requests:
            break
        request = requests[0]
    assert sizes == [1, 1, 2001, 4001, 4101]
    assert heights == [2000, 4000, 4000, -1, -1]  # As far as the first reading came.
    assert it.sync.presynced_headers(ALICE) == -1
    assert it.chains.height(ALICE) == 4100


@pytest.mark.parametrize("place", [0, 1])
def test_headers_that_are_read_twice_must_prove_their_work(place: int) -> None:
    it = fixture(minimum_chainwork=EACH * 3900)
    it.open(ALICE, NOW)
    if place:
        it.receive(ALICE, LONG[:MAX_HEADERS], NOW)
        assert it.sync.presynced_headers(ALICE) == MAX_HEADERS
    batch = LONG[place * MAX_HEADERS : (place + 1) * MAX_HEADERS]
    last = batch[-1]
    fields = (last.version, last.prev, last.merkle_root, last.time, last.bits)
    workless = next(
        header
        for header in (Header.build(*fields, nonce) for nonce in range(1_000))
        if not meets_target(header.hash, header.bits)
    )
    with pytest.raises(PeerViolation, match="work"):
        it.receive(ALICE, [*batch[:-1], workless], NOW)
    assert len(it.ledger.tree) == 1


def test_a_peer_that_goes_while_its_chain_is_read_is_asked_no_more() -> None:
    it = fixture(minimum_chainwork=EACH * 3900)
    it.open(ALICE, NOW)
    it.sync.received(ALICE, Headers(tuple(LONG[:MAX_HEADERS])), NOW)
    assert it.sync.deadline() == 0, "the next headers are to be asked for"
    it.sync.closed(ALICE, NOW)
    assert it.sync.deadline() != 0
    assert it.sync.tick(NOW) == []


def test_a_second_reading_that_differs_is_not_stored() -> None:
    it = fixture(minimum_chainwork=EACH * 3900)
    it.open(ALICE, NOW)
    it.receive(ALICE, LONG[:MAX_HEADERS], NOW)
    assert it.sync.presynced_headers(ALICE) == MAX_HEADERS
    it.receive(ALICE, LONG[MAX_HEADERS : 2 * MAX_HEADERS], NOW)
    other = mine_headers(GENESIS, MAX_HEADERS, salt=1)
    it.receive(ALICE, other, NOW)
    assert len(it.ledger.tree) == 1
    assert it.sync.presynced_headers(ALICE) == -1


def test_a_poor_chain_must_prove_its_work_even_if_it_is_not_stored() -> None:
    it = fixture(minimum_chainwork=EACH * 4000)
    it.open(ALICE, NOW)
    nonce = 0
    while (header := Header.build(4, GENESIS.hash, bytes(32), START_S, BITS, nonce)).hash[-1] < 128:
        nonce += 1
    with pytest.raises(PeerViolation, match="work"):
        it.sync.received(ALICE, Headers((header,)), NOW)


def test_a_chain_of_just_enough_work_is_stored() -> None:
    for enough, stored in ((101, 101), (102, 1)):
        it = fixture(minimum_chainwork=EACH * enough)
        it.open(ALICE, NOW)
        it.receive(ALICE, LONG[:100], NOW)
        assert len(it.ledger.tree) == stored


def test_a_fork_may_be_a_day_behind_our_tip() -> None:
    for length, stored in ((56, True), (55, False)):  # Of 200 blocks, all but 144.
        it = fixture(LONG[:200])
        it.open(ALICE, NOW)
        fork = mine_headers(GENESIS, length, salt=1)
        it.receive(ALICE, fork, NOW)
        assert (it.ledger.tree.get(fork[0].hash) is not None) is stored


def test_nothing_more_ends_the_first_reading() -> None:
    it = fixture(minimum_chainwork=EACH * 3900)
    it.open(ALICE, NOW)
    it.receive(ALICE, LONG[:MAX_HEADERS], NOW)
    assert it.sync.presynced_headers(ALICE) == MAX_HEADERS
    it.receive(ALICE, [], NOW)
    assert it.sync.presynced_headers(ALICE) == -1


def test_a_trusted_peer_is_believed_at_once() -> None:
    it = fixture(minimum_chainwork=EACH * 4000)
    it.open(ALICE, NOW, noban=True)
    it.receive(ALICE, LONG[:100], NOW)
    assert len(it.ledger.tree) == 101


def test_an_outbound_peer_with_a_poor_chain_is_of_no_use_in_the_first_sync() -> None:
    it = fixture(LONG[:10], minimum_chainwork=EACH * 4000)
    it.ledger.initial_sync = True
    it.open(ALICE, NOW)
    with pytest.raises(PeerFault, match="too little work"):
        it.receive(ALICE, LONG[5:10], NOW)


# Telling and being told.


def test_an_inv_of_an_unknown_block_asks_for_headers() -> None:
    it = fixture(LONG[:50])
    now = (LONG[49].time + 60) * SECOND
    it.open(ALICE, now)
    it.receive(ALICE, [], now)
    assert asked(sent(it.sync.announced(ALICE, LONG[50].hash, now), ALICE))
    assert not asked(sent(it.sync.announced(ALICE, LONG[50].hash, now), ALICE))


def test_in_the_first_sync_an_inv_makes_us_ask_one_more_peer_only() -> None:
    it = fixture()
    it.open(ALICE, MUCH_LATER)
    it.open(BOB, MUCH_LATER)
    it.open(CAROL, MUCH_LATER)
    news = BlockHash(bytes([7]) * 32)
    assert asked(sent(it.sync.announced(BOB, news, MUCH_LATER), BOB))
    assert not it.sync.announced(CAROL, news, MUCH_LATER)
    assert not it.sync.announced(BOB, BlockHash(bytes([8]) * 32), MUCH_LATER)


def test_sendheaders_is_said_once_when_the_peers_chain_is_known() -> None:
    it = fixture()
    assert SendHeaders() not in it.open(ALICE, NOW)
    assert SendHeaders() in sent(it.receive(ALICE, LONG[:5], NOW), ALICE)
    assert SendHeaders() not in sent(it.receive(ALICE, LONG[5:9], NOW), ALICE)


def test_a_very_old_peer_knows_no_sendheaders() -> None:
    it = fixture()
    it.sync.opened(ALICE, outbound=True, preferred=True, now=NOW, version=70_011)
    assert SendHeaders() not in sent(it.receive(ALICE, LONG[:5], NOW), ALICE)


def test_who_was_asked_because_of_an_inv_is_not_asked_because_of_another() -> None:
    it = fixture()
    for peer in (ALICE, BOB):
        it.open(peer, MUCH_LATER)
    other = BOB if it.sync._sync.is_syncing(ALICE) else ALICE
    assert it.sync.announced(other, BlockHash(bytes([7]) * 32), MUCH_LATER)
    later = MUCH_LATER + RESPONSE_TIME + 1
    assert it.sync.announced(other, BlockHash(bytes([8]) * 32), later) == []


def test_sendheaders_waits_for_more_than_the_least_work() -> None:
    it = fixture(minimum_chainwork=EACH * 6)  # Of the genesis block and five more.
    it.open(ALICE, NOW, noban=True)
    assert SendHeaders() not in sent(it.receive(ALICE, LONG[:5], NOW), ALICE)
    assert SendHeaders() in sent(it.receive(ALICE, LONG[5:6], NOW), ALICE)


def test_news_is_a_header_that_nobody_else_has_sent_beyond_our_tip() -> None:
    it = fixture(LONG[:50])
    now = (LONG[49].time + 60) * SECOND
    for peer in (ALICE, BOB, CAROL):
        it.open(peer, now)
    it.receive(ALICE, LONG[50:51], now)
    it.receive(BOB, LONG[50:51], now)
    it.receive(CAROL, mine_headers(LONG[48], 1, salt=1), now)
    assert [it.sync.news_at(peer) for peer in (ALICE, BOB, CAROL)] == [now, 0, 0]


# Falling behind.


def behind(it: Fixture, now: Instant) -> Instant:
    due = it.sync.deadline()
    assert due == now + CHAIN_SYNC_TIMEOUT
    return due


def test_an_outbound_peer_behind_our_tip_is_asked_and_then_dropped() -> None:
    it = fixture(LONG[:200])
    now = (LONG[199].time + 60) * SECOND
    it.open(ALICE, now)
    it.receive(ALICE, [], now)
    it.sync.tick(now + SYNC_TIMEOUT + MINUTE)  # The other clock stops here.
    due = behind(it, now)
    (action,) = it.sync.tick(due)
    assert isinstance(action, Send)
    assert isinstance(action.message, GetHeaders)
    assert action.message.locator[0] == LONG[198].hash
    assert it.sync.tick(due + ANSWER_TIMEOUT - 1) == []
    (action,) = it.sync.tick(due + ANSWER_TIMEOUT)
    assert isinstance(action, DisconnectPeer)


def test_an_answer_in_time_keeps_it() -> None:
    it = fixture(LONG[:200])
    now = (LONG[199].time + 60) * SECOND
    it.open(ALICE, now)
    it.receive(ALICE, [], now)
    it.sync.tick(now + SYNC_TIMEOUT + MINUTE)
    due = behind(it, now)
    it.sync.tick(due)
    it.receive(ALICE, LONG[199:200], due)
    assert it.sync.is_protected(ALICE)
    assert it.sync.tick(due + 10 * ANSWER_TIMEOUT) == []
    assert it.sync.deadline() is None


def test_inbound_peers_may_be_behind() -> None:
    it = fixture(LONG[:200])
    now = (LONG[199].time + 60) * SECOND
    it.open(ALICE, now, outbound=False)
    it.sync.tick(now + SYNC_TIMEOUT + MINUTE)
    assert it.sync.deadline() is None


def test_only_some_are_protected() -> None:
    it = fixture(LONG[:200])
    now = (LONG[199].time + 60) * SECOND
    peers = [PeerId(number) for number in range(MAX_PROTECTED + 1)]
    for peer in peers:
        it.open(peer, now)
        it.receive(peer, LONG[199:200], now)
    assert [it.sync.is_protected(peer) for peer in peers] == [True] * MAX_PROTECTED + [False]
    assert it.sync.news_at(ALICE) == 0
    it.receive(ALICE, LONG[200:201], now)
    assert it.sync.news_at(ALICE) == now
