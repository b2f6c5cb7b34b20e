"""Which compact blocks are looked at, and what is asked of whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import pytest

from axon.chain.headertree import HeaderEntry
from axon.machine import HOUR, SECOND, Instant, PeerId
from axon.p2p.actions import Action, DisconnectPeer, Send
from axon.p2p.blockdownload import BlockDownload
from axon.p2p.blocksinflight import MAX_IN_FLIGHT, TIMEOUT_BASE
from axon.p2p.compactblock import CompactFault, PartialBlock, Rebuilt, compact_block, match
from axon.p2p.compactfetch import MAX_AHEAD, CompactFetch, FillRequest, MatchRequest
from axon.p2p.faults import PeerSilent, PeerViolation
from axon.p2p.highbandwidth import HighBandwidth
from axon.p2p.peerchains import PeerChains
from axon.primitives.hashes import BlockHash
from axon.primitives.network import REGTEST
from axon.wire.messages import BlockTxn, GetBlockTxn, GetData, InvItem, InvType
from tests.p2p.chains import Ledger, mine_headers
from tests.p2p.compactworld import block_of, pool_of, spend

CHAIN = mine_headers(REGTEST.genesis.header, 30)
RIVALS = mine_headers(CHAIN[8], 1, salt=1)
NOW: Instant = (CHAIN[9].time + 60) * SECOND
ALICE, BOB, CAROL, FOURTH, FIFTH = [PeerId(number) for number in range(5)]

SPENDS = [spend(number) for number in range(3)]
BODY = block_of(SPENDS)
MESSAGE = compact_block(BODY, 7)  # Of another header, which nobody looks at here.


def _partial() -> PartialBlock:
    found = match(MESSAGE, pool_of(SPENDS[:1]), ())
    assert isinstance(found, PartialBlock)
    return found


def _whole() -> Rebuilt:
    found = match(MESSAGE, pool_of(SPENDS), ())
    assert isinstance(found, Rebuilt)
    return found


PARTIAL, WHOLE = _partial(), _whole()


@dataclass
class Fixture:
    """The part with ten of thirty blocks connected, all headers known, and peers."""

    inbound: Sequence[PeerId] = ()
    ledger: Ledger = field(default_factory=Ledger)

    def __post_init__(self) -> None:
        self.entries = self.ledger.learn(CHAIN)
        (self.rival,) = self.ledger.learn(RIVALS)
        for entry in self.entries[:10]:
            self.ledger.blocks[entry.hash] = BODY
        self.ledger.connect(self.entries[:10])
        self.chains = PeerChains(self.ledger.tree)
        self.download = BlockDownload(self.ledger, self.chains, Random(1))
        self.bandwidth = HighBandwidth(blocks_only=False)
        self.part = CompactFetch(self.ledger, self.download, self.bandwidth)
        for peer in (ALICE, BOB, CAROL, FOURTH, FIFTH):
            self.chains.opened(peer)
            self.download.opened(peer, preferred=True)
            self.bandwidth.opened(peer, outbound=peer not in self.inbound)
            self.bandwidth.negotiated(peer)

    @property
    def next(self) -> HeaderEntry:
        """What follows our tip."""
        return self.entries[10]

    def receive(self, peer: PeerId, entry: HeaderEntry | None = None, now: Instant = NOW) -> object:
        """A compact block comes: what to do."""
        return self.part.received(peer, entry or self.next, MESSAGE, now)

    def ask(self, peer: PeerId) -> list[Action] | Rebuilt:
        """A compact block comes of which something is missing."""
        assert self.receive(peer) == MatchRequest(peer, MESSAGE)
        return self.part.matched(peer, self.next.hash, PARTIAL, NOW)

    def owed(self, entry: HeaderEntry | None = None) -> tuple[PeerId, ...]:
        """Who owes us a block."""
        return self.download.asked_of((entry or self.next).hash)


def block_of_header(block_hash: BlockHash) -> GetData:
    """A request for the whole block."""
    return GetData((InvItem(InvType.WITNESS_BLOCK, block_hash),))


def asks_for_rest(peer: PeerId) -> list[Action]:
    """What a peer is sent of which the missing is wanted."""
    return [Send(peer, GetBlockTxn(BODY.hash, (2, 3)))]


def blames(actions: object) -> bool:
    """Whether a peer goes for a violation."""
    assert isinstance(actions, list)
    (action,) = actions
    return isinstance(action, DisconnectPeer) and isinstance(action.fault, PeerViolation)


# What is looked at.


def test_one_on_our_tip_is_looked_at_and_counts_as_asked_for() -> None:
    it = Fixture()
    assert it.receive(ALICE) == MatchRequest(ALICE, MESSAGE)
    assert it.owed() == (ALICE,)
    assert it.download.inflight(ALICE) == [11]


def test_one_that_we_have_is_not() -> None:
    it = Fixture()
    assert it.receive(ALICE, it.entries[9]) == []
    it.ledger.blocks[it.next.hash] = BODY
    assert it.receive(ALICE) == []


def test_one_with_no_more_work_than_our_tip_is_not() -> None:
    it = Fixture()
    assert it.receive(ALICE, it.rival) == []
    it.download.take_on(ALICE, it.rival, NOW)
    assert it.receive(ALICE, it.rival) == [Send(ALICE, block_of_header(it.rival.hash))]


def test_one_that_is_known_to_be_invalid_is_not() -> None:
    it = Fixture()
    it.ledger.tree.mark_invalid(it.next.hash)
    assert it.receive(ALICE) == []


def test_with_an_old_tip_only_what_was_asked_for_is() -> None:
    it = Fixture()
    late = NOW + 4 * HOUR
    assert it.receive(ALICE, now=late) == []
    it.download.take_on(BOB, it.next, late)
    assert it.receive(ALICE, now=late) == MatchRequest(ALICE, MESSAGE)


def test_one_far_ahead_is_as_good_as_its_header() -> None:
    it = Fixture()
    near, far = it.entries[9 + MAX_AHEAD], it.entries[10 + MAX_AHEAD]
    assert it.receive(ALICE, near) == MatchRequest(ALICE, MESSAGE)
    asked = it.receive(ALICE, far)
    assert isinstance(asked, list)
    (request,) = asked
    assert isinstance(request.message, GetData)
    assert InvItem(InvType.WITNESS_BLOCK, far.hash) in request.message.items
    assert it.receive(ALICE, far) == [Send(ALICE, block_of_header(far.hash))]


def test_the_same_peer_is_heard_once() -> None:
    it = Fixture()
    it.ask(ALICE)
    assert it.receive(ALICE) == []


# What comes of it.


def test_a_whole_one_is_the_block() -> None:
    it = Fixture()
    it.receive(ALICE)
    assert it.part.matched(ALICE, it.next.hash, WHOLE, NOW) is WHOLE
    assert it.download.arrived(ALICE, it.next.hash, NOW)
    assert it.owed() == ()


def test_what_is_missing_is_asked_for_and_filled_in() -> None:
    it = Fixture()
    assert it.ask(ALICE) == asks_for_rest(ALICE)
    answer = BlockTxn.build(it.next.hash, SPENDS[1:])
    assert it.part.received_transactions(ALICE, answer, NOW) == FillRequest(ALICE, PARTIAL, answer)
    assert it.part.filled(ALICE, it.next.hash, WHOLE, NOW) is WHOLE


def test_the_answer_is_heard_while_it_is_awaited_and_not_before_or_after() -> None:
    it = Fixture()
    answer = BlockTxn.build(it.next.hash, SPENDS[1:])
    assert it.part.received_transactions(ALICE, answer, NOW) == []
    it.receive(ALICE)
    assert it.part.received_transactions(ALICE, answer, NOW) == []
    it.part.matched(ALICE, it.next.hash, PARTIAL, NOW)
    assert it.part.received_transactions(BOB, answer, NOW) == []
    it.part.received_transactions(ALICE, answer, NOW)
    assert it.part.received_transactions(ALICE, answer, NOW) == []
    it.part.filled(ALICE, it.next.hash, WHOLE, NOW)
    assert it.part.received_transactions(ALICE, answer, NOW) == []


def test_an_answer_that_cannot_be_read_is_left_out() -> None:
    it = Fixture()
    it.ask(ALICE)
    answer = BlockTxn.build(it.next.hash, SPENDS[1:])
    it.part.received_transactions(ALICE, answer, NOW)
    assert it.part.filled(ALICE, it.next.hash, CompactFault.UNREADABLE, NOW) == []
    assert it.part.received_transactions(ALICE, answer, NOW) == FillRequest(ALICE, PARTIAL, answer)


def test_an_invalid_one_ends_the_connection_and_others_are_asked() -> None:
    it = Fixture()
    it.receive(ALICE)
    assert blames(it.part.matched(ALICE, it.next.hash, CompactFault.INVALID, NOW))
    assert it.owed() == ()
    assert it.ask(BOB) == asks_for_rest(BOB)


def test_one_that_cannot_be_read_is_owed_by_nobody() -> None:
    it = Fixture()
    it.receive(ALICE)
    assert it.part.matched(ALICE, it.next.hash, CompactFault.UNREADABLE, NOW) == []
    assert it.owed() == ()


@pytest.mark.parametrize("filling", [False, True])
def test_one_that_is_another_block_makes_us_ask_for_it(filling: bool) -> None:
    it = Fixture()
    block_hash = it.next.hash
    if filling:
        it.ask(ALICE)
        it.part.received_transactions(ALICE, BlockTxn.build(block_hash, ()), NOW)
        found = it.part.filled(ALICE, block_hash, CompactFault.FAILED, NOW)
    else:
        it.receive(ALICE)
        found = it.part.matched(ALICE, block_hash, CompactFault.FAILED, NOW)
    assert found == [Send(ALICE, block_of_header(block_hash))]
    assert it.owed() == (ALICE,)
    assert it.receive(ALICE) == [], "no second compact block"
    assert blames(it.part.received_transactions(ALICE, BlockTxn.build(block_hash, ()), NOW))
    assert it.owed() == ()


def test_of_one_that_is_not_first_the_block_is_not_asked_for() -> None:
    it = Fixture()
    it.ask(ALICE)
    it.receive(BOB)
    assert it.part.matched(BOB, it.next.hash, CompactFault.FAILED, NOW) == []
    assert it.owed() == (ALICE,)


# Several peers.


def test_others_are_asked_too_if_we_chose_them() -> None:
    it = Fixture()
    it.bandwidth.brought(BOB)
    assert it.ask(ALICE) == asks_for_rest(ALICE)
    assert it.ask(BOB) == asks_for_rest(BOB)
    assert it.ask(CAROL) == [], "it was not chosen"
    assert it.owed() == (ALICE, BOB)


def test_the_last_place_is_kept_for_whom_we_dialled() -> None:
    it = Fixture(inbound=(ALICE, BOB, CAROL))
    for peer in (BOB, CAROL, FOURTH):
        it.bandwidth.brought(peer)
    assert it.ask(ALICE)
    assert it.ask(BOB)
    assert it.ask(CAROL) == []
    assert it.ask(FOURTH) == asks_for_rest(FOURTH)
    assert it.owed() == (ALICE, BOB, FOURTH)


def test_who_dialled_us_may_be_last_if_one_that_we_dialled_is_asked() -> None:
    it = Fixture(inbound=(BOB, CAROL))
    for peer in (BOB, CAROL):
        it.bandwidth.brought(peer)
    for peer in (ALICE, BOB, CAROL):
        assert it.ask(peer) == asks_for_rest(peer)
    assert it.owed() == (ALICE, BOB, CAROL)


@pytest.mark.parametrize("outcome", [PARTIAL, CompactFault.FAILED, CompactFault.INVALID, WHOLE])
def test_when_three_are_asked_a_fourth_is_only_tried_and_only_once(
    outcome: PartialBlock | Rebuilt | CompactFault,
) -> None:
    it = Fixture()
    for peer in (ALICE, BOB, CAROL):
        it.bandwidth.brought(peer)
        it.ask(peer)
    assert it.receive(FOURTH) == MatchRequest(FOURTH, MESSAGE)
    found = it.part.matched(FOURTH, it.next.hash, outcome, NOW)
    assert it.owed() == (ALICE, BOB, CAROL)
    if outcome is WHOLE:
        assert found is WHOLE
        return
    assert blames(found) if outcome is CompactFault.INVALID else found == []
    assert it.receive(FOURTH) == [], "it costs as much each time"


def test_strangers_whose_blocks_are_looked_at_take_no_place_of_one_that_we_dialled() -> None:
    it = Fixture(inbound=(ALICE, BOB, CAROL))
    it.bandwidth.brought(FOURTH)
    assert it.ask(ALICE) == asks_for_rest(ALICE)
    for peer in (BOB, CAROL, FOURTH):
        assert it.receive(peer) == MatchRequest(peer, MESSAGE)
    assert it.part.matched(FOURTH, it.next.hash, PARTIAL, NOW) == asks_for_rest(FOURTH)
    assert it.owed() == (ALICE, FOURTH)


def test_who_was_tried_in_vain_is_heard_again_when_it_is_asked() -> None:
    it = Fixture()
    it.ask(ALICE)
    assert it.ask(BOB) == []
    it.part.closed(ALICE)
    it.download.closed(ALICE, NOW)
    it.download.take_on(BOB, it.next, NOW)
    assert it.ask(BOB) == asks_for_rest(BOB)


def test_who_owes_us_too_much_is_only_tried() -> None:
    it = Fixture()
    for entry in it.entries[11 : 11 + MAX_IN_FLIGHT]:
        it.download.take_on(ALICE, entry, NOW)
    assert it.ask(ALICE) == []
    assert it.owed() == ()


def test_what_came_otherwise_meanwhile_ends_it() -> None:
    it = Fixture()
    it.ask(ALICE)
    it.receive(BOB)
    it.ledger.blocks[it.next.hash] = BODY
    it.download.settled(it.next.hash, NOW)
    it.part.settled(it.next.hash)
    answer = BlockTxn.build(it.next.hash, SPENDS[1:])
    assert it.part.received_transactions(ALICE, answer, NOW) == []
    assert it.part.matched(BOB, it.next.hash, WHOLE, NOW) == []
    assert it.owed() == ()


def test_what_is_not_owed_any_more_is_forgotten() -> None:
    it = Fixture()
    it.receive(ALICE)
    it.download.give_up(ALICE, it.next.hash, NOW)
    assert it.part.matched(ALICE, it.next.hash, PARTIAL, NOW) == []
    assert it.receive(ALICE) == MatchRequest(ALICE, MESSAGE)


def test_who_goes_is_forgotten() -> None:
    it = Fixture()
    it.receive(ALICE)
    it.part.closed(ALICE)
    it.download.closed(ALICE, NOW)
    assert it.part.matched(ALICE, it.next.hash, WHOLE, NOW) == []
    assert it.ask(BOB) == asks_for_rest(BOB)


def test_who_announces_and_never_delivers_has_no_more_time_than_others() -> None:
    it = Fixture()
    it.chains.shown(BOB, it.next.hash)
    it.ask(ALICE)
    actions = it.download.tick(NOW + TIMEOUT_BASE)
    ended = [each for each in actions if isinstance(each, DisconnectPeer)]
    assert [each.peer for each in ended] == [ALICE]
    assert isinstance(ended[0].fault, PeerSilent)
    it.part.closed(ALICE)
    it.download.closed(ALICE, NOW)
    assert it.download.update(NOW + TIMEOUT_BASE) == [Send(BOB, block_of_header(it.next.hash))]
