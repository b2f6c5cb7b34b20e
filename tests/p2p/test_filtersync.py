"""Filters a wallet may rely on: asked, compared among peers, disputed, handed out in order."""

from __future__ import annotations

from random import Random

import pytest

from axon.chain.filterindex import FilterIndex
from axon.chain.filters import match_any
from axon.chain.store import MemoryStore
from axon.machine import MILLISECOND, SECOND, PeerId
from axon.p2p.actions import Action, Send
from axon.p2p.faults import PeerSilent
from axon.p2p.filterdownload import BATCH, MAX_OWED, WINDOW
from axon.p2p.filterheaders import FilterHeaderChain
from axon.p2p.filterpeer import SILENCE
from axon.p2p.filterserving import FilterServing
from axon.p2p.filtersync import FilterSync
from axon.p2p.peerchains import PeerChains
from axon.primitives.header import Header
from axon.primitives.network import REGTEST
from axon.wire.messages import (
    CFHeaders,
    CFilter,
    GetCFCheckpt,
    GetCFHeaders,
    GetCFilters,
    Message,
)
from tests.p2p.chains import Ledger, mine_blocks, mine_headers
from tests.p2p.filterworld import (
    CHAIN,
    GENESIS,
    LONG,
    Change,
    World,
    ask,
    honest,
    lies,
    mute,
    only,
)

ALICE, BOB, CAROL = PeerId(0), PeerId(1), PeerId(2)


def sent(actions: list[Action], peer: PeerId) -> list[Message]:
    return [item.message for item in actions if isinstance(item, Send) and item.peer == peer]


# Getting there.


def test_a_wallet_gets_all_filters_of_a_chain() -> None:
    world = World(1, CHAIN)
    world.join(ALICE, world.server(CHAIN))
    world.run(3)
    world.expect_truth()
    assert len(world.scanned) == len(CHAIN) + 1
    state = world.sync.state()
    assert state.headers_height == 320
    assert (state.usable_peers, state.agreed_peers) == (1, (ALICE,))
    assert state.disputed_height is None


def test_real_filters_of_real_blocks() -> None:
    blocks = mine_blocks(GENESIS, 30, 1)
    ledger, index = Ledger(), FilterIndex(MemoryStore())
    ledger.connect(ledger.learn([block.header for block in blocks]))
    for height, block in enumerate([REGTEST.genesis, *blocks]):
        index.connect(block, block.hash, height, [])
    serving = FilterServing(ledger.tree, ledger.active, True)
    chains = PeerChains(ledger.tree)
    chains.opened(ALICE)
    chains.shown(ALICE, ledger.tip.hash)
    sync = FilterSync(ledger.tree, FilterHeaderChain(), chains, Random(1))
    sync.scan_from(1)
    queue = sync.opened(ALICE, serves_filters=True, now=0)
    while queue:
        answers = [
            answer.message
            for message in sent(queue, ALICE)
            if isinstance(message, GetCFHeaders | GetCFilters | GetCFCheckpt)
            for answer in ask(serving, index, ALICE, message)
            if isinstance(answer, Send)
        ]
        queue = []
        for answer in answers:
            assert isinstance(answer, CFHeaders | CFilter)
            queue += sync.received(ALICE, answer, 0)
    found = sync.take_filters(100)
    assert [item.height for item in found] == list(range(1, 31))
    script = blocks[0].transactions[0].outputs[0].script_pubkey
    assert all(match_any(data, block_hash, [script]) for _, block_hash, data in found)


def test_a_long_chain_begins_with_checkpoints() -> None:
    world = World(1, LONG, start=4000)
    servers = [world.server(LONG) for _ in range(3)]
    for number, server in enumerate(servers):
        world.join(number, server)
    world.run(5)
    world.expect_truth()
    for server in servers:
        assert isinstance(server.asked[0], GetCFCheckpt)
    spans = [item for server in servers for item in server.asked if isinstance(item, GetCFHeaders)]
    assert len(spans) < 12  # Three for the chain, and some to compare.
    assert min(world.scanned) == 4000


def test_filters_are_asked_of_several_peers() -> None:
    world = World(1, CHAIN, start=None)
    servers = [world.server(CHAIN) for _ in range(4)]
    for number, server in enumerate(servers):
        world.join(number, server)
    world.run(3)
    world.sync.scan_from(0)
    world.run(3)
    world.expect_truth()
    for server in servers:
        assert sum(isinstance(message, GetCFilters) for message in server.asked) == 1


