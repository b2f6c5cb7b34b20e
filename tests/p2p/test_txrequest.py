"""Announcements in, requests out: one announcer at a time."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from axon.machine import SECOND, Instant, PeerId
from axon.p2p.actions import Send
from axon.p2p.txrequest import (
    MAX_ANNOUNCEMENTS,
    MAX_GETDATA,
    MAX_IN_FLIGHT,
    NONPREFERRED_DELAY,
    OVERLOADED_DELAY,
    REQUEST_LIMIT,
    TXID_DELAY,
    TxRequest,
)
from axon.wire.messages import GetData, InvItem, InvType

NOW: Instant = 1_700_000_000 * SECOND
ALICE, BOB, CAROL = PeerId(0), PeerId(1), PeerId(2)


def wtx(number: int) -> InvItem:
    return InvItem(InvType.WTX, number.to_bytes(32, "little"))


def started(*peers: PeerId, wtxid_relay: bool = True) -> TxRequest:
    requests = TxRequest(Random(1))
    for peer in peers:
        requests.opened(peer, wtxid_relay=wtxid_relay)
    return requests


def asked(actions: list[Send]) -> dict[PeerId, list[InvItem]]:
    found: dict[PeerId, list[InvItem]] = {}
    for action in actions:
        assert isinstance(action.message, GetData)
        found.setdefault(action.peer, []).extend(action.message.items)
    return found


def test_a_preferred_peer_is_asked_at_once() -> None:
    requests = started(ALICE)
    requests.announced(ALICE, wtx(1), True, False, NOW)
    assert requests.deadline() == 0
    assert asked(requests.requests(NOW)) == {ALICE: [wtx(1)]}
    assert requests.requests(NOW) == []
    assert requests.in_flight(ALICE) == 1


def test_delays_add_up() -> None:
    requests = started(ALICE, BOB)
    by_txid = InvItem(InvType.TX, bytes(32))
    requests.announced(ALICE, by_txid, False, True, NOW)
    due = NOW + NONPREFERRED_DELAY + TXID_DELAY + OVERLOADED_DELAY
    assert requests.deadline() == due
    assert requests.requests(due - 1) == []
    assert asked(requests.requests(due)) == {ALICE: [InvItem(InvType.WITNESS_TX, bytes(32))]}


def test_txids_wait_only_where_wtxids_are_spoken() -> None:
    requests = started(ALICE, wtxid_relay=False)
    by_txid = InvItem(InvType.TX, bytes(32))
    requests.announced(ALICE, by_txid, True, False, NOW)
    assert asked(requests.requests(NOW)) == {ALICE: [InvItem(InvType.WITNESS_TX, bytes(32))]}


def test_no_witness_is_asked_of_a_peer_without() -> None:
    requests = TxRequest(Random(1))
    requests.opened(ALICE, wtxid_relay=False, witness=False)
    by_txid = InvItem(InvType.TX, bytes(32))
    requests.announced(ALICE, by_txid, True, False, NOW)
    assert asked(requests.requests(NOW)) == {ALICE: [by_txid]}


def test_silence_passes_the_request_on() -> None:
    requests = started(ALICE, BOB)
    requests.announced(ALICE, wtx(1), True, False, NOW)
    requests.announced(BOB, wtx(1), False, False, NOW)
    assert asked(requests.requests(NOW)) == {ALICE: [wtx(1)]}
    assert requests.requests(NOW + REQUEST_LIMIT - 1) == []
    assert requests.deadline() == NOW + REQUEST_LIMIT
    assert asked(requests.tick(NOW + REQUEST_LIMIT)) == {BOB: [wtx(1)]}
    assert requests.in_flight(ALICE) == 0


def test_notfound_and_closing_pass_the_request_on() -> None:
    requests = started(ALICE, BOB, CAROL)
    for peer in (ALICE, BOB, CAROL):
        requests.announced(peer, wtx(1), True, False, NOW)
    first = next(iter(asked(requests.requests(NOW))))
    requests.notfound(first, wtx(1).hash)
    second = next(iter(asked(requests.requests(NOW))))
    requests.closed(second, NOW)
    third = next(iter(asked(requests.requests(NOW))))
    assert {first, second, third} == {ALICE, BOB, CAROL}
    requests.notfound(third, wtx(1).hash)
    assert wtx(1).hash not in requests._by_hash
    assert len(requests) == 0
    assert requests.deadline() is None or requests.requests(NOW) == []


def test_a_preferred_announcer_goes_before_all_others() -> None:
    requests = started(*map(PeerId, range(20)))
    for number in range(20):
        requests.announced(PeerId(number), wtx(1), number == 13, False, NOW)
    assert asked(requests.requests(NOW + NONPREFERRED_DELAY)) == {PeerId(13): [wtx(1)]}


def test_who_is_first_depends_on_the_randomness() -> None:
    winners = set()
    for seed in range(20):
        requests = TxRequest(Random(seed))
        for peer in (ALICE, BOB, CAROL):
            requests.opened(peer, wtxid_relay=True)
            requests.announced(peer, wtx(1), True, False, NOW)
        winners |= set(asked(requests.requests(NOW)))
    assert winners == {ALICE, BOB, CAROL}


def test_what_came_is_forgotten_everywhere() -> None:
    requests = started(ALICE, BOB)
    for peer in (ALICE, BOB):
        requests.announced(peer, wtx(1), True, False, NOW)
    peer = next(iter(asked(requests.requests(NOW))))
    assert requests.received(peer, wtx(1).hash)
    assert not requests.received(peer, wtx(1).hash)
    requests.forget(wtx(1).hash)
    assert requests.requests(NOW + REQUEST_LIMIT) == []
    assert len(requests) == 0


def test_one_peer_cannot_fill_the_memory() -> None:
    requests = started(ALICE)
    for number in range(MAX_ANNOUNCEMENTS + 10):
        requests.announced(ALICE, wtx(number), True, False, NOW)
    assert len(requests) == MAX_ANNOUNCEMENTS
    actions = requests.requests(NOW)
    sizes = [len(action.message.items) for action in actions]  # type: ignore[union-attr]
    assert sizes == [MAX_GETDATA] * 5
    assert asked(actions)[ALICE] == [wtx(number) for number in range(MAX_ANNOUNCEMENTS)]
    assert requests.overloaded(ALICE)
    for number in range(MAX_ANNOUNCEMENTS - MAX_IN_FLIGHT + 1):
        requests.received(ALICE, wtx(number).hash)
    assert not requests.overloaded(ALICE)


def test_a_stranger_is_ignored() -> None:
    requests = started(ALICE)
    requests.announced(BOB, wtx(1), True, False, NOW)
    requests.notfound(BOB, wtx(1).hash)
    requests.closed(BOB, NOW)
    assert len(requests) == 0


@dataclass
class _Row:
    peer: PeerId
    tx: int
    preferred: bool
    ready: Instant
    until: Instant | None = None
    spent: bool = False


class _Naive:
    """A list of rows, walked in full each time; it says who *may* be asked."""

    def __init__(self) -> None:
        self.rows: list[_Row] = []

    def announce(self, peer: PeerId, tx: int, preferred: bool, now: Instant) -> None:
        if not any(row.peer == peer and row.tx == tx for row in self.rows):
            delay = 0 if preferred else NONPREFERRED_DELAY
            self.rows.append(_Row(peer, tx, preferred, now + delay))

    def expire(self, now: Instant) -> None:
        for row in self.rows:
            if row.until is not None and row.until <= now:
                row.until, row.spent = None, True
        self.sweep()

    def sweep(self) -> None:
        alive = {row.tx for row in self.rows if not row.spent}
        self.rows = [row for row in self.rows if row.tx in alive]

    def candidates(self, now: Instant) -> dict[int, set[PeerId]]:
        found: dict[int, set[PeerId]] = {}
        for tx in {row.tx for row in self.rows}:
            rows = [row for row in self.rows if row.tx == tx]
            if any(row.until is not None for row in rows):
                continue
            ready = [row for row in rows if not row.spent and row.ready <= now]
            best = [row for row in ready if row.preferred] or ready
            if best:
                found[tx] = {row.peer for row in best}
        return found

    def ask(self, peer: PeerId, tx: int, now: Instant) -> None:
        for row in self.rows:
            if row.peer == peer and row.tx == tx:
                row.until = now + REQUEST_LIMIT

    def answer(self, peer: PeerId, tx: int) -> None:
        for row in self.rows:
            if row.peer == peer and row.tx == tx:
                row.until, row.spent = None, True
        self.sweep()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("announce", "announce", "ask", "answer", "forget", "close", "wait")),
        st.integers(0, 3),
        st.integers(0, 3),
        st.booleans(),
    ),
    max_size=60,
)


@settings(max_examples=200)
@given(STEPS, st.integers(0, 2**32))
def test_it_agrees_with_a_naive_model(steps: list[tuple[str, int, int, bool]], seed: int) -> None:
    requests, naive, now = TxRequest(Random(seed)), _Naive(), NOW
    for number in range(4):
        requests.opened(PeerId(number), wtxid_relay=True)
    for verb, who, tx, flag in steps:
        peer = PeerId(who)
        match verb:
            case "announce":
                requests.announced(peer, wtx(tx), flag, False, now)
                naive.announce(peer, tx, flag, now)
            case "answer":
                requests.received(peer, wtx(tx).hash)
                naive.answer(peer, tx)
            case "forget":
                requests.forget(wtx(tx).hash)
                naive.rows = [row for row in naive.rows if row.tx != tx]
            case "close":
                requests.closed(peer, now)
                requests.opened(peer, wtxid_relay=True)
                naive.rows = [row for row in naive.rows if row.peer != peer]
                naive.sweep()
            case "wait":
                now += (1 + 10 * tx) * SECOND
        due = requests.deadline()
        naive.expire(now)
        expected = naive.candidates(now)
        assert due is None or due <= now or not expected
        if verb == "ask" or verb == "wait":
            chosen = {
                int.from_bytes(item.hash, "little"): peer
                for peer, items in asked(requests.requests(now)).items()
                for item in items
            }
            assert chosen.keys() == expected.keys()
            for number, peer in chosen.items():
                assert peer in expected[number]
                naive.ask(peer, number, now)
            assert len(requests) == len(naive.rows)
            for number in range(4):
                in_flight = [row for row in naive.rows if row.until and row.peer == number]
                assert requests.in_flight(PeerId(number)) == len(in_flight)


def test_in_a_hurry_all_are_asked_once_the_first_is_late() -> None:
    requests = started(ALICE, BOB, CAROL)
    requests.hurry(2 * SECOND, NOW)
    for peer in (ALICE, BOB):
        requests.announced(peer, wtx(1), True, False, NOW)
    (first,) = asked(requests.requests(NOW))
    assert requests.deadline() == NOW + 2 * SECOND
    assert requests.requests(NOW + 2 * SECOND - 1) == []
    (second,) = asked(requests.requests(NOW + 2 * SECOND))
    assert {first, second} == {ALICE, BOB}
    requests.announced(CAROL, wtx(1), True, False, NOW + 3 * SECOND)
    assert requests.requests(NOW + 3 * SECOND) == [], "the second has its time, too"
    assert asked(requests.requests(NOW + 4 * SECOND)) == {CAROL: [wtx(1)]}
    assert requests.received(first, wtx(1).hash), "who is late may answer yet"
    requests.forget(wtx(1).hash)
    assert all(not requests.in_flight(peer) for peer in (ALICE, BOB, CAROL))
    assert requests.deadline() is None


def test_a_hurry_concerns_what_was_asked_before_it_and_ends() -> None:
    requests = started(ALICE, BOB)
    for peer in (ALICE, BOB):
        requests.announced(peer, wtx(1), True, False, NOW)
        requests.announced(peer, wtx(2), True, False, NOW)
    first = asked(requests.requests(NOW))
    late = NOW + 10 * SECOND
    assert requests.requests(late) == []
    requests.hurry(2 * SECOND, late)
    second = asked(requests.requests(late))
    assert sum(map(len, first.values())) == sum(map(len, second.values())) == 2
    requests.hurry(None, late)
    requests.announced(ALICE, wtx(3), True, False, late)
    requests.announced(BOB, wtx(3), True, False, late)
    requests.requests(late)
    assert requests.requests(late + 30 * SECOND) == []
