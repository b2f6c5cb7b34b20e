"""Both sides die again and again, at any write: the payment is made once, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

import pytest

from axon.chain.store import MemoryStore
from axon.payments.deal import DealStage, Role
from axon.payments.desk import OpenDesk, PayeeSilent, PayerLeft
from axon.payments.invoice import Invoice
from axon.primitives.transaction import COIN, Transaction
from tests.payments.dealscene import AMOUNT_SAT, Person, Town
from tests.wallet.scene import PASSPHRASE


class Killed(BaseException):
    """The process is gone, as with `kill -9`: nothing below may catch it."""


class MortalStore(MemoryStore):
    """A store whose process dies at a write, before or after it."""

    def __init__(self, values: Mapping[bytes, bytes]) -> None:
        super().__init__()
        self.write(dict(values))
        self.writes_left: int | None = None
        self.after = False

    def write(self, changes: Mapping[bytes, bytes | None]) -> None:
        """All changes; or none, or all and an end."""
        dies = getattr(self, "writes_left", None) == 0
        if dies and not self.after:
            raise Killed
        super().write(changes)
        if dies:
            raise Killed
        if getattr(self, "writes_left", None) is not None:
            assert self.writes_left is not None
            self.writes_left -= 1


@pytest.fixture(scope="module")
def town() -> Town:
    """Alice and Bob with a coin each."""
    return Town()


def twin(town: Town) -> Town:
    """The same on stores of their own, which can die."""
    copy = Town.__new__(Town)
    copy.change, copy.chain = (lambda _, message: message), town.chain
    for name, person in (("alice", town.alice), ("bob", town.bob)):
        other = Person.__new__(Person)
        other.name, other.chain, other.looked_up = person.name, town.chain, person.looked_up
        other.store = MortalStore(dict(person.store.items(b"")))
        other.restart()
        setattr(copy, name, other)
    return copy


def revive(person: Person) -> None:
    """Start again with what the disk has, and nothing that dies."""
    assert isinstance(person.store, MortalStore)
    person.store.writes_left = None
    person.restart()


def attempt(town: Town, invoice: Invoice) -> None:
    """They meet, talk, and give up waiting."""
    town.talk(invoice)
    town.bob.do(PayerLeft(invoice.id))


def run(town: Town, seed: int, kills: int) -> tuple[Town, Invoice, list[Transaction], int]:
    """One payment, with so many kills at random writes of either side, and how many came."""
    rng, copy = Random(seed), twin(town)
    invoice = copy.bob.issue()
    settled: list[Transaction] = []
    begun, killed = False, 0
    for left in range(kills, -1, -1):
        victim = rng.choice((copy.alice, copy.bob))
        assert isinstance(victim.store, MortalStore)
        if left:
            victim.store.writes_left, victim.store.after = rng.randrange(6), rng.random() < 0.5
        try:
            if not begun and copy.alice.book.get(Role.PAYER, invoice.id) is None:
                copy.alice.pay(invoice, joins=rng.random() < 0.8)
            begun = True
            attempt(copy, invoice)
        except Killed:
            killed += 1
        settled += copy.alice.settled + copy.bob.settled
        for person in (copy.alice, copy.bob):
            revive(person)
        copy.bob.do(OpenDesk(PASSPHRASE))
    if copy.alice.book.get(Role.PAYER, invoice.id) is not None:
        attempt(copy, invoice)
        copy.alice.do(PayeeSilent(invoice.id))
    settled += copy.alice.settled + copy.bob.settled
    return copy, invoice, settled, killed


@pytest.mark.parametrize("seed", range(12))
def test_a_payment_survives_every_kill(town: Town, seed: int) -> None:
    copy, invoice, settled, killed = run(town, seed, kills=1 + seed % 5)
    assert killed
    deal = copy.alice.book.get(Role.PAYER, invoice.id)
    if deal is None:
        assert settled == []
        assert copy.alice.spendable_sat() == COIN
        return
    assert settled, "what was begun is settled by one of them"
    spent = {point for item in settled for point in item.prevouts if point in _own(copy.alice)}
    assert len({item.txid for item in settled}) <= 2
    for item in settled:
        assert spent <= set(item.prevouts), "whatever is settled excludes all else"
    assert copy.alice.deal(Role.PAYER, invoice).stage is DealStage.ACCEPTED
    assert copy.bob.deal(Role.PAYEE, invoice).stage is DealStage.ACCEPTED
    block = settled[-1]
    copy.alice.wallet.take_unconfirmed(block, copy.alice.now_s)
    outputs = sum(
        output.amount_sat
        for output in block.outputs
        if output.script_pubkey == invoice.script_pubkey
    )
    assert outputs >= AMOUNT_SAT


def _own(person: Person) -> frozenset[bytes]:
    return frozenset(person.wallet.ledger.owned)
