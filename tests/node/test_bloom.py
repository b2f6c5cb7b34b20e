"""Light clients with bloom filters at a full node (BIP 37)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from axon.machine import MINUTE, SECOND, Closed, PeerId
from axon.node.commands import SendTransaction
from axon.node.facts import PeerMisbehaved
from axon.node.jobs import FilterBlock
from axon.node.settings import NodeSettings
from axon.primitives.bloom import BloomFilter
from axon.primitives.hashes import hash160
from axon.primitives.transaction import Transaction, TxOut, outpoint
from axon.wire.messages import (
    BlockMessage,
    FilterAdd,
    FilterClear,
    FilterLoad,
    GetData,
    Inv,
    InvItem,
    InvType,
    MempoolMessage,
    MerkleBlock,
    Message,
    NotFound,
    Services,
    Tx,
    Version,
)
from tests.node.rig import ALICE, BOB, CAROL, Rig, coins_of, listening, next_block, their_version
from tests.signing import Spendable

LIGHT = their_version(services=0, relay=False, start_height=0)
FLAG_ALL = 1


def serving(*permissions: str, offered: bool = True) -> NodeSettings:
    granted = frozenset(permissions)
    return replace(
        listening(), serve_bloom=offered, permissions=lambda _remote, _local, _inbound: granted
    )


def filter_for(*elements: bytes, flags: int = FLAG_ALL) -> FilterLoad:
    bloom = BloomFilter(bytes(500), 10, 99, flags)
    for element in elements:
        bloom.insert(element)
    return FilterLoad(bloom.bits, 10, 99, flags)


def pay(rig: Rig, which: int, script: bytes) -> Transaction:
    """Alice pays somebody, and the operator hands it in."""
    coin = coins_of(rig, ALICE)[which]
    paid = ALICE.pay([coin], [TxOut(coin.amount_sat - 5_000, script)])
    rig.command(SendTransaction(paid))
    return paid


def told(rig: Rig, peer: PeerId) -> set[bytes]:
    """The transactions that a peer hears of within a minute."""
    rig.wait(MINUTE)
    return {
        item.hash
        for message in rig.told(peer, Inv)
        for item in message.items
        if item.kind != InvType.BLOCK
    }


def test_nothing_is_announced_before_a_filter_and_then_what_matches() -> None:
    rig = Rig(settings=serving())
    peer = rig.connect(LIGHT)
    assert rig.node.services & Services.BLOOM
    pay(rig, 0, BOB.script)
    assert told(rig, peer) == set()
    rig.send(peer, filter_for(hash160(BOB.public_key)))
    to_bob, to_carol = pay(rig, 1, BOB.script), pay(rig, 2, CAROL.script)
    assert told(rig, peer) == {to_bob.wtxid}
    rig.send(peer, GetData((InvItem(InvType.TX, to_bob.txid),)))
    assert rig.told(peer, Tx) == [Tx(Transaction(to_bob.stripped, 0))]
    rig.send(peer, FilterClear())
    to_alice = pay(rig, 3, ALICE.script)
    assert told(rig, peer) == {to_alice.wtxid}
    assert to_carol.wtxid != to_alice.wtxid


def test_the_pool_is_told_as_far_as_it_matches() -> None:
    rig = Rig(settings=serving())
    to_bob, to_carol = pay(rig, 0, BOB.script), pay(rig, 1, CAROL.script)
    peer = rig.connect(LIGHT)
    rig.send(peer, filter_for(hash160(CAROL.public_key)), MempoolMessage())
    assert told(rig, peer) == {to_carol.wtxid}
    rig.send(peer, FilterAdd(hash160(BOB.public_key)), MempoolMessage())
    assert told(rig, peer) == {to_bob.wtxid, to_carol.wtxid}
    rig.send(peer, FilterClear(), MempoolMessage())
    assert told(rig, peer) == {to_bob.wtxid, to_carol.wtxid}


def test_a_filter_learns_the_output_that_it_matched() -> None:
    rig = Rig(settings=serving())
    peer = rig.connect(LIGHT)
    rig.send(peer, filter_for(hash160(BOB.public_key)))
    to_bob = pay(rig, 0, BOB.script)
    assert told(rig, peer) == {to_bob.wtxid}
    coin = Spendable(outpoint(to_bob.txid, 0), to_bob.outputs[0].amount_sat)
    spent = BOB.pay([coin], [TxOut(coin.amount_sat - 5_000, CAROL.script)])
    rig.command(SendTransaction(spent))
    assert told(rig, peer) == {spent.wtxid}


def test_a_filtered_block_is_a_proof_and_what_matches_in_order_with_other_requests() -> None:
    rig = Rig(settings=serving())
    to_bob, to_carol = pay(rig, 0, BOB.script), pay(rig, 1, CAROL.script)
    peer = rig.connect(LIGHT)
    block = next_block(rig, (to_bob, to_carol))
    giver = rig.connect()
    rig.send(giver, BlockMessage(block.raw))
    rig.work()
    assert rig.node.active.tip.hash == block.hash
    rig.send(peer, filter_for(hash160(BOB.public_key)))
    rig.sent_to(peer)
    items = (
        InvItem(InvType.FILTERED_BLOCK, block.hash),
        InvItem(InvType.BLOCK, block.hash),
    )
    rig.send(peer, GetData(items))
    rig.work()
    proof, transaction, whole = (item for item in rig.sent_to(peer) if not isinstance(item, Inv))
    assert isinstance(proof, MerkleBlock)
    assert proof.header == block.header
    assert proof.tree.extract() == (block.header.merkle_root, [(1, to_bob.txid)])
    assert transaction == Tx(Transaction(to_bob.stripped, 0))
    assert isinstance(whole, BlockMessage)


def test_a_block_in_validation_is_matched_when_that_is_done() -> None:
    rig = Rig(settings=serving())
    peer, giver = rig.connect(LIGHT), rig.connect()
    rig.send(peer, filter_for(hash160(BOB.public_key)))
    rig.work()
    block = next_block(rig, ())
    rig.send(giver, BlockMessage(block.raw))
    rig.send(peer, GetData((InvItem(InvType.FILTERED_BLOCK, block.hash),)))
    assert not [each for each in rig.jobs if isinstance(each.job, FilterBlock)]
    rig.work()
    assert [each.header for each in rig.told(peer, MerkleBlock)] == [block.header]


def test_without_a_filter_a_filtered_block_is_not_given() -> None:
    rig = Rig(settings=serving())
    peer = rig.connect(LIGHT)
    tip = rig.node.active.tip.hash
    rig.send(peer, GetData((InvItem(InvType.FILTERED_BLOCK, tip),)))
    assert rig.is_alive(peer)
    rig.send(peer, filter_for(), GetData((InvItem(InvType.FILTERED_BLOCK, tip),)))
    rig.work()
    assert len(rig.told(peer, MerkleBlock)) == 1


def test_a_peer_that_goes_leaves_nothing_behind() -> None:
    rig = Rig(settings=serving())
    peers = [rig.connect(LIGHT) for _ in range(3)]
    tip = rig.node.active.tip.hash
    for peer in peers:
        rig.send(peer, filter_for(), GetData((InvItem(InvType.FILTERED_BLOCK, tip),)))
    rig.feed(Closed(peers[0]))
    rig.feed(Closed(peers[1]))
    rig.work()
    assert len(rig.told(peers[2], MerkleBlock)) == 1


@pytest.mark.parametrize("message", [filter_for(), FilterAdd(b"x"), FilterClear()])
def test_where_filters_are_not_offered_who_sets_one_is_disconnected(message: Message) -> None:
    rig = Rig(settings=serving("noban", offered=False))
    peer = rig.connect()
    rig.send(peer, message)
    assert "despite not offering bloom services" in (rig.disconnected(peer) or "")
    assert rig.facts(PeerMisbehaved) == []


def test_a_permission_offers_filters_to_one_peer() -> None:
    rig = Rig(settings=serving("bloomfilter", offered=False))
    assert not rig.node.services & Services.BLOOM
    peer = rig.open()
    rig.send(peer, LIGHT)
    (version,) = rig.told(peer, Version)
    assert version.services & Services.BLOOM
    friend = rig.connect(their_version(8, relay=False))
    rig.send(friend, filter_for())
    assert rig.is_alive(friend)


@pytest.mark.parametrize(
    "message", [FilterLoad(bytes(36_001), 1, 0, 0), FilterLoad(b"", 51, 0, 0), FilterAdd(b"x")]
)
def test_what_is_too_large_or_has_no_filter_is_misbehaviour(message: Message) -> None:
    rig = Rig(settings=serving())
    peer = rig.connect(LIGHT)
    rig.send(peer, message)
    assert [fact.peer for fact in rig.facts(PeerMisbehaved)] == [peer]
    assert rig.disconnected(peer) is not None


def test_who_wanted_no_transactions_is_given_none_unless_filters_are_offered() -> None:
    wanted = GetData((InvItem(InvType.TX, bytes(32)),))
    for offered, answers in ((False, 0), (True, 1)):
        rig = Rig(settings=serving(offered=offered))
        peer = rig.connect(LIGHT)
        rig.send(peer, wanted)
        assert len(rig.told(peer, NotFound)) == answers


def test_a_filter_without_bits_and_the_slot_of_its_owner() -> None:
    rig = Rig(settings=serving())
    peer = rig.connect(LIGHT)
    rig.send(peer, FilterLoad(b"", 1, 0, 0), FilterAdd(b"x"))
    paid = pay(rig, 0, CAROL.script)
    rig.wait(SECOND)
    assert told(rig, peer) == {paid.wtxid}
    session = rig.node.sessions[peer]
    assert (session.relays, session.has_bloom_filter) == (True, True)
    rig.send(peer, FilterClear())
    assert (session.relays, session.has_bloom_filter) == (True, False)
