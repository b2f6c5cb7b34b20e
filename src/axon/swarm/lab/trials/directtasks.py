"""Direct payments of a trial with processes: who pays whom, and how far that is.

As in `sim/directclients`: a payment is handed over once it was taken, or settled where the two
cannot talk; settled once both have it in a block. Each step is tried again until it is done.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from axon.rpc.errors import RpcError
from axon.swarm.blueprint import Blueprint
from axon.swarm.lab import members
from axon.swarm.lab.directpay import LOST, TAKEN, DirectPayment, deal_of, pay_directly
from axon.swarm.lab.manifest import Manifest
from axon.swarm.lab.trials.states import LOOK_LIMIT_S, NO_ANSWER
from axon.swarm.lab.walletprocess import WalletProcess

HAND_OVER: Final = "hand over"
SETTLE: Final = "settle"

PAID_SAT: Final = 100_000


@dataclass(slots=True)
class DirectTask:
    """One payment that somebody wants to make; for one thread.

    Args:
        payer: who pays.
        payee: whom; None where nobody is left who listens.
        secret: the passphrase of the payer.
        sent: once it was handed in.
    """

    payer: WalletProcess
    payee: WalletProcess | None
    secret: str
    sent: DirectPayment | None = None

    def go_on(self) -> tuple[bool, bool]:
        """Do what comes next: whether it is handed over now, and whether it is settled.

        Raises:
            RpcError, Unreachable, Unauthorized: somebody refuses, or does not answer now.
        """
        if self.payee is None:
            return False, False
        if self.sent is None:
            self.sent = pay_directly(self.payer, self.payee, PAID_SAT, self.secret, wait_s=0)
        stages = [self._stage(wallet, self.sent) for wallet in (self.payer, self.payee)]
        if stages[0] in LOST:
            self.sent = None  # And asks for another invoice.
        return not TAKEN.isdisjoint(stages), stages == ["settled"] * 2

    def is_settled(self) -> bool:
        """Whether both have it in a block; who does not answer now may do so in a moment."""
        try:
            return self.go_on()[1]
        except NO_ANSWER:
            return False

    @staticmethod
    def _stage(wallet: WalletProcess, sent: DirectPayment) -> str:
        try:
            return str(deal_of(wallet, sent)["stage"])
        except RpcError:
            return ""


def direct_tasks(
    manifest: Manifest,
    blueprint: Blueprint,
    harmed: Collection[str],
    secret: str,
    send_limit_s: float,
) -> dict[str, DirectTask]:
    """By payer, what wallets that are not harmed want to pay; nothing where there are not two.

    Args:
        manifest: of the run.
        blueprint: of its network.
        harmed: who does nothing.
        secret: the passphrase of all wallets.
        send_limit_s: how long a wallet may take to make a payment.
    """
    found = {}
    for name in blueprint.payers(harmed):
        payee = blueprint.payee_of(name, harmed)
        found[name] = DirectTask(
            members.wallet_of(manifest, name, send_limit_s),
            members.wallet_of(manifest, payee, LOOK_LIMIT_S) if payee else None,
            secret,
        )
    return found
