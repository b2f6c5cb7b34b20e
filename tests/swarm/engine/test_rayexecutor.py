"""What is said where Ray, or its head, is not there; no test here needs Ray."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from axon.swarm.engine.rayexecutor import (
    CLIENT_PORT,
    JOIN_TRIES,
    _checked,
    _join,
    _settle,
    check_head,
)
from axon.swarm.engine.seeds import EngineFailed
from axon.swarm.engine.source import source_fingerprint


@pytest.mark.parametrize("head", [":1", "host:", "host:0", "host:65536", "host:x", "[::1]:-1"])
def test_what_names_no_machine_is_refused(head: str) -> None:
    with pytest.raises(EngineFailed, match="names no machine"):
        check_head(head)


def test_a_head_that_does_not_answer_is_named() -> None:
    with pytest.raises(EngineFailed, match=f"no head of a Ray cluster answers at 127.0.0.1:{1}: "):
        check_head("127.0.0.1:1")
    assert CLIENT_PORT == 10_001


def test_other_code_on_a_worker_is_refused() -> None:
    assert _checked(source_fingerprint(), divmod, (7, 2), {}) == (3, 1)
    with pytest.raises(EngineFailed, match="has other code than this machine"):
        _checked("0" * 16, divmod, (7, 2), {})


@pytest.mark.parametrize(
    ("said", "lost", "tries"),
    [
        ("Starting Ray client server failed. See a log", JOIN_TRIES - 1, JOIN_TRIES),
        ("Starting Ray client server failed. See a log", JOIN_TRIES, JOIN_TRIES),
        ("Proxy failed to Connect to backend! Check logs", 1, 2),
        ("no such version", 1, 1),
    ],
)
def test_a_server_that_the_head_could_not_start_is_asked_for_again(
    said: str, lost: int, tries: int
) -> None:
    asked: list[int] = []

    def init() -> None:
        asked.append(1)
        if len(asked) <= lost:
            raise ConnectionAbortedError(said)

    if lost < tries:
        _join(init)
    else:
        with pytest.raises(EngineFailed, match=f"cannot be joined: '{said}'"):
            _join(init)
    assert len(asked) == tries


def test_a_result_is_handed_on_and_a_dropped_call_stays_dropped() -> None:
    ours: Future[int] = Future()
    theirs: Future[int] = Future()
    theirs.set_result(7)
    _settle(ours, theirs)
    assert ours.result() == 7
    dropped: Future[int] = Future()
    dropped.cancel()
    _settle(dropped, theirs)
    assert dropped.cancelled()
