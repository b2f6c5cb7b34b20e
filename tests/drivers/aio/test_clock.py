from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from axon.drivers.aio.clock import Clock


class Hands:
    """Two clocks a test moves; they start far apart."""

    def __init__(self) -> None:
        self.wall_ns = 1_700_000_000 * 10**9
        self.steady_ns = 5 * 10**9

    def clock(self) -> Clock:
        return Clock(lambda: self.wall_ns, lambda: self.steady_ns)

    def pass_(self, nanoseconds: int) -> None:
        self.wall_ns += nanoseconds
        self.steady_ns += nanoseconds


def test_it_shows_the_wall_clock_in_microseconds() -> None:
    hands = Hands()
    clock = hands.clock()
    assert clock.now() == 1_700_000_000_000_000
    hands.pass_(1_999)
    assert clock.now() == 1_700_000_000_000_001


def test_it_follows_a_wall_clock_that_is_set_ahead() -> None:
    hands = Hands()
    clock = hands.clock()
    hands.wall_ns += 3_600 * 10**9
    assert clock.now() == 1_700_003_600_000_000


def test_it_runs_at_half_speed_while_the_wall_clock_is_behind() -> None:
    hands = Hands()
    clock = hands.clock()
    start = clock.now()
    hands.wall_ns -= 10 * 10**9
    for _ in range(10):
        hands.pass_(10**9)
        clock.now()
    assert clock.now() == start + 5_000_000
    hands.pass_(20 * 10**9)
    assert clock.now() == start + 20_000_000  # Caught up: the wall clock again.


@given(st.lists(st.tuples(st.integers(0, 10**10), st.integers(-(10**11), 10**11))))
def test_it_never_goes_back_nor_stands_still(steps: list[tuple[int, int]]) -> None:
    hands = Hands()
    clock = hands.clock()
    seen = clock.now()
    for passed_ns, jump_ns in steps:
        hands.pass_(passed_ns)
        hands.wall_ns += jump_ns
        now = clock.now()
        assert now >= seen + passed_ns // 2_000 - 1
        seen = now


def test_mock_time_stands_still_and_may_go_back() -> None:
    hands = Hands()
    clock = hands.clock()
    clock.set_mock(5_000_000)
    hands.pass_(10**9)
    assert clock.is_mocked
    assert clock.now() == 5_000_000
    clock.set_mock(4_000_000)
    assert clock.now() == 4_000_000
    clock.set_mock(None)
    assert not clock.is_mocked
    assert clock.now() == 1_700_000_001_000_000


def test_watchers_are_told_of_every_change() -> None:
    clock = Clock()
    seen: list[int] = []
    clock.watch(lambda: seen.append(clock.now()))
    clock.set_mock(1)
    clock.set_mock(2)
    assert seen == [1, 2]
