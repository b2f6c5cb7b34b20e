"""Single blocks for a light client: asked of one peer, soon of another, until one gives them."""

from __future__ import annotations

from random import Random

import pytest

from axon.machine import SECOND, PeerId
from axon.p2p.actions import Action, DisconnectPeer, Send
from axon.p2p.blockfetch import MAX_IN_FLIGHT, PATIENCE, SILENCE, BlockFetch
from axon.p2p.peerchains import PeerChains
from axon.primitives.hashes import BlockHash
from axon.wire.messages import GetData, InvType
from tests.p2p.chains import Ledger, mine_headers

NOW = 1_700_000_000 * SECOND
A, B, C = PeerId(0), PeerId(1), PeerId(2)


def name(number: int) -> BlockHash:
    return BlockHash(number.to_bytes(32, "little"))


def fetch(*peers: PeerId) -> BlockFetch:
    made = BlockFetch(PeerChains(Ledger().tree), Random(1))
    for peer in peers:
        made.opened(peer)
    return made


def asked(actions: list[Action]) -> dict[PeerId, list[BlockHash]]:
    found: dict[PeerId, list[BlockHash]] = {}
    for action in actions:
        assert isinstance(action, Send)
        assert isinstance(action.message, GetData)
        assert all(item.kind is InvType.WITNESS_BLOCK for item in action.message.items)
        hashes = [BlockHash(item.hash) for item in action.message.items]
        found.setdefault(action.peer, []).extend(hashes)
    return found


def test_blocks_are_spread_over_peers() -> None:
    blocks = fetch(A, B)
    found = asked(blocks.want([name(number) for number in range(4)], NOW))
    assert {peer: len(items) for peer, items in found.items()} == {A: 2, B: 2}
    assert blocks.want([name(0)], NOW) == []


def test_without_peers_the_request_waits_for_one() -> None:
    blocks = fetch()
    assert blocks.want([name(1)], NOW) == []
    assert blocks.deadline() is None
    blocks.opened(A)
    assert blocks.deadline() == NOW
    assert asked(blocks.tick(NOW)) == {A: [name(1)]}


def test_a_second_peer_is_asked_within_a_second_and_either_may_answer() -> None:
    blocks = fetch(A, B)
    (first,) = asked(blocks.want([name(1)], NOW))
    assert blocks.tick(NOW + PATIENCE - 1) == []
    assert blocks.deadline() == NOW + PATIENCE
    (second,) = asked(blocks.tick(NOW + PATIENCE))
    assert {first, second} == {A, B}
    assert blocks.arrived(name(1), NOW + PATIENCE + 1) == []
    assert not blocks.is_wanted(name(1))
    assert blocks.deadline() is None


def test_who_stays_silent_is_dropped() -> None:
    blocks = fetch(A)
    blocks.want([name(1)], NOW)
    assert blocks.deadline() == NOW + SILENCE
    (drop,) = blocks.tick(NOW + SILENCE)
    assert isinstance(drop, DisconnectPeer)
    assert drop.peer == A


def test_a_peer_that_left_or_lied_is_replaced_at_once() -> None:
    blocks = fetch(A, B, C)
    (first,) = asked(blocks.want([name(1)], NOW))
    (second,) = asked(blocks.closed(first, NOW))
    (third,) = asked(blocks.missing(second, name(1), NOW))
    assert {first, second, third} == {A, B, C}
    assert blocks.missing(third, name(1), NOW) == []
    assert blocks.is_wanted(name(1)), "somebody else may come"
    blocks.opened(PeerId(3))
    assert asked(blocks.tick(NOW)) == {PeerId(3): [name(1)]}


def test_no_peer_is_asked_for_too_many_at_a_time() -> None:
    blocks = fetch(A)
    wanted = [name(number) for number in range(MAX_IN_FLIGHT + 3)]
    assert asked(blocks.want(wanted, NOW)) == {A: wanted[:MAX_IN_FLIGHT]}
    assert asked(blocks.arrived(wanted[0], NOW)) == {A: [wanted[MAX_IN_FLIGHT]]}


def test_who_is_known_to_have_it_is_asked_first() -> None:
    ledger = Ledger()
    wanted = [entry.hash for entry in ledger.learn(mine_headers(ledger.tip.header, 5))]
    chains = PeerChains(ledger.tree)
    blocks = BlockFetch(chains, Random(1))
    for peer in (A, B, C):
        blocks.opened(peer)
        chains.opened(peer)
    chains.shown(B, wanted[-1])
    assert asked(blocks.want(wanted, NOW)) == {B: wanted}
    others = asked(blocks.closed(B, NOW))
    assert sum(map(len, others.values())) == 5, "nobody else is known to, but may"


def test_cancelled_blocks_are_not_wanted_when_they_come() -> None:
    blocks = fetch(A)
    blocks.want([name(1)], NOW)
    blocks.cancel_all()
    assert not blocks.is_wanted(name(1))
    assert blocks.arrived(name(1), NOW) == []
    assert blocks.closed(A, NOW) == []


@pytest.mark.parametrize("seed", range(30))
def test_as_long_as_one_peer_serves_all_blocks_come(seed: int) -> None:
    rng = Random(seed)
    peers = [PeerId(number) for number in range(5)]
    honest = peers[int(rng.random() * 5)]
    blocks, now = fetch(*peers), NOW
    left = [name(number) for number in range(20)]
    alive = set(peers)
    waiting = blocks.want(left, now)
    for _ in range(400):
        actions, waiting = waiting, []
        for action in actions:
            if isinstance(action, DisconnectPeer):
                alive.discard(action.peer)
                waiting += blocks.closed(action.peer, now)
                continue
            assert isinstance(action.message, GetData)
            for item in action.message.items:
                if action.peer not in alive:
                    continue
                block_hash = BlockHash(item.hash)
                if action.peer == honest:
                    waiting += blocks.arrived(block_hash, now)
                elif rng.random() < 0.5:
                    waiting += blocks.missing(action.peer, block_hash, now)
        due = blocks.deadline()
        if due is not None and not waiting:  # Whoever is awake answers before time goes on.
            now = max(now, due)
            waiting += blocks.tick(now)
    assert not any(blocks.is_wanted(item) for item in left), f"seed {seed}"
    assert honest in alive
    assert now - NOW < 20 * SECOND, f"seed {seed}: nobody waits long"


def test_what_is_cancelled_is_asked_of_nobody_any_more() -> None:
    blocks = fetch(A, B)
    asked(blocks.want([name(1), name(2)], NOW))
    blocks.cancel([name(1), name(3)])
    assert not blocks.is_wanted(name(1))
    assert blocks.is_wanted(name(2))
    found = asked(blocks.tick(NOW + PATIENCE))
    assert list(found.values()) == [[name(2)]]
    assert blocks.arrived(name(1), NOW) == []
