"""Own transactions: offered to all but a listener, given to whom they were offered, echoed."""

from __future__ import annotations

from random import Random

import pytest

from axon.machine import SECOND, Instant, PeerId
from axon.p2p.actions import Action, Send
from axon.p2p.txbroadcast import (
    LISTEN_TIME,
    MAX_OWN,
    REPEAT_MIN,
    REPEAT_SPREAD,
    Delivery,
    Spread,
    TxBroadcast,
)
from axon.p2p.txprobe import DELAYS_AFTER_GIVEN, DELAYS_AFTER_OFFERED
from axon.primitives.hashes import Txid
from axon.primitives.transaction import Transaction, TxIn, TxOut, outpoint
from axon.wire.messages import GetData, Inv, InvItem, InvType

NOW: Instant = 1_700_000_000 * SECOND
ALICE, BOB, CAROL = PeerId(0), PeerId(1), PeerId(2)
EVERYBODY = (ALICE, BOB, CAROL)


def transaction(number: int) -> Transaction:
    spent = TxIn(outpoint(Txid(bytes([1]) * 32), number), b"", 0xFFFF_FFFD, (b"w",))
    return Transaction.build(2, (spent,), (TxOut(1000 + number, b"\x51"),))


TX = transaction(1)
BY_TXID = InvItem(InvType.TX, TX.txid)
BY_WTXID = InvItem(InvType.WTX, TX.wtxid)


def offers(actions: list[Action]) -> dict[PeerId, list[InvItem]]:
    found: dict[PeerId, list[InvItem]] = {}
    for action in actions:
        assert isinstance(action, Send)
        if isinstance(action.message, Inv):
            found.setdefault(action.peer, []).extend(action.message.items)
        else:
            assert isinstance(action.message, GetData), "whether a peer has it"
    return found


def questions(actions: list[Action]) -> dict[PeerId, tuple[InvItem, ...]]:
    """Who is asked whether he has it, by what name."""
    sent = [action for action in actions if isinstance(action, Send)]
    return {each.peer: each.message.items for each in sent if isinstance(each.message, GetData)}


def started(*peers: PeerId, seed: int = 1) -> TxBroadcast:
    broadcast = TxBroadcast(Random(seed))
    for peer in peers:
        assert broadcast.opened(peer, wtxid_relay=True, relay=True, now=NOW) == []
    return broadcast


def with_listener(seed: int = 1) -> tuple[TxBroadcast, PeerId, list[PeerId]]:
    """A transaction offered to all of three but one; who that is, and the others."""
    broadcast = started(*EVERYBODY, seed=seed)
    told = offers(broadcast.add(TX, NOW))
    assert all(items == [BY_WTXID] for items in told.values())
    (listener,) = [peer for peer in EVERYBODY if peer not in told]
    return broadcast, listener, list(told)


def test_a_lone_peer_is_offered_it() -> None:
    broadcast = started(ALICE)
    assert offers(broadcast.add(TX, NOW)) == {ALICE: [BY_WTXID]}
    assert broadcast.add(TX, NOW) == []
    assert broadcast.status(TX.txid) == Spread(1, 0, 0)


def test_all_but_one_are_offered_it_and_who_is_left_out_is_chance() -> None:
    assert {with_listener(seed)[1] for seed in range(30)} == set(EVERYBODY)


def test_the_listener_s_announcement_is_an_echo() -> None:
    broadcast, listener, told = with_listener()
    assert broadcast.announced(told[0], [BY_WTXID], NOW) == []  # It may have it from us.
    assert broadcast.announced(listener, [InvItem(InvType.TX, bytes(32)), BY_TXID], NOW) == [
        TX.txid
    ]
    assert broadcast.announced(listener, [BY_WTXID], NOW) == []
    assert broadcast.announced(PeerId(9), [BY_WTXID], NOW) == []
    assert broadcast.status(TX.txid) == Spread(2, 0, 1)


def test_only_who_was_offered_it_is_given_it() -> None:
    broadcast, listener, told = with_listener()
    assert broadcast.requested(listener, BY_WTXID, NOW) is None
    assert broadcast.requested(PeerId(9), BY_WTXID, NOW) is None
    for item in (BY_WTXID, BY_TXID, InvItem(InvType.WITNESS_TX, TX.txid)):
        assert broadcast.requested(told[0], item, NOW) == TX
    assert broadcast.requested(told[0], InvItem(InvType.TX, bytes(32)), NOW) is None
    assert broadcast.status(TX.txid) == Spread(2, 1, 0)


