"""What wallets do that pay each other directly while a network is harmed.

Each asks the next one that listens for an invoice, and pays it; who is refused asks again. A
payment is *handed over* once one of both has it accepted, or settled where they cannot talk;
*settled* once both have it in a block.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from axon.drivers.sim.driver import Asked
from axon.payments.deal import Deal, DealStage, Role
from axon.payments.desk import IssueInvoice, PayInvoice
from axon.payments.invoice import Invoice
from axon.payments.terms import Terms
from axon.swarm.sim.payingprogram import PASSPHRASE, PayingDevice
from axon.swarm.sim.trialnetwork import TrialNetwork

HAND_OVER: Final = "hand over"
SETTLE: Final = "settle"

PAID_SAT: Final = 1_000_000
_FEE_SAT: Final = 10_000
_TAKEN: Final = frozenset({DealStage.ACCEPTED, DealStage.SETTLED})
_LOST: Final = frozenset({DealStage.REFUSED, DealStage.EXPIRED})


@dataclass(slots=True)
class _Attempt:
    """One payment that somebody wants to make.

    Args:
        payer, payee: wallets.
        invoice: once there is one.
        asked: what was commanded last.
    """

    payer: PayingDevice
    payee: PayingDevice
    invoice: Invoice | None = None
    asked: Asked | None = None

    def deal(self, role: Role) -> Deal | None:
        """As one side has it."""
        if self.invoice is None:
            return None
        book = self.payer.book if role is Role.PAYER else self.payee.book
        return book.get(role, self.invoice.id)

    @property
    def stages(self) -> list[DealStage]:
        """On both sides, as far as they know of it."""
        return [deal.stage for role in Role if (deal := self.deal(role)) is not None]


class DirectClients:
    """The direct payments of one trial.

    Args:
        net: the network.
        harmed: who does nothing.

    Attributes:
        payers: who is to pay; nobody where fewer than two wallets are unharmed.
    """

    def __init__(self, net: TrialNetwork, harmed: Collection[str]) -> None:
        self._net = net
        self._attempts: dict[str, _Attempt] = {}
        self.payers = net.blueprint.payers(harmed)
        for name in self.payers:
            payee = net.blueprint.payee_of(name, harmed)
            if payee:
                self._attempts[name] = _Attempt(net.paying(name), net.paying(payee))

    def look(self) -> None:
        """Have each do what comes next."""
        for attempt in self._attempts.values():
            self._go_on(attempt)

    def is_handed(self, payer: str) -> bool:
        """Whether a payment was taken; never where there is nobody to pay."""
        attempt = self._attempts.get(payer)
        return attempt is not None and not _TAKEN.isdisjoint(attempt.stages)

    def is_settled(self, payer: str) -> bool:
        """Whether both have it in a block."""
        attempt = self._attempts.get(payer)
        settled = [DealStage.SETTLED] * len(Role)
        return attempt is not None and attempt.stages == settled

    def _go_on(self, attempt: _Attempt) -> None:
        simulation, asked = self._net.simulation, attempt.asked
        if asked is not None and not asked.done:
            return  # It is being done.
        if asked is not None and isinstance(asked.value, Invoice):
            attempt.invoice = asked.value
        deal = attempt.deal(Role.PAYER)
        if deal is not None and deal.stage in _LOST:
            attempt.invoice = None
        if attempt.invoice is None:
            terms = Terms(PAID_SAT, "tea", "", endpoints=(attempt.payee.home,))
            attempt.asked = simulation.command(attempt.payee.number, IssueInvoice(terms))
        elif deal is None:
            coins = attempt.payer.coins(PAID_SAT + _FEE_SAT)
            if coins:
                draft = attempt.payer.draft(attempt.invoice.script_pubkey, PAID_SAT, coins[-1])
                command = PayInvoice(attempt.invoice, draft, PASSPHRASE, joins=True)
                attempt.asked = simulation.command(attempt.payer.number, command)
