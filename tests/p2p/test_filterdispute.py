"""Peers that lie about filters: found, disputed, and what they gave is undone."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from axon.machine import MILLISECOND, SECOND, PeerId
from axon.p2p.faults import PeerFault
from axon.p2p.filterdispute import DEFENCE_TIME, Dispute
from axon.p2p.filterdownload import MAX_FILTER_BYTES
from axon.primitives.header import Header
from axon.wire.messages import (
    CFCheckpt,
    CFHeaders,
    CFilter,
    GetCFHeaders,
    GetCFilters,
)
from axon.wire.messages.filters import BASIC_FILTER
from tests.p2p.filterworld import (
    CHAIN,
    GENESIS,
    LONG,
    Answer,
    Change,
    World,
    lies,
    only,
    true_filter,
)

ALICE, BOB, CAROL = PeerId(0), PeerId(1), PeerId(2)


@pytest.mark.parametrize(("chain", "height"), [(CHAIN, 0), (CHAIN, 1), (CHAIN, 320), (LONG, 2345)])
def test_a_liar_is_found_with_a_few_questions(chain: list[Header], height: int) -> None:
    world = World(1, chain, start=len(chain) - 50)
    world.join(ALICE, world.server(chain))
    world.run(5)
    blocks = [GENESIS, *chain]
    liar = world.server(chain, lies={blocks[height].hash: b"a lie"})
    world.join(BOB, liar)
    world.run(3)
    assert world.violators == [BOB]
    assert [dispute.height for dispute in world.disputes] == [height]
    assert len(liar.asked) <= 4
    assert not world.rollbacks
    world.expect_truth()


@pytest.mark.parametrize("height", [1, 150, 320])
def test_what_a_liar_gave_is_rolled_back(height: int) -> None:
    world = World(1, CHAIN)
    world.join(ALICE, world.server(CHAIN, lies=lies(height)))
    world.run(5)
    assert max(world.scanned) == 320
    world.join(BOB, world.server(CHAIN))
    world.run(5)
    assert world.violators == [ALICE]
    assert world.rollbacks == [height]
    (dispute,) = world.disputes
    assert [claim.peers for claim in dispute.claims] == [(ALICE,), (BOB,)]
    assert [claim.held for claim in dispute.claims] == [True, False]
    assert dispute.claims[1].filter == true_filter(dispute.block_hash)
    world.expect_truth()


def test_nothing_in_dispute_is_handed_out() -> None:
    world = World(1, CHAIN)
    world.judge = world.put_off
    world.join(ALICE, world.server(CHAIN, lies=lies(150)))
    world.join(BOB, world.server(CHAIN))
    world.run(10)
    assert max(world.scanned) == 149
    assert world.sync.state().disputed_height == 150
    world.judge_fairly(world.disputes[0])
    world.run(3)
    world.expect_truth()


def test_a_dispute_holds_filters_back_even_when_who_raised_it_has_gone() -> None:
    world = World(1, CHAIN[:319])
    world.judge = world.put_off
    world.join(ALICE, world.server(CHAIN[:319], lies=lies(319)))
    world.join(BOB, world.server(CHAIN[:319]))
    world.run(3)
    world.leave(BOB)
    world.learn(CHAIN[319:], ALICE)
    world.run(3)
    assert max(world.scanned) == 318
    world.judge_fairly(world.disputes[0])
    world.join(CAROL, world.server(CHAIN))
    world.run(3)
    world.expect_truth()


def test_a_dispute_is_dropped_when_who_raised_it_has_gone_before_it_was_ready() -> None:
    world = World(1, CHAIN)
    world.join(ALICE, world.server(CHAIN, only(CFHeaders), lies=lies(100)))
    world.run(1)
    world.join(BOB, world.server(CHAIN))
    world.run(1)
    assert world.sync.state().disputed_height == 100
    world.leave(BOB)
    assert world.sync.state().disputed_height is None
    world.run(DEFENCE_TIME // SECOND + 1)
    assert not world.disputes


def test_one_at_a_time_defends_our_claim() -> None:
    world = World(1, CHAIN, start=None)
    servers = [world.server(CHAIN, delay=lambda: 200 * MILLISECOND) for _ in range(4)]
    for number, server in enumerate(servers):
        world.join(number, server)
    world.run(2)
    spans = [
        item for server in servers for item in server.asked if item.stop_hash == CHAIN[-1].hash
    ]
    assert sum(isinstance(m, GetCFHeaders) and m.start_height == 0 for m in spans) == 1
    world.join(7, world.server(CHAIN, lies=lies(100)))
    for _ in range(40):
        world.run(0.05)
        world.perform(world.sync.chain_changed(world.now))
    asked = [item for server in servers for item in server.asked]
    assert sum(isinstance(item, GetCFilters) for item in asked) == 1
    assert world.violators == [7]


def test_three_sides_to_one_block() -> None:
    world = World(1, CHAIN)
    world.judge = world.put_off
    world.join(ALICE, world.server(CHAIN, lies=lies(80, salt=1)))
    world.run(1)
    for number in range(1, 5):
        world.join(number, world.server(CHAIN, lies=lies(80, salt=2) if number % 2 else None))
    world.run(3)
    (dispute,) = world.disputes
    peers = [sorted(claim.peers) for claim in dispute.claims]
    assert sorted(peers) == [[0], [1, 3], [2, 4]]
    world.judge = world.judge_fairly
    world.judge_fairly(dispute)
    world.run(3)
    assert sorted(world.violators) == [0, 1, 3]
    world.expect_truth()


def test_a_lie_far_below_the_scan_costs_no_rescan() -> None:
    world = World(1, LONG, start=4000)
    world.join(ALICE, world.server(LONG[:2000], lies=lies(70)))
    world.run(3)
    assert world.chain.height == 2000
    world.join(BOB, world.server(LONG))
    world.run(5)
    assert world.violators == [ALICE]
    assert not world.rollbacks
    world.expect_truth()


def test_who_does_not_defend_our_claim_in_time_loses_it() -> None:
    world = World(1, CHAIN)
    world.join(ALICE, world.server(CHAIN, only(CFHeaders), lies=lies(100)))
    world.run(1)
    world.join(BOB, world.server(CHAIN))
    world.run(DEFENCE_TIME // SECOND + 3)
    (dispute,) = world.disputes
    assert dispute.held is None
    assert [claim.peers for claim in dispute.claims] == [(BOB,)]
    world.expect_truth()


def test_a_liar_cannot_win_against_an_undefended_truth() -> None:
    world = World(1, CHAIN)
    world.join(ALICE, world.server(CHAIN))
    world.run(3)
    world.leave(ALICE)
    world.join(BOB, world.server(CHAIN, lies=lies(100)))
    world.run(3)
    assert world.violators == [BOB]
    world.join(CAROL, world.server(CHAIN))
    world.run(3)
    world.expect_truth()
    assert not world.rollbacks


def test_where_nothing_is_proved_the_other_side_goes_without_blame() -> None:
    world = World(1, CHAIN)

    def undecided(dispute: Dispute) -> None:
        world.perform(world.sync.resolved(dispute, dispute.held, world.now))

    world.judge = undecided
    world.join(ALICE, world.server(CHAIN))
    world.run(3)
    world.join(BOB, world.server(CHAIN, lies=lies(7)))
    world.run(3)
    assert type(world.dropped[BOB]) is PeerFault
    world.expect_truth()


def test_a_forged_filter_costs_its_sender_the_connection() -> None:
    world = World(1, CHAIN)

    def forge(answer: Answer) -> Answer:
        return replace(answer, filter=b"forged") if isinstance(answer, CFilter) else answer

    world.join(ALICE, world.server(CHAIN, forge))
    world.join(BOB, world.server(CHAIN))
    world.run(3)
    assert world.violators == [ALICE]
    world.expect_truth()


def test_a_claim_without_its_filter_is_no_claim() -> None:
    world = World(1, CHAIN)

    def forge(answer: Answer) -> Answer:
        return replace(answer, filter=b"forged") if isinstance(answer, CFilter) else answer

    world.join(ALICE, world.server(CHAIN))
    world.run(3)
    world.join(BOB, world.server(CHAIN, forge, lies=lies(9)))
    world.run(3)
    assert world.violators == [BOB]
    assert not world.disputes


@pytest.mark.long
def test_a_peer_that_contradicts_itself_goes() -> None:
    for seed in range(10):
        world = World(seed, LONG)
        rng = Random(seed)

        def garble(answer: Answer, rng: Random = rng) -> Answer:
            if isinstance(answer, CFHeaders):
                hashes = [rng.randbytes(32) for _ in answer.filter_hashes]
                return replace(answer, filter_hashes=tuple(hashes))
            if isinstance(answer, CFCheckpt):
                hashes = [rng.randbytes(32) for _ in answer.filter_headers]
                return replace(answer, filter_headers=tuple(hashes))
            return answer

        world.join(ALICE, world.server(LONG, garble))
        world.join(BOB, world.server(LONG))
        world.run(40)
        assert world.violators == [ALICE], f"seed {seed}"
        world.expect_truth(f"seed {seed}")


def shortened(answer: Answer) -> Answer:
    match answer:
        case CFHeaders():
            return replace(answer, filter_hashes=answer.filter_hashes[1:])
        case CFCheckpt():
            return replace(answer, filter_headers=answer.filter_headers[1:])
    return answer


def swollen(answer: Answer) -> Answer:
    if isinstance(answer, CFilter):
        return replace(answer, filter=bytes(MAX_FILTER_BYTES + 1))
    return answer


def rootless(answer: Answer) -> Answer:
    if isinstance(answer, CFHeaders):
        return replace(answer, previous_filter_header=bytes([1]) * 32)
    return answer


@pytest.mark.parametrize("chain", [CHAIN, LONG])
@pytest.mark.parametrize("change", [shortened, swollen, rootless])
def test_answers_that_no_honest_peer_gives(chain: list[Header], change: Change) -> None:
    world = World(1, chain)
    world.join(ALICE, world.server(chain, change))
    world.run(3)
    assert world.violators == [ALICE]


def test_what_nobody_asked_for_is_ignored() -> None:
    world = World(1, CHAIN)
    world.join(ALICE, world.server(CHAIN))
    world.run(3)
    stop = CHAIN[9].hash
    for message in (
        CFHeaders(BASIC_FILTER, stop, bytes(32), (bytes(32),)),
        CFHeaders(1, stop, bytes(32), (bytes(32),)),
        CFCheckpt(BASIC_FILTER, stop, (bytes(32),)),
        CFilter(BASIC_FILTER, stop, b"unasked"),
    ):
        assert world.sync.received(ALICE, message, world.now) == []
        assert world.sync.received(BOB, message, world.now) == []
    world.expect_truth()
