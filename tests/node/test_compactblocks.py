"""Compact blocks through a node: asked for, made whole, passed on, given (BIP 152)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from axon.machine import DAY, HOUR, SECOND, Closed, Commanded, PeerId
from axon.node import compactrelay
from axon.node.blocktraced import BlockRebuilt
from axon.node.commands import SendTransaction, SubmitBlock, Submitted
from axon.node.compactflow import MAX_ORDERED
from axon.node.costs import DECODED_BLOCK_NS
from axon.node.facts import MessageIgnored, PeerMisbehaved, TransactionRejected
from axon.node.peerinfo import peer_info
from axon.p2p.blocksinflight import TIMEOUT_BASE
from axon.p2p.compactblock import Sources, compact_block
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash
from axon.primitives.shortid import short_id_key, short_ids
from axon.primitives.transaction import Transaction, TxOut, outpoint
from axon.wire.messages import (
    BlockMessage,
    BlockTxn,
    CmpctBlock,
    GetBlockTxn,
    GetData,
    GetHeaders,
    Headers,
    Inv,
    InvItem,
    InvType,
    SendCmpct,
    SendHeaders,
    Tx,
    Verack,
)
from axon.wire.messages.compactblocks import Prefilled
from tests.node.rig import (
    ALICE,
    BLOCKS,
    BOB,
    CAROL,
    NOW,
    Rig,
    chain_on,
    coins_of,
    dialling,
    listening,
    next_block,
    payment,
    their_version,
)
from tests.signing import Spendable


def joined(rig: Rig, announce: int = 0) -> PeerId:
    """A peer that understands compact blocks."""
    peer = rig.connect()
    rig.send(peer, SendCmpct(announce))
    return peer


def announcer(rig: Rig) -> PeerId:
    """A peer that understands compact blocks, and is chosen to announce by them."""
    peer = joined(rig)
    rig.node.compact.bandwidth.brought(peer)
    return peer


def chosen(rig: Rig) -> PeerId:
    """A peer that brought a block, and is asked to announce the next ones compact."""
    peer = joined(rig)
    block = next_block(rig)
    rig.send(peer, Headers((block.header,)), BlockMessage(block.raw))
    rig.work()
    assert SendCmpct(1) in rig.sent_to(peer)
    return peer


def payments(rig: Rig) -> list[Transaction]:
    """Three payments, which are in nobody's pool yet."""
    return [payment(rig, payer) for payer in (ALICE, BOB, CAROL)]


def pooled(rig: Rig, transactions: list[Transaction]) -> None:
    """Put them into the pool."""
    for transaction in transactions:
        rig.command(SendTransaction(transaction))
        assert transaction.txid in rig.node.pool


def tip(rig: Rig) -> BlockHash:
    """Of the active chain."""
    return rig.node.active.tip.hash


def sources(rig: Rig, block: Block) -> Sources | None:
    """Where the transactions of a block came from."""
    timeline = rig.node.timelines.get(block.hash)
    assert timeline is not None
    return timeline.rebuilt


def work_at_once(rig: Rig, name: str) -> None:
    """Work until there is a job of this name, and do that before all others."""
    while not (found := [each for each in rig.jobs if type(each.job).__name__ == name]):
        assert rig.jobs, f"nobody ordered {name}"
        rig.work(1)
    (job,) = found
    rig.jobs.remove(job)
    rig.jobs.appendleft(job)
    rig.work(1)


WANTS_BLOCK = InvType.WITNESS_BLOCK


def items(rig: Rig, peer: PeerId) -> list[InvItem]:
    """What a peer was asked for since the last look."""
    return [item for message in rig.told(peer, GetData) for item in message.items]


# Who says what to whom.


def test_every_peer_that_may_know_is_told_that_we_understand_them() -> None:
    rig = Rig()
    new, old = rig.open(), rig.open()
    for peer, version in ((new, 70014), (old, 70013)):
        rig.send(peer, their_version(9, version=version))
        rig.send(peer, Verack())
    assert rig.told(new, SendCmpct) == [SendCmpct(0)]
    assert rig.told(old, SendCmpct) == []


def test_who_brings_a_new_tip_is_asked_to_announce_the_next_one_compact() -> None:
    rig = Rig()
    peer = chosen(rig)
    info = peer_info(rig.node, rig.node.sessions[peer], rig.now)
    assert info.gives_high_bandwidth
    assert not info.wants_high_bandwidth


