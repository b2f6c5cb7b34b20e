"""One way through a node: peers leave when a step is over, slow work is ordered and bounded."""

from __future__ import annotations

import pytest

from axon.machine import Closed, Disconnect, Transmit
from axon.node.admission import MAX_IN_FLIGHT
from axon.node.facts import TransactionAccepted
from axon.node.jobs import FindCoins, ReadBlock, ReadFilters, VerifyScripts
from axon.node.replies import MAX_READS
from axon.node.work import perform
from axon.primitives.network import REGTEST
from axon.wire.messages import (
    BlockMessage,
    CFilter,
    GetCFilters,
    GetData,
    InvItem,
    InvType,
    Ping,
    Pong,
    Tx,
    WtxidRelay,
)
from axon.wire.messages.filters import BASIC_FILTER
from tests.node.rig import Rig, next_block, payment


def test_a_peer_that_failed_is_sent_nothing_more_and_not_listened_to() -> None:
    rig = Rig()
    peer = rig.connect()
    rig.clear()
    rig.send(peer, Ping(1), WtxidRelay(), Ping(2))  # Agreed on too late.
    assert rig.sent_to(peer) == [Pong(1)]
    kinds = [type(effect) for effect in rig.effects]
    assert kinds.index(Disconnect) > kinds.index(Transmit)
    assert peer not in rig.node.sessions


def test_who_leaves_in_the_middle_of_a_step_is_asked_for_nothing() -> None:
    rig = Rig()
    cheat, other = rig.connect(), rig.connect()
    bad = next_block(rig, reward_sat=REGTEST.subsidy_sat(113) + 1)
    rig.send(cheat, BlockMessage(bad.raw), Ping(3))
    rig.work()
    assert Pong(3) not in rig.sent_to(cheat)
    assert rig.disconnected(cheat) is not None
    assert rig.is_alive(other)


def test_one_transaction_of_five_peers_is_verified_once() -> None:
    rig = Rig()
    peers = [rig.connect() for _ in range(5)]
    paid = payment(rig)
    for peer in peers:
        rig.send(peer, Tx(paid), Ping(peer + 1))
    jobs: list[type] = []
    while rig.jobs:
        jobs.append(type(rig.jobs[0].job))
        assert not any(Pong(peer + 1) in rig.sent_to(peer) for peer in peers)
        rig.work(1)
    assert jobs == [FindCoins, VerifyScripts]
    assert len(rig.facts(TransactionAccepted)) == 1
    for peer in peers:
        assert Pong(peer + 1) in rig.sent_to(peer)


def test_transactions_of_peers_that_come_and_go_do_not_pile_up() -> None:
    rig = Rig()
    peers = [rig.connect() for _ in range(3 * MAX_IN_FLIGHT)]
    for peer in peers:
        rig.send(peer, Tx(payment(rig, fee_sat=1_000 + peer)))
        rig.feed(Closed(peer))
    jobs = [job for job in rig.jobs if isinstance(job.job, FindCoins)]
    assert len(jobs) == MAX_IN_FLIGHT
    rig.work()
    late = rig.connect()
    assert rig.is_alive(late)


def test_blocks_for_peers_that_come_and_go_are_not_all_read() -> None:
    rig = Rig()
    entry = rig.node.active.at(5)
    assert entry is not None
    item = InvItem(InvType.WITNESS_BLOCK, entry.hash)
    peers = [rig.connect() for _ in range(2 * MAX_READS)]
    for peer in peers:
        rig.send(peer, GetData((item,)), Ping(9))
    reads = [job for job in rig.jobs if isinstance(job.job, ReadBlock)]
    assert len(reads) == MAX_READS
    gone = peers[-1]
    rig.feed(Closed(gone))
    rig.work()
    for peer in peers[:-1]:
        sent = rig.sent_to(peer)
        assert any(isinstance(message, BlockMessage) for message in sent)
        assert sent[-1] == Pong(9)
    assert rig.sent_to(gone) == []


def test_filters_are_read_off_the_loop_and_the_peer_waits() -> None:
    rig = Rig()
    peer = rig.connect()
    rig.send(peer, GetCFilters(BASIC_FILTER, 1, rig.node.active.tip.hash), Ping(4))
    assert [type(job.job) for job in rig.jobs] == [ReadFilters]
    assert rig.sent_to(peer) == []
    rig.work()
    sent = rig.sent_to(peer)
    assert len([item for item in sent if isinstance(item, CFilter)]) == 112
    assert sent[-1] == Pong(4)


def test_no_event_reads_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = Rig()
    peer = rig.connect()
    working = [False]

    def guard(owner: object, name: str) -> None:
        real = getattr(owner, name)

        def guarded(*args: object) -> object:
            assert working[0], f"{name} is called while an event is handled"
            return real(*args)

        monkeypatch.setattr(owner, name, guarded)

    assert rig.ledger.filters is not None
    guard(rig.ledger.coins._store, "multi_get")
    guard(rig.ledger.filters._store, "multi_get")

    def work(ledger: object, job: object) -> object:
        assert ledger is rig.ledger
        working[0] = True
        try:
            return perform(rig.ledger, job)
        finally:
            working[0] = False

    monkeypatch.setattr("tests.node.rig.perform", work)
    tip = rig.node.active.tip.hash
    paid = payment(rig)
    rig.send(peer, Tx(paid), GetCFilters(BASIC_FILTER, 1, tip))
    rig.work()
    block = next_block(rig, [paid])
    rig.send(peer, BlockMessage(block.raw), Ping(8))
    rig.work()
    assert rig.node.active.tip.hash == block.hash
    assert Pong(8) in rig.sent_to(peer)
