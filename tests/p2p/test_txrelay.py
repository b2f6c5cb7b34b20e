"""Which transactions are announced to which peer, and when; which may be asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

import pytest

from axon.machine import HOUR, MINUTE, SECOND, Instant, PeerId
from axon.p2p import txbacklog
from axon.p2p.bloomfilters import match_all
from axon.p2p.faults import PeerFault
from axon.p2p.rebroadcast import REBROADCAST_MIN, REBROADCAST_SPREAD
from axon.p2p.relaypeer import MAX_KNOWN, MAX_QUEUE, NEWCOMER_SHARE, relay_rank
from axon.p2p.txbacklog import BURST_S, BYTES_PER_S, MAX_WAITING, SEND_RATE, TxBacklog
from axon.p2p.txrelay import (
    INBOUND_INTERVAL,
    MATCHED_AT_ONCE,
    NEWCOMER_TIMES,
    OUTBOUND_INTERVAL,
    TxRelay,
)
from axon.primitives.bloom import BloomFilter
from axon.primitives.hashes import Txid, Wtxid
from axon.primitives.transaction import MAX_MONEY_SAT, Transaction, TxIn, TxOut, outpoint
from axon.wire.messages import FeeFilter, FilterLoad, Inv, InvItem, InvType, Message

NOW: Instant = 1_700_000_000 * SECOND
ALICE, BOB, CAROL = PeerId(0), PeerId(1), PeerId(2)


@dataclass(eq=False)
class Chunk:
    fee_sat: int
    weight_wu: int
    entries: tuple[Entry, ...] = ()


@dataclass(eq=False)
class Cluster:
    chunks: tuple[Chunk, ...] = ()


@dataclass(eq=False)
class Entry:
    transaction: Transaction
    fee_sat: int
    sequence: int
    chunk: Chunk
    cluster: Cluster
    vsize: int = 100

    @property
    def txid(self) -> Txid:
        return self.transaction.txid

    @property
    def wtxid(self) -> Wtxid:
        return self.transaction.wtxid

    @property
    def feerate(self) -> int:
        return self.fee_sat * 1000 // self.vsize


@dataclass
class Pool:
    """The pool as relay sees it: every entry its own cluster, or put together by `together`."""

    by: dict[bytes, Entry] = field(default_factory=dict)
    unbroadcast: tuple[Txid, ...] = ()
    sequence: int = 1

    def get(self, txid: Txid) -> Entry | None:
        return self.by.get(txid)

    def by_wtxid(self, wtxid: Wtxid) -> Entry | None:
        found = self.by.get(wtxid)
        return found if found is not None and found.wtxid == wtxid else None

    def entries(self) -> list[Entry]:
        return list({entry.txid: entry for entry in self.by.values()}.values())

    def mining_chunks(self) -> list[tuple[float, tuple[Entry, ...]]]:
        chunks = {id(entry.chunk): entry.chunk for entry in sorted(self.entries(), key=relay_rank)}
        return [(4000 * item.fee_sat / item.weight_wu, item.entries) for item in chunks.values()]

    def add(self, number: int, fee_sat: int = 1000, witness: tuple[bytes, ...] = (b"\1",)) -> Entry:
        """A transaction with a witness, so that txid and wtxid differ."""
        spent = TxIn(outpoint(Txid(number.to_bytes(32, "little")), 0), b"", 0, witness)
        transaction = Transaction.build(2, (spent,), (TxOut(1, b"\x51"),), 0)
        chunk = Chunk(fee_sat, 400)
        entry = Entry(transaction, fee_sat, self.sequence, chunk, Cluster((chunk,)))
        chunk.entries = (entry,)
        self.sequence += 1
        self.by[entry.txid] = self.by[entry.wtxid] = entry
        return entry

    def together(self, *entries: Entry) -> None:
        """Make one chunk of entries, parents first."""
        fee, weight = sum(entry.fee_sat for entry in entries), 400 * len(entries)
        chunk = Chunk(fee, weight, entries)
        for entry in entries:
            entry.chunk, entry.cluster = chunk, Cluster((chunk,))

    def remove(self, entry: Entry) -> None:
        del self.by[entry.txid]
        del self.by[entry.wtxid]


@dataclass
class Fixture:
    pool: Pool
    relay: TxRelay

    def open(
        self, peer: PeerId, *, inbound: bool = False, wtxid: bool = True, noban: bool = False
    ) -> None:
        self.relay.opened(
            peer, inbound=inbound, wtxid_relay=wtxid, relay=True, noban=noban, now=NOW
        )
        self.relay.tick(NOW)  # The first feefilter.

    def announce(self, *entries: Entry, now: Instant = NOW) -> None:
        for entry in entries:
            self.relay.announce(entry.wtxid, now)

    def run(
        self, until: Instant, kind: type[Message] = Inv
    ) -> list[tuple[Instant, PeerId, Message]]:
        """Ring whenever it wants to be rung."""
        found: list[tuple[Instant, PeerId, Message]] = []
        while (due := self.relay.deadline()) is not None and due <= until:
            found += [(due, action.peer, action.message) for action in self.relay.tick(due)]
        return [item for item in found if isinstance(item[2], kind)]


def fixture(seed: int = 1, announce_pool: bool = False) -> Fixture:
    pool = Pool()
    return Fixture(pool, TxRelay(Random(seed), pool, announce_pool=announce_pool))


def names(found: Sequence[tuple[Instant, PeerId, Message]], peer: PeerId) -> list[bytes]:
    hashes: list[bytes] = []
    for _, who, message in found:
        if who == peer:
            assert isinstance(message, Inv)
            hashes += [item.hash for item in message.items]
    return hashes


HOUR_ON = NOW + 60 * MINUTE


def test_each_peer_hears_it_once_and_by_the_name_it_wants() -> None:
    it = fixture()
    it.open(ALICE)
    it.open(BOB, wtxid=False)
    entry = it.pool.add(1)
    it.announce(entry)
    it.announce(entry)
    found = it.run(HOUR_ON)
    assert [message for _, peer, message in found if peer == ALICE] == [
        Inv((InvItem(InvType.WTX, entry.wtxid),))
    ]
    assert [message for _, peer, message in found if peer == BOB] == [
        Inv((InvItem(InvType.TX, entry.txid),))
    ]


def test_who_announced_it_is_not_told() -> None:
    it = fixture()
    it.open(ALICE)
    entry = it.pool.add(1)
    it.announce(entry)
    it.relay.known(ALICE, entry.wtxid)
    assert it.run(HOUR_ON) == []


def test_who_sent_it_is_not_told() -> None:
    it = fixture()
    it.open(ALICE)
    it.open(BOB, wtxid=False)
    it.open(CAROL)
    entry = it.pool.add(1)
    it.announce(entry)
    for peer in (ALICE, BOB):
        it.relay.has(peer, entry.transaction)
    assert {peer for _, peer, _ in it.run(HOUR_ON)} == {CAROL}


def test_inbound_peers_share_their_moments_and_outbound_ones_do_not() -> None:
    moments: dict[PeerId, list[Instant]] = {}
    it = fixture()
    for number in range(6):
        it.open(PeerId(number), inbound=number < 3)
    for number in range(200):
        now = NOW + number * MINUTE
        it.announce(it.pool.add(number), now=now)
        for when, peer, _ in it.run(now + MINUTE - 1):
            moments.setdefault(peer, []).append(when - now)
    assert moments[PeerId(0)] == moments[PeerId(1)] == moments[PeerId(2)]
    assert moments[PeerId(3)] != moments[PeerId(4)]
    inbound, outbound = moments[PeerId(0)], moments[PeerId(3)]
    assert 0.7 * INBOUND_INTERVAL < sum(inbound) / len(inbound) < 1.3 * INBOUND_INTERVAL
    assert 0.7 * OUTBOUND_INTERVAL < sum(outbound) / len(outbound) < 1.3 * OUTBOUND_INTERVAL


def test_a_trusted_peer_is_told_at_once() -> None:
    it = fixture()
    it.open(ALICE, noban=True)
    it.announce(it.pool.add(1))
    assert it.relay.deadline() == NOW
    assert len(it.relay.tick(NOW)) == 1


BURST = SEND_RATE * BURST_S


@pytest.mark.parametrize("inbound", [True, False])
def test_a_flood_leaves_slowly_and_the_best_pay_first(inbound: bool) -> None:
    it = fixture()
    it.open(ALICE, inbound=inbound, noban=True)
    entries = [it.pool.add(number, fee_sat=1000 + number) for number in range(BURST + 140)]
    it.announce(*entries)
    first = names([(NOW, ALICE, action.message) for action in it.relay.tick(NOW)], ALICE)
    assert first == [entry.wtxid for entry in reversed(entries[:BURST])]
    found = it.run(NOW + MINUTE)
    assert names(found, ALICE) == [entry.wtxid for entry in reversed(entries[BURST:])]
    rate = SEND_RATE if inbound else SEND_RATE * 5 // 2
    assert found[-1][0] - NOW == 140 * SECOND // rate


def test_of_more_than_may_wait_the_worse_half_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(txbacklog, "MAX_WAITING", 10)
    it = fixture()
    backlog = TxBacklog(it.pool)
    entries = [it.pool.add(number, fee_sat=1000 + number) for number in range(11)]
    for entry in entries:
        backlog.add(entry.wtxid)
    assert backlog.take(NOW) == entries[:5:-1]


def test_a_long_quiet_time_saves_up_no_more_than_a_burst() -> None:
    it = fixture()
    it.open(ALICE, inbound=True, noban=True)
    it.announce(it.pool.add(1))
    it.run(HOUR_ON)
    it.announce(*[it.pool.add(10 + number) for number in range(2 * BURST)], now=HOUR_ON)
    (action,) = it.relay.tick(HOUR_ON)
    assert isinstance(action.message, Inv)
    assert len(action.message.items) == BURST


def test_size_counts_as_well_as_number() -> None:
    it = fixture()
    it.open(ALICE, inbound=True, noban=True)
    spent = TxIn(outpoint(Txid(bytes(32)), 0), b"", 0, (bytes(4_000_000),))
    it.announce(*[it.pool.add(number, witness=spent.witness) for number in range(5)])
    (action,) = it.relay.tick(NOW)
    assert isinstance(action.message, Inv)
    assert len(action.message.items) == 3  # 12 MB, and the bucket is overdrawn by some bytes.
    told = [when - NOW for when, _, _ in it.run(NOW + HOUR)]
    assert [(when // SECOND) * BYTES_PER_S // 4_000_000 for when in told] == [0, 1]


def test_what_waits_for_nobody_is_forgotten() -> None:
    it = fixture()
    it.announce(*[it.pool.add(number) for number in range(BURST + 10)])
    assert it.relay.deadline() is None
    it.open(ALICE, inbound=True, noban=True)
    assert it.run(HOUR_ON) == []


def test_parents_come_before_children() -> None:
    it = fixture()
    it.open(ALICE, noban=True)
    child, parent, other = it.pool.add(1, 9000), it.pool.add(2, 100), it.pool.add(3, 4000)
    it.pool.together(parent, child)  # Together they pay more than the other.
    it.announce(other, child, parent)
    assert names(it.run(HOUR_ON), ALICE) == [parent.wtxid, child.wtxid, other.wtxid]


def test_a_peer_hears_nothing_below_its_feefilter() -> None:
    it = fixture()
    it.open(ALICE)
    it.relay.received(ALICE, FeeFilter(10_000), NOW)
    low, high = it.pool.add(1, 999), it.pool.add(2, 1000)
    it.announce(low, high)
    assert names(it.run(HOUR_ON), ALICE) == [high.wtxid]
    it.relay.received(ALICE, FeeFilter(-1), NOW)
    it.relay.received(ALICE, FeeFilter(MAX_MONEY_SAT + 1), NOW)
    it.announce(it.pool.add(3, 999), now=HOUR_ON)
    assert names(it.run(HOUR_ON + MINUTE), ALICE) == []


def test_what_left_the_pool_is_not_announced() -> None:
    it = fixture()
    it.open(ALICE)
    entry = it.pool.add(1)
    it.announce(entry)
    it.pool.remove(entry)
    assert it.run(HOUR_ON) == []


def test_a_peer_that_wants_no_transactions_gets_none() -> None:
    it = fixture()
    it.relay.opened(ALICE, inbound=True, wtxid_relay=True, relay=False, now=NOW)
    entry = it.pool.add(1)
    it.announce(entry)
    assert it.run(HOUR_ON) == []
    assert it.relay.find(ALICE, InvItem(InvType.WTX, entry.wtxid), HOUR_ON) is None


def test_only_what_was_announced_may_be_asked_for() -> None:
    it = fixture()
    it.open(ALICE)
    old = it.pool.add(1)
    it.announce(old)
    wanted = InvItem(InvType.WTX, old.wtxid)
    assert it.relay.find(ALICE, wanted, NOW) is None
    it.run(HOUR_ON)
    new = it.pool.add(2)
    assert it.relay.find(ALICE, wanted, HOUR_ON) == old.transaction
    by_txid = InvItem(InvType.WITNESS_TX, old.txid)
    assert it.relay.find(ALICE, by_txid, HOUR_ON) == old.transaction
    assert it.relay.find(ALICE, InvItem(InvType.WTX, new.wtxid), HOUR_ON) is None
    assert it.relay.find(ALICE, InvItem(InvType.WTX, old.txid), HOUR_ON) is None
    assert it.relay.find(BOB, wanted, HOUR_ON) is None


def test_what_the_peer_itself_sent_may_be_asked_for_after_the_next_moment() -> None:
    it = fixture()
    it.open(ALICE)
    entry = it.pool.add(1)
    it.relay.known(ALICE, entry.wtxid)
    it.announce(entry)
    assert it.run(HOUR_ON) == []
    assert it.relay.find(ALICE, InvItem(InvType.WTX, entry.wtxid), HOUR_ON) is not None


def test_the_newest_block_may_be_asked_for_until_the_next() -> None:
    it = fixture()
    it.open(ALICE)
    mined = it.pool.add(1)
    it.pool.remove(mined)
    it.relay.block_connected((mined.transaction,))
    for kind, name in ((InvType.WTX, mined.wtxid), (InvType.TX, mined.txid)):
        assert it.relay.find(ALICE, InvItem(kind, name), NOW) == mined.transaction
    it.relay.block_connected(())
    assert it.relay.find(ALICE, InvItem(InvType.WTX, mined.wtxid), NOW) is None


def test_the_whole_pool_for_who_may_ask() -> None:
    it = fixture()
    it.open(ALICE)
    it.open(BOB, noban=True)
    it.run(NOW + SECOND)
    entries = [it.pool.add(number, 1000 + number) for number in range(300)]
    it.relay.received(ALICE, FeeFilter(10_100), NOW)
    it.announce(entries[-1])
    with pytest.raises(PeerFault):
        it.relay.mempool(ALICE, permitted=False, now=NOW)
    it.relay.mempool(ALICE, permitted=True, now=NOW)
    found = names(it.run(HOUR_ON), ALICE)
    assert found == [entry.wtxid for entry in reversed(entries[10:])]
    it.relay.mempool(BOB, permitted=False, now=NOW)
    assert it.run(HOUR_ON + MINUTE) == []


def test_our_own_transactions_are_repeated_until_somebody_asks() -> None:
    it = fixture()
    it.open(ALICE)
    entry = it.pool.add(1)
    it.announce(entry)
    it.pool.unbroadcast = (entry.txid,)
    it.run(NOW + REBROADCAST_MIN - 1)
    it.open(BOB)  # Came too late for the first announcement.
    found = it.run(NOW + REBROADCAST_MIN + REBROADCAST_SPREAD + MINUTE)
    assert names(found, BOB) == [entry.wtxid]
    assert names(found, ALICE) == []


def test_queue_and_memory_of_a_peer_are_bounded() -> None:
    it = fixture()
    it.open(ALICE)
    ours = it.relay._peers[ALICE]
    entry = it.pool.add(1)
    for number in range(MAX_QUEUE + 10):
        ours.queue[Wtxid(number.to_bytes(32, "little"))] = entry.txid, 1000
        if len(ours.queue) == MAX_QUEUE:
            break
    it.announce(entry)
    assert len(ours.queue) == MAX_QUEUE
    waiting = it.relay._to_inbound
    for number in range(MAX_WAITING + 10):
        waiting.add(Wtxid(number.to_bytes(32, "little")))
    assert len(waiting) <= MAX_WAITING
    for number in range(3 * MAX_KNOWN):
        it.relay.known(ALICE, number.to_bytes(32, "little"))
    assert len(ours.known) <= 2 * MAX_KNOWN


def test_a_peer_that_left_leaves_nothing_behind() -> None:
    it = fixture()
    it.open(ALICE)
    it.announce(it.pool.add(1))
    it.relay.closed(ALICE, NOW)
    assert it.run(NOW + MINUTE) == []
    it.relay.known(ALICE, bytes(32))
    it.relay.received(ALICE, FeeFilter(1), NOW)
    it.relay.mempool(ALICE, permitted=False, now=NOW)


def test_unless_it_is_wanted_nobody_is_told_of_what_waited_before_he_came() -> None:
    it = fixture()
    it.pool.add(1)
    it.open(ALICE, inbound=True)
    it.relay.received(ALICE, FeeFilter(9_999_999), NOW)
    it.relay.received(ALICE, FeeFilter(100), NOW)
    assert it.run(HOUR_ON) == []


def test_a_newcomer_hears_of_what_waited_before_it_came() -> None:
    it = fixture(announce_pool=True)
    waiting = [it.pool.add(number, fee_sat=1000 + number) for number in range(100)]
    it.open(ALICE, inbound=True)
    found = it.run(HOUR_ON)
    best_first = [entry.wtxid for entry in reversed(waiting)]
    assert names(found, ALICE) == best_first
    it.open(BOB, inbound=True)  # Alice is no newcomer any more.
    found = it.run(HOUR_ON + 60 * MINUTE)
    assert names(found, BOB) == best_first
    assert names(found, ALICE) == []


def test_after_its_first_announcement_a_newcomer_hears_of_news_only() -> None:
    it = fixture(announce_pool=True)
    first = it.pool.add(1)
    it.open(ALICE)
    assert names(it.run(HOUR_ON), ALICE) == [first.wtxid]
    it.pool.add(2)  # Nobody announces it.
    news = it.pool.add(3)
    it.relay.announce(news.wtxid, HOUR_ON)
    assert names(it.run(HOUR_ON + MINUTE), ALICE) == [news.wtxid]


def test_a_newcomer_may_ask_for_what_was_there_before_it() -> None:
    """As in Bitcoin Core, where a peer's first announcement, of nothing, is due at once."""
    it = fixture()
    old = it.pool.add(1)
    it.open(ALICE)
    new = it.pool.add(2)
    assert it.relay.find(ALICE, InvItem(InvType.WTX, old.wtxid), NOW) is old.transaction
    assert it.relay.find(ALICE, InvItem(InvType.WTX, new.wtxid), NOW) is None
    it.announce(new)
    it.run(HOUR_ON)
    assert it.relay.find(ALICE, InvItem(InvType.WTX, new.wtxid), HOUR_ON) is new.transaction


