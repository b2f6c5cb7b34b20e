"""Wallets pay each other while nodes lie and die, links fail and programs are killed.

Five full nodes, of which all but one may lie or die; up to twenty wallets, each with an SPV node,
links, a desk, and a store that is all that a kill leaves. Node 0 is honest and alone mines; it may
be gone for a while, too, or leave its last blocks for others. Clocks of wallets may be off. Some
payers cheat: they, who are cut off from nodes, pay with a coin that a block has spent already, or
whose rival a node is given.

    young network --funds--> wallets in sync --payments and faults--> healed --SERVICE--> settled

    python -m tests.swarm.sim.payingworld FIRST COUNT    as many seeds as wanted
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from functools import partial
from random import Random
from typing import Final

from axon.chain.coins import Coin
from axon.drivers.linkmodel import LinkModel, Loss
from axon.drivers.sim.driver import Asked
from axon.machine import MILLISECOND, MINUTE, SECOND, Machine
from axon.node.commands import SendTransaction
from axon.node.full import FullNode
from axon.payments.deal import DealStage, Role
from axon.payments.desk import IssueInvoice, OpenDesk, PayInvoice
from axon.payments.invoice import Invoice
from axon.payments.terms import Terms
from axon.primitives.block import Block
from axon.primitives.hashes import BlockHash
from axon.primitives.transaction import COIN, OutPoint, TxOut
from axon.swarm.sim.byzantine import ByzantineNode, Lie
from axon.swarm.sim.simulation import SimNetwork, SimNode
from axon.swarm.sim.workload import PAYERS, history, spendable
from tests.swarm.sim.payingfaults import Faults
from tests.swarm.sim.payingjudge import Judge
from tests.swarm.sim.payingwallet import DEEP, MOST_OFF, PayingWallet
from tests.wallet.scene import PASSPHRASE

NODES: Final = 5
BOOT: Final = MINUTE
YOUTH: Final = 20 * MINUTE
"""For all wallets to be in sync, whoever lies to them."""

TROUBLE: Final = 8 * MINUTE
"""Payments and faults happen within it; then all is mended, but liars lie on."""

SERVICE: Final = 25 * MINUTE
"""From then on every payment is settled within it."""

BLOCK_SPACING: Final = 90 * SECOND
_COIN_SAT: Final = COIN // 4
_LEAST_SAT, _MOST_SAT = 50_000, COIN // 8
_FEE_SAT: Final = 10_000
_NOBODY: Final = PAYERS[2]


class Cheat(Enum):
    """What a payer does."""

    NOT = "honest"
    SPENT = "pays with a coin that a block has spent"
    RIVAL = "gives a node a rival of the payment"


@dataclass(slots=True)
class Payment:
    """One that is to be made.

    Args:
        payer, payee: indices of wallets.
        amount_sat: of the invoice.
        cheat: what the payer does.
        joins: the payer offers a payjoin.
        invoice: once it is issued.
        coin: that is to be spent.
        asked: what was commanded last.
    """

    payer: int
    payee: int
    amount_sat: int
    cheat: Cheat
    joins: bool
    invoice: Invoice | None = None
    asked: Asked | None = None
    coin: OutPoint | None = None


class PayingWorld:
    """One run.

    Args:
        seed: of all chance, faults included.
        most: how many wallets there are at most.
        unsteady: clocks of wallets may be wrong, and node 0 may leave its last blocks for others.
    """

    def __init__(self, seed: int, most: int = 20, *, unsteady: bool = False) -> None:
        self.seed = seed
        self._depth = DEEP if unsteady else 1  # Of coins that are paid with.
        self._rng = rng = Random(f"paying world {seed}")
        count = 2 + int((most - 1) * rng.random() ** 2)
        share = rng.random()
        self.lies: dict[int, Lie] = {}
        self.mortal: list[int] = []
        for number in range(1, NODES):
            if rng.random() < share:
                self.lies[number] = rng.choice(list(Lie))
            elif rng.random() < share:
                self.mortal.append(number)
        self._payments_begin = False
        off = unsteady and rng.random() < 0.5  # Some clocks, all the time.
        self.wallets = [
            PayingWallet(
                index,
                joins=rng.random() < 0.7,
                clock_offset_us=self._draw_offset_us() if off else 0,
                on_job=self._on_job,
                on_death=lambda each: self.faults.revive_later(each),
            )
            for index in range(count)
        ]
        self._hidden = tuple(s for each in self.wallets for s in each.wallet.watched_scripts())
        self._homes = frozenset(each.home.host for each in self.wallets)
        self.network = SimNetwork(
            seed,
            NODES,
            history=history(1_700_000_000 * SECOND),
            disguise=self._disguise,
            link=_slow_links() if rng.random() < 0.5 else None,
        )
        honest = [number for number in range(NODES) if number not in self.lies]
        self.judge = Judge(self.network, honest)
        self.payments = [self._draw_payment() for _ in range(1 + int(1.5 * count * rng.random()))]
        self.faults = Faults(self.network, self.wallets, self.mortal, rng, unsteady=unsteady)
        self._healed = False
        self._rivalled: dict[OutPoint, None] = {}  # Coins that rivals spend.

    def _draw_offset_us(self) -> int:
        """How far the clock of one wallet is ahead; half of all are right."""
        return int((2 * self._rng.random() - 1) * MOST_OFF) if self._rng.random() < 0.5 else 0

    def _draw_payment(self) -> Payment:
        rng = self._rng
        payer, payee = rng.sample(range(len(self.wallets)), 2)
        draw = rng.random()
        cheat = Cheat.SPENT if draw < 0.12 else Cheat.RIVAL if draw < 0.25 else Cheat.NOT
        amount_sat = rng.randrange(_LEAST_SAT, _MOST_SAT)
        return Payment(payer, payee, amount_sat, cheat, rng.random() < 0.7)

    # The run.

    def run(self) -> None:
        """Fund, pay, break things, mend them, and wait; what was wrong is with the judge."""
        try:
            self._run()
        except Exception as error:  # noqa: BLE001 (whatever breaks is a finding, with its seed)
            self.judge.wrong.append(f"broke: {type(error).__name__}: {error} {_place(error)}")

    def _run(self) -> None:
        network, simulation, rng = self.network, self.network.simulation, self._rng
        network.run(BOOT)
        self._fund()
        nodes = tuple(node.endpoint for node in network.nodes)
        for wallet in self.wallets:
            wallet.start(simulation, nodes)
            simulation.command(wallet.number, OpenDesk(PASSPHRASE))
        if not simulation.run_until(self._is_funded, network.now + YOUTH, every_us=5 * SECOND):
            self.judge.wrong.append("the wallets never came in sync")
            return
        self._payments_begin = True
        begin = network.now
        for payment in self.payments:
            simulation.at(begin + rng.randrange(TROUBLE // 2), partial(self._begin, payment))
        for fault in self.faults.drawn():
            simulation.at(begin + rng.randrange(TROUBLE), fault)
        simulation.at(begin + BLOCK_SPACING, self._mine)
        network.run(TROUBLE)
        self._healed = True
        self.faults.heal()
        served = simulation.run_until(self.is_served, network.now + SERVICE, every_us=5 * SECOND)
        if not served:
            self.judge.wrong.append(f"not settled in time: {self.lack()}")
        self.judge.check_end(self.wallets)
        for payment in self.payments:
            if self._is_begun(payment) and payment.invoice is not None:
                payer, payee = self.wallets[payment.payer], self.wallets[payment.payee]
                cheats = payment.cheat is not Cheat.NOT
                self.judge.check_payment(payer, payee, payment.invoice, cheats=cheats)

    def digest(self) -> str:
        """The fingerprint of the run."""
        return self.network.simulation.trace.digest()

    @property
    def begun(self) -> list[Payment]:
        """Payments that a payer has signed."""
        return [payment for payment in self.payments if self._is_begun(payment)]

    def _fund(self) -> None:
        """Two coins for each wallet, in a block."""
        network, payer = self.network, PAYERS[0]
        coins = spendable(network, 0, payer)
        outputs = []
        for wallet in self.wallets:
            script = wallet.wallet.watched_scripts()[0]
            outputs += [TxOut(_COIN_SAT + wallet.index, script), TxOut(2 * _COIN_SAT, script)]
        left_sat = sum(coin.amount_sat for coin in coins) - sum(o.amount_sat for o in outputs)
        outputs.append(TxOut(left_sat - _FEE_SAT, payer.script))
        network.send(0, payer.pay(coins, outputs))
        for _ in range(self._depth):
            network.mine(0, payer.script)
            network.run(10 * SECOND)

    def _is_funded(self) -> bool:
        return all(len(wallet.free_coins(0, self._depth)) == 2 for wallet in self.wallets)

    def _mine(self) -> None:
        """Blocks go on being found as long as the world lasts, while node 0 is there."""
        simulation = self.network.simulation
        if simulation.is_running(0):
            self.network.mine(0, _NOBODY.script)
        simulation.at(simulation.now + BLOCK_SPACING, self._mine)

    # Payments.

    def _is_begun(self, payment: Payment) -> bool:
        invoice = payment.invoice
        payer = self.wallets[payment.payer]
        return invoice is not None and payer.book.get(Role.PAYER, invoice.id) is not None

    def _begin(self, payment: Payment) -> None:
        """Do what comes next of a payment, until the payer has written it down."""
        simulation = self.network.simulation
        payer, payee = self.wallets[payment.payer], self.wallets[payment.payee]
        if self._healed or self._is_begun(payment):
            return
        asked = payment.asked
        if payment.invoice is None and asked is not None and isinstance(asked.value, Invoice):
            payment.invoice, payment.asked = asked.value, None
        if payment.invoice is None and simulation.is_running(payee.number):
            terms = Terms(payment.amount_sat, "tea", "", endpoints=(payee.home,))
            payment.asked = simulation.command(payee.number, IssueInvoice(terms))
        elif payment.invoice is not None and simulation.is_running(payer.number):
            self._pay(payment, payment.invoice, payer)
        simulation.at(simulation.now + 2 * SECOND, partial(self._begin, payment))

    def _pay(self, payment: Payment, invoice: Invoice, payer: PayingWallet) -> None:
        coins = [
            coin
            for coin in payer.free_coins(payment.amount_sat + _FEE_SAT, self._depth)
            if coin == payment.coin or coin not in self._rivalled
        ]
        if payment.coin is None and coins:
            payment.coin = coins[self._rng.randrange(len(coins))]
            if payment.cheat is not Cheat.NOT:
                self._cheat(payment, payment.coin, payer)
                return  # And pay in a moment.
        if payment.coin not in coins:
            payment.coin = None  # Another payment was first.
            return
        draft = payer.draft(invoice.script_pubkey, payment.amount_sat, payment.coin)
        command = PayInvoice(invoice, draft, PASSPHRASE, payment.joins)
        self.network.simulation.command(payer.number, command)

    def _cheat(self, payment: Payment, coin: OutPoint, payer: PayingWallet) -> None:
        """A rival goes to a node, and the payer's wallet hears nothing of it."""
        network = self.network
        if not network.simulation.is_running(0):
            payment.cheat = Cheat.NOT  # There is nobody to give it to.
            return
        self._rivalled[coin] = None
        rival = payer.sign(payer.draft(_NOBODY.script, payment.amount_sat, coin))
        self.faults.cut_off(payer)
        network.simulation.command(0, SendTransaction(rival))
        if payment.cheat is Cheat.SPENT:
            when = network.now + SECOND
            network.simulation.at(when, self._mine_one)

    def _mine_one(self) -> None:
        if self.network.simulation.is_running(0):
            self.network.mine(0, _NOBODY.script)

    # Who lies.

    def _disguise(self, node: SimNode, machine: FullNode) -> Machine:
        lie = self.lies.get(node.number)
        if lie is None:
            return machine

        def read(block_hash: BlockHash) -> tuple[Block, list[list[Coin]]]:
            assert node.ledger is not None, "a node boots before it lies"
            raw = node.ledger.validator.read_block(block_hash)
            assert raw is not None, "it has the blocks of its chain"
            return Block.decode(raw), node.ledger.validator.read_spent(block_hash) or []

        height = machine.active.height
        return ByzantineNode(machine, lie, self._homes, self._hidden, height, read)

    # What is seen.

    def _on_job(self, wallet: PayingWallet) -> None:
        if self._payments_begin:
            self.judge.look(wallet)

    def is_served(self) -> bool:
        """Whether nothing is left to come."""
        return not self.lack()

    def lack(self) -> str:
        """What is left to come; empty if nothing is."""
        for payment in self.begun:
            lack = self._lack_of(payment)
            if lack:
                return f"{payment.payer} pays {payment.payee} ({payment.cheat.value}): {lack}"
        height = self.network.machine(0).active.height
        for wallet in self.wallets:
            if wallet.spv.scan.height < height:
                return f"wallet {wallet.index} is at {wallet.spv.scan.height} of {height}"
        return ""

    def _lack_of(self, payment: Payment) -> str:
        assert payment.invoice is not None, "it was begun"
        payer, payee = self.wallets[payment.payer], self.wallets[payment.payee]
        for wallet, role in ((payer, Role.PAYER), (payee, Role.PAYEE)):
            deal = wallet.book.get(role, payment.invoice.id)
            if deal is None:
                return f"the {role.name} knows nothing of it"
            if payment.cheat is not Cheat.NOT and deal.packet is None:
                continue  # It never came; the rival may have been first.
            if deal.is_open:
                return f"the {role.name}'s is {deal.stage}"
            honest = payment.cheat is Cheat.NOT
            if honest and deal.stage is not DealStage.SETTLED:
                return f"the {role.name}'s is {deal.stage} ({deal.reason})"
            if honest and (deal.receipt is None or deal.receipt.proof is None):
                return f"the {role.name} has no receipt with a proof"
        return ""


