"""Whose turn it is: floods wait for themselves, and nobody makes us keep more than is bounded."""

from __future__ import annotations

from typing import Final

import pytest

from axon.machine import IMMEDIATELY, SECOND, Clogged, Closed, Completed, Drained, Received
from axon.node.costs import CUT_BYTE_NS, received_ns, sent_ns
from axon.node.facts import MessageIgnored
from axon.node.jobs import DecodeTransaction, ReadBlock
from axon.node.reception import (
    BURST_NS,
    INBOX_LIMIT_BYTES,
    INBOX_TOTAL_BYTES,
    MOST_NS,
    STEP_NS,
    TURN_NS,
)
from axon.node.replies import FILTERS_A_READ, MAX_READS
from axon.node.work import perform
from axon.primitives.block import Block
from axon.primitives.netaddress import NetAddress, TimedAddress
from axon.primitives.transaction import Transaction
from axon.wire.messages import (
    Addr,
    BlockMessage,
    CFilter,
    GetCFilters,
    GetData,
    Inv,
    InvItem,
    InvType,
    Message,
    NotFound,
    Ping,
    Pong,
)
from axon.wire.messages.compactblocks import SHORT_ID_BYTES
from axon.wire.messages.filters import BASIC_FILTER
from axon.wire.v1 import HEADER_SIZE
from tests.node.rig import Rig, crowded, next_block, payment

