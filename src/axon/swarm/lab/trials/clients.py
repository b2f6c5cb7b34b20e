"""What clients do while a network is harmed: each in a thread of its own, all at the same time.

A wallet reads its balance as of a block found since, pays with a coin of its own, is paid, and sees
both payments confirmed. A wallet with an empty disk looks for its coins; a node with an empty disk
comes to the tip. Whoever is refused asks again, as a person would.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from threading import Event, Lock
from typing import Final

from axon.errors import AxonError
from axon.machine import Instant
from axon.rpc.errors import RpcError
from axon.swarm.lab import members, startup
from axon.swarm.lab.faucet import FAUCET
from axon.swarm.lab.manifest import Component, ComponentKind, DesiredState, Manifest
from axon.swarm.lab.nodeprocess import NodeProcess
from axon.swarm.lab.probes import ENOUGH_SAT, PAID
from axon.swarm.lab.trials.directtasks import HAND_OVER, SETTLE, DirectTask
from axon.swarm.lab.trials.journal import Journal
from axon.swarm.lab.trials.states import LOOK_LIMIT_S, NO_ANSWER
from axon.swarm.lab.walletprocess import WalletProcess
from axon.swarm.story.participants import amount_sat
from axon.swarm.trialhistory import LineType
from axon.swarm.trialreport import Operation

LOOK_S: Final = 0.1
"""From one look at what became of an operation to the next: six seconds of the network's clocks."""

SEND_LIMIT_S: Final = 60.0
"""How long a wallet may take to make a payment. Whoever gives up sooner does not know whether it
was made; so this is longer than a trial waits for it."""

RETRY_S: Final = 0.5
"""From a refusal until somebody tries to pay again: half a minute of the network's clocks."""

READ, PAY, CONFIRM, RECEIVE, START, JOIN = "read", "pay", "confirm", "receive", "start", "join"


@dataclass(slots=True)
class TrialRequests:
    """What all clients are to do.

    Args:
        wallets: that run and are not harmed.
        cold: wallets with an empty disk, started just now.
        joiners: nodes with an empty disk, started just now.
        payment: by which all wallets are paid; empty if nobody could pay them.
        height: of the best block before the harm.
        best: asked for the height of the best block now.
        direct: by payer, payments from wallet to wallet.
    """

    wallets: Sequence[str]
    cold: Sequence[str]
    joiners: Sequence[str]
    payment: str
    height: int
    best: Callable[[], int]
    direct: Mapping[str, DirectTask] = field(default_factory=dict)


