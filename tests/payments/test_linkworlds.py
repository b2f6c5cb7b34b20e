"""Links between whole machines, on both drivers: on sockets, and in a simulated network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from random import Random

import pytest
import uvloop

from axon.drivers.linkmodel import LinkModel, Loss
from axon.errors import ConfigError
from axon.machine import (
    MILLISECOND,
    SECOND,
    Dial,
    Effect,
    Endpoint,
    Event,
    Instant,
    Opened,
    Transmit,
)
from axon.payments.link import LinkNode
from axon.payments.linkevents import (
    DONE,
    CloseLink,
    Heard,
    LinkClosed,
    LinkFailed,
    LinkOpened,
    LinkReplies,
    OpenLink,
    Proof,
    Prove,
    Say,
    Side,
)
from axon.payments.linkmessages import Bye, Hello
from axon.payments.messages import (
    LinkMessage,
    PaymentMessage,
    ReceiptMessage,
    VerdictMessage,
)
from axon.primitives.hashes import Txid
from axon.primitives.network import REGTEST
from axon.wire.v2 import V2Transport
from tests.payments.linkrig import BILL, Bill, Purse, link_node
from tests.payments.linkworlds import AioLinkWorld, LinkWorld, SimLinkWorld

WORLDS: dict[str, Callable[[], LinkWorld]] = {
    "asyncio": lambda: AioLinkWorld(asyncio.new_event_loop),
    "uvloop": lambda: AioLinkWorld(uvloop.new_event_loop),
    "simulation": SimLinkWorld,
}
TXID = Txid(bytes(range(32)))
PACKET = PaymentMessage(bytes(399_000))


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> Iterator[LinkWorld]:
    world = WORLDS[request.param]()
    yield world
    world.close()


class Wallet:
    """A purse with its machine in a world.

    Args:
        world: where it runs.
        purse: what it is.
        seed: of its machine.
    """

    def __init__(self, world: LinkWorld, purse: Purse, seed: int) -> None:
        self.purse = purse
        self.facts: list[object] = []
        self.endpoint = world.start(lambda: link_node(seed), purse.perform, self.facts.append)

    def opened(self) -> int:
        return sum(isinstance(fact, LinkOpened) for fact in self.facts)

    def heard(self, kind: type[LinkMessage]) -> list[LinkMessage]:
        return [message for message in self.purse.messages if isinstance(message, kind)]


def paying(heard: Heard) -> LinkReplies:
    match heard.message:
        case Hello():
            return LinkReplies((PACKET,))
        case VerdictMessage():
            return LinkReplies((), DONE)
    return LinkReplies()


def judging(heard: Heard) -> LinkReplies:
    match heard.message:
        case PaymentMessage():
            return LinkReplies((VerdictMessage(TXID, 2),))
    return LinkReplies()


def test_an_invoice_with_an_ipv6_address_is_paid_there() -> None:
    with closing(AioLinkWorld(asyncio.new_event_loop, "::1")) as world:
        try:
            test_a_payment_goes_there_and_a_verdict_comes_back(world)
        except ConfigError as error:
            pytest.skip(str(error))


def test_a_payment_goes_there_and_a_verdict_comes_back(world: LinkWorld) -> None:
    alice = Wallet(world, Purse(reply=paying), 1)
    bob = Wallet(world, Purse(BILL, reply=judging), 2)
    assert world.ask(0, OpenLink(replace(BILL, endpoints=(bob.endpoint,)))) == 1
    world.until(lambda: bool(bob.heard(Bye)))
    assert alice.heard(VerdictMessage) == [VerdictMessage(TXID, 2)]
    assert bob.heard(PaymentMessage) == [PACKET]
    assert alice.facts == [
        LinkOpened(1, Side.PAYER, BILL.id),
        LinkClosed(1, Side.PAYER, DONE),
    ]
    assert bob.facts[0] == LinkOpened(1, Side.PAYEE, BILL.id)


def test_a_link_is_resumed_where_the_payee_comes_back(world: LinkWorld) -> None:
    alice = Wallet(world, Purse(), 1)
    bob = Wallet(world, Purse(BILL), 2)
    link = world.ask(0, OpenLink(replace(BILL, endpoints=(bob.endpoint,))))
    world.until(lambda: alice.opened() == bob.opened() == 1)
    world.crash(1)
    world.until(lambda: isinstance(alice.facts[-1], LinkClosed | LinkFailed))
    assert world.ask(0, Say(1, (PACKET,))) is False
    world.restart(1)
    world.until(lambda: alice.opened() == bob.opened() == 2)
    assert world.ask(0, Say(1, (PACKET,))) is True
    world.until(lambda: bob.heard(PaymentMessage) == [PACKET])
    assert link == 1
    assert world.ask(0, CloseLink(1)) is True
    world.until(lambda: bob.heard(Bye) == [Bye(DONE)])


class Crowd:
    """Dials a wallet a hundred times and says little: nothing, garbage, a key, zeros.

    Args:
        target: who is dialled.
    """

    def __init__(self, target: Endpoint) -> None:
        self._target = target
        self._begun = False
        self.opened = 0

    def handle(self, event: Event, now: Instant) -> list[Effect]:  # noqa: ARG002
        if not isinstance(event, Opened):
            return []
        self.opened += 1
        data = (
            b"",
            b"garbage",
            V2Transport(REGTEST.magic, Random(1), initiating=True).take_output(),
            bytes(60),
        )[event.peer % 4]
        return [Transmit(event.peer, data)] if data else []

    def tick(self, now: Instant) -> list[Effect]:  # noqa: ARG002
        self._begun = True
        return [Dial(number, self._target) for number in range(100)]

    def deadline(self) -> Instant | None:
        return None if self._begun else 0


def no_job(job: object) -> object:
    raise AssertionError(f"no job was expected: {job!r}")


def test_a_hundred_dialers_at_once_keep_nobody_out(world: LinkWorld) -> None:
    bob = Wallet(world, Purse(BILL, reply=judging), 2)
    crowd = Crowd(bob.endpoint)
    world.start(lambda: crowd, no_job, lambda _: None)
    alice = Wallet(world, Purse(reply=paying), 1)
    world.ask(2, OpenLink(replace(BILL, endpoints=(bob.endpoint,))))
    world.until(lambda: bool(alice.heard(VerdictMessage)))
    world.until(lambda: crowd.opened > 90)


class Mallory(Purse):
    """Proves whatever is asked with his own key."""

    def perform(self, job: object) -> object:
        if isinstance(job, Prove):
            return Proof(BILL.id, Bill(66).sign(job.session_id))
        return super().perform(job)


class Overheard:
    """A machine whose sent bytes are counted.

    Args:
        node: the machine.
    """

    def __init__(self, node: LinkNode) -> None:
        self._node = node
        self.sent = 0

    def handle(self, event: Event, now: Instant) -> list[Effect]:
        effects = self._node.handle(event, now)
        self.sent += sum(len(each.data) for each in effects if isinstance(each, Transmit))
        return effects

    def tick(self, now: Instant) -> list[Effect]:
        return self._node.tick(now)

    def deadline(self) -> Instant | None:
        return self._node.deadline()


def test_who_is_not_the_payee_gets_no_payment(world: LinkWorld) -> None:
    purse = Purse(reply=paying)
    alice = Overheard(link_node(1))
    facts: list[object] = []
    world.start(lambda: alice, purse.perform, facts.append)
    mallory = Wallet(world, Mallory(), 2)
    world.ask(0, OpenLink(replace(BILL, endpoints=(mallory.endpoint,))))
    world.until(lambda: bool(facts))
    assert not any(isinstance(fact, LinkOpened) for fact in facts)
    assert purse.heard == []
    assert not mallory.heard(PaymentMessage)
    assert alice.sent < 5_000, "keys, garbage and a hello: no payment of 400 kB"


@pytest.mark.parametrize("seed", range(8))
def test_links_hold_on_bad_networks(seed: int) -> None:
    """Loss, delays and cuts: all that is said arrives in order, or is said again."""
    world = SimLinkWorld(seed)
    said = [ReceiptMessage(str(number)) for number in range(30)]
    bob = Wallet(world, Purse(BILL), 2)
    alice = Wallet(
        world,
        Purse(
            reply=lambda heard: LinkReplies(tuple(said) if isinstance(heard.message, Hello) else ())
        ),
        1,
    )
    model = LinkModel(
        (60 * MILLISECOND,), (0, 80 * MILLISECOND), 200_000, Loss(0.02, 0.3, 0.1, 0.3)
    )
    world.simulation.shape(0, 1, model)
    rng = Random(seed)
    world.ask(1, OpenLink(replace(BILL, endpoints=(bob.endpoint,))))
    for _ in range(3):
        world.simulation.run(world.simulation.now + rng.randrange(4 * SECOND))
        if rng.random() < 0.5:
            world.simulation.sever(0, 1)
        else:
            world.crash(0)
            world.restart(0)
    world.until(lambda: bob.purse.messages[-30:] == said)
    heard = [m for m in bob.purse.messages if isinstance(m, ReceiptMessage)]
    at = 0
    for message in heard:  # Each time from the beginning, without a gap.
        at = 0 if message == said[0] else at + 1
        assert message == said[at]
    world.close()
    assert alice.opened() >= 1