def test_who_offers_no_filters_is_never_asked() -> None:
    world = World(1, CHAIN)
    assert world.sync.opened(ALICE, serves_filters=False, now=world.now) == []
    assert world.sync.tick(world.now) == []
    assert world.sync.deadline() is None
    assert world.sync.closed(ALICE, world.now) == []
    assert world.sync.state().usable_peers == 0


def test_nobody_is_asked_about_blocks_that_it_is_not_known_to_have() -> None:
    world = World(1, CHAIN)
    server = world.server(CHAIN[:200])
    world.join(ALICE, server, known=False)
    world.run(2)
    assert server.asked == []
    world.known.opened(ALICE)
    world.known.shown(ALICE, world.ledger.learn(CHAIN[:200])[-1].hash)
    world.perform(world.sync.chain_changed(world.now))
    world.run(2)
    assert world.chain.height == 200
    assert max(world.scanned) == 200
    assert not world.dropped


def test_new_blocks_are_followed_and_compared() -> None:
    world = World(1, CHAIN[:300])
    peers = [world.join(number, world.server(CHAIN[:300])) for number in range(3)]
    world.run(3)
    for end in range(301, 321):
        world.learn(CHAIN[end - 1 : end], *peers)
        world.run(1)
        world.expect_truth(f"block {end}")
    assert world.sync.state().agreed_peers == tuple(peers)


def test_a_scan_may_begin_above_the_filter_headers() -> None:
    world = World(1, CHAIN[:100], start=250)
    world.join(ALICE, world.server(CHAIN[:100]))
    world.run(2)
    world.learn(CHAIN[100:], ALICE)
    world.run(2)
    world.expect_truth()
    assert min(world.scanned) == 250


def test_the_window_is_bounded_until_filters_are_taken() -> None:
    world = World(1, LONG[:1500])
    server = world.server(LONG[:1500])
    world.takes = False
    world.join(ALICE, server)
    world.run(5)
    asked = [item for item in server.asked if isinstance(item, GetCFilters)]
    assert len(asked) * BATCH == WINDOW
    world.takes = True
    world.perform([])
    world.run(5)
    world.expect_truth()


def test_one_peer_owes_two_batches_at_most() -> None:
    world = World(1, CHAIN)
    world.join(ALICE, world.server(CHAIN, only(CFHeaders)))
    world.run(0.5)
    asked = world.servers[ALICE].asked
    assert sum(isinstance(item, GetCFilters) for item in asked) * BATCH == MAX_OWED


# Peers that do not answer.