def test_a_newcomer_hears_of_the_best_part_of_a_large_pool_only() -> None:
    it = fixture(announce_pool=True)
    entries = [it.pool.add(number, fee_sat=1000 + number) for number in range(NEWCOMER_SHARE + 50)]
    it.open(ALICE)
    told = names(it.run(HOUR_ON), ALICE)
    assert told == [entry.wtxid for entry in reversed(entries[50:])]


def test_a_peer_in_initial_sync_hears_of_the_pool_when_it_has_ended() -> None:
    it = fixture(announce_pool=True)
    entry = it.pool.add(1)
    it.open(ALICE)
    it.relay.received(ALICE, FeeFilter(9_999_999), NOW)  # Above all that is ever paid.
    assert names(it.run(HOUR_ON), ALICE) == []
    it.relay.received(ALICE, FeeFilter(100), HOUR_ON)
    assert names(it.run(HOUR_ON + MINUTE), ALICE) == [entry.wtxid]


def test_its_word_may_come_after_its_first_announcement() -> None:
    it = fixture(announce_pool=True)
    entry = it.pool.add(1)
    it.open(ALICE)
    assert names(it.run(HOUR_ON), ALICE) == [entry.wtxid]  # It was not listening yet.
    it.relay.received(ALICE, FeeFilter(9_999_999), HOUR_ON)
    it.relay.received(ALICE, FeeFilter(100), HOUR_ON)
    assert names(it.run(HOUR_ON + MINUTE), ALICE) == [entry.wtxid]


