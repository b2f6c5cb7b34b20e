"""What the users of the network want of it, done by those who want it: the probes of wallets.

A wallet reads its balance as of a new block, pays, and sees the payment confirmed; each of these
has its own deadline. A cold wallet begins with an empty disk and knows what the others know.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from functools import partial
from typing import Final

from axon.errors import AxonError
from axon.machine import SECOND, Instant
from axon.primitives.transaction import COIN
from axon.rpc.client import Unauthorized, Unreachable
from axon.rpc.errors import RpcError
from axon.swarm.invariants import Finding, counted
from axon.swarm.lab.checkedrun import CheckedNode, CheckedRun, CheckedWallet
from axon.swarm.lab.faucet import FAUCET, give, knows, mine
from axon.swarm.lab.manifest import Component, ComponentKind, Manifest
from axon.swarm.lab.plan import plan_wallet
from axon.swarm.lab.processes import NodeFailed, TooLate
from axon.swarm.story.participants import amount_sat

PAID: Final = Decimal("0.001")
"""What a wallet pays, to the faucet."""

ENOUGH_SAT: Final = COIN // 100
"""Who holds less is given some: it may have a fee to pay besides, and further payments to make."""

SPREAD_LIMIT_S: Final = 60.0
"""Until a payment that some node has taken is at the one that mines; nodes hold it back a while."""

NO_ANSWER: Final = (RpcError, Unreachable, Unauthorized)


class Probe(StrEnum):
    """What somebody wants."""

    ASK = "asked"  # A node, by who checks.
    READ = "read"
    COLD = "read from nothing"
    PAY = "paid"
    CONFIRM = "saw it confirmed"
    HAND_OVER = "handed over"
    SETTLE = "settled"


LIMITS_S: Final = {
    Probe.ASK: 5.0,
    Probe.READ: 10.0,
    Probe.COLD: 30.0,
    Probe.PAY: 15.0,
    Probe.CONFIRM: 10.0,
    Probe.HAND_OVER: 20.0,
    Probe.SETTLE: 10.0,
}
"""T_op, by probe. A wallet whose nodes all died dials every few seconds; a node asks a stranger
for a payment two seconds late; a cold wallet has a program to start and a chain to read."""


class Unserved(AxonError):
    """Somebody was not served.

    Args:
        text: who, and what did not come about.
        culprits: nodes that were the only ones they know.
    """

    def __init__(self, text: str, culprits: tuple[str, ...]) -> None:
        super().__init__(text)
        self.culprits = culprits


@dataclass(slots=True)
class ServiceResult:
    """What became of probes.

    Args:
        times_s: the longest time of each probe.
        unserved: who was not served, and what did not come about.
        culprits: nodes that are the only ones somebody unserved knows.
        tried: how many were to be served.
    """

    times_s: dict[Probe, float] = field(default_factory=dict)
    unserved: dict[str, str] = field(default_factory=dict)
    culprits: dict[str, None] = field(default_factory=dict)
    tried: int = 0

    def took(self, probe: Probe, seconds: float) -> None:
        """Somebody had this done in so much time."""
        self.times_s[probe] = max(seconds, self.times_s.get(probe, 0.0))

    def failed(self, name: str, entries: Sequence[str], why: str) -> None:
        """Somebody who knows these nodes was not served."""
        self.unserved[name] = why
        if len(entries) == 1:
            self.culprits[entries[0]] = None

    def add(self, other: ServiceResult) -> None:
        """Count others in."""
        for probe, seconds in other.times_s.items():
            self.took(probe, seconds)
        self.unserved |= other.unserved
        self.culprits |= other.culprits
        self.tried += other.tried

    @property
    def worst(self) -> Probe:
        """The probe that took the largest part of its time."""
        return max(
            self.times_s, key=lambda each: self.times_s[each] / LIMITS_S[each], default=Probe.ASK
        )

    def in_words(self) -> str:
        """The longest times of all probes."""
        return ", ".join(
            f"{probe} in {seconds:.2f} s (limit {LIMITS_S[probe]:g})"
            for probe, seconds in self.times_s.items()
        )

    def finding(self, name: str, who: str) -> Finding:
        """The same as a finding about somebody."""
        if not self.tried:
            return Finding(name, None, f"no {who} could be tried", tried=0)
        said = f"{counted(self.tried, who)}: {self.in_words()}"
        if self.unserved:
            said = "; ".join(f"{name} is not served: {why}" for name, why in self.unserved.items())
        seconds, limit_s = self.times_s.get(self.worst, 0.0), LIMITS_S[self.worst]
        return Finding(
            name,
            not self.unserved and seconds <= limit_s,
            said,
            seconds,
            limit_s,
            culprits=tuple(self.culprits) or tuple(self.unserved),
            tried=self.tried,
        )


def cold_wallets(manifest: Manifest) -> list[Component]:
    """A wallet for each way in which the run's wallets know nodes; none exists yet."""
    ways = dict.fromkeys(item.dials for item in manifest.wallets)
    return [
        plan_wallet(manifest, ComponentKind.COLD, number, None if dials is None else dials[0])
        for number, dials in enumerate(ways, start=1)
    ]


