"""Headers and blocks through a node: asked for, pushed, reorganised, announced."""

from __future__ import annotations

from dataclasses import replace

from axon.machine import MINUTE, SECOND, Commanded, PeerId
from axon.node.blocktraced import BlockTraced
from axon.node.commands import (
    FetchBlock,
    SendTransaction,
    SubmitBlock,
    SubmitHeader,
    Submitted,
)
from axon.node.facts import (
    BlockConnected,
    BlockDisconnected,
    BlockRejected,
    InitialSyncEnded,
    PeerMisbehaved,
    TipChanged,
    TransactionAccepted,
    TransactionRemoved,
)
from axon.node.jobs import LearnHeaders
from axon.p2p.blocksinflight import TIMEOUT_BASE
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash
from axon.primitives.header import HEADER_SIZE, Header
from axon.primitives.network import REGTEST
from axon.primitives.verdict import Accepted
from axon.wire.messages import (
    BlockMessage,
    GetData,
    GetHeaders,
    Headers,
    Inv,
    InvItem,
    InvType,
    SendHeaders,
    Services,
)
from tests.node.rig import (
    BLOCKS,
    NOW,
    Rig,
    chain_on,
    listening,
    next_block,
    payment,
    their_version,
)


def test_an_announced_block_is_asked_for_judged_and_announced_on() -> None:
    rig = Rig()
    giver, taker, old_style = rig.connect(), rig.connect(), rig.connect()
    rig.send(taker, SendHeaders())
    block = next_block(rig)
    rig.send(giver, Headers((block.header,)))
    (request,) = rig.told(giver, GetData)
    assert request.items == (InvItem(InvType.WITNESS_BLOCK, block.hash),)
    rig.send(giver, BlockMessage(block.raw))
    rig.work()
    assert rig.node.active.tip.hash == block.hash
    assert rig.told(taker, Headers) == [Headers((block.header,))]
    assert rig.told(old_style, Inv) == [Inv((InvItem(InvType.BLOCK, block.hash),))]
    assert rig.told(giver, Headers) == []  # It has it.
    assert [fact.height for fact in rig.facts(BlockConnected)] == [113]


def test_what_happened_to_a_block_is_told_in_one_fact() -> None:
    rig = Rig()
    giver, other, _ = rig.connect(), rig.connect(), rig.connect()
    block = next_block(rig)
    began_at = rig.now
    rig.send(other, Inv((InvItem(InvType.BLOCK, block.hash),)))
    rig.wait(SECOND)
    rig.send(giver, Headers((block.header,)))
    rig.send(giver, BlockMessage(block.raw))
    rig.work()
    (fact,) = rig.facts(BlockTraced)
    timeline = fact.timeline
    assert fact.category is None
    assert [(each.peer, each.command) for each in timeline.announced] == [
        (other, "inv"),
        (giver, "headers"),
    ]
    assert [each.peer for each in timeline.asked] == [giver]
    assert (timeline.began_at, timeline.sender, timeline.height) == (began_at, giver, 113)
    assert timeline.received_at == timeline.validated_at == timeline.relayed_at == rig.now
    assert timeline.relayed_to == 1
    assert next(rig.node.timelines.newest()) == timeline


def test_who_keeps_a_block_to_himself_is_said_to_stall() -> None:
    rig = Rig()
    staller, giver = rig.connect(), rig.connect()
    block = next_block(rig)
    rig.send(staller, Headers((block.header,)))
    rig.send(giver, Headers((block.header,)))
    asked_at = rig.now
    while rig.disconnected(staller) is None:
        rig.wait(MINUTE)
    timeline = rig.node.timelines.get(block.hash)
    assert timeline is not None
    assert [each.peer for each in timeline.stalled] == [staller]
    assert timeline.stalled[0].at - asked_at >= TIMEOUT_BASE
    assert [each.peer for each in timeline.asked] == [staller, giver]


def test_a_block_named_by_inv_is_learnt_by_its_headers() -> None:
    rig = Rig()
    peer = rig.connect()
    rig.send(peer, Inv((InvItem(InvType.BLOCK, next_block(rig).hash),)))
    assert rig.told(peer, GetHeaders)