def test_nobody_is_a_newcomer_for_ever() -> None:
    it = fixture(announce_pool=True)
    it.pool.add(1)
    it.open(ALICE)
    told: list[bytes] = []
    for minute in range(10):
        it.relay.received(ALICE, FeeFilter(9_999_999), NOW + minute * MINUTE)
        it.relay.received(ALICE, FeeFilter(100), NOW + minute * MINUTE)
        told += names(it.run(NOW + (minute + 1) * MINUTE), ALICE)
    assert 1 <= len(told) <= NEWCOMER_TIMES
    assert names(it.run(HOUR_ON), ALICE) == []


def test_who_wants_no_announcements_is_no_newcomer() -> None:
    it = fixture(announce_pool=True)
    it.pool.add(1)
    it.relay.opened(ALICE, inbound=True, wtxid_relay=True, relay=False, now=NOW)
    assert it.run(HOUR_ON) == []


def test_the_minimum_is_told_to_all_but_those_who_force_us_to_relay() -> None:
    it = fixture()
    it.relay.minimum_changed(5_000, NOW)
    for peer, forcerelay in ((ALICE, False), (BOB, True)):
        it.relay.opened(
            peer, inbound=False, wtxid_relay=True, relay=True, forcerelay=forcerelay, now=NOW
        )
    told = it.run(HOUR_ON, FeeFilter)
    assert [peer for _, peer, _ in told][:1] == [ALICE]
    assert BOB not in [peer for _, peer, _ in told]


