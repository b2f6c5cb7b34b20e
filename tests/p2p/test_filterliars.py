"""Peers drawn from a seed, one of them honest: the wallet ends with the true filters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from random import Random

import pytest

from axon.machine import MILLISECOND
from axon.primitives.hashes import BlockHash
from axon.primitives.header import Header
from axon.wire.messages import (
    CFCheckpt,
    CFHeaders,
    CFilter,
)
from axon.wire.messages.filters import BASIC_FILTER
from tests.p2p.chains import mine_headers
from tests.p2p.filterworld import (
    CHAIN,
    LONG,
    Answer,
    Change,
    World,
    honest,
    lies,
    mute,
    only,
)


class Cast:
    """Draws peers of one run: one is honest, each other does one of the things that peers do."""

    def __init__(self, world: World, chain: list[Header], seed: int) -> None:
        self.world = world
        self.chain = chain
        self.rng = Random(seed)

    def change(self) -> tuple[Change, Mapping[BlockHash, bytes]]:
        """How a peer that is not honest behaves."""
        rng, salt = self.rng, self.rng.getrandbits(16)
        heights = [rng.randint(1, len(self.chain)) for _ in range(rng.randint(1, 3))]
        false = lies(*heights, chain=self.chain, salt=salt % 3)
        kind = rng.choice("liar liar liar mute halting forger garbler scrambler quiet-liar".split())
        match kind:
            case "liar":
                return honest, false
            case "mute":
                return mute, {}
            case "halting":
                return (lambda answer: answer if rng.random() < 0.7 else None), false
            case "forger":
                return self._forge, false
            case "garbler":
                return self._garble, {}
            case "scrambler":
                return self._scramble, {}
        return only(CFHeaders), false

    def _forge(self, answer: Answer) -> Answer:
        if isinstance(answer, CFilter) and self.rng.random() < 0.2:
            return replace(answer, filter=self.rng.randbytes(9))
        return answer

    def _garble(self, answer: Answer) -> Answer:
        if isinstance(answer, CFHeaders) and self.rng.random() < 0.5:
            hashes = list(answer.filter_hashes)
            hashes[self.rng.randrange(len(hashes))] = self.rng.randbytes(32)
            return replace(answer, filter_hashes=tuple(hashes))
        return answer

    def _scramble(self, answer: Answer) -> Answer:
        """Any message of the kind: other blocks, other counts, another type."""
        rng = self.rng
        if rng.random() < 0.6:
            return answer
        kind = rng.choice((BASIC_FILTER, BASIC_FILTER, 1))
        block_hash = rng.choice(self.chain).hash
        some = tuple([rng.randbytes(32) for _ in range(rng.choice((0, 1, 5, 2000)))])
        match answer:
            case CFHeaders(_, stop, previous, hashes):
                stop, hashes = rng.choice((stop, block_hash)), rng.choice((hashes, some))
                return CFHeaders(kind, stop, rng.choice((previous, bytes(32))), hashes)
            case CFCheckpt(_, stop, hashes):
                return CFCheckpt(kind, rng.choice((stop, block_hash)), rng.choice((hashes, some)))
            case CFilter(_, _, data):
                return CFilter(kind, block_hash, data)


def play(seed: int, base: list[Header]) -> World:
    """Up to six peers, one of them honest, come in any order; blocks are found, the chain turns."""
    world = World(seed, base)
    cast = Cast(world, base, seed + 1)
    rng = Random(seed + 2)
    count = rng.randint(1, 6)
    truthful = rng.randrange(count)
    for number in range(count):
        if number == truthful:
            world.join(number, world.server(base))
        else:
            change, false = cast.change()
            delay = partial(rng.randint, 1, rng.choice((30, 300, 3000)) * MILLISECOND)
            world.join(number, world.server(base, change, lies=false, delay=delay))
        world.run(rng.random() * rng.choice((0.1, 3)))
    branch = base
    for turn in range(rng.randint(0, 3)):
        at = len(branch) - rng.choice((0, 0, 1, 3))
        news = mine_headers(branch[at - 1], len(branch) + 1 - at, salt=seed * 10 + turn)
        branch = branch[:at] + news
        world.learn(news, *world.servers)
        world.run(rng.random() * 2)
    world.run(100)
    assert truthful not in world.dropped, f"seed {seed}: {world.dropped}"
    world.expect_truth(f"seed {seed}")
    return world


@pytest.mark.parametrize("seed", range(80))
def test_one_honest_peer_is_enough(seed: int) -> None:
    play(seed, CHAIN[: 20 + 25 * (seed % 12)])


@pytest.mark.parametrize("seed", range(4))
def test_one_honest_peer_is_enough_on_a_long_chain(seed: int) -> None:
    play(seed, LONG[: 2500 + 700 * seed])


def test_the_same_seed_gives_the_same_run() -> None:
    def trace(world: World) -> object:
        asked = [server.asked for server in world.servers.values()]
        return world.now, list(world.dropped), world.rollbacks, asked

    for seed in (3, 11, 17):
        assert trace(play(seed, CHAIN[:150])) == trace(play(seed, CHAIN[:150]))