@pytest.mark.parametrize("change", [mute, only(CFHeaders)])
@pytest.mark.parametrize("seed", range(4))
def test_another_is_asked_within_a_second(change: Change, seed: int) -> None:
    world = World(seed, CHAIN)
    for number in range(3):
        world.join(number, world.server(CHAIN, change if number else honest))
    world.run(2.5 if change is mute else 4)
    world.expect_truth(f"seed {seed}")
    assert not world.dropped
    world.run(SILENCE // SECOND)
    assert all(isinstance(fault, PeerSilent) for fault in world.dropped.values())
    assert (set(world.dropped) == {BOB, CAROL}) or change is not mute


def test_a_slow_peer_is_not_dropped_and_its_late_answer_counts() -> None:
    world = World(1, CHAIN)
    slow = world.join(ALICE, world.server(CHAIN, delay=lambda: 2 * SECOND))
    world.join(BOB, world.server(CHAIN))
    world.run(30)
    world.expect_truth()
    assert world.sync.state().agreed_peers == (slow, BOB)
    assert not world.dropped


def test_peers_may_leave_at_any_moment() -> None:
    for seed in range(30):
        world = World(seed, CHAIN)
        world.join(0, world.server(CHAIN))
        for number in range(1, 12):
            world.join(number, world.server(CHAIN))
            world.run(world.rng.random() * 0.15)
            world.leave(PeerId(number - 1))
        world.run(3)
        world.expect_truth(f"seed {seed}")


def test_filters_wait_a_second_for_a_peer_that_was_just_asked() -> None:
    world = World(1, CHAIN[:10])
    world.join(ALICE, world.server(CHAIN[:10]))
    world.join(BOB, world.server(CHAIN[:10], mute))
    world.run(0.9)
    assert not world.scanned or world.chain.height < 10
    world.run(1.5)
    world.expect_truth()


# The chain turns.


def forked(height: int, count: int, salt: int = 1) -> list[Header]:
    """A branch that leaves the chain after a height."""
    return mine_headers(CHAIN[height - 1], count, salt=salt)


@pytest.mark.parametrize("fork", [1, 200, 299])
def test_a_turn_of_the_chain_is_followed(fork: int) -> None:
    world = World(1, CHAIN[:300])
    peers = [world.join(number, world.server(CHAIN[:300])) for number in range(2)]
    world.run(3)
    world.learn(forked(fork, 305 - fork), *peers)
    world.run(4)
    world.expect_truth()
    assert world.rollbacks == [fork + 1]
    assert not world.dropped


def test_no_filter_of_a_lost_block_is_handed_out() -> None:
    world = World(1, CHAIN[:300])
    world.takes = False
    world.join(ALICE, world.server(CHAIN[:300]))
    world.run(3)
    world.ledger.learn(forked(200, 150))
    taken = world.sync.take_filters(1000)
    assert [item.height for item in taken] == list(range(201))


def test_answers_about_lost_blocks_are_ignored() -> None:
    for seed in range(20):
        world = World(seed, CHAIN[:300])
        peers = [world.join(number, world.server(CHAIN[:300])) for number in range(3)]
        branch, end = CHAIN[:300], 300
        for turn in range(6):
            world.run(world.rng.random() * 0.2)
            at = world.rng.randint(250, len(branch) - 1)
            end += 1
            news = mine_headers(branch[at - 1], end - at, salt=100 * seed + turn)
            branch = branch[:at] + news
            world.learn(news, *peers)
        world.run(5)
        world.expect_truth(f"seed {seed}")
        assert not world.dropped, f"seed {seed}"


def test_checkpoints_of_a_lost_branch_are_forgotten() -> None:
    world = World(1, LONG[:4500], start=4600)
    world.join(ALICE, world.server(LONG[:4500], delay=lambda: 400 * MILLISECOND))
    world.run(0.9)
    assert isinstance(world.servers[ALICE].asked[-1], GetCFCheckpt)
    world.learn(mine_headers(LONG[3499], 1100, salt=1), ALICE)
    world.run(6)
    assert not world.dropped
    world.expect_truth()


def test_a_peer_on_another_branch_is_asked_up_to_the_fork() -> None:
    world = World(1, CHAIN[:300])
    branch = forked(200, 50)
    world.ledger.learn(branch)
    server = world.server(CHAIN[:200] + branch)
    world.join(ALICE, server)
    world.run(3)
    assert world.chain.height == 200
    world.join(BOB, world.server(CHAIN[:300]))
    world.run(3)
    world.expect_truth()
    assert not world.dropped


def test_a_dispute_about_a_lost_block_is_over() -> None:
    world = World(1, CHAIN[:300])
    world.judge = world.put_off
    world.join(ALICE, world.server(CHAIN[:300]))
    world.join(BOB, world.server(CHAIN[:300], lies=lies(290)))
    world.run(4)
    (dispute,) = world.disputes
    assert world.sync.is_open(dispute)
    world.learn(forked(280, 30), ALICE, BOB)
    world.run(4)
    assert not world.sync.is_open(dispute)
    assert world.sync.resolved(dispute, None, world.now, refuted=dispute.claims) == []
    world.expect_truth()
    assert not world.dropped


def test_an_earlier_run_is_taken_up_and_brought_onto_the_best_chain() -> None:
    first = World(1, CHAIN[:300])
    first.join(ALICE, first.server(CHAIN[:300]))
    first.run(3)
    change = first.chain.take_changes()
    assert change is not None
    world = World(2, CHAIN[:299] + forked(299, 4), chain=FilterHeaderChain.load(change.records))
    world.sync.scan_from(301)
    server = world.server(CHAIN[:299] + forked(299, 4))
    world.join(ALICE, server)
    world.run(3)
    assert world.rollbacks == [300]
    world.expect_truth()
    spans = [item for item in server.asked if isinstance(item, GetCFHeaders)]
    assert [item.start_height for item in spans] == [300]
