"""One peer that offers filters: what it claims, and the one question that it is asked (BIP 157).

    idle --ask--> asked --the answer--> idle
    asked --PATIENCE--> late: others are asked as well --SILENCE--> disconnected
    late --every AGAIN--> asked the same once more
    asked --its block left the best chain--> idle; the answer may still come, and is ignored

Answers name the last block that they are about but not the first, so there is one question at a
time, and it decides what an answer means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from axon.machine import SECOND, Instant, PeerId
from axon.p2p.actions import DisconnectPeer, Send
from axon.p2p.faults import PeerSilent, PeerViolation
from axon.p2p.filterclaims import FilterClaims, Question
from axon.wire.messages import (
    CFCheckpt,
    CFHeaders,
    CFilter,
    GetCFCheckpt,
    GetCFHeaders,
    GetCFilters,
)
from axon.wire.messages.filters import CFCHECKPT_INTERVAL

PATIENCE: Final = SECOND
"""How long a peer may leave us waiting before others are asked as well."""

AGAIN: Final = 3 * SECOND
"""How long until a question is repeated. A node that is just catching up has a block before it has
the block's filter, and till then it says nothing, as Bitcoin Core does."""

SILENCE: Final = 30 * SECOND
"""How long it may leave us waiting before it is disconnected."""


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question that waits for its answer.

    Args:
        message: as it was sent.
        stop_height: of the last block that it is about.
        asked_at: when.
        extends: it asks for filter headers that we do not have.
    """

    message: Question
    stop_height: int
    asked_at: Instant
    extends: bool

    @property
    def items(self) -> int:
        """How many the answer has."""
        match self.message:
            case GetCFHeaders():
                return self.stop_height - self.message.start_height + 1
            case GetCFCheckpt():
                return self.stop_height // CFCHECKPT_INTERVAL
            case GetCFilters():
                return 1


class FilterPeer:
    """One peer.

    Args:
        peer: who.
        base: the height below the start of our chain of filter headers.
    """

    __slots__ = ("_again_at", "_peer", "_was_cancelled", "claims", "late", "question")

    def __init__(self, peer: PeerId, base: int) -> None:
        self._peer = peer
        self._was_cancelled = False
        self._again_at: Instant = 0  # Only meaningful while a question is open.
        self.claims = FilterClaims(base)
        self.question: OpenQuestion | None = None
        self.late = False
        """Its question is open for longer than `PATIENCE`."""

    @property
    def is_idle(self) -> bool:
        """Whether it may be asked."""
        return self.question is None

    @property
    def is_prompt(self) -> bool:
        """Whether its answer may come any moment."""
        return self.question is not None and not self.late

    def ask(
        self, message: Question, stop_height: int, now: Instant, *, extends: bool = False
    ) -> Send:
        """Ask an idle peer; the arguments are those of `OpenQuestion`."""
        assert self.question is None, "one question at a time"
        self.question = OpenQuestion(message, stop_height, now, extends)
        self._again_at = now + AGAIN
        self.late = False
        return Send(self._peer, message)

    def answered(self, message: CFHeaders | CFCheckpt | CFilter) -> OpenQuestion | None:
        """The question that a message answers, which is open no more; None if it answers none.

        Raises:
            PeerViolation: the answer has more or fewer items than were asked for.
        """
        question = self.question
        if question is None:
            return None
        match question.message, message:
            case GetCFHeaders(), CFHeaders():
                stop_hash, count = message.stop_hash, len(message.filter_hashes)
            case GetCFCheckpt(), CFCheckpt():
                stop_hash, count = message.stop_hash, len(message.filter_headers)
            case GetCFilters(), CFilter():
                stop_hash, count = message.block_hash, 1
            case _:
                return None
        if stop_hash != question.message.stop_hash:
            return None
        if count != question.items:
            if self._was_cancelled:
                return None  # It answers a question that we have forgotten.
            raise PeerViolation(f"BIP 157: {question.items} items were asked for, {count} came")
        self.question = None
        return question

    def cancel(self) -> None:
        """The answer matters no more."""
        self.question = None
        self._was_cancelled = True

    def tick(self, now: Instant) -> Send | DisconnectPeer | None:
        """Note whether it is late; ask once more, or give it up."""
        question = self.question
        if question is None:
            return None
        self.late = now >= question.asked_at + PATIENCE
        if now >= question.asked_at + SILENCE:
            fault = PeerSilent("a question about filters was not answered in time")
            return DisconnectPeer(self._peer, fault)
        if now < self._again_at:
            return None
        self._again_at = now + AGAIN
        return Send(self._peer, question.message)

    def deadline(self) -> Instant | None:
        """When `tick` wants to be called."""
        question = self.question
        if question is None:
            return None
        if not self.late:
            return question.asked_at + PATIENCE
        return min(self._again_at, question.asked_at + SILENCE)
