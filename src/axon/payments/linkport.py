"""The way to the links for whoever serves on them: what is said, asked and ordered, in order.

What the links want is queued, and taken by whoever goes through it: so an answer that leads to the
next message is no call within a call.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final

from axon.machine import Answer, Commanded, Completed, Delegate, Effect, Event, Instant
from axon.node.partners import PartnerCommand
from axon.node.spendjobs import SPENDS
from axon.payments.link import LinkNode
from axon.payments.linkevents import WALLET_LANE, LinkReplies, Say
from axon.payments.linkmessages import MAX_REASON_SIZE
from axon.payments.messages import LinkMessage
from axon.payments.partnerevents import PartnerJob

_OURS: Final = 0
"""The ticket of commands of ours to the links; nobody else has it."""

Then = Callable[[Any, Instant], None]
"""What follows from the outcome of a job of ours."""


class LinkPort:
    """The links of one wallet, and jobs for who is above them.

    Args:
        links: the machine.
    """

    def __init__(self, links: LinkNode) -> None:
        self.links = links
        self._effects: deque[Effect] = deque()
        self._orders: dict[int, Then] = {}  # By task; ours count down from -1.
        self._last = 0

    def take(self) -> Effect | None:
        """The next thing that the links want, or that was ordered; None if there is none."""
        return self._effects.popleft() if self._effects else None

    def handle(self, event: Event, now: Instant) -> None:
        """Something happened that may concern the links."""
        if isinstance(event, Completed) and event.task < 0:
            self._orders.pop(event.task)(event.outcome, now)
        else:
            self._effects += self.links.handle(event, now)

    def tick(self, now: Instant) -> None:
        """Have the links do what is due."""
        due = self.links.deadline()
        if due is not None and due <= now:
            self._effects += self.links.tick(now)

    def ask(self, command: object, now: Instant) -> object:
        """Have the links do something; they answer at once."""
        answer: object = None
        for effect in self.links.handle(Commanded(_OURS, command), now):
            if isinstance(effect, Answer) and effect.ticket == _OURS:
                answer = effect.value
            else:
                self._effects.append(effect)
        return answer

    def say(self, link: int, now: Instant, *messages: LinkMessage) -> bool:
        """Say something on a link; False if that cannot be now."""
        return self.ask(Say(link, messages), now) is True

    def reply(
        self, task: int, now: Instant, *messages: LinkMessage, end: str | None = None
    ) -> None:
        """What is said to a message that was heard, and whether the link ends then, and why."""
        told = LinkReplies(messages, None if end is None else end[:MAX_REASON_SIZE])
        self._effects += self.links.handle(Completed(task, told), now)

    def order(self, job: PartnerJob, then: Then) -> None:
        """Have the wallet do something."""
        self._order(job, WALLET_LANE, then)

    def ask_client(self, command: PartnerCommand, then: Then) -> None:
        """Ask the light client."""
        self._order(command, SPENDS, then)

    def _order(self, job: PartnerJob | PartnerCommand, lane: str, then: Then) -> None:
        self._last -= 1
        self._orders[self._last] = then
        self._effects.append(Delegate(self._last, job, lane))
