"""One question at a time to each peer, and which message answers it."""

from __future__ import annotations

import pytest

from axon.machine import PeerId
from axon.p2p.actions import DisconnectPeer, Send
from axon.p2p.faults import PeerSilent, PeerViolation
from axon.p2p.filterpeer import AGAIN, PATIENCE, SILENCE, FilterPeer
from axon.primitives.hashes import BlockHash
from axon.wire.messages import (
    CFCheckpt,
    CFHeaders,
    CFilter,
    GetCFCheckpt,
    GetCFHeaders,
    GetCFilters,
)
from axon.wire.messages.filters import BASIC_FILTER

ALICE = PeerId(0)
STOP = BlockHash(bytes([1]) * 32)
OTHER = BlockHash(bytes([2]) * 32)


def headers(count: int, stop: BlockHash = STOP) -> CFHeaders:
    return CFHeaders(BASIC_FILTER, stop, bytes(32), (bytes(32),) * count)


def test_an_answer_names_the_block_and_has_all_items() -> None:
    peer, question = FilterPeer(ALICE, -1), GetCFHeaders(BASIC_FILTER, 11, STOP)
    assert peer.ask(question, 20, 0) == Send(ALICE, question)
    assert peer.is_prompt
    assert peer.answered(headers(10, OTHER)) is None
    assert peer.answered(CFilter(BASIC_FILTER, STOP, b"")) is None
    assert peer.answered(CFCheckpt(BASIC_FILTER, STOP, ())) is None
    assert not peer.is_idle
    found = peer.answered(headers(10))
    assert found is not None
    assert (found.message, found.stop_height) == (question, 20)
    assert peer.is_idle
    assert peer.answered(headers(10)) is None


@pytest.mark.parametrize("count", [0, 9, 11])
def test_another_number_of_items_is_no_answer(count: int) -> None:
    peer = FilterPeer(ALICE, -1)
    peer.ask(GetCFHeaders(BASIC_FILTER, 11, STOP), 20, 0)
    with pytest.raises(PeerViolation, match="10 items were asked for"):
        peer.answered(headers(count))


@pytest.mark.parametrize(("height", "count"), [(999, 0), (1000, 1), (5999, 5)])
def test_checkpoints_are_one_for_a_thousand_blocks(height: int, count: int) -> None:
    peer = FilterPeer(ALICE, -1)
    peer.ask(GetCFCheckpt(BASIC_FILTER, STOP), height, 0)
    with pytest.raises(PeerViolation):
        peer.answered(CFCheckpt(BASIC_FILTER, STOP, (bytes(32),) * (count + 1)))
    assert peer.answered(CFCheckpt(BASIC_FILTER, STOP, (bytes(32),) * count)) is not None


def test_a_filter_answers_the_question_for_it() -> None:
    peer = FilterPeer(ALICE, -1)
    peer.ask(GetCFilters(BASIC_FILTER, 7, STOP), 7, 0)
    assert peer.answered(CFilter(BASIC_FILTER, OTHER, b"")) is None
    assert peer.answered(CFilter(BASIC_FILTER, STOP, b"")) is not None


def test_the_answer_to_a_cancelled_question_is_nobody_s_fault() -> None:
    peer = FilterPeer(ALICE, -1)
    peer.ask(GetCFHeaders(BASIC_FILTER, 1, STOP), 20, 0)
    peer.cancel()
    assert peer.is_idle
    peer.ask(GetCFHeaders(BASIC_FILTER, 20, STOP), 20, 0)
    assert peer.answered(headers(20)) is None
    assert peer.answered(headers(1)) is not None


def test_late_then_silent() -> None:
    peer = FilterPeer(ALICE, -1)
    assert peer.deadline() is None
    assert peer.tick(0) is None
    peer.ask(GetCFCheckpt(BASIC_FILTER, STOP), 20, 0)
    assert peer.deadline() == PATIENCE
    assert peer.tick(PATIENCE - 1) is None
    assert peer.is_prompt
    assert peer.tick(PATIENCE) is None
    assert not peer.is_prompt
    assert peer.deadline() == AGAIN
    drop = peer.tick(SILENCE)
    assert isinstance(drop, DisconnectPeer)
    assert isinstance(drop.fault, PeerSilent)


def test_what_is_not_answered_is_asked_again() -> None:
    peer = FilterPeer(ALICE, -1)
    first = peer.ask(GetCFCheckpt(BASIC_FILTER, STOP), 20, 0)
    peer.tick(PATIENCE)
    assert peer.tick(AGAIN - 1) is None
    assert peer.tick(AGAIN) == first
    assert peer.deadline() == 2 * AGAIN
    assert peer.tick(AGAIN) is None
    assert peer.tick(2 * AGAIN) == first
    assert peer.question is not None
    assert peer.question.asked_at == 0, "its time runs on"
