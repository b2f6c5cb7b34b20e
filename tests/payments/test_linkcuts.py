"""Two machines joined by bytes that are cut anywhere, and changed on the way."""

from __future__ import annotations

from random import Random

import pytest

from axon.machine import PeerId, Received
from axon.payments.linkevents import Heard, LinkOpened, LinkReplies, OpenLink, Side
from axon.payments.linkmessages import Bye, Hello
from axon.payments.messages import LinkMessage, PaymentMessage, ReceiptMessage
from tests.payments.linkrig import BILL, Purse, Rig

SAID: tuple[LinkMessage, ...] = (
    ReceiptMessage("first"),
    PaymentMessage(bytes(5_000)),
    *(ReceiptMessage(str(number)) for number in range(40)),
)
FIRST = PeerId(0)


def greeting(heard: Heard) -> LinkReplies:
    return LinkReplies(SAID if isinstance(heard.message, Hello) else ())


class Joined:
    """Alice, who pays, and Bob, by one connection.

    Args:
        rng: where bytes are cut.
        flips: the place in Alice's or Bob's stream where a bit is changed, None for nowhere.
    """

    def __init__(self, rng: Random, flips: dict[str, int] | None = None) -> None:
        self._rng = rng
        self._flips = flips or {}
        self.alice = Rig(Purse(reply=greeting), seed=rng.getrandbits(32))
        self.bob = Rig(Purse(BILL, reply=greeting), seed=rng.getrandbits(32))
        self.alice.ask(OpenLink(BILL))
        self.alice.answer_dial()
        self.bob.accept()

    def run(self) -> None:
        """Until both are silent."""
        ways = (("alice", self.alice, self.bob), ("bob", self.bob, self.alice))
        while any(source.sent[FIRST].taken < len(source.sent[FIRST].data) for _, source, _ in ways):
            name, source, target = self._rng.choice(ways)
            self._carry(name, source, target)

    def _carry(self, name: str, source: Rig, target: Rig) -> None:
        sent = source.sent[FIRST]
        size = self._rng.choice((1, 2, 3, 16, 64, 500, 5_000))
        piece = bytearray(sent.data[sent.taken : sent.taken + size])
        at = self._flips.get(name, -1) - sent.taken
        if 0 <= at < len(piece):
            piece[at] ^= 1 << self._rng.randrange(8)
        sent.taken += len(piece)
        if piece and target.sent[FIRST].ended is None:
            target.handle(Received(FIRST, bytes(piece)))


@pytest.mark.parametrize("seed", range(20))
def test_cuts_change_nothing(seed: int) -> None:
    joined = Joined(Random(seed))
    joined.run()
    for rig, side in ((joined.alice, Side.PAYER), (joined.bob, Side.PAYEE)):
        assert rig.facts == [LinkOpened(1, side, BILL.id)]
        assert rig.purse.messages[1:] == list(SAID)
        assert rig.sent[FIRST].ended is None


@pytest.mark.parametrize("seed", range(40))
def test_a_changed_bit_ends_the_link_and_nothing_wrong_is_heard(seed: int) -> None:
    rng = Random(seed)
    whole = Joined(Random(seed))
    whole.run()
    name = rng.choice(("alice", "bob"))
    stream = (whole.alice if name == "alice" else whole.bob).sent[FIRST].data
    at = rng.randrange(rng.choice((64, 300, len(stream))))
    joined = Joined(Random(seed), {name: at})
    joined.run()
    for rig in (joined.alice, joined.bob):
        heard = [message for message in rig.purse.messages if not isinstance(message, Bye)]
        assert heard[1:] == list(SAID[: max(0, len(heard) - 1)]), "the beginning of what was said"
    listener = joined.bob if name == "alice" else joined.alice
    assert len(listener.purse.messages) < 1 + len(SAID)