def test_it_goes_by_txid_to_who_knows_no_other_name() -> None:
    broadcast = TxBroadcast(Random(1))
    broadcast.opened(ALICE, wtxid_relay=False, relay=True, now=NOW)
    assert offers(broadcast.add(TX, NOW)) == {ALICE: [BY_TXID]}


def test_nothing_is_offered_to_who_wants_no_transactions() -> None:
    broadcast = TxBroadcast(Random(1))
    assert broadcast.opened(ALICE, wtxid_relay=True, relay=False, now=NOW) == []
    assert broadcast.add(TX, NOW) == []
    assert broadcast.deadline() is None
    assert broadcast.closed(ALICE, NOW) == []


def test_without_an_echo_the_listener_is_offered_it_too() -> None:
    broadcast, listener, _ = with_listener()
    due = NOW + LISTEN_TIME
    while (next_due := broadcast.deadline()) is not None and next_due < due:
        assert offers(broadcast.tick(next_due)) == {}
    assert next_due == due
    assert offers(broadcast.tick(due - 1)) == {}
    assert offers(broadcast.tick(due)) == {listener: [BY_WTXID]}
    assert broadcast.tick(due) == []


def test_a_peer_that_leaves_with_it_hands_the_turn_to_the_listener() -> None:
    broadcast, listener, told = with_listener()
    for peer in told:
        broadcast.requested(peer, BY_WTXID, NOW)
    assert broadcast.closed(told[0], NOW) == []  # Another still has it.
    assert offers(broadcast.closed(told[1], NOW)) == {listener: [BY_WTXID]}


def test_a_peer_that_leaves_without_having_fetched_it_likewise() -> None:
    broadcast, listener, told = with_listener()
    assert offers(broadcast.closed(told[0], NOW)) == {listener: [BY_WTXID]}


def test_after_an_echo_a_peer_that_leaves_changes_nothing() -> None:
    broadcast, listener, told = with_listener()
    broadcast.announced(listener, [BY_WTXID], NOW)
    for peer in told:
        assert broadcast.closed(peer, NOW) == []
    assert broadcast.opened(PeerId(7), wtxid_relay=True, relay=True, now=NOW) == []


def test_newcomers_are_offered_it_until_somebody_has_it_then_one_listens() -> None:
    broadcast = TxBroadcast(Random(1))
    assert broadcast.add(TX, NOW) == []
    assert broadcast.deadline() is None
    for peer in (ALICE, BOB):
        assert offers(broadcast.opened(peer, wtxid_relay=True, relay=True, now=NOW)) == {
            peer: [BY_WTXID]
        }
    broadcast.requested(ALICE, BY_WTXID, NOW)
    assert broadcast.opened(CAROL, wtxid_relay=True, relay=True, now=NOW) == []
    later = PeerId(7)
    assert offers(broadcast.opened(later, wtxid_relay=True, relay=True, now=NOW)) == {
        later: [BY_WTXID]
    }
    assert broadcast.announced(CAROL, [BY_WTXID], NOW) == [TX.txid]


@pytest.mark.parametrize("seed", range(10))
def test_it_is_offered_again_until_it_is_removed(seed: int) -> None:
    broadcast, listener, told = with_listener(seed)
    now = NOW + SECOND
    broadcast.announced(listener, [BY_WTXID], now)
    for _ in range(5):
        due = broadcast.deadline()
        assert due is not None
        assert REPEAT_MIN <= due - now <= REPEAT_MIN + REPEAT_SPREAD, f"seed {seed}"
        now = due
        assert set(offers(broadcast.tick(now))) == {*told, listener}, f"seed {seed}"
    assert broadcast.status(TX.txid) == Spread(3, 0, 1)
    broadcast.remove(TX.txid)
    broadcast.remove(TX.txid)
    assert broadcast.deadline() is None
    assert broadcast.status(TX.txid) is None
    assert broadcast.requested(told[0], BY_WTXID, now) is None
    assert broadcast.announced(listener, [BY_WTXID], now) == []


