"""One trial: a component is harmed while clients go about their business, and is healed again.

    raised --wallets have coins--> ready --harm--> held: clients act --heal--> looked at again

What must hold while it is harmed is asked of those that are not: nodes are on one block, the chain
grows, each wallet sees what is paid to it and has its payments confirmed, a wallet with an empty
disk finds its coins, and a node with an empty disk comes to the tip. After healing all must be on
one block again, those that were harmed included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from axon.drivers.sim.driver import START
from axon.errors import ConfigError
from axon.machine import MINUTE, SECOND, Instant
from axon.node.commands import SendTransaction
from axon.node.facts import Fact
from axon.node.full import FullNode
from axon.primitives.transaction import Transaction, TxOut
from axon.swarm.blueprint import Blueprint
from axon.swarm.faultplan import FaultPlan
from axon.swarm.harmed import harmed_by, touched_by
from axon.swarm.invariants import Finding, Violation
from axon.swarm.signer import Spendable
from axon.swarm.sim.historychange import HistoryChange
from axon.swarm.sim.lineage import Lineage
from axon.swarm.sim.trialnetwork import TrialNetwork
from axon.swarm.sim.trialrecorder import TrialRecorder
from axon.swarm.sim.watch import Watch
from axon.swarm.sim.workload import HISTORY_BLOCKS, PAYERS, history, spendable
from axon.swarm.trialhistory import LineType
from axon.swarm.trialreport import Operation, Support, TrialReport, told_late

BOOT: Final = 2 * MINUTE
"""For all to find each other."""

FUNDING: Final = 10 * MINUTE
"""At most until each wallet sees its first coins."""

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

LOOK: Final = SECOND // 4
"""So often it is looked whether something has come about. To look after each event took a quarter
of the time of a trial, and what is measured may take minutes."""

JOIN: Final = "join"
_SERVICES: Final = (
    ("L3", ("read", "receive", "pay"), SERVICE),
    ("L3-cold", ("start",), SERVICE),
    ("L7", (JOIN,), SERVICE + CONVERGENCE),
)
"""What clients ask, by the invariant that says that they get it, and in which time."""

_NEVER: Final = 1 << 62

_DROPPED_BLOCKS: Final = 12
"""So many blocks more than some nodes keep are in the chain from the start."""

_COIN_SAT: Final = 10_000_000
_PAYMENT_SAT: Final = 1_000_000
_FEE_SAT: Final = 2_000


class Stage:
    """A network of a blueprint, ready to be harmed: wallets have coins, and all are on one block.

    A trial uses it up. Equal arguments make equal stages.

    Args:
        blueprint: what to raise.
        seed: of all chance.

    Raises:
        ConfigError: Bitcoin Core's program is in it.
    """

    def __init__(self, blueprint: Blueprint, seed: int) -> None:
        if blueprint.is_mixed:
            raise ConfigError("a bitcoind runs in no simulation; --backend netns raises it")
        self.blueprint = blueprint
        kept = max(node.keeps_blocks for node in blueprint.nodes)
        past = max(HISTORY_BLOCKS, kept + _DROPPED_BLOCKS)
        self.net = TrialNetwork(blueprint, seed, history(START, past))
        self.simulation = self.net.simulation
        self.simulation.run(self.net.now + BOOT)
        newcomers = [blueprint.newcomer_wallet] if blueprint.newcomer_wallet else []
        owners = [wallet.name for wallet in (*blueprint.wallets, *newcomers)]
        self.pay([self.net.signer(name).script for name in owners], _COIN_SAT)
        self.is_ready = self.simulation.run_until(
            lambda: all(map(self._has_coins, self.net.devices)),
            self.net.now + FUNDING,
            every_us=LOOK,
        )

    def _has_coins(self, name: str) -> bool:
        confirmed = self.net.devices[name].wallet.ledger.confirmed
        return bool(confirmed) and self.net.light(name).is_synced

    def pay(
        self, scripts: Sequence[bytes], amount_sat: int, spared: tuple[str, ...] = ()
    ) -> Transaction | None:
        """Somebody pays, through the first node that answers; None if nobody can.

        Args:
            scripts: who is paid.
            amount_sat: to each.
            spared: nodes that are not asked.
        """
        net = self.net
        names = [plan.name for plan in self.blueprint.nodes if plan.name not in spared]
        node = next(filter(net.answers, names), None)
        payer = PAYERS[0]
        coins = [] if node is None else spendable(net.net, net.number(node), payer)
        if node is None or not coins:
            return None
        coin = max(coins, key=lambda each: (each.amount_sat, each.outpoint))
        outputs = [TxOut(amount_sat, script) for script in scripts]
        change_sat = coin.amount_sat - len(outputs) * amount_sat - _FEE_SAT * max(1, len(outputs))
        payment = payer.pay([coin], [*outputs, TxOut(change_sat, payer.script)])
        self.simulation.ask(net.number(node), SendTransaction(payment))
        return payment


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
        blueprint = stage.blueprint
        self._sound = frozenset((*blueprint.components(), *blueprint.links())) - self._harmed
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
        scripts = [net.signer(name).script for name in names]
        sent = self._stage.pay(scripts, _PAYMENT_SAT, tuple(self._harmed))
        for name in names:
            for what, payment in ("receive", sent), ("pay", self._spend(name)):
                self._waits[name, what] = partial(self._has_confirmed, name, payment)
                if payment is not None:
                    self._payments[name, what] = payment
            self._waits[name, "read"] = partial(self._reads, name)
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
        for coin in device.wallet.coins():
            if coin.confirmations:
                left_sat = coin.amount_sat - _FEE_SAT
                spent = Spendable(coin.outpoint, coin.amount_sat)
                output = TxOut(left_sat, PAYERS[1].script)
                payment = net.signer(name).pay([spent], [output], version=self._versions[name])
                now_s = self._simulation.clock(device.number) // SECOND
                device.wallet.record_sent(payment, now_s)
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
            return [Finding("L3", False, "no node is left")]
        since_us = self._net.now - self._last_block_at
        grew_us = (self._grew_at or self._served_at) - self._began
        findings = [
            _finding("L1", self._agree(), since_us, CONVERGENCE, self._apart()),
            _finding("L4", self._grew(), grew_us, SERVICE, "no block was found"),
        ]
        for name, whats, limit_us in _SERVICES:
            asked = [key for key in self._waits if key[1] in whats]
            late = [key for key in asked if self._took_us.get(key, _NEVER) > limit_us]
            if asked:
                longest_us = max(self._took_us.get(key, limit_us) for key in asked)
                findings.append(_finding(name, not late, longest_us, limit_us, told_late(late)))
        return findings

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