def test_a_block_that_nobody_asked_for_is_taken_if_it_leads_on() -> None:
    rig = Rig()
    peer = rig.connect()
    fifth = rig.node.active.at(5)
    assert fifth is not None
    old, new = chain_on(fifth, 1, salt=b"old")[0], next_block(rig)
    rig.send(peer, BlockMessage(old.raw), BlockMessage(new.raw))
    rig.work()
    assert rig.node.active.tip.hash == new.hash
    assert not rig.node.chain.has_block(old.hash)
    assert rig.disconnected(peer) is None


def test_a_block_as_good_as_our_tip_is_taken_unasked() -> None:
    rig = Rig()
    peer = rig.connect()
    before = rig.node.active.tip.parent
    assert before is not None
    (rival,) = chain_on(before, 1, salt=b"rival")
    rig.send(peer, BlockMessage(rival.raw))
    rig.work()
    assert rig.node.chain.has_block(rival.hash)
    assert rig.node.active.tip.hash != rival.hash


def test_a_block_without_its_parent_is_misbehaviour() -> None:
    """Blocks are asked for by their headers, so nobody has a reason to send one."""
    rig = Rig()
    peer = rig.connect()
    _, second = chain_on(rig.node.active.tip, 2)
    rig.send(peer, BlockMessage(second.raw))
    rig.work()
    assert rig.disconnected(peer) is not None
    assert rig.facts(PeerMisbehaved)


def test_a_block_brings_no_header_of_a_chain_with_little_work() -> None:
    settings = replace(listening(), minimum_chainwork=2**40)
    rig = Rig(settings=settings)
    peer = rig.connect()
    (block,) = chain_on(rig.node.active.tip, 1)
    rig.send(peer, BlockMessage(block.raw))
    rig.work()
    assert rig.node.headers.get(block.hash) is None
    assert rig.disconnected(peer) is None


def test_a_block_that_was_refused_is_held_against_those_we_chose() -> None:
    rig = Rig()
    bad = next_block(rig, reward_sat=REGTEST.subsidy_sat(113) + 1)
    first, second = rig.connect(), rig.connect()
    for peer in (first, second):
        rig.send(peer, BlockMessage(bad.raw))
        rig.work()
    assert rig.disconnected(first) is not None
    assert rig.disconnected(second) is None


def test_of_blocks_named_together_the_last_unknown_one_is_looked_for() -> None:
    rig = Rig()
    peer = rig.connect()
    (new,) = chain_on(rig.node.active.tip, 1)
    names = [new.hash, rig.node.active.tip.hash]
    rig.send(peer, Inv(tuple([InvItem(InvType.BLOCK, name) for name in names])))
    assert rig.told(peer, GetHeaders)


def test_blocks_may_come_in_any_order() -> None:
    rig = Rig()
    peer = rig.connect()
    blocks = chain_on(rig.node.active.tip, 6)
    rig.send(peer, Headers(tuple(block.header for block in blocks)))
    for block in reversed(blocks):
        rig.send(peer, BlockMessage(block.raw))
        rig.work()
    assert rig.node.active.height == 118
    assert rig.node.follows
    assert rig.node.coins.best == blocks[-1].hash


def test_the_first_block_of_equal_work_stays() -> None:
    rig = Rig()
    peer = rig.connect()
    one, other = next_block(rig, extra_nonce=b"one"), next_block(rig, extra_nonce=b"other")
    for block in (one, other):
        rig.send(peer, Headers((block.header,)), BlockMessage(block.raw))
        rig.work()
    assert rig.node.active.tip.hash == one.hash
    entry = rig.node.headers.get(other.hash)
    assert entry is not None
    assert rig.node.chain.status(entry) in ("valid-headers", "valid-fork")


def test_a_reorganisation_brings_transactions_back_into_the_pool() -> None:
    rig = Rig()
    peer = rig.connect()
    fork = rig.node.active.tip
    paid = payment(rig)
    lost = next_block(rig, [paid])
    rig.command(SubmitBlock(lost))
    assert rig.node.coins.best == lost.hash
    rig.clear()
    better = chain_on(fork, 2)
    rig.send(peer, Headers(tuple(block.header for block in better)))
    for block in better:
        rig.send(peer, BlockMessage(block.raw))
        rig.work()
    assert rig.node.active.tip.hash == better[-1].hash
    assert [fact.hash for fact in rig.facts(BlockDisconnected)] == [lost.hash]
    assert paid.txid in rig.node.pool
    assert [fact.txid for fact in rig.facts(TransactionAccepted)] == [paid.txid]