def test_parents_are_offered_before_children_in_one_message() -> None:
    broadcast = TxBroadcast(Random(1))
    own = [transaction(number) for number in range(5)]
    for item in own:
        broadcast.add(item, NOW)
    actions = broadcast.opened(ALICE, wtxid_relay=True, relay=True, now=NOW)
    assert len(actions) == 2
    assert len(questions(actions)[ALICE]) == len(own)
    assert [item.hash for item in offers(actions)[ALICE]] == [item.wtxid for item in own]


def test_the_oldest_makes_room() -> None:
    broadcast = started(ALICE)
    own = [transaction(number) for number in range(MAX_OWN + 1)]
    for item in own:
        broadcast.add(item, NOW)
    assert broadcast.status(own[0].txid) is None
    assert broadcast.requested(ALICE, InvItem(InvType.WTX, own[0].wtxid), NOW) is None
    assert broadcast.status(own[1].txid) is not None


def test_under_any_events_somebody_is_offered_it_and_at_most_one_listens() -> None:
    for seed in range(60):
        rng, now = Random(seed), NOW
        broadcast = TxBroadcast(Random(seed + 1))
        connected: list[PeerId] = []
        knows: set[PeerId] = set()
        echoed, serial = False, 0
        actions = broadcast.add(TX, now)
        for _ in range(60):
            knows |= set(offers(actions))
            left_out = [peer for peer in connected if peer not in knows]
            if not echoed:
                assert len(left_out) <= 1, f"seed {seed}"
                assert len(connected) < 2 or len(left_out) < len(connected), f"seed {seed}"
            actions = []
            match rng.choice("open close ask echo wait".split()):
                case "open":
                    peer, serial = PeerId(serial), serial + 1
                    connected.append(peer)
                    actions = broadcast.opened(peer, wtxid_relay=True, relay=True, now=now)
                case "close" if connected:
                    peer = connected.pop(rng.randrange(len(connected)))
                    actions = broadcast.closed(peer, now)
                case "ask" if connected:
                    peer = rng.choice(connected)
                    given = broadcast.requested(peer, BY_WTXID, now)
                    assert (given is not None) == (peer in knows), f"seed {seed}"
                case "echo" if connected and rng.random() < 0.1:
                    peer = rng.choice(connected)
                    echoed = bool(broadcast.announced(peer, [BY_TXID], now)) or echoed
                case _:
                    now += rng.randint(1, 20) * SECOND
                    actions = broadcast.tick(now)


def test_what_a_payment_replaces_is_offered_no_more_nor_what_built_on_it() -> None:
    broadcast = started()
    child = Transaction.build(2, (TxIn(outpoint(TX.txid, 0)),), (TxOut(900, b"\x51"),))
    bumped = Transaction.build(2, TX.inputs, (TxOut(800, b"\x51"),))
    for item in (TX, child, transaction(2), bumped):
        broadcast.add(item, NOW)
    assert broadcast.status(TX.txid) is broadcast.status(child.txid) is None
    assert broadcast.status(bumped.txid) is not None
    assert broadcast.status(transaction(2).txid) is not None


def test_a_newcomer_is_offered_what_has_not_come_back_yet() -> None:
    broadcast, listener, _ = with_listener()
    broadcast.announced(listener, [BY_WTXID], NOW)
    later = transaction(2)
    broadcast.add(later, NOW)
    told = offers(broadcast.opened(PeerId(3), wtxid_relay=True, relay=True, now=NOW))
    assert told == {PeerId(3): [InvItem(InvType.WTX, later.wtxid)]}


def delivery(broadcast: TxBroadcast) -> Delivery:
    spread = broadcast.status(TX.txid)
    assert spread is not None
    return spread.delivery


def ask_back(broadcast: TxBroadcast) -> Instant:
    """Let time pass until a peer is asked whether it has the transaction; when that is."""
    for _ in range(20):
        due = broadcast.deadline()
        assert due is not None
        if questions(broadcast.tick(due)):
            return due
    raise AssertionError("nobody is asked")


