"""Wallet processes that are quick to start, and that end themselves at a point that was named.

The lab's fork server starts them, with this module as its program. While a file `armed` stands in a
wallet's folder, the wallet kills itself (SIGKILL) before or after what the file names: a write of
its store, or a job of its desk. So a process dies exactly between two steps of a payment, which a
clock hits only by chance.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from unittest.mock import patch

from axon.machine import Endpoint
from axon.payments.book import DEAL
from axon.payments.deal import DealStage, Role
from axon.payments.desk import AtDesk, CoinsLookedUp, Desk, PayInvoice
from axon.payments.linkevents import Heard, Prove, Side
from axon.swarm.lab.forkserver import ForkServer, Program, serve
from axon.wallet import records
from axon.wallet.ledger import WalletLedger
from tests.process.walletprocess import Running, WalletProcess

PROGRAM: Final = "wallet"

ARMED: Final = "armed"

BEFORE, AFTER = "before", "after"

KILLED: Final = -signal.SIGKILL

PAYER_POINTS: Final = (
    "payer-begins",
    "payer-offered",
    "transaction",
    "payer-hears-hello",
    "payer-hears-verdict",
    "payer-checked",
    "payer-hears-pjanswer",
    "payer-joined",
    "payer-hears-receipt",
    "payer-accepted",
)
"""From the signature to the receipt, in the order in which they come."""

PAYEE_POINTS: Final = (
    "payee-proves",
    "payee-linked",
    "payee-hears-hello",
    "payee-hears-payment",
    "payee-offered",
    "payee-checked",
    "payee-looks-up",
    "payee-hears-pjoffer",
    "join",
    "payee-joined",
    "payee-hears-pjanswer",
    "transaction",
    "payee-accepted",
    "payee-hears-bye",
)
"""From the dial to the end of the link."""

LATE_POINTS: Final = {"payer": ("block", "payer-settled"), "payee": ("block", "payee-settled")}
"""When a block has the payment."""

_KINDS: Final = {
    records.TRANSACTION: "transaction",
    records.PAYJOIN: "join",
    records.CONFIRMATION: "block",
}
_STAGES: Final = tuple(DealStage)
_FORK_LIMIT_S: Final = 60.0
_POLL_S: Final = 0.005


def names_of(changes: Mapping[bytes, bytes | None]) -> set[str]:
    """What a write of a wallet's store is called."""
    found = {_KINDS[key[:1]] for key, value in changes.items() if value and key[:1] in _KINDS}
    for key, value in changes.items():
        if key[:1] == DEAL and value:
            role = "payer" if value[0] == Role.PAYER else "payee"
            found.add(f"{role}-{_STAGES[value[1]].value}")
    return found


def name_of(job: object) -> str:
    """What a job of a wallet's desk is called; empty for one that has no name here."""
    match job:
        case PayInvoice():
            return "payer-begins"
        case Prove():
            return "payee-proves"
        case CoinsLookedUp():
            return "payee-looks-up"
        case Heard(_, side, _, message):
            return f"{'payer' if side is Side.PAYER else 'payee'}-hears-{message.command}"
    return ""


class _Fate:
    """When this process ends."""

    def __init__(self, armed: Path) -> None:
        self._armed = armed

    def meets(self, names: set[str], moment: str) -> None:
        """Something of these names begins, or is done."""
        try:
            name, _, when = self._armed.read_text().partition(" ")
        except FileNotFoundError:
            return
        if name in names and when == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    def prepare(self) -> None:
        """Have the wallet of this process meet its points."""
        commit, perform = WalletLedger.commit, Desk.perform

        def mortal_commit(ledger: WalletLedger, changes: records.Changes) -> None:
            names = names_of(changes)
            self.meets(names, BEFORE)
            commit(ledger, changes)
            self.meets(names, AFTER)

        def mortal_perform(desk: Desk, ordered: AtDesk) -> object:
            names = {name_of(ordered.job)}
            self.meets(names, BEFORE)
            outcome = perform(desk, ordered)
            self.meets(names, AFTER)
            return outcome

        patch.object(WalletLedger, "commit", mortal_commit).start()
        patch.object(Desk, "perform", mortal_perform).start()


class _Fork:
    """A process that is no child of ours."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def poll(self) -> int | None:
        """None while it runs; nobody keeps the code of one that has gone."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return KILLED
        return None

    def kill(self) -> None:
        """End it at once."""
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it is gone."""
        until = time.monotonic() + (_FORK_LIMIT_S if timeout is None else timeout)
        while (code := self.poll()) is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired("a wallet", timeout or _FORK_LIMIT_S)
            time.sleep(_POLL_S)
        return code


@contextmanager
def fork_server() -> Iterator[ForkServer]:
    """Starts wallets until the block is left."""
    with tempfile.TemporaryFile() as lock:
        command = (sys.executable, "-m", "tests.process.mortalwallet")
        with ForkServer(lock.fileno(), command) as forks:
            yield forks


class MortalWallet(WalletProcess):
    """One of them.

    Args:
        forks: starts it.
        folder, name, nodes: as of any.
    """

    def __init__(
        self, forks: ForkServer, folder: Path, name: str, nodes: Sequence[Endpoint]
    ) -> None:
        super().__init__(folder, name, nodes)
        self._forks = forks
        self._armed = folder / ARMED

    def started(self, arguments: list[str]) -> Running:
        """A fork; behind the interpreter and `-m axon` stands what `axon` is told."""
        told = [str(self._armed), *arguments[3:]]
        return _Fork(self._forks.spawn(PROGRAM, self.folder, told))

    def arm(self, point: str, when: str) -> None:
        """Have it end itself there."""
        fresh = self._armed.with_suffix(".new")
        fresh.write_text(f"{point} {when}")
        fresh.rename(self._armed)

    def disarm(self) -> None:
        """Have it live on."""
        self._armed.unlink(missing_ok=True)


def _load() -> Program:
    """What each wallet does, once all of it is loaded."""
    import axon.cli.wallet
    import axon.consensus.scripts
    import axon.host.walletprogram
    import axon.rpc.server  # noqa: F401
    from axon.cli.main import main

    def be_a_wallet(arguments: Sequence[str]) -> int:
        armed, *words = arguments
        _Fate(Path(armed)).prepare()
        try:
            main(words)
        except SystemExit as left:
            return left.code if isinstance(left.code, int) else 1
        return 0

    return be_a_wallet


if __name__ == "__main__":
    sys.exit(serve({PROGRAM: _load}, int(sys.argv[1]), sys.stdin.buffer, sys.stdout.buffer))