def test_a_deep_reorganisation_does_so_too() -> None:
    rig = Rig()
    peer = rig.connect()
    fork = rig.node.active.tip
    paid = [payment(rig, which=which) for which in range(3)]
    rig.command(SubmitBlock(next_block(rig, paid[:1])))
    rig.command(SubmitBlock(next_block(rig, paid[1:2])))
    for _ in range(8):
        rig.command(SubmitBlock(next_block(rig)))
    rig.command(SubmitBlock(next_block(rig, paid[2:])))
    assert rig.node.active.height == fork.height + 11
    rig.clear()
    better = chain_on(fork, 12)
    rig.send(peer, Headers(tuple(block.header for block in better)))
    for block in better:
        rig.send(peer, BlockMessage(block.raw))
        rig.work()
    assert rig.node.active.tip.hash == better[-1].hash
    assert len(rig.facts(BlockDisconnected)) == 11
    assert {entry.txid for entry in rig.node.pool.entries()} == {item.txid for item in paid}
    assert rig.node.follows


def test_a_reorganisation_takes_away_what_it_makes_impossible() -> None:
    rig = Rig()
    peer = rig.connect()
    fork = rig.node.active.tip
    waiting, rival = payment(rig, fee_sat=2_000), payment(rig, fee_sat=3_000)
    rig.command(SubmitBlock(next_block(rig)))
    rig.command(SendTransaction(waiting))
    assert waiting.txid in rig.node.pool
    first = next_block(rig, [rival], parent=fork, extra_nonce=b"rival")
    rig.send(peer, Headers((first.header,)), BlockMessage(first.raw))
    rig.work()
    entry = rig.node.headers.get(first.hash)
    assert entry is not None
    second = next_block(rig, parent=entry)
    rig.send(peer, Headers((second.header,)), BlockMessage(second.raw))
    rig.work()
    assert rig.node.active.tip.hash == second.hash
    assert waiting.txid not in rig.node.pool
    assert [fact.reason for fact in rig.facts(TransactionRemoved)] == ["conflict"]


def test_a_branch_with_an_invalid_block_loses() -> None:
    rig = Rig()
    honest, cheat = rig.connect(), rig.connect()
    good = next_block(rig)
    rig.command(SubmitBlock(good))
    fork = rig.node.active.tip.parent
    assert fork is not None
    bad = next_block(rig, parent=fork, reward_sat=1 << 40, extra_nonce=b"bad")
    rig.send(cheat, Headers((bad.header,)), BlockMessage(bad.raw))
    rig.work()
    entry = rig.node.headers.get(bad.hash)
    assert entry is not None
    more = next_block(rig, parent=entry)
    rig.send(cheat, Headers((more.header,)), BlockMessage(more.raw))
    rig.work()
    assert rig.node.active.tip.hash == good.hash
    assert rig.facts(BlockRejected)
    assert rig.disconnected(cheat) is not None
    assert rig.is_alive(honest)


def test_an_old_tip_means_initial_sync_until_a_recent_block_comes() -> None:
    late = NOW + 3 * 24 * 3600 * SECOND
    rig = Rig(now=late)
    assert rig.node.initial_sync
    peer = rig.connect()
    assert isinstance(rig.command(SendTransaction(payment(rig))), object)
    block = next_block(rig, spacing_s=3 * 24 * 3600)
    rig.send(peer, Headers((block.header,)), BlockMessage(block.raw))
    rig.work()
    assert not rig.node.initial_sync
    assert [fact.height for fact in rig.facts(InitialSyncEnded)] == [113]


def test_a_whole_chain_is_downloaded_and_coins_catch_up() -> None:
    rig = Rig(blocks=())
    peer = rig.connect()
    headers = tuple(Header(raw[:HEADER_SIZE]) for raw in BLOCKS)
    rig.send(peer, Headers(headers))
    by_hash = {Header(raw[:HEADER_SIZE]).hash: raw for raw in BLOCKS}
    for _ in range(200):
        requests = rig.told(peer, GetData)
        if not requests:
            break
        for request in requests:
            for item in request.items:
                rig.send(peer, BlockMessage(by_hash[BlockHash(item.hash)]))
        rig.work()
    assert rig.node.active.height == len(BLOCKS)
    rig.wait(SECOND)
    assert rig.node.follows
    assert rig.node.coins.height == len(BLOCKS)
    assert not rig.node.initial_sync
    assert rig.facts(TipChanged)[-1].progress == 1.0