PINGS_A_STEP = -(-STEP_NS // (32 * CUT_BYTE_NS + received_ns("ping", 32) + sent_ns("pong", 32)))


def pings(count: int) -> list[Ping]:
    return [Ping(number + 1) for number in range(count)]


def test_a_flood_of_small_messages_takes_turns() -> None:
    rig = Rig()
    peer = rig.connect()
    rig.send(peer, *pings(2 * PINGS_A_STEP))
    first = len(rig.told(peer, Pong))
    assert PINGS_A_STEP <= first <= PINGS_A_STEP + 10  # A turn is begun before the step is over.
    assert rig.node.deadline() == IMMEDIATELY
    rig.tick()
    assert first + len(rig.told(peer, Pong)) == 2 * PINGS_A_STEP


def test_a_turn_that_leaves_nothing_asks_for_no_other() -> None:
    rig = Rig()
    peer = rig.connect()
    rig.send(peer, *pings(PINGS_A_STEP - 1))
    assert len(rig.told(peer, Pong)) == PINGS_A_STEP - 1
    assert rig.node.deadline() != IMMEDIATELY


def test_a_full_turn_that_ends_in_a_wait_for_work_asks_for_no_other() -> None:
    rig = Rig()
    peer = rig.connect()
    block = InvItem(InvType.WITNESS_BLOCK, rig.node.active.at(5).hash)  # type: ignore[union-attr]
    rig.send(peer, *pings(PINGS_A_STEP - 2), GetData((block,)), Ping(7777))
    assert len(rig.told(peer, Pong)) == PINGS_A_STEP - 2
    assert rig.node.deadline() != IMMEDIATELY
    rig.work()
    assert [message.nonce for message in rig.told(peer, Pong)] == [7777]


def invented(count: int) -> list[InvItem]:
    return [InvItem(InvType.WTX, number.to_bytes(32, "little")) for number in range(count)]


FLOODS: Final[dict[str, Message]] = {
    "inv": Inv(tuple(invented(50_000))),
    "notfound": NotFound(tuple(invented(50_000))),
    "getdata": GetData(tuple(invented(50_000))),
    "addr": Addr((TimedAddress(0, 1, NetAddress.from_text("8.8.8.8", 8333)),) * 1000),
}


@pytest.mark.parametrize("name", FLOODS)
def test_however_many_flood_an_honest_ping_is_answered_next(name: str) -> None:
    rig = Rig()
    honest = rig.connect()
    for nonce in range(200):  # It has been here for a while, and cost something.
        rig.send(honest, Ping(nonce + 1))
    strangers = [rig.connect() for _ in range(30)]
    rig.sent_to(honest)
    for peer in strangers:
        rig.send(peer, *[FLOODS[name]] * (1 if name != "addr" else 20))
    for nonce in range(20):
        rig.send(honest, Ping(nonce + 1))
        rig.tick_once()
        assert rig.told(honest, Pong) == [Pong(nonce + 1)]  # In the very next step.
        for _ in range(3):
            rig.tick_once()
    assert rig.node.deadline() == IMMEDIATELY  # The floods are far from worked off.


PING_NS = received_ns("ping", 32) + sent_ns("pong", 32)


def test_who_was_idle_is_ahead_of_who_floods_by_no_more_than_is_remembered() -> None:
    rig = Rig()
    idle, busy = rig.connect(), rig.connect()
    steps = 2 * MOST_NS // STEP_NS
    flood = pings(3 * steps * PINGS_A_STEP)
    rig.send(busy, *flood)
    for _ in range(steps):
        rig.tick_once()
    rig.told(busy, Pong)
    rig.send(idle, *flood)
    for _ in range(steps):
        rig.tick_once()
    one, other = len(rig.told(idle, Pong)), len(rig.told(busy, Pong))
    assert 0 < one - other <= (MOST_NS + STEP_NS) // PING_NS


def test_those_who_flood_all_the_time_take_turns() -> None:
    rig = Rig()
    peers = [rig.connect() for _ in range(3)]
    steps = 3 * MOST_NS // STEP_NS
    for peer in peers:
        rig.send(peer, *pings(2 * steps * PINGS_A_STEP))
    for _ in range(steps):
        rig.tick_once()
    for peer in peers:
        rig.told(peer, Pong)
    for _ in range(30):
        rig.tick_once()
    counts = [len(rig.told(peer, Pong)) for peer in peers]
    assert max(counts) - min(counts) <= PINGS_A_STEP
    assert min(counts) > 0


def test_who_has_stopped_flooding_is_like_any_other_after_a_while() -> None:
    rig = Rig()
    once, crowd = rig.connect(), [rig.connect() for _ in range(10)]
    rig.send(once, *pings(2 * MOST_NS // PING_NS))
    rig.wait(10 * SECOND)
    rig.sent_to(once)
    for peer in crowd:
        rig.send(peer, FLOODS["inv"])
    for _ in crowd:
        rig.tick_once()
    rig.send(once, Ping(9))
    rig.tick_once()
    assert rig.told(once, Pong) == [Pong(9)]


def test_what_one_getdata_names_is_given_one_thing_at_a_time() -> None:
    rig = Rig()
    peer = rig.connect()
    block = next_block(rig)
    rig.send(peer, BlockMessage(block.raw))
    rig.work()
    rig.sent_to(peer)
    item = InvItem(InvType.WITNESS_BLOCK, block.hash)
    rig.send(peer, GetData((item,) * 50_000))  # 1.8 MB, for the newest block: it is in memory.
    # The last turn of a step may begin just before its end.
    at_once = -(-(STEP_NS + TURN_NS) // sent_ns("block", HEADER_SIZE + len(block.raw)))
    rig.tick_once()  # To hash so long a message was work for a step.
    assert 0 < len(rig.told(peer, BlockMessage)) <= at_once
    rig.feed(Clogged(peer))
    rig.tick()
    assert rig.told(peer, BlockMessage) == []
    assert rig.node.deadline() != IMMEDIATELY
    rig.feed(Drained(peer))
    assert 0 < len(rig.told(peer, BlockMessage)) <= at_once


def test_filters_are_read_only_as_fast_as_the_peer_takes_them() -> None:
    rig = Rig()
    peer = rig.connect()
    rig.send(peer, GetCFilters(BASIC_FILTER, 1, rig.node.active.tip.hash), Ping(4))
    rig.work(1)
    assert len(rig.told(peer, CFilter)) == FILTERS_A_READ
    rig.feed(Clogged(peer))
    rig.work(1)  # What was being read already is sent.
    assert len(rig.told(peer, CFilter)) == FILTERS_A_READ
    rig.tick()
    assert not rig.jobs
    rig.feed(Drained(peer))
    rig.work()
    sent = rig.sent_to(peer)
    assert len(sent) == 112 - 2 * FILTERS_A_READ + 1
    assert sent[-1] == Pong(4)


def test_who_makes_us_keep_most_is_given_up_when_all_together_are_too_much() -> None:
    rig = Rig(settings=crowded())
    count = INBOX_TOTAL_BYTES // INBOX_LIMIT_BYTES
    peers = [rig.connect() for _ in range(count + 2)]
    honest = rig.connect()
    rig.send(honest, BlockMessage(next_block(rig).raw), Ping(5))  # It waits, too, with little.
    for peer in peers:
        rig.feed(Clogged(peer))
        empty = Rig.frame("zzz", b"") * (INBOX_LIMIT_BYTES // 24)
        rig.feed(Received(peer, empty))
    gone = [peer for peer in peers if rig.disconnected(peer)]
    assert 1 <= len(gone) <= 3
    waiting = [session.waiting_bytes for session in rig.node.sessions.values()]
    assert sum(waiting) <= INBOX_TOTAL_BYTES
    rig.work()
    assert Pong(5) in rig.sent_to(honest)
    for peer in peers:
        if peer not in gone:
            rig.feed(Closed(peer))
    assert rig.is_alive(honest)


def test_who_keeps_us_waiting_at_half_a_message_goes_before_who_just_sends() -> None:
    """Peers that stop in the middle of a block must not cost others the block that they bring."""
    rig = Rig(settings=crowded())
    half = Rig.frame("block", bytes(3_900_000))[: INBOX_LIMIT_BYTES - 50_000]
    count = INBOX_TOTAL_BYTES // len(half)
    silent = [rig.connect() for _ in range(count)]
    for peer in silent:
        rig.feed(Received(peer, half))
    rig.wait(10 * SECOND)
    honest = rig.connect()
    block = Rig.frame("zzz", bytes(1_700_000))
    for start in range(0, len(block), 200_000):
        rig.feed(Received(honest, block[start : start + 200_000]))
    assert not rig.disconnected(honest)
    assert 1 <= sum(rig.disconnected(peer) is not None for peer in silent) <= 3


def large_transaction(items: int) -> bytes:
    """A `tx` payload with one input, whose witness has so many empty items."""
    body = bytes(36) + b"\x00" + bytes(4) + b"\x01" + bytes(8) + b"\x08\x6a\x06" + bytes(6)
    count = b"\xfe" + items.to_bytes(4, "little")
    return b"\x02" + bytes(3) + b"\x00\x01\x01" + body + count + bytes(items) + bytes(4)


def test_a_long_transaction_is_decoded_off_the_loop() -> None:
    rig = Rig()
    peer, other = rig.connect(), rig.connect()
    payload = large_transaction(100_000)
    rig.feed(Received(peer, Rig.frame("tx", payload)))
    rig.feed(Received(other, Rig.frame("tx", payload)))
    rig.send(peer, Ping(5))
    rig.tick()
    assert [job.job for job in rig.jobs] == [DecodeTransaction(payload)], "one at a time"
    assert rig.told(peer, Pong) == [], "messages of one peer come one after the other"
    rig.work()
    assert rig.told(peer, Pong) == [Pong(5)]
    assert [type(job.job) for job in rig.jobs] == []


def test_a_burst_of_events_does_no_more_than_a_bounded_part_of_its_work_at_once() -> None:
    rig = Rig()
    honest, *crowd = [rig.connect() for _ in range(31)]
    frame = Rig.frame("zzz", bytes(1_000_000))
    for peer in crowd:  # One round of the loop: nothing else has its turn in between.
        rig.feed(Received(peer, frame))
    rig.send(honest, Ping(5))
    taken = [peer for peer in crowd if not rig.node.sessions[peer].waiting_bytes]
    assert 1 <= len(taken) <= 1 + BURST_NS // (len(frame) * CUT_BYTE_NS)
    assert rig.node.deadline() == IMMEDIATELY
    rig.tick_once()
    assert rig.told(honest, Pong) == [Pong(5)], "who was heard last goes first: he cost least"
    rig.tick()
    assert not any(rig.node.sessions[peer].waiting_bytes for peer in crowd)


@pytest.mark.parametrize("items", [300_000, 3_800_000])
def test_what_was_decoded_is_not_taken_apart_on_the_loop(
    items: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither one that is as heavy as may be, nor a heavier one, which is refused as it is."""
    rig = Rig()
    peer = rig.connect()
    rig.feed(Received(peer, Rig.frame("tx", large_transaction(items))))
    job = rig.jobs.popleft()
    decoded = perform(rig.ledger, job.job)
    monkeypatch.setattr(Transaction, "_read", None)
    rig.feed(Completed(job.task, decoded))
    assert len(rig.jobs) == (items < 400_000), "its coins are looked for"


def test_what_is_no_transaction_is_left_out_when_it_was_decoded() -> None:
    rig = Rig()
    peer = rig.connect()
    rig.feed(Received(peer, Rig.frame("tx", large_transaction(100_000)[:-1])))
    rig.send(peer, Ping(5))
    rig.work()
    assert [fact.command for fact in rig.facts(MessageIgnored)] == ["tx"]
    assert rig.told(peer, Pong) == [Pong(5)]


def test_a_long_transaction_of_who_has_gone_is_not_decoded() -> None:
    rig = Rig()
    peers = [rig.connect() for _ in range(3)]
    for peer in peers:
        rig.feed(Received(peer, Rig.frame("tx", large_transaction(50_000))))
    for peer in peers:
        rig.feed(Closed(peer))
    assert len(rig.jobs) == 1
    rig.work()
    assert not rig.jobs


def test_a_block_without_its_witnesses_is_made_off_the_loop_and_once() -> None:
    rig = Rig()
    paid = payment(rig)
    block = next_block(rig, [paid])
    rig.send(rig.connect(), BlockMessage(block.raw))
    rig.work()
    assert rig.node.active.tip.hash == block.hash
    peer = rig.connect()
    rig.send(peer, GetData((InvItem(InvType.WITNESS_BLOCK, block.hash),)))
    assert rig.told(peer, BlockMessage) == [BlockMessage(block.raw)], "it is in memory"
    rig.send(peer, *[GetData((InvItem(InvType.BLOCK, block.hash),))] * 3)
    assert [job.job for job in rig.jobs] == [ReadBlock(block.hash, stripped=True)]
    rig.work()
    sent = rig.told(peer, BlockMessage)
    assert len(sent) == 3
    assert {Block.decode(each.raw).transactions[1].raw for each in sent} == {paid.stripped}


def test_a_block_that_many_want_without_its_witnesses_is_made_once_for_all() -> None:
    rig = Rig()
    entry = rig.node.active.at(5)
    assert entry is not None
    wanted = GetData((InvItem(InvType.BLOCK, entry.hash),))
    peers = [rig.connect() for _ in range(5)]
    for peer in peers:
        rig.send(peer, wanted, Ping(9))
    assert [job.job for job in rig.jobs] == [ReadBlock(entry.hash, stripped=True)]
    rig.feed(Closed(peers[1]))
    rig.work()
    rig.tick()
    for peer in (peers[0], *peers[2:]):
        assert [type(each) for each in rig.sent_to(peer)] == [BlockMessage, Pong]
    rig.send(peers[0], wanted)
    assert not rig.jobs
    assert len(rig.told(peers[0], BlockMessage)) == 1


def test_who_waits_for_anothers_block_without_witnesses_asks_again_when_that_one_goes() -> None:
    rig = Rig()
    others, bare = rig.node.active.at(5), rig.node.active.at(6)
    assert others is not None
    assert bare is not None
    for _ in range(MAX_READS):
        rig.send(rig.connect(), GetData((InvItem(InvType.WITNESS_BLOCK, others.hash),)))
    first, second = rig.connect(), rig.connect()
    for peer in (first, second):
        rig.send(peer, GetData((InvItem(InvType.BLOCK, bare.hash),)), Ping(9))
    rig.feed(Closed(first))  # Its own had to wait, and is forgotten.
    rig.tick()
    rig.work()
    assert [type(each) for each in rig.sent_to(second)] == [BlockMessage, Pong]


def test_a_compact_block_of_many_names_takes_several_turns_of_its_sender() -> None:
    names = 60_000 * SHORT_ID_BYTES
    assert received_ns("cmpctblock", names) > 10 * STEP_NS
    usual = received_ns("cmpctblock", 3_000 * SHORT_ID_BYTES)
    assert usual < STEP_NS