def _place(error: BaseException) -> str:
    """Where it was raised, and in which event."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = "" if trace is None else f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}"
    return f"at {where} {getattr(error, '__notes__', '')}"


def _slow_links() -> LinkModel:
    return LinkModel(
        latency_us=(5 * MILLISECOND, 300 * MILLISECOND),
        jitter_us=(0, 100 * MILLISECOND),
        loss=Loss(0.03),
    )


def main() -> None:
    """Run seeds, tell what was wrong, and at the end how much there was of everything."""
    first, count = int(sys.argv[1]), int(sys.argv[2])
    levels: Counter[str] = Counter()
    began, wallets, begun, deaths, left = time.process_time(), 0, 0, 0, 0
    for seed in range(first, first + count):
        world = PayingWorld(seed, unsteady=True)
        world.run()
        wallets += len(world.wallets)
        begun += len(world.begun)
        deaths += world.faults.deaths
        left += len(world.judge.truth.former)
        levels.update({level.name: number for level, number in world.judge.levels.items()})
        for wrong in world.judge.wrong:
            print(f"seed {seed}: {wrong}", flush=True)
    took = time.process_time() - began
    print(f"{count} seeds: {wallets} wallets, {begun} payments, {deaths} deaths,", end=" ")
    print(f"{left} reorganisations, {took:.0f} s")
    print("verdicts held against the truth:", dict(sorted(levels.items())))


if __name__ == "__main__":
    main()
