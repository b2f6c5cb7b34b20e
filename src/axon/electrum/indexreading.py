"""What is read from the index of scripts, in a thread while blocks may move it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final, TypeVar

from axon.chain.scriptindex import ScriptIndex
from axon.electrum.statuses import ConfirmedPart
from axon.errors import DamageError
from axon.primitives.hashes import BlockHash

MAX_HISTORY: Final = 10_000
"""Transactions of one script that are told, or outputs: an answer of a megabyte."""

_T = TypeVar("_T")


def read_whole(
    index: ScriptIndex, read: Callable[[ScriptIndex], _T]
) -> tuple[BlockHash | None, _T] | None:
    """What is read, and the block that the index stood at; None if it moved meanwhile.

    Raises:
        DamageError: the index is damaged.
        StorageError: the disk failed.
    """
    moves, best = index.moves, index.best
    if moves & 1:
        return None
    try:
        found = read(index)
    except DamageError:
        if index.moves != moves:
            return None
        raise
    return (best, found) if index.moves == moves else None


def read_part(index: ScriptIndex, script: bytes) -> ConfirmedPart | None:
    """The confirmed part of a script's status; None if its history is too large."""
    history = index.history(script, MAX_HISTORY)
    return None if history is None else ConfirmedPart(history)


def read_parts(index: ScriptIndex, scripts: Sequence[bytes]) -> list[ConfirmedPart | None]:
    """The same of several scripts."""
    return [read_part(index, script) for script in scripts]


def read_worth(index: ScriptIndex, script: bytes) -> tuple[int, int] | None:
    """What a script can spend in satoshis, and of how many outputs; None for too many."""
    outputs = index.unspent(script, MAX_HISTORY)
    if outputs is None:
        return None
    return sum([output.amount_sat for output in outputs]), len(outputs)


def pieces(things: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """Some things at a time."""
    left = iter(things)
    while piece := list(islice(left, size)):
        yield piece
