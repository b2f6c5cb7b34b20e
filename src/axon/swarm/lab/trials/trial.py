"""One trial with processes: a component is harmed while clients act, and is healed again.

As in `sim/trial`: what must hold while it is harmed is asked of those that are not, and after the
healing all must be on one block again. All times are of the network's clocks, which run
`LabNetwork.pace` times as fast as this machine's, so deadlines are those of the simulator.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from axon.machine import MINUTE, SECOND, Instant
from axon.swarm.faultplan import FaultPlan, Op
from axon.swarm.harmed import harmed_by
from axon.swarm.invariants import Finding
from axon.swarm.lab import members, safety
from axon.swarm.lab.faucet import FaucetEmpty, mine, transfer
from axon.swarm.lab.liverun import LiveRun
from axon.swarm.lab.manifest import PASSPHRASE, Manifest
from axon.swarm.lab.nodeprocess import NodeProcess, NodeView, ProcessState
from axon.swarm.lab.trials.backend import needs_relay
from axon.swarm.lab.trials.clients import (
    JOIN,
    PAY,
    READ,
    RECEIVE,
    SEND_LIMIT_S,
    START,
    Clients,
    TrialRequests,
    start_newcomers,
)
from axon.swarm.lab.trials.directtasks import HAND_OVER, SETTLE, DirectTask, direct_tasks
from axon.swarm.lab.trials.journal import Journal
from axon.swarm.lab.trials.network import LabNetwork
from axon.swarm.lab.trials.recorder import Recorder
from axon.swarm.lab.trials.states import LOOK_LIMIT_S, NO_ANSWER, States, Tip, apart, best_height
from axon.swarm.lab.walletprocess import WalletProcess
from axon.swarm.trialhistory import NEMESIS, LineType, TrialPhase
from axon.swarm.trialreport import TrialReport, told_late

SERVICE: Final = 10 * MINUTE
"""At most until a client has what it asked, as in the simulator: ten seconds here, in which twenty
blocks are due."""

DEAF_SERVICE: Final = 30 * MINUTE
"""The same where packets are swallowed: a node ends a connection on which no ping is answered after
22 minutes of its clock, long before TCP does, whose clock is this machine's."""

CONVERGENCE: Final = 40 * MINUTE
"""At most from the last block until all nodes are on it, as in the simulator: whoever asked a peer
for a block that never comes asks the next one after ten minutes, which are ten seconds here."""

PROMPT_CONVERGENCE: Final = 10 * MINUTE
"""The same where nobody waits in vain for such a peer: the connections of one that was killed or
cut off end at once, and others are asked for what it owed."""

TIE: Final = 2 * MINUTE
"""So long after the last block nodes that are at one height and not on one block are tied: two were
found at once, and each node stays with the one that it heard of first."""

_SILENT: Final = frozenset({Op.STOP, Op.SLOW, Op.LIE, Op.CLOCK})
"""What leaves connections standing on which nothing comes."""

HEALING: Final = 20 * MINUTE
"""From the end of the harm until all must be on one block, as in the simulator."""

PAID_SAT: Final = 1_000_000
"""What each wallet is paid in a trial."""

_SERVICES: Final = (
    ("L3", (READ, RECEIVE, PAY)),
    ("L3-cold", (START,)),
    ("L12", (HAND_OVER, SETTLE)),
)
"""What clients ask, by the invariant that says that they get it."""


class _Unharmed(LiveRun):
    """A run without those that are harmed: what must always hold is asked of the others.

    Args:
        manifest: of the run.
        harmed: who is left out.
    """

    def __init__(self, manifest: Manifest, harmed: frozenset[str]) -> None:
        super().__init__(manifest)
        self._harmed = harmed

    def nodes(self) -> list[NodeProcess]:
        """The nodes that live and are not harmed."""
        return [node for node in super().nodes() if node.name not in self._harmed]

    def wallets(self) -> list[WalletProcess]:
        """The wallets that live and are not harmed."""
        return [wallet for wallet in super().wallets() if wallet.name not in self._harmed]

    def views(self) -> list[NodeView]:
        """What the nodes that are not harmed say of themselves."""
        return members.each(self.nodes(), lambda node: node.view(ProcessState.RUNNING))


