from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from axon.drivers.sim.agenda import Agenda


@given(st.lists(st.integers(0, 20)), st.integers(0, 20))
def test_everything_up_to_an_instant_happens_in_order(times: list[int], until: int) -> None:
    agenda = Agenda(0, Random(1))
    done: list[int] = []
    for time in times:
        agenda.at(time, lambda: done.append(agenda.now))
    agenda.run(until)
    assert done == sorted(time for time in times if time <= until)
    assert agenda.now == until


def test_what_an_action_adds_happens_in_the_same_run() -> None:
    agenda = Agenda(5, Random(1))
    done: list[str] = []
    agenda.at(7, lambda: agenda.at(7, lambda: done.append("second")))
    agenda.run(7)
    assert done == ["second"]


def test_chance_decides_ties() -> None:
    def order(seed: int) -> tuple[int, ...]:
        agenda = Agenda(0, Random(seed))
        done: list[int] = []
        for number in range(3):
            agenda.at(1, lambda number=number: done.append(number))  # type: ignore[misc]
        agenda.run(1)
        return tuple(done)

    assert len({order(seed) for seed in range(100)}) == 6
    assert order(3) == order(3)


def test_steps_are_single() -> None:
    agenda = Agenda(0, Random(1))
    done: list[int] = []
    for time in (1, 2, 9):
        agenda.at(time, lambda: done.append(agenda.now))
    assert agenda.step(5)
    assert (done, agenda.now) == ([1], 1)
    assert agenda.step(5)
    assert not agenda.step(5)
    assert (done, agenda.now) == ([1, 2], 5)
