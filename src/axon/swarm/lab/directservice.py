"""L12: wallets that listen pay each other directly, with nodes and, for a while, without any.

A payment is *handed over* once its payee has accepted it, and *settled* once both have it in a
block, each with a receipt that holds the proof. Nodes are needed for the second only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from axon.errors import AxonError
from axon.swarm.invariants import Finding, counted
from axon.swarm.lab.checkedrun import CheckedNode, CheckedRun, CheckedWallet
from axon.swarm.lab.directpay import LOST, TAKEN, DirectPayment, deal_of, pay_directly
from axon.swarm.lab.faucet import FaucetEmpty, give, knows, mine
from axon.swarm.lab.probes import (
    LIMITS_S,
    NO_ANSWER,
    SPREAD_LIMIT_S,
    Probe,
    ServiceResult,
    is_poor,
)
from axon.swarm.lab.processes import TooLate
from axon.swarm.lab.service import most_work
from axon.swarm.lab.startup import Say
from axon.swarm.lab.transfer import NotPaid

PAID_SAT: Final = 100_000
RETURN_LIMIT_S: Final = 120.0
"""From the start of nodes that were dead until they have what was handed over without them: who
has dialled in vain waits for up to a minute until he tries again, and nodes pass on slowly."""

_Pair = tuple[CheckedWallet, CheckedWallet]


def direct_service(run: CheckedRun, say: Say) -> Finding | None:
    """L12: each wallet that listens pays the next one; None where there are not two of them."""
    pairs = _pairs(run)
    if not pairs:
        return None
    say("L12: wallets pay each other directly, and see it settled")
    try:
        handed = _Round(run, pairs).begin()
    except FaucetEmpty as error:
        return Finding("L12", None, str(error), tried=0)
    handed.settle(SPREAD_LIMIT_S)
    return handed.result.finding("L12", "wallet")


def direct_service_alone(run: CheckedRun, say: Say) -> Finding | None:
    """L12 with all nodes dead: payments are handed over, and settled after these are back."""
    pairs = _pairs(run)
    if not pairs:
        return None
    say("L12: all nodes are killed, and wallets pay each other")
    nodes = [node.name for node in run.nodes()]
    try:
        handed = _Round(run, pairs).provide()
    except FaucetEmpty as error:
        return Finding("L12-kill", None, str(error), tried=0)
    run.kill(nodes)
    try:
        handed.hand_over()
        early = handed.settled_names()
    finally:
        run.start(nodes)
    handed.settle(RETURN_LIMIT_S)
    found = handed.result.finding("L12-kill", "wallet")
    if early:
        said = f"with no node in reach, {early[0]} calls a payment settled"
        return replace(found, holds=False, said=said, culprits=tuple(early))
    if not found.holds:
        return found
    said = f"with all of {counted(len(nodes), 'node')} dead {found.said} after these were back"
    return replace(found, said=said)


def _pairs(run: CheckedRun) -> list[_Pair]:
    """Each wallet that listens and runs, with the next one."""
    payable = [item.name for item in run.manifest.payable]
    wallets = [wallet for wallet in run.wallets() if wallet.name in payable]
    if len(wallets) < 2:
        return []
    return list(zip(wallets, [*wallets[1:], wallets[0]], strict=True))


@dataclass(slots=True)
class _Handed:
    """A payment that was handed over.

    Args:
        payer, payee: of it.
        payment: as the payer told it then.
    """

    payer: CheckedWallet
    payee: CheckedWallet
    payment: DirectPayment


class _Round:
    """One payment of each pair.

    Args:
        run: the network.
        pairs: payer and payee.
    """

    def __init__(self, run: CheckedRun, pairs: Sequence[_Pair]) -> None:
        self._run = run
        self._pairs = pairs
        self._handed: list[_Handed] = []
        self.result = ServiceResult(tried=len(pairs))

    def begin(self) -> _Round:
        """See that all have money, and hand it over."""
        return self.provide().hand_over()

    def provide(self) -> _Round:
        """Give money to those who have too little, and wait until all have seen the last block.

        Raises:
            FaucetEmpty: there is none to give.
        """
        node, wallets = most_work(self._run), [payer for payer, _ in self._pairs]
        with node.connected():
            poor = [wallet for wallet in wallets if is_poor(wallet)]
            if poor:
                give(node, [str(wallet.rpc("getnewaddress")) for wallet in poor])
            else:
                mine(node)
            height = int(node.rpc("getblockcount"))
        for wallet in wallets:
            self._until(wallet, Probe.READ, partial(_has_read, wallet, height))
        return self

    def hand_over(self) -> _Round:
        """All pay at the same time."""
        secret = self._run.passphrase()

        def pay(pair: _Pair) -> DirectPayment | AxonError:
            try:
                sent = pay_directly(*pair, PAID_SAT, secret, wait_s=0)
                took_s = self._run.wait(
                    partial(_is_taken, pair[0], sent), LIMITS_S[Probe.HAND_OVER], Probe.HAND_OVER
                )
            except (*NO_ANSWER, NotPaid, TooLate) as error:
                return error
            self.result.took(Probe.HAND_OVER, took_s)
            return sent

        for pair, told in zip(self._pairs, self._run.each(self._pairs, pay), strict=True):
            payer, payee = pair
            if isinstance(told, DirectPayment):
                self._handed.append(_Handed(payer, payee, told))
            else:
                self._failed(payer, f"{payee.name} does not take its payment: {told}")
        return self

    def settle(self, limit_s: float) -> None:
        """Have what was handed over mined, and wait until both sides have it settled.

        Args:
            limit_s: until a node has it that nobody but the wallets told.
        """
        node = most_work(self._run)
        with node.connected():
            came = [each for each in self._handed if self._has_come(node, each, limit_s)]
            mine(node)
        for each in came:
            self._until(each.payer, Probe.SETTLE, partial(self._is_settled, each))

    def settled_names(self) -> list[str]:
        """Wallets that call a payment settled."""
        sides = [(w, each.payment) for each in self._handed for w in (each.payer, each.payee)]
        early = [w.name for w, payment in sides if deal_of(w, payment)["stage"] == "settled"]
        return list(dict.fromkeys(early))

    def _has_come(self, node: CheckedNode, each: _Handed, limit_s: float) -> bool:
        try:
            self._run.wait(lambda: _is_at(node, each), limit_s, "it comes to a node")
        except TooLate:
            self._failed(each.payer, f"its payment to {each.payee.name} is not at {node.name}")
            return False
        return True

    def _is_settled(self, each: _Handed) -> bool:
        """Whether both have it in a block, with a receipt."""
        try:
            return all(_is_proved(wallet, each.payment) for wallet in (each.payer, each.payee))
        except NO_ANSWER:
            return False

    def _until(self, wallet: CheckedWallet, probe: Probe, is_done: Callable[[], bool]) -> None:
        try:
            self.result.took(probe, self._run.wait(is_done, LIMITS_S[probe], probe))
        except TooLate:
            self._failed(wallet, f"not {probe} within {LIMITS_S[probe]:g} s")

    def _failed(self, wallet: CheckedWallet, why: str) -> None:
        self.result.failed(wallet.name, self._run.manifest.components[wallet.name].entries, why)


def _is_at(node: CheckedNode, each: _Handed) -> bool:
    """Whether a node has a payment; joined with a coin of the payee it has another name."""
    return knows(node, str(deal_of(each.payer, each.payment)["txid"]))


def _has_read(wallet: CheckedWallet, height: int) -> bool:
    return wallet.scanned()[0] >= height


def _is_taken(payer: CheckedWallet, payment: DirectPayment) -> bool:
    """Whether the payee has accepted it.

    Raises:
        NotPaid: it has refused it.
    """
    deal = deal_of(payer, payment)
    if deal["stage"] in LOST:
        raise NotPaid(str(deal["reason"]))
    return deal["stage"] in TAKEN


def _is_proved(wallet: CheckedWallet, payment: DirectPayment) -> bool:
    deal = deal_of(wallet, payment)
    return deal["stage"] == "settled" and bool(deal["receipt"])