class Trial:
    """Harm and healing, carried out on a network that is ready.

    Args:
        net: the network.
        states: how to look at it.
        journal: of all trials.
        wait: waits until something holds, at most for some seconds; whether it came to.
    """

    def __init__(
        self,
        net: LabNetwork,
        states: States,
        journal: Journal,
        wait: Callable[[Callable[[], bool], float], bool],
    ) -> None:
        self._net = net
        self._states = states
        self._journal = journal
        self._wait = wait
        self._names = [item.name for item in net.manifest.nodes]
        self._nodes: list[str] = []
        self._best = self._first_height = self._last_height = 0
        self._begin = self._last_block_at = self._grew_at = net.now()
        self._seen = Convergence(self._begin)
        self._service, self._convergence = SERVICE, CONVERGENCE
        self._recorder = Recorder(net.manifest, journal, net.now)
        self._direct: dict[str, DirectTask] = {}

    def carry_out(self, harm: FaultPlan, healing: FaultPlan) -> TrialReport:
        """From the harm to the look at what has healed.

        Raises:
            AxonError: the lab itself cannot do its work; the network is in no known state.
        """
        net, report = self._net, TrialReport(harm, healing)
        harmed = harmed_by(net.blueprint, harm)
        self._nodes = [name for name in self._names if name not in harmed]
        if any(map(needs_relay, harm.steps)):
            self._service = DEAF_SERVICE
        elif not any(step.op in _SILENT for step in harm.steps):
            self._convergence = PROMPT_CONVERGENCE
        run = _Unharmed(net.manifest, harmed)
        before = safety.take_baseline(run)
        self._first_height = self._best = best_height(self._tips(self._nodes))
        self._recorder.look(TrialPhase.BEFORE)
        self._tips(self._names)
        self._journal.note(NEMESIS, "harm", LineType.INVOKE, harm.to_json()["steps"])
        net.carry_out(harm, self._wait_until)
        self._begin = net.now()
        self._journal.note(NEMESIS, "harm", LineType.INFO)
        clients = self._ask(harmed)
        try:
            self._until(lambda: self._is_served(clients), self._service)
            self._last_block_at = net.now()
            net.rest_miners(rests=True)  # From the last block on all must come onto it.
            self._until(lambda: self._has_converged(clients), self._convergence)
        finally:
            report.operations = clients.end()
        report.findings = self._judge(clients)
        if self._nodes:
            report.findings += [
                safety.one_ledger(run),
                safety.most_work(run, before),
                safety.no_friendly_fire(run),
            ]
        self._recorder.judged(report.findings)
        self._recorder.look(TrialPhase.HELD)
        net.remove_newcomers()
        report.findings.append(self._heal(healing))
        if not self._nodes and self._direct:
            report.findings.append(self._settled())
        self._recorder.judged(report.findings[-1:])
        report.history = self._recorder.end()
        return report

    def _tips(self, names: Sequence[str]) -> dict[str, Tip]:
        """On which block nodes are; those that say nothing are left out."""
        found = self._states.tips(names)
        self._recorder.saw(names, found)
        return found

    # What clients ask.

    def _ask(self, harmed: frozenset[str]) -> Clients:
        """Have each client that is not harmed ask for something."""
        net = self._net
        wallets = [item.name for item in net.manifest.wallets if item.name not in harmed]
        cold, joiners = start_newcomers(net.manifest, net.ask_seeds)
        passphrase = (net.manifest.folder / PASSPHRASE).read_text() if wallets else ""
        self._direct = direct_tasks(net.manifest, net.blueprint, harmed, passphrase, SEND_LIMIT_S)
        requests = TrialRequests(
            wallets,
            cold,
            joiners,
            self._pay(wallets),
            self._first_height,
            lambda: self._best,
            self._direct,
        )
        return Clients(net.manifest, passphrase, requests, self._journal, net.now, self._begin)

    def _pay(self, wallets: Sequence[str]) -> str:
        """Somebody pays all wallets, through the first node that answers; empty if nobody can."""
        addresses = [self._net.address_of(name) for name in wallets]
        for name in self._nodes if addresses else ():
            try:
                with members.node_of(self._net.manifest, name, LOOK_LIMIT_S).connected() as node:
                    return transfer(node, addresses, PAID_SAT)
            except (*NO_ANSWER, FaucetEmpty) as error:
                self._journal.note("faucet", PAY, LineType.FAIL, f"{name}: {error}")
        return ""

    def _until(self, is_met: Callable[[], bool], limit: Instant) -> bool:
        return self._wait(is_met, limit / SECOND / self._net.pace)

    def _wait_until(self, instant: Instant) -> None:
        self._until(lambda: self._net.now() >= instant, instant - self._net.now() + MINUTE)

    def _is_served(self, clients: Clients) -> bool:
        """All clients have what they asked for, and the chain has grown."""
        if not self._grew():
            self._grew_at = self._net.now()
        self._best = max(self._best, best_height(self._tips(self._nodes)))
        asked = (READ, RECEIVE, PAY, START, HAND_OVER, SETTLE)
        return self._grew() and not clients.waiting(*asked)

    def _has_converged(self, clients: Clients) -> bool:
        tips = self._tips(self._nodes)
        self._best = max(self._best, best_height(tips))
        agree = self._seen.saw(tips, len(self._nodes), self._net.now())
        if not agree:
            self._break_tie()
        return agree and not clients.waiting(JOIN)

    def _break_tie(self) -> None:
        """Have one more block found where two were found at once: nobody leaves his for the other.

        Then all must come onto that one. A network that has come apart does not.
        """
        since = self._net.now() - self._last_block_at
        if since < TIE or not are_tied(self._tips(self._nodes), len(self._nodes)):
            return
        node = members.node_of(self._net.manifest, self._nodes[0], LOOK_LIMIT_S)
        try:
            mine(node)
        except NO_ANSWER as error:
            self._journal.note(NEMESIS, "tie", LineType.FAIL, str(error))
        else:
            self._journal.note(NEMESIS, "tie", LineType.INFO, f"broken by {node.name}")
        self._last_block_at = self._net.now()

    # What must hold.

    def _judge(self, clients: Clients) -> list[Finding]:
        """What those that are not harmed have to say of the time of the harm."""
        if not self._nodes:
            none = Finding("L3", False, "no node is left")
            return [none, *self._served(clients, ("L12", (HAND_OVER,)))]
        grown, seen = self._grew_at - self._begin, self._seen
        # A block on its way when the miners came to rest may arrive after that last look.
        agreed, otherwise = seen.since - self._last_block_at, apart(seen.tips)
        findings = [
            self._finding("L1", seen.holds, agreed, self._convergence, otherwise),
            self._finding("L4", self._grew(), grown, self._service, "no block was found"),
        ]
        return findings + self._served(clients, *_SERVICES, ("L7", (JOIN,)))

    def _served(self, clients: Clients, *services: tuple[str, tuple[str, ...]]) -> list[Finding]:
        """Whether clients had what they asked for in time."""
        findings = []
        for name, whats in services:
            limit = self._convergence if name == "L7" else self._service
            asked = [key for key in clients.whats if key[1] in whats]
            took = [clients.took_us(*key) for key in asked]
            if asked:
                longest = max(limit if each is None else each for each in took)
                late = clients.waiting(*whats)
                findings.append(self._finding(name, not late, longest, limit, told_late(late)))
        return findings

    def _finding(
        self, name: str, holds: bool, took: Instant, limit: Instant, otherwise: str
    ) -> Finding:
        return finding(name, holds, took, limit, otherwise, self._net.pace)

    def _grew(self) -> bool:
        return self._best > self._first_height

    def _heal(self, healing: FaultPlan) -> Finding:
        net = self._net
        self._last_height = self._best
        net.rest_miners(rests=False)
        self._recorder.heals()
        self._journal.note(NEMESIS, "healing", LineType.INVOKE, healing.to_json()["steps"])
        begin = net.now()
        net.carry_out(healing, self._wait_until)
        self._journal.note(NEMESIS, "healing", LineType.INFO)
        healed = self._until(self._is_healed, HEALING)
        took = net.now() - begin
        return self._finding("L6", healed, took, HEALING, self._unhealed())

    def _settled(self) -> Finding:
        """What was handed over with no node in reach is settled once nodes are back."""
        begin, left = self._net.now(), dict(self._direct)

        def is_done() -> bool:
            for name, task in list(left.items()):
                if task.is_settled():
                    del left[name]
            return not left

        self._until(is_done, SERVICE)
        late = told_late((name, SETTLE) for name in left)
        return self._finding("L12-kill", not left, self._net.now() - begin, SERVICE, late)

    def _is_healed(self) -> bool:
        """All nodes run, are on one block, and have found one since."""
        tips = self._tips(self._names)
        return (
            len(tips) == len(self._names)
            and len(set(tips.values())) == 1
            and best_height(tips) > self._last_height
        )

    def _unhealed(self) -> str:
        tips = self._tips(self._names)
        silent = [name for name in self._names if name not in tips]
        if silent:
            return f"{', '.join(silent)} does not answer"
        return apart(tips) if len(set(tips.values())) > 1 else "no block was found"