def test_the_block_that_ends_the_first_sync_chooses_nobody() -> None:
    rig = Rig(now=NOW + 3 * DAY)
    peer = joined(rig)
    block = next_block(rig, spacing_s=3 * DAY // SECOND)
    rig.send(peer, Headers((block.header,)), BlockMessage(block.raw))
    rig.work()
    assert tip(rig) == block.hash
    assert not rig.node.initial_sync
    assert rig.told(peer, SendCmpct) == []


def test_near_the_tip_one_block_is_asked_for_compact_and_more_are_not() -> None:
    rig = Rig()
    peer, old = joined(rig), rig.connect()
    first, second, third = chain_on(rig.node.active.tip, 3)
    rig.send(peer, Headers((first.header,)))
    assert items(rig, peer) == [InvItem(InvType.CMPCT_BLOCK, first.hash)]
    rig.send(peer, Headers((second.header,)))
    assert items(rig, peer) == [InvItem(WANTS_BLOCK, second.hash)], "one is on its way"
    rig.send(old, Headers((third.header,)))
    assert items(rig, old) == [InvItem(WANTS_BLOCK, third.hash)]


def test_a_node_without_a_pool_asks_for_whole_blocks_and_takes_no_others() -> None:
    rig = Rig(settings=replace(listening(), blocks_only=True))
    peer = joined(rig)
    block = next_block(rig)
    rig.send(peer, compact_block(block, 7))
    assert rig.node.headers.get(block.hash) is None
    assert [fact.command for fact in rig.facts(MessageIgnored)] == ["cmpctblock"]
    rig.send(peer, Headers((block.header,)))
    assert items(rig, peer) == [InvItem(WANTS_BLOCK, block.hash)]
    rig.send(peer, BlockMessage(block.raw))
    rig.work()
    assert tip(rig) == block.hash
    assert rig.told(peer, SendCmpct) == []


def test_compact_blocks_of_peers_that_did_not_agree_on_them_are_left_out() -> None:
    rig = Rig()
    peer = rig.connect()
    block = next_block(rig)
    rig.send(peer, SendCmpct(1, version=1), compact_block(block, 7))
    rig.work()
    assert rig.node.headers.get(block.hash) is None
    assert rig.is_alive(peer)


# They come in.


def test_a_block_whose_transactions_are_here_needs_no_round_trip() -> None:
    rig = Rig()
    peer, paid = announcer(rig), payments(rig)
    pooled(rig, paid)
    block = next_block(rig, paid)
    rig.sent_to(peer)
    rig.send(peer, compact_block(block, 7))
    rig.work()
    assert tip(rig) == block.hash
    assert sources(rig, block) == Sources(1, 3, 0, 0)
    assert not {"getdata", "getblocktxn"} & set(rig.commands(peer))
    timeline = rig.node.timelines.get(block.hash)
    assert timeline is not None
    assert [(each.peer, each.command) for each in timeline.announced] == [(peer, "cmpctblock")]
    assert "3 from the pool" in str(timeline)
    assert rig.node.sessions[peer].last_block_at == rig.now
    (fact,) = rig.facts(BlockRebuilt)
    assert fact.category == "cmpctblock"
    assert str(fact).endswith(
        "1 txn prefilled, 3 txn from mempool (incl at least 0 from extra pool) and 0 txn requested"
    )


def test_of_one_that_comes_unasked_the_header_alone_counts() -> None:
    rig = Rig()
    peer, paid = joined(rig), payments(rig)
    pooled(rig, paid)
    block = next_block(rig, paid)
    rig.send(peer, compact_block(block, 7))
    assert all(type(each.job).__name__ != "MatchCompact" for each in rig.jobs)
    assert [fact.command for fact in rig.facts(MessageIgnored)] == ["cmpctblock"]
    assert [item.hash for item in items(rig, peer)] == [block.hash]
    rig.send(peer, compact_block(block, 7))
    rig.work()
    assert tip(rig) == block.hash, "now it was"


def test_what_is_missing_is_asked_for() -> None:
    rig = Rig()
    peer, paid = announcer(rig), payments(rig)
    pooled(rig, paid[:1])
    block = next_block(rig, paid)
    rig.send(peer, compact_block(block, 7))
    rig.work()
    assert rig.told(peer, GetBlockTxn) == [GetBlockTxn(block.hash, (2, 3))]
    assert rig.node.blocks.download.inflight(peer) == [113]
    rig.send(peer, BlockTxn.build(block.hash, paid[1:]))
    rig.work()
    assert tip(rig) == block.hash
    assert sources(rig, block) == Sources(1, 1, 0, 2)
    timeline = rig.node.timelines.get(block.hash)
    assert timeline is not None
    assert [(each.peer, each.command) for each in timeline.asked] == [(peer, "getblocktxn")]
    assert rig.node.blocks.download.in_flight_total == 0


def test_orphans_and_what_was_replaced_or_refused_are_used() -> None:
    rig = Rig()
    peer, sender = announcer(rig), rig.connect()
    coin = coins_of(rig, ALICE)[0]
    first = ALICE.pay([coin], [TxOut(coin.amount_sat - 1_000, BOB.script)])
    better = ALICE.pay([coin], [TxOut(coin.amount_sat - 50_000, CAROL.script)])
    pooled(rig, [first])
    rig.command(SendTransaction(better))
    assert first.txid not in rig.node.pool
    cheap = payment(rig, BOB, fee_sat=0)
    rig.send(sender, Tx(cheap))
    rig.work()
    assert [fact.wtxid for fact in rig.facts(TransactionRejected)] == [cheap.wtxid]
    lost = payment(rig, CAROL)
    child = BOB.pay([_output(lost)], [TxOut(1_000_000, ALICE.script)])
    rig.send(sender, Tx(child))
    rig.work()
    assert child.wtxid in rig.node.transactions.orphans
    block = next_block(rig, [first, cheap, lost, child])
    rig.send(peer, compact_block(block, 7))
    rig.work()
    assert rig.told(peer, GetBlockTxn) == [GetBlockTxn(block.hash, (3,))]
    rig.send(peer, BlockTxn.build(block.hash, [lost]))
    rig.work()
    assert tip(rig) == block.hash
    assert sources(rig, block) == Sources(1, 0, 3, 1)


def _output(transaction: Transaction) -> Spendable:
    return Spendable(outpoint(transaction.txid, 0), transaction.outputs[0].amount_sat)


def test_the_operator_may_keep_nothing_beside_the_pool() -> None:
    rig = Rig(settings=replace(listening(), extra_transactions=0))
    sender = rig.connect()
    rig.send(sender, Tx(payment(rig, BOB, fee_sat=0)))
    rig.work()
    assert rig.facts(TransactionRejected)
    assert len(rig.node.transactions.outcomes.extra) == 0


def test_one_that_leads_nowhere_makes_us_ask_for_headers() -> None:
    rig = Rig()
    peer = announcer(rig)
    _, second = chain_on(rig.node.active.tip, 2)
    rig.send(peer, compact_block(second, 7))
    assert rig.told(peer, GetHeaders)
    assert rig.node.headers.get(second.hash) is None


def test_one_far_ahead_is_as_good_as_a_header() -> None:
    rig = Rig()
    peer = announcer(rig)
    blocks = chain_on(rig.node.active.tip, 3)
    rig.send(peer, Headers(tuple(block.header for block in blocks[:2])))
    rig.sent_to(peer)
    rig.send(peer, compact_block(blocks[2], 7))
    assert items(rig, peer) == [InvItem(WANTS_BLOCK, blocks[2].hash)]
    rig.send(peer, compact_block(blocks[2], 7))
    assert items(rig, peer) == [InvItem(WANTS_BLOCK, blocks[2].hash)], "it owes it to us"


def test_two_ahead_is_near_enough() -> None:
    rig = Rig()
    peer = announcer(rig)
    first, second = chain_on(rig.node.active.tip, 2)
    rig.send(peer, Headers((first.header,)))
    rig.send(peer, compact_block(second, 7))
    rig.work()
    assert rig.node.chain.has_block(second.hash)


def test_with_an_old_tip_they_are_only_headers() -> None:
    rig = Rig(now=NOW + 5 * HOUR)
    peer = announcer(rig)
    block = next_block(rig)
    rig.send(peer, compact_block(block, 7))
    assert not rig.jobs or all("Compact" not in type(each.job).__name__ for each in rig.jobs)
    assert rig.node.headers.get(block.hash) is not None


def test_one_with_less_work_than_our_tip_is_no_news() -> None:
    rig = Rig()
    peer = announcer(rig)
    parent = rig.node.active.tip.parent
    (rival,) = chain_on(parent, 1, salt=b"rival")  # type: ignore[arg-type]
    rig.send(peer, compact_block(rival, 7))
    rig.work()
    assert items(rig, peer) == []
    assert not rig.node.chain.has_block(rival.hash)


def test_one_with_too_little_work_is_not_even_remembered() -> None:
    rig = Rig()
    peer = announcer(rig)
    (old,) = chain_on(rig.node.headers.genesis, 1, salt=b"old")
    rig.node.chain.minimum_chainwork = 2**40
    rig.send(peer, compact_block(old, 7))
    assert rig.node.headers.get(old.hash) is None
    assert rig.is_alive(peer)


# Faults and malice.


def test_a_header_without_its_work_is_a_violation() -> None:
    rig = Rig()
    peer = announcer(rig)
    raw = bytearray(compact_block(next_block(rig), 7).raw)
    for nonce in range(256):
        raw[76] = nonce
        if CmpctBlock(bytes(raw)).hash[-1] > 0x7F:
            break
    rig.send(peer, CmpctBlock(bytes(raw)))
    assert rig.disconnected(peer) is not None
    assert rig.facts(PeerMisbehaved)


def test_an_invalid_block_is_not_held_against_who_passed_it_on_compact() -> None:
    rig = Rig()
    compact, whole = announcer(rig), announcer(rig)
    bad = next_block(rig, reward_sat=100 * 10**8)
    rig.send(compact, compact_block(bad, 7))
    rig.work()
    assert rig.node.headers.is_invalid(bad.hash)
    assert rig.is_alive(compact)
    worse = next_block(rig, reward_sat=101 * 10**8)
    rig.send(whole, BlockMessage(worse.raw))
    rig.work()
    assert rig.disconnected(whole) is not None


def test_who_builds_on_an_invalid_block_is_dropped() -> None:
    rig = Rig()
    peer = announcer(rig)
    bad = next_block(rig, reward_sat=100 * 10**8)
    rig.send(peer, compact_block(bad, 7))
    rig.work()
    entry = rig.node.headers.get(bad.hash)
    assert entry is not None
    rig.send(peer, compact_block(bad, 8))
    assert rig.is_alive(peer), "the block itself may have been passed on early"
    (child,) = chain_on(entry, 1)
    rig.send(peer, compact_block(child, 7))
    assert rig.disconnected(peer) is not None


@pytest.mark.parametrize("place", [9, 65_535])
def test_a_prefilled_transaction_behind_the_block_is_a_violation(place: int) -> None:
    rig = Rig()
    peer, other = announcer(rig), announcer(rig)
    block = next_block(rig)
    prefilled = [Prefilled(place, block.transactions[0])]
    rig.send(peer, CmpctBlock.build(block.header, 7, [b"abcdef"], prefilled))
    rig.work()
    assert rig.disconnected(peer) is not None
    assert rig.facts(PeerMisbehaved)
    rig.send(other, compact_block(block, 7))
    rig.work()
    assert tip(rig) == block.hash


def test_one_that_cannot_be_read_is_left_out_and_others_are_asked() -> None:
    rig = Rig()
    peer, other = announcer(rig), announcer(rig)
    block = next_block(rig)
    rig.send(peer, CmpctBlock(compact_block(block, 7).raw[:-1]))
    rig.work()
    assert rig.disconnected(peer) is None
    assert items(rig, peer) == [InvItem(WANTS_BLOCK, block.hash)]
    rig.send(other, compact_block(block, 7))
    rig.work()
    assert tip(rig) == block.hash


def colliding(block: Block) -> CmpctBlock:
    """A compact block in which two transactions have the same short id."""
    (name,) = short_ids(short_id_key(block.header, 7), [block.transactions[1].wtxid])
    prefilled = [Prefilled(0, block.transactions[0])]
    return CmpctBlock.build(block.header, 7, [name, name], prefilled)


def test_the_same_short_id_twice_makes_us_ask_for_the_block() -> None:
    rig = Rig()
    peer, paid = announcer(rig), payments(rig)
    block = next_block(rig, paid)
    rig.send(peer, colliding(block))
    rig.work()
    assert items(rig, peer) == [InvItem(WANTS_BLOCK, block.hash)]
    rig.send(peer, compact_block(block, 8))
    assert items(rig, peer) == [], "it is on its way"
    rig.send(peer, BlockMessage(block.raw))
    rig.work()
    assert tip(rig) == block.hash
    assert rig.is_alive(peer)


def test_a_transaction_of_the_pool_with_the_same_short_id_makes_us_ask_for_the_block() -> None:
    rig = Rig()
    peer, paid = announcer(rig), payments(rig)
    pooled(rig, paid)
    block = next_block(rig, paid[:2])
    (wrong,) = short_ids(short_id_key(block.header, 7), [paid[2].wtxid])
    short = compact_block(block, 7).short_block()
    names = [short.short_ids[0], wrong]  # As if the second had the third's name.
    rig.send(peer, CmpctBlock.build(block.header, 7, names, short.prefilled))
    rig.work()
    assert items(rig, peer) == [InvItem(WANTS_BLOCK, block.hash)]
    assert rig.is_alive(peer)


def asked_for_two(rig: Rig, peer: PeerId) -> tuple[Block, list[Transaction]]:
    """A block of which a peer is asked for two transactions, and these."""
    paid = payments(rig)
    pooled(rig, paid[:1])
    block = next_block(rig, paid)
    rig.send(peer, compact_block(block, 7))
    rig.work()
    assert rig.told(peer, GetBlockTxn)
    return block, paid[1:]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_another_number_of_transactions_is_a_violation(count: int) -> None:
    rig = Rig()
    peer, other = announcer(rig), announcer(rig)
    block, missing = asked_for_two(rig, peer)
    rig.send(peer, BlockTxn.build(block.hash, [*missing, missing[0]][:count]))
    rig.work()
    assert rig.disconnected(peer) is not None
    rig.send(other, compact_block(block, 7))
    rig.work()
    rig.send(other, BlockTxn.build(block.hash, missing))
    rig.work()
    assert tip(rig) == block.hash


def test_other_transactions_make_us_ask_for_the_block_and_no_more_of_them() -> None:
    rig = Rig()
    peer = announcer(rig)
    block, missing = asked_for_two(rig, peer)
    rig.send(peer, BlockTxn.build(block.hash, missing[::-1]))
    rig.work()
    assert items(rig, peer) == [InvItem(WANTS_BLOCK, block.hash)]
    rig.send(peer, BlockTxn.build(block.hash, missing))
    assert rig.disconnected(peer) is not None
    assert rig.facts(PeerMisbehaved)


def test_transactions_that_cannot_be_read_are_left_out() -> None:
    rig = Rig()
    peer = announcer(rig)
    block, missing = asked_for_two(rig, peer)
    answer = BlockTxn.build(block.hash, missing)
    rig.send(peer, BlockTxn(answer.raw[:-1]))
    rig.work()
    assert rig.is_alive(peer)
    rig.send(peer, answer)
    rig.work()
    assert tip(rig) == block.hash


def test_transactions_that_nobody_asked_for_are_left_out() -> None:
    rig = Rig()
    peer, other = announcer(rig), announcer(rig)
    block, missing = asked_for_two(rig, peer)
    rig.send(other, BlockTxn.build(block.hash, missing))
    rig.send(peer, BlockTxn.build(tip(rig), missing))
    rig.work()
    assert tip(rig) != block.hash
    assert rig.is_alive(peer)
    assert rig.is_alive(other)


# Several peers at once.


def test_three_are_asked_for_one_block_and_the_last_place_is_for_whom_we_dialled() -> None:
    rig = Rig(settings=dialling())
    (dial,) = rig.dials()
    ours = rig.open(dial.ticket)
    rig.send(ours, their_version(), Verack())
    rig.wait(SECOND)
    rig.send(ours, Headers((rig.node.active.tip.header,)), SendCmpct(0))
    strangers = [chosen(rig) for _ in range(3)]
    block = next_block(rig, payments(rig))
    asked = []
    for peer in (*strangers, ours):
        rig.send(peer, compact_block(block, 7))
        rig.work()
        asked.append(len(rig.told(peer, GetBlockTxn)))
    assert asked == [1, 1, 0, 0]
    assert rig.node.blocks.download.asked_of(block.hash) == tuple(strangers[:2])


def test_whom_we_dialled_and_chose_has_the_last_place() -> None:
    rig = Rig(settings=dialling())
    (dial,) = rig.dials()
    ours = rig.open(dial.ticket)
    rig.send(ours, their_version(), Verack())
    rig.wait(SECOND)
    rig.send(ours, SendCmpct(0))
    strangers = [chosen(rig) for _ in range(2)]
    brought = next_block(rig)
    rig.send(ours, Headers((brought.header,)), BlockMessage(brought.raw))
    rig.work()
    block = next_block(rig, payments(rig))
    for peer in (*strangers, ours):
        rig.sent_to(peer)
        rig.send(peer, compact_block(block, 7))
        rig.work()
        assert rig.told(peer, GetBlockTxn)
    late = announcer(rig)
    rig.send(late, compact_block(block, 7))
    rig.work()
    assert rig.told(late, GetBlockTxn) == []
    rig.send(ours, BlockTxn.build(block.hash, block.transactions[1:]))
    rig.work()
    assert tip(rig) == block.hash
    assert rig.node.blocks.download.in_flight_total == 0
    rig.send(strangers[0], BlockTxn.build(block.hash, block.transactions[1:]))
    rig.work()
    assert rig.is_alive(strangers[0]), "it was asked and is only late"


def test_a_fourth_is_tried_for_what_we_have() -> None:
    rig = Rig()
    strangers = [announcer(rig) for _ in range(3)]
    block = next_block(rig, payments(rig))
    for peer in strangers:
        rig.send(peer, Headers((block.header,)))
    for number, peer in enumerate(strangers):
        entry = rig.node.headers.get(block.hash)
        assert entry is not None
        if number:
            rig.node.blocks.download.take_on(peer, entry, rig.now)
    pooled(rig, list(block.transactions[1:]))
    fourth = announcer(rig)
    rig.send(fourth, compact_block(block, 7))
    rig.work()
    assert tip(rig) == block.hash
    assert rig.node.blocks.download.in_flight_total == 0


def test_who_announces_and_never_delivers_holds_nothing_back() -> None:
    rig = Rig()
    liar, other = announcer(rig), announcer(rig)
    block = next_block(rig, payments(rig))
    rig.send(liar, compact_block(block, 7))
    rig.work()
    rig.send(other, Headers((block.header,)))
    assert items(rig, other) == []
    rig.wait(TIMEOUT_BASE + SECOND)
    assert rig.disconnected(liar) is not None
    assert items(rig, other) == [InvItem(WANTS_BLOCK, block.hash)]
    rig.send(other, BlockMessage(block.raw))
    rig.work()
    assert tip(rig) == block.hash


def test_another_body_under_the_same_header_does_not_end_what_is_under_way() -> None:
    rig = Rig()
    honest, attacker = announcer(rig), rig.connect()
    block, missing = asked_for_two(rig, honest)
    rig.send(attacker, BlockMessage(Block.build(block.header, block.transactions[:-1]).raw))
    rig.work()
    assert rig.disconnected(attacker) is not None
    assert rig.node.blocks.download.inflight(honest) == [113]
    rig.send(honest, BlockTxn.build(block.hash, missing))
    rig.work()
    assert tip(rig) == block.hash


def test_an_answer_that_comes_while_another_body_is_validated_is_asked_for_again() -> None:
    rig = Rig()
    honest, attacker = announcer(rig), rig.connect()
    block, missing = asked_for_two(rig, honest)
    rig.send(attacker, BlockMessage(Block.build(block.header, block.transactions[:-1]).raw))
    rig.send(honest, BlockTxn.build(block.hash, missing))
    rig.work()
    assert items(rig, honest) == [InvItem(WANTS_BLOCK, block.hash)]
    rig.send(honest, BlockMessage(block.raw))
    rig.work()
    assert tip(rig) == block.hash


def test_an_invalid_block_is_owed_by_nobody_else() -> None:
    rig = Rig()
    late, quick = announcer(rig), announcer(rig)
    bad = next_block(rig, payments(rig), reward_sat=100 * 10**8)
    rig.send(late, compact_block(bad, 7))
    rig.work()
    rig.send(quick, BlockMessage(bad.raw))
    rig.work()
    assert rig.node.blocks.download.in_flight_total == 0
    rig.send(late, BlockTxn.build(bad.hash, bad.transactions[1:]))
    rig.work()
    assert rig.is_alive(late)


def test_who_leaves_in_the_middle_leaves_no_trace() -> None:
    rig = Rig()
    first, other = announcer(rig), announcer(rig)
    block = next_block(rig, payments(rig))
    rig.send(first, compact_block(block, 7))
    rig.feed(Closed(first))
    rig.work()
    assert rig.node.blocks.download.asked_of(block.hash) == ()
    rig.send(other, compact_block(block, 7))
    rig.work()
    assert rig.told(other, GetBlockTxn)


def test_a_crowd_has_so_many_looked_at_at_a_time() -> None:
    rig = Rig()
    crowd = [joined(rig) for _ in range(MAX_ORDERED + 5)]
    block = next_block(rig, payments(rig))
    rig.send(crowd[0], Headers((block.header,)))
    entry = rig.node.headers.get(block.hash)
    assert entry is not None
    for number, peer in enumerate(crowd):
        if number:
            rig.node.blocks.download.take_on(peer, entry, rig.now)
        rig.send(peer, compact_block(block, number))
    assert len(rig.jobs) == MAX_ORDERED + 1, "and one job to keep the header"
    rig.work()
    assert all(rig.is_alive(peer) for peer in crowd)


# They go out.


def test_a_block_made_whole_is_passed_on_before_it_is_validated() -> None:
    rig = Rig()
    giver, eager, slow = announcer(rig), joined(rig, announce=1), joined(rig)
    rig.send(slow, SendHeaders())
    paid = payments(rig)
    pooled(rig, paid)
    block = next_block(rig, paid)
    for peer in (giver, eager, slow):
        rig.sent_to(peer)
    rig.send(giver, compact_block(block, 7))
    work_at_once(rig, "MatchCompact")
    assert rig.told(eager, CmpctBlock) == [], "its short ids are not made on the loop"
    work_at_once(rig, "MakeCompact")
    told = rig.told(eager, CmpctBlock)
    assert tip(rig) != block.hash
    assert told[0].hash == block.hash
    assert told[0].short_block().nonce != 7, "our own names"
    assert rig.sent_to(slow) == []
    rig.send(eager, GetBlockTxn(block.hash, (0, 2)))
    (answer,) = rig.told(eager, BlockTxn)
    assert answer.transactions() == (block.transactions[0], paid[1])
    rig.work()
    assert tip(rig) == block.hash
    assert rig.told(eager, CmpctBlock) == []
    assert rig.told(slow, Headers) == [Headers((block.header,))]
    assert rig.told(giver, CmpctBlock) == []


@pytest.mark.parametrize("submitted", [False, True])
def test_so_is_a_whole_one(submitted: bool) -> None:
    rig = Rig()
    giver, eager = rig.connect(), joined(rig, announce=1)
    block = next_block(rig)
    if submitted:
        rig.feed(Commanded(99, SubmitBlock(block)))
    else:
        rig.send(giver, BlockMessage(block.raw))
    work_at_once(rig, "MakeCompact")
    assert tip(rig) != block.hash
    assert [each.hash for each in rig.told(eager, CmpctBlock)] == [block.hash]
    rig.work()
    assert tip(rig) == block.hash
    if submitted:
        assert rig.answers[99] == Submitted(None)


def test_what_is_not_the_block_of_its_header_is_not_passed_on() -> None:
    rig = Rig()
    giver, eager = rig.connect(), joined(rig, announce=1)
    block = next_block(rig, payments(rig))
    wrong = Block.build(block.header, block.transactions[:-1])
    rig.send(giver, BlockMessage(wrong.raw))
    rig.work()
    assert rig.disconnected(giver) is not None
    assert rig.told(eager, CmpctBlock) == []


def test_a_block_that_is_validated_sooner_is_announced_compact_all_the_same() -> None:
    rig = Rig()
    eager, giver = joined(rig, announce=1), rig.connect()
    block = next_block(rig)
    rig.sent_to(eager)
    rig.send(giver, BlockMessage(block.raw))
    rig.work()
    assert [type(each) for each in rig.sent_to(eager)] == [CmpctBlock]


def test_two_at_once_are_no_case_for_short_ids() -> None:
    rig = Rig()
    eager, giver = joined(rig, announce=1), rig.connect()
    first, second = chain_on(rig.node.active.tip, 2)
    rig.send(giver, Headers((first.header, second.header)), BlockMessage(second.raw))
    rig.work()
    rig.sent_to(eager)
    rig.send(giver, BlockMessage(first.raw))
    rig.work()
    assert tip(rig) == second.hash
    assert rig.sent_to(eager) == [Inv((InvItem(InvType.BLOCK, second.hash),))]


def test_who_takes_it_back_gets_headers_or_names_again() -> None:
    rig = Rig()
    peer, giver = joined(rig, announce=1), rig.connect()
    rig.send(peer, SendCmpct(0))
    block = next_block(rig)
    rig.sent_to(peer)
    rig.send(giver, BlockMessage(block.raw))
    rig.work()
    assert rig.told(peer, Inv) == [Inv((InvItem(InvType.BLOCK, block.hash),))]


# They are asked for.


def requested(rig: Rig, peer: PeerId, height: int) -> list[object]:
    """What comes of asking for a block compact."""
    entry = rig.node.active.at(height)
    assert entry is not None
    rig.sent_to(peer)
    rig.send(peer, GetData((InvItem(InvType.CMPCT_BLOCK, entry.hash),)))
    rig.work()
    return list(rig.sent_to(peer))


def test_the_newest_blocks_are_given_compact_and_older_ones_whole() -> None:
    rig = Rig()
    peer = rig.connect()
    for height in (112, 111, 107):
        (given_,) = requested(rig, peer, height)
        assert isinstance(given_, CmpctBlock)
        assert given_.hash == Block.decode(BLOCKS[height - 1]).hash
    (given_,) = requested(rig, peer, 106)
    assert given_ == BlockMessage(BLOCKS[105])
    rig.now += 4 * HOUR
    (given_,) = requested(rig, peer, 112)
    assert given_ == BlockMessage(BLOCKS[111]), "nobody's pool is as old as that"


def test_the_newest_is_made_compact_beforehand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Off the loop, whether or not somebody is told of it unasked."""
    rig = Rig()
    giver, other = joined(rig), joined(rig)
    block = next_block(rig, payments(rig))
    rig.send(giver, BlockMessage(block.raw))
    rig.work()
    monkeypatch.delattr(compactrelay, "compact_block")
    (given_,) = requested(rig, other, 113)
    assert isinstance(given_, CmpctBlock)


def test_the_newest_is_made_compact_once() -> None:
    rig = Rig()
    peers = [rig.connect() for _ in range(2)]
    block = next_block(rig)
    rig.send(peers[0], BlockMessage(block.raw))
    rig.work()
    given_ = [requested(rig, peer, 113) for peer in peers]
    assert given_[0] == given_[1]
    assert isinstance(given_[0][0], CmpctBlock)


def test_transactions_are_given_of_ten_blocks_and_of_older_ones_the_whole() -> None:
    rig = Rig()
    peer = rig.connect()
    for height in (112, 102):
        block = Block.decode(BLOCKS[height - 1])
        rig.send(peer, GetBlockTxn(block.hash, (0,)))
        rig.work()
        (answer,) = rig.told(peer, BlockTxn)
        assert (answer.block_hash, answer.transactions()) == (block.hash, block.transactions[:1])
    older = Block.decode(BLOCKS[100])
    rig.send(peer, GetBlockTxn(older.hash, (0,)))
    rig.work()
    assert rig.told(peer, BlockMessage) == [BlockMessage(older.raw)]


def test_an_old_block_taken_apart_for_a_peer_counts_as_its_work() -> None:
    rig = Rig()
    peer = rig.connect()
    older = rig.node.active.at(110)
    assert older is not None
    before = rig.node.sessions[peer].cost_ns
    rig.send(peer, GetBlockTxn(older.hash, (0,)))
    assert rig.node.sessions[peer].cost_ns - before >= DECODED_BLOCK_NS


@pytest.mark.parametrize("newest", [True, False])
def test_transactions_that_are_not_there_are_a_violation(newest: bool) -> None:
    rig = Rig()
    peer, giver = rig.connect(), rig.connect()
    block = next_block(rig)
    rig.send(giver, BlockMessage(block.raw))
    rig.work()
    height = 113 if newest else 112
    entry = rig.node.active.at(height)
    assert entry is not None
    rig.send(peer, GetBlockTxn(entry.hash, (0, 1)))
    rig.work()
    assert rig.disconnected(peer) is not None
    assert rig.facts(PeerMisbehaved)


def test_asking_for_none_is_a_violation_and_for_an_unknown_block_is_not() -> None:
    rig = Rig()
    peer = rig.connect()
    rig.send(peer, GetBlockTxn(BlockHash(bytes(32)), (0,)))
    assert rig.is_alive(peer)
    rig.send(peer, GetBlockTxn(tip(rig), ()))
    assert rig.disconnected(peer) is not None


@pytest.mark.parametrize("valid", [True, False])
def test_a_block_that_is_being_validated_is_given_when_that_is_done(valid: bool) -> None:
    rig = Rig()
    giver, peer = rig.connect(), rig.connect()
    reward = 50 * 10**8 if valid else 100 * 10**8
    block = next_block(rig, reward_sat=reward)
    rig.send(giver, BlockMessage(block.raw))
    rig.sent_to(peer)
    rig.send(peer, GetData((InvItem(InvType.WITNESS_BLOCK, block.hash),)))
    assert rig.sent_to(peer) == []
    rig.work()
    assert rig.told(peer, BlockMessage) == ([BlockMessage(block.raw)] if valid else [])
    assert rig.is_alive(peer)


def test_an_invalid_block_that_was_passed_on_is_not_given_any_more() -> None:
    rig = Rig()
    giver, eager = announcer(rig), joined(rig, announce=1)
    bad = next_block(rig, reward_sat=100 * 10**8)
    rig.send(giver, compact_block(bad, 7))
    work_at_once(rig, "MakeCompact")
    assert [each.hash for each in rig.told(eager, CmpctBlock)] == [bad.hash]
    rig.work()
    rig.send(eager, GetBlockTxn(bad.hash, (0,)))
    rig.work()
    assert rig.told(eager, BlockTxn) == []
    assert rig.is_alive(eager)