def run_probes(
    run: CheckedRun,
    node: CheckedNode,
    wallets: Sequence[CheckedWallet],
    cold: Sequence[Component] = (),
) -> tuple[ServiceResult, ServiceResult]:
    """Have wallets read, pay and see it confirmed, all side by side.

    Args:
        run: the network.
        node: which finds the blocks for that.
        wallets: that run.
        cold: that are raised for this, and gone afterwards.

    Returns:
        What became of those that ran, and of the cold ones.

    Raises:
        FaucetEmpty: there is no money to give to a wallet that has none.
    """
    with ExitStack() as ends:
        for item in cold:
            run.add(item)
            ends.callback(run.remove, item.name)
        ends.enter_context(node.connected())
        return _ProbeRun(run, node).serve(wallets, [item.name for item in cold])


class _ProbeRun:
    """One round of probes.

    Args:
        run: the network.
        node: finds the blocks; its connection is kept, so only the caller's thread may ask it.
    """

    def __init__(self, run: CheckedRun, node: CheckedNode) -> None:
        self._run = run
        self._node = node
        self._warm, self._cold = ServiceResult(), ServiceResult()
        self._payments: dict[str, str] = {}  # By wallet.

    def serve(
        self, wallets: Sequence[CheckedWallet], cold: Sequence[str]
    ) -> tuple[ServiceResult, ServiceResult]:
        """Serve those that run, and those that do not yet."""
        self._warm.tried = len(wallets)
        height, block = self._new_block(wallets, cold)

        def has_read(wallet: CheckedWallet) -> bool:
            return wallet.scanned()[0] >= height and wallet.rpc("getblockhash", height) == block

        able = self._each(wallets, Probe.READ, self._run.now(), has_read)
        if self._warm.unserved:  # Whoever comes new would wait for the same in vain.
            cold = ()
        self._cold.tried = len(cold)
        begin = self._run.now()
        fresh = self._started(cold)
        able += self._each(
            fresh, Probe.COLD, begin, lambda wallet: has_read(wallet) and not is_poor(wallet)
        )
        begin = self._run.now()
        able = self._each(self._sent(able), Probe.PAY, begin, self._is_taken)
        able = self._spread(able)
        begin = self._run.now()
        mine(self._node)
        self._each(able, Probe.CONFIRM, begin, self._is_confirmed)
        return self._warm, self._cold

    def _result(self, wallet: CheckedWallet) -> ServiceResult:
        is_cold = self._component(wallet).kind is ComponentKind.COLD
        return self._cold if is_cold else self._warm

    def _component(self, wallet: CheckedWallet) -> Component:
        return self._run.manifest.components[wallet.name]

    def _failed(self, wallet: CheckedWallet, why: str) -> None:
        self._result(wallet).failed(wallet.name, self._component(wallet).entries, why)

    def _new_block(self, wallets: Sequence[CheckedWallet], cold: Sequence[str]) -> tuple[int, str]:
        """Have a block found, with money in it for wallets that have none."""
        poor = self._run.each(wallets, partial(_answers, is_poor))
        addresses = [
            str(wallet.rpc("getnewaddress"))
            for wallet, needs_some in zip(wallets, poor, strict=True)
            if needs_some
        ]
        addresses += [self._run.first_address(name) for name in cold]
        if addresses:
            give(self._node, addresses)
        else:
            mine(self._node)
        block = str(self._node.rpc("getbestblockhash"))
        return int(self._node.rpc("getblockheader", block)["height"]), block

    def _started(self, cold: Sequence[str]) -> list[CheckedWallet]:
        """Start cold wallets; those that began."""
        wallets = [self._run.wallet(name) for name in cold]
        try:
            self._run.start(cold)
        except NodeFailed as failure:
            for wallet in wallets:
                self._failed(wallet, str(failure))
            return []
        return [self._run.wallet(name) for name in cold]

    def _each(
        self,
        wallets: Sequence[CheckedWallet],
        probe: Probe,
        begin: Instant,
        is_done: Callable[[CheckedWallet], bool],
    ) -> list[CheckedWallet]:
        """Wait until all have a probe done, side by side; those that have."""

        def outcome(wallet: CheckedWallet) -> float | None:
            try:
                self._run.wait(lambda: _answers(is_done, wallet), LIMITS_S[probe], probe)
            except TooLate:
                return None
            return (self._run.now() - begin) / SECOND

        able = []
        for wallet, seconds in zip(wallets, self._run.each(wallets, outcome), strict=True):
            if seconds is None:
                self._failed(wallet, f"not {probe} within {LIMITS_S[probe]:g} s")
            else:
                self._result(wallet).took(probe, seconds)
                able.append(wallet)
        return able

    def _sent(self, wallets: Sequence[CheckedWallet]) -> list[CheckedWallet]:
        """Have wallets sign a payment and offer it to whatever nodes serve them."""
        passphrase = self._run.passphrase()

        def send(wallet: CheckedWallet) -> str | AxonError:
            try:
                draft = wallet.rpc("draftpayment", {FAUCET.address(): PAID})
                return str(wallet.rpc("sendpayment", draft["psbt"], passphrase)["txid"])
            except NO_ANSWER as error:
                return error

        sent = []
        for wallet, payment in zip(wallets, self._run.each(wallets, send), strict=True):
            if isinstance(payment, str):
                self._payments[wallet.name] = payment
                sent.append(wallet)
            else:
                self._failed(wallet, f"it cannot pay: {payment}")
        return sent

    def _is_taken(self, wallet: CheckedWallet) -> bool:
        """Whether some node has fetched a wallet's payment, or it is in a block already."""
        spread = wallet.rpc("gettransaction", self._payments[wallet.name])["spread"]
        return spread is None or spread["given"] > 0

    def _is_confirmed(self, wallet: CheckedWallet) -> bool:
        payment = self._payments[wallet.name]
        return int(wallet.rpc("gettransaction", payment)["confirmations"]) > 0

    def _spread(self, wallets: Sequence[CheckedWallet]) -> list[CheckedWallet]:
        """Wait until the node that mines has the payments; wallets whose payment came there."""
        came = []
        for wallet in wallets:
            came_here = partial(knows, self._node, self._payments[wallet.name])
            try:
                self._run.wait(came_here, SPREAD_LIMIT_S, "it spreads")
            except TooLate:
                self._failed(wallet, f"its payment is not at {self._node.name}")
            else:
                came.append(wallet)
        return came


def _answers(is_done: Callable[[CheckedWallet], bool], wallet: CheckedWallet) -> bool:
    """Whether it is done; who does not answer now may do so in a moment."""
    try:
        return is_done(wallet)
    except NO_ANSWER:
        return False


def is_poor(wallet: CheckedWallet) -> bool:
    """Whether a wallet holds less than it is to pay, with a fee."""
    return amount_sat(wallet.rpc("getbalance")) < ENOUGH_SAT