class Convergence:
    """Whether all nodes were on one block at the last look, and since when.

    Args:
        begin: before any look.
    """

    def __init__(self, begin: Instant) -> None:
        self.holds = False
        self.since = begin
        self.tips: Mapping[str, Tip] = {}

    def saw(self, tips: Mapping[str, Tip], count: int, now: Instant) -> bool:
        """A look at so many nodes, some of which may have said nothing: whether all agree."""
        agree = len(tips) == count and len(set(tips.values())) <= 1
        if not (agree and self.holds):
            self.since = now
        self.holds, self.tips = agree, tips
        return agree


def are_tied(tips: Mapping[str, Tip], count: int) -> bool:
    """Whether so many nodes are all at one height, and not on one block."""
    found = set(tips.values())
    return len(tips) == count and len(found) > 1 and len({height for height, _ in found}) == 1


def finding(
    name: str, holds: bool, took: Instant, limit: Instant, otherwise: str, pace: int
) -> Finding:
    """What was found of an invariant that is a matter of time, by the network's clocks."""
    took_s = took / SECOND
    said = f"after {took_s:.0f} s"
    if pace > 1:
        said += f" of the network's clocks, {took_s / pace:.1f} s here"
    if holds and took > limit:  # It came to hold between the last two looks.
        holds, otherwise = False, f"only {said}"
    return Finding(name, holds, said if holds else otherwise, took_s, limit / SECOND)