class Clients:
    """The clients of one trial.

    Args:
        manifest: of the run.
        passphrase: of its wallets.
        requests: what they do.
        journal: where it is written down.
        now: the time by the network's clocks.
        begin: when the harm was done.
    """

    def __init__(
        self,
        manifest: Manifest,
        passphrase: str,
        requests: TrialRequests,
        journal: Journal,
        now: Callable[[], Instant],
        begin: Instant,
    ) -> None:
        self._manifest = manifest
        self._passphrase = passphrase
        self._requests = requests
        self._journal = journal
        self._now = now
        self._begin = begin
        self._ended = Event()
        self._lock = Lock()
        self._done: dict[tuple[str, str], int] = {}
        self.whats = [
            *((name, what) for name in requests.wallets for what in (RECEIVE, PAY, READ)),
            *((name, what) for name in requests.direct for what in (HAND_OVER, SETTLE)),
            *((name, START) for name in requests.cold),
            *((name, JOIN) for name in requests.joiners),
        ]
        """Who asked for what."""
        for client, what in self.whats:
            journal.note(client, what, LineType.INVOKE)
        tasks = [
            *(partial(self._look, name) for name in requests.wallets),
            *(partial(self._pay, name) for name in requests.wallets),
            *(partial(self._pay_directly, *item) for item in requests.direct.items()),
            *(partial(self._wait_for, n, START, self._has_started(n)) for n in requests.cold),
            *(partial(self._wait_for, n, JOIN, self._has_joined(n)) for n in requests.joiners),
        ]
        self._pool = ThreadPoolExecutor(max(1, len(tasks)), "clients")
        self._tasks = [self._pool.submit(task) for task in tasks]

    def took_us(self, client: str, what: str) -> int | None:
        """From the harm until it was done, by the network's clocks; None if it is not."""
        with self._lock:
            return self._done.get((client, what))

    def waiting(self, *whats: str) -> list[tuple[str, str]]:
        """Who still waits for one of these, and for which."""
        return [
            (client, what)
            for client, what in self.whats
            if what in whats and self.took_us(client, what) is None
        ]

    def end(self) -> list[Operation]:
        """Let all of them go; what became of their operations.

        Raises:
            Exception: whatever one of them failed with that no network is to blame for.
        """
        self._ended.set()
        self._pool.shutdown()
        for task in self._tasks:
            task.result()
        found = []
        for client, what in self.whats:
            took_us = self.took_us(client, what)
            if took_us is None:
                self._journal.note(client, what, LineType.INFO, "it was given up")
            found.append(Operation(client, what, took_us))
        return found

    def _note_done(self, client: str, what: str, said: str = "") -> None:
        with self._lock:
            self._done[client, what] = self._now() - self._begin
        self._journal.note(client, what, LineType.OK, said)

    # A wallet that runs: its owner pays in one thread, and looks at what comes in another.

    def _pay(self, name: str) -> None:
        wallet = members.wallet_of(self._manifest, name, SEND_LIMIT_S)
        sent = ""
        while not sent and not self._ended.wait(LOOK_S):
            sent = self._send(wallet)
        if sent:
            self._journal.note(name, CONFIRM, LineType.INVOKE, sent)
        while sent and not self._ended.wait(LOOK_S):
            if self._is_confirmed(wallet, sent):
                self._journal.note(name, CONFIRM, LineType.OK, sent)
                self._note_done(name, PAY, sent)
                return

    def _send(self, wallet: WalletProcess) -> str:
        """Pay somebody; the name of the transaction, empty if it was not made."""
        try:
            with wallet.connected():
                draft = wallet.rpc("draftpayment", {FAUCET.address(): PAID})
                sent = wallet.rpc("sendpayment", draft["psbt"], self._passphrase)
        except RpcError as error:
            self._journal.note(wallet.name, PAY, LineType.FAIL, str(error))
        except NO_ANSWER as error:
            self._journal.note(wallet.name, PAY, LineType.INFO, str(error))
        else:
            return str(sent["txid"])
        self._ended.wait(RETRY_S)
        self._journal.note(wallet.name, PAY, LineType.INVOKE)
        return ""

    def _pay_directly(self, name: str, task: DirectTask) -> None:
        """Hand a payment over, and see it settled."""
        pending = {HAND_OVER, SETTLE}
        while pending and not self._ended.wait(LOOK_S):
            try:
                handed, settled = task.go_on()
            except NO_ANSWER as error:
                self._journal.note(name, HAND_OVER, LineType.INFO, str(error))
                self._ended.wait(RETRY_S)
                continue
            for what, is_done in ((HAND_OVER, handed), (SETTLE, settled)):
                if is_done and what in pending:
                    pending.discard(what)
                    self._note_done(name, what)

    def _look(self, name: str) -> None:
        wallet = members.wallet_of(self._manifest, name, LOOK_LIMIT_S)
        payment, pending = self._requests.payment, {RECEIVE, READ}
        while pending and not self._ended.wait(LOOK_S):
            if RECEIVE in pending and payment and self._is_confirmed(wallet, payment):
                pending.discard(RECEIVE)
                self._note_done(name, RECEIVE, payment)
            height = self._scanned(wallet)
            if READ in pending and height > self._requests.height:
                pending.discard(READ)
                self._note_done(name, READ, f"as of height {height}")

    def _is_confirmed(self, wallet: WalletProcess, payment: str) -> bool:
        try:
            return int(wallet.rpc("gettransaction", payment)["confirmations"]) > 0
        except NO_ANSWER:  # It may answer, or know of it, at the next look.
            return False

    def _scanned(self, wallet: WalletProcess) -> int:
        try:
            return wallet.scanned()[0]
        except NO_ANSWER:
            return -1

    # Those that come new.

    def _wait_for(self, name: str, what: str, is_done: Callable[[], bool]) -> None:
        while not self._ended.wait(LOOK_S):
            try:
                if is_done():
                    self._note_done(name, what)
                    return
            except NO_ANSWER:
                continue
            except AxonError as failure:  # Its program has left: nothing will come of it.
                self._journal.note(name, what, LineType.FAIL, str(failure))
                return

    def _has_started(self, name: str) -> Callable[[], bool]:
        wallet = members.wallet_of(self._manifest, name, LOOK_LIMIT_S)

        def has_started() -> bool:
            if not wallet.check_ready() or wallet.scanned()[0] < self._requests.height:
                return False
            return amount_sat(wallet.rpc("getbalance")) >= ENOUGH_SAT

        return has_started

    def _has_joined(self, name: str) -> Callable[[], bool]:
        node = members.node_of(self._manifest, name, LOOK_LIMIT_S)
        told = Event()

        def has_joined() -> bool:
            if not told.is_set():
                if not node.check_ready():
                    return False
                startup.tell_addresses(self._manifest, [name])
                told.set()
            return _has_chain(node, self._requests.best())

        return has_joined


def _has_chain(node: NodeProcess, height: int) -> bool:
    return node.height() >= height > 0


def start_newcomers(
    manifest: Manifest, ask_seeds: Callable[[Component], None]
) -> tuple[list[str], list[str]]:
    """Start the processes of those with empty disks, without waiting; wallets, and nodes.

    Args:
        manifest: of the run.
        ask_seeds: has the seeds of one who is to start tell what they know.
    """
    cold = manifest.of_kind(ComponentKind.COLD)
    joiners = manifest.of_kind(ComponentKind.JOINER)
    for item in (*cold, *joiners):
        ask_seeds(item)
        manifest.change(item.name, desired=DesiredState.RUN)
    manifest.save()
    for item in joiners:
        startup.spawn_node(manifest, manifest.components[item.name])
    for item in cold:
        startup.spawn_wallet(manifest, manifest.components[item.name])
    manifest.save()
    return [item.name for item in cold], [item.name for item in joiners]