def test_who_wants_no_transactions_tells_no_minimum() -> None:
    pool = Pool()
    relay = TxRelay(Random(1), pool, blocks_only=True)
    relay.opened(ALICE, inbound=False, wtxid_relay=True, relay=True, now=NOW)
    assert Fixture(pool, relay).run(HOUR_ON, FeeFilter) == []


@pytest.mark.parametrize("feerate", [-1, MAX_MONEY_SAT + 1])
def test_what_is_no_amount_of_money_changes_nothing(feerate: int) -> None:
    it = fixture()
    it.open(ALICE)
    it.relay.received(ALICE, FeeFilter(2_000), NOW)
    it.relay.received(ALICE, FeeFilter(feerate), NOW)
    assert it.relay.stats(ALICE).min_feerate_sat_kvb == 2_000


def matched(it: Fixture, now: Instant) -> list[bytes]:
    """Have done what is to be matched; what is announced of it."""
    found: list[bytes] = []
    for match in it.relay.take_matches():
        copy = match.bloom.copy()
        hits = match_all(copy, match.transactions)
        sent = it.relay.matched(match, copy, hits, now)
        found += names([(now, action.peer, action.message) for action in sent], ALICE)
    return found


def test_with_a_filter_a_peer_hears_of_what_matches_piece_by_piece() -> None:
    it = fixture()
    it.relay.opened(ALICE, inbound=True, wtxid_relay=True, relay=False, bloom=True, now=NOW)
    entries = [it.pool.add(number, 1000 + number) for number in range(MATCHED_AT_ONCE * 2 + 1)]
    wanted = entries[::MATCHED_AT_ONCE]
    it.announce(*entries)
    assert names(it.run(HOUR_ON), ALICE) == []
    bloom = BloomFilter(bytes(1000), 20, 0, 0)
    for entry in wanted:
        bloom.insert(entry.txid)
    load = FilterLoad(bloom.bits, 20, 0, 0)
    assert it.relay.received_filter(ALICE, load, offered=True)
    it.relay.mempool(ALICE, permitted=True, now=HOUR_ON)
    found: list[bytes] = []
    for _ in range(3):
        due = it.relay.deadline()
        assert due is not None
        assert (
            names([(due, action.peer, action.message) for action in it.relay.tick(due)], ALICE)
            == []
        )
        found += matched(it, due)
    assert found == [entry.wtxid for entry in reversed(wanted)]
    assert it.relay.find(ALICE, InvItem(InvType.WTX, entries[1].wtxid), HOUR_ON) is not None
    late = it.pool.add(9999)
    it.announce(late, now=HOUR_ON + MINUTE)
    assert it.run(HOUR_ON + 2 * MINUTE) == []
    assert matched(it, HOUR_ON + 2 * MINUTE) == []


