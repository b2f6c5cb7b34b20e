"""One trial: a component is harmed while clients go about their business, and is healed again.

    raised --wallets have coins--> ready --harm--> held: clients act --heal--> looked at again

What must hold while it is harmed is asked of those that are not: nodes are on one block, the chain
grows, each wallet sees what is paid to it and has its payments confirmed, a wallet with an empty
disk finds its coins, and a node with an empty disk comes to the tip. After healing all must be on
one block again, those that were harmed included.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from axon.machine import MINUTE, SECOND, Instant
from axon.node.commands import SendTransaction
from axon.node.facts import Fact
from axon.node.full import FullNode
from axon.primitives.transaction import Transaction, TxOut
from axon.swarm.faultplan import FaultPlan
from axon.swarm.harmed import harmed_by, touched_by
from axon.swarm.invariants import Finding, Violation
from axon.swarm.signer import Spendable
from axon.swarm.sim.directclients import HAND_OVER, SETTLE, DirectClients
from axon.swarm.sim.historychange import HistoryChange
from axon.swarm.sim.lineage import Lineage
from axon.swarm.sim.payingprogram import PayingDevice
from axon.swarm.sim.trialrecorder import TrialRecorder
from axon.swarm.sim.trialstage import FEE_SAT, LOOK, Stage
from axon.swarm.sim.watch import Watch
from axon.swarm.sim.workload import PAYERS
from axon.swarm.trialhistory import LineType
from axon.swarm.trialreport import Operation, Support, TrialReport, told_late

SERVICE: Final = 20 * MINUTE
"""At most until a client has what it asked. A wallet may hang on a node that asked a peer which it
cannot hear for a block: until it asks another one, ten minutes or some more go by, as in Bitcoin
Core, or fifteen, when TCP gives the connection up. Twenty blocks of one of two miners are due."""

CONVERGENCE: Final = 40 * MINUTE
"""At most from the last block until all nodes are on it, one that came with an empty disk included.
A node that asked a peer for a block waits ten minutes, and some more for each further peer, until
it asks another one, as Bitcoin Core does."""

HEALING: Final = 20 * MINUTE
"""From the end of the harm until all must be on one block: dead links are found out after 20."""

JOIN: Final = "join"
_SERVICES: Final = (
    ("L3", ("read", "receive", "pay"), SERVICE),
    ("L3-cold", ("start",), SERVICE),
    ("L7", (JOIN,), SERVICE + CONVERGENCE),
    ("L12", (HAND_OVER, SETTLE), SERVICE),
)
"""What clients ask, by the invariant that says that they get it, and in which time."""

_NEVER: Final = 1 << 62

_PAYMENT_SAT: Final = 1_000_000


class _Trial:
    """Harm and healing, carried out on a stage."""

    def __init__(self, stage: Stage, harm: FaultPlan, healing: FaultPlan) -> None:
        self._stage = stage
        self._net = stage.net
        self._simulation = stage.simulation
        self._harm = harm
        self._healing = healing
        self._touched = touched_by(stage.blueprint, harm)
        self._harmed = harmed_by(stage.blueprint, harm)
        self._nodes = [n.name for n in stage.blueprint.nodes if n.name not in self._harmed]
        self._versions = {plan.name: plan.tx_version for plan in stage.blueprint.wallets}
        self._watch = Watch()
        self._history = HistoryChange(self._best_height(), self._net.now)
        self._unsafe: Finding | None = None
        self._recorder = TrialRecorder(self._net, self._nodes)
        self._net.on_fact = self._told
        self._waits: dict[tuple[str, str], Callable[[], bool]] = {}
        self._took_us: dict[tuple[str, str], int] = {}
        self._payments: dict[tuple[str, str], Transaction] = {}  # What receives and pays wait for.
        self._hung_on: dict[tuple[str, str], frozenset[str]] = {}  # Of those that are done.
        self._direct = DirectClients(stage.net, self._harmed)
        blueprint = stage.blueprint
        self._sound = frozenset((*blueprint.components(), *blueprint.all_links())) - self._harmed
        self._began = self._served_at = self._last_block_at = self._net.now
        self._grew_at: int | None = None
        self._first_height = self._last_height = 0

    def carry_out(self) -> TrialReport:
        """From the harm to the look at what has healed."""
        net, simulation = self._net, self._simulation
        report = TrialReport(self._harm, self._healing)
        self._do_harm()
        self._lineage = Lineage(net)
        self._first_height = self._best_height()
        self._began = net.now
        self._ask()
        self._wait(self._is_served, self._began + SERVICE)
        self._served_at = self._last_block_at = net.now
        net.is_mining = False  # From the last block on all must come onto it.
        self._wait(self._has_converged, self._served_at + CONVERGENCE)
        if self._is_tied():
            self._break_tie()
        report.findings = self._judge()
        report.supports = [
            *(Support(*key, components) for key, components in self._hung_on.items()),
            *self._lineage.of_growth(),
            *self._lineage.of_following(self._nodes),
        ]
        self._give_up()
        self._recorder.judged(report.findings)
        self._recorder.heals(self._healing)
        net.is_mining = True
        for step in self._healing.steps:
            net.apply(step)
            self._recorder.did(step)
        begin, self._last_height = net.now, self._best_height()
        healed = self._wait(self._is_healed, begin + HEALING)
        report.findings.append(_finding("L6", healed, net.now - begin, HEALING, self._apart()))
        if not self._nodes and self._direct.payers:
            report.findings.append(self._settled(begin))
        if self._unsafe is not None:
            report.findings.insert(0, self._unsafe)
        report.operations = [
            Operation(*key, self._took_us.get(key), tuple(sorted(self._hung_on.get(key, ()))))
            for key in self._waits
        ]
        report.digest = simulation.trace.digest()
        report.sometimes = net.lookout.found.to_json()
        self._recorder.judged(report.findings[-1:])
        report.history = self._recorder.end()
        return report

    def _wait(self, met: Callable[[], bool], limit: Instant) -> bool:
        return self._simulation.run_until(met, limit, every_us=LOOK)

    def _do_harm(self) -> None:
        """Each step when it is due. Clients ask after the last: from then on all is to go well."""
        begin = self._net.now
        for step in self._harm.steps:
            self._simulation.run(begin + step.at_us)
            self._net.apply(step)
            self._recorder.did(step)

    def _told(self, name: str, machine: FullNode, fact: Fact) -> None:
        self._recorder.told(name, fact)
        if name in self._touched or self._unsafe is not None:
            return
        try:
            self._history.told(self._net.number(name), fact, self._net.now)
            self._watch.told(self._net.number(name), machine, fact)
        except Violation as violation:
            self._unsafe = violation.finding
            self._recorder.judged([violation.finding])

    # What clients ask.

    def _ask(self) -> None:
        """Have each client that is not harmed ask for something."""
        blueprint, net = self._stage.blueprint, self._net
        names = [each.name for each in blueprint.wallets if each.name not in self._harmed]
        scripts = [net.script_of(name) for name in names]
        sent = self._stage.pay(scripts, _PAYMENT_SAT, tuple(self._harmed))
        for name in names:
            for what, payment in ("receive", sent), ("pay", self._spend(name)):
                self._waits[name, what] = partial(self._has_confirmed, name, payment)
                if payment is not None:
                    self._payments[name, what] = payment
            self._waits[name, "read"] = partial(self._reads, name)
        for name in self._direct.payers:
            self._waits[name, HAND_OVER] = partial(self._direct.is_handed, name)
            self._waits[name, SETTLE] = partial(self._direct.is_settled, name)
        if blueprint.newcomer_wallet is not None:
            name = blueprint.newcomer_wallet.name
            net.add_wallet(blueprint.newcomer_wallet)
            self._waits[name, "start"] = partial(self._has_started, name)
        if blueprint.newcomer_node is not None:
            name = blueprint.newcomer_node.name
            net.net.restart(net.number(name))
            self._waits[name, JOIN] = partial(self._has_joined, name)
        for client, what in self._waits:
            self._recorder.note(client, what, LineType.INVOKE)

    def _spend(self, name: str) -> Transaction | None:
        """A wallet pays somebody with a coin of its own; None if it has none."""
        net, device = self._net, self._net.devices[name]
        if isinstance(device, PayingDevice):
            return self._spend_signed(device)
        for coin in device.wallet.coins():
            if coin.confirmations:
                left_sat = coin.amount_sat - FEE_SAT
                spent = Spendable(coin.outpoint, coin.amount_sat)
                output = TxOut(left_sat, PAYERS[1].script)
                payment = net.signer(name).pay([spent], [output], version=self._versions[name])
                now_s = self._simulation.clock(device.number) // SECOND
                device.wallet.record_sent(payment, now_s)
                self._simulation.command(device.number, SendTransaction(payment))
                return payment
        return None

    def _spend_signed(self, device: PayingDevice) -> Transaction | None:
        """The same of a wallet that has its keys."""
        for coin in device.coins(_PAYMENT_SAT + FEE_SAT)[:1]:
            payment = device.sign(device.draft(PAYERS[1].script, _PAYMENT_SAT, coin))
            device.wallet.record_sent(payment, self._simulation.clock(device.number) // SECOND)
            self._simulation.command(device.number, SendTransaction(payment))
            return payment
        return None

    def _has_confirmed(self, name: str, payment: Transaction | None) -> bool:
        confirmed = self._net.devices[name].wallet.ledger.confirmed
        return payment is not None and payment.txid in confirmed

    def _reads(self, name: str) -> bool:
        """It is in sync with a block that was found after the harm."""
        light = self._net.light(name)
        return light.is_synced and light.headers.best.height > self._first_height

    def _has_started(self, name: str) -> bool:
        wallet = self._net.devices[name].wallet
        return self._net.light(name).is_synced and bool(wallet.ledger.confirmed)

    def _has_joined(self, name: str) -> bool:
        return self._net.node(name).active.height >= self._best_height() > 0

    def _note_done(self) -> None:
        now = self._net.now
        self._direct.look()
        for key, is_met in self._waits.items():
            if key not in self._took_us and is_met():
                self._took_us[key] = now - self._began
                self._recorder.note(*key, LineType.OK)
                self._hung_on[key] = self._look_back(*key)

    def _give_up(self) -> None:
        for key in self._waits:
            if key not in self._took_us:
                self._recorder.note(*key, LineType.INFO, "it was given up")

    def _look_back(self, client: str, what: str) -> frozenset[str]:
        """What an operation hung on that has just succeeded; all there is, if that is unknown."""
        if what == JOIN:
            return self._lineage.of_start(client, self._net.node(client).active.tip.hash)
        tip, payment = self._net.light(client).headers.best.hash, self._payments.get((client, what))
        if payment is not None:
            block = self._net.devices[client].wallet.ledger.confirmed[payment.txid].hash
            found = self._lineage.of_payment(client, payment.wtxid, block)
        elif what == "start":
            found = self._lineage.of_start(client, tip)
        else:
            found = self._lineage.of_news(client, tip)
        return self._sound - {client} if found is None else found

    def _is_served(self) -> bool:
        """All clients have what they asked for, and the chain has grown."""
        self._note_done()
        if self._grew() and self._grew_at is None:
            self._grew_at = self._net.now
        waiting = [key for key in self._waits if key not in self._took_us and key[1] != JOIN]
        return not waiting and self._grew()

    def _has_converged(self) -> bool:
        self._note_done()
        joined = all(key in self._took_us for key in self._waits if key[1] == JOIN)
        return joined and self._agree()

    # What must hold.

    def _judge(self) -> list[Finding]:
        """What those that are not harmed have to say of the time of the harm."""
        if not self._nodes:
            return [Finding("L3", False, "no node is left"), *self._served((HAND_OVER,))]
        since_us = self._net.now - self._last_block_at
        grew_us = (self._grew_at or self._served_at) - self._began
        findings = [
            _finding("L1", self._agree(), since_us, CONVERGENCE, self._apart()),
            _finding("L4", self._grew(), grew_us, SERVICE, "no block was found"),
        ]
        return findings + self._served()

    def _served(self, only: tuple[str, ...] = ()) -> list[Finding]:
        """Whether clients had what they asked for, or some of it, in time."""
        findings = []
        for name, whats, limit_us in _SERVICES:
            due = [what for what in whats if what in only or not only]
            asked = [key for key in self._waits if key[1] in due]
            late = [key for key in asked if self._took_us.get(key, _NEVER) > limit_us]
            if asked:
                longest_us = max(self._took_us.get(key, limit_us) for key in asked)
                findings.append(_finding(name, not late, longest_us, limit_us, told_late(late)))
        return findings

    def _settled(self, begin: Instant) -> Finding:
        """What was handed over with no node in reach is settled once nodes are back."""
        payers = self._direct.payers
        self._wait(lambda: all(map(self._direct.is_settled, payers)), begin + SERVICE)
        late = [(name, SETTLE) for name in payers if not self._direct.is_settled(name)]
        return _finding("L12-kill", not late, self._net.now - begin, SERVICE, told_late(late))

    def _best_height(self) -> int:
        return max((self._net.node(name).active.height for name in self._nodes), default=0)

    def _grew(self) -> bool:
        return self._best_height() > self._first_height

    def _agree(self) -> bool:
        return len({self._net.node(name).active.tip.hash for name in self._nodes}) <= 1

    def _is_tied(self) -> bool:
        """Two blocks were found at once, and nobody leaves the one that he heard of first."""
        heights = {self._net.node(name).active.height for name in self._nodes}
        return len(heights) == 1 and not self._agree()

    def _break_tie(self) -> None:
        """Have one more block found, which decides, and wait for all to be on it."""
        net, height = self._net, self._best_height()
        net.is_mining = True
        self._wait(lambda: self._best_height() > height, net.now + SERVICE)
        net.is_mining = False
        self._last_block_at = net.now
        self._wait(self._has_converged, net.now + CONVERGENCE)

    def _apart(self) -> str:
        heights: dict[int, list[str]] = {}
        for name in self._nodes:
            heights.setdefault(self._net.node(name).active.height, []).append(name)
        shown = "; ".join(f"{' '.join(names)} at {height}" for height, names in heights.items())
        return f"nodes are not on one block: {shown}"

    def _is_healed(self) -> bool:
        """All nodes run, are on one block, and have found one since."""
        names = [node.name for node in self._stage.blueprint.nodes]
        return all(map(self._net.answers, names)) and (
            len({self._net.node(name).active.tip.hash for name in names}) == 1
            and self._net.node(names[0]).active.height > self._last_height
        )


def run_trial(stage: Stage, harm: FaultPlan, healing: FaultPlan) -> TrialReport:
    """Harm a network that is ready, look what that does, heal it, and look again."""
    return _Trial(stage, harm, healing).carry_out()


def _finding(name: str, holds: bool, took_us: int, limit_us: int, otherwise: str) -> Finding:
    took_s = took_us / SECOND
    said = f"after {took_s:.0f} s" if holds else otherwise
    return Finding(name, holds, said, took_s, limit_us / SECOND)