def test_who_has_fetched_it_is_asked_whether_he_keeps_it() -> None:
    broadcast = started(ALICE)
    broadcast.add(TX, NOW)
    assert delivery(broadcast) is Delivery.KEPT
    broadcast.requested(ALICE, BY_WTXID, NOW)
    assert delivery(broadcast) is Delivery.HANDED_OVER
    due = broadcast.deadline()
    assert due == NOW + DELAYS_AFTER_GIVEN[0]
    assert questions(broadcast.tick(due)) == {ALICE: (BY_WTXID,)}
    assert broadcast.returned(ALICE, transaction(2)) is None
    assert broadcast.returned(BOB, TX) is None, "nobody asked him"
    assert broadcast.returned(ALICE, TX) == TX.txid
    assert delivery(broadcast) is Delivery.ACCEPTED
    assert broadcast.status(TX.txid) == Spread(1, 1, 0, held=1)


def test_who_has_fetched_it_and_never_has_it_does_not_keep_it() -> None:
    broadcast = started(ALICE)
    broadcast.add(TX, NOW)
    broadcast.requested(ALICE, BY_WTXID, NOW)
    asked = 0
    while delivery(broadcast) is Delivery.HANDED_OVER:
        now, asked = ask_back(broadcast), asked + 1
        told = broadcast.missing(ALICE, TX.wtxid)
        assert (told == TX.txid) == (delivery(broadcast) is Delivery.REFUSED)
    assert (asked, now) == (len(DELAYS_AFTER_GIVEN), NOW + sum(DELAYS_AFTER_GIVEN))
    assert broadcast.status(TX.txid) == Spread(1, 1, 0, refused=(ALICE,))
    assert broadcast.missing(ALICE, TX.wtxid) is None, "said once"
    broadcast.requested(ALICE, BY_WTXID, now)
    assert delivery(broadcast) is Delivery.HANDED_OVER, "it has another chance"


def test_who_goes_takes_his_refusal_along() -> None:
    broadcast = started(ALICE)
    broadcast.add(TX, NOW)
    broadcast.requested(ALICE, BY_WTXID, NOW)
    for _ in DELAYS_AFTER_GIVEN:
        ask_back(broadcast)
        broadcast.missing(ALICE, TX.wtxid)
    assert delivery(broadcast) is Delivery.REFUSED
    broadcast.closed(ALICE, NOW)
    assert delivery(broadcast) is Delivery.HANDED_OVER


def test_who_was_offered_it_and_does_not_fetch_it_refuses_nothing() -> None:
    broadcast = started(ALICE)
    broadcast.add(TX, NOW)
    for delay in DELAYS_AFTER_OFFERED:
        assert ask_back(broadcast) - NOW >= delay
        assert broadcast.missing(ALICE, TX.wtxid) is None
    assert delivery(broadcast) is Delivery.KEPT


def test_a_newcomer_is_asked_at_once_for_what_is_kept() -> None:
    broadcast = TxBroadcast(Random(1))
    broadcast.add(TX, NOW)
    actions = broadcast.opened(ALICE, wtxid_relay=False, relay=True, now=NOW)
    assert questions(actions) == {ALICE: (InvItem(InvType.WITNESS_TX, TX.txid),)}
    assert broadcast.returned(ALICE, TX) == TX.txid
    assert delivery(broadcast) is Delivery.ACCEPTED


def test_the_listener_is_never_asked_and_after_an_echo_nobody_is() -> None:
    broadcast, listener, told = with_listener()
    for peer in told:
        broadcast.requested(peer, BY_WTXID, NOW)
    due = broadcast.deadline()
    assert due is not None
    assert set(questions(broadcast.tick(due))) == set(told)
    broadcast.announced(listener, [BY_WTXID], due)
    assert delivery(broadcast) is Delivery.SPREADING
    due = broadcast.deadline()
    assert due is not None
    assert questions(broadcast.tick(due)) == {}


def refuse(broadcast: TxBroadcast, peer: PeerId) -> None:
    """A peer fetches it, and never has it when it is asked."""
    assert broadcast.requested(peer, BY_WTXID, NOW) == TX
    asked = 0
    while asked < len(DELAYS_AFTER_GIVEN):
        due = broadcast.deadline()
        assert due is not None
        asked += peer in questions(broadcast.tick(due))
    assert broadcast.missing(peer, TX.wtxid) == TX.txid


def lagging(*behind: PeerId, seed: int = 1) -> TxBroadcast:
    """Nobody is connected; these would be behind."""
    return TxBroadcast(Random(seed), lambda peer: peer in behind)