def test_submitted_blocks_are_answered_in_the_words_of_bip_22() -> None:
    rig = Rig()
    block = next_block(rig)
    assert rig.command(SubmitBlock(block)) == Submitted(None)
    assert rig.command(SubmitBlock(block)) == Submitted("duplicate", known=True)
    bad = next_block(rig, reward_sat=1 << 40)
    assert rig.command(SubmitBlock(bad)) == Submitted("bad-cb-amount")
    assert rig.command(SubmitBlock(bad)) == Submitted("duplicate-invalid", known=True)
    tip = rig.node.active.tip
    assert tip.parent is not None
    side = next_block(rig, parent=tip.parent, extra_nonce=b"side")
    assert rig.command(SubmitBlock(side)) == Submitted("inconclusive")
    assert rig.command(SubmitBlock(side)) == Submitted("duplicate", known=True)
    unknown = chain_on(tip, 2)[1]
    assert rig.command(SubmitBlock(unknown)) == Submitted("prev-blk-not-found")


def test_a_block_is_submitted_while_a_forgery_of_it_is_validated() -> None:
    rig = Rig()
    peer = rig.connect()
    block = next_block(rig)
    forged = bytearray(block.raw)
    forged[-10] ^= 1
    assert Block.decode(bytes(forged)).hash == block.hash
    rig.send(peer, Headers((block.header,)), BlockMessage(bytes(forged)))
    assert block.hash in rig.node.chain.validating
    assert rig.command(SubmitBlock(block)) == Submitted(None)
    assert rig.node.active.tip.hash == block.hash


def test_a_submitted_header_makes_its_block_wanted() -> None:
    rig = Rig()
    peer = rig.connect()
    block = next_block(rig)
    assert rig.command(SubmitHeader(block.header)) == Accepted()
    assert rig.told(peer, GetData) == []  # Nobody said that he has it.
    rig.send(peer, Headers((block.header,)))
    assert rig.told(peer, GetData)


def test_a_submitted_header_is_answered_once_it_is_kept() -> None:
    rig = Rig()
    first, second, third = [block.header for block in chain_on(rig.node.active.tip, 3)]
    for ticket, header in enumerate((first, second, third, third), 1):
        rig.feed(Commanded(ticket, SubmitHeader(header)))
    kept = []
    while rig.jobs:
        kept.append((rig.jobs[0].job, sorted(rig.answers)))
        rig.work(1)
    lowest, highest = (rig.node.headers.get(each.hash) for each in (first, third))
    assert kept == [
        (LearnHeaders((first,), lowest), []),
        (LearnHeaders((second, third), highest), []),
    ]
    assert rig.answers == dict.fromkeys((1, 2, 3, 4), Accepted())
    rig.feed(Commanded(5, SubmitHeader(third)))
    assert rig.answers[5] == Accepted()


def test_a_block_can_only_be_fetched_from_a_peer_that_speaks_of_blocks() -> None:
    rig = Rig()
    silent, old = rig.open(), rig.connect(their_version(services=int(Services.NETWORK)))
    peer, gone = rig.connect(), PeerId(99)
    fifth = rig.node.active.at(5)
    assert fifth is not None
    stale = chain_on(fifth, 1, salt=b"stale")[0]
    rig.command(SubmitHeader(stale.header))
    ask = [rig.command(FetchBlock(stale.hash, one)) for one in (gone, silent, old, peer)]
    assert ask == ["Peer does not exist", "Pre-SegWit peer", "Pre-SegWit peer", None]
    assert rig.told(peer, GetData) == [GetData((InvItem(InvType.WITNESS_BLOCK, stale.hash),))]
    rig.send(peer, BlockMessage(stale.raw))
    rig.work()
    assert rig.node.chain.has_block(stale.hash)
    assert rig.node.active.height == 112