def test_who_may_set_a_filter_yet_may_ask_for_the_pool_and_for_what_was_in_it() -> None:
    """As in Bitcoin Core, where only a peer without any part in the relay is told nothing."""
    it = fixture()
    entry = it.pool.add(1)
    for peer, bloom in ((ALICE, True), (BOB, False)):
        it.relay.opened(
            peer, inbound=True, wtxid_relay=True, relay=False, bloom=bloom, noban=True, now=NOW
        )
        it.relay.mempool(peer, permitted=True, now=NOW)
    found = it.run(HOUR_ON)
    assert names(found, ALICE) == [entry.wtxid]
    assert names(found, BOB) == []
    later = it.pool.add(2)
    it.announce(later, now=HOUR_ON)
    assert it.run(HOUR_ON + MINUTE) == []
    asked = InvItem(InvType.WTX, later.wtxid)
    assert it.relay.find(ALICE, asked, HOUR_ON) is later.transaction
    assert it.relay.find(BOB, asked, HOUR_ON) is None
    assert it.relay.stats(ALICE).last_sequence == it.pool.sequence
    assert it.relay.stats(BOB).last_sequence == 0


def test_nothing_is_matched_twice_at_a_time_and_what_came_meanwhile_follows() -> None:
    it = fixture()
    it.relay.opened(ALICE, inbound=True, wtxid_relay=True, relay=True, bloom=True, now=NOW)
    it.relay.received_filter(ALICE, FilterLoad(b"", 0, 0, 0), offered=True)
    first = it.pool.add(1)
    it.announce(first)
    it.run(NOW + MINUTE)
    (match,) = it.relay.take_matches()
    second = it.pool.add(2)
    it.announce(second, now=NOW + MINUTE)
    it.run(NOW + 2 * MINUTE)
    assert it.relay.take_matches() == []
    sent = it.relay.matched(match, match.bloom.copy(), [True], NOW + 2 * MINUTE)
    assert names([(NOW, action.peer, action.message) for action in sent], ALICE) == [first.wtxid]
    it.run(NOW + 3 * MINUTE)
    assert matched(it, NOW + 3 * MINUTE) == [second.wtxid]
    it.announce(it.pool.add(3), now=NOW + 3 * MINUTE)
    it.run(NOW + 4 * MINUTE)
    (match,) = it.relay.take_matches()
    it.relay.closed(ALICE, NOW)
    assert it.relay.matched(match, match.bloom.copy(), [True], NOW) == []