def greet(broadcast: TxBroadcast, *peers: PeerId) -> dict[PeerId, list[InvItem]]:
    """Peers come; who is offered something."""
    told: dict[PeerId, list[InvItem]] = {}
    for peer in peers:
        told |= offers(broadcast.opened(peer, wtxid_relay=True, relay=True, now=NOW))
    return told


@pytest.mark.parametrize("seed", range(10))
def test_whose_chain_agrees_is_offered_it_before_who_is_behind(seed: int) -> None:
    broadcast = lagging(ALICE, CAROL, seed=seed)
    greet(broadcast, *EVERYBODY)
    assert set(offers(broadcast.add(TX, NOW))) == {BOB}
    assert set(offers(broadcast.tick(NOW + LISTEN_TIME))) == {ALICE, CAROL}


def test_where_all_are_behind_they_are_offered_it_at_once() -> None:
    broadcast = lagging(ALICE)
    greet(broadcast, ALICE)
    assert set(offers(broadcast.add(TX, NOW))) == {ALICE}


def test_a_newcomer_is_offered_what_only_somebody_behind_has() -> None:
    broadcast = lagging(ALICE, CAROL)
    broadcast.add(TX, NOW)
    assert set(greet(broadcast, ALICE)) == {ALICE}
    broadcast.requested(ALICE, BY_WTXID, NOW)
    assert set(greet(broadcast, BOB)) == {BOB}
    assert greet(broadcast, CAROL) == {}, "who is behind comes later"
    assert set(offers(broadcast.tick(NOW + LISTEN_TIME))) == {CAROL}


def test_that_somebody_behind_does_not_keep_it_is_no_refusal() -> None:
    behind = [ALICE]
    broadcast = TxBroadcast(Random(1), lambda peer: peer in behind)
    broadcast.add(TX, NOW)
    greet(broadcast, ALICE)
    refuse(broadcast, ALICE)
    assert broadcast.status(TX.txid) == Spread(1, 1, 0, behind=(ALICE,))
    assert delivery(broadcast) is Delivery.HANDED_OVER
    greet(broadcast, BOB)
    refuse(broadcast, BOB)
    assert delivery(broadcast) is Delivery.REFUSED, "one that can judge it"
    behind.clear()
    assert delivery(broadcast) is Delivery.HANDED_OVER, "now another can, too"
    refuse(broadcast, ALICE)
    spread = broadcast.status(TX.txid)
    assert spread is not None
    assert (spread.refused, spread.behind) == ((ALICE, BOB), ())
    assert delivery(broadcast) is Delivery.REFUSED


def test_it_is_not_refused_while_another_may_take_it() -> None:
    broadcast = started(ALICE, BOB)
    (first,) = offers(broadcast.add(TX, NOW))
    refuse(broadcast, first)
    assert delivery(broadcast) is Delivery.HANDED_OVER, "the listener was not offered it"
    broadcast.tick(NOW + LISTEN_TIME)
    assert delivery(broadcast) is Delivery.HANDED_OVER, "it may fetch it still"
    now = NOW + LISTEN_TIME
    for delay in DELAYS_AFTER_OFFERED:
        assert delivery(broadcast) is Delivery.HANDED_OVER
        now += delay
        broadcast.tick(now)
    assert delivery(broadcast) is Delivery.REFUSED, "it had its time"


def test_a_quiet_one_is_only_listened_for() -> None:
    broadcast = started(ALICE, BOB)
    assert broadcast.add(TX, NOW, quiet=True) == []
    assert broadcast.opened(CAROL, wtxid_relay=True, relay=True, now=NOW) == []
    for hour in range(1, 5):
        assert broadcast.tick(NOW + hour * 3600 * SECOND) == []
    assert broadcast.requested(ALICE, BY_WTXID, NOW) is None
    assert broadcast.closed(ALICE, NOW) == []
    assert broadcast.status(TX.txid) == Spread(0, 0, 0)
    assert broadcast.handed_over(TX.txid, 2)
    assert not broadcast.handed_over(TX.txid, 2)
    assert broadcast.announced(BOB, [BY_WTXID], NOW) == [TX.txid]
    spread = broadcast.status(TX.txid)
    assert spread is not None
    assert (spread.given, spread.delivery) == (2, Delivery.SPREADING)
