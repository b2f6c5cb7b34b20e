"""Who told of a block, who gave it, who heard of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from axon.machine import MILLISECOND, SECOND, PeerId
from axon.p2p.blocktimelines import (
    MOMENTS_KEPT,
    BlockTimeline,
    BlockTimelines,
    PeerMoment,
)
from axon.p2p.compactblock import Sources
from axon.p2p.views import HeaderEntryView
from axon.primitives.hashes import BlockHash, to_hex
from axon.primitives.network import REGTEST
from axon.primitives.verdict import Accepted, Rejected
from axon.wire.messages import GetBlockTxn, GetData, InvItem, InvType
from tests.p2p.chains import Ledger, mine_headers

CHAIN = mine_headers(REGTEST.genesis.header, 10)
NOW = 1_700_000_000 * SECOND
ALICE, BOB, CAROL = PeerId(0), PeerId(1), PeerId(2)


def made(kept: int = 100) -> tuple[BlockTimelines, list[HeaderEntryView]]:
    """Timelines without a block, and blocks that might have one."""
    ledger = Ledger()
    ledger.learn(CHAIN)
    found = [ledger.tree.get(header.hash) for header in CHAIN]
    return BlockTimelines(ledger.tree, kept), [entry for entry in found if entry is not None]


def getdata(*entries: HeaderEntryView) -> GetData:
    blocks = [InvItem(InvType.WITNESS_BLOCK, entry.hash) for entry in entries]
    return GetData((InvItem(InvType.WTX, bytes(32)), *blocks))


def test_the_way_of_a_compact_block() -> None:
    timelines, (entry, *_) = made()
    timelines.rebuilt(entry.hash, Sources(1, 2, 3, 4))
    assert timelines.get(entry.hash) is None, "its header comes first"
    timelines.announced(ALICE, "cmpctblock", entry, NOW, is_new=True)
    timelines.asked(ALICE, GetBlockTxn(entry.hash, (1,)), NOW + SECOND)
    timelines.asked(ALICE, GetBlockTxn(BlockHash(bytes(32)), (1,)), NOW + SECOND)
    timelines.rebuilt(entry.hash, Sources(1, 2, 3, 4))
    timelines.received(ALICE, entry, NOW + 2 * SECOND)
    timeline = timelines.get(entry.hash)
    assert timeline is not None
    assert timeline.asked == (PeerMoment(ALICE, NOW + SECOND, "getblocktxn"),)
    assert timeline.rebuilt == Sources(1, 2, 3, 4)
    assert (
        "made whole of 1 transactions prefilled, 2 from the pool, "
        "3 kept beside it and 4 requested" in str(timeline)
    )


def test_the_way_of_a_block() -> None:
    timelines, (entry, *_) = made()
    timelines.named(ALICE, "inv", entry.hash, NOW)
    assert timelines.get(entry.hash) is None
    timelines.announced(ALICE, "headers", entry, NOW + 20 * MILLISECOND, is_new=True)
    timelines.announced(BOB, "headers", entry, NOW + 30 * MILLISECOND, is_new=False)
    timelines.asked(ALICE, getdata(entry), NOW + 21 * MILLISECOND)
    timelines.stalled(ALICE, NOW + 2 * SECOND)
    timelines.asked(BOB, getdata(entry), NOW + 2 * SECOND)
    timelines.received(BOB, entry, NOW + 2_100 * MILLISECOND)
    timelines.validated(entry.hash, Accepted(), NOW + 2_112 * MILLISECOND)
    timelines.relayed(entry.hash, 3, NOW + 2_112 * MILLISECOND)
    timelines.relayed(entry.hash, 1, NOW + 3 * SECOND)
    timeline = timelines.get(entry.hash)
    assert timeline == BlockTimeline(
        entry.hash,
        1,
        announced=(
            PeerMoment(ALICE, NOW, "inv"),
            PeerMoment(BOB, NOW + 30 * MILLISECOND, "headers"),
        ),
        asked=(PeerMoment(ALICE, NOW + 21 * MILLISECOND), PeerMoment(BOB, NOW + 2 * SECOND)),
        stalled=(PeerMoment(ALICE, NOW + 2 * SECOND),),
        sender=BOB,
        received_at=NOW + 2_100 * MILLISECOND,
        validated_at=NOW + 2_112 * MILLISECOND,
        relayed_at=NOW + 2_112 * MILLISECOND,
        relayed_to=4,
    )
    assert timeline.validation_us == 12 * MILLISECOND
    assert str(timeline) == (
        f"block {to_hex(entry.hash)} height=1, announced by 0 (inv) +0.000 s; 1 (headers) "
        "+0.030 s, asked of 0 +0.021 s; 1 +2.000 s, stalled by 0 +2.000 s, received from 1 "
        "+2.100 s, validated in 12.0 ms, relayed to 4 peers +2.112 s"
    )


def test_a_block_of_the_operator() -> None:
    timelines, (entry, *_) = made()
    timelines.received(None, entry, NOW)
    timelines.validated(entry.hash, Rejected("bad-cb-amount"), NOW + MILLISECOND)
    assert str(timelines.get(entry.hash)) == (
        f"block {to_hex(entry.hash)} height=1, submitted here +0.000 s, "
        "refused (bad-cb-amount) in 1.0 ms"
    )


def test_old_headers_and_unknown_blocks_make_no_timeline() -> None:
    timelines, (entry, *_) = made()
    timelines.announced(ALICE, "headers", entry, NOW, is_new=False)
    timelines.stalled(ALICE, NOW)
    timelines.validated(entry.hash, Accepted(), NOW)
    timelines.relayed(entry.hash, 1, NOW)
    timelines.named(ALICE, "inv", entry.hash, NOW)
    timelines.closed(ALICE)
    timelines.asked(BOB, getdata(entry), NOW)
    timeline = timelines.get(entry.hash)
    assert timeline is not None
    assert timeline.announced == ()
    assert timeline.began_at == NOW


@given(
    st.lists(st.tuples(st.sampled_from("nahrsc"), st.integers(0, 40), st.integers(0, 9))), st.data()
)
def test_whatever_happens_is_bounded(
    steps: list[tuple[str, int, int]], data: st.DataObject
) -> None:
    timelines, blocks = made(kept=3)
    now = NOW
    for what, number, place in steps:
        peer, entry = PeerId(number), blocks[place]
        now += data.draw(st.integers(0, SECOND))
        match what:
            case "n":
                timelines.named(peer, "inv", entry.hash, now)
            case "a":
                timelines.asked(peer, getdata(entry), now)
            case "h":
                timelines.announced(peer, "headers", entry, now, is_new=True)
            case "r":
                timelines.received(peer, entry, now)
            case "s":
                timelines.stalled(peer, now)
            case "c":
                timelines.closed(peer)
    shown = list(timelines.newest())
    assert len(shown) <= 3
    for timeline in shown:
        told = [each.peer for each in timeline.announced]
        assert len(told) == len(set(told)) <= MOMENTS_KEPT
        assert max(len(timeline.asked), len(timeline.stalled)) <= MOMENTS_KEPT
        assert [each.at for each in timeline.announced] == sorted(
            each.at for each in timeline.announced
        )
        assert NOW <= timeline.began_at <= now
        assert str(timeline)
