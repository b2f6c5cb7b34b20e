"""What a getaddr is answered with, while the table grows and as time passes."""

from __future__ import annotations

from random import Random

from axon.machine import Instant
from axon.p2p.addranswers import CACHE_SPREAD, CACHE_TIME, MAX_KEPT, AddrAnswers
from axon.p2p.addrman import AddrMan
from axon.primitives.netaddress import AddressNetwork
from tests.p2p.examples import NOW, spread, told


class Table:
    """A node's table of addresses, and what is told of it."""

    def __init__(self, known: int = 0) -> None:
        self.addrman = AddrMan(Random(1))
        self.answers = AddrAnswers(self.addrman, Random(2))
        self._told = 0
        while len(self.addrman) < known:
            self.learn()

    def learn(self) -> None:
        """Be told one more address, which may find its place taken."""
        self._told += 1
        self.addrman.add([told(spread(self._told))], spread(self._told), NOW)

    def sample(self, now: Instant = NOW, local: str = "") -> frozenset[bytes]:
        """Who is told now."""
        told_of = self.answers.kept(AddressNetwork.IPV4, local, now)
        return frozenset(timed.address.encode_v2() for timed in told_of)


def test_a_sample_stays_until_the_table_is_twice_as_large() -> None:
    table = Table(known=100)
    first = table.sample()
    while len(table.addrman) < 199:
        table.learn()
        assert table.sample() == first
    table.learn()
    assert len(first) == 23
    assert len(table.sample()) == 46


def test_at_another_address_of_ours_the_sample_is_another() -> None:
    table = Table(known=400)
    samples = [table.sample(local=f"10.0.0.{number}:8333") for number in range(MAX_KEPT)]
    assert len(set(samples)) == MAX_KEPT
    assert [table.sample(local=f"10.0.0.{number}:8333") for number in (0, 9)] == [
        samples[0],
        samples[9],
    ]
    table.sample(local="10.0.1.1:8333")
    assert len(table.answers._kept) == MAX_KEPT


def test_of_a_small_table_a_few_are_told_whatever_their_share() -> None:
    sizes = {known: len(Table(known).sample()) for known in (0, 1, 7, 8, 20, 34, 40, 100)}
    assert sizes == {0: 0, 1: 1, 7: 7, 8: 8, 20: 8, 34: 8, 40: 9, 100: 23}


def test_who_knew_nobody_when_first_asked_does_not_say_so_for_a_day() -> None:
    table = Table()
    assert not table.sample()
    table.learn()
    assert table.sample()


def test_a_growing_table_is_shown_by_less_than_half_and_in_few_samples() -> None:
    table, samples, seen = Table(), set[frozenset[bytes]](), set[bytes]()
    while len(table.addrman) < 1000:
        table.learn()
        samples.add(table.sample())
        seen |= table.sample()
    assert len(samples) <= 11  # At none, one, two, four ... 512.
    assert 150 < len(seen) < len(table.addrman) // 2


def test_a_table_that_does_not_grow_is_sampled_once_a_day() -> None:
    table = Table(known=100)
    first = table.sample()
    assert table.sample(NOW + CACHE_TIME - 1) == first
    assert table.sample(NOW + CACHE_TIME + CACHE_SPREAD) != first
