"""How our own tip is announced: by headers where they connect, else by an inv, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from axon.chain.headertree import HeaderEntry
from axon.machine import SECOND, Instant, PeerId
from axon.p2p.actions import Action, Send
from axon.p2p.blockannounce import MAX_ANNOUNCED, BlockAnnounce
from axon.p2p.peerchains import PeerChains
from axon.primitives.header import Header
from axon.primitives.network import REGTEST
from axon.wire.messages import Headers, Inv, InvItem, InvType, Message
from tests.p2p.chains import Ledger, mine_headers

GENESIS = REGTEST.genesis.header
LONG = mine_headers(GENESIS, 70)
ALICE, BOB, CAROL = PeerId(0), PeerId(1), PeerId(2)
NOW: Instant = (LONG[49].time + 60) * SECOND


@dataclass
class Fixture:
    """The announcements of a node with fifty blocks."""

    ledger: Ledger
    chains: PeerChains
    blocks: BlockAnnounce

    def open(self, peer: PeerId, *, prefers_headers: bool = False) -> None:
        self.chains.opened(peer)
        self.blocks.opened(peer, prefers_headers=prefers_headers)

    def connected(self, headers: Sequence[Header]) -> list[HeaderEntry]:
        entries = self.ledger.learn(list(headers))
        self.ledger.connect(entries)
        return entries


def fixture() -> Fixture:
    ledger = Ledger()
    ledger.connect(ledger.learn(LONG[:50]))
    chains = PeerChains(ledger.tree)
    return Fixture(ledger, chains, BlockAnnounce(ledger, chains))


def sent(actions: Sequence[Action], peer: PeerId) -> list[Message]:
    return [item.message for item in actions if isinstance(item, Send) and item.peer == peer]


def test_a_tip_is_told_by_headers_where_they_connect_else_by_inv() -> None:
    it = fixture()
    it.open(ALICE)
    it.open(BOB, prefers_headers=True)  # Nothing is known of its chain.
    it.open(CAROL)
    it.chains.shown(ALICE, LONG[49].hash)
    it.chains.shown(CAROL, LONG[49].hash)
    it.blocks.prefers_headers(ALICE)
    actions = it.blocks.announce(it.connected(LONG[50:52]), NOW)
    inv = Inv((InvItem(InvType.BLOCK, LONG[51].hash),))
    assert sent(actions, ALICE) == [Headers(tuple(LONG[50:52]))]
    assert sent(actions, BOB) == [inv]
    assert sent(actions, CAROL) == [inv]
    # What was told by headers need not be told twice, and the next one connects to it.
    assert it.blocks.announce([it.ledger.active.tip], NOW) == [Send(BOB, inv), Send(CAROL, inv)]
    actions = it.blocks.announce(it.connected(LONG[52:53]), NOW)
    assert sent(actions, ALICE) == [Headers((LONG[52],))]


def test_headers_begin_with_the_first_that_a_peer_lacks() -> None:
    it = fixture()
    it.open(ALICE, prefers_headers=True)
    entries = it.connected(LONG[50:53])
    it.chains.shown(ALICE, LONG[51].hash)
    assert it.blocks.announce(entries, NOW) == [Send(ALICE, Headers((LONG[52],)))]


def test_many_blocks_at_once_are_told_by_inv() -> None:
    it = fixture()
    it.open(ALICE, prefers_headers=True)
    it.chains.shown(ALICE, LONG[49].hash)
    actions = it.blocks.announce(it.connected(LONG[50 : 51 + MAX_ANNOUNCED]), NOW)
    assert [type(message) for message in sent(actions, ALICE)] == [Inv]


def test_as_many_as_one_announcement_holds_are_told_by_headers() -> None:
    it = fixture()
    it.open(ALICE, prefers_headers=True)
    it.chains.shown(ALICE, LONG[49].hash)
    news = LONG[50 : 50 + MAX_ANNOUNCED]
    assert it.blocks.announce(it.connected(news), NOW) == [Send(ALICE, Headers(tuple(news)))]


def test_a_peer_that_has_it_is_told_nothing() -> None:
    it = fixture()
    it.open(ALICE)
    it.open(BOB)
    entries = it.connected(LONG[50:51])
    it.chains.shown(ALICE, LONG[50].hash)
    it.chains.sent(BOB, LONG[50].hash)
    assert it.blocks.announce(entries, NOW) == []


def test_nothing_is_told_during_the_first_sync() -> None:
    it = fixture()
    it.ledger.initial_sync = True
    it.open(ALICE)
    assert it.blocks.announce(it.connected(LONG[50:51]), NOW) == []


def test_who_has_gone_is_told_nothing() -> None:
    it = fixture()
    it.open(ALICE)
    it.blocks.closed(ALICE)
    it.blocks.prefers_headers(ALICE)
    assert it.blocks.announce(it.connected(LONG[50:51]), NOW) == []
