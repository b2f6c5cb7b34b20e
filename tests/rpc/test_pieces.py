"""Turns of parsing: everyone has one, and nobody else waits for long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from axon.rpc.pieces import TURN_S, PieceTurns
from tests.rpc.looped import looped


def source(name: str, count: int, taken: list[str], cost_s: float = 0.0) -> Callable[[], bool]:
    """Something that has so many pieces, each of which costs so much."""
    left = count

    def take_piece() -> bool:
        nonlocal left
        time.sleep(cost_s)
        taken.append(name)
        left -= 1
        return left > 0

    return take_piece


@looped
async def test_pieces_are_taken_one_of_each_source_at_a_time() -> None:
    turns, taken = PieceTurns(), list[str]()
    turns.add(source("a", 3, taken))
    turns.add(source("b", 1, taken))
    turns.add(source("c", 2, taken))
    assert not taken, "not before the next turn"
    for _ in range(10):
        await asyncio.sleep(0)
    assert "".join(taken) == "abcaca"


@looped
async def test_however_many_sources_there_are_a_turn_is_short() -> None:
    turns, taken = PieceTurns(), list[str]()
    for name in "abcdefgh":
        turns.add(source(name, 1, taken, cost_s=TURN_S))
    for count in range(8):
        assert len(taken) == count
        await asyncio.sleep(0)
    assert "".join(taken) == "abcdefgh"


@looped
async def test_a_source_that_fails_does_not_stop_the_others() -> None:
    turns, taken = PieceTurns(), list[str]()
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: faults.append(what))

    def fail() -> bool:
        raise ZeroDivisionError

    turns.add(fail)
    turns.add(source("a", 2, taken))
    for _ in range(5):
        await asyncio.sleep(0)
    assert taken == ["a", "a"]
    assert len(faults) == 1
